// Redis, as far as the stores ask it: EVALSHA and EVAL of their scripts, the very text, with the commands these call.
// What it keeps, loses and when is the server's (server.ts). Held to a real Redis by test/sim/redis-model.test.ts.

import { createHash } from 'node:crypto'
import { compileLua, isTrue, lengthOf, several, type Table, tableOf } from './lua.ts'
import type { Entry, Server } from './server.ts'

type Script = (globals: Record<string, unknown>) => unknown
/** By text, for all servers of this process: translating one takes longer than a history. */
const compiled = new Map<string, { readonly sha: string; readonly run: Script }>()
const bySha = new Map<string, Script>()

function scriptOf(text: string): { readonly sha: string; readonly run: Script } {
  let script = compiled.get(text)
  if (script === undefined) {
    script = { sha: createHash('sha1').update(text).digest('hex'), run: compileLua(text) }
    compiled.set(text, script)
    bySha.set(script.sha, script.run)
  }
  return script
}

class ReplyError extends Error {}

export interface RedisModel {
  readonly server: Server
  /** No more memory: what would write is refused, unless it has written before. */
  isFull: boolean
  /** Forgets the scripts. */
  flushScripts(): void
  /** One command, as the server executes it. @throws what it answers as an error */
  execute(args: readonly string[]): unknown
}

export function redisModel(server: Server): RedisModel {
  let known = new Set<string>()
  let boot = server.boots
  let hasWritten = false

  const commands = commandsOf(server, () => {
    if (model.isFull && !hasWritten) throw new ReplyError("OOM command not allowed when used memory > 'maxmemory'.")
    hasWritten = true
  })

  function call(...args: unknown[]): unknown {
    const [name, ...rest] = args.map(String)
    const command = commands[name!.toUpperCase()]
    if (command === undefined) throw new ReplyError(`ERR unknown command '${name}'`)
    return command(rest)
  }

  const protectedly = (run: () => unknown): unknown => {
    try {
      return run()
    } catch (error) {
      if (error instanceof ReplyError) return Object.assign(tableOf(), { err: error.message })
      throw error
    }
  }

  const globals: Record<string, unknown> & { KEYS: Table; ARGV: Table } = {
    ...LIBRARY,
    KEYS: tableOf(),
    ARGV: tableOf(),
    redis: { call, pcall: (...args: unknown[]) => protectedly(() => call(...args)) },
  }

  function run(script: Script, [count, ...rest]: readonly string[]): unknown {
    hasWritten = false
    const keys = Number(count)
    globals.KEYS = tableOf(rest.slice(0, keys))
    globals.ARGV = tableOf(rest.slice(keys))
    return replied(server.step(() => script(globals)))
  }

  const model: RedisModel = {
    server,
    isFull: false,
    flushScripts: () => void known.clear(),
    execute([name, what, ...rest]) {
      if (boot !== server.boots) {
        boot = server.boots
        known = new Set()
      }
      if (name === 'EVALSHA') {
        const script = known.has(what!) ? bySha.get(what!) : undefined
        if (script === undefined) throw new ReplyError('NOSCRIPT No matching script. Please use EVAL.')
        return run(script, rest)
      }
      if (name === 'EVAL') {
        const script = scriptOf(what!)
        known.add(script.sha)
        return run(script.run, rest)
      }
      if (name === 'SCRIPT' && what === 'LOAD') {
        const { sha } = scriptOf(rest[0]!)
        known.add(sha)
        return sha
      }
      return replied(call(name, what, ...rest))
    },
  }
  return model
}

/** A reply as a client gets it: whole numbers, strings, lists, null. */
function replied(value: unknown): unknown {
  if (value === undefined || value === false) return null
  if (value === true) return 1
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'string') return value
  const table = value as Table
  if (typeof table['err'] === 'string') throw new ReplyError(table['err'])
  if (typeof table['ok'] === 'string') return table['ok']
  return Array.from({ length: lengthOf(table) }, (_, i) => replied(table[i + 1]))
}

