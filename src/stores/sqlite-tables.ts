// A store's tables in SQLite: the schema, its statements, rows read and written, and which of SQLite's errors are
// outages. Floor 3: knows what a state is, and decides nothing.

import { DAY_MS } from '../core/calendar.ts'
import { kindOf } from '../core/readers.ts'
import { decodeState, type State, StateError } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import { StoreError } from '../errors.ts'
import { daysOf } from './days.ts'
import { USAGE_DAYS, type UsageEntry, type UsageQuery } from './store.ts'

/** A handle on a database: node:sqlite's (Node ≥ 22.13, Deno, Bun), better-sqlite3's, libsql's, bun:sqlite's. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

export interface SqliteStatement {
  get(...values: (string | number)[]): unknown
  all(...values: (string | number)[]): unknown[]
  run(...values: (string | number)[]): { readonly changes: number | bigint }
}

/**
 * The version of the tables. Public, as the tables are: records are `encodeState`'s numbers in columns. Tables of another
 * meaning get other names, so that a process which still has this version open fails rather than misreads.
 */
export const SCHEMA_VERSION = 1

/** The `plan` of what clients share: no plan's id is empty. The `key` is then `SharedBucket.id`. */
export const SHARED = ''

const SCHEMA = `
CREATE TABLE tollgate_schema (
  version INTEGER NOT NULL
) STRICT;
INSERT INTO tollgate_schema VALUES (${SCHEMA_VERSION});
CREATE TABLE tollgate_records (
  plan TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL CHECK (at BETWEEN -9007199254740991 AND 9007199254740991),
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 9007199254740991),
  "window" INTEGER NOT NULL CHECK ("window" BETWEEN -9007199254740991 AND 9007199254740991),
  used INTEGER NOT NULL CHECK (used BETWEEN 0 AND 9007199254740991),
  methods TEXT NOT NULL CHECK (json_valid(methods)),
  PRIMARY KEY (plan, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE tollgate_usage (
  plan TEXT NOT NULL,
  key TEXT NOT NULL,
  day INTEGER NOT NULL,
  used INTEGER NOT NULL CHECK (used BETWEEN 0 AND 9007199254740991),
  PRIMARY KEY (plan, key, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX tollgate_usage_by_day ON tollgate_usage (day);
`

const NO_METHODS = '[]'

/** How many days too old a new day of a key makes it look for. More than one, so that they go faster than they come. */
const DROPPED_PER_NEW_DAY = 4

export interface TablesOptions {
  readonly busyTimeout: Millis
  readonly synchronous: 'normal' | 'full'
}

export interface Found {
  readonly plan: string
  readonly key: string
  readonly state: State
}

/** @throws {TypeError} for what is no handle: a path, say */
export function checkHandle(database: SqliteDatabase): void {
  if (typeof database?.exec === 'function' && typeof database.prepare === 'function') return
  const one = 'new DatabaseSync(path) of node:sqlite, or new Database(path) of libsql or better-sqlite3'
  throw new TypeError(`database: expected an open handle (${one}), received ${kindOf(database)}`)
}

/** The tables of one database, made where they are missing. Everything throws `StoreError` where SQLite fails. */
export interface Tables {
  begin(): void
  commit(): void
  /** Where there is no transaction (any more) it does nothing. */
  rollback(): void
  read(plan: string, key: string): State | null
  insert(plan: string, key: string, state: State): void
  update(plan: string, key: string, state: State): void
  remove(plan: string, key: string): void
  clear(): void
  /** Records of a plan, in the order of their keys. One that cannot be read is another's to stumble over: null here. */
  after(plan: string, key: string, count: number): { readonly key: string; readonly state: State | null }[]
  all(): Found[]
  size(): number
  /** Adds to what a key used on the day of an instant; takes away where `used` is negative, down to 0. */
  count(plan: string, key: string, at: Millis, used: number): void
  usage(query: UsageQuery): UsageEntry[]
}

