// A live gateway under every feature, its catalog edited while it runs, and its own access log replayed: what was said then
// is what is said now, request by request. The test runs some of it, `npm run replay:engine` a million.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Catalog } from '../../src/core/catalog.ts'
import { catalogOf } from '../../src/core/check.ts'
import type { Decision } from '../../src/core/decision.ts'
import { eventsOf, type LogEvent } from '../../src/replay/events.ts'
import { type ReplayEdit, replay } from '../../src/replay/replay.ts'

const KEYS = 60
const valueOfKey = (i: number): string => `engine-key-value-number-${String(i).padStart(6, '0')}`

/** The nth state of the catalog: its limits move, plans and stages swap keys, a method comes and goes. */
export function documentAt(n: number): object {
  const method = (httpMethod: string, path: string, apiKeyRequired = true) => ({ httpMethod, path, apiKeyRequired })
  const throttle = (rateLimit: number, burstLimit: number) => ({ rateLimit, burstLimit })
  const pets = [
    method('GET', '/pets'),
    method('ANY', '/pets/{petId}'),
    method('POST', '/pets'),
    method('GET', '/', false),
  ]
  return {
    version: `v${n}`,
    semantics: { methodThrottle: n % 3 === 2 ? 'override' : 'additional' },
    account: n % 2 === 0 ? { throttleSettings: throttle(2000, 200) } : {},
    apis: [
      {
        id: 'pets',
        methods: n % 4 === 3 ? pets : [...pets, method('GET', '/photos/{rest+}')],
        stages: [
          {
            stageName: 'prod',
            methodSettings: { 'pets/POST': { throttlingRateLimit: 50 + n, throttlingBurstLimit: 20 } },
          },
          { stageName: 'beta' },
        ],
      },
      {
        id: 'orders',
        methods: [method('GET', '/orders'), method('GET', '/open', false)],
        stages: [{ stageName: 'prod' }],
      },
    ],
    basePathMappings: [
      { basePath: 'v1', apiId: 'pets', stage: 'prod' },
      { basePath: 'beta', apiId: 'pets', stage: 'beta' },
      { domainName: 'orders.example', apiId: 'orders', stage: 'prod' },
    ],
    usagePlans: [
      {
        id: 'free',
        apiStages: [{ apiId: 'pets', stage: 'prod', throttle: { '/pets/GET': throttle(3 + n, 5) } }],
        throttle: throttle(8, 10 + n),
        quota: { limit: 5 + 3 * n, period: 'DAY' },
      },
      {
        id: 'pro',
        apiStages: [
          { apiId: 'pets', stage: 'prod', throttle: { '/pets/POST': throttle(0.5, 4) } },
          { apiId: 'orders', stage: 'prod' },
        ],
        throttle: throttle(40, 30),
        quota: { limit: 100 + 40 * n, period: n % 2 === 0 ? 'WEEK' : 'MONTH' },
      },
      { id: 'beta', apiStages: [{ apiId: 'pets', stage: 'beta' }] },
    ],
    apiKeys: Array.from({ length: KEYS }, (_, i) => ({
      id: `key${i}`,
      value: valueOfKey(i),
      enabled: (i + n) % 17 !== 0,
      usagePlanIds: i % 5 === 0 ? [(i / 5 + n) % 2 === 0 ? 'free' : 'pro', 'beta'] : [i % 3 === 0 ? 'free' : 'pro'],
    })),
  }
}

const TARGETS = [
  ...['GET /v1/pets', 'GET /v1/pets?q=1', 'POST /v1/pets', 'PUT /v1/pets/7', 'GET /v1/pets/8', 'HEAD /v1/pets/9'],
  ...[
    'GET /beta/pets',
    'GET /v1/',
    'GET /v1/photos/a/b',
    'GET /v1/%70ets',
    'GET /v1/PETS',
    'GET /v1/../x',
    'GET /nowhere',
  ],
  ...['GET http://orders.example/orders', 'GET http://orders.example/open', 'TRACE /v1/pets'],
]

/** A request as bytes, by a number that says all of it. */
function requestAt(i: number): string {
  // Some keys often and some seldom; of whom and what, neither says anything of the other.
  const mixed = Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ (i >>> 7), 0x85ebca6b) >>> 0
  const key = Math.floor(((mixed % 1009) / 1009) ** 2 * (KEYS + 3))
  const target = TARGETS[(mixed >>> 12) % TARGETS.length] as string
  const said = [`x-api-key: ${valueOfKey(key)}\r\n`, '', 'x-api-key: short\r\n'][
    key < KEYS + 1 ? 0 : key - KEYS
  ] as string
  const host = i % 11 === 0 ? 'orders.example' : 'api.example'
  const [method, path] = target.split(' ') as [string, string]
  return `${method} ${i % 11 === 0 && path.startsWith('/v1/pets') ? '/orders' : path} HTTP/1.1\r\nhost: ${host}\r\n${said}\r\n`
}

export interface Told {
  readonly requests: number
  /** Catalogs that decided at least one of them. */
  readonly versions: number
  /** How many of each kind of decision. */
  readonly kinds: Readonly<Record<string, number>>
  /** The first few that differ, in words; none. */
  readonly differences: readonly string[]
}

