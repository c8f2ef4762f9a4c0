// A fuzzer of raw requests against a gateway and its upstream, in this process: npm run fuzz -- --seconds 30 [--seed N].
// What it holds, after every batch: all connections ended in well-formed answers or a close, within a deadline; without a
// valid key nothing reached a handler that needs one; what was charged is what was admitted, and what was served of it is
// what reached the upstream; nothing was thrown that nobody caught.

import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { parseArgs } from 'node:util'
import type { Answered } from '../../../src/cli/serve/access-log.ts'
import { createGateway } from '../../../src/cli/serve/gateway.ts'
import { type CatalogDocument, catalogOf, createGate } from '../../../src/index.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { answersIn } from './answers.ts'
import { spellings } from './spellings.ts'

const KEY = 'fuzz-key-000000000000000001'
const BATCH = 96
const DEADLINE = 5_000

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' }, batch: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
const seconds = Number(values.seconds)
if (!Number.isInteger(seed) || !(seconds > 0)) {
  console.error('usage: npm run fuzz -- [--seconds N] [--seed N] [--batch N]: with a seed, the same requests again')
  process.exit(2)
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

let random = randomOf(seed)
const below = (n: number): number => Math.floor(random() * n)
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T
const chance = (p: number): boolean => random() < p

// No HEAD: whether an answer has a body could not be told from its bytes.
const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PRI',
  'FOO',
  'get',
  'M-SEARCH',
]
const TARGETS = [
  ...[
    '/a',
    '/a',
    '/a/b?c=d',
    '/',
    '/open/a',
    '/open/../a',
    '/open/%2e%2e/a',
    '/%61',
    '/a%2fb',
    '//a',
    '/a\\b',
    '/a#b',
    '*',
    'a',
  ],
  ...[
    'http://localhost/a',
    'http://h@x/a',
    'http:///a',
    'https://localhost',
    '/open/..;/a',
    '/OPEN/a',
    '/%6fpen/a',
    '/a%00',
    '/\u00e9',
  ],
]
const TRICKS = [
  ...[
    'Content-Length: 5',
    'Content-Length: 0',
    'Content-Length: 5, 5',
    'Content-Length: +5',
    'Content-Length: -1',
    'Content-Length: 0x5',
  ],
  ...[
    'Content-Length : 5',
    'Content-Length: 99999999999999999999',
    'Content_Length: 5',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
  ],
  ...[
    'Transfer-Encoding: identity',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding:\tchunked',
    'Transfer_Encoding: chunked',
  ],
  ...[
    'Expect: 100-continue',
    'Expect: nothing',
    'Connection: close',
    'Connection: keep-alive',
    'Connection: x-api-key',
    'Connection: Upgrade\r\nUpgrade: websocket',
  ],
  ...[
    'Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
    'Host: other',
    'Host:',
    'Host: a b',
    'Host: x/y',
    'TE: trailers',
    'Trailer: x-api-key',
  ],
  ...[
    'X-Tollgate-Key-Id: forged',
    'x_tollgate_key_id: forged',
    'X-Forwarded-For: 1.2.3.4',
    ' folded: yes',
    'X-A: a\rb',
    'X-A: \0',
    'X-A: \xff',
    ': empty',
    'no colon',
  ],
  ...[
    'X-HTTP-Method-Override: GET',
    '__proto__: x',
    'constructor: x',
    'Upgrade: websocket',
    `X-Long: ${'a'.repeat(9000)}`,
    `X-Long: ${'a'.repeat(20_000)}`,
  ],
]
const WRONG_KEYS = [
  '',
  'x-api-key:',
  'x-api-key: unknown-key-00000000001',
  'x-api-key: null',
  `x-api-key: ${KEY.slice(0, -1)}`,
  `x-api-key: ${KEY}x`,
]
const CHUNKS = [
  '5\r\nhello\r\n',
  '5\r\nhello\r\n',
  '5;a=b\r\nhello\r\n',
  '0\r\n\r\n',
  '0\r\n\r\n',
  '0\r\nx-api-key: a\r\n\r\n',
  '05\r\nhello\r\n',
]
const BAD_CHUNKS = [
  '5\r\nhel',
  'zz\r\n',
  '-1\r\n\r\n',
  '5 \r\nhello\r\n',
  '5\nhello\n',
  'fffffffffffffffff\r\n',
  '5\r\nhelloo\r\n',
  '\r\n',
]

