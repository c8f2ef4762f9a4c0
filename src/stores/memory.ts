// Records in this process's memory. Floor 3: calls `decide`, and copies what it leaves into its cells.
// It grows with the keys that are in use and with nothing else: unknown keys never get here, and a cell is dropped when
// it cannot be told from none. Nothing else is ever evicted.

import { decide, giveBack, giveBackShared, type SharedStates } from '../core/decide.ts'
import type { Allowed, MeteredDecision } from '../core/decision.ts'
import type { Metered, PlanLimits, SharedBucket } from '../core/limits.ts'
import { decodeState, type EncodedState, encodeState, isForgettable, type State, StateError } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
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
  /** Records held now. */
  readonly size: number
  /** What it remembers. Restoring it elsewhere goes on where this left off. */
  snapshot(): Snapshot
  /** Takes over a snapshot, in place of everything remembered. Throws `StateError` and changes nothing if it is not one. */
  restore(snapshot: Snapshot): void
  /** Drops every record that cannot be told from none at `now`. @returns how many */
  sweep(now: Millis): number
}

/** A record with its limits of the last take. Changed in place: beyond 10 k keys replacing is 2–4 times as dear (bench/). */
interface Cell {
  at: number
  level: number
  window: number
  used: number
  methods: State['methods']
  /** Null for a restored record until it is first asked. */
  limits: PlanLimits | null
}

/** How many old records a new one looks at, to drop those that are no longer needed. */
const SWEPT_PER_NEW = 2

const NO_STATES: SharedStates = []

/** A store in memory. Counters end with the process, unless a snapshot of them is kept. */
export function memoryStore(): MemoryStore {
  let plans = new Map<string, Map<string, Cell>>()
  let shared = new Map<string, Cell>()

  function cellOf({ plan, keyId }: Metered): Cell | null {
    return plan === null || keyId === null ? null : (plans.get(plan.planId)?.get(keyId) ?? null)
  }

  function sharedOf({ shared: limits }: Metered): SharedStates {
    return limits.length === 0 ? NO_STATES : limits.map(({ id }) => shared.get(id) ?? null)
  }

  function write(
    { plan, keyId, shared: limits }: Metered,
    cell: Cell | null,
    decision: MeteredDecision,
    now: Millis,
  ): void {
    if (plan !== null && keyId !== null && decision.state !== null) {
      if (cell === null) add(plan, keyId, decision.state, now)
      else set(cell, decision.state, plan)
    }
    for (let i = 0; i < limits.length; i++) {
      const limit = limits[i]!
      const state = decision.sharedStates[i]!
      const held = shared.get(limit.id)
      if (held === undefined) shared.set(limit.id, { ...state, limits: limitsOf(limit) })
      else set(held, state, limitsOf(limit))
    }
  }

  function add(plan: PlanLimits, keyId: string, state: State, now: Millis): void {
    let cells = plans.get(plan.planId)
    if (cells === undefined) plans.set(plan.planId, (cells = new Map()))
    let looked = 0
    for (const [id, cell] of cells) {
      if (looked++ === SWEPT_PER_NEW) break
      cells.delete(id)
      // One that is still needed goes to the end of the queue.
      if (!canForget(cell, now)) cells.set(id, cell)
    }
    cells.set(keyId, { ...state, limits: plan })
  }

  return {
    get size() {
      let size = shared.size
      for (const cells of plans.values()) size += cells.size
      return size
    },

    take(metered, now) {
      const cell = cellOf(metered)
      const decision = decide(metered, cell, now, sharedOf(metered))
      if (decision.changed) write(metered, cell, decision, now)
      return decision
    },

    peek: (metered, now) => decide(metered, cellOf(metered), now, sharedOf(metered)),

    giveBack(taken: Allowed, now) {
      const cell = cellOf(taken.metered)
      const back = giveBack(taken, cell, now)
      if (cell !== null && back !== null && taken.metered.plan !== null) set(cell, back, taken.metered.plan)
      taken.metered.shared.forEach((limit, i) => {
        const held = shared.get(limit.id)
        const back = giveBackShared(taken, i, held ?? null, now)
        if (held !== undefined && back !== null) set(held, back, limitsOf(limit))
      })
    },

    snapshot() {
      const records: [string, string, EncodedState][] = []
      for (const [planId, cells] of plans) {
        for (const [keyId, cell] of cells) records.push([planId, keyId, encodeState(cell)])
      }
      return { version: 1, records, shared: [...shared].map(([id, cell]) => [id, encodeState(cell)] as const) }
    },

    restore(snapshot) {
      if (snapshot?.version !== 1)
        throw new StateError(`snapshot version ${snapshot?.version}: this release reads version 1`)
      const readPlans = new Map<string, Map<string, Cell>>()
      for (const [planId, keyId, state] of snapshot.records) {
        const cells = readPlans.get(planId) ?? new Map<string, Cell>()
        readPlans.set(planId, cells.set(keyId, { ...decodeState(state), limits: null }))
      }
      const readShared = new Map(snapshot.shared.map(([id, state]) => [id, { ...decodeState(state), limits: null }]))
      plans = readPlans
      shared = readShared
    },

    sweep(now) {
      let dropped = 0
      for (const cells of [...plans.values(), shared]) {
        for (const [id, cell] of cells) {
          if (canForget(cell, now) && cells.delete(id)) dropped++
        }
      }
      return dropped
    },
  }
}

function set(cell: Cell, state: State, limits: PlanLimits): void {
  cell.at = state.at
  cell.level = state.level
  cell.window = state.window
  cell.used = state.used
  cell.methods = state.methods
  cell.limits = limits
}

function canForget(cell: Cell, now: Millis): boolean {
  return cell.limits !== null && isForgettable(cell, cell.limits, now)
}

const SHARED_LIMITS = new WeakMap<SharedBucket, PlanLimits>()

/** A shared limit is a plan with nothing but a bucket. */
function limitsOf(limit: SharedBucket): PlanLimits {
  let limits = SHARED_LIMITS.get(limit)
  if (limits === undefined) {
    limits = { planId: limit.id, bucket: limit, quota: null, methods: new Map() }
    SHARED_LIMITS.set(limit, limits)
  }
  return limits
}
