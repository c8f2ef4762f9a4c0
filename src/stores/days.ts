// The days that use is asked of. Floor 3.

import { DAY_MS } from '../core/calendar.ts'
import { kindOf } from '../core/readers.ts'
import type { Millis } from '../core/units.ts'

/**
 * The first day that begins at `from` or later, and the first at `to` or later: days since the epoch.
 *
 * @throws {TypeError} for what is no instant: text would be compared, and no day is in it
 */
export function daysOf(from: Millis, to: Millis): readonly [first: number, end: number] {
  for (const [name, value] of Object.entries({ from, to })) {
    if (typeof value === 'number' && !Number.isNaN(value)) continue
    throw new TypeError(
      `${name}: expected ms since the Unix epoch, received ${kindOf(value)}; Date.parse makes them of text`,
    )
  }
  return [Math.ceil(from / DAY_MS), Math.ceil(to / DAY_MS)]
}
