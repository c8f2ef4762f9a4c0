// The memory store keeps the contract, and so does the store that never forgets, which the contract compares with.

import { describe, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { plainStore, storeContract } from '../../src/testing.ts'

describe.each<[string, () => Store]>([
  ['memoryStore', () => memoryStore()],
  ['plainStore', () => plainStore()],
])('%s', (_, makeStore) => {
  it.each(storeContract.filter(({ needs }) => !needs?.includes('usage')))('$name', ({ run }) => run(makeStore))
})
