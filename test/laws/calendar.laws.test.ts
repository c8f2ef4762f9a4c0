// Quota windows against the platform's Date (dates.ts), over the whole 400-year cycle and the whole range of instants.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { windowOf } from '../../src/core/calendar.ts'
import { LAST, spanOf } from './dates.ts'
import { law } from './law.ts'
import { EDGES } from './worlds.ts'

const DAY = 86_400_000
const period = fc.constantFrom('DAY', 'WEEK', 'MONTH')
const instant = fc.oneof(
  fc
    .tuple(fc.constantFrom(...EDGES, -LAST + 62 * DAY, LAST), fc.integer({ min: -62 * DAY, max: 0 }))
    .map(([a, b]) => a + b),
  fc.integer({ min: -LAST, max: LAST }),
  // The first and last milliseconds of days.
  fc
    .tuple(fc.integer({ min: -99_999_999, max: 99_999_999 }), fc.integer({ min: -2, max: 2 }))
    .map(([d, ms]) => d * DAY + ms),
)

describe('calendar', () => {
  law('a window is that of another calendar', [period, fc.nat(27), fc.nat(6), instant], (period, n, weekStart, now) => {
    const offset = period === 'DAY' ? 0 : period === 'WEEK' ? n % 7 : n
    const { start, end } = windowOf(period, offset, weekStart, now)
    expect({ start, end }).toEqual(spanOf(period, offset, weekStart, now))
  })

  law(
    'windows partition time: each instant is in its own, which the next begins where it ends',
    [period, fc.nat(27), fc.nat(6), instant],
    (period, n, weekStart, now) => {
      const offset = period === 'DAY' ? 0 : period === 'WEEK' ? n % 7 : n
      const { start, end } = windowOf(period, offset, weekStart, now)
      expect(start <= now && now < end).toBe(true)
      expect(windowOf(period, offset, weekStart, start)).toEqual({ start, end })
      expect(windowOf(period, offset, weekStart, end - 1)).toEqual({ start, end })
      expect(windowOf(period, offset, weekStart, end).start).toBe(end)
      expect(windowOf(period, offset, weekStart, start - 1).end).toBe(start)
      const days = (end - start) / DAY
      if (period === 'MONTH') expect([28, 29, 30, 31]).toContain(days)
      else expect(days).toBe(period === 'DAY' ? 1 : 7)
    },
  )

  it('begins each of the 4 800 months of the cycle where Date does, and every offset a whole number of days later', () => {
    for (let month = 0; month < 4800; month++) {
      const start = Date.UTC(1900 + Math.floor(month / 12), month % 12)
      const end = Date.UTC(1900 + Math.floor((month + 1) / 12), (month + 1) % 12)
      for (let offset = 0; offset <= 27; offset++) {
        const window = windowOf('MONTH', offset, 0, start + offset * DAY)
        if (window.start !== start + offset * DAY || window.end !== end + offset * DAY) {
          expect({ month, offset, ...window }).toEqual({ month, offset, start, end })
        }
      }
    }
  })

  it('puts each of the 146 097 days of the cycle in the month that Date puts it in', () => {
    for (let day = -25_567; day < -25_567 + 146_097; day++) {
      const date = new Date(day * DAY)
      const start = Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
      const { start: found } = windowOf('MONTH', 0, 0, day * DAY)
      if (found !== start) expect({ day, found }).toEqual({ day, found: start })
    }
  })

  it('begins each week of the cycle on its day, for every week start and offset', () => {
    for (let day = -25_567; day < -25_567 + 146_097; day += 5) {
      const weekday = new Date(day * DAY).getUTCDay()
      for (let weekStart = 0; weekStart < 7; weekStart++) {
        const back = (((weekday - weekStart - 3) % 7) + 7) % 7
        const { start } = windowOf('WEEK', 3, weekStart, day * DAY)
        if (start !== (day - back) * DAY) expect({ day, weekStart, start }).toBe((day - back) * DAY)
      }
    }
  })

  it('knows no time zone', () => {
    const { TZ } = process.env
    const before = windowOf('MONTH', 0, 0, Date.UTC(2011, 11, 30))
    for (const zone of ['America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia']) {
      process.env['TZ'] = zone
      expect(windowOf('MONTH', 0, 0, Date.UTC(2011, 11, 30))).toEqual(before)
      expect(windowOf('DAY', 0, 0, Date.UTC(2026, 2, 8, 12)).start).toBe(Date.UTC(2026, 2, 8))
    }
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  })
})
