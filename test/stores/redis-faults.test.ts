// The store while servers die, connections break and keys are spread over a cluster: nothing is admitted beyond the plan,
// and what was answered reconciles with what is counted.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, connect as dial, type Socket } from 'node:net'
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
import { indexOf, meteredOf, type World } from '../laws/worlds.ts'
import { freePort, NO_REPEATS, type RedisServer, redisServer, sendBy } from './redis-server.ts'

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

const quotaOf = (limit: number): World => ({
  override: false,
  weekStart: 0,
  quota: { limit, period: 'MONTH', offset: 0 },
})
const asked = (world: World, cost = 1) => meteredOf(indexOf(world), { key: 0, path: '/b', stage: 's', cost })!
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
  it('admits exactly 50 of a quota of 50 to 64 clients in 4 processes', async () => {
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

describe('a server that dies', () => {
  it('admits nothing beyond the plan over kill -9 and restart with its append-only file, and the counts reconcile', {
    timeout: 60_000,
  }, async () => {
    // With `everysec` a server answers before it has written, for as long as an earlier sync takes, up to two seconds.
    const server = await started('--appendonly', 'yes', '--appendfsync', 'always')
    const world = quotaOf(100_000)
    const clients = Array.from({ length: 8 }, () => server.connect({ enableOfflineQueue: false }))
    await Promise.all(clients.map(client => once(client, 'ready')))
    const stores = clients.map(client => redisStore({ send: sendBy(client), batch: 4 }))
    let over = false
    const seen = { admitted: 0, unknown: 0, no: 0 }
    const ask = async (store: RedisStore): Promise<void> => {
      while (!over) {
        await store.take(asked(world), Date.now()).then(
          ({ admitted }) => void (seen.admitted += admitted ? 1 : 0),
          (error: StoreError) => {
            expect(error).toBeInstanceOf(StoreError)
            seen[error.executed]++
            return sleep(5)
          },
        )
      }
    }
    const asking = Array.from({ length: 64 }, (_, i) => ask(stores[i % 8]!))
    for (let kills = 0; kills < 3; kills++) {
      await sleep(200)
      await server.kill()
      await server.start()
    }
    await sleep(200)
    over = true
    await Promise.all(asking)
    const counted = await used(redisStore({ send: sendBy(server.connect()) }), world)
    expect(seen.admitted).toBeGreaterThan(500)
    expect(seen.unknown).toBeGreaterThan(0)
    // Whoever was admitted is counted; what is counted beyond that was in flight when the server died.
    expect(counted).toBeGreaterThanOrEqual(seen.admitted)
    expect(counted - seen.admitted).toBeLessThanOrEqual(seen.unknown)
    expect(seen.unknown).toBeLessThanOrEqual(3 * 64)
  })

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
})

/** Forwards to a server; once told to, it passes a command on and cuts the connection instead of the reply. */
async function cuttingProxy(to: RedisServer) {
  let cutting = false
  const sockets = new Set<Socket>()
  const proxy = createServer(client => {
    const upstream = dial(to.socket)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', reply => {
      if (!cutting) return void client.write(reply)
      cutting = false
      client.resetAndDestroy()
    })
  })
  const port = await freePort()
  await new Promise<void>(resolve => proxy.listen(port, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return { port, cut: () => void (cutting = true) }
}

describe('a connection that breaks after the command was sent', () => {
  const senders: Record<string, (port: number) => Promise<RedisOptions['send']>> = {
    ioredis: async port => {
      const client = new Redis({ port, ...NO_REPEATS })
      client.on('error', () => {})
      closing.push(() => client.disconnect())
      return ([name, ...args]) => client.call(name as string, ...args)
    },
    'node-redis': async port => {
      const client = createClient({ socket: { host: '127.0.0.1', port } })
      client.on('error', () => {})
      await client.connect()
      closing.push(() => client.destroy())
      return args => client.sendCommand(args)
    },
  }

  it.each(Object.entries(senders))(
    'does not know whether it was charged, and does not ask again: %s',
    async (_, senderOf) => {
      const server = await started()
      const proxy = await cuttingProxy(server)
      const store = redisStore({ send: await senderOf(proxy.port) })
      const world = quotaOf(5)
      expect((await store.take(asked(world), Date.now())).admitted).toBe(true)
      proxy.cut()
      const failures = await Promise.all([1, 2].map(() => failing(store.take(asked(world), Date.now()))))
      for (const failure of failures) expect(failure).toMatchObject({ transient: true, executed: 'unknown' })
      // Reconnected, and nothing was repeated: one, and the two of which the answer was lost.
      expect(await used(store, world)).toBe(3)
    },
  )
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
      return ([name, ...args]) => client.call(name as string, ...args)
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
    let over = false
    const seen = { admitted: 0, unknown: 0, no: 0 }
    const loading = Array.from({ length: 16 }, async (_, i) => {
      for (let key = i; !over; key = (key + 16) % 200) {
        await store.take(of(key), Date.now()).then(
          ({ admitted }) => void (seen.admitted += admitted ? 1 : 0),
          (error: StoreError) => void seen[error.executed]++,
        )
      }
    })
    const [from, to] = await Promise.all(nodes.map(node => node.cli('CLUSTER', 'MYID')))
    const moving = ['--cluster-from', from!, '--cluster-to', to!, '--cluster-slots', '600', '--cluster-yes']
    await run('redis-cli', ['--cluster', 'reshard', `127.0.0.1:${nodes[0]!.port}`, ...moving])
    over = true
    await Promise.all(loading)
    const uses = await Promise.all(Array.from({ length: 200 }, (_, i) => store.peek(of(i, 0), Date.now())))
    expect(seen).toMatchObject({ unknown: 0, no: 0 })
    expect(seen.admitted).toBeGreaterThan(200)
    expect(uses.reduce((sum, { state }) => sum + state!.used, 0)).toBe(seen.admitted)
    expect(uses[0]!.sharedStates[0]!.level).toBe((1_000_000 - seen.admitted) * 432_000_000)
  })
})