/** Told apart from every other connection's: twice, so that no one mutation makes it another's. */
const targetOf = (tag: string): string => `/a?c=${tag}&d=${tag}`

/** A request, more or less. */
function request(isKeyed: boolean, tag: string): string {
  // Half of them are as they should be: what is odd has to stand beside what is not.
  const isPlain = chance(0.5)
  const version = isPlain || chance(0.9) ? 'HTTP/1.1' : pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'HTTP', ''])
  const lines = [
    `${isPlain ? pick(['GET', 'POST']) : pick(METHODS)} ${isPlain ? targetOf(tag) : pick(TARGETS)} ${version}`,
  ]
  if (isPlain || chance(0.9)) lines.push('Host: localhost')
  const key = isKeyed && (isPlain || chance(0.9)) ? `x-api-key: ${KEY}` : pick(WRONG_KEYS)
  if (key !== '') lines.push(key)
  for (let i = isPlain ? 0 : below(3); i > 0; i--) lines.splice(1 + below(lines.length), 0, pick(TRICKS))
  let body = ''
  const framing = below(10)
  if (framing < 3) {
    lines.push('Content-Length: 5')
    body = 'hello'
  } else if (framing < 5) {
    lines.push('Transfer-Encoding: chunked')
    body =
      Array.from({ length: 1 + below(3) }, () => pick(isPlain || chance(0.8) ? CHUNKS : BAD_CHUNKS)).join('') +
      (chance(0.7) ? '0\r\n\r\n' : '')
  }
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/** Bytes flipped, inserted, dropped, doubled. */
function mutated(bytes: Buffer): Buffer {
  const at = below(bytes.length)
  const to = Math.min(bytes.length, at + below(40))
  switch (below(6)) {
    case 0: {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] as number) ^ (1 << below(8))
      return copy
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)])
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)])
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(pick(['\r\n', '\n', '\r', ' ', '\0', '\r\n\r\n', ':'])),
        bytes.subarray(at),
      ])
    default:
      return bytes.subarray(0, at)
  }
}

/** What one connection sends, in the pieces it is sent in. */
function script(isKeyed: boolean, tag: string): Buffer[] {
  let bytes = Buffer.from(Array.from({ length: 1 + below(4) }, () => request(isKeyed, tag)).join(''), 'latin1')
  for (let i = chance(0.5) ? below(4) : 0; i > 0 && bytes.length > 0; i--) bytes = mutated(bytes) as Buffer<ArrayBuffer>
  // A mutation may mend what was broken on purpose.
  if (!isKeyed && bytes.includes(`${KEY}\r`)) return script(isKeyed, tag)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const to = chance(0.6) ? bytes.length : at + 1 + below(bytes.length - at)
    pieces.push(bytes.subarray(at, to))
    at = to
  }
  return pieces
}

interface Played {
  readonly problem: string | null
  /** How many answers 200 came. */
  readonly served: number
  readonly got: string
  /** Whether the other side closed, having sent all it had to. */
  readonly isWhole: boolean
}

