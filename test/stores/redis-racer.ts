// A process of clients that race for one key, for test/stores/redis-faults.test.ts: socket, clients, tries of each.
// Prints what they were admitted.

import { Redis } from 'ioredis'
import { redisStore } from '../../src/stores/redis.ts'
import { indexOf, meteredOf } from '../laws/worlds.ts'
import { sendBy } from './redis-server.ts'

const [path = '', clients = '', tries = '', limit = ''] = process.argv.slice(2)
const quota = { limit: Number(limit), period: 'MONTH', offset: 0 } as const
const metered = meteredOf(indexOf({ override: false, weekStart: 0, quota }), {
  key: 0,
  path: '/b',
  stage: 's',
  cost: 1,
})!

async function client(): Promise<number> {
  const redis = new Redis({ path })
  const store = redisStore({ send: sendBy(redis), prefix: 'race:' })
  let admitted = 0
  for (let i = 0; i < Number(tries); i++) if ((await store.take(metered, Date.now())).admitted) admitted++
  redis.disconnect()
  return admitted
}

const counts = await Promise.all(Array.from({ length: Number(clients) }, client))
console.log(counts.reduce((sum, n) => sum + n, 0))
