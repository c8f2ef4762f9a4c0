// The log of a shared catalog in Redis: a list, the version before its first entry, and the version of its last. Floor 3.
// All three are one hash slot, and both scripts plain Lua 5.1.

import { StoreError } from '../errors.ts'
import type { CatalogLog, Published } from './catalog-log.ts'

/**
 * KEYS: last, base, entries. ARGV: version to read after. Reply: the first version given, then the entries; `lost` where
 * there is no such version.
 */
const SINCE = `
local after = tonumber(ARGV[1])
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
if last < after then return 'lost' end
if last == after then return {} end
local base = tonumber(redis.call('GET', KEYS[2]) or '0')
local from = math.max(after, base)
local found = redis.call('LRANGE', KEYS[3], from - base, -1)
table.insert(found, 1, string.format('%.0f', from + 1))
return found`

/** KEYS: last, base, entries. ARGV: version to add after, entry, 1 for a whole catalog. Reply: 1, or 0 when it is late. */
const APPEND = `
local after = tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1]) or '0') ~= after then return 0 end
if ARGV[3] == '1' then
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[2], string.format('%.0f', after))
end
redis.call('RPUSH', KEYS[3], ARGV[2])
redis.call('SET', KEYS[1], string.format('%.0f', after + 1))
return 1`

export interface RedisCatalogOptions {
  /** Sends one command, as `redisStore`'s. */
  readonly send: (args: [string, ...string[]]) => Promise<unknown>
  /** What every key's name begins with. Default: `tollgate:`. */
  readonly prefix?: string
}

/**
 * A log in Redis or Valkey.
 *
 * Its methods reject with a `StoreError` for a reply of the wrong shape, and with what `send` rejects with.
 */
export function redisCatalogLog({ send, prefix = 'tollgate:' }: RedisCatalogOptions): CatalogLog {
  const keys = ['last', 'base', 'entries'].map(name => `${prefix}{catalog}:${name}`)
  const run = (script: string, ...args: string[]): Promise<unknown> => send(['EVAL', script, '3', ...keys, ...args])

  return {
    async since(version) {
      const reply = await run(SINCE, String(version))
      if (String(reply) === 'lost') return 'lost'
      if (!Array.isArray(reply)) throw misshapen(reply)
      if (reply.length === 0) return []
      const [first, ...entries] = reply.map(String)
      if (!/^\d+$/.test(first ?? '')) throw misshapen(reply)
      return entries.map((text, i) => ({ version: Number(first) + i, change: parsed(text) }))
    },
    async append(version, change) {
      const reply = Number(
        await run(APPEND, String(version), JSON.stringify(change), change.kind === 'catalog' ? '1' : '0'),
      )
      if (reply !== 0 && reply !== 1) throw misshapen(reply)
      return reply === 1
    },
  }
}

function parsed(text: string): Published['change'] {
  try {
    return JSON.parse(text) as Published['change']
  } catch (cause) {
    throw new StoreError('redis: a catalog entry is no JSON', { transient: false, cause })
  }
}

function misshapen(reply: unknown): StoreError {
  return new StoreError(`redis: expected a reply of the catalog's script, received ${typeof reply}`, {
    transient: false,
  })
}
