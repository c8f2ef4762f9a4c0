// A store that never forgets: every record ever written, in a Map, as `decide` left it. What the memory store, which
// forgets and copies, is compared with; and what `decide` alone is tried on.

import { decide, giveBack, giveBackShared } from '../../src/core/decide.ts'
import type { Allowed, MeteredDecision } from '../../src/core/decision.ts'
import type { Metered } from '../../src/core/limits.ts'
import type { State } from '../../src/core/state.ts'
import type { Store } from '../../src/stores/store.ts'

export interface PlainStore extends Store<false> {
  readonly records: Map<string, State>
}

export function plainStore(records: Map<string, State> = new Map()): PlainStore {
  const nameOf = ({ plan, keyId }: Metered): string => `${plan?.planId} ${keyId}`
  const judge = (metered: Metered, now: number): MeteredDecision =>
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
