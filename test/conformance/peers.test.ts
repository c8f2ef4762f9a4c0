// What people's limiters get wrong today, each seen in a peer's tracker or run against it, and that a gate does not.

import { describe, expect, it } from 'vitest'
import type { Allowed, MeteredDecision } from '../../src/core/decision.ts'
import type { ShortDocument, ShortPlan } from '../../src/core/document.ts'
import { answer } from '../../src/http/answer.ts'
import { catalogOf } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { gateOf } from '../gate-of.ts'

const SECOND = 1000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const secretOf = (id: string): string => `peers-key-000000000-${id}`

function world(plan: Omit<ShortPlan, 'id'>, more: Partial<ShortDocument> = {}, start = '2026-01-15T12:00:00Z') {
  const clock = { now: Date.parse(start) }
  const store = memoryStore()
  const catalog = (plan: Omit<ShortPlan, 'id'>): ShortDocument => ({
    plans: [{ id: 'p', ...plan }],
    keys: [{ id: 'k', value: secretOf('k'), plan: 'p' }],
    ...more,
  })
  const gate = gateOf({ catalog: catalog(plan), store, clock: () => clock.now })
  const get = (path = '/', cost = 1, id = 'k'): MeteredDecision =>
    gate.admit({ method: 'GET', path, apiKey: secretOf(id), cost }) as MeteredDecision
  const left = () => gate.peek({ method: 'GET', path: '/', apiKey: secretOf('k'), cost: 0 }) as MeteredDecision
  return {
    clock,
    store,
    gate,
    get,
    left,
    /** How many of `times` requests are admitted. */
    admitted: (times: number, path?: string) =>
      Array.from({ length: times }, () => get(path)).filter(d => d.admitted).length,
    at: (time: string) => (clock.now = Date.parse(time)),
    change: (plan: Omit<ShortPlan, 'id'>) => gate.replace(catalogOf(catalog(plan))),
  }
}

