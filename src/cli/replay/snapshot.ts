// What a live store remembers: a snapshot from a file, from an SQLite store, or from Redis. Floor 5.

import { existsSync, readFileSync } from 'node:fs'
import { type Catalog, emptyCatalog } from '../../core/catalog.ts'
import { type EncodedState, StateError } from '../../core/state.ts'
import { createGate } from '../../gate.ts'
import { type CatalogLog, sharedCatalog } from '../../stores/catalog-log.ts'
import { memoryStore, type Snapshot } from '../../stores/memory.ts'
import { redisCatalogLog } from '../../stores/redis-catalog.ts'
import { sqliteStore } from '../../stores/sqlite.ts'
import { sqliteCatalogLog } from '../../stores/sqlite-catalog.ts'
import { reading } from '../load.ts'
import { withoutCredentials } from '../options.ts'
import { openSqlite } from '../sqlite-file.ts'
import { UsageError } from '../terminal.ts'

/**
 * Records as a snapshot has them.
 *
 * @param where a file of JSON that `snapshot()` gave, `sqlite:FILE` or `redis://HOST:PORT`
 * @throws {UsageError} where there is none
 */
export async function snapshotAt(option: string, where: string): Promise<Snapshot> {
  try {
    if (where.startsWith('sqlite:')) return await ofSqlite(option, where.slice('sqlite:'.length))
    if (/^rediss?:\/\//.test(where)) return await ofRedis(where)
    const snapshot = JSON.parse(reading(where, () => readFileSync(where, 'utf8'))) as Snapshot
    // It is what it says, or it throws.
    memoryStore().restore(snapshot)
    return snapshot
  } catch (error) {
    if (error instanceof UsageError) throw error
    const expected = "expected a file of a store's snapshot(), sqlite:FILE or redis://HOST:PORT"
    if (error instanceof SyntaxError || error instanceof StateError) {
      throw new UsageError(`${option}: ${expected}; ${where}: ${error.message}`)
    }
    const { message, code } = error as NodeJS.ErrnoException
    throw new UsageError(`${option}: ${withoutCredentials(where)} cannot be read: ${message || code}; ${expected}`)
  }
}

async function ofSqlite(option: string, path: string): Promise<Snapshot> {
  if (!existsSync(path))
    throw new UsageError(`${option}: expected a store's file, found none at ${path}; check the path`)
  const database = await openSqlite(path)
  try {
    return sqliteStore({ database, usage: false }).snapshot()
  } finally {
    database.close()
  }
}

/** Of each record its numbers, whole: a Lua number as text has 14 digits, and a record's have 16. Of what is none, nothing. */
const READ = `
local out = {}
for i, key in ipairs(KEYS) do
  out[i] = ''
  local raw = redis.pcall('GET', key)
  local ok, record = pcall(cmsgpack.unpack, type(raw) == 'string' and raw or '')
  if ok and type(record) == 'table' and type(record[1]) == 'number' then
    local parts = {}
    for j = 1, 5 do parts[j] = string.format('%.0f', record[j]) end
    for j = 6, #record do
      local m = record[j]
      parts[j] = '[' .. cjson.encode(m[1]) .. string.format(',%.0f,%.0f]', m[2], m[3])
    end
    out[i] = '[' .. table.concat(parts, ',') .. ']'
  end
end
return out`

const PREFIX = 'tollgate:'

/** The catalog that processes on a store share; null where they do not. */
export async function catalogAt(where: string): Promise<Catalog | null> {
  const gate = createGate({ catalog: emptyCatalog() })
  const newest = async (log: CatalogLog): Promise<Catalog | null> => {
    const shared = sharedCatalog({ log, gate })
    await shared.poll()
    return shared.version === 0 ? null : gate.catalog
  }
  if (where.startsWith('sqlite:')) {
    const database = await openSqlite(where.slice('sqlite:'.length))
    try {
      return await newest(sqliteCatalogLog(database))
    } finally {
      database.close()
    }
  }
  if (!/^rediss?:\/\//.test(where)) return null
  return withRedis(where, send => newest(redisCatalogLog({ send })))
}

async function withRedis<T>(url: string, work: (send: (args: string[]) => Promise<unknown>) => Promise<T>): Promise<T> {
  const { createClient } = await import('../redis-client.ts')
  const client = createClient({ url, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(args => client.sendCommand(args))
  } finally {
    client.destroy()
  }
}

async function ofRedis(url: string): Promise<Snapshot> {
  const records: [string, string, EncodedState][] = []
  const shared: [string, EncodedState][] = []
  await withRedis(url, async send => {
    let cursor = '0'
    do {
      const [next, keys] = (await send(['SCAN', cursor, 'MATCH', `${PREFIX}*{*}`, 'COUNT', '1000'])) as [
        string,
        string[],
      ]
      cursor = next
      const texts = keys.length === 0 ? [] : ((await send(['EVAL', READ, String(keys.length), ...keys])) as string[])
      keys.forEach((key, i) => {
        if (texts[i] === '') return
        const state = JSON.parse(texts[i] as string) as EncodedState
        const [, sharedId, planId, keyId] = /^tollgate:(?:shared:\{(.+)\}|\{([^/]+)\/(.+)\})$/.exec(key) ?? []
        if (sharedId !== undefined) shared.push([sharedId, state])
        else if (planId !== undefined && keyId !== undefined) records.push([planId, keyId, state])
      })
    } while (cursor !== '0')
  })
  return { version: 1, records, shared }
}
