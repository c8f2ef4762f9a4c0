// Records in this process's memory. Floor 3: calls `decide`, and copies what it leaves into its rows (rows.ts).
// It grows with the keys that are in use and with nothing else: unknown keys never get here, and a record is dropped when
// it cannot be told from none. Nothing else is ever evicted.

import { decide, giveBack, giveBackShared, type SharedStates, STEP_BACK } from '../core/decide.ts'
import type { Allowed, MeteredDecision } from '../core/decision.ts'
import type { Metered, PlanLimits } from '../core/limits.ts'
import { decodeState, type EncodedState, encodeState, isForgettable, NO_STATES, type State } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import { type Row, Rows } from './rows.ts'
import { checkedSnapshot } from './snapshot.ts'
import type { Store } from './store.ts'

/** Everything a memory store remembers, as JSON. A public format: `version` says which. */
export interface Snapshot {
  readonly version: 1
  /** One (plan, key) each. */
  readonly records: readonly (readonly [planId: string, keyId: string, state: EncodedState])[]
  /** What clients share, by `SharedBucket.id`. */
  readonly shared: readonly (readonly [id: string, state: EncodedState])[]
}

export interface MemoryStore extends Store<false> {
  take(metered: Metered, now: Millis): MeteredDecision
  peek(metered: Metered, now: Millis): MeteredDecision
  /** Records held now. */
  readonly size: number
  /** What it remembers. Restoring it elsewhere goes on where this left off. */
  snapshot(): Snapshot
  /** Takes over a snapshot, in place of everything remembered. Throws `StateError` and changes nothing if it is not one. */
  restore(snapshot: Snapshot): void
  /** Drops every record that cannot be told from none at `now`, nor at any instant of the hour before. @returns how many */
  sweep(now: Millis): number
}

/** The records of one plan, or of one limit that clients share. */
interface Group {
  /** The limits of the last take; null for restored records until one of them is asked. */
  limits: PlanLimits | null
  /** By key id. */
  readonly rows: Map<string, Row>
  /** Goes round the rows, a few with each new one, and drops those that are no longer needed. */
  sweeper: IterableIterator<[string, Row]>
}

/** How many records a new one looks at. More than one, so that it goes round faster than they are added. */
const SWEPT_PER_NEW = 2

/** A store in memory. Counters end with the process, unless a snapshot of them is kept. */
export function memoryStore(): MemoryStore {
  let records = new Rows()
  let plans = new Map<string, Group>()
  /** What clients share is a group of one record, under its own id. */
  let shared = new Map<string, Group>()

  function stateIn(groups: Map<string, Group>, groupId: string, id: string): State | null {
    const row = groups.get(groupId)?.rows.get(id)
    return row === undefined ? null : records.read(row)
  }

  function ownState({ plan, keyId }: Metered): State | null {
    return plan === null || keyId === null ? null : stateIn(plans, plan.planId, keyId)
  }

  function sharedStates({ shared: limits }: Metered): SharedStates {
    return limits.length === 0 ? NO_STATES : limits.map(({ id }) => stateIn(shared, id, id))
  }

  function write(groups: Map<string, Group>, limits: PlanLimits, id: string, state: State, now: Millis): void {
    let group = groups.get(limits.planId)
    if (group === undefined) groups.set(limits.planId, (group = newGroup(limits)))
    if (group.limits !== limits) group.limits = limits
    const row = group.rows.get(id)
    if (row !== undefined) {
      records.write(row, state)
      return
    }
    for (let i = 0; i < SWEPT_PER_NEW; i++) sweepNext(group, now)
    group.rows.set(id, records.add(state))
  }

  /** Writes to a record that is there, and leaves its group's limits: the writer's may be of an older catalog. */
  function rewrite(groups: Map<string, Group>, groupId: string, id: string, state: State | null): void {
    const row = groups.get(groupId)?.rows.get(id)
    if (row !== undefined && state !== null) records.write(row, state)
  }

  function sweepNext(group: Group, now: Millis): void {
    const next = group.sweeper.next()
    // The round is over, and the next one begins.
    if (next.done === true) group.sweeper = group.rows.entries()
    else forget(group, next.value[0], next.value[1], now)
  }

  /** Drops a record if it cannot be told from none, nor could by a clock that steps back as far as it may. */
  function forget({ limits, rows }: Group, id: string, row: Row, now: Millis): boolean {
    if (limits === null || !isForgettable(records.read(row), limits, now - STEP_BACK)) return false
    rows.delete(id)
    records.remove(row)
    return true
  }

  return {
    get size() {
      let size = shared.size
      for (const { rows } of plans.values()) size += rows.size
      return size
    },

    take(metered, now) {
      const { plan, keyId, shared: limits } = metered
      const group = plan === null ? undefined : plans.get(plan.planId)
      const row = keyId === null ? undefined : group?.rows.get(keyId)
      if (group !== undefined && row !== undefined) {
        const charged = records.charge(row, metered, now)
        if (charged !== null) {
          group.limits = plan
          return charged
        }
      }
      const decision = decide(metered, row === undefined ? null : records.read(row), now, sharedStates(metered))
      if (!decision.changed) return decision
      if (plan !== null && keyId !== null && decision.state !== null) write(plans, plan, keyId, decision.state, now)
      for (let i = 0; i < limits.length; i++) {
        const limit = limits[i]!
        write(shared, limit.limits, limit.id, decision.sharedStates[i]!, now)
      }
      return decision
    },

    peek: (metered, now) => decide(metered, ownState(metered), now, sharedStates(metered)),

    giveBack(taken: Allowed, now) {
      const { plan, keyId, shared: limits } = taken.metered
      if (plan !== null && keyId !== null) {
        rewrite(plans, plan.planId, keyId, giveBack(taken, ownState(taken.metered), now))
      }
      limits.forEach(({ id }, i) => {
        rewrite(shared, id, id, giveBackShared(taken, i, stateIn(shared, id, id), now))
      })
    },

    snapshot() {
      const list = (groups: Map<string, Group>): [string, string, EncodedState][] =>
        [...groups].flatMap(([groupId, { rows }]) =>
          [...rows].map(([id, row]): [string, string, EncodedState] => [groupId, id, encodeState(records.read(row))]),
        )
      return { version: 1, records: list(plans), shared: list(shared).map(([id, , state]) => [id, state] as const) }
    },

    restore(snapshot) {
      const read = readSnapshot(snapshot)
      records = read.records
      plans = read.plans
      shared = read.shared
    },

    sweep(now) {
      let dropped = 0
      for (const groups of [plans, shared]) {
        for (const [groupId, group] of groups) {
          for (const [id, row] of group.rows) if (forget(group, id, row, now)) dropped++
          if (group.rows.size === 0) groups.delete(groupId)
        }
      }
      return dropped
    },
  }
}

function newGroup(limits: PlanLimits | null): Group {
  const rows = new Map<string, Row>()
  return { limits, rows, sweeper: rows.entries() }
}

function readSnapshot(snapshot: unknown): { records: Rows; plans: Map<string, Group>; shared: Map<string, Group> } {
  const { records: own, shared } = checkedSnapshot(snapshot)
  const records = new Rows()
  const groupsOf = (entries: Snapshot['records']): Map<string, Group> => {
    const groups = new Map<string, Group>()
    for (const [groupId, id, state] of entries) {
      const group = groups.get(groupId) ?? newGroup(null)
      group.rows.set(id, records.add(decodeState(state)))
      groups.set(groupId, group)
    }
    return groups
  }
  return { records, plans: groupsOf(own), shared: groupsOf(shared.map(([id, state]) => [id, id, state])) }
}
