// Compare-and-swap keeps the contract; and what is special: races, retries that end, outages among the steps.

import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/errors.ts'
import { casStore } from '../../src/stores/cas.ts'
import { storeContract } from '../../src/testing.ts'
import { indexOf, meteredOf, type World } from '../laws/worlds.ts'
import { mapStorage } from './map-storage.ts'

describe('casStore', () => {
  it.each(storeContract.filter(({ needs }) => !needs?.includes('usage')))('$name', ({ run }) =>
    run(() => casStore({ storage: mapStorage() })),
  )
})

const world: World = {
  override: false,
  weekStart: 0,
  plan: { tokens: 1, ms: 1000, burst: 3 },
  account: { tokens: 1, ms: 1000, burst: 2 },
}
const index = indexOf(world)
const own = indexOf({ override: false, weekStart: 0, plan: { tokens: 1, ms: 1000, burst: 3 } })
const ask = (key: 0 | 1 = 0) => meteredOf(index, { key, path: '/b', stage: 's', cost: 1 })!

describe('a storage', () => {
  it('is told when a value may go: an hour after the bucket is full, and never for one that never fills', async () => {
    const expiries: (number | undefined)[] = []
    const storage = mapStorage()
    const { set } = storage
    storage.set = (key, value, expected, expireIn) => {
      expiries.push(expireIn)
      return set(key, value, expected, expireIn)
    }
    const store = casStore({ storage })
    await store.take(ask(), 5000)
    await store.take(ask(), 5000)
    const never = indexOf({ override: false, weekStart: 0, plan: { tokens: 0, ms: 1, burst: 3 } })
    await store.take(meteredOf(never, { key: 1, path: '/b', stage: 's', cost: 1 })!, 5000)
    expect(expiries).toEqual([3_601_000, 3_601_000, 3_602_000, 3_602_000, undefined])
  })

  it('that is always faster for others ends in a StoreError that may pass', async () => {
    const storage = mapStorage()
    storage.set = async () => false
    const error = await casStore({ storage, retries: 3 })
      .take(ask(), 0)
      .catch(error => error)
    expect(error).toMatchObject({ code: 'STORE_FAILED', transient: true })
    expect(error.message).toBe('cas: key key-0 in plan plan: 3 others were faster')
  })

  it('that cannot be reached is a StoreError, and a bug in it is a bug', async () => {
    const storage = mapStorage()
    storage.get = () => Promise.reject(new Error('no route to host'))
    await expect(casStore({ storage }).take(ask(), 0)).rejects.toThrow(StoreError)
    storage.get = () => Promise.reject(new TypeError('x is not a function'))
    await expect(casStore({ storage }).take(ask(), 0)).rejects.toThrow(TypeError)
  })

  it('that does not say whether it wrote is a bug, which is said at once', async () => {
    const storage = mapStorage()
    const { set } = storage
    let writes = 0
    storage.set = async (...args) => {
      writes++
      await set(...args)
      return undefined as never
    }
    const taken = casStore({ storage }).take(meteredOf(own, { key: 0, path: '/b', stage: 's', cost: 1 })!, 0)
    await expect(taken).rejects.toThrow(
      new TypeError('storage.set: expected true or false, whether it wrote; received nothing'),
    )
    expect(writes).toBe(1)
  })

  it('that answers nothing where there is nothing is told what is expected', async () => {
    const storage = { ...mapStorage(), get: async () => undefined as never }
    await expect(casStore({ storage }).take(ask(), 0)).rejects.toThrow(
      'storage.get: expected a value with its version or null',
    )
  })

  it('that is none is refused, and so are retries', () => {
    for (const storage of [{}, undefined, { get: mapStorage().get }]) {
      expect(() => casStore({ storage: storage as never })).toThrow('storage: expected the functions get and set')
    }
    for (const retries of [-1, Number.NaN, 0.5, Infinity, '3' as never]) {
      expect(() => casStore({ storage: mapStorage(), retries })).toThrow(
        'retries: expected a whole number ≥ 0, received',
      )
    }
    expect(() => casStore({ storage: mapStorage(), retries: 0 })).not.toThrow()
  })

  it('with a value that is no record admits nothing', async () => {
    for (const value of ['{', '[2,0,0,0,0]', '[1,0,-1,0,0]', '[1,0,1e300,0,0]']) {
      const storage = mapStorage(new Map([['record/plan/key-0', { value, version: 1 }]]))
      const error = await casStore({ storage })
        .take(ask(), 0)
        .catch(error => error)
      expect(error).toMatchObject({ code: 'STORE_FAILED', transient: false })
    }
  })

  it('that does not say whether it took a gift back is not given it again', async () => {
    const storage = mapStorage()
    const { get, set } = storage
    const store = casStore({ storage })
    await store.take(ask(), 0)
    // Another drains what clients share between the look and the charge; then the answer to the gift is lost.
    storage.get = async key => {
      const found = await get(key)
      if (key === 'shared/account') {
        storage.get = get
        await store.take(ask(1), 0)
        storage.set = async (key, ...rest) => {
          const done = await set(key, ...rest)
          if (key !== 'record/plan/key-0' || ++writes < 2) return done
          throw new Error('connection reset')
        }
      }
      return found
    }
    let writes = 0
    await expect(store.take(ask(), 0)).rejects.toThrow('connection reset')
    storage.set = set
    expect((await store.peek({ ...ask(), cost: 0 }, 0)).tokens).toBe(2)
  })

  it('lost between a client’s record and what clients share leaves nothing charged that can be given back', async () => {
    const storage = mapStorage()
    const { set } = storage
    storage.set = (key, ...rest) => (key.startsWith('shared/') ? Promise.reject(new Error('gone')) : set(key, ...rest))
    const store = casStore({ storage })
    await expect(store.take(ask(), 0)).rejects.toThrow(StoreError)
    storage.set = set
    expect((await store.peek({ ...ask(), cost: 0 }, 0)).tokens).toBe(3)
  })
})