describe('the charge', () => {
  // animir/node-rate-limiter-flexible#280 (union of limiters; also #207, #114): 1 admitted, 49 denied, 50 of the day gone.
  it('of one request over several limits is all or nothing: 49 denied requests leave the day’s quota alone', () => {
    const { admitted, left } = world({
      throttle: { rateLimit: 1, burstLimit: 1 },
      quota: { limit: 100, period: 'DAY' },
    })
    expect(admitted(50)).toBe(1)
    expect(left().quota).toMatchObject({ used: 1, remaining: 99 })
  })

  // TykTechnologies/tyk session_manager.go: the rate is consumed, and then the quota refuses.
  it('takes no token for a request that the quota refuses', () => {
    const { admitted, left } = world({
      throttle: { rateLimit: 0, burstLimit: 10 },
      quota: { limit: 2, period: 'DAY' },
    })
    expect(admitted(9)).toBe(2)
    expect(left().tokens).toBe(8)
  })

  // better-auth verify-api-key.ts: the quota is counted, and then the rate limit refuses.
  it('takes nothing of a method’s bucket for a request that the plan’s refuses', () => {
    const { admitted, left } = world({
      throttle: { rateLimit: 0, burstLimit: 2 },
      methods: { 'GET /a': { rateLimit: 0, burstLimit: 5 } },
    })
    expect(admitted(9, '/a')).toBe(2)
    expect(left().tokens).toBe(0)
    const method = world({ methods: { 'GET /a': { rateLimit: 0, burstLimit: 5 } }, quota: { limit: 2, period: 'DAY' } })
    expect(method.admitted(9, '/a')).toBe(2)
    expect(method.get('/a').limits[0]).toMatchObject({ name: 'method', remaining: 3 })
  })

  // TykTechnologies/tyk#1876, envoyproxy/ratelimit#1060, express-rate-limit#325: a retry storm never recovers.
  it('is free for the denied: who retries a thousand times is admitted as soon as who waits', () => {
    const { clock, get } = world({ throttle: { rateLimit: 1, burstLimit: 1 } })
    get()
    for (let i = 0; i < 999; i++) {
      clock.now++
      expect(get().admitted).toBe(false)
    }
    clock.now++
    expect(get().admitted).toBe(true)
  })

  // upstash/ratelimit-js PR#156: 2.0.8's token bucket went to -9, since a denied request still took its weight.
  it('never takes a bucket below nothing', () => {
    const { store, get, left } = world({ throttle: { rateLimit: 0, burstLimit: 3 } })
    get('/', 2)
    for (let i = 0; i < 5; i++) expect(get('/', 2).admitted).toBe(false)
    expect(left().tokens).toBe(1)
    expect(store.snapshot().records[0]![2][2]).toBeGreaterThan(0)
    expect(get('/', 1).admitted).toBe(true)
  })

  // node-rate-limiter-flexible PR#69 ("by design"): 8 of 10 used, a denied 5 makes it 13, and then 2 are denied.
  it('of a big denied request does not block small ones', () => {
    for (const plan of [
      { throttle: { rateLimit: 0, burstLimit: 10 } },
      { quota: { limit: 10, period: 'DAY' } },
    ] satisfies Omit<ShortPlan, 'id'>[]) {
      const { get } = world(plan)
      expect(get('/', 8).admitted).toBe(true)
      expect(get('/', 5).admitted).toBe(false)
      expect(get('/', 2).admitted).toBe(true)
      expect(get('/', 1).admitted).toBe(false)
    }
  })

  // fastify/fastify-rate-limit: one groupId of max 3 on two routes admitted 6.
  it('is one for all routes of a plan', () => {
    const { admitted } = world({ throttle: { rateLimit: 0, burstLimit: 3 } })
    expect(admitted(3, '/a') + admitted(3, '/b')).toBe(3)
  })

  // Kong/kong#5311, #5790, #4379; peterkhayes/rolling-rate-limiter#16: check, then increment.
  it('is not raced: of 200 requests at once over a slow store as many are admitted as the quota', async () => {
    const inner = memoryStore()
    const store: Store<true> = {
      take: (metered, now) => Promise.resolve().then(() => inner.take(metered, now)),
      peek: (metered, now) => Promise.resolve().then(() => inner.peek(metered, now)),
      giveBack: (taken, now) => Promise.resolve().then(() => inner.giveBack(taken, now)),
    }
    const catalog: ShortDocument = {
      plans: [{ id: 'p', quota: { limit: 50, period: 'DAY' } }],
      keys: [{ id: 'k', value: secretOf('k'), plan: 'p' }],
    }
    const gate = gateOf({ catalog, store, clock: () => 0 })
    const decisions = await Promise.all(
      Array.from({ length: 200 }, () => gate.admit({ method: 'GET', path: '/', apiKey: secretOf('k') })),
    )
    expect(decisions.filter(({ admitted }) => admitted).length).toBe(50)
  })

  // express-rate-limit#309, hono-rate-limiter#51: no weights; elsewhere a cost above the limit is retried for ever.
  it('that can never be paid is told apart from one that can be paid later', () => {
    const { get } = world({ throttle: { rateLimit: 1, burstLimit: 5 } })
    expect(get('/', 5).kind).toBe('allowed')
    expect(get('/', 5).kind).toBe('throttled')
    expect(get('/', 6).kind).toBe('never-admitted')
  })

  // golang/go#69419: a refund gave back more than was taken.
  it('is given back once, within its window, and never above the capacity', () => {
    const { clock, gate, get, left } = world({
      throttle: { rateLimit: 1, burstLimit: 2 },
      quota: { limit: 9, period: 'DAY' },
    })
    const first = get() as Allowed
    clock.now += 5 * SECOND
    expect([gate.giveBack(first), gate.giveBack(first)]).toEqual([true, false])
    expect(left()).toMatchObject({ tokens: 2, quota: { used: 0 } })
    const second = get() as Allowed
    clock.now += DAY
    get()
    gate.giveBack(second)
    expect(left().quota?.used).toBe(1)
  })

  // upstash/ratelimit-js#17, #80: nobody could look without taking.
  it('is not made by looking', () => {
    const { gate, store, get } = world({ throttle: { rateLimit: 0, burstLimit: 1 } })
    for (let i = 0; i < 9; i++) gate.peek({ method: 'GET', path: '/', apiKey: secretOf('k') })
    expect(store.size).toBe(0)
    expect(get().admitted).toBe(true)
  })
})

