// The units everything is counted in. Floor 1: imports nothing. docs/arithmetic.md says why these.

/** Whole milliseconds since the Unix epoch, or between two instants. */
export type Millis = number

/** Parts of a token. A whole number, below 2^53. */
export type Grains = number

/**
 * Grains in one token. The least number by which every whole rate per second, minute, hour and day, and every multiple
 * of 0.001 per second, is a whole number of grains per millisecond: 2^10 · 3^3 · 5^6.
 */
export const TOKEN: Grains = 432_000_000

/** Above every level: a bucket that has never been charged, whatever its capacity turns out to be. */
export const FULL: Grains = Number.MAX_SAFE_INTEGER

/** The largest `burstLimit` whose grains stay below 2^53. */
export const MAX_BURST = 20_849_998

/** The slowest rate above 0, one grain per millisecond, in tokens per second. */
export const MIN_RATE: number = 1 / 432_000

/**
 * A `rateLimit` in grains per millisecond.
 *
 * A rate between two grains is rounded down, so that it never admits more than was asked for; one that is whole but for
 * the last bits of its binary fraction (0.1, 1/60) is taken as the whole it means.
 *
 * @param rateLimit tokens per second, ≥ 0
 * @returns a whole number ≥ 0; 0 also for what is below `MIN_RATE`
 */
export function grainsPerMs(rateLimit: number): number {
  const exact = rateLimit * 432_000
  const whole = Math.round(exact)
  return Math.abs(exact - whole) <= whole * 2 ** -50 ? whole : Math.floor(exact)
}

/** Whether `grainsPerMs` rounded: the rate is not a whole number of grains per millisecond. */
export function isRounded(rateLimit: number): boolean {
  const exact = rateLimit * 432_000
  return Math.abs(exact - Math.round(exact)) > Math.round(exact) * 2 ** -50
}

/** Milliseconds in whole seconds, rounded up, at least 1: what `Retry-After` says. */
export function ceilSeconds(ms: Millis): number {
  return Math.max(1, Math.ceil(ms / 1000))
}
