// The model of Redis answers as Redis does: what a store sent to it in some histories' worth of traffic is sent to a real
// server as well, and the replies are equal to the letter, errors among them.

import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Allowed } from '../../src/core/decision.ts'
import { redisCatalogLog, redisStore } from '../../src/stores/redis.ts'
import { indexOf, meteredOf } from '../laws/worlds.ts'
import { type RedisServer, redisServer, sendBy } from '../stores/redis-server.ts'
import { Random } from './random.ts'
import { redisModel } from './redis-model.ts'
import { Server } from './server.ts'
import { Timeline } from './timeline.ts'

let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await redisServer()
  client = server.connect()
})
afterAll(() => server.stop())

const index = indexOf({
  override: false,
  weekStart: 0,
  plan: { tokens: 1, ms: 50, burst: 3 },
  method: { tokens: 1, ms: 3_600_000, burst: 4 },
  quota: { limit: 30, period: 'DAY', offset: 0 },
  stage: { tokens: 1, ms: 20, burst: 4 },
})

it('answers as a real server does', async () => {
  const random = new Random(7)
  const start = 20_000 * 86_400_000 - 2000
  const timeline = new Timeline(start)
  const nobody = { wrote: () => undefined, expired: () => undefined, lost: () => undefined }
  const model = redisModel(new Server(timeline, random, nobody, 'always'))
  let compared = 0
  async function send(args: string[]): Promise<unknown> {
    const said = (how: () => unknown): Promise<unknown> =>
      Promise.resolve()
        .then(how)
        .catch(error => `error: ${(error as Error).message.split(' ')[0]}`)
    const [here, there] = [await said(() => model.execute(args)), await said(() => sendBy(client)(args))]
    expect(here).toEqual(there)
    compared++
    if (typeof here === 'string' && here.startsWith('error: ')) throw new Error(here.slice(7))
    return here
  }

  const store = redisStore({ send, clock: 'host', batch: 3 })
  const taken: Allowed[] = []
  for (let i = 0; i < 150; i++) {
    if (i === 60) {
      model.flushScripts()
      await client.script('FLUSH')
    }
    timeline.now += random.whole(0, 60)
    const now = timeline.now - random.whole(0, 1) * random.whole(0, 300)
    const asks = Array.from({ length: random.whole(1, 4) }, () => {
      const event = { key: random.pick([0, 1] as const), path: random.pick(['/a', '/b'] as const), stage: 's' as const }
      return meteredOf(index, { ...event, cost: random.whole(0, 2) })!
    })
    for (const decision of await Promise.all(asks.map(metered => store.take(metered, now))))
      if (decision.kind === 'allowed') taken.push(decision)
    const back = random.chance(0.2) ? taken.pop() : undefined
    if (back !== undefined) await store.giveBack(back, now)
  }
  const used = await store.usage({ planId: 'plan', keyIds: ['key-0', 'key-1'], from: -Infinity, to: Infinity })
  expect(used.length).toBeGreaterThan(2)

  // What a key holds that is no record, and what is not known.
  for (const args of [
    ['SET', 'tollgate:{plan/key-0}', 'no record'],
    ['PTTL', 'tollgate:{plan/key-0}'],
    ['GET', 'nothing'],
    ['HGETALL', 'nothing'],
    ['LRANGE', 'nothing', '0', '-1'],
    ['DEL', 'nothing'],
    ['EVALSHA', '0'.repeat(40), '0'],
  ])
    await send(args).catch(() => undefined)
  await expect(
    store.take(meteredOf(index, { key: 0, path: '/b', stage: 's', cost: 1 })!, timeline.now),
  ).rejects.toThrow()

  const log = redisCatalogLog({ send })
  for (let i = 0; i < 6; i++) await log.append(i - (i === 3 ? 1 : 0), { kind: 'edit', put: [], remove: [`k${i}`] })
  await log.append(3, { kind: 'catalog', document: {} })
  for (let version = 0; version < 5; version++) await log.since(version)
  expect(compared).toBeGreaterThan(200)
})
