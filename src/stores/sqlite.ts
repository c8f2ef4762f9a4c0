// Records in SQLite: they outlive the process, and several processes on one file are one exact gate. Floor 3: calls
// `decide` between a read and a write of one transaction, which holds the write lock from its first statement on.

import { decide, giveBack, giveBackShared, type SharedStates, STEP_BACK } from '../core/decide.ts'
import type { Allowed, MeteredDecision } from '../core/decision.ts'
import type { Metered, PlanLimits } from '../core/limits.ts'
import { kindOf, quote } from '../core/readers.ts'
import { decodeState, encodeState, isForgettable, NO_STATES, type State, StateError } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import { StoreError } from '../errors.ts'
import type { Snapshot } from './memory.ts'
import { checkedSnapshot } from './snapshot.ts'
import { type Book, bookOf, directly, type Records } from './sqlite-book.ts'
import { checkHandle, openTables, SHARED, type SqliteDatabase } from './sqlite-tables.ts'
import type { Answer, Store, UsageEntry, UsageQuery } from './store.ts'

export { sqliteCatalogLog } from './sqlite-catalog.ts'
export { SCHEMA_VERSION, type SqliteDatabase, type SqliteStatement } from './sqlite-tables.ts'

export interface SqliteOptions {
  /**
   * An open handle: node:sqlite's `new DatabaseSync(path)`, better-sqlite3's or libsql's `new Database(path)`. For this
   * alone: a transaction of the application's on the same handle is in the way of every take.
   */
  readonly database: SqliteDatabase
  /**
   * All takes of a turn of the event loop in one transaction: several times as many a second, each answered by a
   * promise after the commit. Default: a transaction of its own for each, answered at once.
   */
  readonly grouped?: boolean
  /** ms to wait for another process's transaction, in which this process does nothing else. Default 5000. */
  readonly busyTimeout?: Millis
  /**
   * SQLite's words. A killed process loses nothing either way; a power cut loses with `normal` what was decided since
   * the last sync, and with `full` nothing, at the price of one sync for each transaction. Default `normal`.
   */
  readonly synchronous?: 'normal' | 'full'
  /** Whether use is kept per plan, key and day. Default true. */
  readonly usage?: boolean
}

export interface SqliteStore<Async extends boolean> extends Store<Async> {
  take(metered: Metered, now: Millis): Answer<Async, MeteredDecision>
  peek(metered: Metered, now: Millis): Answer<Async, MeteredDecision>
  usage(query: UsageQuery): Answer<Async, UsageEntry[]>
  /** Records held now, by all processes. */
  readonly size: number
  /** Every record, as the memory store's `snapshot` gives it; in the order of plans and keys. */
  snapshot(): Snapshot
  /** Takes over a snapshot, in place of every record. Usage stays. Throws `StateError` and changes nothing if it is not one. */
  restore(snapshot: Snapshot): void
  /** Drops every record of the plans asked for here that cannot be told from none at `now`. @returns how many */
  sweep(now: Millis): number
}

/** How many records a new one looks at. More than one, so that it goes round faster than they are added. */
const SWEPT_PER_NEW = 2
/** How many records `sweep` looks at in one transaction. */
const PAGE = 500

/**
 * A store in an SQLite file, in tables that begin with `tollgate_`.
 *
 * Every method throws (grouped: rejects with) a `StoreError` where SQLite fails or a record cannot be read; nothing was
 * written then.
 *
 * @throws {StateError} for a file written by a release with other tables
 * @throws {TypeError} for what is no handle, or another word than `synchronous` has
 * @throws {RangeError} for a `busyTimeout` that is none
 */
