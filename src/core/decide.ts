// The decision: look at every limit, then take from all of them or from none. Floor 2: pure, no clock, no store.

import { levelAfter, msUntil } from './bucket.ts'
import { type Allowed, allowed, type LimitName, type MeteredDecision, methodLevelOf, refused } from './decision.ts'
import type { Bucket, Metered, MethodBucket, SharedBucket } from './limits.ts'
import { GIFT, type MethodLevel, NO_METHODS, NO_STATES, type State } from './state.ts'
import { FULL, type Grains, type Millis, TOKEN } from './units.ts'

/** A clock further behind a record than this was wrong when it wrote it, and the record is set back to it. */
export const STEP_BACK: Millis = 3_600_000

/** The records of limits that clients share, in the order of `metered.shared`. */
export type SharedStates = readonly (State | null)[]

/**
 * What is said to a request, given what is remembered and the time.
 *
 * A refused request spends nothing anywhere. Time in a record never goes back: an earlier `now` earns nothing and opens
 * no window. Once it is more than `STEP_BACK` behind, the record is set to it with the same level and the same use,
 * refused or not, so that one wrong stamp cannot freeze a key.
 *
 * @param metered the request and its limits, from `resolve`
 * @param state the record of its (plan, key), null when there is none
 * @param now ms since the Unix epoch
 * @param shared the records of `metered.shared`
 * @returns the decision, which carries the records it leaves. Arguments are not changed. Never throws.
 */
export function decide(
  metered: Metered,
  state: State | null,
  now: Millis,
  shared: SharedStates = NO_STATES,
): MeteredDecision {
  const { plan, bucket, method, cost } = metered
  const need = cost * TOKEN
  const behind = state === null ? 0 : state.at - now
  const steppedBack = behind > STEP_BACK ? behind : 0
  const at = behind > 0 && steppedBack === 0 ? now + behind : now
  const elapsed = behind < 0 ? -behind : 0

  // Look at everything, in the order of report: the method's throttle, the plan's, the quota, what clients share.
  let limitedBy: LimitName | null = null
  let readyAt = now

  let methodLevel = 0
  if (method !== null) {
    methodLevel = methodLevelAt(method, state, at)
    if (methodLevel < need) {
      limitedBy = 'method'
      readyAt = at + msUntil(need, methodLevel, method.rate, method.capacity)
    }
  }

  // The plan's bucket is refilled even where this method does not draw on it, since `at` moves.
  const level = plan === null || plan.bucket === null ? FULL : levelOf(plan.bucket, state, elapsed)
  if (bucket !== null && level < need) {
    limitedBy ??= 'plan'
    readyAt = Math.max(readyAt, at + msUntil(need, level, bucket.rate, bucket.capacity))
  }

  let window = state === null ? 0 : state.window
  let used = state === null ? 0 : state.used
  if (plan !== null && plan.quota !== null) {
    const current = plan.quota.windowAt(at)
    if (window !== current.start && steppedBack === 0) used = 0
    window = current.start
    if (cost > 0 && used + cost > plan.quota.limitIn(current)) {
      limitedBy ??= 'quota'
      readyAt = cost > plan.quota.quota.limit ? Infinity : Math.max(readyAt, current.end)
    }
  }

  let sharedBack = 0
  const sharedStates: readonly State[] =
    metered.shared.length === 0
      ? NO_STATES
      : metered.shared.map((limit, i) => {
          const seen = sharedAt(limit, shared[i] ?? null, now)
          sharedBack = Math.max(sharedBack, (shared[i]?.at ?? seen.at) - seen.at)
          if (seen.level < need) {
            limitedBy ??= limit.name
            readyAt = Math.max(readyAt, seen.at + msUntil(need, seen.level, limit.rate, limit.capacity))
          }
          return seen
        })

  // Take from all, or from none.
  const taken = limitedBy === null ? need : 0
  const after: State | null =
    plan === null
      ? null
      : {
          at,
          level: bucket === null ? level : level - taken,
          window,
          // Without a quota nothing bounds it but what a whole number can be.
          used: taken === 0 ? used : Math.min(used + cost, FULL),
          methods: methodsAfter(method, methodLevel - taken, state, at, steppedBack),
        }
  const sharedAfter =
    taken === 0 || sharedStates === NO_STATES
      ? sharedStates
      : sharedStates.map(seen => ({ ...seen, level: seen.level - taken }))
  const setBack = Math.max(steppedBack, sharedBack)
  const changed = taken > 0 || setBack > 0

  if (limitedBy === null) return allowed(metered, at, after, sharedAfter, changed, setBack)
  return refused(metered, at, after, sharedAfter, changed, setBack, limitedBy, readyAt - now)
}

