// The store while servers die, connections break and keys are spread over a cluster: nothing is admitted beyond the plan,
// and what was answered reconciles with what is counted.

import { execFile } from 'node:child_process'
import { mkdirSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterEach, describe, expect, it } from 'vitest'
import { StoreError } from '../../src/errors.ts'
import { type RedisOptions, type RedisStore, redisStore } from '../../src/stores/redis.ts'
import { slotOf } from '../../src/stores/redis-slot.ts'
import type { World } from '../laws/worlds.ts'
import { audit, NOTHING_LOST } from './audit.ts'
import { asked, askedByMany, countedOf, held, type Load, loadOn, quotaOf, until } from './load.ts'
import { MANNERS, type Misbehaving, proxyTo } from './redis-proxy.ts'
import { freePort, NO_REPEATS, type RedisServer, redisServer, sendBy } from './redis-server.ts'
import { canMount, fill, smallDisk } from './small-disk.ts'

const run = promisify(execFile)

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(...settings: string[]): Promise<RedisServer> {
  const server = await redisServer(...settings)
  closing.push(() => server.stop())
  return server
}

async function proxied(server: RedisServer): Promise<Misbehaving> {
  const proxy = await proxyTo(server)
  closing.push(() => proxy.close())
  return proxy
}

const used = async (store: RedisStore, world: World): Promise<number> =>
  (await store.peek(asked(world, 0), Date.now())).state!.used

async function failing(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => expect.fail('it was answered'),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error as StoreError
}

describe('many clients', () => {
  it('admits exactly 50 of a quota of 50 to 64 clients in 4 processes', { timeout: 60_000 }, async () => {
    const server = await started()
    // Beside the packages it imports.
    const dir = join(import.meta.dirname, '../../node_modules/.cache/tollgate')
    mkdirSync(dir, { recursive: true })
    const outfile = join(dir, `racer-${process.pid}.mjs`)
    const entry = join(import.meta.dirname, 'redis-racer.ts')
    await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node', packages: 'external' })
    const racers = Array.from({ length: 4 }, () => run(process.execPath, [outfile, server.socket, '16', '3', '50']))
    const admitted = (await Promise.all(racers)).map(({ stdout }) => Number(stdout))
    expect(admitted.reduce((sum, n) => sum + n, 0)).toBe(50)
    const store = redisStore({ send: sendBy(server.connect()), prefix: 'race:' })
    expect(await used(store, quotaOf(50))).toBe(50)
  })
})

describe('a server that cannot', () => {
  it('is told that a server is still loading', async () => {
    const server = await started()
    await server.cli('DEBUG', 'POPULATE', '3000')
    await server.cli('SAVE')
    await server.kill()
    await server.start(false, '--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024')
    const client = new Redis({ path: server.socket, enableReadyCheck: false, retryStrategy: () => 20 })
    client.on('error', () => {})
    closing.push(() => client.disconnect())
    const store = redisStore({ send: sendBy(client) })
    const failure = await failing(store.take(asked(quotaOf(5)), Date.now()))
    expect(failure.message).toContain('LOADING')
    expect(failure).toMatchObject({ transient: true, executed: 'no' })
  })

  /** Load, a fault, and the same audit for each: nothing is lost, and what was not executed is not counted. */
  async function under(scenario: string, server: RedisServer, world: World, fault: (load: Load) => Promise<void>) {
    const asks = askedByMany(world, 5)
    const stores = [1, 2, 3, 4].map(() => redisStore({ send: sendBy(server.connect()), batch: 4 }))
    const load = loadOn(stores, asks, 16)
    await until(() => load.told.total().admitted > 50)
    await fault(load)
    const { admitted } = load.told.total()
    await until(() => load.told.total().admitted > admitted + 50)
    await load.stop()
    const counted = await countedOf(stores[0]!, asks)
    const verdict = held(audit({ scenario, before: load.told.keys, counted, bound: NOTHING_LOST('the server lives') }))
    expect(verdict.told.unknown).toBe(0)
    expect(verdict.counted).toBe(verdict.told.admitted)
    return verdict.told
  }
  const refusing = (load: Load) => until(() => load.told.total().unasked > 50)
  const plenty = quotaOf(1_000_000)

  it('find the script is sent it again, and nobody notices', async () => {
    const server = await started()
    const client = server.connect()
    const { unasked } = await under('SCRIPT FLUSH 40 ×', server, plenty, async () => {
      for (let i = 0; i < 40; i++) {
        await client.script('FLUSH')
        await sleep(5)
      }
    })
    expect(unasked).toBe(0)
  })

  it('write for want of memory admits nothing, still refuses, and goes on when there is some', async () => {
    const server = await started()
    const spent = quotaOf(1)
    const store = redisStore({ send: sendBy(server.connect()), prefix: 'spent:' })
    await store.take(asked(spent), Date.now())
    await under('maxmemory, noeviction', server, plenty, async load => {
      await server.cli('CONFIG', 'SET', 'maxmemory', '1')
      await refusing(load)
      expect((await store.take(asked(spent), Date.now())).kind).toBe('quota-exceeded')
      await server.cli('CONFIG', 'SET', 'maxmemory', '0')
    })
  })

  it('save admits nothing, and goes on when it can', async () => {
    const server = await started('--save', '3600', '1000000')
    await under('MISCONF: a snapshot failed', server, plenty, async load => {
      // Where its file should be is a folder.
      mkdirSync(join(server.dir, 'dump.rdb'))
      await server.cli('BGSAVE')
      await refusing(load)
      rmdirSync(join(server.dir, 'dump.rdb'))
      await server.cli('BGSAVE')
    })
  })

  it.skipIf(!canMount())('write for want of disk admits nothing, and goes on when there is some', async () => {
    const disk = smallDisk()
    const server = await started('--appendonly', 'yes', '--appendfsync', 'everysec', '--dir', disk)
    await under('MISCONF: the disk is full', server, plenty, async load => {
      const ballast = join(disk, 'ballast')
      writeFileSync(ballast, '')
      fill(ballast)
      await refusing(load)
      truncateSync(ballast)
    })
  })
})

