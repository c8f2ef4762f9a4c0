// Use kept in Redis, in a real server: days, how long they are kept, and what it costs to keep them.
// test/stores/twin.test.ts compares what is counted with the definition.

import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Allowed } from '../../src/core/decision.ts'
import { StoreError } from '../../src/errors.ts'
import { type RedisOptions, redisStore } from '../../src/stores/redis.ts'
import { DAY, HOUR, indexOf, keyIds, meteredOf, type World } from '../laws/worlds.ts'
import { type RedisServer, redisServer, sendBy } from './redis-server.ts'

let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await redisServer()
  client = server.connect()
})
afterAll(() => server.stop())

let stores = 0
const open = (options: Partial<RedisOptions> = {}) =>
  redisStore({ send: sendBy(client), prefix: `usage-${++stores}:`, clock: 'host', ...options })
const ledger = (): string => `usage-${stores}:usage:{plan/key-0}`
const record = (): string => `usage-${stores}:{plan/key-0}`

const unlimited: World = { override: false, weekStart: 0 }
const ask = (cost = 1, world = unlimited) => meteredOf(indexOf(world), { key: 0, path: '/b', stage: 's', cost })!
const daysOf = async (store: ReturnType<typeof open>, from: number, to: number): Promise<number[][]> =>
  (await store.usage({ planId: 'plan', keyIds, from, to })).map(({ day, used }) => [day / DAY, used])

describe('use in Redis', () => {
  it('is counted on the day of the decision, where days come late as well', async () => {
    const store = open()
    for (const day of [5, 3, 4, 5, 3]) await store.take(ask(), day * DAY)
    expect(await daysOf(store, 0, 9 * DAY)).toEqual([
      [3, 2],
      [4, 1],
      [5, 2],
    ])
    expect(await daysOf(store, 4 * DAY, 5 * DAY)).toEqual([[4, 1]])
    expect(await daysOf(store, 4 * DAY + 1, 5 * DAY + 1)).toEqual([[5, 2]])
    expect(await daysOf(store, 4 * DAY, 4 * DAY)).toEqual([])
  })

  it('is of the day that the record is in, also for a clock that stepped back over midnight', async () => {
    const store = open()
    const end = 20_000 * DAY
    await store.take(ask(), end - 1)
    const taken = (await store.take(ask(4), end)) as Allowed
    // The record's time does not go back, so this one is of the new day too.
    expect((await store.take(ask(2), end - HOUR)).at).toBe(end)
    expect(await client.hgetall(ledger())).toEqual({ 19999: '1', 20000: '6' })
    await store.giveBack(taken, end + 150 * DAY)
    expect(await daysOf(store, end - DAY, end + DAY)).toEqual([
      [19999, 1],
      [20000, 2],
    ])
  })

  it('goes by the server’s clock where decisions do', async () => {
    const store = open({ clock: 'server' })
    const { at } = await store.take(ask(), Date.now() + DAY / 2)
    await store.take(ask(), Date.now() - DAY / 2)
    expect(await daysOf(store, at - DAY, at + DAY)).toEqual([[Math.floor(at / DAY), 2]])
  })

  it('is given back down to nothing, and not where there is none', async () => {
    const store = open()
    const taken = (await store.take(ask(3), 0)) as Allowed
    await client.hset(ledger(), '0', 2)
    await store.giveBack(taken, 0)
    expect(await client.hget(ledger(), '0')).toBe('0')
    expect(await daysOf(store, 0, DAY)).toEqual([])
    await client.del(ledger())
    await store.giveBack(taken, 0)
    expect(await client.exists(ledger())).toBe(0)
  })

  it('is kept for 400 days, and older ones go as new ones come', async () => {
    const store = open()
    for (let day = 0; day < 420; day++) await store.take(ask(), day * DAY)
    expect((await daysOf(store, -1e16, 1e16)).map(([day]) => day)).toEqual(
      Array.from({ length: 401 }, (_, i) => 19 + i),
    )
    expect(await client.hlen(ledger())).toBe(401)
  })

  it('goes 400 days after the last day it has, whatever became of its expiry', async () => {
    const store = open()
    const kept = async (): Promise<number> => (await client.pttl(ledger())) / DAY
    await store.take(ask(), 0)
    expect(await kept()).toBeGreaterThan(400.9)
    expect(await kept()).toBeLessThanOrEqual(401)
    await client.persist(ledger())
    await store.take(ask(), DAY)
    expect(await kept()).toBeGreaterThan(400.9)
  })

  it.each([
    ['another type', (name: string) => client.set(name, 'x')],
    ['no number', (name: string) => client.hset(name, '0', 'x')],
  ])('is not counted where its hash holds %s, and then nothing is charged', async (_, spoil) => {
    const store = open()
    await spoil(ledger())
    const failure = await store.take(ask(), 0).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(StoreError)
    expect(failure).toMatchObject({ executed: 'no' })
    expect(await client.exists(record())).toBe(0)
    await expect(store.usage({ planId: 'plan', keyIds, from: 0, to: DAY })).rejects.toBeInstanceOf(StoreError)
  })

  it('is not kept of what costs nothing, is refused, looked at, or has no key', async () => {
    const store = open()
    const spent: World = { ...unlimited, quota: { limit: 1, period: 'DAY', offset: 0 } }
    await store.take(ask(0), 0)
    await store.peek(ask(), 0)
    expect((await store.take(ask(2, spent), 0)).admitted).toBe(false)
    expect(await client.keys(`usage-${stores}:usage*`)).toEqual([])
  })

  it('can be left out', async () => {
    const store = open({ usage: false })
    const taken = (await store.take(ask(), 0)) as Allowed
    await store.giveBack(taken, 0)
    expect(await store.usage({ planId: 'plan', keyIds, from: 0, to: DAY })).toEqual([])
    expect(await client.keys(`usage-${stores}:*`)).toEqual([record()])
  })

  it('is asked of many keys in few calls', async () => {
    const calls: string[][] = []
    const send = (args: string[]) => {
      calls.push(args)
      return sendBy(client)(args)
    }
    const store = open({ send })
    await store.take(ask(), 0)
    calls.length = 0
    const many = Array.from({ length: 64 }, (_, i) => `key-${i}`)
    expect(await store.usage({ planId: 'plan', keyIds: many, from: 0, to: 400 * DAY })).toEqual([
      { keyId: 'key-0', day: 0, used: 1 },
    ])
    expect(calls.filter(([name]) => name === 'EVALSHA').length).toBe(2)
  })

  it('is small: a day of a busy key in 120 bytes, 400 of them in 4.5 kB', async () => {
    const store = open()
    await store.take(ask(1_000_000), 20_000 * DAY)
    expect(await client.memory('USAGE', ledger())).toBeLessThanOrEqual(120)
    for (let day = 20_001; day < 20_400; day++) await store.take(ask(1_000_000), day * DAY)
    expect(await client.memory('USAGE', ledger())).toBeLessThanOrEqual(4500)
  })
})
