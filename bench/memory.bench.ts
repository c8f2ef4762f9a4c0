// Heap bytes of a catalog's key, and of a key in use beyond that. Needs --expose-gc, which scripts/bench.mjs gives.

import { createGate, memoryStore } from '../src/index.ts'
import { catalogOf, KeyValues, requestOf } from './scene.ts'

const COUNT = process.argv.includes('--quick') ? 100_000 : 1_000_000

function heap(): number {
  for (let i = 0; i < 3; i++) gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const keys = new KeyValues(COUNT, 1)
const empty = heap()
const store = memoryStore()
const gate = createGate({ catalog: catalogOf(keys, 'roomy'), store })
// The first request compiles functions and makes what all keys share.
gate.admit(requestOf(keys, 0))
const idle = heap()
for (let i = 0; i < COUNT; i++) gate.admit(requestOf(keys, i))
const active = heap()
if (store.size !== COUNT) throw new Error(`${store.size} records for ${COUNT} keys`)

const perKey = { catalog: Math.round((idle - empty) / COUNT), active: Math.round((active - idle) / COUNT) }
if (process.argv.includes('--json')) console.log(JSON.stringify({ bench: 'memory', keys: COUNT, ...perKey }))
else {
  console.log(`\nbytes per key, ${COUNT} keys`)
  console.log(`  ${'in the catalog (value, id, two tables)'.padEnd(40)}${String(perKey.catalog).padStart(8)}`)
  console.log(`  ${'in use, beyond that (plan, method, quota)'.padEnd(40)}${String(perKey.active).padStart(8)}`)
}
