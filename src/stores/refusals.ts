// Refusals, said again without asking the store: who hammers a drained key costs a remote store nothing. Floor 3: a store
// around a store.
//
// What others do to a record can only lower it: they take. So what `decide` refuses on a record as it was some moments ago
// it refuses on the record as it is. What raises one is time, which `decide` counts; the catalog, whose limits come with
// each request; and giving back, or a hand in the store, which show when the store is asked again, after `recheck`.

import { decide } from '../core/decide.ts'
import type { MeteredDecision } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import type { Millis } from '../core/units.ts'
import type { Store } from './store.ts'

export interface RefusalsOptions {
  /** For how many ms of a key the store is not asked again, at most. Default: 1000. */
  readonly recheck?: Millis
  /** How many keys are remembered at most, the latest refused. Default: 10 000. */
  readonly most?: number
}

export interface RefusalsStore extends Store<true> {
  /** Refusals so far of which the store was not asked. */
  readonly spared: number
}

interface Remembered {
  readonly decision: MeteredDecision
  /** When the store was asked, by the gate's clock. */
  readonly asked: Millis
}

/**
 * The store, not asked for what it would refuse.
 *
 * Whether a request is admitted is exactly what the store would say, but for what was given back within `recheck`. A
 * refusal's `retryAfter` and what is left are those of the record as it was: the wait may be longer, never shorter, where
 * others went on taking.
 *
 * @throws {RangeError} for a `recheck` or `most` that is no whole number of at least 1
 */
export function withRefusals(store: Store<true>, options: RefusalsOptions = {}): RefusalsStore {
  const { recheck = 1000, most = 10_000 } = options
  for (const [name, value] of Object.entries({ recheck, most })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name}: expected a whole number of at least 1, received ${value}`)
  }
  const refusals = new Map<string, Remembered>()
  let spared = 0

  /** The refusal that is sure; null where the store is to be asked. */
  function sure(name: string, metered: Metered, now: Millis): MeteredDecision | null {
    const known = refusals.get(name)
    if (known === undefined) return null
    const { decision, asked } = known
    const elapsed = now - asked
    // The store's own time then, and what has passed here since it was asked: not earlier than it is there.
    const again =
      elapsed >= 0 && elapsed < recheck
        ? decide(metered, decision.state, decision.at + elapsed, decision.sharedStates)
        : null
    if (again === null || again.kind === 'allowed' || again.changed) {
      refusals.delete(name)
      return null
    }
    return again
  }

  function remember(name: string, decision: MeteredDecision, asked: Millis): void {
    if (decision.kind !== 'throttled' && decision.kind !== 'quota-exceeded') return
    refusals.delete(name)
    refusals.set(name, { decision, asked })
    if (refusals.size > most) refusals.delete(refusals.keys().next().value as string)
  }

  return {
    ...store,
    get spared() {
      return spared
    },
    async take(metered, now) {
      const name = nameOf(metered)
      const again = sure(name, metered, now)
      if (again !== null) {
        spared++
        return again
      }
      const decision = await store.take(metered, now)
      if ('metered' in decision) remember(name, decision, now)
      return decision
    },
    giveBack(taken, now) {
      refusals.delete(nameOf(taken.metered))
      return store.giveBack(taken, now)
    },
  }
}

/** A key's record as one method sees it. Ids and stages hold no slash. */
function nameOf({ plan, keyId, apiId, stage, path, httpMethod }: Metered): string {
  return `${plan?.planId}/${keyId}/${apiId}/${stage}/${httpMethod}${path}`
}