type Command = (args: readonly string[]) => unknown

function commandsOf(server: Server, willWrite: () => void): Readonly<Record<string, Command>> {
  const OK = Object.assign(tableOf(), { ok: 'OK' })
  const until = (ms: number): number => Math.floor(server.clock) + ms

  function typed<T extends Entry['value']>(key: string, is: (value: Entry['value']) => value is T): T | undefined {
    const entry = server.get(key)
    if (entry === undefined) return undefined
    if (!is(entry.value)) throw new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value')
    return entry.value
  }
  const textOf = (key: string): string | undefined => typed(key, value => typeof value === 'string')
  const listOf = (key: string): readonly string[] => typed(key, value => Array.isArray(value)) ?? []
  const hashOf = (key: string): ReadonlyMap<string, string> => typed(key, value => value instanceof Map) ?? new Map()

  function expire(key: string, ms: number): number {
    const entry = server.get(key)
    if (entry === undefined) return 0
    server.set(key, entry.value, until(ms))
    return 1
  }

  function keep(key: string, value: Entry['value']): void {
    willWrite()
    server.set(key, value, server.get(key)?.expireAt ?? Infinity)
  }

  return {
    TIME: () => {
      const ms = Math.floor(server.clock)
      return tableOf([String(Math.floor(ms / 1000)), String((ms - Math.floor(ms / 1000) * 1000) * 1000)])
    },
    GET: ([key]) => textOf(key!) ?? false,
    SET: ([key, value, how, ms]) => {
      willWrite()
      const expireAt =
        how === 'PX' ? until(Number(ms)) : how === 'KEEPTTL' ? (server.get(key!)?.expireAt ?? Infinity) : Infinity
      if (how === 'PX' && !(Number.isInteger(Number(ms)) && Number(ms) > 0))
        throw new ReplyError("ERR invalid expire time in 'set' command")
      server.set(key!, value!, expireAt)
      return OK
    },
    DEL: ([key]) => {
      const held = server.get(key!) !== undefined
      server.delete(key!)
      return held ? 1 : 0
    },
    EXISTS: ([key]) => (server.get(key!) === undefined ? 0 : 1),
    PTTL: ([key]) => {
      const entry = server.get(key!)
      if (entry === undefined) return -2
      return entry.expireAt === Infinity ? -1 : Math.max(0, Math.ceil(entry.expireAt - server.clock))
    },
    PEXPIRE: ([key, ms]) => expire(key!, Number(ms)),
    EXPIRE: ([key, s]) => expire(key!, 1000 * Number(s)),
    PERSIST: ([key]) => {
      const entry = server.get(key!)
      if (entry === undefined || entry.expireAt === Infinity) return 0
      server.set(key!, entry.value, Infinity)
      return 1
    },
    RPUSH: ([key, value]) => {
      const list = [...listOf(key!), value!]
      keep(key!, list)
      return list.length
    },
    LRANGE: ([key, from, to]) => {
      const list = listOf(key!)
      const place = (n: number): number => (n < 0 ? Math.max(0, list.length + n) : n)
      return tableOf(list.slice(place(Number(from)), Number(to) === -1 ? undefined : place(Number(to)) + 1))
    },
    HGET: ([key, field]) => hashOf(key!).get(field!) ?? false,
    HMGET: ([key, ...fields]) => tableOf(fields.map(field => hashOf(key!).get(field) ?? false)),
    HGETALL: ([key]) => tableOf([...hashOf(key!)].flat()),
    HKEYS: ([key]) => tableOf([...hashOf(key!).keys()]),
    HLEN: ([key]) => hashOf(key!).size,
    HSET: ([key, ...pairs]) => {
      const hash = new Map(hashOf(key!))
      const before = hash.size
      for (let i = 0; i < pairs.length; i += 2) hash.set(pairs[i]!, pairs[i + 1]!)
      keep(key!, hash)
      return hash.size - before
    },
    HDEL: ([key, ...fields]) => {
      const hash = new Map(hashOf(key!))
      const deleted = fields.filter(field => hash.delete(field)).length
      if (hash.size === 0) server.delete(key!)
      else if (deleted > 0) keep(key!, hash)
      return deleted
    },
    HINCRBY: ([key, field, by]) => {
      const hash = new Map(hashOf(key!))
      const sum = Number(hash.get(field!) ?? 0) + Number(by)
      keep(key!, hash.set(field!, String(sum)))
      return sum
    },
  }
}

