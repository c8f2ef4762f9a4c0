// The token bucket, as numbers. Floor 1: imports units, nothing else.
// Levels are grains and times are ms, so that every operation is exact on integers (docs/arithmetic.md).

import type { Grains, Millis } from './units.ts'

/**
 * The level of a bucket after some time.
 *
 * Exact although `elapsed × rate` may pass 2^53: below that every product and sum is a whole number; above it rounding
 * cannot bring it back under a capacity, which is below 2^53 itself.
 *
 * @param level grains held before, ≥ 0
 * @param elapsed ms since then, ≥ 0
 * @param rate grains per ms
 * @param capacity grains
 * @returns grains, 0 … capacity. Never throws.
 */
export function levelAfter(level: Grains, elapsed: Millis, rate: number, capacity: Grains): Grains {
  return Math.min(capacity, level + elapsed * rate)
}

/**
 * How long until a bucket holds `need` grains, nobody else taking.
 *
 * @returns ms, exact: one less and it does not hold them. `Infinity` when it never will.
 */
export function msUntil(need: Grains, level: Grains, rate: number, capacity: Grains): Millis {
  if (need <= level) return 0
  if (need > capacity || rate === 0) return Infinity
  // A quotient of two whole numbers below 2^53 that is not whole lies further from the next whole than rounding reaches.
  return Math.ceil((need - level) / rate)
}
