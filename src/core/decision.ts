// What can be said to a request. Floor 2: a union on `kind`, refusals among it: they are answers, not exceptions.
// A metered decision carries the record it leaves and computes the rest when asked, so the hot path builds no report.

import { msUntil } from './bucket.ts'
import type { Metered } from './limits.ts'
import { NO_METHODS, type State } from './state.ts'
import { FULL, type Grains, type Millis, TOKEN } from './units.ts'

/** Everything `admit` can answer. `admitted` is true of `allowed` and `open` alone. */
export type Decision = MeteredDecision | StoreUnavailable | Open | Refusal

/** What a store answers: a request was measured against its limits. */
export type MeteredDecision = Allowed | Throttled | QuotaExceeded | NeverAdmitted

/** A request that never met a limit: no clock was read, no store asked, no state made. */
export type Refusal = InvalidApiKey | MissingAuthenticationToken | BadRequest

/** Which limit: the plan's for this method, the plan's, its quota, the stage's for this method, the account's. */
export type LimitName = 'method' | 'plan' | 'quota' | 'stage' | 'account'

/** One limit as a decision found it. */
export interface LimitReport {
  readonly name: LimitName
  /** Tokens the bucket holds when full, or requests of the quota in this window. */
  readonly limit: number
  /** Whole tokens, or requests of the quota, that are left. */
  readonly remaining: number
  /** ms from the decision's `at` until this limit alone admits its cost: 0 when it does, `Infinity` when it never will. */
  readonly retryAfter: Millis
  /** Throttles: tokens per second. */
  readonly rateLimit?: number
  /** Quotas: when the window ends, ms since the Unix epoch. */
  readonly resetAt?: Millis
}

/**
 * The numbers that a request which was admitted leaves in its record, of which `at` is the decision's and the methods are
 * the one that was asked for: nobody may ever ask for the record.
 */
export type Charge = readonly [level: Grains, window: Millis, used: number, methodLevel: Grains]

function isCharge(held: State | Charge | null): held is Charge {
  return Array.isArray(held)
}

/** A request that was measured against its limits. */
class Judged {
  declare readonly kind: 'allowed' | 'throttled' | 'quota-exceeded' | 'never-admitted'
  declare readonly admitted: boolean
  /** The request, with the limits it was measured against. */
  declare readonly metered: Metered
  /** The instant it was judged at: the clock's, or that of the record when the clock is behind it. */
  declare readonly at: Millis
  /** The record, or the numbers of one that was charged where it lies. */
  #state: State | Charge | null
  /** The records of its shared limits after this decision, in the order of `metered.shared`. */
  declare readonly sharedStates: readonly State[]
  /** Whether the records differ from what they were: what a store must write. */
  declare readonly changed: boolean
  /** By how much the clock was behind a record, its own or a shared one, that was set back to it (over an hour), else 0. */
  declare readonly steppedBack: Millis
  /** Decided without the store, which was gone: admitted unmeasured, or measured against this process's share. */
  declare readonly degraded?: 'allow' | 'local'

  /** The first limit that refuses, in the order method, plan, quota, stage, account. */
  declare readonly limitedBy?: LimitName
  /** ms until every limit admits it, nobody else taking: exact, one millisecond earlier it is still refused. */
  declare readonly retryAfter?: Millis

  constructor(
    metered: Metered,
    at: Millis,
    state: State | Charge | null,
    sharedStates: readonly State[],
    changed: boolean,
    steppedBack: Millis,
    limitedBy: LimitName | null,
    retryAfter: Millis,
  ) {
    this.kind =
      limitedBy === null
        ? 'allowed'
        : retryAfter === Infinity
          ? 'never-admitted'
          : limitedBy === 'quota'
            ? 'quota-exceeded'
            : 'throttled'
    this.admitted = limitedBy === null
    this.metered = metered
    this.at = at
    this.#state = state
    this.sharedStates = sharedStates
    this.changed = changed
    this.steppedBack = steppedBack
    if (limitedBy === null) return
    this.limitedBy = limitedBy
    // Where no waiting helps there is no such field.
    if (retryAfter < Infinity) this.retryAfter = retryAfter
  }

