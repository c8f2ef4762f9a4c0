// Two gateways on one store: one catalog, one count, and what happens to either survives it.

import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { proxyTo } from '../../stores/redis-proxy.ts'
import { type RedisServer, redisServer } from '../../stores/redis-server.ts'
import { folder, type Serving, serving, unbundled } from './command.ts'
import { behind, closeAll, upstreamOf } from './gateway-before.ts'

afterEach(closeAll)
afterAll(unbundled)

const KEY = 'shared-tests-key-0000000001'
const document = (enabled: boolean): string =>
  JSON.stringify({
    plans: [{ id: 'five', quota: { limit: 5, period: 'MONTH' } }],
    keys: [{ id: 'k', value: KEY, plan: 'five', enabled }],
  })

async function status({ port }: Serving): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-api-key': KEY } })).status
}

async function stores(): Promise<[name: string, url: string][]> {
  const redis: RedisServer = await redisServer()
  behind(() => redis.stop())
  return [
    ['SQLite', `sqlite:${join(folder(), 'counts.db')}`],
    ['Redis', `redis://127.0.0.1:${redis.port}`],
  ]
}

describe('two gateways', () => {
  it.each([0, 1])(
    'on one store count together, follow one catalog, and forget nothing (%#)',
    {
      timeout: 60_000,
    },
    async which => {
      const [, store] = (await stores())[which]!
      const upstream = await upstreamOf((_, response) => response.end('served'))
      const file = join(folder(), 'catalog.json')
      writeFileSync(file, document(true))
      const args = ['--upstream', upstream.url, '--store', store]
      const a = await serving([...args, '--catalog', file], [KEY])
      const b = await serving(args, [KEY])
      expect([await status(a), await status(b), await status(a)]).toEqual([200, 200, 200])

      // One is killed and started again: what was counted is counted.
      await a.end('SIGKILL')
      const again = await serving([...args, '--catalog', file], [KEY])
      expect([await status(again), await status(b), await status(again), await status(b)]).toEqual([200, 200, 429, 429])

      // A key disabled at one is refused by the other within a second.
      writeFileSync(`${file}~`, document(false))
      renameSync(`${file}~`, file)
      await again.said(/catalog \S+ is in force/)
      const saved = Date.now()
      await b.said(/catalog \S+ is in force/)
      expect(await status(b)).toBe(403)
      expect(Date.now() - saved).toBeLessThan(1000)

      // One that does not check is refused everywhere: nothing is published.
      writeFileSync(file, '{ "plans": [{ "id": "five", "quota": { "limit": 0 } }] }')
      await again.said(/the catalog in force stays/)
      expect([await status(again), await status(b)]).toEqual([403, 403])
      expect((await b.end()).code).toBe(0)
      expect((await again.end()).code).toBe(0)
      // Whoever is last leaves no write-ahead log to be looked through at the next start.
      if (which === 0) {
        const log = `${store.slice('sqlite:'.length)}-wal`
        expect(existsSync(log) ? statSync(log).size : 0).toBe(0)
      }
    },
  )
})

describe('gateways whose Redis has lost what was published', () => {
  it('put it back, say so, and refuse a disabled key on both', { timeout: 60_000 }, async () => {
    const redis = await redisServer()
    behind(() => redis.stop())
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const file = join(folder(), 'catalog.json')
    writeFileSync(file, document(true))
    const args = ['--upstream', upstream.url, '--store', `redis://127.0.0.1:${redis.port}`]
    const a = await serving([...args, '--catalog', file], [KEY])
    const b = await serving(args, [KEY])
    expect([await status(a), await status(b)]).toEqual([200, 200])
    await redis.connect().call('FLUSHALL')
    await Promise.race([a, b].map(one => one.said(/had lost what was published of the catalog; 1 entry put back/)))
    writeFileSync(`${file}~`, document(false))
    renameSync(`${file}~`, file)
    await b.said(/catalog \S+ is in force/)
    expect([await status(a), await status(b)]).toEqual([403, 403])
  })
})

describe('a gateway whose Redis is answered for by something else', () => {
  it('serves nobody by it, connects anew, and goes on where it was', { timeout: 60_000 }, async () => {
    const redis = await redisServer()
    behind(() => redis.stop())
    const proxy = await proxyTo(redis)
    behind(() => proxy.close())
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const file = join(folder(), 'catalog.json')
    writeFileSync(file, document(true))
    const store = `redis://127.0.0.1:${proxy.port}`
    const gateway = await serving(['--upstream', upstream.url, '--store', store, '--catalog', file], [KEY])
    expect(await status(gateway)).toBe(200)
    proxy.behave('foreign')
    expect(await status(gateway)).toBe(503)
    proxy.behave('whole')
    const ends = Date.now() + 15_000
    let last = 503
    for (; last === 503 && Date.now() < ends; await sleep(50)) last = await status(gateway)
    expect(last).toBe(200)
    expect((await gateway.end()).code).toBe(0)
  })
})

describe('a gateway whose SQLite file', () => {
  async function over(store: string): Promise<Serving> {
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const file = join(folder(), 'catalog.json')
    writeFileSync(file, document(true))
    return serving(['--upstream', upstream.url, '--store', `sqlite:${store}`, '--catalog', file], [KEY])
  }

  it('is removed or replaced under it serves nobody any more, and says so (SQL-09)', { timeout: 60_000 }, async () => {
    const file = join(folder(), 'counts.db')
    const gateway = await over(file)
    expect(await status(gateway)).toBe(200)
    renameSync(file, `${file}.gone`)
    await gateway.said(/counts\.db was removed or replaced: nobody is counted in it; start again/)
    expect(await status(gateway)).toBe(503)
    writeFileSync(file, readFileSync(`${file}.gone`))
    expect(await status(gateway)).toBe(503)
  })

  it('has a damaged log says how much was lost, once (SQL-07)', { timeout: 60_000 }, async () => {
    const file = join(folder(), 'counts.db')
    const first = await over(file)
    for (let i = 0; i < 4; i++) expect(await status(first)).toBe(200)
    const [copy, log] = [`${file}.copy`, readFileSync(`${file}-wal`)]
    copyFileSync(file, copy)
    await first.end('SIGKILL')
    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    // In the last but two of its frames' pages.
    log[log.length - 3 * 4120 + 2000]! ^= 4
    writeFileSync(`${copy}-wal`, log)
    const second = await over(copy)
    expect((await second.end()).text).toMatch(/copy-wal is damaged: transactions lost: [23];/)
    const third = await over(copy)
    expect((await third.end()).text).not.toContain('damaged')
  })
})
