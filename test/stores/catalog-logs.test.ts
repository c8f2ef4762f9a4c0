// Every log of a shared catalog keeps the same promise: entries in order, none lost, one winner, and the old forgotten.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CatalogChange, type CatalogLog, memoryCatalogLog, type Published } from '../../src/stores/catalog-log.ts'
import { redisCatalogLog } from '../../src/stores/redis-catalog.ts'
import { sqliteCatalogLog } from '../../src/stores/sqlite-catalog.ts'
import { newFile, opened } from './files.ts'
import { type RedisServer, redisServer } from './redis-server.ts'

const whole = (id: string): CatalogChange => ({ kind: 'catalog', document: { usagePlans: [{ id }] } })
const keys = (id: string): CatalogChange => ({ kind: 'edit', put: [], remove: [id] })

let redis: RedisServer
let prefixes = 0
beforeAll(async () => {
  redis = await redisServer()
})
afterAll(() => redis.stop())

/** Two logs that share what they keep, as two processes would. */
const LOGS: Readonly<Record<string, () => Promise<[CatalogLog, CatalogLog]>>> = {
  memory: async () => {
    const log = memoryCatalogLog()
    return [log, log]
  },
  SQLite: async () => {
    const file = newFile()
    return [sqliteCatalogLog(await opened(file)), sqliteCatalogLog(await opened(file))]
  },
  Redis: async () => {
    const prefix = `t${prefixes++}`
    const log = (): CatalogLog => {
      const client = redis.connect()
      return redisCatalogLog({ send: ([command, ...args]) => client.call(command as string, ...args), prefix })
    }
    return [log(), log()]
  },
}

describe.each(Object.keys(LOGS))('the log in %s', name => {
  const make = LOGS[name]!

  it('is empty at first', async () => {
    const [a] = await make()
    expect(await a.since(0)).toEqual([])
  })

  it('gives what came after a version, in order, to whoever asks', async () => {
    const [a, b] = await make()
    expect(await a.append(0, whole('one'))).toBe(true)
    expect(await b.append(1, keys('two'))).toBe(true)
    expect(await a.append(2, keys('three'))).toBe(true)
    expect(await b.since(1)).toEqual([
      { version: 2, change: keys('two') },
      { version: 3, change: keys('three') },
    ])
    expect(await a.since(3)).toEqual([])
  })

  it('says that it has lost what was read of it, and not that there is nothing new', async () => {
    const [a, b] = await make()
    expect(await a.since(1)).toBe('lost')
    await a.append(0, whole('one'))
    expect([await b.since(1), await b.since(2)]).toEqual([[], 'lost'])
  })

  it('takes one of two that follow the same version', async () => {
    const [a, b] = await make()
    await a.append(0, whole('one'))
    const both = await Promise.all([a.append(1, keys('a')), b.append(1, keys('b'))])
    expect(both.filter(Boolean)).toHaveLength(1)
    expect(await a.since(1)).toHaveLength(1)
    expect(await b.append(0, whole('late'))).toBe(false)
  })

  it('begins with the last whole catalog for who comes new, and the versions go on', async () => {
    const [a, b] = await make()
    await a.append(0, whole('one'))
    await a.append(1, keys('two'))
    await a.append(2, whole('three'))
    await a.append(3, keys('four'))
    expect(((await b.since(0)) as readonly Published[]).slice(-2)).toEqual([
      { version: 3, change: whole('three') },
      { version: 4, change: keys('four') },
    ])
    expect(await b.since(3)).toEqual([{ version: 4, change: keys('four') }])
  })

  it('gives back what was put in, to the letter', async () => {
    const [a, b] = await make()
    const odd: CatalogChange = {
      kind: 'catalog',
      document: { usagePlans: [{ id: 'x', name: 'é "\\" \u0000\u2028 😀' }] },
    }
    await a.append(0, odd)
    expect(await b.since(0)).toEqual([{ version: 1, change: odd }])
  })
})
