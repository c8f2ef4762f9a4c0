// `tollgate preview`: what would change for a live store's keys, over each store, and nothing of it is written.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogAt, snapshotAt } from '../../src/cli/replay/snapshot.ts'
import { type Catalog, catalogOf, createGate, memoryStore, type Snapshot, wholeOf } from '../../src/index.ts'
import { type Change, preview } from '../../src/replay/preview.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { redisCatalogLog } from '../../src/stores/redis-catalog.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { sqliteCatalogLog } from '../../src/stores/sqlite-catalog.ts'
import { newFile, opened } from '../stores/files.ts'
import { type RedisServer, redisServer, sendBy } from '../stores/redis-server.ts'
import { bundled, type Command } from './command.ts'

const NOW = Date.UTC(2026, 10, 24, 12)

interface Plan {
  readonly burst?: number
  readonly limit?: number
  readonly period?: 'DAY' | 'MONTH'
}

/** A catalog with plans `p` and `q`, and the keys of each by name. */
function document(
  { burst = 10, limit = 100, period = 'DAY' }: Plan = {},
  keys: Record<string, string> = { a: 'p', b: 'p', c: 'p' },
) {
  const throttle = { rateLimit: 1, burstLimit: burst }
  return {
    requireKey: ['GET /pets/{petId}' as const],
    plans: [
      { id: 'p', throttle, quota: { limit, period } },
      { id: 'q', throttle, quota: { limit: 1000, period } },
    ],
    keys: Object.entries(keys).map(([id, plan]) => ({
      id,
      name: `Key ${id}`,
      value: `value-of-the-key-named-${id}`,
      plan,
    })),
  }
}
const catalogWith = (plan?: Plan, keys?: Record<string, string>): Catalog => catalogOf(document(plan, keys))

const ask = (id: string) => ({ method: 'GET', path: '/pets/7', apiKey: `value-of-the-key-named-${id}` })

/** What a memory store remembers after a asked once a second for a minute, b five times at once, and c not at all. */
function remembered(catalog: Catalog, at = NOW): Snapshot {
  const store = memoryStore()
  let now = at - 120_000
  const gate = createGate({ catalog, store, clock: () => now })
  for (let i = 0; i < 60; i++) {
    now += 1000
    expect(gate.admit(ask('a')).admitted).toBe(true)
  }
  now = at
  for (let i = 0; i < 5; i++) gate.admit(ask('b'))
  return store.snapshot()
}

const changesOf = (next: Catalog, current: Catalog | null = catalogWith(), now = NOW): Record<string, Change[]> => {
  const all: Record<string, Change[]> = {}
  for (const { keyId, change } of preview(remembered(catalogWith()), current, next, now).changes)
    (all[keyId] ??= []).push(change)
  return all
}

describe('what would change', () => {
  it('is nothing under the same catalog', () => expect(changesOf(catalogWith())).toEqual({}))

  it('is who has used the new quota, until the window ends, and who has some again', () => {
    const until = NOW + 12 * 3_600_000
    expect(changesOf(catalogWith({ limit: 50 }))).toEqual({ a: [{ kind: 'over-quota', used: 60, limit: 50, until }] })
    expect(changesOf(catalogWith({ limit: 60 }))['a']).toEqual([{ kind: 'over-quota', used: 60, limit: 60, until }])
    expect(changesOf(catalogWith({ limit: 61 }))).toEqual({})
    const tight = catalogWith({ limit: 60 })
    expect(changesOf(catalogWith({ limit: 70 }), tight)).toEqual({ a: [{ kind: 'quota-freed', used: 60, limit: 70 }] })
    // It was over before.
    expect(changesOf(catalogWith({ limit: 50 }), tight)).toEqual({})
    expect(changesOf(catalogWith({ limit: 50 }), null)).toEqual(changesOf(catalogWith({ limit: 50 })))
    expect(changesOf(catalogWith({ limit: 50 }), catalogWith(), NOW + 86_400_000)).toEqual({})
  })

  it('is whose bucket holds more than the new one', () => {
    expect(changesOf(catalogWith({ burst: 7 }))).toEqual({ a: [{ kind: 'clipped', tokens: 10, burst: 7 }] })
    expect(changesOf(catalogWith({ burst: 3 }), undefined, NOW + 1000)['b']).toEqual([
      { kind: 'clipped', tokens: 6, burst: 3 },
    ])
  })

  it('is whose use no longer counts, and who is gone', () => {
    expect(changesOf(catalogWith({ period: 'MONTH' }))).toEqual({
      a: [{ kind: 'begins-anew', used: 60, reason: 'period' }],
      b: [{ kind: 'begins-anew', used: 5, reason: 'period' }],
    })
    expect(changesOf(catalogWith({}, { a: 'q', c: 'p' }))).toEqual({
      a: [{ kind: 'begins-anew', used: 60, reason: 'plan' }],
      b: [{ kind: 'gone', reason: 'key' }],
    })
  })

  it('is what a gate goes on to say', () => {
    for (const next of [catalogWith({ limit: 50 }), catalogWith({ burst: 7 }), catalogWith({ limit: 61 })]) {
      const store = memoryStore()
      store.restore(remembered(catalogWith()))
      const gate = createGate({ catalog: next, store, clock: () => NOW })
      const over = changesOf(next)['a']?.some(({ kind }) => kind === 'over-quota') ?? false
      expect(gate.peek(ask('a')).kind).toBe(over ? 'quota-exceeded' : 'allowed')
    }
  })
})

