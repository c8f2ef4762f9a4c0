// Use kept in memory, per plan, key and UTC day, for a store in memory. Floor 3: a store around a store, so that whoever
// keeps no usage pays nothing for it. It grows with keys × days they were used on, and forgets a day after 400.

import { DAY_MS } from '../core/calendar.ts'
import type { Allowed } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import { StateError } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import { daysOf } from './days.ts'
import { type Store, USAGE_DAYS, type UsageEntry, type UsageQuery } from './store.ts'

/** All use that is kept, as JSON. A public format. */
export interface UsageSnapshot {
  readonly version: 1
  /** Days are counted from the epoch, in their order. */
  readonly usage: readonly (readonly [planId: string, keyId: string, ...(readonly [day: number, used: number])[]])[]
}

export interface UsageStore extends Store<false> {
  take(metered: Metered, now: Millis): ReturnType<Store<false>['take']>
  usage(query: UsageQuery): UsageEntry[]
  /** What is kept of use; what the store itself remembers is its own snapshot. */
  usageSnapshot(): UsageSnapshot
  /** In place of what is kept. Throws `StateError` and changes nothing if it is not one. */
  restoreUsage(snapshot: UsageSnapshot): void
}

/** Days of one key, in their order, each followed by its use: few, and nearly always the last one is asked for. */
type Days = number[]

/** How many keys a new day of a key looks at. More than one, so that it goes round faster than they come. */
const SWEPT_PER_NEW_DAY = 2

/** The store, with its use kept. Decisions are the store's own. */
export function withUsage(store: Store<false>): UsageStore {
  let plans = new Map<string, Map<string, Days>>()
  const sweepers = new Map<string, IterableIterator<[string, Days]>>()

  function count({ metered: { plan, keyId }, at, cost }: Allowed): void {
    if (plan === null || keyId === null || cost === 0) return
    let keys = plans.get(plan.planId)
    if (keys === undefined) plans.set(plan.planId, (keys = new Map()))
    let days = keys.get(keyId)
    if (days === undefined) keys.set(keyId, (days = []))
    const day = Math.floor(at / DAY_MS)
    const found = indexOf(days, day)
    if (days[found] === day) days[found + 1]! += cost
    else {
      days.splice(found, 0, day, cost)
      for (let i = 0; i < SWEPT_PER_NEW_DAY; i++) sweepNext(plan.planId, keys, day)
    }
  }

  function uncount({ metered: { plan, keyId }, at, cost }: Allowed): void {
    const days = plan === null || keyId === null ? undefined : plans.get(plan.planId)?.get(keyId)
    const day = Math.floor(at / DAY_MS)
    if (days === undefined) return
    const found = indexOf(days, day)
    if (days[found] === day) days[found + 1] = Math.max(0, days[found + 1]! - cost)
  }

  function sweepNext(planId: string, keys: Map<string, Days>, day: number): void {
    let sweeper = sweepers.get(planId)
    const next = sweeper?.next()
    if (next === undefined || next.done === true) {
      sweepers.set(planId, (sweeper = keys.entries()))
      return
    }
    const [keyId, days] = next.value
    days.splice(0, indexOf(days, day - USAGE_DAYS))
    if (days.length === 0) keys.delete(keyId)
  }

  return {
    take(metered, now) {
      const decision = store.take(metered, now)
      if (decision.kind === 'allowed') count(decision)
      return decision
    },
    peek: (metered, now) => store.peek(metered, now),
    giveBack(taken, now) {
      store.giveBack(taken, now)
      uncount(taken)
    },
    usage({ planId, keyIds, from, to }) {
      const keys = plans.get(planId)
      const [first, end] = daysOf(from, to)
      return keyIds.flatMap(keyId =>
        pairs(keys?.get(keyId) ?? [])
          .filter(([day, used]) => day >= first && day < end && used > 0)
          .map(([day, used]): UsageEntry => ({ keyId, day: day * DAY_MS, used })),
      )
    },
    usageSnapshot() {
      const usage = [...plans].flatMap(([planId, keys]) =>
        [...keys].map(([keyId, days]): UsageSnapshot['usage'][number] => [planId, keyId, ...pairs(days)]),
      )
      return { version: 1, usage }
    },
    restoreUsage(snapshot) {
      plans = readSnapshot(snapshot)
      sweepers.clear()
    },
  }
}

/** Where the day is, or would be. */
function indexOf(days: Days, day: number): number {
  let i = days.length
  while (i > 0 && days[i - 2]! >= day) i -= 2
  return i
}

function pairs(days: Days): (readonly [day: number, used: number])[] {
  return Array.from({ length: days.length / 2 }, (_, i) => [days[2 * i]!, days[2 * i + 1]!] as const)
}

function readSnapshot(snapshot: unknown): Map<string, Map<string, Days>> {
  const { version, usage } = Object(snapshot) as Partial<Record<keyof UsageSnapshot, unknown>>
  if (version !== 1 || !Array.isArray(usage)) {
    const received = version ?? (snapshot && typeof snapshot)
    throw new StateError(`usage snapshot: expected version 1, received ${String(received)}`)
  }
  const plans = new Map<string, Map<string, Days>>()
  for (const [planId, keyId, ...days] of usage as UsageSnapshot['usage']) {
    const numbers = [...days].sort(([a], [b]) => a - b).flat()
    if (numbers.length !== 2 * days.length || !numbers.every(n => Number.isSafeInteger(n))) {
      throw new StateError(`a broken usage snapshot: key ${keyId} in plan ${planId}`)
    }
    plans.set(planId, (plans.get(planId) ?? new Map<string, Days>()).set(keyId, numbers))
  }
  return plans
}
