// ns per decision of the whole gate, beside the least a counter per key can cost and beside what peers take to count one.
// README.md says how to read it.

import { canonicalPath } from '../src/core/path.ts'
import { type ApiRequest, route } from '../src/core/resolve.ts'
import type { State } from '../src/core/state.ts'
import { compile, createGate, decide, type Gate, type Metered, resolve } from '../src/index.ts'
import { countingPeers, type Run } from './peers.ts'
import { quick, report } from './report.ts'
import { type Effort, type Task, timeGroup } from './rounds.ts'
import { catalogOf, KeyValues, keysAsked, type PlanName, requestOf } from './scene.ts'

const BATCH = 1024
const EFFORT: Effort = quick ? { rounds: 2, samples: 5, batch: BATCH } : { rounds: 11, samples: 40, batch: BATCH }
/** A million keys take longer, and vary less. */
const SHORT: Effort = quick ? EFFORT : { rounds: 9, samples: 20, batch: BATCH }
const SIZES = quick ? [1, 10_000, 20_000] : [1, 10_000, 1_000_000]

/** As one who judges a tick of requests says it once: what the limit has no need of, and peers ask the platform for. */
const INSTANT = Date.UTC(2026, 10, 24)

/** What a sample asks, drawn anew for each. */
type Draw = (requests: ApiRequest[]) => void

/** Strings as a server makes them, none seen before. */
function fresh(from: KeyValues, next: () => number, mapped = false): Draw {
  return requests => {
    for (let i = 0; i < BATCH; i++) requests[i] = requestOf(from, next(), mapped)
  }
}

/** The same strings again and again: what a loop without a server measures. */
function cached(kept: readonly ApiRequest[], next: () => number): Draw {
  return requests => {
    for (let i = 0; i < BATCH; i++) requests[i] = kept[next()]!
  }
}

function task(name: string, run: Run, draw: Draw): Task {
  const requests: ApiRequest[] = new Array(BATCH)
  return { name, prepare: () => draw(requests), run: () => run(requests), expect: BATCH }
}

/** The limit: find the key, and count one for it. No decision, no clock, no answer. */
function limit(keys: KeyValues): Run {
  const slots = new Map<string, number>()
  for (let i = 0; i < keys.count; i++) slots.set(keys.fresh(i), i)
  const counts = new Float64Array(keys.count)
  return requests => {
    let found = 0
    for (let i = 0; i < requests.length; i++) {
      const slot = slots.get(requests[i]!.apiKey!)
      if (slot === undefined) continue
      counts[slot] = counts[slot]! + 1
      found++
    }
    return found
  }
}

function admit(gate: Gate): Run {
  return requests => {
    let admitted = 0
    for (let i = 0; i < requests.length; i++) if (gate.admit(requests[i]!).admitted) admitted++
    return admitted
  }
}

/** A gate that refuses, each for this reason. */
function refuse(gate: Gate, kind: string): Run {
  return requests => {
    let refused = 0
    for (let i = 0; i < requests.length; i++) if (gate.admit(requests[i]!).kind === kind) refused++
    return refused
  }
}

/** A gate whose keys all have a record, and whose plans for refusals have given what they have. */
function used(keys: KeyValues, plan: PlanName, mapped = false, clock = Date.now): Gate {
  const gate = createGate({ catalog: catalogOf(keys, plan, mapped), clock })
  for (let i = 0; i < keys.count; i++) gate.admit(requestOf(keys, i, mapped))
  return gate
}

/** `decide` on a record at hand: no lookup, no clock, nothing written. */
function decideAlone(keys: KeyValues): Run {
  const metered = resolve(compile(catalogOf(keys, 'roomy')), requestOf(keys, 0)) as Metered
  let now = Date.now()
  let state: State | null = null
  return requests => {
    let admitted = 0
    now = Date.now()
    for (let i = 0; i < requests.length; i++) {
      const decision = decide(metered, state, now)
      state = decision.state
      if (decision.admitted) admitted++
    }
    return admitted
  }
}

