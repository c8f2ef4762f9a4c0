// Quota windows: which stretch of UTC time an instant belongs to. Floor 1: no Date, no time zone, no table of months.
// Days are counted from the epoch; civil dates come from the 400-year cycle, computed with years that begin in March.

import type { Period } from './plan.ts'
import type { Millis } from './units.ts'

/** Half open: `start` ≤ now < `end`, both ms since the Unix epoch. */
export interface Window {
  readonly start: Millis
  readonly end: Millis
}

export const DAY_MS: Millis = 86_400_000

/**
 * The window of `period` that `now` is in.
 *
 * @param offset days by which a WEEK or MONTH begins later than its first day: 0 … 6, 0 … 27 (AWS's bounds)
 * @param weekStart the day a WEEK begins, 0 = Sunday … 6 = Saturday
 * @returns the window; windows of one period, offset and week start tile time without gap or overlap. Never throws.
 */
export function windowOf(period: Period, offset: number, weekStart: number, now: Millis): Window {
  const day = Math.floor(now / DAY_MS)
  switch (period) {
    case 'DAY':
      return daysFrom(day, day + 1)
    case 'WEEK': {
      const first = day - mod(day - SUNDAY - weekStart - offset, 7)
      return daysFrom(first, first + 7)
    }
    case 'MONTH': {
      const month = monthOf(day - offset)
      return daysFrom(firstDayOf(month) + offset, firstDayOf(month + 1) + offset)
    }
  }
}

/** The first Sunday after the epoch, which was a Thursday. */
const SUNDAY = 3

/** Days in 400 years, after which the calendar repeats; and days from 0000-03-01 to the epoch. */
const CYCLE = 146_097
const EPOCH = 719_468

/** Months since March of the year 0, the month that holds the given day (counted from the epoch). */
function monthOf(day: number): number {
  const days = day + EPOCH
  const cycle = Math.floor(days / CYCLE)
  const d = days - cycle * CYCLE
  const year = Math.floor((d - Math.floor(d / 1460) + Math.floor(d / 36_524) - Math.floor(d / 146_096)) / 365)
  const dayOfYear = d - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
  return (cycle * 400 + year) * 12 + Math.floor((5 * dayOfYear + 2) / 153)
}

/** The first day of a month, in days since the epoch; the inverse of `monthOf`. */
function firstDayOf(month: number): number {
  const year = Math.floor(month / 12)
  const days = 365 * year + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  return days + Math.floor((153 * (month - year * 12) + 2) / 5) - EPOCH
}

function daysFrom(first: number, end: number): Window {
  return { start: first * DAY_MS, end: end * DAY_MS }
}

function mod(a: number, n: number): number {
  return a - Math.floor(a / n) * n
}
