// Heap bytes of a catalog's key, and of a key in use beyond that. Needs --expose-gc, which scripts/bench.mjs gives.

import { createGate, memoryStore } from '../src/index.ts'
import { catalogOf, KeyValues, requestOf } from './scene.ts'

const COUNT = process.argv.includes('--quick') ? 200_000 : 1_000_000

/**
 * What is held once everything is collected that can be. Between turns of the event loop, since a frame that is still
 * on the stack keeps what it has long done with; until two readings agree, since one collection leaves work to the next.
 */
async function held(): Promise<number> {
  let last = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    gc?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const now = heapUsed + arrayBuffers
    if (Math.abs(last - now) < 10_000) return now
    last = now
  }
  throw new Error('memory: the heap does not come to rest')
}

/** In a function of its own: nothing of it is on the stack when the heap is read. */
function useAll(): void {
  for (let i = 0; i < COUNT; i++) gate.admit(requestOf(keys, i))
  if (store.size !== COUNT) throw new Error(`${store.size} records for ${COUNT} keys`)
}

const keys = new KeyValues(COUNT, 1)
const empty = await held()
const store = memoryStore()
const gate = createGate({ catalog: catalogOf(keys, 'roomy'), store })
const idle = await held()
useAll()
const active = await held()
if (active <= idle || idle <= empty) throw new Error('memory: nothing grew, so nothing was measured')

const perKey = { catalog: Math.round((idle - empty) / COUNT), active: Math.round((active - idle) / COUNT) }
if (process.argv.includes('--json')) console.log(JSON.stringify({ bench: 'memory', keys: COUNT, ...perKey }))
else {
  console.log(`\nbytes per key, ${COUNT} keys`)
  console.log(`  ${'in the catalog (value, id, two tables)'.padEnd(40)}${String(perKey.catalog).padStart(8)}`)
  console.log(`  ${'in use, beyond that (plan, method, quota)'.padEnd(40)}${String(perKey.active).padStart(8)}`)
}
