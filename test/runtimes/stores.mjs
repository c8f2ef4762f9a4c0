// The contract of stores on what this runtime brings: its node:sqlite, one by one and grouped, and Deno's KV.
// Says what is kept, a line each, and ends with 1 where something is not.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { casStore } from 'tollgate/cas'
import { sqliteStore } from 'tollgate/sqlite'
import { storeContract } from 'tollgate/testing'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-stores-'))
const { Deno } = globalThis
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

const STORES = {
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
