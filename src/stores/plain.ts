// A store in a screenful: every record ever written, in a Map, as `decide` left it. Floor 3.
// It never forgets, so it is for tests: what every other store is compared with, and what `decide` alone is tried on.

import { decide, giveBack, giveBackShared } from '../core/decide.ts'
import type { Allowed, MeteredDecision } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import type { State } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import type { Store } from './store.ts'

export interface PlainStore extends Store<false> {
  /** By `planId keyId`, and `shared id` for what clients share. */
  readonly records: Map<string, State>
  take(metered: Metered, now: Millis): MeteredDecision
  peek(metered: Metered, now: Millis): MeteredDecision
}

/** @param records what it remembers; shared with whoever holds the map */
export function plainStore(records: Map<string, State> = new Map()): PlainStore {
  const nameOf = ({ plan, keyId }: Metered): string => `${plan?.planId} ${keyId}`
  const judge = (metered: Metered, now: Millis): MeteredDecision =>
    decide(
      metered,
      records.get(nameOf(metered)) ?? null,
      now,
      metered.shared.map(({ id }) => records.get(`shared ${id}`) ?? null),
    )
  return {
    records,
    take(metered, now) {
      const decision = judge(metered, now)
      if (!decision.changed) return decision
      if (decision.state !== null) records.set(nameOf(metered), decision.state)
      metered.shared.forEach(({ id }, i) => {
        records.set(`shared ${id}`, decision.sharedStates[i]!)
      })
      return decision
    },
    peek: judge,
    giveBack(taken: Allowed, now) {
      const { metered } = taken
      const back = giveBack(taken, records.get(nameOf(metered)) ?? null, now)
      if (back !== null) records.set(nameOf(metered), back)
      metered.shared.forEach(({ id }, i) => {
        const back = giveBackShared(taken, i, records.get(`shared ${id}`) ?? null, now)
        if (back !== null) records.set(`shared ${id}`, back)
      })
    },
  }
}