/** What Lua and Redis bring. A record's MessagePack is its JSON behind a mark, which no script can tell. */
const PACKED = '\u0093'
const LIBRARY = {
  mod: (a: number, b: number) => a - Math.floor(a / b) * b,
  math: {
    floor: Math.floor,
    ceil: Math.ceil,
    max: Math.max,
    min: Math.min,
    abs: Math.abs,
    huge: Infinity,
  },
  string: {
    format: (how: string, value: unknown) => {
      if (how !== '%.0f') throw new Error(`string.format: ${how}: not in the model`)
      return BigInt(value as number).toString()
    },
    sub: (text: string, from: number, to = -1) => {
      const place = (n: number): number => (n < 0 ? text.length + n + 1 : n)
      return text.slice(Math.max(0, place(from) - 1), place(to))
    },
  },
  table: {
    insert: (table: Table, place: unknown, value?: unknown) => {
      if (value === undefined) table[lengthOf(table) + 1] = place
      else table.splice(place as number, 0, value)
    },
    remove: (table: Table, place: number = lengthOf(table)) => table.splice(place, 1)[0],
    concat: (table: Table, between = '') => table.slice(1).join(between),
  },
  cjson: { decode: (text: string) => fromJson(JSON.parse(text)) },
  cmsgpack: {
    pack: (value: unknown) => PACKED + JSON.stringify(toJson(value)),
    unpack: (text: string) => {
      if (!text.startsWith(PACKED)) throw new Error('Bad data format in input.')
      return fromJson(JSON.parse(text.slice(1)))
    },
  },
  tonumber: (value: unknown) => {
    const n = typeof value === 'string' ? (value.trim() === '' ? Number.NaN : Number(value)) : value
    return typeof n === 'number' && !Number.isNaN(n) ? n : undefined
  },
  tostring: (value: unknown) => (value === undefined ? 'nil' : String(value)),
  type: (value: unknown) => {
    if (value === undefined) return 'nil'
    return typeof value === 'object' ? 'table' : typeof value
  },
  pcall: (run: (...args: unknown[]) => unknown, ...args: unknown[]) => {
    try {
      return several(true, run(...args))
    } catch (error) {
      return several(false, String(error))
    }
  },
  unpack: (table: Table) => several(...table.slice(1)),
  assert: (value: unknown, message: unknown) => {
    if (!isTrue(value)) throw new ReplyError(String(message ?? 'assertion failed!'))
    return value
  },
  error: (message: unknown) => {
    throw new ReplyError(typeof message === 'object' ? String((message as Table)['err']) : String(message))
  },
}

/** In place: a list begins at 1, and an object is a table that holds no list. */
function fromJson(value: unknown): unknown {
  if (typeof value !== 'object') return value
  if (value === null) return undefined
  const table = value as Table
  if (Array.isArray(value)) {
    for (let i = 0; i < table.length; i++) if (typeof table[i] === 'object') table[i] = fromJson(table[i])
    table.unshift(undefined)
  } else for (const key in table) if (typeof table[key] === 'object') table[key] = fromJson(table[key])
  return table
}

function toJson(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.slice(1).map(toJson)
}

/** The record in a value, `EncodedState`; null for what is none. */
export function recordIn(value: Entry['value']): unknown {
  return typeof value === 'string' && value.startsWith(PACKED) ? JSON.parse(value.slice(1)) : null
}
