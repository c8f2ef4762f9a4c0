// Fitting finds the limits that traffic was made by, and no smaller ones would do.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callersOf } from '../../src/replay/callers.ts'
import { Arrivals, type Fit, type FitOptions, fitted, Gathering } from '../../src/replay/fit.ts'
import { Asked, Line } from '../../src/replay/line.ts'
import { law } from '../laws/law.ts'
import { catalogFor, START, worldOf } from './traffic.ts'

const DAY = 86_400_000
const options = (share: number, rest: Partial<FitOptions> = {}): FitOptions => ({ share, period: 'DAY', ...rest })

/** Clients that take all a bucket has, as soon as it has it, for a quarter of an hour; a day each; and nothing else. */
function greedy(rate: number, burst: number, keys = 3): Arrivals {
  const arrivals = new Arrivals('greedy')
  for (let key = 0; key < keys; key++) {
    const begin = START + key * DAY
    for (let i = 0; i < burst; i++) arrivals.add(begin, key, 1)
    for (let i = 1; i <= rate * 900; i++) arrivals.add(begin + Math.ceil((i * 1000) / rate), key, 1)
  }
  return arrivals
}

const requestsOf = (rate: number, burst: number): number => burst + rate * 900

describe('fit', () => {
  it.each([
    [5, 20],
    [1, 3],
    [20, 200],
    [0.5, 40],
  ])('recovers rate %d and burst %d, and the quota, of clients that take all they may', (rate, burst) => {
    const found = fitted(greedy(rate, burst), options(0))
    expect(found.throttle).toEqual({ rateLimit: rate, burstLimit: burst })
    expect(found.quota).toEqual({ limit: requestsOf(rate, burst), period: 'DAY' })
    expect(found.refused).toEqual({ throttled: 0, quotaExceeded: 0 })
    expect([found.requests, found.keys]).toEqual([3 * requestsOf(rate, burst), 3])
  })

  it('recovers one of the two where the other is given', () => {
    const arrivals = greedy(5, 20)
    expect(fitted(arrivals, options(0, { rateLimit: 5 })).throttle.burstLimit).toBe(20)
    expect(fitted(arrivals, options(0, { burstLimit: 20 })).throttle.rateLimit).toBe(5)
    // Faster, it needs to hold less; slower, all it falls behind by.
    expect(fitted(arrivals, options(0, { rateLimit: 4 })).throttle.burstLimit).toBeCloseTo(20 + 900, -1)
    expect(fitted(arrivals, options(0, { burstLimit: 1000 })).throttle.rateLimit).toBeLessThan(4)
  })

  it('lets as much be refused as it may, half by each limit', () => {
    const arrivals = greedy(5, 20)
    const exact = fitted(arrivals, options(0))
    const looser = fitted(arrivals, options(0.02))
    const most = 0.02 * arrivals.count
    expect(looser.refused.throttled + looser.refused.quotaExceeded).toBeLessThanOrEqual(most)
    expect(looser.quota.limit).toBe(exact.quota.limit - Math.floor(most / 2 / 3))
    expect(looser.throttle.rateLimit).toBeLessThanOrEqual(exact.throttle.rateLimit)
  })

  it('groups by what the catalog says', () => {
    const world = worldOf({ rate: 1, burst: 10, quota: 200 })
    const catalog = catalogFor({ rate: 1, burst: 1, quota: 1 }, world.customers)
    const gather = (by: 'plan' | 'key'): Gathering => {
      const gathering = new Gathering(catalog, by)
      const callers = callersOf([catalog])
      for (const { time, key, method, path } of world.requests) {
        gathering.add(
          Object.assign(new Line(), { time, asked: new Asked(method, path, null), caller: callers.ofText(key ?? 'x') }),
        )
      }
      return gathering
    }
    const keys = gather('key')
    expect(keys.uncovered).toBe(world.abusive.length)
    const found = Object.fromEntries(
      keys.groups.map(arrivals => [arrivals.name, fitted(arrivals, options(0))] as const),
    )
    const { birch, cedar, dogwood } = found as Record<string, Fit>
    // All its sixteen at once; five a second for a minute; its 260 a day.
    expect(birch?.throttle.burstLimit).toBe(16)
    expect(cedar?.throttle).toEqual({ rateLimit: 5, burstLimit: 1 })
    expect(dogwood?.quota).toEqual({ limit: 260, period: 'DAY' })
    const [all] = gather('plan').groups
    expect([all?.name, all?.count, all?.keyCount]).toEqual(['free', world.requests.length - world.abusive.length, 4])
  })

  const arrival = fc.record({ step: fc.oneof(fc.nat(50), fc.constantFrom(0, 0, 1000, 60_000)), key: fc.nat(2) })
  law(
    'what is fitted refuses no more than the share, and faster rates need no larger bursts',
    [fc.array(arrival, { minLength: 5, maxLength: 80 }), fc.constantFrom(0, 0.1, 0.3)],
    (steps, share) => {
      const arrivals = new Arrivals('any')
      let time = START
      for (const { step, key } of steps) arrivals.add((time += step), key, 1)
      const found = fitted(arrivals, options(share))
      const { throttled, quotaExceeded } = found.refused
      expect(throttled + quotaExceeded).toBeLessThanOrEqual(share * arrivals.count)
      for (const { rateLimit, burstLimit } of found.curve) {
        expect(fitted(arrivals, options(share, { rateLimit })).throttle.burstLimit).toBe(burstLimit)
      }
      const bursts = found.curve.map(({ burstLimit }) => burstLimit)
      expect(bursts).toEqual(bursts.toSorted((a, b) => b - a))
    },
    { share: 0.3 },
  )
})
