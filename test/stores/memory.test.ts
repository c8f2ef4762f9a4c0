// The memory store keeps the contract, and so does the store that never forgets, which the contract compares with.

import { describe, expect, it } from 'vitest'
import { StateError } from '../../src/core/state.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { plainStore, storeContract } from '../../src/testing.ts'
import { indexOf, meteredOf } from '../laws/worlds.ts'

describe.each<[string, () => Store]>([
  ['memoryStore', () => memoryStore()],
  ['plainStore', () => plainStore()],
])('%s', (_, makeStore) => {
  it.each(storeContract.filter(({ needs }) => !needs?.includes('usage')))('$name', ({ run }) => run(makeStore))
})

it('a copy of a request that was given another key is that key’s', () => {
  const index = indexOf({ override: false, weekStart: 0, plan: { tokens: 1, ms: 1000, burst: 1 } })
  const metered = meteredOf(index, { key: 0, path: '/b', stage: 's', cost: 1 })!
  const store = memoryStore()
  const other = { ...metered, keyId: 'other' }
  expect(store.take(metered, 0).admitted).toBe(true)
  expect(store.take(other, 0).admitted).toBe(true)
  expect(store.take({ ...other }, 0).admitted).toBe(false)
  expect(store.take({ ...metered }, 0).admitted).toBe(false)
  expect(store.snapshot().records.map(([, id]) => id)).toEqual([metered.keyId, 'other'])
})

describe('restore', () => {
  it.each<[unknown, string]>([
    [null, 'snapshot: expected version 1, received null'],
    [undefined, 'snapshot: expected version 1, received undefined'],
    ['{"version":1}', 'snapshot: expected version 1, received string'],
    [{}, 'snapshot: expected version 1, received object'],
    [{ version: 2, records: [], shared: [] }, 'snapshot: expected version 1, received 2'],
    [{ version: 1, records: {}, shared: [] }, 'a broken snapshot: no lists of records'],
    [{ version: 1, records: [['plan', 7, [1, 0, 0, 0, 0]]], shared: [] }, 'a broken snapshot: no lists of records'],
    [{ version: 1, records: [null], shared: [] }, 'a broken snapshot: no lists of records'],
    [{ version: 1, records: [], shared: [[]] }, 'a broken snapshot: no lists of records'],
    [{ version: 1, records: [['plan', 'key', [9]]], shared: [] }, 'state version 9: this release reads version 1'],
  ])('of %j says what came, and changes nothing', (snapshot, said) => {
    const store = memoryStore()
    const before = { version: 1, records: [['plan', 'key', [1, 5, 6, 7, 8]]], shared: [] } as const
    store.restore(before)
    const restore = () => store.restore(snapshot as never)
    expect(restore).toThrow(StateError)
    expect(restore).toThrow(said)
    expect(store.snapshot()).toEqual(before)
  })
})
