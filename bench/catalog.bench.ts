// What a catalog of a million keys costs: to check, to compile, to edit, and to put in force while requests are answered.

import { type Catalog, check, compile, createGate, type Gate, isFault, putApiKeys } from '../src/index.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'
import { documentOf, KeyValues, keysAsked, requestOf } from './scene.ts'

const COUNT = quick ? 20_000 : 1_000_000
const GROUP = quick ? `${COUNT} keys` : '1 000 000 keys'
const ROUNDS = quick ? 2 : 3

const keys = new KeyValues(COUNT, 3)
const document = documentOf(keys, 'roomy')

function elapsed(run: () => unknown): number {
  const began = performance.now()
  run()
  return performance.now() - began
}

function checked(): Catalog {
  const found = check(document)
  if (!found.ok) throw new Error(found.issues[0]?.message)
  return found.catalog
}

function row(name: string, ms: readonly number[], longestWait: number): void {
  report({
    bench: 'catalog',
    group: GROUP,
    name,
    'median ms': quantile(ms, 0.5),
    'worst ms': quantile(ms, 1),
    // Nobody waits where nothing is served.
    'longest wait ms': longestWait,
  })
}

/** The longest that a request has waited for its turn while `run` ran, with one after another being asked. */
async function whileServing(gate: Gate, run: () => void): Promise<{ readonly ms: number; readonly wait: number }> {
  const next = keysAsked(COUNT, false)
  let wait = 0
  let last = performance.now()
  let ms = 0
  for (let turn = 0; turn < 400; turn++) {
    await new Promise(resolve => setImmediate(resolve))
    if (turn === 200) ms = elapsed(run)
    if (!gate.admit(requestOf(keys, next())).admitted) throw new Error('catalog: refused')
    const now = performance.now()
    // Before the run it is warmed up and not counted.
    if (turn >= 200) wait = Math.max(wait, now - last)
    last = now
  }
  return { ms, wait }
}

const times: Record<'check' | 'compile' | 'both' | 'replace', { ms: number; wait: number }[]> = {
  check: [],
  compile: [],
  both: [],
  replace: [],
}
let catalog = checked()
for (let round = 0; round < ROUNDS; round++) {
  const before = catalog
  const checking = elapsed(() => (catalog = checked()))
  if (catalog.apiKeys.size !== COUNT) throw new Error('catalog: not as it was written')
  times.check.push({ ms: checking, wait: checking })
  const gate = createGate({ catalog: before })
  const compiling = elapsed(() => compile(catalog))
  times.compile.push({ ms: compiling, wait: compiling })
  const { ms, wait } = await whileServing(gate, () => gate.replace(catalog))
  if (gate.catalog !== catalog) throw new Error('catalog: not in force')
  times.replace.push({ ms, wait })
  times.both.push({ ms: checking + ms, wait: checking + wait })
}
const names = { check: 'check', compile: 'compile', replace: 'replace by a fresh one', both: 'check, and replace' }
for (const [kind, name] of Object.entries(names)) {
  const seen = times[kind as keyof typeof times]
  row(
    name,
    seen.map(({ ms }) => ms),
    Math.max(...seen.map(({ wait }) => wait)),
  )
}

// One key after another is disabled or enabled; the gate goes on with the new catalog.
const gate = createGate({ catalog })
const next = keysAsked(COUNT, false)
const edits = Array.from({ length: quick ? 500 : 5000 }, () => {
  const key = gate.catalog.apiKeys.get(`key-${next()}`)!
  const ms = elapsed(() => {
    const edited = putApiKeys(gate.catalog, [{ ...key, enabled: !key.enabled }])
    if (isFault(edited)) throw new Error(edited.message)
    gate.replace(edited)
  })
  if (gate.catalog.apiKeys.get(key.id)?.enabled === key.enabled) throw new Error('catalog: the edit is not in force')
  return ms
})
row('edit of one key, replace', edits, quantile(edits, 1))