/** Sends a script and reads what comes until the end, which it asks for when nothing moves. */
function played(port: number, pieces: readonly Buffer[]): Promise<Played> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const parts: Buffer[] = []
    let how: 'end' | 'reset' = 'reset'
    const late = setTimeout(() => {
      socket.destroy()
      resolve({
        problem: `it neither answered nor closed within ${DEADLINE} ms`,
        served: 0,
        got: shown(parts),
        isWhole: false,
      })
    }, DEADLINE)
    let quiet: NodeJS.Timeout | undefined
    let gaveUp = false
    const moved = (): void => {
      clearTimeout(quiet)
      quiet = setTimeout(() => {
        gaveUp = true
        socket.end()
      }, 200)
    }
    let next = 0
    const go = (): void => {
      if (next >= pieces.length || socket.destroyed) return
      socket.write(pieces[next++] as Buffer)
      moved()
      setImmediate(go)
    }
    socket
      .on('connect', go)
      .on('error', () => {})
      .on('end', () => (how = 'end'))
    socket.on('data', part => {
      parts.push(part)
      moved()
    })
    socket.on('close', () => {
      clearTimeout(late)
      clearTimeout(quiet)
      const bytes = Buffer.concat(parts)
      try {
        const answers = answersIn(bytes, [], how === 'end')
        const statuses = answers.map(({ status }) => status)
        const isWhole = how === 'end' && !gaveUp && answers.every(({ complete }) => complete)
        const served = statuses.filter(status => status === 200).length
        const leaks = spellings(KEY).some(spelling => bytes.includes(spelling))
        const problem = statuses.includes(500)
          ? 'it answered 500'
          : leaks
            ? 'it answered with the value of the key'
            : null
        resolve({ problem, served, got: shown(parts), isWhole })
      } catch (error) {
        // What was cut off by a reset may be cut anywhere.
        const problem = `${(error as Error).message}, in ${JSON.stringify(bytes.toString('latin1'))}`
        resolve({ problem: how === 'reset' ? null : problem, served: 0, got: shown(parts), isWhole: false })
      }
    })
  })
}

const reached = { keyed: 0, nobody: 0 }
const answered: Answered[] = []
const store = memoryStore()
const upstream = createServer((request, response) => {
  const names = Object.keys(request.headers).filter(name => /^x.tollgate.key.id$/.test(name))
  if (names.length === 1 && request.headers['x-tollgate-key-id'] === 'k1') reached.keyed++
  else if (names.length > 0 || !request.url?.startsWith('/open/')) reached.nobody++
  const early = (request.url?.length ?? 0) % 2 === 0
  const answer = (): void => {
    response.writeHead(200, { 'Content-Type': 'text/plain' })
    response.write('ser')
    response.end('ved')
  }
  if (early) answer()
  request.resume().on('error', () => {})
  if (!early) request.on('end', answer)
})
const methods: NonNullable<CatalogDocument['apis']>[number]['methods'] = [
  { path: '/', httpMethod: 'ANY', apiKeyRequired: true },
  { path: '/{proxy+}', httpMethod: 'ANY', apiKeyRequired: true },
  { path: '/open/{proxy+}', httpMethod: 'ANY' },
]
const catalog = catalogOf({
  apis: [{ id: 'a', methods, stages: [{ stageName: 's' }] }],
  basePathMappings: [{ apiId: 'a', stage: 's' }],
  usagePlans: [{ id: 'p', apiStages: [{ apiId: 'a', stage: 's' }], quota: { limit: 1_000_000_000, period: 'MONTH' } }],
  apiKeys: [{ id: 'k1', value: KEY, usagePlanIds: ['p'] }],
})

const failures: string[] = []
process.on('uncaughtException', error => failures.push(`thrown: ${error.stack}`))
process.on('unhandledRejection', error => failures.push(`rejected: ${(error as Error)?.stack ?? error}`))
process.on('warning', warning => failures.push(`warned: ${warning.message}`))

