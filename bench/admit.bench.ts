// ns per decision of the whole gate, beside the least a counter per key can cost. README.md says how to read it.

import { cpus } from 'node:os'
import { check } from '../src/core/check.ts'
import type { ApiRequest } from '../src/core/resolve.ts'
import type { State } from '../src/core/state.ts'
import { type Catalog, compile, createGate, decide, isFault, type Metered, putApiKeys, resolve } from '../src/index.ts'
import { type Effort, quantile, type Task, type Timing, timeGroup } from './rounds.ts'
import { catalogOf, documentOf, KeyValues, type PlanName, randomOf, requestOf } from './scene.ts'

const quick = process.argv.includes('--quick')
const json = process.argv.includes('--json')

const BATCH = 1024
const EFFORT: Effort = quick ? { rounds: 5, samples: 100, batch: BATCH } : { rounds: 21, samples: 200, batch: BATCH }

/** The requests of one sample, drawn anew for each. */
class Draw {
  readonly requests: ApiRequest[] = new Array(BATCH)
  readonly prepare: () => void

  /** @param from the keys the requests come with  @param active of how many of them */
  constructor(from: KeyValues, active: number, mapped = false) {
    const random = randomOf(active)
    this.prepare = () => {
      for (let i = 0; i < BATCH; i++) this.requests[i] = requestOf(from, random() % active, mapped)
    }
  }
}

/** The limit: find the key, and count one for it. No decision, no clock, no answer. */
function limitTask(keys: KeyValues, active: number): Task {
  const slots = new Map<string, number>()
  for (let i = 0; i < keys.count; i++) slots.set(keys.fresh(i), i)
  const counts = new Float64Array(keys.count)
  const { requests, prepare } = new Draw(keys, active)
  const run = (): number => {
    let found = 0
    for (let i = 0; i < BATCH; i++) {
      const slot = slots.get(requests[i]!.apiKey!)
      if (slot === undefined) continue
      counts[slot] = counts[slot]! + 1
      found++
    }
    return found
  }
  return { name: 'limit: Map.get + Float64Array', prepare, run, expect: BATCH }
}

interface Scene {
  readonly name: string
  readonly catalog: Catalog
  readonly from: KeyValues
  readonly active: number
  readonly mapped?: boolean
  readonly kind?: string
}

function admitTask({ name, catalog, from, active, mapped = false, kind = 'allowed' }: Scene): Task {
  const gate = createGate({ catalog })
  // Every key has a record, and the plans for refusals have given what they have.
  for (let i = 0; i < active; i++) gate.admit(requestOf(from, i, mapped))
  const { requests, prepare } = new Draw(from, active, mapped)
  const run = (): number => {
    let expected = 0
    for (let i = 0; i < BATCH; i++) if (gate.admit(requests[i]!).kind === kind) expected++
    return expected
  }
  return { name, prepare, run, expect: BATCH }
}

/** `decide` on a record at hand: no lookup, no clock, nothing written. */
function decideTask(catalog: Catalog, keys: KeyValues): Task {
  const metered = resolve(compile(catalog), requestOf(keys, 0)) as Metered
  let now = Date.now()
  let state: State | null = null
  const run = (): number => {
    let admitted = 0
    for (let i = 0; i < BATCH; i++) {
      const decision = decide(metered, state, now)
      state = decision.state
      if (decision.admitted) admitted++
    }
    return admitted
  }
  return { name: 'decide alone', prepare: () => void (now = Date.now()), run, expect: BATCH }
}

/** Before anything is timed: the gate says what `decide` says over records in a plain Map, and the counts come out. */
function verify(): void {
  const keys = new KeyValues(50, 1)
  const expected: Record<PlanName, Record<string, number>> = {
    roomy: { allowed: 5000 },
    slow: { allowed: 50, throttled: 4950 },
    spent: { allowed: 50, 'quota-exceeded': 4950 },
  }
  for (const plan of Object.keys(expected) as PlanName[]) {
    for (const mapped of [false, true]) {
      const catalog = catalogOf(keys, plan, mapped)
      const index = compile(catalog)
      let now = Date.UTC(2024, 1, 10)
      const gate = createGate({ catalog, clock: () => now })
      const states = new Map<string, State>()
      const counts: Record<string, number> = {}
      for (let i = 0; i < 5000; i++, now += i % 3) {
        const request = requestOf(keys, i % 50, mapped)
        const decision = gate.admit(request)
        const metered = resolve(index, request) as Metered
        const reference = decide(metered, states.get(metered.keyId!) ?? null, now)
        if (reference.changed) states.set(metered.keyId!, reference.state!)
        same(JSON.stringify(decision), JSON.stringify(reference), `request ${i} of plan ${plan}`)
        counts[decision.kind] = (counts[decision.kind] ?? 0) + 1
      }
      same(JSON.stringify(counts), JSON.stringify(expected[plan]), `the counts of plan ${plan}`)
    }
  }
  const gate = createGate({ catalog: catalogOf(keys, 'roomy') })
  same(gate.admit(requestOf(new KeyValues(1, 2), 0)).kind, 'invalid-api-key', 'an unknown key')
}