export interface Engine {
  /** The command as one file. */
  readonly command: string
  readonly folder: string
  readonly requests: number
  /** How often the catalog is replaced meanwhile. */
  readonly edits: number
  readonly onProgress?: (done: number) => void
}

/** Runs a gateway, asks it, ends it, and replays its log. */
export async function engine({ command, folder, requests, edits, onProgress = () => {} }: Engine): Promise<Told> {
  const [catalogFile, log] = [join(folder, 'catalog.json'), join(folder, 'access.ndjson')]
  const catalogs = new Map<string, Catalog>()
  const publish = (n: number): void => {
    const document = documentAt(n)
    catalogs.set(`v${n}`, catalogOf(document as Parameters<typeof catalogOf>[0]))
    // As editors save: written beside it, then put in its place.
    writeFileSync(`${catalogFile}.new`, JSON.stringify(document))
    renameSync(`${catalogFile}.new`, catalogFile)
  }
  publish(0)
  const options = [
    '--catalog',
    catalogFile,
    '--upstream',
    'demo',
    '--port',
    '0',
    '--store',
    'memory',
    '--access-log',
    log,
    '--quiet',
  ]
  const gateway = spawn(process.execPath, [command, 'serve', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(gateway, 'close')
  try {
    const port = await portOf(gateway)
    const per = Math.ceil(requests / (edits + 1))
    for (let n = 0; n <= edits; n++) {
      // Saved under way: some of these are judged by the one before.
      if (n > 0) publish(n)
      const from = n * per
      const to = Math.min(requests, from + per)
      await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(lane => ask(port, from, to, lane, 8, () => onProgress(from))))
    }
  } finally {
    gateway.kill('SIGTERM')
    await ended
  }
  return replayed(log, catalogs)
}

async function portOf(gateway: ChildProcess): Promise<number> {
  let said = ''
  gateway.stderr?.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    gateway.stderr?.on('data', (text: string) => {
      said += text
      const [, port] = /127\.0\.0\.1:(\d+) →/.exec(said) ?? []
      if (port !== undefined) resolve(Number(port))
    })
    gateway.once('close', () => reject(new Error(`the gateway ended, having said:\n${said}`)))
  })
}

const PIPELINED = 32

/** Asks every `lanes`th of the requests, some at a time on one connection. */
async function ask(
  port: number,
  from: number,
  to: number,
  lane: number,
  lanes: number,
  told: () => void,
): Promise<void> {
  const mine = Array.from({ length: Math.ceil((to - from - lane) / lanes) }, (_, i) => from + lane + i * lanes)
  let next = 0
  while (next < mine.length) {
    const socket = connect(port, '127.0.0.1')
    const closed = once(socket, 'close')
    socket.on('error', () => {})
    socket.setEncoding('latin1')
    let owed = 0
    let tail = ''
    const more = (): void => {
      const batch = mine.slice(next, next + PIPELINED)
      next += batch.length
      owed = batch.length
      if (batch.length === 0) socket.end()
      else socket.write(batch.map(requestAt).join(''))
      told()
    }
    socket.on('data', (text: unknown) => {
      const seen = tail + String(text)
      owed -= (seen.match(/HTTP\/1\.1 [2-5]\d\d /g) ?? []).length
      tail = seen.slice(-11).replace(/HTTP\/1\.1 [2-5]\d\d .*/s, '')
      if (owed <= 0) more()
    })
    socket.once('connect', more)
    // One that the gateway closes, as it does after what is no request, is followed by another.
    await closed
  }
}

function* chunksOf(file: string): Generator<Uint8Array> {
  const descriptor = openSync(file, 'r')
  try {
    for (;;) {
      const chunk = new Uint8Array(1 << 18)
      const read = readSync(descriptor, chunk)
      if (read === 0) return
      yield chunk.subarray(0, read)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Replays a log under the catalogs that it names, and compares. */
export function replayed(log: string, catalogs: ReadonlyMap<string, Catalog>): Told {
  const versions = new Set<string>()
  function* events(): Generator<LogEvent | ReplayEdit> {
    let version = 'v0'
    for (const event of eventsOf(chunksOf(log))) {
      const named = event.said?.version
      if (named && named !== version) yield { catalog: catalogs.get(named) as Catalog }
      version = named ?? version
      versions.add(version)
      yield event
    }
  }
  const kinds: Record<string, number> = {}
  const differences: string[] = []
  let requests = 0
  for (const { event, decision } of replay(catalogs.get('v0') as Catalog, events())) {
    requests++
    kinds[decision.kind] = (kinds[decision.kind] ?? 0) + 1
    const now = `${decision.kind} ${whyOf(decision)}`
    const then = `${event.said?.kind} ${event.said?.why ?? ''}`
    if (now !== then && differences.length < 10) {
      differences.push(
        `${event.time} ${event.method} ${event.path} by ${event.keyId ?? 'nobody'}: was ${then}, is ${now}`,
      )
    }
  }
  return { requests, versions: versions.size, kinds, differences }
}

function whyOf(decision: Decision): string {
  return 'limitedBy' in decision ? decision.limitedBy : 'reason' in decision ? decision.reason : ''
}
