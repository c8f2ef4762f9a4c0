// Any storage with compare-and-swap, made a store: read, decide, swap, and again where another was faster. Floor 3.
//
// A storage swaps one record at a time, and a request has several where clients share limits. Its own is charged first,
// then what is shared, in order; where a shared one refuses, what was charged is given back. Among these steps a request
// may be seen as charged that is then refused: others are refused for a moment, never admitted, by it. A process that
// dies among them leaves one request charged that nobody was served for: at most one per request it had in flight.

import { decide, giveBack, giveBackShared, STEP_BACK } from '../core/decide.ts'
import { type Allowed, allowed, type MeteredDecision } from '../core/decision.ts'
import type { Metered, PlanLimits } from '../core/limits.ts'
import { kindOf } from '../core/readers.ts'
import { decodeState, encodeState, forgettableFrom, type State } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import { StoreError } from '../errors.ts'
import { isBug } from './bugs.ts'
import type { Store } from './store.ts'

/**
 * What a storage has to do. `Version` is whatever it tells versions of a value apart by.
 *
 * Where it cannot be reached it rejects; the store's methods then reject with a `StoreError`. A `TypeError` and the like
 * are taken for bugs and passed on: a client that says with one that a network is down has to say it with another. Of
 * Node's fetch it is known that it does.
 */
export interface CasStorage<Version> {
  /** The value and its version as of the last `set`; null where there is none. Never a stale one. */
  get(key: string): Promise<{ readonly value: string; readonly version: Version } | null>
  /**
   * Writes if the key still has that version (null: still no value), in one step, and says whether it did.
   *
   * @param expireIn ms after which the value cannot be told from none and may go; absent: never. To be later is safe.
   */
  set(key: string, value: string, expected: Version | null, expireIn?: Millis): Promise<boolean>
}

export interface CasOptions<Version> {
  readonly storage: CasStorage<Version>
  /** How often a request is tried again because another was faster. Then it is a `StoreError` that may pass. Default 64. */
  readonly retries?: number
}

export interface CasStore extends Store<true> {
  take(metered: Metered, now: Millis): Promise<MeteredDecision>
  peek(metered: Metered, now: Millis): Promise<MeteredDecision>
}

interface Held<Version> {
  readonly key: string
  readonly limits: PlanLimits
  readonly state: State | null
  readonly version: Version | null
}

/**
 * A store over a storage with compare-and-swap. Its values are `encodeState`'s, as JSON text.
 *
 * @throws {TypeError} for a storage that is none
 * @throws {RangeError} for `retries` that are no whole number
 */