/** What `admit` is made of, each by itself: together they are less, since in between somebody has to collect. */
async function pieces(): Promise<void> {
  const keys = new KeyValues(1, 3)
  const index = compile(catalogOf(keys, 'roomy'))
  const next = keysAsked(1, false)
  const each = (name: string, isDone: (request: ApiRequest) => boolean): Task => {
    const run = (requests: readonly ApiRequest[]): number => {
      let done = 0
      for (let i = 0; i < requests.length; i++) if (isDone(requests[i]!)) done++
      return done
    }
    return task(name, run, fresh(keys, next))
  }
  await time('1 key, what admit is made of', [
    task('limit: Map.get + Float64Array', limit(keys), fresh(keys, next)),
    each('the clock', () => Date.now() > 0),
    each('the canonical path', ({ path }) => canonicalPath(path) !== null),
    each('its route', request => route(index, request).kind === 'route'),
    each('the key', ({ apiKey }) => index.apiKeys.withValue(apiKey!) !== undefined),
    each('all that it is measured against', request => !('kind' in resolve(index, request))),
    task('admit', admit(used(keys, 'roomy')), fresh(keys, next)),
  ])
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

async function time(group: string, tasks: readonly Task[], effort: Effort = EFFORT): Promise<void> {
  for (const { name, ns, ratio, spread } of await timeGroup(tasks, effort)) {
    report({ bench: 'admit', group, name, ns, ratio, low: spread[0], high: spread[1] })
  }
}

/** The same keys, asked for in four ways, for everybody in turn. */
async function compare(count: number): Promise<void> {
  const keys = new KeyValues(count, 3)
  const runs = new Map<string, Run>([
    ['limit: Map.get + Float64Array', limit(keys)],
    ['admit, four limits', admit(used(keys, 'roomy'))],
    ['admit, the instant given', admit(used(keys, 'roomy', false, () => INSTANT))],
  ])
  for (const [name, make] of peers) {
    const run = make()
    for (let i = 0; i < count; i += BATCH) {
      await run(Array.from({ length: Math.min(BATCH, count - i) }, (_, n) => requestOf(keys, i + n)))
    }
    runs.set(name, run)
  }
  const kept = Array.from({ length: count }, (_, i) => requestOf(keys, i))
  const draws = {
    fresh: (next: () => number) => fresh(keys, next),
    cached: (next: () => number) => cached(kept, next),
  }
  for (const [strings, drawOf] of Object.entries(draws)) {
    for (const zipf of count === 1 ? [false] : [false, true]) {
      const asked = count === 1 ? '1 key' : `${spaced(count)} keys, ${zipf ? 'Zipf' : 'uniform'}`
      await time(
        `${asked}, ${strings} strings`,
        [...runs].map(([name, run]) => task(name, run, drawOf(keysAsked(count, zipf)))),
        count > 10_000 ? SHORT : EFFORT,
      )
    }
  }
}

function spaced(n: number): string {
  return n.toLocaleString('en').replaceAll(',', ' ')
}

/** What other answers cost, and what the way to the stage does. */
async function others(): Promise<void> {
  const keys = new KeyValues(10_000, 1)
  const next = keysAsked(10_000, false)
  const strangers = new KeyValues(10_000, 2)
  const roomy = used(keys, 'roomy')
  await time('10 000 keys, other answers', [
    task('limit: Map.get + Float64Array', limit(keys), fresh(keys, next)),
    task('admit, the only stage', admit(roomy), fresh(keys, next)),
    task('admit, host and base path', admit(used(keys, 'roomy', true)), fresh(keys, next, true)),
    task('throttled', refuse(used(keys, 'slow'), 'throttled'), fresh(keys, next)),
    task('quota exceeded', refuse(used(keys, 'spent'), 'quota-exceeded'), fresh(keys, next)),
    task('unknown key', refuse(roomy, 'invalid-api-key'), fresh(strangers, next)),
    task('decide alone', decideAlone(keys), fresh(keys, next)),
  ])
}

verify()
const peers = await countingPeers()
for (const count of SIZES) await compare(count)
await others()
await pieces()
process.exit(0)
