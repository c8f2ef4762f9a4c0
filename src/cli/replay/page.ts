// A verdict as one page that needs nothing else: no script, no network, light and dark, on a phone and on paper. Floor 5.
// All that comes from a log or a catalog goes through `text`; the page's own policy forbids whatever would slip through.

import { type KeyReport, type LaneReport, type PlanReport, refusedOf } from '../../replay/tally.ts'
import type { TimelineReport } from '../../replay/timeline.ts'
import { barChart, legend, spark } from './chart.ts'
import { document, table, text, tile } from './markup.ts'
import { whyWords } from './text.ts'
import type { Verdict } from './verdict.ts'
import { count, counted, instant, LIMIT_WORDS, percent, UNCOVERED_WORDS } from './words.ts'

/** Rows of a table at most; --csv and --json have all. */
const MOST_ROWS = 200

export function pageOf(verdict: Verdict): string {
  const { trial, proposed, against, log } = verdict
  const title = against === null ? `Replay of ${proposed}` : `Replay of ${proposed} against ${against}`
  const when =
    trial.from === null || trial.to === null ? 'no requests' : `${instant(trial.from)} to ${instant(trial.to)} UTC`
  const parts = [
    `<header><h1>${text(proposed)}${against === null ? '' : ` <small>against</small> ${text(against)}`}</h1>`,
    `<p class="lead"><b data-measure="requests" data-value="${trial.requests}">${count(trial.requests)}</b> requests, ${when}. ` +
      `${counted(log.lines, 'line')} read${log.bad === 0 ? '' : `, ${count(log.bad)} of them unreadable`}.</p></header>`,
    tiles(verdict),
  ]
  if (trial.requests > 0) {
    parts.push(overTime(trial.proposed), plans(verdict), customers(verdict), notCovered(trial.proposed))
  }
  parts.push(notes(verdict), unreadable(verdict))
  return document(title, parts.filter(part => part !== '').join('\n'))
}

function tiles({ trial }: Verdict): string {
  const { proposed, against, requests } = trial
  const measures = [
    ['admitted', 'Admitted', proposed.admitted, against?.admitted],
    ['throttled', 'Throttled', proposed.throttled, against?.throttled],
    ['quotaExceeded', 'Over the quota', proposed.quotaExceeded, against?.quotaExceeded],
    ['uncovered', 'Not covered', proposed.uncovered, against?.uncovered],
  ] as const
  const shown = measures.map(([measure, label, value, before]) =>
    tile({
      measure,
      label,
      value: percent(value, requests),
      count: value,
      note: `${count(value)}${before === undefined ? '' : `, before ${count(before)}`}`,
    }),
  )
  if (proposed.neverAdmitted > 0) {
    const { neverAdmitted } = proposed
    const value = percent(neverAdmitted, requests)
    shown.push(
      tile({
        measure: 'neverAdmitted',
        label: 'Never admitted',
        value,
        count: neverAdmitted,
        note: count(neverAdmitted),
      }),
    )
  }
  if (against !== null) {
    const keys = (of: (key: KeyReport) => number): string => {
      const n = proposed.keys.filter(key => of(key) > 0).length
      return `requests of ${count(n)} ${n === 1 ? 'key' : 'keys'}`
    }
    const { newlyRefused, freed } = proposed
    shown.push(
      tile({
        measure: 'newlyRefused',
        label: 'Newly refused',
        value: count(newlyRefused),
        count: newlyRefused,
        note: keys(key => key.newlyRefused),
      }),
      tile({ measure: 'freed', label: 'Freed', value: count(freed), count: freed, note: keys(key => key.freed) }),
    )
  }
  return `<section class="tiles" aria-label="In short">${shown.join('')}</section>`
}

/** The columns of a timeline that are drawn, from the bottom up. */
const SERIES = [
  { column: 0, name: 'admitted', colour: 'admitted' },
  { column: 1, name: 'throttled', colour: 'throttled' },
  { column: 2, name: 'over the quota', colour: 'quota' },
  { column: 4, name: 'not covered', colour: 'uncovered' },
] as const
const REFUSED = [SERIES[1], SERIES[2]]

function overTime({ timeline, uncovered }: LaneReport): string {
  const series = uncovered > 0 ? SERIES : SERIES.slice(0, 3)
  const refused = timeline.steps.some(step => step[1]! + step[2]! > 0)
  return [
    '<section><h2>Over time</h2>',
    legend(series),
    barChart({ timeline, series, height: 200, label: 'Requests over time, by what became of them' }),
    refused ? '<h3>Refused alone</h3>' : '',
    refused ? barChart({ timeline, series: REFUSED, height: 110, label: 'Refused requests over time' }) : '',
    '</section>',
  ].join('\n')
}

