// The store that never forgets, which the laws try everything on.

export { type PlainStore, plainStore } from '../../src/stores/plain.ts'
