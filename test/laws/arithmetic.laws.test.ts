// Units and buckets against exact rationals in BigInt, over the whole range that a catalog and a clock can give.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { levelAfter, msUntil } from '../../src/core/bucket.ts'
import { ceilSeconds, FULL, grainsPerMs, isRounded, MAX_BURST, MIN_RATE, TOKEN } from '../../src/core/units.ts'
import { law } from './law.ts'

/** A double is a whole number over a power of two: here is which. */
function ratioOf(x: number): { readonly n: bigint; readonly d: bigint } {
  let d = 1n
  while (!Number.isInteger(x)) {
    x *= 2
    d *= 2n
  }
  return { n: BigInt(x), d }
}

const rateLimit = fc.oneof(
  fc.double({ min: MIN_RATE, max: 1e9, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: 0, max: 1_000_000_000 }),
  fc.nat(2 ** 30).map(n => n / 432_000),
  fc.tuple(fc.nat(2 ** 30), fc.integer({ min: -3, max: 3 })).map(([n, ulps]) => (n / 432_000) * (1 + ulps * 2 ** -52)),
)

describe('units', () => {
  law(
    'a rate is rounded down to a whole number of grains, and up by no more than 2^-50 of it',
    [rateLimit],
    rate => {
      const { n, d } = ratioOf(rate)
      const grains = BigInt(grainsPerMs(rate))
      // 2^-50, and the 2^-53 by which the product of floating point may itself be off: 9 · 2^-53.
      expect(grains * d * 2n ** 53n <= n * 432_000n * (2n ** 53n + 9n)).toBe(true)
      // And never a whole grain below it, but for as little.
      expect((grains + 1n) * d * 2n ** 53n > n * 432_000n * (2n ** 53n - 9n)).toBe(true)
      expect(Number.isSafeInteger(grainsPerMs(rate))).toBe(true)
    },
    // Off by 2^-50 and a little: the bound was first stated without the product's own rounding.
    { examples: [[287_807_880.998_821_5]] },
  )

  law('a rate is called rounded when it lies between two grains', [rateLimit], rate => {
    const { n, d } = ratioOf(rate)
    const rest = (n * 432_000n) % d
    const away = rest * 2n < d ? rest : d - rest
    // Nearer than 2^-51 of it is whole, further than 2^-49 is not; in between floating point decides.
    if (away * 2n ** 51n <= n * 432_000n) expect(isRounded(rate)).toBe(false)
    if (away * 2n ** 49n > n * 432_000n) expect(isRounded(rate)).toBe(true)
    if (isRounded(rate)) expect(BigInt(grainsPerMs(rate))).toBe((n * 432_000n) / d)
  })

  const whole = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 1_000_000_000 }))
  law(
    'every whole rate per second, minute, hour and day is exact, and so is every multiple of 0.001 per second',
    [whole],
    n => {
      const grains = (perMs: bigint): bigint => (BigInt(n) * BigInt(TOKEN)) / perMs
      for (const [seconds, ms] of [
        [1, 1000n],
        [60, 60_000n],
        [3600, 3_600_000n],
        [86_400, 86_400_000n],
        [1000, 1_000_000n],
      ] as const) {
        expect(BigInt(TOKEN) % ms === 0n).toBe(true)
        expect(BigInt(grainsPerMs(n / seconds))).toBe(grains(ms))
        expect(isRounded(n / seconds)).toBe(false)
      }
      expect(BigInt(grainsPerMs(n * 0.001))).toBe(grains(1_000_000n))
    },
  )

  law('a wait in whole seconds covers it, is less than a second too long, and at least one', [fc.nat(2 ** 50)], ms => {
    const seconds = ceilSeconds(ms)
    expect(seconds * 1000 >= ms && seconds >= 1).toBe(true)
    expect(seconds === 1 || (seconds - 1) * 1000 < ms).toBe(true)
  })
})

const capacity = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: MAX_BURST })).map(b => b * TOKEN)
const rate = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, TOKEN / 7, 432_000_000_000_000).map(Math.floor),
  fc.nat(1000),
  fc.integer({ min: 0, max: 432_000_000_000_000 }),
)
const elapsed = fc.oneof(fc.nat(50), fc.nat(2 ** 40), fc.integer({ min: 0, max: 17_280_000_000_000_000 }))
const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }))
const levelOf = (capacity: number, share: number): number => Math.min(capacity, Math.floor(capacity * share))

describe('bucket', () => {
  law(
    'a level is exact, also where elapsed × rate is above 2^53',
    [capacity, share, elapsed, rate],
    (cap, part, ms, r) => {
      const level = levelOf(cap, part)
      const exact = BigInt(level) + BigInt(ms) * BigInt(r)
      expect(BigInt(levelAfter(level, ms, r, cap))).toBe(exact < BigInt(cap) ? exact : BigInt(cap))
      expect(levelAfter(FULL, ms, r, cap)).toBe(cap)
    },
  )

  law('two waits are as good as one of both', [capacity, share, elapsed, elapsed, rate], (cap, part, a, b, r) => {
    const level = levelOf(cap, part)
    expect(levelAfter(levelAfter(level, a, r, cap), b, r, cap)).toBe(levelAfter(level, a + b, r, cap))
  })

  law(
    'a wait is exact: then the bucket holds the need, one millisecond earlier it does not',
    [capacity, share, share, rate],
    (cap, part, wanted, r) => {
      const level = levelOf(cap, part)
      const need = levelOf(cap, wanted)
      const ms = msUntil(need, level, r, cap)
      if (need <= level) expect(ms).toBe(0)
      else if (r === 0) expect(ms).toBe(Infinity)
      else {
        expect(Number.isSafeInteger(ms) && ms >= 1).toBe(true)
        const at = (ms: bigint): bigint => BigInt(level) + ms * BigInt(r)
        expect(at(BigInt(ms)) >= BigInt(need)).toBe(true)
        expect(at(BigInt(ms) - 1n) < BigInt(need)).toBe(true)
        expect(levelAfter(level, ms, r, cap) >= need && levelAfter(level, ms - 1, r, cap) < need).toBe(true)
      }
      expect(msUntil(cap + 1, level, r, cap)).toBe(Infinity)
    },
  )
})