export function casStore<Version>({ storage, retries = 64 }: CasOptions<Version>): CasStore {
  if (typeof storage?.get !== 'function' || typeof storage.set !== 'function') {
    throw new TypeError('storage: expected the functions get and set; docs/stores.md has an example')
  }
  // Nobody waits for ever.
  if (!Number.isSafeInteger(retries) || retries < 0) {
    throw new RangeError(`retries: expected a whole number ≥ 0, received ${String(retries)}`)
  }

  async function read(key: string, limits: PlanLimits): Promise<Held<Version>> {
    const found = await attempt(key, () => storage.get(key))
    if (found === undefined)
      throw new TypeError('storage.get: expected a value with its version or null, received nothing')
    return { key, limits, state: found === null ? null : stateOf(key, found.value), version: found?.version ?? null }
  }

  async function swap({ key, limits, version }: Held<Version>, state: State, now: Millis): Promise<boolean> {
    // Counted from `now`, which may be behind the record; and an hour more, by which a clock may step back.
    const expireIn = forgettableFrom(state, limits) - now + STEP_BACK
    const value = JSON.stringify(encodeState(state))
    const expires = expireIn < Infinity ? Math.max(1, expireIn) : undefined
    const wrote: unknown = await attempt(key, () => storage.set(key, value, version, expires))
    if (typeof wrote === 'boolean') return wrote
    // Taken for false, what was written would be charged again, and again.
    throw new TypeError(`storage.set: expected true or false, whether it wrote; received ${kindOf(wrote)}`)
  }

  function readAll(metered: Metered): Promise<[Held<Version> | null, ...Held<Version>[]]> {
    const { plan, keyId, shared } = metered
    const own = plan === null || keyId === null ? null : read(ownKey(plan.planId, keyId), plan)
    return Promise.all([own, ...shared.map(({ id, limits }) => read(sharedKey(id), limits))])
  }

  function judge(metered: Metered, [own, ...shared]: [Held<Version> | null, ...Held<Version>[]], now: Millis) {
    return decide(
      metered,
      own?.state ?? null,
      now,
      shared.map(({ state }) => state),
    )
  }

  async function take(metered: Metered, now: Millis): Promise<MeteredDecision> {
    for (let tries = 0; tries <= retries; tries++) {
      const held = await readAll(metered)
      const decision = judge(metered, held, now)
      if (!decision.changed) return decision
      const [own, ...shared] = held
      if (own !== null && decision.state !== null && !(await swap(own, decision.state, now))) continue
      if (shared.length === 0) return decision
      if (decision.kind !== 'allowed') {
        // A record set back, refused or not. Who was faster has set it back as well.
        for (const [i, limit] of shared.entries()) await swap(limit, decision.sharedStates[i]!, now)
        return decision
      }
      const charged = await chargeShared(decision, shared, now)
      if (charged !== null) return charged
      // What clients share was taken by others meanwhile: decided again, it says what a request is told that came now.
    }
    throw contended(metered)
  }

  /** The decision with the shared records it left; null where one of them refused, and everything is given back. */
  async function chargeShared(decision: Allowed, held: readonly Held<Version>[], now: Millis): Promise<Allowed | null> {
    const { metered, at, state, steppedBack } = decision
    const states = [...decision.sharedStates]
    const partly = (): Allowed => allowed(metered, at, state, states, true, steppedBack)
    let charged = 0
    try {
      for (const [i, limit] of held.entries()) {
        const left = await chargeOne(metered, i, limit, states[i]!, now)
        if (left === null) break
        states[i] = left
        charged++
      }
    } catch (error) {
      await undo(partly(), charged, now).catch(() => undefined)
      throw error
    }
    if (charged === held.length) return partly()
    // Once, and where that fails not again: what is given back twice is admitted twice.
    await undo(partly(), charged, now)
    return null
  }

  /** The shared record it left; null where it refuses. */
  async function chargeOne(
    metered: Metered,
    i: number,
    first: Held<Version>,
    after: State,
    now: Millis,
  ): Promise<State | null> {
    if (await swap(first, after, now)) return after
    const alone: Metered = {
      ...metered,
      plan: null,
      keyId: null,
      bucket: null,
      method: null,
      shared: [metered.shared[i]!],
    }
    for (let tries = 0; tries < retries; tries++) {
      const held = await read(first.key, first.limits)
      const decision = decide(alone, null, now, [held.state])
      if (!decision.admitted) return null
      const left = decision.sharedStates[0]!
      if (!decision.changed || (await swap(held, left, now))) return left
    }
    throw contended(metered)
  }

  /** Gives back the own record's charge, and those of the first so many shared ones. */
  async function undo(taken: Allowed, shared: number, now: Millis): Promise<void> {
    const { plan, keyId, shared: limits } = taken.metered
    if (plan !== null && keyId !== null) {
      await rewrite(ownKey(plan.planId, keyId), plan, now, state => giveBack(taken, state, now))
    }
    for (const [i, { id, limits: of }] of limits.slice(0, shared).entries()) {
      await rewrite(sharedKey(id), of, now, state => giveBackShared(taken, i, state, now))
    }
  }

  async function rewrite(
    key: string,
    limits: PlanLimits,
    now: Millis,
    change: (state: State | null) => State | null,
  ): Promise<void> {
    for (let tries = 0; tries <= retries; tries++) {
      const held = await read(key, limits)
      const changed = change(held.state)
      if (changed === null || changed === held.state || (await swap(held, changed, now))) return
    }
    throw new StoreError(`cas: ${key}: ${retries} others were faster`, { transient: true })
  }

  function contended({ plan, keyId }: Metered): StoreError {
    const whose = plan === null ? 'what clients share' : `key ${keyId} in plan ${plan.planId}`
    return new StoreError(`cas: ${whose}: ${retries} others were faster`, { transient: true })
  }

  return {
    take,
    peek: async (metered, now) => judge(metered, await readAll(metered), now),
    giveBack: (taken, now) => undo(taken, taken.metered.shared.length, now),
  }
}

/** No id holds a slash but a shared one's, which ends the key. */
function ownKey(planId: string, keyId: string): string {
  return `record/${planId}/${keyId}`
}

function sharedKey(id: string): string {
  return `shared/${id}`
}

function stateOf(key: string, value: string): State {
  try {
    return decodeState(JSON.parse(value))
  } catch (cause) {
    throw new StoreError(`cas: ${key}: ${(cause as Error).message}`, { transient: false, cause })
  }
}

async function attempt<T>(key: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof StoreError || isBug(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError(`cas: ${key}: ${reason}`, { transient: true, cause })
  }
}
