// What became of the requests of a lane, counted: over time, per plan, per key. Floor 4. A key is a row of numbers, so
// that a hundred thousand of them are a few megabytes.

import type { Catalog } from '../core/catalog.ts'
import type { Decision, LimitName, MeteredDecision } from '../core/decision.ts'
import { type Millis, TOKEN } from '../core/units.ts'
import { withoutKeys } from '../core/without-keys.ts'
import type { Lane } from './lane.ts'
import type { Asked, Caller } from './line.ts'
import { Timeline, type TimelineReport } from './timeline.ts'

/** What can become of a request, in the order of every list of counts. `uncovered`: no plan was asked. */
export const OUTCOMES = ['admitted', 'throttled', 'quotaExceeded', 'neverAdmitted', 'uncovered'] as const
export type Outcome = (typeof OUTCOMES)[number]
export type Counts = Readonly<Record<Outcome, number>>

const [ADMITTED, THROTTLED, QUOTA, NEVER, UNCOVERED] = [0, 1, 2, 3, 4]

export function outcomeOf({ kind }: Decision): number {
  switch (kind) {
    case 'allowed':
    case 'open':
      return ADMITTED
    case 'throttled':
      return THROTTLED
    case 'quota-exceeded':
      return QUOTA
    case 'never-admitted':
      return NEVER
    default:
      return UNCOVERED
  }
}

const LIMITS: readonly LimitName[] = ['method', 'plan', 'quota', 'stage', 'account']

/** The numbers of a key, after its counts by outcome. */
const [FIRST_AT, FIRST_BY, QUOTA_AT, QUOTA_WINDOWS, LAST_WINDOW] = [4, 5, 6, 7, 8]
const [SPELL_AT, SPELL_COUNT, BURST_MS, BURST_COUNT, NEWLY, FREED, NEWLY_AT] = [9, 10, 11, 12, 13, 14, 15]
const WIDTH = 16

export interface KeyReport {
  readonly planId: string
  readonly keyId: string
  readonly name: string | null
  readonly customerId: string | null
  readonly admitted: number
  readonly throttled: number
  readonly quotaExceeded: number
  readonly neverAdmitted: number
  /** Of its requests, 0 … 1. */
  readonly refusedShare: number
  /** ms since the Unix epoch, and by which limit; null where it was never refused. */
  readonly firstRefused: { readonly at: Millis; readonly by: LimitName } | null
  /** When its quota first ran out, and in how many windows it did. */
  readonly quotaRanOut: { readonly at: Millis; readonly windows: number } | null
  /** What led to the first throttled request: so many requests, itself among them, in so many ms since the bucket was full. */
  readonly burst: { readonly requests: number; readonly ms: Millis } | null
  /** Against the other catalog: requests that are refused here and were admitted there, and the other way round. */
  readonly newlyRefused: number
  readonly freed: number
  readonly firstNewlyRefused: Millis | null
}

export interface PlanReport extends Counts {
  readonly planId: string
  readonly name: string | null
  /** Keys that asked, and that were refused something. */
  readonly keys: number
  readonly keysRefused: number
  readonly newlyRefused: number
  readonly freed: number
  /** By which limit, of what was refused. */
  readonly limitedBy: Readonly<Partial<Record<LimitName, number>>>
  readonly timeline: TimelineReport
}

/** Requests that no plan covered, or no stage: how many of a kind. */
export interface UncoveredReport {
  readonly kind: 'invalid-api-key' | 'missing-authentication-token' | 'bad-request' | 'store-unavailable'
  readonly reason: string
  /** The key, where one is known; what was asked for, where that was the trouble. */
  readonly what: string | null
  readonly requests: number
}

export interface LaneReport extends Counts {
  readonly requests: number
  readonly newlyRefused: number
  readonly freed: number
  readonly plans: readonly PlanReport[]
  /** Keys that were refused something, or are told something else than by the other catalog; the most refused first. */
  readonly keys: readonly KeyReport[]
  readonly notCovered: readonly UncoveredReport[]
  readonly timeline: TimelineReport
}

/** Kinds of uncovered requests that are told apart; further ones are counted without their path. */
const MOST_KINDS = 1000

class PlanTally {
  readonly planId: string
  readonly counts: Float64Array = new Float64Array(OUTCOMES.length)
  readonly by: Float64Array = new Float64Array(LIMITS.length)
  readonly timeline: Timeline = new Timeline(OUTCOMES.length)
  newly = 0
  freed = 0
  rows: Float64Array = new Float64Array(WIDTH * 64)
  /** The numbers of keys that have a row. */
  readonly keyIds: (string | undefined)[] = []

