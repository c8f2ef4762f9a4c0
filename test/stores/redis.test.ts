// The store over a real Redis: the contract, what goes wrong, and what it costs. test/stores/twin.test.ts has the decisions.

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StoreError } from '../../src/errors.ts'
import { createGate } from '../../src/gate.ts'
import { catalogOf } from '../../src/index.ts'
import { guarded } from '../../src/stores/guarded.ts'
import { type RedisOptions, redisStore } from '../../src/stores/redis.ts'
import { failureOf } from '../../src/stores/redis-errors.ts'
import { storeContract } from '../../src/testing.ts'
import { indexOf, meteredOf, type World } from '../laws/worlds.ts'
import { type RedisServer, redisServer, sendBy } from './redis-server.ts'

let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await redisServer()
  client = server.connect()
})
afterAll(() => server.stop())

let stores = 0
const storeOn = (client: Redis, options: Partial<RedisOptions> = {}) =>
  redisStore({ send: sendBy(client), prefix: `test-${++stores}:`, ...options })

const roomy: World = {
  override: false,
  weekStart: 0,
  plan: { tokens: 1_000_000, ms: 1, burst: 1_000_000 },
  quota: { limit: 1_000_000, period: 'MONTH', offset: 0 },
}
const quotaOf = (limit: number): World => ({
  override: false,
  weekStart: 0,
  quota: { limit, period: 'MONTH', offset: 0 },
})
const account: World = { ...quotaOf(5), account: { tokens: 1, ms: 1, burst: 9 } }
const asked = (world: World, cost = 1) => meteredOf(indexOf(world), { key: 0, path: '/b', stage: 's', cost })!
const other = (world: World, cost = 1) => meteredOf(indexOf(world), { key: 1, path: '/b', stage: 's', cost })!
const used = async (store: ReturnType<typeof storeOn>, world: World = roomy): Promise<number> =>
  (await store.peek(asked(world, 0), Date.now())).state!.used

