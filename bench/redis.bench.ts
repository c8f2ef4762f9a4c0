// Takes a second of a real Redis on this machine, each request on its own and those of a tick together, beside a peer.
// Needs redis-server in the path; the peer, if it was installed: npm install --prefix bench/peers.

import type { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { Metered } from '../src/core/limits.ts'
import { catalogOf, compile, resolve } from '../src/index.ts'
import { type RedisOptions, redisStore } from '../src/stores/redis.ts'
import { redisServer, sendBy } from '../test/stores/redis-server.ts'
import { peersInstalled, requirePeer } from './peers.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'

// Short and many: a shared machine slows for seconds at a time.
const ROUNDS = quick ? 1 : 11
const MS = quick ? 50 : 200
const KEYS = 1000
const IN_FLIGHT = [1, 64, 256]

/** One request of the key, measured; resolves to whether it was admitted. */
type Ask = (key: number) => Promise<boolean>

interface Task {
  readonly name: string
  readonly ask: Ask
}

interface Sample {
  readonly perSecond: number
  /** Processor time per request: the server's, and this process's. Others on the machine hardly change them. */
  readonly serverMicros: number
  readonly clientMicros: number
}

/** Three limits: the method's throttle, the plan's, and a quota. Roomy, so that each is admitted and written. */
function metered(): readonly Metered[] {
  const ids = Array.from({ length: KEYS }, (_, i) => `k${(100_000_000 + i).toString(36)}`)
  const roomy = { rateLimit: 1_000_000, burstLimit: 1_000_000 }
  const catalog = catalogOf({
    apis: [
      {
        id: 'api',
        methods: [{ path: '/pets', httpMethod: 'GET', apiKeyRequired: true }],
        stages: [{ stageName: 'prod' }],
      },
    ],
    usagePlans: [
      {
        id: 'p4qx7a',
        throttle: roomy,
        quota: { limit: 2_000_000_000, period: 'MONTH' },
        apiStages: [{ apiId: 'api', stage: 'prod', throttle: { '/pets/GET': roomy } }],
      },
    ],
    apiKeys: ids.map(id => ({ id, value: `value-of-the-key-${id}-of-20`, usagePlanIds: ['p4qx7a'] })),
  })
  const index = compile(catalog)
  return ids.map(id => {
    const found = resolve(index, { method: 'GET', path: '/pets', apiKey: `value-of-the-key-${id}-of-20` })
    if ('kind' in found) throw new Error(`bench: ${found.kind}`)
    return found
  })
}

const requests = metered()

function ours(name: string, options: RedisOptions): Task {
  const store = redisStore(options)
  return { name, ask: async key => (await store.take(requests[key]!, Date.now())).admitted }
}

function peers(storeClient: object): Task[] {
  if (!peersInstalled()) return []
  const { RateLimiterRedis } = requirePeer('rate-limiter-flexible')
  const limiter = new RateLimiterRedis({ storeClient, points: 2_000_000_000, duration: 3600, keyPrefix: 'peer' })
  return [
    {
      name: 'rate-limiter-flexible, one limit',
      ask: async key => (await limiter.consume(`k${key}`)).consumedPoints > 0,
    },
  ]
}

/** A closed loop: so many asks at any time, each followed by the next, for so long. */
async function sample({ name, ask }: Task, inFlight: number, server: Redis, ms: number): Promise<Sample> {
  let asked = 0
  const serverBefore = await cpuOf(server)
  const clientBefore = process.cpuUsage()
  const start = performance.now()
  const until = start + ms
  const loop = async (at: number): Promise<void> => {
    for (let key = at; performance.now() < until; key = (key + inFlight) % KEYS) {
      if (!(await ask(key))) throw new Error(`${name}: refused`)
      asked++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, i) => loop(i)))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(clientBefore)
  const serverMicros = ((await cpuOf(server)) - serverBefore) / asked
  return { perSecond: asked / seconds, serverMicros, clientMicros: (user + system) / asked }
}

/** Microseconds of processor time since the server began. */
async function cpuOf(server: Redis): Promise<number> {
  const info = await server.info('cpu')
  const of = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1])
  return (of('used_cpu_user') + of('used_cpu_sys')) * 1e6
}

const server = await redisServer()
const io = server.connect()
const node = createClient({ socket: { host: '127.0.0.1', port: server.port } })
await node.connect()
const sendNode = (args: string[]): Promise<unknown> => node.sendCommand(args)

const tasks: Task[] = [
  ours('ioredis, each on its own', { send: sendBy(io), batch: 1, prefix: 'a:' }),
  ours('ioredis, a tick in a call', { send: sendBy(io), prefix: 'b:' }),
  ours('ioredis, a tick, no use kept', { send: sendBy(io), prefix: 'e:', usage: false }),
  ours('node-redis, each on its own', { send: sendNode, batch: 1, prefix: 'c:' }),
  ours('node-redis, a tick in a call', { send: sendNode, prefix: 'd:' }),
  ...peers(io),
]

for (const inFlight of IN_FLIGHT) {
  const samples = tasks.map((): Sample[] => [])
  for (let round = -1; round < ROUNDS; round++) {
    for (let turn = 0; turn < tasks.length; turn++) {
      const i = (turn + round + 1) % tasks.length
      const seen = await sample(tasks[i]!, inFlight, io, MS)
      if (round >= 0) samples[i]!.push(seen)
    }
  }
  const first = samples[0]!
  for (const [i, { name }] of tasks.entries()) {
    const own = samples[i]!
    const of = (value: (sample: Sample, round: number) => number, q = 0.5): number => quantile(own.map(value), q)
    const ratioOf = ({ perSecond }: Sample, round: number): number => perSecond / first[round]!.perSecond
    report({
      bench: 'redis',
      group: `${inFlight} in flight`,
      name,
      'takes/s': of(({ perSecond }) => perSecond),
      ratio: of(ratioOf),
      low: of(ratioOf, 0.25),
      high: of(ratioOf, 0.75),
      'server µs': of(({ serverMicros }) => serverMicros),
      'client µs': of(({ clientMicros }) => clientMicros),
    })
  }
}

const bytes = await io.memory('USAGE', `b:{p4qx7a/${requests[0]!.keyId}}`)
const plain = redisStore({ send: sendBy(io), prefix: 'tollgate:' })
await plain.take({ ...requests[0]!, method: null }, Date.now())
const without = await io.memory('USAGE', `tollgate:{p4qx7a/${requests[0]!.keyId}}`)
const memory = { bench: 'redis', group: 'MEMORY USAGE of a key' }
report({ ...memory, name: 'bucket and quota', bytes: without ?? Number.NaN })
report({ ...memory, name: 'with a method’s bucket', bytes: bytes ?? Number.NaN })

node.destroy()
await server.stop()