describe('a live store', () => {
  let server: RedisServer
  let tollgate: Command
  beforeAll(async () => {
    ;[server, tollgate] = await Promise.all([redisServer(), bundled()])
  }, 30_000)
  afterAll(() => server?.stop())

  it('is read from SQLite, records and shared catalog, and from Redis', async () => {
    const path = newFile()
    const database = await opened(path)
    const snapshot = remembered(catalogWith())
    sqliteStore({ database }).restore(snapshot)
    expect(await catalogAt(`sqlite:${path}`)).toBe(null)
    await sqliteCatalogLog(database).append(0, wholeOf(catalogWith({ limit: 7 })))
    const inOrder = ({ records }: Snapshot): unknown => records.toSorted(([, a], [, b]) => (a < b ? -1 : 1))
    expect(inOrder(await snapshotAt('--store', `sqlite:${path}`))).toEqual(inOrder(snapshot))
    expect((await catalogAt(`sqlite:${path}`))?.usagePlans[0]?.quota?.limit).toBe(7)

    const send = sendBy(server.connect())
    const url = `redis://127.0.0.1:${server.port}`
    const gate = createGate({
      catalog: catalogOf(document()),
      store: redisStore({ send, clock: 'host' }),
      clock: () => NOW,
    })
    for (let i = 0; i < 5; i++) await gate.admit(ask('b'))
    const found = await snapshotAt('--store', url)
    expect(found.records).toEqual(snapshot.records.filter(([, keyId]) => keyId === 'b'))
    expect(await catalogAt(url)).toBe(null)
    await redisCatalogLog({ send }).append(0, wholeOf(catalogOf(document({ limit: 8 }))))
    expect((await catalogAt(url))?.usagePlans[0]?.quota?.limit).toBe(8)
  })

  it('is said what would change for, with the requests of the last hour', async () => {
    const path = newFile()
    const folder = join(path, '..', 'files')
    mkdirSync(folder)
    const database = await opened(path)
    const now = Date.now()
    sqliteStore({ database }).restore(remembered(catalogWith({ limit: 100, period: 'MONTH' }), now))
    await sqliteCatalogLog(database).append(0, wholeOf(catalogWith({ period: 'MONTH' })))
    const next = join(folder, 'new.json')
    writeFileSync(next, JSON.stringify(document({ limit: 50, burst: 2, period: 'MONTH' })))
    const line = (ago: number, id: string): string =>
      JSON.stringify({ time: new Date(now - ago).toISOString(), method: 'GET', path: '/pets/1', keyId: id })
    const log = join(folder, 'access.ndjson')
    writeFileSync(log, [line(7_200_000, 'a'), ...[5, 4, 3, 2].map(ms => line(600_000 + ms, 'b'))].join('\n'))
    const before = [sqliteStore({ database }).snapshot(), await catalogAt(`sqlite:${path}`)]
    const run = (...args: string[]) =>
      tollgate(['preview', '--catalog', next, '--store', `sqlite:${path}`, ...args], {
        cwd: join(import.meta.dirname, '../..'),
      })
    const { stdout, code } = await run('--log', log)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /over the new quota +1 key\n +Key a \(a\) +p +used 60 of 50: refused until \d{4}-\d\d-01 00:00:00/,
    )
    expect(stdout).toMatch(/buckets clipped +2 keys/)
    expect(stdout).toMatch(
      /the last 1 h of the log: 4 requests \(5 lines read\)\n {2}newly refused 2, freed 0\n +Key b +p +2 newly/,
    )
    const { changes, isCompared } = JSON.parse((await run('--json')).stdout)
    expect([isCompared, changes.length]).toEqual([true, 3])
    expect([sqliteStore({ database }).snapshot(), await catalogAt(`sqlite:${path}`)]).toEqual(before)
    const nowhere = await tollgate(['preview', '--catalog', next, '--store', 'sqlite:/nowhere.db'])
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      "--store: expected a store's file, found none at /nowhere.db; check the path\n",
    ])
  })
})
