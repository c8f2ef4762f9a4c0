// Records in this process's memory. Floor 3: calls `decide`, and copies what it leaves into its rows (rows.ts).
// It grows with the keys that are in use and with nothing else: unknown keys never get here, and a record is dropped when
// it cannot be told from none. Nothing else is ever evicted.

import { decide, giveBack, giveBackShared, type SharedStates, STEP_BACK } from '../core/decide.ts'
import type { Allowed, MeteredDecision } from '../core/decision.ts'
import { hashOf } from '../core/hash.ts'
import { IdTable } from '../core/id-table.ts'
import { type Metered, MeteredRequest, type PlanLimits } from '../core/limits.ts'
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
  readonly rows: IdTable
}

/** All that is remembered. */
class Held {
  readonly records = new Rows()
  /** Whose a record is, by its row. */
  readonly ids: string[] = []
  readonly plans = new Map<string, Group>()
  /** What clients share is a group of one record, under its own id. */
  readonly shared = new Map<string, Group>()

  newGroup(groups: Map<string, Group>, id: string, limits: PlanLimits | null): Group {
    const group = { limits, rows: new IdTable(this.ids) }
    groups.set(id, group)
    return group
  }
}

/** The hash of what is the only id of its table: a request of a limit that clients share hashes nothing for it. */
const ALONE = 0

/** How many records a new one looks at. More than one, so that it goes round faster than they are added. */
const SWEPT_PER_NEW = 2

/** A store in memory. Counters end with the process, unless a snapshot of them is kept. */
export function memoryStore(): MemoryStore {
  let held = new Held()
  /** The plan that was asked for last, which is nearly always the next one, and its records. */
  let lastPlan: PlanLimits | null = null
  let lastGroup: Group | undefined

  function stateIn(groups: Map<string, Group>, groupId: string, id: string, hash: number): State | null {
    const row = groups.get(groupId)?.rows.find(id, hash) ?? -1
    return row === -1 ? null : held.records.read(row)
  }

  function ownState(metered: Metered): State | null {
    const { plan, keyId } = metered
    if (plan === null || keyId === null) return null
    return stateIn(held.plans, plan.planId, keyId, MeteredRequest.keyHashOf(metered))
  }

  function sharedStates({ shared: limits }: Metered): SharedStates {
    return limits.length === 0 ? NO_STATES : limits.map(({ id }) => stateIn(held.shared, id, id, ALONE))
  }

  function groupOf(plan: PlanLimits): Group | undefined {
    if (plan !== lastPlan || lastGroup === undefined) {
      lastPlan = plan
      lastGroup = held.plans.get(plan.planId)
    }
    return lastGroup
  }

  function write(
    groups: Map<string, Group>,
    limits: PlanLimits,
    id: string,
    hash: number,
    state: State,
    now: Millis,
  ): void {
    const group = groups.get(limits.planId) ?? held.newGroup(groups, limits.planId, limits)
    if (group.limits !== limits) group.limits = limits
    const row = group.rows.find(id, hash)
    if (row !== -1) {
      held.records.write(row, state)
      return
    }
    for (let i = 0; i < SWEPT_PER_NEW; i++) {
      const next = group.rows.next()
      if (next !== -1) forget(groups, group, next, now)
    }
    group.rows.add(id, hash, held.records.add(state))
  }

  /** Writes to a record that is there, and leaves its group's limits: the writer's may be of an older catalog. */
  function rewrite(groups: Map<string, Group>, groupId: string, id: string, hash: number, state: State | null): void {
    const row = groups.get(groupId)?.rows.find(id, hash) ?? -1
    if (row !== -1 && state !== null) held.records.write(row, state)
  }

  /** Drops a record if it cannot be told from none, nor could by a clock that steps back as far as it may. */
  function forget(groups: Map<string, Group>, { limits, rows }: Group, row: Row, now: Millis): boolean {
    if (limits === null || !isForgettable(held.records.read(row), limits, now - STEP_BACK)) return false
    rows.delete(row, groups === held.shared ? ALONE : hashOf(held.ids[row]!))
    held.records.remove(row)
    return true
  }

  return {
    get size() {
      let size = held.shared.size
      for (const { rows } of held.plans.values()) size += rows.size
      return size
    },

    take(metered, now) {
      const { plan, keyId, shared: limits } = metered
      const hash = MeteredRequest.keyHashOf(metered)
      const group = plan === null ? undefined : groupOf(plan)
      const row = group === undefined || keyId === null ? -1 : group.rows.find(keyId, hash)
      if (group !== undefined && row !== -1) {
        const charged = held.records.charge(row, metered, now)
        if (charged !== null) {
          group.limits = plan
          return charged
        }
      }
      const decision = decide(metered, row === -1 ? null : held.records.read(row), now, sharedStates(metered))
      if (!decision.changed) return decision
      if (plan !== null && keyId !== null && decision.state !== null) {
        write(held.plans, plan, keyId, hash, decision.state, now)
      }
      for (let i = 0; i < limits.length; i++) {
        const { id, limits: own } = limits[i]!
        write(held.shared, own, id, ALONE, decision.sharedStates[i]!, now)
      }
      return decision
    },

    peek: (metered, now) => decide(metered, ownState(metered), now, sharedStates(metered)),

    giveBack(taken: Allowed, now) {
      const { metered } = taken
      const { plan, keyId, shared: limits } = metered
      if (plan !== null && keyId !== null) {
        const hash = MeteredRequest.keyHashOf(metered)
        rewrite(held.plans, plan.planId, keyId, hash, giveBack(taken, ownState(metered), now))
      }
      limits.forEach(({ id }, i) => {
        rewrite(held.shared, id, id, ALONE, giveBackShared(taken, i, stateIn(held.shared, id, id, ALONE), now))
      })
    },

    snapshot() {
      const { records, ids } = held
      const list = (groups: Map<string, Group>): [string, string, EncodedState][] =>
        [...groups].flatMap(([groupId, { rows }]) =>
          rows
            .numbers()
            .map((row): [string, string, EncodedState] => [groupId, ids[row]!, encodeState(records.read(row))]),
        )
      const shared = list(held.shared).map(([id, , state]) => [id, state] as const)
      return { version: 1, records: list(held.plans), shared }
    },

    restore(snapshot) {
      held = heldIn(snapshot)
      lastPlan = null
    },

    sweep(now) {
      let dropped = 0
      for (const groups of [held.plans, held.shared]) {
        for (const [groupId, group] of groups) {
          for (const row of group.rows.numbers()) if (forget(groups, group, row, now)) dropped++
          if (group.rows.size === 0) groups.delete(groupId)
        }
      }
      lastPlan = null
      return dropped
    },
  }
}

function heldIn(snapshot: unknown): Held {
  const { records, shared } = checkedSnapshot(snapshot)
  const held = new Held()
  const add = (groups: Map<string, Group>, groupId: string, id: string, hash: number, state: EncodedState): void => {
    const { rows } = groups.get(groupId) ?? held.newGroup(groups, groupId, null)
    const decoded = decodeState(state)
    const row = rows.find(id, hash)
    if (row === -1) rows.add(id, hash, held.records.add(decoded))
    else held.records.write(row, decoded)
  }
  for (const [planId, keyId, state] of records) add(held.plans, planId, keyId, hashOf(keyId), state)
  for (const [id, state] of shared) add(held.shared, id, id, ALONE, state)
  return held
}
