// The SQLite store under load while its file is locked and its disk is full: what was answered, held against what is counted.

import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type SqliteStore, sqliteStore } from '../../src/stores/sqlite.ts'
import { audit, NOTHING_LOST } from './audit.ts'
import { newFile, opened } from './files.ts'
import { askedByMany, countedOf, held, loadOn, quotaOf, until } from './load.ts'
import { canMount, fill, smallDisk } from './small-disk.ts'

describe('a file under load', () => {
  const asks = askedByMany(quotaOf(1_000_000), 5)

  async function under(
    scenario: string,
    file: string,
    said: 'unasked' | 'unknown',
    fault: (failing: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const open = async (): Promise<SqliteStore<true>> =>
      sqliteStore({ database: await opened(file), grouped: true, busyTimeout: 20 })
    const load = loadOn([await open(), await open()], asks, 16)
    await until(() => load.told.total().admitted > 50)
    await fault(() => until(() => load.told.total()[said] > 50))
    const { admitted } = load.told.total()
    await until(() => load.told.total().admitted > admitted + 50)
    await load.stop()
    const counted = await countedOf(await open(), asks)
    const { told } = held(
      audit({ scenario, before: load.told.keys, counted, bound: NOTHING_LOST('written before it is answered') }),
    )
    expect(told[said]).toBeGreaterThan(0)
  }

  it('that is locked admits nothing, and goes on when it is not', async () => {
    const file = newFile()
    const other = await opened(file)
    // No transaction begins: certainly nothing is charged.
    await under('SQLite: the file is locked', file, 'unasked', async failing => {
      other.exec('PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE')
      await failing()
      other.exec('COMMIT')
    })
  })

  it.skipIf(!canMount())('on a full disk admits nothing, and goes on when there is room', async () => {
    const disk = smallDisk()
    await under('SQLite: the disk is full', join(disk, 'counts.db'), 'unknown', async failing => {
      const ballast = join(disk, 'ballast')
      writeFileSync(ballast, '')
      fill(ballast)
      await failing()
      truncateSync(ballast)
    })
  })
})
