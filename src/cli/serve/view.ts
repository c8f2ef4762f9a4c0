// The live view of a terminal: a frame is text for a width and a height; the screen is redrawn twice a second. Floor 5.

import type { WriteStream } from 'node:tty'
import type { Catalog } from '../../core/catalog.ts'
import { barOf } from '../bar.ts'
import { requestLine, shortLine } from '../request-line.ts'
import { type Paint, printable } from '../terminal.ts'
import type { KeyShown, Recent } from './recent.ts'

export interface ViewOptions {
  readonly title: string
  readonly recent: Recent
  readonly catalog: () => Catalog
  readonly version: () => string
  readonly dryRun: boolean
  /** Requests under way. */
  readonly pending: () => number
  /** What else there is to say, the newest last. */
  readonly notices: readonly string[]
}

const SPARKS = '▁▂▃▄▅▆▇█'

/** The lines of one picture: never wider than `width`, never more than `height`. */
export function frame(options: ViewOptions, now: number, width: number, height: number, paint: Paint): string[] {
  const { title, recent, catalog, version, dryRun, pending, notices } = options
  const wide = Math.max(40, width)
  const seconds = recent.rates(now, Math.min(60, wide - 34))
  const last = seconds.slice(-5)
  const perSecond = (of: 'admitted' | 'refused'): string =>
    (last.reduce((sum, second) => sum + second[of], 0) / last.length).toFixed(1)
  const most = Math.max(1, ...seconds.map(({ admitted, refused }) => Math.max(admitted, refused)))
  const spark = (of: 'admitted' | 'refused'): string =>
    seconds
      .map(second => (second[of] === 0 ? ' ' : SPARKS[Math.min(7, Math.floor((second[of] / most) * 7.99))]))
      .join('')
  const mode = dryRun ? `${paint('yellow', 'DRY RUN')}  ` : ''
  const head = [
    `${paint('bold', 'tollgate')}  ${title}`,
    `${mode}catalog ${version()}, ${pending()} under way`,
    '',
    `${paint('green', 'admitted'.padEnd(9))} ${perSecond('admitted').padStart(8)}/s  ${paint('green', spark('admitted'))}`,
    `${paint('red', 'refused'.padEnd(9))} ${perSecond('refused').padStart(8)}/s  ${paint('red', spark('refused'))}`,
    '',
  ]
  const shownNotices = notices
    .slice(-2)
    .map(notice => paint('yellow', printable(notice.split('\n')[0] as string, wide - 1)))
  const room = height - head.length - shownNotices.length - 4
  const keyRows = Math.max(1, Math.min(10, Math.floor(room * 0.6)))
  const keys = recent.busiest(now, keyRows).map(key => keyLine(key, catalog(), wide, paint))
  const refusals = recent.refusals.slice(0, Math.max(0, room - Math.max(keys.length, 1))).map(answered => {
    const { at, method, target, status, decision } = answered
    return (wide < 120 ? shortLine : requestLine)({ at, method, target, status, decision }, catalog(), paint)
  })
  const bar = barWidth(wide)
  const columns = `${'busiest keys'.padEnd(24)} ${'req/s'.padStart(8)}  ${'tokens'.padEnd(bar + 8)} ${'quota'.padEnd(bar)}`
  return [
    ...head,
    paint('dim', columns.slice(0, wide - 1)),
    ...(keys.length === 0 ? [paint('dim', 'nobody yet')] : keys),
    '',
    paint('dim', 'last refusals'),
    ...(refusals.length === 0 ? [paint('dim', 'none')] : refusals),
    ...shownNotices,
  ]
    .slice(0, height)
    .map(line => cut(line, wide - 1))
}

function barWidth(width: number): number {
  return Math.max(6, Math.min(24, Math.floor((width - 54) / 2)))
}

function keyLine(
  { keyId, planId, rate, tokens, quota }: KeyShown,
  catalog: Catalog,
  width: number,
  paint: Paint,
): string {
  const name = printable(`${catalog.apiKeys.get(keyId)?.name ?? keyId} (${planId})`, 24).padEnd(24)
  const size = barWidth(width)
  const bar = (part: { left: number; of: number } | null): string => {
    if (part === null) return paint('dim', 'no limit'.padEnd(size))
    const { full, empty, colour } = barOf(part.of === 0 ? 0 : part.left / part.of, size)
    return paint(colour, full) + paint('dim', empty)
  }
  const count = (part: { left: number } | null): string => (part === null ? '' : short(Math.floor(part.left)))
  return `${name} ${rate.toFixed(1).padStart(8)}  ${bar(tokens)} ${count(tokens).padEnd(7)} ${bar(quota)} ${count(quota)}`
}

/** `1234567` → `1.2M`. */
function short(n: number): string {
  if (n < 10_000) return String(n)
  return n < 1e6 ? `${Math.floor(n / 1000)}k` : `${(Math.floor(n / 1e5) / 10).toFixed(1)}M`
}

/** A line cut to a width, its colours not counted and closed. */
function cut(line: string, width: number): string {
  let shown = 0
  let out = ''
  for (const [part] of line.matchAll(/\x1b\[\d+m|[\s\S]/gu)) {
    if (part.startsWith('\x1b')) out += part
    else if (shown < width) {
      out += part
      shown++
    }
  }
  return out
}

/** Draws frames until it is stopped, on a screen of its own. @returns what stops it and gives the screen back */
export function startView(stream: WriteStream, draw: (width: number, height: number) => string[]): () => void {
  const paint = (): void => {
    const lines = draw(stream.columns ?? 80, (stream.rows ?? 24) - 1)
    stream.write(`\x1b[H${lines.map(line => `${line}\x1b[K`).join('\n')}\x1b[J`)
  }
  stream.write('\x1b[?1049h\x1b[?25l\x1b[2J')
  const timer = setInterval(paint, 500)
  stream.on('resize', paint)
  paint()
  let stopped = false
  const stop = (): void => {
    if (stopped) return
    stopped = true
    clearInterval(timer)
    stream.off('resize', paint)
    stream.write('\x1b[?25h\x1b[?1049l')
  }
  process.once('exit', stop)
  return stop
}