export function openTables(database: SqliteDatabase, options: TablesOptions): Tables {
  attempt(() => prepareFile(database, options))
  const statement = (sql: string): SqliteStatement => attempt(() => database.prepare(sql))
  const columns = 'plan, key, at, level, "window", used, methods'
  const numbers = ['at', 'level', '"window"', 'used'].map(name => `CAST(${name} AS REAL) AS ${name}`).join()
  const begin = statement('BEGIN IMMEDIATE')
  const commit = statement('COMMIT')
  const rollback = statement('ROLLBACK')
  const read = statement('SELECT at, level, "window", used, methods FROM tollgate_records WHERE plan = ? AND key = ?')
  const insert = statement(`INSERT INTO tollgate_records (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
  const update = statement(
    'UPDATE tollgate_records SET at = ?, level = ?, "window" = ?, used = ?, methods = ? WHERE plan = ? AND key = ?',
  )
  const remove = statement('DELETE FROM tollgate_records WHERE plan = ? AND key = ?')
  const clear = statement('DELETE FROM tollgate_records')
  // As floating point a number that is none of a record's fails in its own row: node:sqlite fails them all for an integer
  // beyond 2^53.
  const after = statement(
    `SELECT plan, key, ${numbers}, methods FROM tollgate_records WHERE plan = ? AND key > ? ORDER BY key LIMIT ?`,
  )
  const all = statement(`SELECT ${columns} FROM tollgate_records ORDER BY plan, key`)
  const size = statement('SELECT count(*) AS size FROM tollgate_records')
  const count = statement('UPDATE tollgate_usage SET used = max(0, used + ?) WHERE plan = ? AND key = ? AND day = ?')
  const newDay = statement('INSERT INTO tollgate_usage (plan, key, day, used) VALUES (?, ?, ?, ?)')
  const dropDays = statement(
    `DELETE FROM tollgate_usage WHERE (plan, key, day) IN
       (SELECT plan, key, day FROM tollgate_usage WHERE day < ? ORDER BY day LIMIT ${DROPPED_PER_NEW_DAY})`,
  )
  const usage = statement(
    'SELECT day, used FROM tollgate_usage WHERE plan = ? AND key = ? AND day >= ? AND day < ? AND used > 0 ORDER BY day',
  )
  const write = (written: SqliteStatement, ...values: (string | number)[]): number =>
    attempt(() => Number(written.run(...values).changes))

  return {
    begin: () => void attempt(() => begin.run(), 'sqlite', 'no'),
    commit: () => void attempt(() => commit.run()),
    rollback() {
      try {
        rollback.run()
      } catch {
        // SQLite has rolled it back itself, as it does where a disk is full.
      }
    },
    read(plan, key) {
      const row = attempt(() => read.get(plan, key), `record of key ${key} in plan ${plan}`)
      return row === undefined || row === null ? null : stateOf(row as Row, plan, key)
    },
    insert: (plan, key, state) =>
      void write(insert, plan, key, state.at, state.level, state.window, state.used, methodsText(state)),
    update: (plan, key, state) =>
      void write(update, state.at, state.level, state.window, state.used, methodsText(state), plan, key),
    remove: (plan, key) => void write(remove, plan, key),
    clear: () => void write(clear),
    after: (plan, key, count) =>
      attempt(() => after.all(plan, key, count)).map(row => ({ key: (row as Row).key, state: readable(row as Row) })),
    all: () => attempt(() => all.all()).map(row => foundOf(row as Row)),
    size: () => attempt(() => size.get() as { readonly size: number }).size,
    count(plan, key, at, used) {
      const day = Math.floor(at / DAY_MS)
      if (write(count, used, plan, key, day) > 0 || used <= 0) return
      write(newDay, plan, key, day, used)
      write(dropDays, day - USAGE_DAYS)
    },
    usage({ planId, keyIds, from, to }) {
      const [first, end] = daysOf(from, to)
      return keyIds.flatMap(keyId => {
        const rows = attempt(() => usage.all(planId, keyId, first, end)) as Pick<UsageEntry, 'day' | 'used'>[]
        return rows.map(({ day, used }) => ({ keyId, day: day * DAY_MS, used }))
      })
    },
  }
}

/** Settings and tables. Several processes may come here at once. */
function prepareFile(database: SqliteDatabase, { busyTimeout, synchronous }: TablesOptions): void {
  database.exec(`PRAGMA busy_timeout = ${busyTimeout}`)
  for (let tries = 1; journalOf(database) === 'delete'; tries++) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
    } catch (error) {
      // It does not wait for who is switching at the same moment. A transaction does, and then it is switched.
      if (tries === 10) throw error
      database.exec('BEGIN IMMEDIATE; COMMIT')
    }
  }
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  if (!isThere(database)) makeTables(database)
  checkVersion(database)
}

function makeTables(database: SqliteDatabase): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have, since it was looked at.
    if (!isThere(database)) database.exec(SCHEMA)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function journalOf(database: SqliteDatabase): string {
  return (database.prepare('PRAGMA journal_mode').get() as { readonly journal_mode: string }).journal_mode
}

function isThere(database: SqliteDatabase): boolean {
  const found = database.prepare(`SELECT count(*) AS n FROM sqlite_schema WHERE name = 'tollgate_schema'`).get()
  return (found as { readonly n: number }).n > 0
}

function checkVersion(database: SqliteDatabase): void {
  const found = database.prepare('SELECT version FROM tollgate_schema').get() as { readonly version: number } | null
  const version = found?.version
  if (version !== SCHEMA_VERSION) {
    throw new StateError(
      `sqlite: tables of version ${version}: this release reads version ${SCHEMA_VERSION}; they were written by another`,
    )
  }
}

interface Row {
  readonly plan: string
  readonly key: string
  readonly at: number
  readonly level: number
  readonly window: number
  readonly used: number
  readonly methods: string
}

function foundOf(row: Row): Found {
  return { plan: row.plan, key: row.key, state: stateOf(row, row.plan, row.key) }
}

function readable(row: Row): State | null {
  try {
    return stateOf(row, row.plan, row.key)
  } catch {
    return null
  }
}

function stateOf({ at, level, window, used, methods }: Row, plan: string, key: string): State {
  try {
    const rest = methods === NO_METHODS ? [] : (JSON.parse(methods) as unknown[])
    return decodeState([1, at, level, window, used, ...rest])
  } catch (cause) {
    throw unreadable(`record of key ${key} in plan ${plan}`, cause)
  }
}

function methodsText({ methods }: State): string {
  return methods.length === 0 ? NO_METHODS : JSON.stringify(methods.map(({ id, level, at }) => [id, level, at]))
}

function unreadable(what: string, cause: unknown): StoreError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const broken = cause instanceof StateError ? cause : new StateError(reason, { cause })
  return new StoreError(`sqlite: ${what}: ${reason}`, { transient: false, cause: broken })
}

// ── SQLite's errors ──

/** Primary result codes (sqlite.org/rescode.html) of a store that is not to be had, and whether that may pass. */
const OUTAGES: Readonly<Record<string, readonly [code: number, transient: boolean]>> = {
  // Its statements are sound, so that a table is not there any more.
  ERROR: [1, false],
  PERM: [3, false],
  BUSY: [5, true],
  LOCKED: [6, true],
  NOMEM: [7, true],
  READONLY: [8, false],
  INTERRUPT: [9, true],
  IOERR: [10, true],
  CORRUPT: [11, false],
  FULL: [13, true],
  CANTOPEN: [14, false],
  PROTOCOL: [15, true],
  NOTADB: [26, false],
}

/** The application has a transaction, or a query, open on this very handle. It ends; codes do not tell it apart. */
const IN_USE = /within a transaction|connection is busy/
/** The handle is closed, which handles say in words of their own and without a code of SQLite's. */
const CLOSED = /is not open|has been finalized|closed database/

/**
 * What SQLite is asked to do; its outages as `StoreError`s, and its complaints about values that are none as they are.
 *
 * @param executed whether anything can have been written when it fails
 */
export function attempt<T>(ask: () => T, what = 'sqlite', executed: StoreError['executed'] = 'unknown'): T {
  try {
    return ask()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // An integer that is no JavaScript number: node:sqlite's and Deno's way of saying so.
    if ('code' in error && error.code === 'ERR_OUT_OF_RANGE') throw unreadable(what, error)
    const transient = outageOf(error)
    if (transient === undefined) throw error
    throw new StoreError(`sqlite: ${error.message}`, { transient, executed, cause: error })
  }
}

function outageOf(error: Error): boolean | undefined {
  if (IN_USE.test(error.message)) return true
  if (CLOSED.test(error.message)) return false
  const { code, errcode, rawCode, errno } = error as {
    readonly code?: unknown
    readonly errcode?: unknown
    readonly rawCode?: unknown
    readonly errno?: unknown
  }
  const name = typeof code === 'string' ? (/^SQLITE_([A-Z]+)/.exec(code)?.[1] ?? '') : ''
  if (name in OUTAGES) return OUTAGES[name]?.[1]
  const said = code === 'ERR_SQLITE_ERROR' || name !== '' ? (errcode ?? rawCode ?? errno) : undefined
  if (typeof said !== 'number') return undefined
  return Object.values(OUTAGES).find(([primary]) => primary === (said & 0xff))?.[1]
}
