// The SQLite store keeps the contract, one transaction each or grouped; and what is special about a file.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { StateError } from '../../src/core/state.ts'
import { StoreError } from '../../src/errors.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type SqliteDatabase, type SqliteStore, sqliteCatalogLog, sqliteStore } from '../../src/stores/sqlite.ts'
import { storeContract } from '../../src/testing.ts'
import { DAY, type Event, HOUR, indexOf, keyIds, meteredOf, type World } from '../laws/worlds.ts'
import { closed, newFile, opened, released } from './files.ts'

describe('sqliteStore', () => {
  it.each([...storeContract])('$name', ({ run }) => run(async () => sqliteStore({ database: await opened() })))
})

describe('sqliteStore, grouped', () => {
  it.each([...storeContract])('$name', ({ run }) =>
    run(async () => sqliteStore({ database: await opened(), grouped: true })),
  )
})

const NOON = Date.UTC(2024, 1, 29, 12)
const world: World = {
  override: false,
  weekStart: 0,
  plan: { tokens: 1, ms: 1000, burst: 3 },
  method: { tokens: 1, ms: 1000, burst: 2 },
  quota: { limit: 5, period: 'DAY', offset: 0 },
  account: { tokens: 1, ms: 1, burst: 100 },
}
const index = indexOf(world)
const ask = (event: Partial<Event> = {}) => meteredOf(index, { key: 0, path: '/a', stage: 's', cost: 1, ...event })!

/** What a call throws. */
function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

