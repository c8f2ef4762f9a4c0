// What a store is: the owner of every mutation. Floor 3: types. docs/stores.md is for who writes one.

import type { Allowed, MeteredDecision, StoreUnavailable } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import type { Millis } from '../core/units.ts'

/**
 * Where records live. A store over memory answers at once; one over a network answers with promises, always.
 *
 * What it throws, or rejects with, is a `StoreError` where it is gone or cannot be read, and a bug where it is not.
 */
export interface Store<Async extends boolean = boolean> {
  /**
   * Decides, and writes what the decision leaves: every record of an admitted request, or none. Atomic against every
   * other take of the same records. `StoreUnavailable` is for `guarded` (guarded.ts): a store that is gone throws.
   */
  take(metered: Metered, now: Millis): Answer<Async, MeteredDecision | StoreUnavailable>
  /** Decides and writes nothing. */
  peek(metered: Metered, now: Millis): Answer<Async, MeteredDecision | StoreUnavailable>
  /** Puts back what an admitted request took (core/decide.ts, `giveBack`). The caller calls it once per decision. */
  giveBack(taken: Allowed, now: Millis): Answer<Async, void>
  /** What was used, of a store that keeps it: counted in the same step as the decision, for `USAGE_DAYS`. */
  usage?(query: UsageQuery): Answer<Async, UsageEntry[]>
}

/** Whose use, and of which days: those that begin at `from` or later and before `to`, in ms since the Unix epoch. */
export interface UsageQuery {
  readonly planId: string
  /** Named by who asks: a store that is spread over a network has no list of its own that it could go through. */
  readonly keyIds: readonly string[]
  readonly from: Millis
  readonly to: Millis
}

/** What one key used of its plan in one UTC day. Days without use have no entry. */
export interface UsageEntry {
  readonly keyId: string
  /** When the day begins, ms since the Unix epoch. A request counts for the day its decision was judged `at`. */
  readonly day: Millis
  /** Cost admitted and not given back: where every request costs 1, requests. */
  readonly used: number
}

/** How long use is kept: at least so many days. */
export const USAGE_DAYS = 400

/** `T`, or a promise of it where the store is asynchronous. Looked up, so that what may be either is not taken for `T`. */
export type Answer<Async extends boolean, T> = { readonly false: T; readonly true: Promise<T> }[`${Async}`]