function plans({ trial }: Verdict): string {
  const isCompared = trial.against !== null
  return section(
    'Plans',
    table({
      name: 'plans',
      columns: [
        'Plan',
        'Admitted',
        'Throttled',
        'Over the quota',
        'Keys refused',
        ...(isCompared ? ['Newly refused', 'Freed'] : []),
        'Refused, over time',
      ],
      numbers: [1, 2, 3, 4, 5, 6],
      rows: trial.proposed.plans.map(plan => ({
        id: plan.planId,
        cells: [
          `<b>${text(plan.name ?? plan.planId)}</b>${by(plan)}`,
          count(plan.admitted),
          share(plan.throttled + plan.neverAdmitted, plan),
          share(plan.quotaExceeded, plan),
          `${count(plan.keysRefused)} of ${count(plan.keys)}`,
          ...(isCompared ? [count(plan.newlyRefused), count(plan.freed)] : []),
          spark(aligned(plan.timeline, trial.proposed.timeline), REFUSED),
        ],
      })),
    }),
  )
}

/** Which limits refused, below a plan's name. */
function by({ limitedBy }: PlanReport): string {
  const words = Object.entries(limitedBy).map(
    ([name, n]) => `${LIMIT_WORDS[name as keyof typeof LIMIT_WORDS]} ${count(n)}`,
  )
  return words.length === 0 ? '' : `<small>${words.join(', ')}</small>`
}

function share(part: number, plan: PlanReport): string {
  if (part === 0) return '0'
  return `${count(part)}<small>${percent(part, plan.admitted + refusedOf(plan))}</small>`
}

/** A plan's timeline from the first to the last step of the whole: so that all of them are of one scale. */
function aligned(part: TimelineReport, whole: TimelineReport): TimelineReport {
  const steps = whole.steps.map(step => step.map(() => 0))
  part.steps.forEach((step, i) => {
    const at = Math.floor((part.start + i * part.width - whole.start) / whole.width)
    step.forEach((n, c) => {
      if (steps[at] !== undefined) steps[at]![c]! += n
    })
  })
  return { ...whole, steps }
}

function customers({ trial }: Verdict): string {
  const isCompared = trial.against !== null
  const { keys } = trial.proposed
  const shown = keys.slice(0, MOST_ROWS)
  if (shown.length === 0) return section('Customers', '<p class="calm">No key is refused anything.</p>')
  const more = keys.length - shown.length
  return section(
    'Customers that are affected',
    table({
      name: 'keys',
      columns: [
        'Key',
        'Plan',
        'Refused',
        'Of its requests',
        ...(isCompared ? ['Newly', 'Freed'] : []),
        'First, and why',
      ],
      numbers: isCompared ? [2, 4, 5] : [2],
      rows: shown.map(key => ({
        id: `${key.planId}/${key.keyId}`,
        cells: [
          key.name === null ? `<b>${text(key.keyId)}</b>` : `<b>${text(key.name)}</b><small>${text(key.keyId)}</small>`,
          text(key.planId),
          count(refusedOf(key)),
          meter(key),
          ...(isCompared ? [count(key.newlyRefused), count(key.freed)] : []),
          text(whyWords(key)),
        ],
      })),
    }) + (more > 0 ? `<p class="more">and ${counted(more, 'key')} more: --csv and --json have all</p>` : ''),
  )
}

function meter(key: KeyReport): string {
  const all = key.admitted + refusedOf(key)
  const part = (n: number, colour: string): string =>
    n === 0 ? '' : `<i class="fill-${colour}" style="width:${((100 * n) / all).toFixed(2)}%"></i>`
  const bars = part(key.throttled + key.neverAdmitted, 'throttled') + part(key.quotaExceeded, 'quota')
  return `<span class="meter"><span>${bars}</span>${percent(refusedOf(key), all)}</span>`
}

function notCovered({ notCovered: kinds }: LaneReport): string {
  if (kinds.length === 0) return ''
  return section(
    'Requests that no plan covers',
    table({
      name: 'uncovered',
      columns: ['Requests', 'Why', 'What'],
      numbers: [0],
      rows: kinds.slice(0, 40).map(({ requests, reason, what }) => ({
        id: reason,
        cells: [
          count(requests),
          text(UNCOVERED_WORDS[reason] ?? reason),
          what === null ? '' : `<code>${text(what.slice(0, 120))}</code>`,
        ],
      })),
    }),
  )
}

function notes({ notes }: Verdict): string {
  return section('What to keep in mind', `<ul>${notes.map(note => `<li>${text(note)}</li>`).join('')}</ul>`)
}

function unreadable({ log }: Verdict): string {
  if (log.troubles.length === 0) return ''
  return section(
    'Lines that could not be read',
    table({
      name: 'unreadable',
      columns: ['Lines', 'Why', 'The first'],
      numbers: [0],
      rows: log.troubles.map(({ file, line, why, count: times, sample }) => ({
        id: why,
        cells: [
          count(times),
          text(why),
          `<small>${text(file)}:${line}</small><code>${text(sample.slice(0, 120))}</code>`,
        ],
      })),
    }),
  )
}

function section(heading: string, body: string): string {
  return `<section><h2>${heading}</h2>\n${body}</section>`
}