describe('a connection that breaks after the command was sent', () => {
  const senders: Record<string, (port: number) => Promise<RedisOptions['send']>> = {
    ioredis: async port => {
      const client = new Redis({ port, ...NO_REPEATS })
      client.on('error', () => {})
      closing.push(() => client.disconnect())
      return ([name, ...args]) => client.call(name, ...args)
    },
    'node-redis': async port => {
      const client = createClient({ socket: { host: '127.0.0.1', port } })
      client.on('error', (error: Error) => {
        // It does not know any more which reply is to which command.
        if (!/RESP type/.test(error.message)) return
        client.destroy()
        client.connect().catch(() => {})
      })
      await client.connect()
      closing.push(() => client.isOpen && client.destroy())
      return args => client.sendCommand(args)
    },
  }

  it.each(Object.entries(senders))(
    'does not know whether it was charged, and does not ask again: %s',
    async (_, senderOf) => {
      const server = await started()
      const proxy = await proxied(server)
      const store = redisStore({ send: await senderOf(proxy.port) })
      const world = quotaOf(5)
      expect((await store.take(asked(world), Date.now())).admitted).toBe(true)
      proxy.behave('cut')
      const failures = await Promise.all([1, 2].map(() => failing(store.take(asked(world), Date.now()))))
      proxy.behave('whole')
      for (const failure of failures) expect(failure).toMatchObject({ transient: true, executed: 'unknown' })
      // Reconnected, and nothing was repeated: one, and the two of which the answer was lost.
      expect(await used(store, world)).toBe(3)
    },
  )

  it.each<[string, 'no' | 'unknown', (port: number) => RedisOptions['send']]>([
    [
      'ioredis, which fails what waits as it fails what was sent',
      'unknown',
      port => {
        const client = new Redis({ port, ...NO_REPEATS })
        client.on('error', () => {})
        closing.push(() => client.disconnect())
        return ([name, ...args]) => client.call(name, ...args)
      },
    ],
    [
      'ioredis, with enableOfflineQueue: false',
      'no',
      port => {
        const client = new Redis({ port, ...NO_REPEATS, enableOfflineQueue: false })
        client.on('error', () => {})
        closing.push(() => client.disconnect())
        return ([name, ...args]) => client.call(name, ...args)
      },
    ],
    [
      'node-redis',
      'no',
      port => {
        const client = createClient({ socket: { host: '127.0.0.1', port } })
        return args => client.sendCommand(args)
      },
    ],
  ])('and one that never was, of %s: executed %s', async (_, executed, senderOf) => {
    const store = redisStore({ send: senderOf(await freePort()) })
    expect(await failing(store.take(asked(quotaOf(5)), Date.now()))).toMatchObject({ transient: true, executed })
  })

  it.each(Object.entries(senders))(
    'and replies that are late, sliced, truncated or not Redis’s: never taken for an admission, never charged twice: %s',
    { timeout: 60_000 },
    async (name, senderOf) => {
      const server = await started()
      const proxy = await proxied(server)
      const stores = await Promise.all([1, 2, 3, 4].map(async () => redisStore({ send: await senderOf(proxy.port) })))
      const asks = askedByMany(quotaOf(1_000_000), 5)
      const load = loadOn(stores, asks, 16)
      for (const manner of [...MANNERS, ...MANNERS, 'whole'] as const) {
        proxy.behave('whole')
        const { admitted } = load.told.total()
        await until(() => load.told.total().admitted > admitted)
        proxy.behave(manner)
        await sleep(50)
      }
      await load.stop()
      const store = redisStore({ send: sendBy(server.connect()) })
      const bound = NOTHING_LOST('the server lives')
      const counted = await countedOf(store, asks)
      const scenario = `replies late, sliced, cut, truncated, foreign (${name})`
      const { told } = held(audit({ scenario, before: load.told.keys, counted, bound }))
      expect(told.unknown).toBeGreaterThan(0)
    },
  )
})

