// Database files for tests: each in a folder of its own, closed and removed when the test is over.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
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

/** A closed handle keeps its descriptors until its statements are collected: for who closes thousands. */
export async function released(): Promise<void> {
  setFlagsFromString('--expose_gc')
  runInNewContext('gc')()
  await new Promise(resolve => setImmediate(resolve))
}
