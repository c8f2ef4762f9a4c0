// Use kept around a store in memory: the contract, 400 days, and what is kept restored elsewhere.

import { describe, expect, it } from 'vitest'
import { StateError } from '../../src/core/state.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { withUsage } from '../../src/stores/usage.ts'
import { storeContract } from '../../src/testing.ts'
import { DAY, indexOf, keyIds, meteredOf } from '../laws/worlds.ts'

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
    expect(copy.usageSnapshot()).toEqual(store.usageSnapshot())
  })
})
