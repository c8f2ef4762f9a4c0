// Database files for tests: each in a folder of its own, closed and removed when the test is over.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type OpenDatabase, openSqlite } from '../../src/cli/sqlite-file.ts'

const open = new Set<OpenDatabase>()
const folders: string[] = []

afterEach(() => {
  for (const database of open) database.close()
  open.clear()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A path in a new folder. */
export function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-sqlite-'))
  folders.push(folder)
  return join(folder, 'counts.db')
}

export async function opened(path: string = newFile()): Promise<OpenDatabase> {
  const database = await openSqlite(path)
  open.add(database)
  return database
}

export function closed(database: OpenDatabase): void {
  open.delete(database)
  database.close()
}
