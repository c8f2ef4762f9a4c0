// A verdict in a terminal, or piped. Floor 5.

import { type Counts, type KeyReport, type PlanReport, refusedOf } from '../../replay/tally.ts'
import type { TimelineReport } from '../../replay/timeline.ts'
import { columns, wrap } from '../check/columns.ts'
import { type Paint, printable } from '../terminal.ts'
import type { Verdict } from './verdict.ts'
import { count, counted, day, instant, LIMIT_WORDS, percent, span, UNCOVERED_WORDS } from './words.ts'

interface Space {
  readonly width: number
  readonly paint: Paint
}

const SPARKS = ' ▁▂▃▄▅▆▇█'
/** Rows of keys, of requests that nothing covers and of kinds of bad lines that are shown; --json and --csv have all. */
const MOST_KEYS = 15
const MOST_KINDS = 8

export function verdictText(verdict: Verdict, space: Space): string {
  const { trial, log } = verdict
  const lines = [...headLines(verdict, space), '']
  if (trial.requests > 0) {
    lines.push(...countLines(verdict, space), '', ...sparkLines(trial.proposed.timeline, space), '')
    lines.push(...planLines(verdict, space), ...keyLines(verdict, space), ...uncoveredLines(verdict, space))
  }
  if (log.troubles.length > 0) {
    lines.push(space.paint('bold', 'lines that could not be read'))
    for (const { file, line, why, count: times, sample } of log.troubles.slice(0, MOST_KINDS)) {
      lines.push(
        `  ${count(times)} × ${why}`,
        space.paint('dim', `      ${file}:${line}: ${printable(sample, space.width - 12)}`),
      )
    }
    lines.push('')
  }
  for (const note of verdict.notes) {
    const [first = '', ...rest] = wrap(note, space.width - 4)
    lines.push(`${space.paint('yellow', '•')} ${first}`, ...rest.map(text => `  ${text}`))
  }
  return `${lines.join('\n')}\n`
}

function headLines({ proposed, against, log, trial }: Verdict, { paint }: Space): string[] {
  const what = `${paint('bold', proposed)}${against === null ? '' : ` against ${paint('bold', against)}`}`
  const { from, to } = trial
  const when = from === null || to === null ? '' : `, ${instant(from)} to ${instant(to)} UTC`
  const read = `${counted(log.lines, 'line')}${log.bad === 0 ? '' : `, ${paint('yellow', `${count(log.bad)} of them unreadable`)}`}`
  return [`${what}: ${counted(trial.requests, 'request')}${when}`, paint('dim', read)]
}

function countLines({ trial }: Verdict, space: Space): string[] {
  const { proposed, against } = trial
  const rows: [string, (counts: Counts) => number, 'green' | 'red' | 'yellow'][] = [
    ['admitted', ({ admitted }) => admitted, 'green'],
    ['throttled', ({ throttled }) => throttled, 'red'],
    ['over the quota', ({ quotaExceeded }) => quotaExceeded, 'red'],
    ['never admitted', ({ neverAdmitted }) => neverAdmitted, 'red'],
    ['not covered', ({ uncovered }) => uncovered, 'yellow'],
  ]
  const cell = (counts: Counts | null, of: (counts: Counts) => number): string =>
    counts === null ? '' : `${count(of(counts)).padStart(13)}  ${percent(of(counts), trial.requests).padStart(9)}`
  const shown = rows.filter(([, of], i) => i === 0 || of(proposed) > 0 || (against !== null && of(against) > 0))
  const lines = shown.map(([name, of, colour]) => {
    const is = of(proposed) > 0 ? space.paint(colour, cell(proposed, of)) : cell(proposed, of)
    return `  ${name.padEnd(16)}${is}${against === null ? '' : `   before${cell(against, of)}`}`
  })
  if (against !== null) {
    const keys = (of: (key: KeyReport) => number): number => proposed.keys.filter(key => of(key) > 0).length
    const words = (n: number, of: (key: KeyReport) => number): string =>
      `${count(n).padStart(13)}  of ${counted(keys(of), 'key')}`
    lines.push('', `  ${'newly refused'.padEnd(16)}${words(proposed.newlyRefused, key => key.newlyRefused)}`)
    lines.push(`  ${'freed'.padEnd(16)}${words(proposed.freed, key => key.freed)}`)
  }
  return lines
}

