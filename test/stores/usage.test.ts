// Use kept around a store in memory: the contract, 400 days, and what is kept restored elsewhere.

import { describe, expect, it } from 'vitest'
import { StateError } from '../../src/core/state.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import type { Store, UsageQuery } from '../../src/stores/store.ts'
import { withUsage } from '../../src/stores/usage.ts'
import { storeContract } from '../../src/testing.ts'
import { DAY, indexOf, keyIds, meteredOf } from '../laws/worlds.ts'
import { opened } from './files.ts'

const index = indexOf({ override: false, weekStart: 0 })
const ask = (key: 0 | 1 = 0) => meteredOf(index, { key, path: '/b', stage: 's', cost: 1 })!

describe('withUsage', () => {
  it.each([...storeContract])('$name', ({ run }) => run(() => withUsage(memoryStore())))

  it('forgets a day after 400, of keys that are no longer used as well', () => {
    const store = withUsage(memoryStore())
    store.take(ask(1), 0)
    for (let day = 0; day < 1000; day++) store.take(ask(), day * DAY)
    const [only, ...others] = store.usageSnapshot().usage
    expect(others).toEqual([])
    expect(only?.length).toBeLessThanOrEqual(2 + 402)
    expect(store.usage({ planId: 'plan', keyIds, from: 600 * DAY, to: 1000 * DAY }).length).toBe(400)
  })

  it('counts a day that came late in its place', () => {
    const store = withUsage(memoryStore())
    for (const day of [5, 3, 4, 5, 3]) store.take(ask(), day * DAY)
    const days = store.usage({ planId: 'plan', keyIds, from: 0, to: 9 * DAY }).map(({ day, used }) => [day / DAY, used])
    // The record's time never goes back by less than an hour; by more it does.
    expect(days).toEqual([
      [3, 2],
      [4, 1],
      [5, 2],
    ])
  })

  it('goes on elsewhere from its snapshot, and takes no other thing for one', () => {
    const store = withUsage(memoryStore())
    store.take(ask(), 0)
    store.take(ask(1), DAY)
    const copy = withUsage(memoryStore())
    copy.restoreUsage(JSON.parse(JSON.stringify(store.usageSnapshot())))
    expect(copy.usageSnapshot()).toEqual(store.usageSnapshot())
    for (const broken of [{ version: 2, usage: [] }, { version: 1 }, { version: 1, usage: [['p', 'k', [1, 1.5]]] }]) {
      expect(() => copy.restoreUsage(broken as never)).toThrow(StateError)
    }
    expect(() => copy.restoreUsage(null as never)).toThrow('expected version 1, received null')
    expect(copy.usageSnapshot()).toEqual(store.usageSnapshot())
  })
})

describe.each<[string, () => Store | Promise<Store>]>([
  ['withUsage', () => withUsage(memoryStore())],
  ['sqliteStore', async () => sqliteStore({ database: await opened() })],
  ['sqliteStore, grouped', async () => sqliteStore({ database: await opened(), grouped: true })],
  // It is refused before anything is sent.
  ['redisStore', () => redisStore({ send: () => expect.fail('it was sent') })],
  ['redisStore, without usage', () => redisStore({ send: () => expect.fail('it was sent'), usage: false })],
])('%s, asked for days', (_, makeStore) => {
  it.each<[unknown, unknown, string]>([
    ['2026-01-01', '2026-02-01', 'from: expected ms since the Unix epoch, received a string'],
    [new Date(0), DAY, 'from: expected ms since the Unix epoch, received an instance of a class'],
    [0, Number.NaN, 'to: expected ms since the Unix epoch, received NaN'],
    [0, undefined, 'to: expected ms since the Unix epoch, received nothing'],
  ])('from %s to %s says what is expected', async (from, to, said) => {
    const store = await makeStore()
    const asked = async () => store.usage!({ planId: 'plan', keyIds, from, to } as UsageQuery)
    await expect(asked()).rejects.toThrow(TypeError)
    await expect(asked()).rejects.toThrow(said)
  })
})