export function sqliteStore(options: SqliteOptions & { readonly grouped?: false }): SqliteStore<false>
export function sqliteStore(options: SqliteOptions & { readonly grouped: true }): SqliteStore<true>
export function sqliteStore(options: SqliteOptions): SqliteStore<boolean> {
  const { database, grouped = false, busyTimeout = 5000, synchronous = 'normal', usage: keepsUsage = true } = options
  if (!Number.isSafeInteger(busyTimeout) || busyTimeout < 0) {
    throw new RangeError(`busyTimeout: expected whole milliseconds ≥ 0, received ${kindOf(busyTimeout)}`)
  }
  if (synchronous !== 'normal' && synchronous !== 'full') {
    throw new TypeError(`synchronous: expected normal or full, received ${quote(String(synchronous))}`)
  }
  checkHandle(database)
  const tables = openTables(database, { busyTimeout, synchronous })
  /** Of the last take here: what decides whether a record may go. */
  const limitsOf = new Map<string, PlanLimits>()
  /** The key up to which a plan's records were looked at. */
  const swept = new Map<string, string>()

  const book = grouped ? bookOf(tables) : null
  const records: Records = book ?? directly(tables)

  function ownState({ plan, keyId }: Metered): State | null {
    return plan === null || keyId === null ? null : records.read(plan.planId, keyId)
  }

  function sharedStates({ shared }: Metered): SharedStates {
    return shared.length === 0 ? NO_STATES : shared.map(({ id }) => records.read(SHARED, id))
  }

  function sweepNext(limits: PlanLimits, now: Millis): void {
    const found = tables.after(limits.planId, swept.get(limits.planId) ?? '', SWEPT_PER_NEW)
    // Fewer than asked for: the round is over, and the next one begins.
    swept.set(limits.planId, found.length < SWEPT_PER_NEW ? '' : found.at(-1)!.key)
    for (const { key, state } of found) {
      if (isOver(state, limits, now) && !records.holds(limits.planId, key)) tables.remove(limits.planId, key)
    }
  }

  function take(metered: Metered, now: Millis): MeteredDecision {
    const { plan, keyId, shared } = metered
    const own = ownState(metered)
    const held = sharedStates(metered)
    const decision = decide(metered, own, now, held)
    if (!decision.changed) return decision
    if (plan !== null && keyId !== null && decision.state !== null) {
      limitsOf.set(plan.planId, plan)
      if (own === null) sweepNext(plan, now)
      records.write(plan.planId, keyId, own, decision.state)
      if (keepsUsage && decision.admitted && decision.cost > 0) {
        records.count(plan.planId, keyId, decision.at, decision.cost)
      }
    }
    for (let i = 0; i < shared.length; i++) {
      const { id, limits } = shared[i]!
      limitsOf.set(`${SHARED}/${id}`, limits)
      records.write(SHARED, id, held[i] ?? null, decision.sharedStates[i]!)
    }
    return decision
  }

  function peek(metered: Metered, now: Millis): MeteredDecision {
    return decide(metered, ownState(metered), now, sharedStates(metered))
  }

  function putBack(taken: Allowed, now: Millis): void {
    const { plan, keyId, shared } = taken.metered
    if (plan !== null && keyId !== null) {
      const own = records.read(plan.planId, keyId)
      const back = giveBack(taken, own, now)
      if (back !== null && back !== own) records.write(plan.planId, keyId, own, back)
      if (keepsUsage && taken.cost > 0) records.count(plan.planId, keyId, taken.at, -taken.cost)
    }
    shared.forEach(({ id }, i) => {
      const held = records.read(SHARED, id)
      const back = giveBackShared(taken, i, held, now)
      if (back !== null && back !== held) records.write(SHARED, id, held, back)
    })
  }

  function transaction<T>(work: () => T): T {
    tables.begin()
    try {
      const result = work()
      tables.commit()
      return result
    } catch (error) {
      tables.rollback()
      throw error
    }
  }

  function sweep(now: Millis): number {
    let dropped = 0
    for (const [name, limits] of limitsOf) {
      const isShared = name === `${SHARED}/${limits.planId}`
      let last: string | null = isShared ? null : ''
      if (isShared) {
        dropped += transaction(() => {
          const state = tables.read(SHARED, limits.planId)
          if (!isOver(state, limits, now)) return 0
          tables.remove(SHARED, limits.planId)
          return 1
        })
      }
      while (last !== null) {
        const from: string = last
        last = transaction(() => {
          const found = tables.after(limits.planId, from, PAGE)
          for (const { key, state } of found) {
            if (!isOver(state, limits, now)) continue
            tables.remove(limits.planId, key)
            dropped++
          }
          return found.length < PAGE ? null : found.at(-1)!.key
        })
      }
    }
    return dropped
  }

  // The same works, each in a transaction of its own or all of a turn in one.
  const within = book === null ? transaction : groupsOf(book, transaction)
  return {
    take: (metered, now) => within(() => take(metered, now)),
    peek: (metered, now) => within(() => peek(metered, now)),
    giveBack: (taken, now) => within(() => putBack(taken, now)),
    usage: query =>
      within(() => {
        book?.settle()
        return tables.usage(query)
      }),
    get size() {
      return tables.size()
    },
    snapshot() {
      const found = tables.all()
      return {
        version: 1,
        records: found
          .filter(({ plan }) => plan !== SHARED)
          .map(({ plan, key, state }) => [plan, key, encodeState(state)] as const),
        shared: found.filter(({ plan }) => plan === SHARED).map(({ key, state }) => [key, encodeState(state)] as const),
      }
    },
    restore(snapshot) {
      const { records, shared } = checkedSnapshot(snapshot)
      transaction(() => {
        tables.clear()
        for (const [plan, key, state] of records) tables.insert(plan, key, decodeState(state))
        for (const [id, state] of shared) tables.insert(SHARED, id, decodeState(state))
      })
    },
    sweep,
  }
}

/** Whether a record cannot be told from none, nor could by a clock that steps back as far as it may. */
function isOver(state: State | null, limits: PlanLimits, now: Millis): boolean {
  return state !== null && isForgettable(state, limits, now - STEP_BACK)
}

interface Waiting {
  readonly work: () => unknown
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** Runs what is asked in one turn of the event loop in one transaction, in its order, and answers after the commit. */
function groupsOf(book: Book, transaction: (work: () => void) => void): <T>(work: () => T) => Promise<T> {
  let waiting: Waiting[] = []
  // After the events that are ready have been heard: each of a server's requests is one.
  const later: (run: () => void) => void =
    typeof setImmediate === 'function' ? run => void setImmediate(run) : run => void setTimeout(run, 0)

  function flush(): void {
    const group = waiting
    waiting = []
    const answers: (() => void)[] = []
    try {
      transaction(() => {
        for (const { work, resolve, reject } of group) {
          try {
            const result = work()
            answers.push(() => resolve(result as never))
          } catch (error) {
            // One record that cannot be read is one request's misfortune, and a bug is; nothing of theirs is in the book.
            // Where SQLite itself failed it is everybody's.
            if (isOutage(error)) throw error
            answers.push(() => reject(error))
          }
        }
        book.settle()
      })
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    } finally {
      book.clear()
    }
    for (const answer of answers) answer()
  }

  return <T>(work: () => T) =>
    new Promise<T>((resolve, reject) => {
      if (waiting.length === 0) later(flush)
      waiting.push({ work, resolve: resolve as Waiting['resolve'], reject })
    })
}

function isOutage(error: unknown): boolean {
  return error instanceof StoreError && !(error.cause instanceof StateError)
}
