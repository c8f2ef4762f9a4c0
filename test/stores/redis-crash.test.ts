// The Redis store while its server is killed, cut, paused or gone: what was answered, held against what is counted, and
// against what each kind of persistence may lose.

import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type GuardedOptions, guarded } from '../../src/stores/guarded.ts'
import { type RedisStore, redisStore } from '../../src/stores/redis.ts'
import type { World } from '../laws/worlds.ts'
import { audit, type Bound, NOTHING_LOST } from './audit.ts'
import { asked, countedOf, held, loadOn, quotaOf, until } from './load.ts'
import { type RedisServer, redisServer, sendBy } from './redis-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(...settings: string[]): Promise<RedisServer> {
  const server = await redisServer(...settings)
  closing.push(() => server.stop())
  return server
}

async function storesOn(server: RedisServer, count: number): Promise<RedisStore[]> {
  const clients = Array.from({ length: count }, () => server.connect({ enableOfflineQueue: false }))
  await Promise.all(clients.map(client => once(client, 'ready')))
  return clients.map(client => redisStore({ send: sendBy(client), batch: 4 }))
}

const LOG = ['--appendonly', 'yes', '--appendfsync']
const plenty = quotaOf(1_000_000)

describe('a server that is killed (kill -9) under 64 clients', () => {
  it('and syncs before it answers, loses nothing', { timeout: 60_000 }, async () => {
    const server = await started(...LOG, 'always')
    const load = loadOn(await storesOn(server, 8), [asked(plenty)], 64)
    for (let kills = 0; kills < 3; kills++) {
      const { admitted } = load.told.total()
      await until(() => load.told.total().admitted > admitted + 200)
      await server.kill()
      await server.start()
    }
    await load.stop()
    const [store] = await storesOn(server, 1)
    const counted = await countedOf(store!, [asked(plenty)])
    const bound = NOTHING_LOST('synced before it is answered')
    const { told } = held(
      audit({ scenario: '3 × kill -9, appendfsync always', before: load.told.keys, counted, bound }),
    )
    expect(told.unknown).toBeGreaterThan(0)
    expect(told.unknown).toBeLessThanOrEqual(3 * 64)
  })

  it('and syncs every second, loses at most what was admitted in the two seconds before', {
    timeout: 60_000,
  }, async () => {
    // A write waits for a sync that is under way, but no longer than that, and a turn of the server's timer.
    const PUT_OFF = 2100
    const server = await started(...LOG, 'everysec')
    const load = loadOn(await storesOn(server, 8), [asked(plenty)], 64)
    await until(() => load.told.total().admitted > 0)
    const [early, at] = [() => load.told.total().admitted, Date.now()]
    await sleep(700)
    const certain = early()
    await sleep(at + 700 + PUT_OFF - Date.now())
    await server.kill()
    const recent = load.told.total().admitted - certain
    await server.start()
    await sleep(100)
    await load.stop()
    const [store] = await storesOn(server, 1)
    const counted = await countedOf(store!, [asked(plenty)])
    const bound: Bound = { lost: () => recent, because: `admitted in the ${PUT_OFF} ms before` }
    held(audit({ scenario: 'kill -9, appendfsync everysec', before: load.told.keys, counted, bound }))
    expect(certain).toBeGreaterThan(0)
  })

  it('and keeps nothing, begins anew: a burst each time, and no more', { timeout: 60_000 }, async () => {
    const [BURST, KILLS] = [40, 3]
    const world: World = { ...quotaOf(1000), plan: { tokens: 0, ms: 1, burst: BURST } }
    const server = await started()
    const load = loadOn(await storesOn(server, 4), [asked(world)], 64)
    const spent = async (): Promise<void> => {
      const { refused } = load.told.total()
      await until(() => load.told.total().refused > refused + 64)
    }
    for (let kills = 0; kills < KILLS; kills++) {
      await spent()
      await server.kill()
      await server.start()
    }
    await spent()
    await load.stop()
    const [store] = await storesOn(server, 1)
    const counted = await countedOf(store!, [asked(world)])
    const bound: Bound = { lost: () => KILLS * BURST, because: `${KILLS} × a burst of ${BURST}` }
    const limit = () => BURST
    const { over } = held(
      audit({ scenario: '3 × kill -9, no persistence', before: load.told.keys, counted, limit, bound }),
    )
    // The auditor sees what is lost, where something is.
    expect(over).toBeGreaterThan(BURST)
  })
})

