// The contract of stores on what this runtime brings: its node:sqlite, one by one and grouped, Deno's KV, Bun's client of
// Redis; and on Deno, ioredis from npm. REDIS_PORT says where a server is.
// Says what is kept, a line each, and ends with 1 where something is not.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { casStore } from 'tollgate/cas'
import { redisStore } from 'tollgate/redis'
import { sqliteStore } from 'tollgate/sqlite'
import { storeContract } from 'tollgate/testing'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-stores-'))
const { Bun, Deno } = globalThis
const { REDIS_PORT } = process.env
const sqlite = await import('node:sqlite').catch(() => null)
let files = 0

/** As in docs/stores.md. */
function denoKv(kv) {
  return {
    async get(key) {
      const { value, versionstamp } = await kv.get(['tollgate', key])
      return versionstamp === null ? null : { value, version: versionstamp }
    },
    async set(key, value, expected, expireIn) {
      const where = ['tollgate', key]
      const swap = kv.atomic().check({ key: where, versionstamp: expected })
      return (await swap.set(where, value, expireIn === undefined ? {} : { expireIn }).commit()).ok
    },
  }
}

/** Each of its cases under a prefix of its own. As in docs/redis.md. */
const onRedis = send => () => redisStore({ send, clock: 'host', prefix: `${process.pid}-${++files}:` })

async function redis() {
  if (REDIS_PORT === undefined) return {}
  if (Bun !== undefined) {
    const client = new Bun.RedisClient(`redis://127.0.0.1:${REDIS_PORT}`)
    return { 'Bun.RedisClient': onRedis(([name, ...args]) => client.send(name, args)) }
  }
  if (Deno === undefined) return {}
  const { Redis } = await import('ioredis')
  const client = new Redis({ port: REDIS_PORT, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false })
  return { 'ioredis on Deno': onRedis(([name, ...args]) => client.call(name, ...args)) }
}

const STORES = {
  ...(await redis()),
  ...(sqlite === null
    ? {}
    : {
        'node:sqlite': () => sqliteStore({ database: new sqlite.DatabaseSync(join(folder, `${++files}.db`)) }),
        'node:sqlite, grouped': () =>
          sqliteStore({ database: new sqlite.DatabaseSync(join(folder, `${++files}.db`)), grouped: true }),
      }),
  ...(Deno?.openKv === undefined
    ? {}
    : { 'Deno KV': async () => casStore({ storage: denoKv(await Deno.openKv(':memory:')) }) }),
}

try {
  if (Object.keys(STORES).length === 0) console.log('- no SQLite and no KV here')
  for (const [name, makeStore] of Object.entries(STORES)) {
    let kept = 0
    for (const { name: promise, needs, run } of storeContract) {
      if (needs?.includes('usage') && name === 'Deno KV') continue
      try {
        await run(makeStore)
        kept++
      } catch (error) {
        console.log(`✗ ${name}: ${promise}: ${error.message}`)
        process.exitCode = 1
      }
    }
    console.log(`✓ ${name} keeps ${kept} promises of the contract`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
// Connections would keep it waiting.
process.exit()