describe('a client that has lost count of its replies', () => {
  it('is found out: no request is admitted by the reply to another', async () => {
    const server = await started()
    const client = sendBy(server.connect())
    let [before, losesCount]: [Promise<unknown> | null, boolean] = [null, false]
    const store = redisStore({
      send: args => {
        const reply = client(args)
        reply.catch(() => {})
        // As node-redis does after a reply that it could not parse.
        const handedOut = losesCount ? before! : reply
        before = reply
        return handedOut
      },
    })
    const [rich, poor] = [quotaOf(100), quotaOf(1)]
    await store.take(asked(rich), Date.now())
    losesCount = true
    const failure = await failing(store.take({ ...asked(poor), keyId: 'poor' }, Date.now()))
    expect(failure).toMatchObject({ transient: false, executed: 'unknown' })
    expect(failure.message).toContain('the client has lost count; connect anew')
  })
})

describe('a cluster', () => {
  async function cluster(): Promise<RedisServer[]> {
    const nodes: RedisServer[] = []
    for (let i = 0; i < 3; i++) {
      const bus = String(await freePort())
      nodes.push(await started('--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', bus))
    }
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'])
    for (const node of nodes) {
      for (let i = 0; !(await node.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'); i++) {
        if (i === 200) expect.fail('the cluster does not come up')
        await sleep(50)
      }
    }
    return nodes
  }

  const clients: Record<string, (port: number) => Promise<RedisOptions['send']>> = {
    ioredis: async port => {
      const client = new Cluster([{ host: '127.0.0.1', port }])
      closing.push(() => client.disconnect())
      return ([name, ...args]) => client.call(name, ...args)
    },
    'node-redis': async port => {
      const client = createCluster({ rootNodes: [{ socket: { host: '127.0.0.1', port } }] })
      await client.connect()
      closing.push(() => client.destroy())
      return args => client.sendCommand(args[3], false, args)
    },
  }

  it('takes from limits in several places, all or none, crosses no slot, and goes on while slots move', {
    timeout: 60_000,
  }, async () => {
    const nodes = await cluster()
    const named = ['a', '123456789', '{plan/key}', 'x{}y', '{', '{a}{b}', 'tollgate:shared:{api/s/p/{x}/GET}', 'ü{é}']
    for (const key of named) expect(slotOf(key), key).toBe(Number(await nodes[0]!.cli('CLUSTER', 'KEYSLOT', key)))
    for (const [name, clientOf] of Object.entries(clients)) {
      const store = redisStore({ send: await clientOf(nodes[0]!.port), cluster: true, prefix: `${name}:` })
      // Each of 40 keys may use 2 in all, all together 50.
      const world: World = { ...quotaOf(2), account: { tokens: 0, ms: 1, burst: 50 } }
      const of = (key: number, cost = 1) => ({ ...asked(world, cost), keyId: `key-${key}` })
      const takes = Array.from({ length: 120 }, (_, i) => store.take(of(i % 40), Date.now()))
      const decisions = await Promise.all(takes)
      expect(decisions.filter(({ admitted }) => admitted).length).toBe(50)
      const uses = await Promise.all(Array.from({ length: 40 }, (_, i) => store.peek(of(i, 0), Date.now())))
      expect(uses.reduce((sum, { state }) => sum + state!.used, 0)).toBe(50)
      const back = decisions.find(decision => decision.kind === 'allowed')!
      await store.giveBack(back, Date.now())
      const [peeked] = [await store.peek({ ...back.metered, cost: 0 }, Date.now())]
      expect(peeked.sharedStates[0]!.level).toBe(432_000_000)
    }

    // Slots move from node to node under load, and nothing is lost, charged twice or left to a caller but what was not
    // executed at all.
    const store = redisStore({ send: await clients['ioredis']!(nodes[0]!.port), cluster: true, prefix: 'moving:' })
    const world: World = { ...quotaOf(1_000_000), account: { tokens: 0, ms: 1, burst: 1_000_000 } }
    const of = (key: number, cost = 1) => ({ ...asked(world, cost), keyId: `key-${key}` })
    const load = loadOn(
      [store],
      Array.from({ length: 200 }, (_, key) => of(key)),
      16,
    )
    await until(() => load.told.total().admitted > 100)
    const [from, to] = await Promise.all(nodes.map(node => node.cli('CLUSTER', 'MYID')))
    const moving = ['--cluster-from', from!, '--cluster-to', to!, '--cluster-slots', '600', '--cluster-yes']
    await run('redis-cli', ['--cluster', 'reshard', `127.0.0.1:${nodes[0]!.port}`, ...moving])
    await load.stop()
    const counted = await countedOf(
      store,
      Array.from({ length: 200 }, (_, key) => of(key)),
    )
    const bound = NOTHING_LOST('no node died')
    const { told } = held(audit({ scenario: '600 slots move', before: load.told.keys, counted, bound }))
    expect(told).toMatchObject({ admitted: told.asked })
    const { sharedStates } = await store.peek(of(0, 0), Date.now())
    expect(sharedStates[0]!.level).toBe((1_000_000 - told.admitted) * 432_000_000)
  })
})