describe('an append-only file', () => {
  // AOF_STRIDE=1 tries every length; by default where each decision ends, and between.
  const STRIDE = Number(process.env['AOF_STRIDE'] ?? 0)

  it('cut anywhere, as a power cut may, opens as some moment before it: both records of a decision from one and the same', {
    timeout: 1_200_000,
  }, async () => {
    const server = await started(...LOG, 'always')
    const file = [join('appendonlydir', 'appendonly.aof.1.incr.aof'), 'appendonly.aof']
      .map(name => join(server.dir, name))
      .find(existsSync)!
    const world: World = { ...quotaOf(100), account: { tokens: 0, ms: 1, burst: 100 } }
    const moment = async (): Promise<string> => {
      const store = redisStore({ send: sendBy(server.connect()) })
      const { state, sharedStates } = await store.peek(asked(world, 0), Date.now())
      return `${state?.used} used, ${100 - sharedStates[0]!.level / 432_000_000} drawn`
    }
    const store = redisStore({ send: sendBy(server.connect()) })
    const ends = [readFileSync(file).length]
    for (let i = 0; i < 3; i++) {
      await store.take(asked(world), Date.now())
      ends.push(readFileSync(file).length)
    }
    await server.kill()
    const whole = readFileSync(file)
    const lengths =
      STRIDE > 0
        ? Array.from({ length: Math.floor(whole.length / STRIDE) + 1 }, (_, i) => i * STRIDE)
        : ends.flatMap((end, i) => (i === 0 ? [end] : [Math.floor((ends[i - 1]! + end) / 2), end]))
    for (const length of lengths) {
      writeFileSync(file, whole.subarray(0, length))
      await server.start()
      const decisions = ends.filter(end => end <= length).length - 1
      const expected = `${Math.max(0, decisions)} used, ${Math.max(0, decisions)} drawn`
      expect(await moment(), `cut at ${length} of ${whole.length}`).toBe(expected)
      await server.kill()
    }
  })
})

describe('a server that is paused (kill -STOP) and goes on', () => {
  it('is not waited for, and what it charges when it goes on is given back', { timeout: 60_000 }, async () => {
    const server = await started()
    const stores = await storesOn(server, 2)
    const guards = stores.map(store => guarded(store, { deadline: 100, pause: 50 }))
    const load = loadOn(guards, [asked(plenty)], 32)
    await until(() => load.told.total().admitted > 100)
    server.signal('SIGSTOP')
    // Everybody is answered while it stands still, and then nobody asks it any more.
    await until(() => load.told.total().unasked > 100)
    server.signal('SIGCONT')
    const { admitted } = load.told.total()
    await until(() => load.told.total().admitted > admitted + 100)
    await load.stop()
    const counted = () => countedOf(stores[0]!, [asked(plenty)])
    await until(async () => (await counted()).get('key-0') === load.told.total().admitted)
    const bound = NOTHING_LOST('late answers are discarded')
    const scenario = 'kill -STOP, kill -CONT'
    const { told } = held(audit({ scenario, before: load.told.keys, counted: await counted(), bound }))
    expect(told.unknown).toBeGreaterThan(0)
    expect(guards[0]!.counts.givenBack + guards[1]!.counts.givenBack).toBeGreaterThan(0)
  })
})

describe('while a server is gone', () => {
  const BURST = 40
  const world: World = { ...quotaOf(1000), plan: { tokens: 0, ms: 1, burst: BURST } }

  it.each<[string, GuardedOptions, most: number]>([
    ['admits in two processes a half each of every limit', { onStoreError: { local: 1 / 2 } }, BURST],
    ['admits whoever comes, where that is asked, and counts them', { onStoreError: 'allow' }, Infinity],
  ])('%s', async (name, options, most) => {
    const server = await started(...LOG, 'always')
    const stores = await storesOn(server, 2)
    const guards = stores.map(store => guarded(store, { ...options, pause: 50 }))
    const load = loadOn(guards, [asked(world)], 16)
    await until(() => load.told.total().refused > 0)
    await server.kill()
    await until(() => load.told.total().degraded >= BURST)
    await sleep(100)
    await server.start()
    const { refused } = load.told.total()
    await until(() => load.told.total().refused > refused)
    await load.stop()
    const counted = await countedOf(redisStore({ send: sendBy(server.connect()) }), [asked(world)])
    const bound = NOTHING_LOST('what the store admits is counted')
    const scenario = `gone: ${name}`
    const { told } = held(audit({ scenario, before: load.told.keys, counted, limit: () => BURST, bound }))
    expect(told.degraded).toBeLessThanOrEqual(most)
    expect(guards[0]!.counts.allowed + guards[1]!.counts.allowed).toBe(most === BURST ? 0 : told.degraded)
  })
})