function same(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, where decide says ${expected}`)
}

function print(title: string, timings: readonly Timing[]): void {
  if (json) {
    for (const { name, ns, ratio, spread } of timings) {
      console.log(
        JSON.stringify({
          bench: 'admit',
          group: title,
          name,
          ns: round(ns),
          ratio: round(ratio),
          spread: spread.map(round),
        }),
      )
    }
    return
  }
  console.log(`\n${title.padEnd(42)}${'ns'.padStart(8)}${'ratio'.padStart(8)}   spread`)
  for (const { name, ns, ratio, spread } of timings) {
    const [low, high] = spread
    console.log(
      `  ${name.padEnd(40)}${ns.toFixed(0).padStart(8)}${ratio.toFixed(2).padStart(8)}   ${low.toFixed(2)} … ${high.toFixed(2)}`,
    )
  }
}

function printTimes(title: string, times: Readonly<Record<string, number>>): void {
  if (json) {
    console.log(JSON.stringify({ bench: 'admit', group: title, ...times }))
    return
  }
  console.log(`\n${title}`)
  for (const [name, value] of Object.entries(times))
    console.log(`  ${name.padEnd(40)}${String(round(value)).padStart(8)}`)
}

function round(n: number): number {
  return Number(n.toPrecision(3))
}

function few(): void {
  const keys = new KeyValues(10_000, 1)
  const strangers = new KeyValues(10_000, 2)
  const catalog = catalogOf(keys, 'roomy')
  const mapped = catalogOf(keys, 'roomy', true)
  for (const [active, label] of [
    [1, '1 key'],
    [64, '64 keys'],
    [10_000, '10 000 keys'],
  ] as const) {
    const tasks = [
      limitTask(keys, active),
      admitTask({ name: 'admit, the only stage', catalog, from: keys, active }),
      admitTask({ name: 'admit, host and base path', catalog: mapped, from: keys, active, mapped: true }),
    ]
    if (active === 10_000) {
      tasks.push(
        admitTask({ name: 'throttled', catalog: catalogOf(keys, 'slow'), from: keys, active, kind: 'throttled' }),
        admitTask({
          name: 'quota exceeded',
          catalog: catalogOf(keys, 'spent'),
          from: keys,
          active,
          kind: 'quota-exceeded',
        }),
        admitTask({ name: 'unknown key', catalog, from: strangers, active, kind: 'invalid-api-key' }),
        decideTask(catalog, keys),
      )
    }
    print(label, timeGroup(tasks, EFFORT))
  }
}

function many(): void {
  const count = 1_000_000
  const keys = new KeyValues(count, 3)
  const document = documentOf(keys, 'roomy')
  const began = performance.now()
  const checked = check(document)
  const checkMs = performance.now() - began
  if (!checked.ok) throw new Error(checked.issues[0]?.message)
  const { catalog } = checked
  const compileMs = Array.from({ length: 21 }, () => elapsed(() => compile(catalog)))

  const tasks = [
    limitTask(keys, count),
    admitTask({ name: 'admit, the only stage', catalog, from: keys, active: count }),
  ]
  print('1 000 000 keys', timeGroup(tasks, EFFORT))

  // One key after another is disabled; the gate goes on with the new catalog.
  const gate = createGate({ catalog })
  const random = randomOf(4)
  const edits = Array.from({ length: quick ? 1000 : 5000 }, () => {
    const key = gate.catalog.apiKeys.get(`key-${random() % count}`)!
    return elapsed(() => {
      const edited = putApiKeys(gate.catalog, [{ ...key, enabled: !key.enabled }])
      if (isFault(edited)) throw new Error(edited.message)
      gate.replace(edited)
    })
  })
  printTimes('a catalog of 1 000 000 keys', {
    'check, ms': checkMs,
    'compile, ms, median': quantile(compileMs, 0.5),
    'edit of one key, µs, median': quantile(edits, 0.5) * 1000,
    'edit of one key, µs, worst': quantile(edits, 1) * 1000,
  })
}

function elapsed(run: () => void): number {
  const began = performance.now()
  run()
  return performance.now() - began
}

if (!json) {
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}; ${EFFORT.rounds} rounds of ${EFFORT.samples} × ${BATCH}`,
  )
}
verify()
few()
many()
