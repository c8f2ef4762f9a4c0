// Quota windows once more, by another construction than src/core/calendar.ts: the platform's Date does the calendar, and
// weeks are counted by walking back day by day. Judges the calendar, so it imports nothing of it.

export type Period = 'DAY' | 'WEEK' | 'MONTH'

export interface Span {
  readonly start: number
  readonly end: number
}

const DAY = 24 * 60 * 60 * 1000

/** The latest instant a Date can be. */
export const LAST = 8.64e15

export function spanOf(period: Period, offset: number, weekStart: number, now: number): Span {
  // A Date ends at ±8.64e15 and windows reach beyond, so all is done one 400-year cycle (146 097 days) nearer to 1970.
  const shift = now > LAST / 2 ? -CYCLE : now < -LAST / 2 ? CYCLE : 0
  const { start, end } = spanNear(period, offset, weekStart, now + shift)
  return { start: start - shift, end: end - shift }
}

const CYCLE = 146_097 * DAY

function spanNear(period: Period, offset: number, weekStart: number, now: number): Span {
  const date = new Date(now)
  const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
  const start = startOfDay(date, midnight)
  if (period === 'DAY') return { start, end: start + DAY }
  if (period === 'WEEK') {
    let first = start
    while (new Date(first).getUTCDay() !== (weekStart + offset) % 7) first -= DAY
    return { start: first, end: first + 7 * DAY }
  }
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth()
  const from = dayOfMonth(year, month, 1 + offset)
  return now >= from
    ? { start: from, end: dayOfMonth(year, month + 1, 1 + offset) }
    : { start: dayOfMonth(year, month - 1, 1 + offset), end: from }
}

/** Date.UTC reads the years 0 … 99 as 1900 … 1999, so years are set apart. */
function dayOfMonth(year: number, month: number, day: number): number {
  return new Date(0).setUTCFullYear(year, month, day)
}

function startOfDay(date: Date, midnight: number): number {
  const year = date.getUTCFullYear()
  return year >= 0 && year < 100 ? dayOfMonth(year, date.getUTCMonth(), date.getUTCDate()) : midnight
}
