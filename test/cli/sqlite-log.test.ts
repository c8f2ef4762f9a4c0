// What is found out of a damaged write-ahead log, beside what SQLite makes of it (SQL-07).

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lostTransactions } from '../../src/cli/sqlite-log.ts'
import { closed, newFile, opened } from '../stores/files.ts'

const COMMITS = 12

/** A database with a log of as many transactions as it has rows; and, behind its end, of an older log. */
async function logged(): Promise<{ path: string; log: Buffer }> {
  const path = newFile()
  const database = await opened(path)
  database.exec('PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
  database.exec('CREATE TABLE t (row INTEGER)')
  for (let i = 0; i < 40; i++) database.exec('INSERT INTO t VALUES (0)')
  database.exec('PRAGMA wal_checkpoint(RESTART); DELETE FROM t')
  database.exec('PRAGMA wal_checkpoint(RESTART)')
  for (let i = 0; i < COMMITS; i++) database.exec('INSERT INTO t VALUES (1)')
  const log = readFileSync(`${path}-wal`)
  copyFileSync(path, `${path}-as-it-was`)
  return { path: `${path}-as-it-was`, log }
}

async function rowsOf(path: string): Promise<number> {
  const database = await opened(path)
  const { n } = database.prepare('SELECT count(*) AS n FROM t').get() as { n: number }
  closed(database)
  return n
}

describe('a write-ahead log', () => {
  it('that is sound has lost nothing, and none is none', async () => {
    const { path, log } = await logged()
    expect(lostTransactions(path)).toBe(0)
    writeFileSync(`${path}-wal`, log)
    expect(lostTransactions(path)).toBe(0)
    expect(await rowsOf(path)).toBe(COMMITS)
  })

  it('that ends anywhere, as one does whose writer was killed, has lost nothing', async () => {
    const { path, log } = await logged()
    for (let length = 0; length < 32 + COMMITS * 536; length += 67) {
      writeFileSync(`${path}-wal`, log.subarray(0, length))
      expect(lostTransactions(path), `cut at ${length}`).toBe(0)
    }
  })

  it('with a bit flipped anywhere has lost what SQLite leaves out', async () => {
    const { path, log } = await logged()
    let found = 0
    // Up to the last transaction: damaged, that is a torn end.
    for (let at = 3; at < 32 + (COMMITS - 1) * 536; at += 151) {
      const copy = `${path}-${at}`
      copyFileSync(path, copy)
      const damaged = Buffer.from(log)
      damaged[at]! ^= 1 << (at % 8)
      writeFileSync(`${copy}-wal`, damaged)
      const lost = lostTransactions(copy)
      const left = await rowsOf(copy)
      expect(left, `flipped at ${at}`).toBeLessThan(COMMITS)
      expect(lost, `flipped at ${at}, ${left} of ${COMMITS} left`).toBeGreaterThan(0)
      // In its head or in a frame's mark, it hides how many.
      if (at >= 32 && (at - 32) % 536 >= 24) expect(lost, `flipped at ${at}`).toBe(COMMITS - left)
      found++
    }
    expect(found).toBeGreaterThan(30)
  })
})