  constructor(planId: string) {
    this.planId = planId
  }

  /** Where the row of a key begins. */
  row(number: number, keyId: string): number {
    const at = number * WIDTH
    while (at >= this.rows.length) {
      const more = new Float64Array(2 * this.rows.length)
      more.set(this.rows)
      this.rows = more
    }
    while (this.keyIds.length <= number) this.keyIds.push(undefined)
    this.keyIds[number] ??= keyId
    return at
  }
}

export class Tally {
  readonly #lane: Lane
  readonly #counts = new Float64Array(OUTCOMES.length)
  readonly #timeline = new Timeline(OUTCOMES.length)
  readonly #plans = new Map<string, PlanTally>()
  readonly #uncovered = new Map<string, { -readonly [K in keyof UncoveredReport]: UncoveredReport[K] }>()
  #newly = 0
  #freed = 0

  constructor(lane: Lane) {
    this.#lane = lane
  }

  /**
   * Counts a request.
   *
   * @param time when it was first asked
   * @param other what the other catalog said to it; null where there is none
   */
  add(time: Millis, asked: Asked, caller: Caller, decision: Decision, other: Decision | null): void {
    const outcome = outcomeOf(decision)
    this.#counts[outcome]! += 1
    this.#timeline.add(time, outcome)
    const newly = other?.admitted === true && !decision.admitted
    const freed = other?.admitted === false && decision.admitted
    if (newly) this.#newly++
    if (freed) this.#freed++
    if (outcome === UNCOVERED) this.#addUncovered(asked, decision)
    if (!('metered' in decision)) return
    const { plan, keyId } = decision.metered
    if (plan === null || keyId === null) return
    let tally = this.#plans.get(plan.planId)
    if (tally === undefined) this.#plans.set(plan.planId, (tally = new PlanTally(plan.planId)))
    tally.counts[outcome]! += 1
    tally.timeline.add(time, outcome)
    const row = tally.row(this.#lane.numberOf(caller, keyId), keyId)
    const { rows } = tally
    rows[row + outcome]! += 1
    if (newly) {
      tally.newly++
      if (rows[row + NEWLY]!++ === 0) rows[row + NEWLY_AT] = time
    }
    if (freed) {
      tally.freed++
      rows[row + FREED]! += 1
    }
    if (outcome === ADMITTED) follow(rows, row, time, decision)
    else this.#addRefused(tally, row, time, outcome, decision)
  }

  #addRefused(tally: PlanTally, row: number, time: Millis, outcome: number, decision: MeteredDecision): void {
    if (!('limitedBy' in decision)) return
    const { rows } = tally
    const by = LIMITS.indexOf(decision.limitedBy)
    tally.by[by]! += 1
    if (rows[row + THROTTLED]! + rows[row + QUOTA]! + rows[row + NEVER]! === 1) {
      rows[row + FIRST_AT] = time
      rows[row + FIRST_BY] = by
    }
    if (outcome === QUOTA) {
      const window = decision.state?.window ?? 0
      if (rows[row + QUOTA_WINDOWS] === 0) rows[row + QUOTA_AT] = time
      if (rows[row + QUOTA_WINDOWS] === 0 || rows[row + LAST_WINDOW] !== window) {
        rows[row + QUOTA_WINDOWS]! += 1
        rows[row + LAST_WINDOW] = window
      }
    } else if (outcome === THROTTLED && rows[row + BURST_COUNT] === 0) {
      rows[row + BURST_COUNT] = rows[row + SPELL_COUNT]! + 1
      rows[row + BURST_MS] = rows[row + SPELL_COUNT] === 0 ? 0 : time - rows[row + SPELL_AT]!
    }
  }