/**
 * The record with what an admitted request took put back, for a request that turned out not to count.
 *
 * Puts back only what the bucket cannot have refilled since: it is full at most as if the request had never come, so a
 * burst is never admitted twice. The quota gets its cost back within its window.
 *
 * @param taken the decision that admitted it
 * @param state the record as it is now, null when there is none (then there is nothing to put back)
 * @param now ms since the Unix epoch
 * @returns the record to write; `state` itself when nothing comes back
 */
export function giveBack(taken: Allowed, state: State | null, now: Millis): State | null {
  const then = taken.state
  if (state === null || then === null || taken.cost === 0) return state
  const { bucket, method, cost } = taken.metered
  const elapsed = Math.max(0, now - taken.at, state.at - taken.at)
  const again = gaveSince(state, taken.at)
  const level = bucket === null ? state.level : putBack(bucket, state.level, then.level, elapsed, cost, again)
  const used = state.window === then.window ? Math.max(0, state.used - cost) : state.used
  let { methods } = state
  const left = method === null ? undefined : methodLevelOf(then, method.id)
  if (method !== null && left !== undefined) {
    methods = methods.map(held =>
      held.id === method.id ? { ...held, level: putBack(method, held.level, left, elapsed, cost, again) } : held,
    )
  }
  return afterGift(state, { ...state, level, used, methods })
}

/** `giveBack` for the record of a limit that clients share, the `i`th of `taken.metered.shared`. */
export function giveBackShared(taken: Allowed, i: number, state: State | null, now: Millis): State | null {
  const limit = taken.metered.shared[i]
  const then = taken.sharedStates[i]
  if (state === null || limit === undefined || then === undefined) return state
  const elapsed = Math.max(0, now - then.at, state.at - then.at)
  const level = putBack(limit, state.level, then.level, elapsed, taken.cost, gaveSince(state, then.at))
  return afterGift(state, { ...state, level })
}

/**
 * The level with the cost back in it, but for what the bucket may have refilled since it was taken.
 *
 * @param then what was left when it was taken
 * @param again whether something else was given back since. Then how full the bucket was in between does not follow from
 * `then`, and the cost is what fades as fast as the bucket refills (docs/decisions/012).
 */
function putBack(
  { rate, capacity }: Bucket,
  level: Grains,
  then: Grains,
  elapsed: Millis,
  cost: number,
  again: boolean,
): Grains {
  const need = cost * TOKEN
  const room = again ? need - elapsed * rate : capacity - levelAfter(then, elapsed, rate, capacity)
  return Math.max(level, Math.min(capacity, level + Math.min(need, room)))
}

function gaveSince({ methods }: State, at: Millis): boolean {
  return methods.some(held => held.id === GIFT && held.at >= at)
}

/** Says in a record whose buckets were given something when that was, in its own time. */
function afterGift(before: State, state: State): State {
  const isGift = state.level > before.level || state.methods.some(({ level }, i) => level > before.methods[i]!.level)
  if (!isGift) return state
  return { ...state, methods: [...state.methods.filter(({ id }) => id !== GIFT), { id: GIFT, level: 0, at: state.at }] }
}

function levelOf({ rate, capacity }: Bucket, state: State | null, elapsed: Millis): Grains {
  return state === null ? capacity : levelAfter(state.level, elapsed, rate, capacity)
}

function methodLevelAt(method: MethodBucket, state: State | null, at: Millis): Grains {
  const held = state === null ? undefined : state.methods.find(({ id }) => id === method.id)
  if (held === undefined) return method.capacity
  // Its own instant is what counts: where the record steps back, a bucket that was charged before now still earns.
  return levelAfter(held.level, Math.max(0, at - held.at), method.rate, method.capacity)
}

/** A shared limit's record as it is at `now`, by the same rule of time as a client's own. */
function sharedAt(limit: SharedBucket, state: State | null, now: Millis): State {
  const behind = state === null ? 0 : state.at - now
  const at = behind > 0 && behind <= STEP_BACK ? now + behind : now
  const level = levelOf(limit, state, behind < 0 ? -behind : 0)
  return { at, level, window: 0, used: 0, methods: state === null ? NO_METHODS : state.methods }
}

function methodsAfter(
  method: MethodBucket | null,
  level: Grains,
  state: State | null,
  at: Millis,
  steppedBack: Millis,
): readonly MethodLevel[] {
  let methods = state === null ? NO_METHODS : state.methods
  if (steppedBack > 0) methods = methods.map(held => (held.at > at ? { ...held, at } : held))
  if (method === null) return methods
  return [...methods.filter(({ id }) => id !== method.id), { id: method.id, level, at }]
}