/** What a promise is rejected with, as far as a caller may rely on it. */
async function failing(
  promise: Promise<unknown>,
): Promise<Pick<StoreError, 'code' | 'transient' | 'executed' | 'message'>> {
  const error = await promise.then(
    () => expect.fail('it was answered'),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(StoreError)
  const { code, transient, executed, message } = error as StoreError
  return { code, transient, executed, message }
}
const notNow = { code: 'STORE_FAILED', transient: true, executed: 'no' }
const notEver = { code: 'STORE_FAILED', transient: false, executed: 'no' }
const unknown = { code: 'STORE_FAILED', transient: true, executed: 'unknown' }

describe('the contract', () => {
  describe.each([1, 32])('in calls of up to %i', batch => {
    it.each([...storeContract])('$name', ({ run }) => run(() => storeOn(client, { clock: 'host', batch })))
  })
  // A refusal by a shared limit leaves the client's record as full as it was, but at a later instant: not for a clock that
  // steps back, as those of the traces do.
  it.each(storeContract.filter(({ name }) => !name.includes('on trace')))(
    'each limit in a call of its own: $name',
    ({ run }) => run(() => storeOn(client, { clock: 'host', cluster: true })),
  )
})

describe('clients', () => {
  it('works over node-redis by one line', async () => {
    const client = createClient({ socket: { host: '127.0.0.1', port: server.port } })
    await client.connect()
    const store = redisStore({ send: args => client.sendCommand(args), prefix: 'node-redis:' })
    const decisions = await Promise.all(Array.from({ length: 20 }, () => store.take(asked(quotaOf(7)), Date.now())))
    expect(decisions.filter(({ admitted }) => admitted).length).toBe(7)
    await store.giveBack(decisions[0] as never, Date.now())
    expect(await used(store as never, quotaOf(7))).toBe(6)
    client.destroy()
  })

  it('refuses options that are none', () => {
    const send = async (): Promise<unknown> => []
    expect(() => redisStore({} as never)).toThrow(TypeError)
    expect(() => redisStore({ send, clock: 'mine' as never })).toThrow(TypeError)
    expect(() => redisStore({ send, batch: 0 })).toThrow(TypeError)
  })
})

describe('batches', () => {
  it('sends the takes of a tick in one call, and answers each on its own', async () => {
    const calls: string[][] = []
    const send = (args: string[]) => {
      calls.push(args)
      return sendBy(client)(args)
    }
    const store = redisStore({ send, prefix: 'batch:' })
    await store.take(asked(roomy), Date.now())
    calls.length = 0
    const decisions = await Promise.all([
      ...Array.from({ length: 10 }, () => store.take(asked(quotaOf(5)), Date.now())),
      ...Array.from({ length: 10 }, () => store.take(other(quotaOf(4), 2), Date.now())),
    ])
    expect(calls.length).toBe(1)
    expect(decisions.map(({ remaining }) => remaining)).toEqual([
      ...[3, 2, 1, 0, 0, 0, 0, 0, 0, 0],
      ...[2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ])
  })

  it('loses none of a batch to the broken record of another', async () => {
    const store = storeOn(client)
    await client.lpush(`test-${stores}:{plan/key-0}`, 'x')
    const all = await Promise.allSettled([
      store.take(asked(roomy), Date.now()),
      store.take(other(roomy), Date.now()),
      store.take(asked(roomy), Date.now()),
      store.take(other(roomy), Date.now()),
    ])
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect((await store.peek(other(roomy, 0), Date.now())).state!.used).toBe(2)
  })
})

describe('names and values', () => {
  it('sends ids and never the value of a key, and no two records have one name', async () => {
    const monitored: string[] = []
    const monitor = await client.monitor()
    monitor.on('monitor', (_: string, args: string[]) => monitored.push(args.join(' ')))
    const value = 'canary-value-that-nobody-else-may-see'
    const catalog = catalogOf({
      account: { throttleSettings: { rateLimit: 1000, burstLimit: 1000 } },
      apis: [
        {
          id: 'a',
          methods: [{ path: '/p/{x}', httpMethod: 'GET', apiKeyRequired: true }],
          stages: [{ stageName: 's' }],
        },
      ],
      usagePlans: [{ id: 'gold', apiStages: [{ apiId: 'a', stage: 's' }], throttle: { rateLimit: 1, burstLimit: 1 } }],
      apiKeys: [{ id: 'k1', value, usagePlanIds: ['gold'] }],
    })
    const gate = createGate<true>({ catalog, store: storeOn(client) })
    for (let i = 0; i < 3; i++) await gate.admit({ method: 'GET', path: '/p/1', apiKey: value })
    await sleep(50)
    monitor.disconnect()
    expect(monitored.length).toBeGreaterThan(2)
    expect(monitored.join('\n')).not.toContain(value)
    const keys = (await client.keys(`test-${stores}:*`)).sort()
    expect(keys).toEqual(['shared:{account}', 'usage:{gold/k1}', '{gold/k1}'].map(name => `test-${stores}:${name}`))
    for (const key of keys) expect(await client.pttl(key)).toBeGreaterThan(0)
  })
})

describe('what goes wrong', () => {
  it('does not read what it did not write, and says so before anything is written', async () => {
    const store = storeOn(client)
    const key = `test-${stores}:{plan/key-0}`
    const shared = `test-${stores}:shared:{account}`
    const world: World = { ...roomy, account: { tokens: 1, ms: 1000, burst: 5 } }
    const pack = (lua: string) => client.eval(`return redis.call('SET', KEYS[1], ${lua})`, 1, key)
    const takes = async () => failing(store.take(asked(world), Date.now()))

    await client.lpush(key, 'x')
    expect(await takes()).toMatchObject({ ...notEver, message: expect.stringContaining('WRONGTYPE') })
    expect(await client.llen(key)).toBe(1)
    await client.del(key)
    for (const record of [
      'cmsgpack.pack({2, 0, 0, 0, 0})',
      "'hello'",
      "''",
      'cmsgpack.pack({1, 0, -1, 0, 0})',
      'cmsgpack.pack({1, 0, 0.5, 0, 0})',
      'cmsgpack.pack({1, 0, 0})',
      "cmsgpack.pack({1, 0, 0, 0, 0, {'m', 1}})",
      'cmsgpack.pack({1, 0, 0, 0, 0, 7})',
      "cmsgpack.pack({1, 'x', 0, 0, 0})",
      'cmsgpack.pack({1, 1/0, 0, 0, 0})',
    ]) {
      await pack(record)
      const before = await client.getBuffer(key)
      expect(await takes(), record).toMatchObject({ ...notEver, message: expect.stringContaining(key) })
      expect(await client.getBuffer(key)).toEqual(before)
      expect(await client.exists(shared)).toBe(0)
    }
    await client.del(key)
    // The client's own record is not charged for a shared one that cannot be read.
    await client.set(shared, 'hello')
    expect(await takes()).toMatchObject(notEver)
    expect(await client.exists(key)).toBe(0)
  })

  it('never takes for an answer what the script did not say', async () => {
    for (const reply of [
      null,
      'OK',
      [],
      ['1', '2'],
      [7],
      [Buffer.from('0')],
      [''],
      ['allowed'],
      ['0 0 0 1 0 0 0 0 0'],
      [[]],
      [[0, 0, 0, 0]],
      [[0, 0, 0, 0, 0, 0]],
      [[0, 0, 0, 0, 0, 0, 0, 1]],
      [[0, 0, 0, 0, 0, 0, 0, 1, 0, 0]],
      [[0, 0, 0, 0, 0, 9, 0, 1, 0]],
      [[0, 0, 0, 0, 0, -1, 0, 1, 0]],
      [[0, 0, 0, 0, Number.NaN]],
      [[0, 0, 0, 0, 0.5]],
      [[0, 0, 0, 0, null]],
      [[0, 0, 0, 0, '']],
      [[0, 0, 0, 0, [0]]],
    ]) {
      const store = redisStore({ send: async () => reply })
      const failure = await failing(store.take(asked(roomy), Date.now()))
      expect(failure).toMatchObject({ code: 'STORE_FAILED', transient: false, executed: 'unknown' })
    }
  })

  it.each([
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    '@user_script: 88: -OOM command not allowed when used memory > maxmemory.',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'CLUSTERDOWN Hash slot not served',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'MOVED 3999 127.0.0.1:6381',
    'ASK 3999 127.0.0.1:6381',
    'MISCONF Redis is configured to save RDB snapshots, but it’s currently unable to persist to disk.',
    'NOAUTH Authentication required.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'NOREPLICAS Not enough good replicas to write.',
    'ERR max number of clients reached',
    'The client is closed',
    "Stream isn't writeable and enableOfflineQueue options is false",
  ])('knows that nothing was charged: %s', message => {
    expect(failureOf(new Error(message))).toMatchObject(notNow)
  })

  it.each(['read ECONNRESET', 'Connection is closed.', 'Socket closed unexpectedly', 'Command timed out'])(
    'does not know whether it was charged: %s',
    message => {
      expect(failureOf(new Error(message))).toMatchObject(unknown)
    },
  )

  it.each<[string, RedisOptions['send']]>([
    // ioredis makes lower case of what it is given for a name: here a list.
    ['thrown at once', args => client.call(args as never)],
    ['rejected with', async args => client.call(args as never)],
    [
      'of a method without its client',
      (
        ({ sendCommand }) =>
        args =>
          sendCommand(args)
      )(createClient()),
    ],
  ])('lets nobody in because of a bug in `send`: %s', async (_, send) => {
    for (const options of [{ batch: 1 }, {}, { cluster: true }]) {
      const guard = guarded(redisStore({ send, ...options }), { onStoreError: 'allow' })
      await expect(guard.take(asked(account), Date.now())).rejects.toThrow(TypeError)
      expect(guard.counts).toMatchObject({ failed: 0, allowed: 0 })
    }
  })

  it('takes it for a bug too where it comes after what the client paid', async () => {
    const send: RedisOptions['send'] = args => {
      if (args[3]!.includes('shared')) throw new RangeError('Invalid array length')
      return sendBy(client)(args)
    }
    const prefix = `test-${++stores}:`
    await expect(redisStore({ send, prefix, cluster: true }).take(asked(account), Date.now())).rejects.toThrow(
      RangeError,
    )
    expect(await used(storeOn(client, { prefix }), account)).toBe(0)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['no answer', response => response.destroy()],
    [
      'half of one',
      response => void response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
    ],
  ])('knows the TypeError of a fetch whose network fails: %s', async (_, answer) => {
    const http = createServer((_, response) => answer(response)).listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port } = http.address() as AddressInfo
    const send: RedisOptions['send'] = async args => {
      const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: JSON.stringify(args) })
      return response.json()
    }
    expect(await failing(redisStore({ send }).take(asked(roomy), Date.now()))).toMatchObject(unknown)
    http.close()
  })

  it('takes what only a person can repair for that', () => {
    const crossslot = failureOf(new Error("CROSSSLOT Keys in request don't hash to the same slot"))
    expect(crossslot).toMatchObject({ ...notEver, message: expect.stringContaining('cluster: true') })
    expect(failureOf(new Error("ERR unknown command 'EVALSHA'"))).toMatchObject({ transient: false })
  })

  it('gives back what the client paid where a shared limit cannot be asked, or says that it may not have', async () => {
    const world = account
    const broken: { says: string; also: boolean } = { says: 'LOADING Redis is loading', also: false }
    const prefix = `test-${++stores}:`
    const send = async (args: string[]): Promise<unknown> => {
      // Shared records cannot be reached; nor, when `also`, anything after them.
      if (args[3]!.includes('shared')) {
        if (broken.also) closed = true
        throw new Error(broken.says)
      }
      if (closed) throw new Error('read ECONNRESET')
      return sendBy(client)(args)
    }
    let closed = false
    const store = redisStore({ send, prefix, cluster: true })
    const counted = () => used(storeOn(client, { prefix }), quotaOf(5))

    expect(await failing(store.take(asked(world), Date.now()))).toMatchObject(notNow)
    expect(await counted()).toBe(0)
    broken.says = 'read ECONNRESET'
    expect(await failing(store.take(asked(world), Date.now()))).toMatchObject(unknown)
    expect(await counted()).toBe(0)
    broken.says = 'LOADING Redis is loading'
    broken.also = true
    expect(await failing(store.take(asked(world), Date.now()))).toMatchObject(unknown)
    expect(await counted()).toBe(1)
  })

  it('says when the clocks are days apart, and charges nothing', async () => {
    const store = storeOn(client)
    const failure = await failing(
      store.take(asked({ ...quotaOf(5), quota: { limit: 5, period: 'DAY', offset: 0 } }), Date.now() + 3 * 86_400_000),
    )
    expect(failure).toMatchObject({ ...notEver, message: expect.stringContaining('clock') })
  })

  it('goes on through SCRIPT FLUSH under load: no error, and each request charged once', async () => {
    const store = storeOn(client, { batch: 8 })
    const admin = server.connect()
    let over = false
    const flushing = (async () => {
      for (let flushes = 0; ; flushes++) {
        if (over) return flushes
        await admin.script('FLUSH')
        await sleep(2)
      }
    })()
    const client64 = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) expect((await store.take(asked(roomy), Date.now())).admitted).toBe(true)
    }
    await Promise.all(Array.from({ length: 64 }, client64))
    over = true
    expect(await flushing).toBeGreaterThan(5)
    expect(await used(store)).toBe(64 * 60)
  })

  it('sends the text of a script once for all that are under way when the server has forgotten it', async () => {
    const sent: string[] = []
    const send = (args: string[]): Promise<unknown> => {
      sent.push(args[0]!)
      return sendBy(client)(args)
    }
    const store = storeOn(client, { send, batch: 1 })
    await client.script('FLUSH')
    await Promise.all(Array.from({ length: 64 }, () => store.take(asked(roomy), Date.now())))
    expect(sent.filter(name => name === 'EVAL').length).toBe(1)
    expect(await used(store)).toBe(64)
  })

  it('sends the text again where the one that was sent is lost, and waits for it no longer', async () => {
    const text: string[] = []
    const send = (args: string[]): Promise<unknown> => {
      if (args[0] === 'EVAL' && text.push(args[1]!) === 1) return new Promise(() => undefined)
      return sendBy(client)(args)
    }
    const store = storeOn(client, { send, batch: 1 })
    await client.script('FLUSH')
    void store.take(asked(roomy), Date.now())
    while (text.length === 0) await sleep(1)
    expect((await store.take(asked(roomy), Date.now())).admitted).toBe(true)
    expect(text.length).toBe(2)
    expect(await used(store)).toBe(1)
  })

  it('is told when memory is full, writes nothing, still refuses, and recovers by itself', async () => {
    const store = storeOn(client)
    const spent = quotaOf(1)
    expect((await store.take(other(spent), Date.now())).admitted).toBe(true)
    await client.config('SET', 'maxmemory', '1')
    const [full, refused] = await Promise.allSettled([
      store.take(asked(roomy), Date.now()),
      store.take(other(spent), Date.now()),
    ])
    expect(full).toMatchObject({ status: 'rejected', reason: notNow })
    expect(refused).toMatchObject({ status: 'fulfilled', value: { kind: 'quota-exceeded' } })
    await client.config('SET', 'maxmemory', '0')
    expect(await client.exists(`test-${stores}:{plan/key-0}`)).toBe(0)
    expect((await store.take(asked(roomy), Date.now())).admitted).toBe(true)
  })

  it('is told that the server is busy with another’s script', async () => {
    const store = storeOn(client)
    await store.take(asked(roomy), Date.now())
    await client.config('SET', 'lua-time-limit', '20')
    const hog = server.connect()
    const hogging = hog.eval('while true do end', 0).catch((error: Error) => error.message)
    await sleep(100)
    expect(await failing(store.take(asked(roomy), Date.now()))).toMatchObject(notNow)
    await server.cli('SCRIPT', 'KILL')
    expect(await hogging).toMatch(/killed/i)
    expect(await used(store)).toBe(1)
  })

  it('is told that it speaks to a replica', async () => {
    const replica = await redisServer('--replicaof', '127.0.0.1', String(server.port))
    const store = storeOn(replica.connect())
    for (let i = 0; !(await replica.cli('INFO', 'replication')).includes('master_link_status:up'); i++) {
      if (i === 200) expect.fail('the replica does not follow')
      await sleep(50)
    }
    expect(await failing(store.take(asked(roomy), Date.now()))).toMatchObject(notNow)
    await replica.stop()
  })
})