describe('a file', () => {
  it('is taken up where another process left it', async () => {
    const path = newFile()
    const first = await opened(path)
    sqliteStore({ database: first }).take(ask(), NOON)
    closed(first)
    const decision = sqliteStore({ database: await opened(path) }).take(ask(), NOON)
    expect(decision.quota?.used).toBe(2)
    expect(decision.tokens).toBe(1)
  })

  it('is shared by two handles, neither of which sees an old count', async () => {
    const path = newFile()
    const stores = [sqliteStore({ database: await opened(path) }), sqliteStore({ database: await opened(path) })]
    const kinds = Array.from({ length: 6 }, (_, i) => stores[i % 2]!.take(ask(), NOON).kind)
    expect(kinds).toEqual(['allowed', 'allowed', 'throttled', 'throttled', 'throttled', 'throttled'])
  })

  it('holds the numbers of a record, readable by any tool', async () => {
    const database = await opened()
    sqliteStore({ database }).take(ask(), NOON)
    const row = database
      .prepare('SELECT at, level, "window", used, methods FROM tollgate_records WHERE plan = ?')
      .get('plan')
    expect(row).toMatchObject({
      at: NOON,
      level: 2 * 432_000_000,
      window: NOON - 12 * HOUR,
      used: 1,
      methods: `[["api/s/a/GET",432000000,${NOON}]]`,
    })
  })

  it('takes numbers that a record can hold, and no others', async () => {
    const database = await opened()
    sqliteStore({ database }).take(ask(), NOON)
    for (const broken of ['level = -1', 'used = 1.5', 'at = 9007199254740992', "methods = '['"]) {
      expect(() => database.exec(`UPDATE tollgate_records SET ${broken}`)).toThrow()
    }
  })

  it.each([
    ['a level beyond 2^53', 'level = 9007199254740993'],
    ['a negative use', 'used = -1'],
    ['methods that are none', `methods = '[["a",1]]'`],
    ['methods that are no JSON', `methods = '['`],
  ])('with %s admits nothing, and says which record it is', async (_, broken) => {
    const database = await opened()
    const store = sqliteStore({ database })
    store.take(ask(), NOON)
    database.exec(`PRAGMA ignore_check_constraints = ON; UPDATE tollgate_records SET ${broken} WHERE plan = 'plan'`)
    const error = thrown(() => store.take(ask(), NOON)) as StoreError
    expect(error).toBeInstanceOf(StoreError)
    expect(error.message).toMatch(/^sqlite: record of key key-0 in plan plan: /)
    expect(error.transient).toBe(false)
    expect(error.cause).toBeInstanceOf(StateError)
    // And nobody else is touched by it.
    expect(store.take(ask({ key: 1 }), NOON).admitted).toBe(true)
  })

  it('of a newer release is refused, and left as it was', async () => {
    const database = await opened()
    sqliteStore({ database }).take(ask(), NOON)
    database.exec('UPDATE tollgate_schema SET version = 2')
    const error = thrown(() => sqliteStore({ database }))
    expect(error).toBeInstanceOf(StateError)
    expect(error.message).toContain('tables of version 2: this release reads version 1')
  })

  it('that is locked is an outage that may pass, after the time that was allowed', async () => {
    const path = newFile()
    const store = sqliteStore({ database: await opened(path), busyTimeout: 30 })
    const other = await opened(path)
    other.exec('BEGIN IMMEDIATE')
    const error = thrown(() => store.take(ask(), NOON)) as StoreError
    expect([error.name, error.code, error.transient]).toEqual(['StoreError', 'STORE_FAILED', true])
    other.exec('COMMIT')
    expect(store.take(ask(), NOON).quota?.used).toBe(1)
  })

  it('that cannot grow is an outage, and what was decided before it stays', async () => {
    const database = await opened()
    const store = sqliteStore({ database, busyTimeout: 30 })
    store.take(ask(), NOON)
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    database.exec(`PRAGMA max_page_count = ${pages}`)
    const { records } = store.snapshot()
    const template = records[0]![2]
    const many = Array.from({ length: 2000 }, (_, i) => ['plan', `other-${i}`, template] as const)
    const error = thrown(() => store.restore({ version: 1, records: many, shared: [] })) as StoreError
    expect([error.name, error.transient]).toEqual(['StoreError', true])
    expect(store.snapshot().records).toEqual(records)
    expect(store.take(ask(), NOON).quota?.used).toBe(2)
  })

  it('that is no database is refused as an outage that lasts', async () => {
    const path = newFile()
    writeFileSync(
      path,
      'not a database, but long enough to have what looks like a header to whoever opens it'.repeat(90),
    )
    const error = await opened(path).then(
      database => thrown(() => sqliteStore({ database })) as StoreError,
      error => error as StoreError,
    )
    expect([error.name, error.transient]).toEqual(['StoreError', false])
  })

  it('with its pages overwritten never admits from them: what cannot be read is a StoreError', async () => {
    const path = newFile()
    const first = await opened(path)
    const store = sqliteStore({ database: first })
    for (let key = 0; key < 2; key++) store.take(ask({ key: key as 0 | 1 }), NOON)
    first.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    closed(first)
    const whole = readFileSync(path)
    const said = new Set<string>()
    for (let page = 1; page * 4096 < whole.length; page++) {
      const copy = newFile()
      writeFileSync(
        copy,
        Buffer.concat([whole.subarray(0, page * 4096), Buffer.alloc(4096, 0x5a), whole.subarray((page + 1) * 4096)]),
      )
      try {
        const decision = sqliteStore({ database: await opened(copy) }).take(ask(), NOON)
        expect(decision.quota?.used, `page ${page}`).toBe(2)
        said.add('admitted, from a page that was whole')
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        expect(error.transient).toBe(false)
        said.add('StoreError')
      }
    }
    expect(said).toContain('StoreError')
  })

  it('whose handle has a transaction of the application open is an outage that ends with it, and charges nothing', async () => {
    const database = await opened()
    const store = sqliteStore({ database })
    const grouped = sqliteStore({ database, grouped: true })
    database.exec('BEGIN')
    const error = thrown(() => store.take(ask(), NOON)) as StoreError
    expect([error.name, error.transient, error.executed]).toEqual(['StoreError', true, 'no'])
    await expect(grouped.take(ask(), NOON)).rejects.toMatchObject({
      name: 'StoreError',
      transient: true,
      executed: 'no',
    })
    // And the transaction that was the caller's still is.
    database.exec('COMMIT')
    expect(store.take(ask(), NOON).quota?.used).toBe(1)
  })

  it('whose handle is closed is an outage that lasts', async () => {
    const database = await opened()
    const store = sqliteStore({ database })
    const log = sqliteCatalogLog(database)
    closed(database)
    for (const open of [() => sqliteStore({ database }), () => sqliteCatalogLog(database)]) {
      const error = thrown(open) as StoreError
      expect([error.name, error.transient]).toEqual(['StoreError', false])
    }
    try {
      // libsql's statements go on, and count in the file; other handles' do not.
      expect(store.take(ask(), NOON).quota?.used).toBe(1)
    } catch (error) {
      expect(error).toMatchObject({ name: 'StoreError', transient: false, executed: 'no' })
    }
    await expect(log.append(0, { kind: 'edit', put: [], remove: [] })).rejects.toMatchObject({
      name: 'StoreError',
      transient: false,
      executed: 'no',
    })
  })

  it('without its tables any more is an outage that lasts', async () => {
    const database = await opened()
    const store = sqliteStore({ database })
    database.exec('DROP TABLE tollgate_records')
    const error = thrown(() => store.take(ask(), NOON)) as StoreError
    expect([error.name, error.transient]).toEqual(['StoreError', false])
  })

  it('lets a bug be a bug: what SQLite says of a value that is none is thrown as it is', async () => {
    const store = sqliteStore({ database: await opened() })
    expect(thrown(() => store.take(ask(), NOON + 0.5))).not.toBeInstanceOf(StoreError)
  })

  it('is opened with the words that are documented, and by nothing that comes with them', async () => {
    const database = await opened()
    for (const synchronous of ['full; DROP TABLE tollgate_records', 'off', 'FULL', 2, null]) {
      expect(() => sqliteStore({ database, synchronous: synchronous as never })).toThrow(
        `synchronous: expected normal or full, received "${synchronous}"`,
      )
    }
    expect(database.prepare('SELECT name FROM sqlite_schema').all()).toEqual([])
  })

  it.each<[unknown, string]>([
    ['counts.db', 'a string'],
    [undefined, 'nothing'],
    [{ exec() {} }, 'an object'],
  ])('is none where the handle is none: %s', (database, received) => {
    for (const open of [
      () => sqliteStore({ database: database as never }),
      () => sqliteCatalogLog(database as never),
    ]) {
      expect(open).toThrow(TypeError)
      expect(open).toThrow(/^database: expected an open handle \(new DatabaseSync\(path\) of node:sqlite, or /)
      expect(open).toThrow(`received ${received}`)
    }
  })
})

describe('records', () => {
  it('are dropped by a sweep when they cannot be told from none, an hour of grace included', async () => {
    const store = sqliteStore({ database: await opened() })
    store.take(ask(), NOON)
    store.take(ask({ key: 1, path: '/b' }), NOON)
    expect(store.size).toBe(3)
    expect(store.sweep(NOON + HOUR - 1)).toBe(0)
    expect(store.sweep(NOON + HOUR + 2)).toBe(1)
    expect(store.sweep(NOON + 13 * HOUR - 1)).toBe(0)
    expect(store.sweep(NOON + 13 * HOUR)).toBe(2)
    expect(store.size).toBe(0)
  })

  it('are dropped as new ones come: a few are looked at with each', async () => {
    const many = indexOf(world)
    const keyed = (n: number) => ({
      ...meteredOf(many, { key: 0, path: '/b', stage: 't', cost: 1 })!,
      keyId: `key-${n}`,
    })
    const store = sqliteStore({ database: await opened() })
    for (let day = 0; day < 20; day++) {
      for (let n = 0; n < 10; n++) store.take(keyed(day * 10 + n), NOON + day * 2 * DAY)
    }
    expect(store.size).toBeLessThan(40)
  })

  it('go over from a memory store by its snapshot, and back', async () => {
    const memory = memoryStore()
    for (const key of [0, 1, 0] as const) memory.take(ask({ key }), NOON)
    const store = sqliteStore({ database: await opened() })
    store.restore(memory.snapshot())
    expect(store.snapshot()).toEqual(memory.snapshot())
    const back = memoryStore()
    back.restore(store.snapshot())
    expect(back.take(ask(), NOON).kind).toBe(store.take(ask(), NOON).kind)
    expect(() => store.restore({ version: 1, records: [['plan', 'key-0', [9] as never]], shared: [] })).toThrow(
      StateError,
    )
    expect(store.size).toBe(3)
  })
})

describe('a group', () => {
  /** A handle that counts its transactions. */
  async function counting(): Promise<{ database: SqliteDatabase; transactions: () => number }> {
    const database = await opened()
    let count = 0
    return {
      transactions: () => count,
      database: {
        exec: sql => database.exec(sql),
        prepare(sql) {
          const statement = database.prepare(sql)
          if (sql !== 'COMMIT') return statement
          const counted = () => {
            count++
            return statement.run()
          }
          return { get: () => null, all: () => [], run: counted }
        },
      },
    }
  }

  it('is one transaction, decided in the order it was asked', async () => {
    const { database, transactions } = await counting()
    const store = sqliteStore({ database, grouped: true })
    const decisions = await Promise.all(Array.from({ length: 4 }, () => store.take(ask(), NOON)))
    expect(decisions.map(({ kind }) => kind)).toEqual(['allowed', 'allowed', 'throttled', 'throttled'])
    expect(transactions()).toBe(1)
    await store.peek(ask(), NOON)
    expect(transactions()).toBe(2)
  })

  it('fails alone where its record cannot be read, and together where the file cannot be had', async () => {
    const path = newFile()
    const database = await opened(path)
    const store: SqliteStore<true> = sqliteStore({ database, grouped: true, busyTimeout: 20 })
    await store.take(ask(), NOON)
    database.exec(`PRAGMA ignore_check_constraints = ON; UPDATE tollgate_records SET used = -1 WHERE key = 'key-0'`)
    const some = await Promise.allSettled([store.take(ask(), NOON), store.take(ask({ key: 1 }), NOON)])
    expect(some.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    const other = await opened(path)
    other.exec('BEGIN IMMEDIATE')
    const none = await Promise.allSettled([store.take(ask({ key: 1 }), NOON), store.peek(ask({ key: 1 }), NOON)])
    other.exec('COMMIT')
    for (const outcome of none) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } })
    expect((await store.peek(ask({ key: 1, cost: 0 }), NOON)).quota?.used).toBe(1)
  })
})

