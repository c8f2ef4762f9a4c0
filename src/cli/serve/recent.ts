// What the live view shows, kept while requests pass: rates, the busiest keys, the last refusals. Floor 5. Pure but for
// what it holds; time is an argument. It holds what a few seconds of traffic touch, and forgets.

import { levelAfter } from '../../core/bucket.ts'
import type { Decision, MeteredDecision } from '../../core/decision.ts'
import { FULL, TOKEN } from '../../core/units.ts'
import type { Answered } from './access-log.ts'

/** Seconds of rates that are kept. */
const SECONDS = 120
const REFUSALS = 50

interface Second {
  admitted: number
  refused: number
}

interface Busy {
  /** Requests, each worth half after every ten seconds. */
  weight: number
  last: MeteredDecision
}

export interface KeyShown {
  readonly keyId: string
  readonly planId: string
  /** Requests a second, lately. */
  readonly rate: number
  /** What is left of the burst, 0 … 1; null without a throttle. */
  readonly tokens: { readonly left: number; readonly of: number } | null
  readonly quota: { readonly left: number; readonly of: number; readonly resetAt: number } | null
}

export interface Recent {
  add(answered: Answered): void
  /** Requests of each of the last `n` seconds, the newest last. */
  rates(now: number, n: number): readonly Readonly<Second>[]
  busiest(now: number, n: number): KeyShown[]
  /** The newest first. */
  readonly refusals: readonly Answered[]
}

export function recent(): Recent {
  const seconds = new Map<number, Second>()
  const keys = new Map<string, Busy>()
  const refusals: Answered[] = []
  let decayed = 0

  function decay(now: number): void {
    const passed = Math.floor(now / 1000) - decayed
    if (passed <= 0) return
    const factor = decayed === 0 ? 1 : 0.5 ** (passed / 10)
    decayed += passed
    for (const [id, busy] of keys) {
      busy.weight *= factor
      if (busy.weight < 0.05) keys.delete(id)
    }
    for (const second of seconds.keys()) if (second < decayed - SECONDS) seconds.delete(second)
  }

  return {
    refusals,
    add(answered) {
      const { at, decision } = answered
      decay(at)
      const name = Math.floor(at / 1000)
      const second = seconds.get(name) ?? { admitted: 0, refused: 0 }
      seconds.set(name, second)
      if (decision?.admitted) second.admitted++
      else {
        second.refused++
        refusals.unshift(answered)
        refusals.length = Math.min(refusals.length, REFUSALS)
      }
      if (decision === null || !isOfKey(decision)) return
      const busy = keys.get(decision.keyId as string)
      if (busy === undefined) keys.set(decision.keyId as string, { weight: 1, last: decision })
      else {
        busy.weight++
        // The newest says what is left; answers may come out of order.
        if (decision.at >= busy.last.at) busy.last = decision
      }
    },
    rates(now, n) {
      const newest = Math.floor(now / 1000) - 1
      return Array.from({ length: n }, (_, i) => seconds.get(newest - n + 1 + i) ?? { admitted: 0, refused: 0 })
    },
    busiest(now, n) {
      decay(now)
      return [...keys]
        .sort(([, a], [, b]) => b.weight - a.weight)
        .slice(0, n)
        .map(([keyId, { weight, last }]) => shown(keyId, weight, last, now))
    },
  }
}

function isOfKey(decision: Decision): decision is MeteredDecision {
  return 'metered' in decision && decision.keyId !== null
}

/** Ten seconds' half-life sums to about 14.4 seconds of requests. */
const WEIGHT_OF_ONE_A_SECOND = 1 / (1 - 0.5 ** 0.1)

function shown(keyId: string, weight: number, last: MeteredDecision, now: number): KeyShown {
  const { state, metered, quota, planId } = last
  const bucket = metered.plan?.bucket ?? null
  const level =
    state === null || bucket === null
      ? FULL
      : levelAfter(state.level, Math.max(0, now - last.at), bucket.rate, bucket.capacity)
  return {
    keyId,
    planId: planId ?? '',
    rate: weight / WEIGHT_OF_ONE_A_SECOND,
    tokens: bucket === null ? null : { left: level / TOKEN, of: bucket.capacity / TOKEN },
    quota:
      quota === null
        ? null
        : { left: now < quota.resetAt ? quota.remaining : quota.limit, of: quota.limit, resetAt: quota.resetAt },
  }
}
