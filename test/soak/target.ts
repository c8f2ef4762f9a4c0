// What is soaked: a store that gateways share, how it is broken, and what of it is counted.

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqlite } from '../../src/cli/sqlite-file.ts'
import { compile } from '../../src/core/compile.ts'
import type { Metered } from '../../src/core/limits.ts'
import { resolve } from '../../src/core/resolve.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { redisServer, sendBy } from '../stores/redis-server.ts'
import { type Scene, secretOf } from './scene.ts'

/** ms that Redis may put off its writes with `everysec`, while a sync is under way, and a turn of its timer. */
const PUT_OFF = 2100
/** ms that a killed server stays dead, at least and at most: answers that it had given are heard by then. */
const DEAD = [100, 600] as const

export interface Breaking {
  /** 0 … 1. */
  readonly random: () => number
  /** Called while a server is dead that may have lost what it acknowledged. */
  readonly lost: () => void
}

export interface Target {
  readonly name: string
  /** What a gateway is told to open. */
  readonly kind: 'redis' | 'sqlite'
  readonly where: string
  /** Each breaks it, waits, and mends it. */
  readonly faults: Readonly<Record<string, (breaking: Breaking) => Promise<void>>>
  /** ms before `lost` is called of which the admissions may be lost; 0 for none. */
  readonly loses: number
  /** From what that follows. */
  readonly because: string
  counted(): Promise<ReadonlyMap<string, number>>
  /** MB: a server's memory, a file's size. */
  size(): Promise<number>
  stop(): Promise<void>
}

export async function redisTarget({ catalog, keys }: Scene, appendfsync: 'always' | 'everysec'): Promise<Target> {
  const rewriting = ['--auto-aof-rewrite-min-size', '16mb']
  const server = await redisServer('--appendonly', 'yes', '--appendfsync', appendfsync, ...rewriting)
  const client = server.connect()
  const store = redisStore({ send: sendBy(client) })
  const index = compile(catalog)
  const looks = keys.map(key => resolve(index, { method: 'GET', path: '/', apiKey: secretOf(key), cost: 0 }) as Metered)
  return {
    name: `Redis ${/redis_version:(\S+)/.exec(await server.cli('INFO', 'server'))?.[1]}, appendfsync ${appendfsync}`,
    kind: 'redis',
    where: server.socket,
    faults: {
      'server kill -9': async ({ random, lost }) => {
        await server.kill()
        await sleep(DEAD[0] + random() * (DEAD[1] - DEAD[0]))
        lost()
        await server.start()
      },
      'server paused': async ({ random }) => {
        server.signal('SIGSTOP')
        await sleep(300 + random() * 1700)
        server.signal('SIGCONT')
      },
      'scripts flushed 50 ×': async () => {
        for (let i = 0; i < 50; i++) {
          await client.script('FLUSH')
          await sleep(10)
        }
      },
      'connections cut': async () => void (await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
    },
    loses: appendfsync === 'always' ? 0 : PUT_OFF + DEAD[1],
    because:
      appendfsync === 'always'
        ? 'synced before it is answered'
        : `what was admitted in the ${PUT_OFF} ms before a kill`,
    async counted() {
      const found = await Promise.all(looks.map(metered => store.peek(metered, Date.now())))
      return new Map(found.map(({ keyId, state }) => [keyId as string, state?.used ?? 0]))
    },
    size: async () => Number(/used_memory:(\d+)/.exec(await server.cli('INFO', 'memory'))?.[1]) / 2 ** 20,
    stop: () => server.stop(),
  }
}

export async function sqliteTarget(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-soak-'))
  const file = join(folder, 'counts.db')
  const reader = await openSqlite(file)
  const locker = await openSqlite(file)
  const store = sqliteStore({ database: reader })
  locker.exec('PRAGMA busy_timeout = 5000')
  return {
    name: 'SQLite',
    kind: 'sqlite',
    where: file,
    faults: {
      'file locked': async ({ random }) => {
        locker.exec('BEGIN IMMEDIATE')
        await sleep(300 + random() * 1200)
        locker.exec('COMMIT')
      },
      'log checkpointed': async () => void locker.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all(),
    },
    loses: 0,
    because: 'written before it is answered',
    counted: async () => new Map(store.snapshot().records.map(([, key, [, , , , used]]) => [key, used as number])),
    size: async () => (statSync(file).size + statSync(`${file}-wal`).size) / 2 ** 20,
    async stop() {
      reader.close()
      locker.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