describe('usage', () => {
  it('is kept for 400 days, and older days go as new ones come', async () => {
    const database = await opened()
    const store = sqliteStore({ database })
    const days = () => (database.prepare('SELECT count(*) AS n FROM tollgate_usage').get() as { n: number }).n
    for (let day = 0; day < 420; day++) store.take(ask(), NOON + day * DAY)
    expect(days()).toBe(401)
    const entries = store.usage({ planId: 'plan', keyIds, from: 0, to: NOON + 500 * DAY })
    expect(entries[0]).toEqual({ keyId: 'key-0', day: NOON + 19 * DAY - 12 * HOUR, used: 1 })
    expect(entries.length).toBe(401)
  })

  it('can be left out', async () => {
    const store = sqliteStore({ database: await opened(), usage: false })
    store.take(ask(), NOON)
    expect(store.usage({ planId: 'plan', keyIds, from: 0, to: NOON + DAY })).toEqual([])
  })
})

describe('the write-ahead log', () => {
  // WAL_STRIDE=1 tries every length; by default every 41st byte, and around each frame's end.
  const STRIDE = Number(process.env['WAL_STRIDE'] ?? 41)

  it('cut anywhere, as a power cut may, opens as some moment before it: every count from one and the same commit', {
    timeout: 1_200_000,
  }, async () => {
    const path = newFile()
    const database = await opened(path)
    database.exec('PRAGMA page_size = 512')
    const store = sqliteStore({ database })
    database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0')
    const moments = [JSON.stringify([store.snapshot(), usageOf(store)])]
    for (let i = 0; i < 8; i++) {
      store.take(ask({ key: (i % 2) as 0 | 1 }), NOON + i * 700)
      moments.push(JSON.stringify([store.snapshot(), usageOf(store)]))
    }
    const wal = readFileSync(`${path}-wal`)
    let last = 0
    for (let length = 0; length <= wal.length; length++) {
      const near = (length - 32) % 536
      if (length % STRIDE !== 0 && near > 1 && near < 535) continue
      const cut = `${path}-${length}`
      copyFileSync(path, cut)
      writeFileSync(`${cut}-wal`, wal.subarray(0, length))
      const reopened = await opened(cut)
      const state = sqliteStore({ database: reopened })
      const moment = moments.indexOf(JSON.stringify([state.snapshot(), usageOf(state)]))
      closed(reopened)
      for (const end of ['', '-wal', '-shm']) rmSync(`${cut}${end}`, { force: true })
      if (length % 500 === 0) await released()
      expect(moment, `cut at ${length} of ${wal.length}`).toBeGreaterThanOrEqual(last)
      last = moment
    }
    expect(last).toBe(8)
  })

  function usageOf(store: SqliteStore<false>): unknown {
    return store.usage({ planId: 'plan', keyIds, from: 0, to: NOON + DAY })
  }
})