function sparkLines(timeline: TimelineReport, { width, paint }: Space): string[] {
  const room = Math.max(20, Math.min(width - 20, 100))
  const perCell = Math.max(1, Math.ceil(timeline.steps.length / room))
  const cells = Array.from({ length: Math.ceil(timeline.steps.length / perCell) }, (_, i) => {
    const steps = timeline.steps.slice(i * perCell, (i + 1) * perCell)
    return steps.reduce((sum, step) => sum.map((n, c) => n + step[c]!), [0, 0, 0, 0, 0])
  })
  const spark = (of: (cell: readonly number[]) => number): string => {
    const most = Math.max(1, ...cells.map(of))
    return cells.map(cell => SPARKS[of(cell) === 0 ? 0 : Math.max(1, Math.ceil((of(cell) / most) * 8))]).join('')
  }
  const refused = ([, throttled = 0, quota = 0, never = 0]: readonly number[]): number => throttled + quota + never
  const all = (cell: readonly number[]): number => cell.reduce((sum, n) => sum + n, 0)
  const peak = (of: (cell: readonly number[]) => number): string => `≤ ${count(Math.max(...cells.map(of)))}`
  const end = timeline.start + timeline.steps.length * timeline.width
  return [
    `  ${'requests'.padEnd(10)}${paint('cyan', spark(all))} ${peak(all)}`,
    `  ${'refused'.padEnd(10)}${paint('red', spark(refused))} ${peak(refused)}`,
    paint(
      'dim',
      `            a cell is ${span(timeline.width * perCell)}, ${instant(timeline.start)} to ${instant(end)}`,
    ),
  ]
}

function planLines({ trial }: Verdict, space: Space): string[] {
  const isCompared = trial.against !== null
  const head = [
    'plan',
    'admitted',
    'throttled',
    'over quota',
    'keys refused',
    ...(isCompared ? ['newly refused', 'freed'] : []),
    '',
  ]
  const row = (plan: PlanReport): string[] => [
    plan.planId,
    count(plan.admitted),
    withShare(plan.throttled + plan.neverAdmitted, plan),
    withShare(plan.quotaExceeded, plan),
    `${count(plan.keysRefused)} of ${count(plan.keys)}`,
    ...(isCompared ? [count(plan.newlyRefused), count(plan.freed)] : []),
    Object.entries(plan.limitedBy)
      .map(([name, n]) => `${LIMIT_WORDS[name as keyof typeof LIMIT_WORDS]} ${count(n)}`)
      .join(', '),
  ]
  const rows = trial.proposed.plans.map(plan => row(plan).map(text => ({ text })))
  return [...columns([head.map(text => ({ text, colour: 'dim' as const })), ...rows], { ...space, indent: 2 }), '']
}

function withShare(part: number, plan: PlanReport): string {
  return part === 0 ? '0' : `${count(part)} (${percent(part, plan.admitted + refusedOf(plan))})`
}

function keyLines({ trial }: Verdict, space: Space): string[] {
  const { keys } = trial.proposed
  if (keys.length === 0) return []
  const isCompared = trial.against !== null
  const refused = keys.filter(key => refusedOf(key) > 0 || key.freed > 0)
  const head = ['key', 'plan', 'refused', ...(isCompared ? ['newly', 'freed'] : []), 'first, and why']
  const rows = refused
    .slice(0, MOST_KEYS)
    .map(key =>
      [
        printable(key.name ?? key.keyId, 28),
        key.planId,
        refusedOf(key) === 0
          ? '0'
          : `${count(refusedOf(key))} (${percent(refusedOf(key), key.admitted + refusedOf(key))})`,
        ...(isCompared ? [count(key.newlyRefused), count(key.freed)] : []),
        whyWords(key),
      ].map(text => ({ text })),
    )
  const more = refused.length - rows.length
  return [
    ...columns([head.map(text => ({ text, colour: 'dim' as const })), ...rows], { ...space, indent: 2 }),
    ...(more > 0 ? [space.paint('dim', `  and ${counted(more, 'key')} more (--html, --csv, --json)`)] : []),
    '',
  ]
}

/** `2026-11-03 09:12:41 by the plan's throttle, after 21 requests in 340 ms; the quota ran out on 2026-11-20` */
export function whyWords({ firstRefused, burst, quotaRanOut }: KeyReport): string {
  if (firstRefused === null) return 'never refused'
  const parts = [`${instant(firstRefused.at)} by ${LIMIT_WORDS[firstRefused.by]}`]
  if (burst !== null) {
    parts.push(
      `the burst: ${counted(burst.requests, 'request')} ${burst.ms === 0 ? 'at once' : `in ${span(burst.ms)}`}`,
    )
  }
  if (quotaRanOut !== null) {
    const often = quotaRanOut.windows === 1 ? '' : `, in ${count(quotaRanOut.windows)} periods in all`
    parts.push(`the quota ran out on ${day(quotaRanOut.at)}${often}`)
  }
  return parts.join('; ')
}

function uncoveredLines({ trial }: Verdict, space: Space): string[] {
  const { notCovered } = trial.proposed
  if (notCovered.length === 0) return []
  const rows = notCovered
    .slice(0, MOST_KINDS)
    .map(({ requests, reason, what }) => [
      { text: count(requests) },
      { text: `${UNCOVERED_WORDS[reason] ?? reason}${what === null ? '' : `: ${printable(what, 60)}`}` },
    ])
  const more = notCovered.length - rows.length
  return [
    space.paint('dim', '  not covered'),
    ...columns(rows, { ...space, indent: 2 }),
    ...(more > 0 ? [space.paint('dim', `  and ${counted(more, 'kind')} more (--json)`)] : []),
    '',
  ]
}
