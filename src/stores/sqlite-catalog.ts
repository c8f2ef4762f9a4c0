// The log of a shared catalog in SQLite, beside the records. Floor 3. An entry is committed before it is answered.

import { StateError } from '../core/state.ts'
import { StoreError } from '../errors.ts'
import type { CatalogLog, Published } from './catalog-log.ts'
import { attempt, checkHandle, type SqliteDatabase } from './sqlite-tables.ts'

const TABLE = `
CREATE TABLE IF NOT EXISTS tollgate_catalog (
  version INTEGER PRIMARY KEY,
  change TEXT NOT NULL CHECK (json_valid(change))
) STRICT`

/**
 * A log in the database of `sqliteStore`, or in one of its own.
 *
 * Its methods reject with a `StoreError` where SQLite fails.
 */
export function sqliteCatalogLog(database: SqliteDatabase): CatalogLog {
  checkHandle(database)
  attempt(() => database.exec('PRAGMA busy_timeout = 5000'))
  attempt(() => database.exec(TABLE))
  const newest = attempt(() => database.prepare('SELECT coalesce(max(version), 0) AS version FROM tollgate_catalog'))
  const after = attempt(() =>
    database.prepare('SELECT version, change FROM tollgate_catalog WHERE version > ? ORDER BY version'),
  )
  const insert = attempt(() => database.prepare('INSERT INTO tollgate_catalog (version, change) VALUES (?, ?)'))
  const dropBefore = attempt(() => database.prepare('DELETE FROM tollgate_catalog WHERE version < ?'))

  const lastVersion = (): number => (attempt(() => newest.get()) as { readonly version: number }).version

  return {
    async since(version) {
      const rows = attempt(() => after.all(version)) as { readonly version: number; readonly change: string }[]
      if (rows.length === 0 && lastVersion() < version) return 'lost'
      return rows.map(({ version, change }): Published => ({ version, change: parsed(change, version) }))
    },

    async append(version, change) {
      const text = JSON.stringify(change)
      attempt(() => database.exec('BEGIN IMMEDIATE'), 'sqlite', 'no')
      try {
        const last = lastVersion()
        if (last === version) {
          attempt(() => insert.run(version + 1, text))
          // What came before a whole catalog is never needed again.
          if (change.kind === 'catalog') attempt(() => dropBefore.run(version + 1))
        }
        attempt(() => database.exec('COMMIT'))
        return last === version
      } catch (error) {
        try {
          database.exec('ROLLBACK')
        } catch {
          // SQLite has rolled it back itself.
        }
        throw error
      }
    },
  }
}

function parsed(text: string, version: number): Published['change'] {
  try {
    return JSON.parse(text) as Published['change']
  } catch (cause) {
    const reason = `catalog entry ${version} is no JSON`
    throw new StoreError(reason, { transient: false, cause: new StateError(reason, { cause }) })
  }
}