describe('time', () => {
  // node-rate-limiter-flexible, express-rate-limit#546, hono-rate-limiter: a 30 day window in memory is a timer of 1 ms,
  // since setTimeout overflows at 2^31 ms: eight of three were admitted.
  it('of a month’s quota in memory is a month, and no timer', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const { clock, admitted } = world({ quota: { limit: 3, period: 'MONTH' } })
    expect(admitted(8)).toBe(3)
    for (let day = 16; day <= 31; day++) {
      clock.now += DAY
      expect(admitted(1), `on the ${day}th`).toBe(0)
    }
    clock.now += DAY
    expect(admitted(8)).toBe(3)
    expect(timers()).toBeLessThanOrEqual(before)
  })

  // node-rate-limiter-flexible lib/RateLimiterRedis.js: Math.floor(500 / 1000) is a key without TTL, denied for ever.
  // gitlab-org/gitlab#285352: the same by a lost EXPIRE.
  it('of half a second is half a second, and nothing is left behind', () => {
    const { clock, store, get } = world({ throttle: { rateLimit: 2, burstLimit: 1 } })
    get()
    expect(get()).toMatchObject({ kind: 'throttled', retryAfter: 500 })
    clock.now += 499
    expect(get().admitted).toBe(false)
    clock.now += 1
    expect(get().admitted).toBe(true)
    // A record stays for the hour that a clock may step back.
    expect(store.sweep(clock.now + HOUR + 499)).toBe(0)
    expect(store.sweep(clock.now + HOUR + 500)).toBe(1)
  })

  // node-rate-limiter-flexible: 0.5 points work in memory and throw on Redis.
  it('of a fractional rate is kept in whole numbers, which every store can count', () => {
    const { clock, store, get } = world({ throttle: { rateLimit: 0.5, burstLimit: 1 } })
    get()
    clock.now += 1999
    expect(get().admitted).toBe(false)
    clock.now += 1
    expect(get().admitted).toBe(true)
    const [, , numbers] = store.snapshot().records[0]!
    for (const number of numbers) expect(Number.isSafeInteger(number)).toBe(true)
    for (const cost of [0.5, -1, Number.NaN]) expect(() => get('/', cost)).toThrow(RangeError)
  })

  // Floats add up wrong: ten times 0.1 is not 1. bucket4j, golang/time (noTruncationErrors): what a division leaves is lost.
  it('adds up, however often it is looked at', () => {
    for (const [rateLimit, ms] of [
      [0.1, 10_000],
      [0.3, 3334],
      [1 / 3, 3000],
      [0.7, 1429],
      [1 / 60, 60_000],
    ] as const) {
      const { clock, get } = world({ throttle: { rateLimit, burstLimit: 1 } })
      get()
      const start = clock.now
      while (!get().admitted) clock.now++
      expect(clock.now - start, `a token at ${rateLimit}/s`).toBe(ms)
    }
  })

  // brandur/redis-cell src/cell/mod.rs: the interval between tokens is cut to whole nanoseconds, so it runs fast.
  it('lets a rate run neither fast nor slow over a million tokens', () => {
    const { clock, get } = world({ throttle: { rateLimit: 7, burstLimit: 1_000_000 } })
    get('/', 1_000_000)
    const { retryAfter } = get('/', 1_000_000) as MeteredDecision & { retryAfter: number }
    expect(retryAfter).toBe(Math.ceil(1_000_000_000 / 7))
    clock.now += retryAfter - 1
    expect(get('/', 1_000_000).admitted).toBe(false)
    clock.now++
    expect(get('/', 1_000_000).admitted).toBe(true)
  })

  // Kong/kong#9581 (expiration.lua: a month is 30 days, the 31st counts twice); gubernator interval.go.
  it('of a month is the calendar’s: 28, 29, 30 or 31 days', () => {
    for (const [month, next] of [
      ['2025-02', '2025-03'],
      ['2024-02', '2024-03'],
      ['2026-04', '2026-05'],
      ['2026-12', '2027-01'],
    ] as const) {
      const { clock, admitted, at } = world({ quota: { limit: 1, period: 'MONTH' } }, {}, `${month}-01T00:00:00Z`)
      expect(admitted(2)).toBe(1)
      at(`${next}-01T00:00:00Z`)
      clock.now--
      expect(admitted(1), `at the end of ${month}`).toBe(0)
      clock.now++
      expect(admitted(2), `at the start of ${next}`).toBe(1)
    }
  })

  // Kong/kong#2680, envoyproxy/envoy#22626, apache/apisix#11880: windows of 86 400 s from the first request.
  it('of a day and a week begins at midnight UTC, and a week on the day one says', () => {
    const day = world({ quota: { limit: 1, period: 'DAY' } }, {}, '2026-01-15T23:59:59.999Z')
    expect(day.admitted(2)).toBe(1)
    day.at('2026-01-16T00:00:00Z')
    expect(day.admitted(2)).toBe(1)
    // A Saturday and a Sunday.
    for (const [weekStart, fresh] of [
      ['SUNDAY', 1],
      ['MONDAY', 0],
    ] as const) {
      const week = world(
        { quota: { limit: 1, period: 'WEEK' } },
        { semantics: { weekStart } },
        '2026-01-17T23:59:59.999Z',
      )
      expect(week.admitted(2)).toBe(1)
      week.at('2026-01-18T00:00:00Z')
      expect(week.admitted(2), `weeks from ${weekStart}`).toBe(fresh)
    }
  })

  // better-auth#6035, #3573: nobody could say on which day the period begins.
  it('of a month begins on the day the quota says', () => {
    const { admitted, at } = world({ quota: { limit: 1, period: 'MONTH', offset: 9 } }, {}, '2026-01-09T12:00:00Z')
    expect(admitted(2)).toBe(1)
    at('2026-01-10T00:00:00Z')
    expect(admitted(2)).toBe(1)
    at('2026-02-09T23:59:59Z')
    expect(admitted(2)).toBe(0)
  })

  // better-auth rate-limit.ts (the window hangs on the last request), Tyk's rolling quota: busy callers never reset.
  it('does not slide with traffic: who never stops is fresh at midnight like everybody', () => {
    const { clock, get, admitted } = world({ quota: { limit: 3, period: 'DAY' } }, {}, '2026-01-15T20:00:00Z')
    admitted(3)
    const denied: number[] = []
    while (!get().admitted) {
      denied.push(clock.now)
      clock.now += 60 * SECOND
    }
    expect(denied.length).toBe(240)
    expect(new Date(clock.now).toISOString()).toBe('2026-01-16T00:00:00.000Z')
  })

  // GitHub's API limiter, 2021: the reset was computed from a TTL, and wobbled.
  it('of a reset is the same in every answer', () => {
    const { clock, get } = world({ quota: { limit: 99, period: 'DAY' } })
    const resets = Array.from({ length: 50 }, () => {
      clock.now += 777
      return get().quota?.resetAt
    })
    expect(new Set(resets)).toEqual(new Set([Date.parse('2026-01-16T00:00:00Z')]))
  })

  // throttlekit quota.ts; sourcegraph/sourcegraph#56826: a clock that steps back over a boundary re-arms the quota.
  it('that steps back over midnight gives nobody a second quota', () => {
    const { admitted, at } = world({ quota: { limit: 2, period: 'DAY' } }, {}, '2026-01-16T00:00:00.000Z')
    expect(admitted(3)).toBe(2)
    at('2026-01-15T23:59:59.900Z')
    expect(admitted(3)).toBe(0)
    at('2026-01-16T00:00:00.500Z')
    expect(admitted(3)).toBe(0)
  })

  // TykTechnologies/tyk#8191, boto/botocore#750: no Retry-After on the quota, or not of the limit that lasts longest.
  it('to come back is the longest wait of all limits, and is said of the quota too', () => {
    const { get, clock } = world({ throttle: { rateLimit: 1, burstLimit: 1 }, quota: { limit: 1, period: 'DAY' } })
    get()
    const refused = get() as MeteredDecision & { retryAfter: number }
    expect(refused).toMatchObject({ kind: 'throttled', retryAfter: 12 * HOUR })
    expect(new Map(answer(refused)!.headers).get('Retry-After')).toBe('43200')
    clock.now += SECOND
    expect(get()).toMatchObject({ kind: 'quota-exceeded', retryAfter: 12 * HOUR - SECOND })
  })
})