await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
const gateway = createGateway({
  gate: createGate({ catalog, store }),
  upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
  style: 'standard',
  dryRun: false,
  keepKey: false,
  trustForwarded: false,
  stripBasePath: false,
  tls: null,
  upstreamTimeout: 1_000,
  upstreamConnections: 32,
  maxBody: 10_000,
  maxHeaders: 16_384,
  headersTimeout: 1_000,
  requestTimeout: 2_000,
  idleTimeout: 2_000,
  onAnswered: answer => answered.push(answer),
  onError: error => {
    if (spellings(KEY).some(spelling => String((error as Error)?.stack ?? error).includes(spelling)))
      failures.push('an error holds the value of the key')
  },
})
await new Promise<void>(resolve => gateway.server.listen(0, '127.0.0.1', resolve))
const { port } = gateway.server.address() as AddressInfo

/** The pieces of a script, long runs of one letter cut short. */
function shown(pieces: readonly Buffer[]): string {
  return JSON.stringify(pieces.map(piece => piece.toString('latin1').replace(/a{99,}/g, run => `<${run.length} × a>`)))
}

function charged(): number {
  return store.snapshot().records.find(([, id]) => id === 'k1')?.[2][4] ?? 0
}

const GOOD = Buffer.from(`GET /a HTTP/1.1\r\nHost: localhost\r\nx-api-key: ${KEY}\r\nConnection: close\r\n\r\n`)
const only = values.batch === undefined ? null : Number(values.batch)
const began = Date.now()
let sent = 0
const total = { admitted: 0, served: 0 }

for (let batch = only ?? 0; Date.now() - began < seconds * 1000; batch++) {
  random = randomOf((seed + batch * 7919) | 0)
  const isKeyed = batch % 2 === 1
  const scripts = Array.from({ length: BATCH }, (_, i) => script(isKeyed, `${batch}.${i}`))
  const before = charged()
  answered.length = 0
  const outcomes = await Promise.all(scripts.map(pieces => played(port, pieces)))
  const until = Date.now() + DEADLINE
  while (gateway.pending > 0 && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 5))
  sent += BATCH

  const allowed = answered.filter(({ decision }) => decision?.kind === 'allowed')
  const took = charged() - before
  total.admitted += allowed.length
  total.served += allowed.filter(({ status }) => status === 200).length
  outcomes.forEach(({ problem, served, got, isWhole }, i) => {
    const told = answered.filter(
      ({ target, status, cut }) => status === 200 && !cut && target === targetOf(`${batch}.${i}`),
    ).length
    const lost = isWhole && served < told ? `${told} were served, ${served} arrived` : null
    const failure = problem ?? lost
    if (failure !== null) failures.push(`${failure}\n  sent: ${shown(scripts[i] ?? [])}\n  got: ${got}`)
  })
  if (gateway.pending > 0) failures.push(`${gateway.pending} are still under way`)
  if (took !== allowed.length) failures.push(`${took} were charged, ${allowed.length} admitted`)
  // Over all batches: what its client has left may reach the upstream a moment later, and be aborted there.
  if (reached.keyed > total.admitted || reached.keyed < total.served)
    failures.push(`${reached.keyed} reached the upstream, of ${total.admitted} admitted and ${total.served} served`)
  if (reached.nobody > 0) failures.push(`${reached.nobody} reached a handler that needs a key, with none`)
  if (!isKeyed && took > 0) failures.push(`${took} were charged without a valid key`)
  if (batch % 16 === 15) {
    const outcome = await played(port, [GOOD])
    total.admitted++
    total.served++
    if (outcome.served !== 1) failures.push(`a plain request is not served any more: ${outcome.problem}`)
  }
  if (failures.length > 0) {
    console.error(`fuzz: batch ${batch} of seed ${seed}\n${failures.join('\n')}`)
    console.error(`again: npm run fuzz -- --seed ${seed} --batch ${batch}`)
    if (!failures.some(failure => failure.includes('sent: '))) {
      for (const pieces of scripts) console.error(`  sent: ${shown(pieces)}`)
    }
    process.exit(1)
  }
  if (only !== null) break
}
console.log(
  `fuzz: ${sent} connections, ${total.admitted} requests admitted, ${total.served} served, seed ${seed}: all as it should be`,
)
process.exit(0)
