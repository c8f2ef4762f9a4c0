// What is remembered of one (plan, key): the few whole numbers a decision reads. Floor 1: imports the arithmetic.
// `null` is a state too: every bucket full, nothing used. A record may be dropped exactly when it cannot be told from null.

import { levelAfter, msUntil } from './bucket.ts'
import type { PlanLimits } from './limits.ts'
import type { Grains, Millis } from './units.ts'

/** A bucket of a method that has a throttle of its own in the plan. */
export interface MethodLevel {
  /** Names the method: API, stage, path template and verb (limits.ts). */
  readonly id: string
  readonly level: Grains
  /** The instant `level` was true. */
  readonly at: Millis
}

/** The record of one (plan, key). Also of a limit that clients share, which is a plan with nothing but a bucket. */
export interface State {
  /** The latest instant this record was charged at. Time in a record never goes back. */
  readonly at: Millis
  /** The plan's bucket at `at`; `FULL` while the plan has none. */
  readonly level: Grains
  /** The start of the quota window that `used` counts in. */
  readonly window: Millis
  /** Cost admitted in that window. */
  readonly used: number
  /** And, in a record that was given something back, an entry of the id `GIFT`. */
  readonly methods: readonly MethodLevel[]
}

export const NO_METHODS: readonly MethodLevel[] = []

/** Of a request without limits that clients share. */
export const NO_STATES: readonly State[] = []

/** The id, no method's, under which a record that was given something back keeps when that last was. Its level says nothing. */
export const GIFT = ''

/** The version of the format that `encodeState` writes. */
export const STATE_VERSION = 1

/** A state as a JSON value: `[version, at, level, window, used, [id, level, at] …]`. A public format. */
export type EncodedState = readonly [
  version: number,
  at: number,
  level: number,
  window: number,
  used: number,
  ...methods: (readonly [id: string, level: number, at: number])[],
]

export function encodeState({ at, level, window, used, methods }: State): EncodedState {
  return [STATE_VERSION, at, level, window, used, ...methods.map(m => [m.id, m.level, m.at] as const)]
}

/**
 * The state that was encoded.
 *
 * @throws {StateError} for a version this release does not know, and for what is not a state at all: counters are never
 * guessed at and never reset in silence
 */
export function decodeState(encoded: unknown): State {
  if (!Array.isArray(encoded) || typeof encoded[0] !== 'number') throw new StateError('not an encoded state')
  const [version, at, level, window, used, ...rest] = encoded
  if (version !== STATE_VERSION) {
    throw new StateError(
      `state version ${version}: this release reads version ${STATE_VERSION}; it was written by another`,
    )
  }
  const methods = rest.map((method: unknown) => {
    const [id, level, at] = Array.isArray(method) ? method : []
    if (typeof id !== 'string' || !isCount(level) || !Number.isSafeInteger(at))
      throw new StateError('a broken method bucket')
    return { id, level, at }
  })
  if (!Number.isSafeInteger(at) || !isCount(level) || !Number.isSafeInteger(window) || !isCount(used)) {
    throw new StateError('a broken record: not whole numbers')
  }
  return { at, level, window, used, methods: methods.length === 0 ? NO_METHODS : methods }
}

function isCount(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 0
}

/**
 * When `isForgettable` begins to hold of a record nobody charges: what a store with expiry may forget it after.
 *
 * @returns ms since the Unix epoch; `Infinity` for a bucket that was drawn on and never fills (rate 0)
 */
export function forgettableFrom(state: State, limits: PlanLimits): Millis {
  const { bucket, quota } = limits
  let from = state.at
  if (bucket !== null) from = state.at + msUntil(bucket.capacity, state.level, bucket.rate, bucket.capacity)
  if (quota !== null && state.used > 0) {
    const window = quota.windowAt(state.at)
    if (window.start === state.window) from = Math.max(from, window.end)
  }
  for (const { id, level, at } of state.methods) {
    const method = limits.methods.get(id)
    if (method !== undefined) from = Math.max(from, at + msUntil(method.capacity, level, method.rate, method.capacity))
  }
  return from
}

/** Stored state that cannot be read. */
export class StateError extends Error {
  override readonly name = 'StateError'
  readonly code = 'STATE_UNREADABLE'
}

/** Whether at `now` the record cannot be told from null under these limits: buckets full, window over or unused. */
export function isForgettable(state: State, limits: PlanLimits, now: Millis): boolean {
  const elapsed = now - state.at
  if (elapsed < 0) return false
  const { bucket, quota } = limits
  if (bucket !== null && levelAfter(state.level, elapsed, bucket.rate, bucket.capacity) < bucket.capacity) return false
  if (quota !== null && state.used > 0 && quota.windowAt(now).start === state.window) return false
  for (const { id, level, at } of state.methods) {
    const method = limits.methods.get(id)
    if (method === undefined) continue
    if (levelAfter(level, Math.max(0, now - at), method.rate, method.capacity) < method.capacity) return false
  }
  return true
}