describe('what is remembered', () => {
  // fastify/fastify-rate-limit: an LRU of 5000. A key of 3 per hour was admitted 6 times after 5001 other keys.
  // SGrondin/bottleneck#73, n8n PR#24636: and elsewhere it grows with whoever calls.
  it('is never evicted while it counts, and does not grow with keys nobody has', () => {
    const others = Array.from({ length: 6000 }, (_, i) => String(i).padStart(6, '0'))
    const { gate, store, admitted, get } = world(
      { quota: { limit: 3, period: 'DAY' } },
      {
        keys: [
          { id: 'k', value: secretOf('k'), plan: 'p' },
          ...others.map(id => ({ id, value: secretOf(id), plan: 'p' })),
        ],
      },
    )
    expect(admitted(3)).toBe(3)
    for (const id of others) expect(get('/', 1, id).admitted).toBe(true)
    expect(admitted(3)).toBe(0)
    expect(store.size).toBe(6001)
    for (let i = 0; i < 20_000; i++) gate.admit({ method: 'GET', path: `/${i}`, apiKey: secretOf(`nobody-${i}`) })
    expect(store.size).toBe(6001)
  })

  // upstash/ratelimit-js 2.2.0, cachedFixedWindow: no TTL was ever set ("1" is not 1), so every key stayed for ever.
  it('is dropped when it no longer counts, by new records alone', () => {
    const ids = Array.from({ length: 300 }, (_, i) => String(i).padStart(4, '0'))
    const { clock, store, get } = world(
      { throttle: { rateLimit: 1, burstLimit: 5 }, quota: { limit: 3, period: 'DAY' } },
      { keys: ids.map(id => ({ id, value: secretOf(id), plan: 'p' })) },
    )
    for (const id of ids.slice(0, 150)) get('/', 1, id)
    expect(store.size).toBe(150)
    clock.now += DAY
    for (const id of ids.slice(150)) get('/', 1, id)
    expect(store.size).toBe(150)
    expect(store.sweep(clock.now + DAY)).toBe(150)
    expect(store.size).toBe(0)
  })

  // better-auth deletes the row of a key that is used up, and with it who it was.
  it('of a key that is used up is still whose it was', () => {
    const { admitted, get, gate } = world({ quota: { limit: 1, period: 'DAY' } })
    admitted(5)
    expect(get()).toMatchObject({ kind: 'quota-exceeded', keyId: 'k', planId: 'p' })
    expect(gate.catalog.apiKeys.get('k')).toBeDefined()
  })

  // gubernator-io/gubernator algorithms.go: raising the burst fills the bucket.
  it('is not filled by an upgrade', () => {
    const { admitted, change } = world({ throttle: { rateLimit: 0, burstLimit: 5 } })
    expect(admitted(9)).toBe(5)
    change({ throttle: { rateLimit: 0, burstLimit: 50 } })
    expect(admitted(9)).toBe(0)
  })

  // TykTechnologies/tyk#265 (more remains than the new limit), bucket4j/bucket4j#539, sourcegraph/sourcegraph#51455.
  it('is what was used, so that a new limit is right at once', () => {
    const { admitted, left, change } = world({ quota: { limit: 100, period: 'MONTH' } })
    admitted(30)
    change({ quota: { limit: 20, period: 'MONTH' } })
    expect(left().quota).toMatchObject({ limit: 20, used: 30, remaining: 0 })
    expect(admitted(1)).toBe(0)
    change({ quota: { limit: 1000, period: 'MONTH' } })
    expect(left().quota).toMatchObject({ used: 30, remaining: 970 })
  })

  // express-rate-limit#485, PostHog PR#60838: the store throws, and the limit is silently open.
  it('where it cannot be asked is no reason to let anybody in', () => {
    const broken = (): never => {
      throw new Error('the store is gone')
    }
    const gate = gateOf({
      catalog: { plans: [{ id: 'p' }], keys: [{ id: 'k', value: secretOf('k'), plan: 'p' }] },
      store: { take: broken, peek: broken, giveBack: broken } as Store<false>,
    })
    expect(() => gate.admit({ method: 'GET', path: '/', apiKey: secretOf('k') })).toThrow('the store is gone')
  })
})

describe('a mistake in a catalog', () => {
  // serverless/serverless#8454, hashicorp/terraform-provider-aws#26128: a throttle that is silently no throttle.
  it('is refused with its place, and never means unlimited', () => {
    const gate = (plan: object) => () =>
      gateOf({ catalog: { plans: [{ id: 'p', ...plan }] } as unknown as ShortDocument })
    expect(gate({ throttle: { rateLimit: 1 } })).toThrow('plans[0].throttle.burstLimit')
    expect(gate({ throtle: { rateLimit: 1, burstLimit: 1 } })).toThrow('plans[0].throtle')
    expect(gate({ quota: { limit: 5 } })).toThrow('plans[0].quota.period')
    expect(gate({ quota: { limit: 5, period: 'day' } })).toThrow('plans[0].quota.period')
    expect(gate({ throttle: { rateLimit: '1', burstLimit: 1 } })).toThrow('plans[0].throttle.rateLimit')
  })
})
