// The Redis store over a primary, a replica and three sentinels, while the primary is killed: what is lost is what the
// replica did not have, and no more.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { redisStore } from '../../src/stores/redis.ts'
import { audit, type Bound } from './audit.ts'
import { asked, countedOf, held, loadOn, quotaOf, until } from './load.ts'
import { freePort, NO_REPEATS, type RedisServer, redisServer, sendBy } from './redis-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(...settings: string[]): Promise<RedisServer> {
  const server = await redisServer(...settings)
  closing.push(() => server.stop())
  return server
}

async function sentinelOf(primary: RedisServer): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'tollgate-sentinel-'))
  const port = await freePort()
  const settings = [
    `port ${port}`,
    `dir ${dir}`,
    `sentinel monitor m 127.0.0.1 ${primary.port} 2`,
    'sentinel down-after-milliseconds m 500',
    'sentinel failover-timeout m 2000',
  ]
  writeFileSync(join(dir, 's.conf'), settings.join('\n'))
  const child: ChildProcess = spawn('redis-server', [join(dir, 's.conf'), '--sentinel'], { stdio: 'ignore' })
  closing.push(() => {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })
  return port
}

/** How far a server's stream of writes has come, or a replica with it. */
async function offsetOf(client: Redis): Promise<number> {
  const said = String(await client.info('replication'))
  return Number(/(?:slave_repl_offset|master_repl_offset):(\d+)/.exec(said)?.[1])
}

it('loses what was not yet replicated when the primary was killed, and goes on with its replica', {
  timeout: 90_000,
}, async () => {
  const often = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']
  const primary = await started(...often)
  const replica = await started(...often, '--replicaof', '127.0.0.1', String(primary.port))
  // Without this an empty replica may be promoted.
  await until(async () => (await replica.cli('INFO', 'replication')).includes('master_link_status:up'))
  const ports = await Promise.all([1, 2, 3].map(() => sentinelOf(primary)))
  // Quorum, and the replica known to each.
  for (const port of ports) {
    const sentinel = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: 200 })
    sentinel.on('error', () => {})
    closing.push(() => sentinel.disconnect())
    await until(async () => {
      const quorum = await sentinel.call('SENTINEL', 'CKQUORUM', 'm').catch(String)
      return String(quorum).startsWith('OK 3') && String(await sentinel.info('sentinel')).includes('slaves=1')
    })
  }

  const clients = [1, 2, 3, 4].map(() => {
    const sentinels = ports.map(port => ({ host: '127.0.0.1', port }))
    const client = new Redis({ sentinels, name: 'm', ...NO_REPEATS, sentinelRetryStrategy: () => 50 })
    client.on('error', () => {})
    closing.push(() => client.disconnect())
    return client
  })
  const plenty = quotaOf(1_000_000)
  const stores = clients.map(client => redisStore({ send: sendBy(client), batch: 4 }))
  const load = loadOn(stores, [asked(plenty)], 64)
  await until(() => load.told.total().admitted > 0)

  // What was admitted when the primary's stream had come so far: what a replica that has it cannot lose.
  const marks: { readonly admitted: number; readonly offset: number }[] = []
  const [atPrimary, atReplica] = [primary.connect(), replica.connect()]
  for (const end = Date.now() + 700; Date.now() < end; await sleep(10)) {
    const { admitted } = load.told.total()
    marks.push({ admitted, offset: await offsetOf(atPrimary) })
  }
  await primary.kill()
  // Answers that were on their way are heard.
  await sleep(50)
  const { admitted } = load.told.total()
  const has = await offsetOf(atReplica)
  const certain = marks.findLast(({ offset }) => offset <= has)?.admitted ?? 0

  await until(() => load.told.total().admitted > admitted + 100)
  await load.stop()
  expect(await atReplica.call('ROLE')).toContain('master')
  const counted = await countedOf(redisStore({ send: sendBy(replica.connect()) }), [asked(plenty)])
  const bound: Bound = { lost: () => admitted - certain, because: 'the replica did not have it' }
  held(audit({ scenario: 'kill -9 of a primary, 3 sentinels', before: load.told.keys, counted, bound }))
  expect(certain).toBeGreaterThan(0)
})
