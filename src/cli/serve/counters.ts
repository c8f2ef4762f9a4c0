// Where the gateway keeps its counters, and the catalog that processes on the same store share. Floor 5.

import { closeSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StoreError } from '../../errors.ts'
import type { CatalogLog } from '../../stores/catalog-log.ts'
import { type GuardedOptions, guarded } from '../../stores/guarded.ts'
import { memoryStore } from '../../stores/memory.ts'
import { redisStore } from '../../stores/redis.ts'
import { redisCatalogLog } from '../../stores/redis-catalog.ts'
import { withRefusals } from '../../stores/refusals.ts'
import { sqliteStore } from '../../stores/sqlite.ts'
import { sqliteCatalogLog } from '../../stores/sqlite-catalog.ts'
import type { Store } from '../../stores/store.ts'
import { withUsage } from '../../stores/usage.ts'
import { writing } from '../load.ts'
import { withoutCredentials } from '../options.ts'
import { sameFile } from '../same-file.ts'
import { NoSqlite, type OpenDatabase, openSqlite } from '../sqlite-file.ts'
import { lostTransactions } from '../sqlite-log.ts'
import { UsageError } from '../terminal.ts'
import { catalogJournal } from './catalog-journal.ts'

export interface Counters {
  readonly store: Store<boolean>
  /** Where processes share their catalog; null where there is only this one. */
  readonly log: CatalogLog | null
  /** What it is, for people. */
  readonly name: string
  close(): Promise<void>
}

export interface CountersOptions extends GuardedOptions {
  /** `memory`, `sqlite:FILE`, `redis://…`; undefined: a file beside the catalog, where there is SQLite. */
  readonly store: string | undefined
  /** The catalog's file, if there is one. */
  readonly catalog: string | undefined
  /** Whether the catalog is edited here: then it is kept, also where counters are not. */
  readonly isEdited: boolean
  readonly say: (text: string) => void
}

/** Opens a store. @throws {UsageError} where it does not open, with the remedies */
export async function openCounters(options: CountersOptions): Promise<Counters> {
  const { store, catalog, isEdited, say, ...policy } = options
  const folder = catalog === undefined ? '.' : dirname(catalog)
  const journal = isEdited ? join(folder, 'tollgate.catalog.ndjson') : null
  try {
    if (store === undefined) return await inSqlite(join(folder, 'tollgate.db'), say, policy)
    if (store === 'memory') return inMemory(journal)
    if (/^sqlite:./.test(store)) return await inSqlite(store.slice('sqlite:'.length), say, policy)
    if (/^rediss?:\/\//.test(store)) return await inRedis(store, say, policy)
  } catch (error) {
    if (!(error instanceof NoSqlite) || store !== undefined) throw inWords(error)
    say(`counters end with this process: ${error.message}`)
    return inMemory(journal)
  }
  const received = JSON.stringify(withoutCredentials(store))
  throw new UsageError(`--store: expected memory, sqlite:FILE or redis://HOST:PORT, received ${received}`)
}

function inWords(error: unknown): unknown {
  return error instanceof StoreError ? new UsageError(`--store: ${error.message}`) : error
}

/** @param journal where the catalog is kept; null where it is its file alone */
function inMemory(journal: string | null): Counters {
  if (journal === null) {
    return { store: memoryStore() as Store<boolean>, log: null, name: 'memory', close: async () => undefined }
  }
  const log = journalIn(journal)
  return {
    store: withUsage(memoryStore()) as Store<boolean>,
    log,
    name: `memory (the catalog in ${journal})`,
    close: async () => log.close(),
  }
}

function journalIn(path: string): ReturnType<typeof catalogJournal> {
  try {
    return writing('--store', path, () => catalogJournal(path))
  } catch (error) {
    throw inWords(error)
  }
}

/** ms between two looks whether a database is still the file of its name. */
const LOOK = 1000

/** Its write-ahead log put into the file, so that the next start has none to look through; not while others use it. */
function settle(database: OpenDatabase): void {
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // It stays, and is looked through.
  }
}

const OTHERWISE = 'name another, or say --store memory'

async function inSqlite(path: string, say: (text: string) => void, policy: GuardedOptions): Promise<Counters> {
  // The catalog's keys are in it: for its owner's eyes.
  writing('--store', path, () => closeSync(openSync(path, 'a', 0o600)), OTHERWISE)
  try {
    return await overFile(path, say, policy)
  } catch (error) {
    if (error instanceof NoSqlite || !(error instanceof StoreError)) throw error
    throw new UsageError(`--store: ${path}: ${error.message}; ${OTHERWISE}`)
  }
}

async function overFile(path: string, say: (text: string) => void, policy: GuardedOptions): Promise<Counters> {
  const lost = lostTransactions(path)
  const records = await openSqlite(path)
  if (lost > 0) {
    say(`${path}-wal is damaged: transactions lost: ${lost}; counts are those of before them`)
    // What could not be read is not found again.
    records.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }
  // A handle of its own, so that no entry of the log falls into a transaction of records.
  const entries = await openSqlite(path)
  const isSame = sameFile(path)
  let isThere = true
  const looking = setInterval(() => {
    if (isThere && !isSame()) say(`${path} was removed or replaced: nobody is counted in it; start again`)
    isThere = isSame()
  }, LOOK).unref()
  return {
    store: guarded(
      inPlace(sqliteStore({ database: records, grouped: true }), path, () => isThere),
      policy,
    ) as Store<boolean>,
    log: sqliteCatalogLog(entries),
    name: path,
    async close() {
      clearInterval(looking)
      settle(entries)
      records.close()
      entries.close()
    },
  }
}

/** A store that is gone when its file is. */
function inPlace(store: Store<true>, path: string, isThere: () => boolean): Store<true> {
  const there = async (): Promise<void> => {
    if (!isThere())
      throw new StoreError(`sqlite: ${path} was removed or replaced`, { transient: false, executed: 'no' })
  }
  return {
    ...store,
    take: (metered, now) => there().then(() => store.take(metered, now)),
    peek: (metered, now) => there().then(() => store.peek(metered, now)),
  }
}

async function inRedis(url: string, say: (text: string) => void, policy: GuardedOptions): Promise<Counters> {
  const name = withoutCredentials(url)
  if (!URL.canParse(url)) throw new UsageError(`--store: expected redis://HOST:PORT, received ${JSON.stringify(name)}`)
  const { createClient } = await import('../redis-client.ts')
  // Its reconnections are its own; what was sent and not answered is never sent again by it.
  const client = createClient({ url, disableOfflineQueue: true })
  let isDown = false
  client.on('error', (error: Error) => {
    if (!isDown) say(`${name}: ${error.message || (error as NodeJS.ErrnoException).code}`)
    isDown = true
    // After a reply that it cannot parse it would hand each later one to the command before.
    if (!/RESP type/.test(error.message) || !client.isOpen) return
    client.destroy()
    client.connect().catch(() => undefined)
  })
  client.on('ready', () => {
    isDown = false
  })
  try {
    await inTime(client.connect(), 5000)
  } catch {
    // It would try for ever, and keep the process alive.
    client.destroy()
    throw new UsageError(`--store: ${name} does not answer; is it running there?`)
  }
  const send = (args: string[]): Promise<unknown> => client.sendCommand(args)
  return {
    store: guarded(withRefusals(redisStore({ send })), policy) as Store<boolean>,
    log: redisCatalogLog({ send }),
    name,
    async close() {
      client.destroy()
    },
  }
}

async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