  #addUncovered(asked: Asked, decision: Decision): void {
    if (!('reason' in decision)) return
    const { kind, reason } = decision
    const keyId = 'keyId' in decision ? decision.keyId : null
    let what = kind === 'invalid-api-key' ? keyId : `${asked.method} ${asked.path}`
    let name = `${reason} ${what}`
    if (!this.#uncovered.has(name) && this.#uncovered.size >= MOST_KINDS) {
      what = null
      name = `${reason} …`
    }
    const known = this.#uncovered.get(name)
    if (known !== undefined) known.requests++
    else this.#uncovered.set(name, { kind, reason, what, requests: 1 })
  }

  report(): LaneReport {
    const { catalog } = this.#lane
    const keys = [...this.#plans.values()].flatMap(plan => [...keysOf(plan, catalog)])
    return {
      ...countsOf(this.#counts),
      requests: this.#counts.reduce((sum, count) => sum + count, 0),
      newlyRefused: this.#newly,
      freed: this.#freed,
      plans: [...this.#plans.values()].map(plan => planReport(plan, catalog)).sort((a, b) => total(b) - total(a)),
      keys: keys
        .filter(key => refusedOf(key) + key.newlyRefused + key.freed > 0)
        .sort((a, b) => b.newlyRefused - a.newlyRefused || refusedOf(b) - refusedOf(a) || b.freed - a.freed),
      notCovered: [...this.#uncovered.values()]
        .map(({ what, ...rest }) => ({ ...rest, what: what && withoutKeys(what, catalog.apiKeys) }))
        .sort((a, b) => b.requests - a.requests),
      timeline: this.#timeline.report(),
    }
  }

  /** Every key that asked, for who wants them all. */
  *keys(): Generator<KeyReport, void, undefined> {
    for (const plan of this.#plans.values()) yield* keysOf(plan, this.#lane.catalog)
  }
}

/** Follows the requests since the bucket was last full: what a refusal will be laid to. */
function follow(rows: Float64Array, row: number, time: Millis, { metered, state }: MeteredDecision): void {
  const bucket = metered.bucket ?? metered.method
  if (bucket === null || state === null) return
  const level = metered.bucket === null ? state.methods.find(({ id }) => id === metered.method?.id)?.level : state.level
  const wasFull = (level ?? 0) + metered.cost * TOKEN >= bucket.capacity
  if (wasFull) rows[row + SPELL_AT] = time
  rows[row + SPELL_COUNT] = wasFull ? 1 : rows[row + SPELL_COUNT]! + 1
}

export function refusedOf(counts: Omit<Counts, 'admitted' | 'uncovered'>): number {
  return counts.throttled + counts.quotaExceeded + counts.neverAdmitted
}

function total(counts: Counts): number {
  return counts.admitted + refusedOf(counts) + counts.uncovered
}

function countsOf(counts: Float64Array): Counts {
  return Object.fromEntries(OUTCOMES.map((outcome, i) => [outcome, counts[i]!])) as Record<Outcome, number>
}

function planReport(plan: PlanTally, { usagePlans }: Catalog): PlanReport {
  let [keys, keysRefused] = [0, 0]
  plan.keyIds.forEach((keyId, number) => {
    if (keyId === undefined) return
    keys++
    const row = plan.rows.subarray(number * WIDTH, (number + 1) * WIDTH)
    if (row[THROTTLED]! + row[QUOTA]! + row[NEVER]! > 0) keysRefused++
  })
  const by = LIMITS.flatMap((name, i) => (plan.by[i] === 0 ? [] : [[name, plan.by[i]!] as const]))
  return {
    planId: plan.planId,
    name: usagePlans.find(({ id }) => id === plan.planId)?.name ?? null,
    ...countsOf(plan.counts),
    keys,
    keysRefused,
    newlyRefused: plan.newly,
    freed: plan.freed,
    limitedBy: Object.fromEntries(by),
    timeline: plan.timeline.report(),
  }
}

function* keysOf({ planId, keyIds, rows }: PlanTally, { apiKeys }: Catalog): Generator<KeyReport, void, undefined> {
  for (let number = 0; number < keyIds.length; number++) {
    const keyId = keyIds[number]
    if (keyId === undefined) continue
    const row = rows.subarray(number * WIDTH, (number + 1) * WIDTH)
    const [admitted, throttled, quotaExceeded, neverAdmitted] = row as unknown as [number, number, number, number]
    const refused = throttled + quotaExceeded + neverAdmitted
    const key = apiKeys.get(keyId)
    yield {
      planId,
      keyId,
      name: key?.name ?? null,
      customerId: key?.customerId ?? null,
      admitted,
      throttled,
      quotaExceeded,
      neverAdmitted,
      refusedShare: refused / (admitted + refused),
      firstRefused: refused === 0 ? null : { at: row[FIRST_AT]!, by: LIMITS[row[FIRST_BY]!]! },
      quotaRanOut: row[QUOTA_WINDOWS] === 0 ? null : { at: row[QUOTA_AT]!, windows: row[QUOTA_WINDOWS]! },
      burst: row[BURST_COUNT] === 0 ? null : { requests: row[BURST_COUNT]!, ms: row[BURST_MS]! },
      newlyRefused: row[NEWLY]!,
      freed: row[FREED]!,
      firstNewlyRefused: row[NEWLY] === 0 ? null : row[NEWLY_AT]!,
    }
  }
}
