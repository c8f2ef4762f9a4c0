// An SQLite file, opened with whatever this runtime has. Floor 5: the library's entries import nothing, and take a handle.

import { createRequire as requireFrom } from 'node:module'
import { join } from 'node:path'
import { StoreError } from '../errors.ts'
import type { SqliteDatabase } from '../stores/sqlite.ts'

export interface OpenDatabase extends SqliteDatabase {
  close(): void
}

type Opener = new (path: string) => OpenDatabase

/** There is no SQLite in this runtime, nor beside this command. */
export class NoSqlite extends StoreError {}

/**
 * A handle on the file, which is made where it is missing: node:sqlite's, or else libsql's if it is installed beside
 * this command or in the working directory.
 *
 * @throws {NoSqlite} which names the remedies where there is neither
 * @throws {StoreError} which says why the file does not open
 */
export async function openSqlite(path: string): Promise<OpenDatabase> {
  const opener = (await builtIn()) ?? installed()
  if (opener === null) {
    const remedies =
      'run on Node ≥ 22.13, Deno or Bun, which have it built in; or install it beside: npm install libsql'
    throw new NoSqlite(`no SQLite here for ${path}: ${remedies}`, { transient: false })
  }
  try {
    return new opener(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StoreError(`sqlite: it does not open: ${reason}`, { transient: false, cause })
  }
}

/** Where it can be constructed: there are runtimes that have the module and not the database. */
async function builtIn(): Promise<Opener | null> {
  const name = 'node:sqlite'
  try {
    const { DatabaseSync } = (await import(name)) as { readonly DatabaseSync: Opener }
    new DatabaseSync(':memory:').close()
    return DatabaseSync
  } catch {
    return null
  }
}

/** Not by a literal `require`, which would be bundled: it loads a binary from its own folder. */
function installed(): Opener | null {
  const name = 'libsql'
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return requireFrom(from)(name) as Opener
    } catch {
      // Not installed there.
    }
  }
  return null
}
