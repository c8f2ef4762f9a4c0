// What was fitted, in a terminal, or piped. Floor 5.

import type { Quota, Throttle } from '../../core/plan.ts'
import type { Fit, GroupBy } from '../../replay/fit.ts'
import { throttleWords } from '../check/words.ts'
import type { BadLines } from '../replay/log-files.ts'
import { count, counted, percent } from '../replay/words.ts'
import { type Paint, printable } from '../terminal.ts'

export interface FitReport {
  readonly catalog: string
  readonly by: GroupBy
  /** Of a group's requests, 0 … 1: the most that may be refused. */
  readonly share: number
  readonly lines: number
  readonly unreadable: number
  /** Requests that no plan covers. */
  readonly uncovered: number
  /** The most requests first. `now`: the plan's limits in the catalog. */
  readonly fits: readonly (Fit & {
    readonly name: string | null
    readonly now: { readonly throttle: Throttle | null; readonly quota: Quota | null } | null
  })[]
  readonly troubles: readonly BadLines[]
}

/** Groups of which the curve is drawn; --html and --json have all. */
const MOST_DRAWN = 6
const MOST_SHOWN = 40

const NOTHING = [
  'nothing to fit: no line is of a key that a plan covers. A key is known by its id, its value or the SHA-256 of its',
  'value: is this the catalog that the log is of, and its key file named (--keys)? tollgate replay says what was wrong',
]

export function fitText(
  report: FitReport,
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string {
  const { fits, share, by } = report
  const unread = report.unreadable === 0 ? '' : `, ${count(report.unreadable)} of them unreadable`
  const lines = [
    `${paint('bold', 'fitted')} by ${by}: at most ${percent(share * 1e6, 1e6)} refused`,
    paint(
      'dim',
      `${counted(report.lines, 'line')}${unread}; ${counted(report.uncovered, 'request')} that no plan covers`,
    ),
    '',
  ]
  fits.slice(0, MOST_SHOWN).forEach((fit, i) => {
    const { group, name, requests, keys, throttle, quota, refused, now } = fit
    const title = by === 'all' ? 'all keys' : `${by} ${group}${name === null ? '' : ` (${printable(name, 30)})`}`
    const all = refused.throttled + refused.quotaExceeded
    lines.push(
      `${paint('bold', title)}: ${counted(requests, 'request')} of ${counted(keys, 'key')}`,
      `  ${paint('green', throttleWords(throttle))}, quota ${count(quota.limit)} a ${quota.period}`,
      `  would have refused ${count(all)} (${percent(all, requests)}): ${count(refused.throttled)} throttled, ${count(refused.quotaExceeded)} over the quota`,
    )
    if (now !== null) lines.push(paint('dim', `  now: ${nowWords(now)}`))
    if (i < MOST_DRAWN) lines.push(...curveLines(fit, width, paint))
    lines.push('')
  })
  if (fits.length > MOST_SHOWN) lines.push(paint('dim', `and ${count(fits.length - MOST_SHOWN)} more (--json)`), '')
  if (fits.length === 0) lines.push(...NOTHING, '')
  for (const { file, line, why, count: times, sample } of report.troubles) {
    lines.push(`${count(times)} × ${why}`, paint('dim', `    ${file}:${line}: ${printable(sample, width - 8)}`))
  }
  return `${lines.join('\n').trimEnd()}\n`
}

export function nowWords({
  throttle,
  quota,
}: {
  readonly throttle: Throttle | null
  readonly quota: Quota | null
}): string {
  const quotaWords = quota === null ? 'no quota' : `quota ${count(quota.limit)} a ${quota.period}`
  return `${throttle === null ? 'no throttle' : throttleWords(throttle)}, ${quotaWords}`
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
/** Rows of a curve. */
const MOST_POINTS = 16

/** The smallest burst for each rate, as bars on a logarithmic scale; the proposed pair is marked in its place. */
function curveLines({ curve, throttle }: Fit, width: number, paint: Paint): string[] {
  if (curve.length < 2) return []
  const every = Math.ceil(curve.length / MOST_POINTS)
  const others = curve.filter((point, i) => i % every === 0 && point.rateLimit !== throttle.rateLimit)
  const points = [...others, throttle].sort((a, b) => a.rateLimit - b.rateLimit)
  const most = Math.log(Math.max(2, ...points.map(({ burstLimit }) => burstLimit)))
  const room = Math.min(50, width - 30)
  return [
    paint('dim', '    rate/s     burst'),
    ...points.map(point => {
      const length = 1 + (room - 1) * (Math.log(Math.max(1, point.burstLimit)) / most)
      const bar = '█'.repeat(Math.floor(length)) + EIGHTHS[Math.floor((length % 1) * 8)]
      const numbers = `${String(point.rateLimit).padStart(8)}  ${count(point.burstLimit).padStart(8)}`
      return point === throttle ? paint('green', `  ▸ ${numbers}  ${bar}`) : `    ${numbers}  ${paint('cyan', bar)}`
    }),
  ]
}