  /** The record of its (plan, key) after this decision; null for an open method. */
  get state(): State | null {
    const held = this.#state
    if (!isCharge(held)) return held
    const { method } = this.metered
    const [level, window, used, methodLevel] = held
    const methods = method === null ? NO_METHODS : [{ id: method.id, level: methodLevel, at: this.at }]
    return (this.#state = { at: this.at, level, window, used, methods })
  }
  get version(): string {
    return this.metered.version
  }
  get keyId(): string | null {
    return this.metered.keyId
  }
  get planId(): string | null {
    return this.metered.plan?.planId ?? null
  }
  get cost(): number {
    return this.metered.cost
  }

  /** Whole tokens left in the plan's bucket; null without one. */
  get tokens(): number | null {
    const { bucket } = this.metered
    return bucket === null || this.state === null ? null : wholeTokens(this.state.level)
  }

  /** What is left of the quota and when its window ends (ms since the Unix epoch); null without one. */
  get quota(): {
    readonly limit: number
    readonly used: number
    readonly remaining: number
    readonly resetAt: Millis
  } | null {
    const quota = this.metered.plan?.quota ?? null
    if (quota === null || this.state === null) return null
    const window = quota.windowAt(this.at)
    const limit = quota.limitIn(window)
    const { used } = this.state
    return { limit, used, remaining: Math.max(0, limit - used), resetAt: window.end }
  }

  /** How many more requests of cost 1 to this method this client would be admitted at this very instant. */
  get remaining(): number {
    return this.limits.reduce((least, { remaining }) => Math.min(least, remaining), Infinity)
  }

  /** Every limit that applies, in the order they are reported. */
  get limits(): LimitReport[] {
    const { method, bucket, shared, cost } = this.metered
    const reports: LimitReport[] = []
    const report = (name: LimitName, { rate, capacity }: { rate: number; capacity: number }, level: number): void => {
      const retryAfter = msUntil(cost * TOKEN, level, rate, capacity)
      const limit = capacity / TOKEN
      reports.push({ name, limit, remaining: wholeTokens(level), retryAfter, rateLimit: rate / (TOKEN / 1000) })
    }
    if (method !== null) report('method', method, methodLevelOf(this.state, method.id) ?? method.capacity)
    if (bucket !== null && this.state !== null) report('plan', bucket, this.state.level)
    const quota = this.quota
    if (quota !== null) {
      const { limit, used, remaining, resetAt } = quota
      const fits = used + cost <= limit
      const largest = this.metered.plan?.quota?.quota.limit ?? 0
      const retryAfter = fits ? 0 : cost > largest ? Infinity : resetAt - this.at
      reports.push({ name: 'quota', limit, remaining, retryAfter, resetAt })
    }
    shared.forEach((limit, i) => {
      report(limit.name, limit, this.sharedStates[i]?.level ?? limit.capacity)
    })
    return reports
  }

  /** A plain copy of what was decided, without the machinery. Holds ids, never a key's value. */
  toJSON(): object {
    const { kind, version, keyId, planId, cost, at, tokens, quota, degraded, limitedBy, retryAfter } = this
    return { kind, version, keyId, planId, cost, at, tokens, quota, degraded, limitedBy, retryAfter }
  }
}

/** What every decision has. */
type Common = Omit<Judged, 'kind' | 'admitted' | 'limitedBy' | 'retryAfter'>

interface Refused extends Common {
  readonly admitted: false
  /** The first limit that refuses, in the order method, plan, quota, stage, account. */
  readonly limitedBy: LimitName
}

interface RefusedUntil extends Refused {
  /** ms until every limit admits it, nobody else taking: exact, one millisecond earlier it is still refused. */
  readonly retryAfter: Millis
}

/** Admitted, and charged everywhere it had to be. */
export interface Allowed extends Common {
  readonly kind: 'allowed'
  readonly admitted: true
}

/** Too fast: a bucket does not hold the cost. AWS's THROTTLED. */
export interface Throttled extends RefusedUntil {
  readonly kind: 'throttled'
}

/** Too much: the quota of this window is used. AWS's QUOTA_EXCEEDED. */
export interface QuotaExceeded extends RefusedUntil {
  readonly kind: 'quota-exceeded'
}

/** No waiting helps: the cost is above what a limit can ever hold, or its bucket is short and never fills (rate 0). */
export interface NeverAdmitted extends Refused {
  readonly kind: 'never-admitted'
}

/** The decision to admit. The record and the shared records are those it leaves. */
export function allowed(
  metered: Metered,
  at: Millis,
  state: State | Charge | null,
  sharedStates: readonly State[],
  changed: boolean,
  steppedBack: Millis,
): Allowed {
  return new Judged(metered, at, state, sharedStates, changed, steppedBack, null, 0) as Allowed
}

/** The decision to refuse; `retryAfter` is `Infinity` where no waiting helps. */
export function refused(
  metered: Metered,
  at: Millis,
  state: State | null,
  sharedStates: readonly State[],
  changed: boolean,
  steppedBack: Millis,
  limitedBy: LimitName,
  retryAfter: Millis,
): Throttled | QuotaExceeded | NeverAdmitted {
  return new Judged(metered, at, state, sharedStates, changed, steppedBack, limitedBy, retryAfter) as Throttled
}

/** The method needs no key and has no limit: served, and nothing is charged, whatever key came. */
export interface Open {
  readonly kind: 'open'
  readonly admitted: true
}

/** AWS's INVALID_API_KEY. `reason` is for the owner's eyes; callers see the same answer for all. */
export interface InvalidApiKey {
  readonly kind: 'invalid-api-key'
  readonly admitted: false
  readonly reason: 'missing' | 'malformed' | 'unknown' | 'disabled' | 'no-plan'
  /** Where the key is known. */
  readonly keyId: string | null
}

/** No such stage, or no such method in it. AWS's MISSING_AUTHENTICATION_TOKEN, a name that misleads; ours since it is theirs. */
export interface MissingAuthenticationToken {
  readonly kind: 'missing-authentication-token'
  readonly admitted: false
  readonly reason: 'no-stage' | 'no-method'
}

/** A path (or host) that could mean two things: refused, so that no second spelling gets round a limit. */
export interface BadRequest {
  readonly kind: 'bad-request'
  readonly admitted: false
  readonly reason: 'path' | 'host'
}

/** The store could not decide, and what was asked of `guarded` (stores/guarded.ts) is to refuse then. */
export interface StoreUnavailable {
  readonly kind: 'store-unavailable'
  readonly admitted: false
  /** It failed, it did not answer in time, or it was not asked because it has been failing. */
  readonly reason: 'failed' | 'deadline' | 'not-asked'
  readonly version: string
  readonly keyId: string | null
  readonly planId: string | null
  readonly cost: number
  readonly at: Millis
}

export const OPEN: Open = Object.freeze({ kind: 'open', admitted: true })

/** The level of a method's bucket in a record, if it was ever charged. */
export function methodLevelOf(state: State | null, id: string): number | undefined {
  return state?.methods.find(method => method.id === id)?.level
}

function wholeTokens(level: number): number {
  return level === FULL ? Infinity : Math.floor(level / TOKEN)
}
