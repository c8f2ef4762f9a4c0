// What a store is: the owner of every mutation. Floor 3: types. docs/stores.md is for who writes one.

import type { Allowed, MeteredDecision } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import type { Millis } from '../core/units.ts'

/** Where records live. A store over memory answers at once; one over a network answers with promises, always. */
export interface Store<Async extends boolean = boolean> {
  /**
   * Decides, and writes what the decision leaves: every record of an admitted request, or none. Atomic against every
   * other take of the same records.
   */
  take(metered: Metered, now: Millis): Answer<Async, MeteredDecision>
  /** Decides and writes nothing. */
  peek(metered: Metered, now: Millis): Answer<Async, MeteredDecision>
  /** Puts back what an admitted request took (core/decide.ts, `giveBack`). The caller calls it once per decision. */
  giveBack(taken: Allowed, now: Millis): Answer<Async, void>
}

/** `T`, or a promise of it where the store is asynchronous. Looked up, so that what may be either is not taken for `T`. */
export type Answer<Async extends boolean, T> = { readonly false: T; readonly true: Promise<T> }[`${Async}`]
