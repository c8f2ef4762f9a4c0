// A preview in a terminal, or piped. Floor 5.

import type { KeyChange, Preview } from '../../replay/preview.ts'
import { refusedOf } from '../../replay/tally.ts'
import type { TrialReport } from '../../replay/trial.ts'
import { columns } from '../check/columns.ts'
import { whyWords } from '../replay/text.ts'
import { count, counted, instant, span } from '../replay/words.ts'
import { type Paint, printable } from '../terminal.ts'

export interface PreviewReport extends Preview {
  readonly catalog: string
  readonly store: string
  /** Whether the catalog in force is known. */
  readonly isCompared: boolean
  readonly log: {
    readonly last: number
    readonly lines: number
    readonly bad: number
    readonly trial: TrialReport
  } | null
}

const MOST = 15

const KINDS = [
  ['over-quota', 'over the new quota', 'red'],
  ['clipped', 'buckets clipped', 'yellow'],
  ['begins-anew', 'count from nothing', 'yellow'],
  ['gone', 'no longer served', 'yellow'],
  ['quota-freed', 'freed', 'green'],
] as const

export function previewText(
  report: PreviewReport,
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string {
  const { catalog, store, at, records, changes, log, isCompared } = report
  const lines = [
    `if ${paint('bold', catalog)} went live now, ${instant(at)} UTC, over ${store}: ${counted(records, 'record')}`,
    ...(isCompared
      ? []
      : [
          paint(
            'yellow',
            'The catalog in force is not known (--against): what it refuses already shows as a change, too.',
          ),
        ]),
    '',
  ]
  for (const [kind, name, colour] of KINDS) {
    const of = changes.filter(({ change }) => change.kind === kind)
    const text = `  ${name.padEnd(20)}${count(of.length).padStart(8)} ${of.length === 1 ? 'key' : 'keys'}`
    lines.push(of.length === 0 ? paint('dim', text) : paint(colour, text))
    const rows = of.slice(0, MOST).map(change => rowOf(change).map(text => ({ text })))
    lines.push(...(rows.length === 0 ? [] : columns(rows, { width, paint, indent: 6 })))
    if (of.length > MOST) lines.push(paint('dim', `      and ${count(of.length - MOST)} more (--json)`))
  }
  if (log !== null) lines.push('', ...logLines(log, isCompared, width, paint))
  return `${lines.join('\n')}\n`
}

function rowOf({ planId, keyId, name, change }: KeyChange): string[] {
  return [name === null ? keyId : `${printable(name, 28)} (${keyId})`, planId, words(change)]
}

function words(change: KeyChange['change']): string {
  switch (change.kind) {
    case 'over-quota':
      return `used ${count(change.used)} of ${count(change.limit)}: refused until ${instant(change.until)}`
    case 'quota-freed':
      return `used ${count(change.used)} of ${count(change.limit)}`
    case 'clipped':
      return `holds ${counted(change.tokens, 'token')}, keeps ${count(change.burst)}`
    case 'begins-anew':
      return change.reason === 'plan'
        ? `${count(change.used)} used; the key leaves this plan`
        : `${count(change.used)} used; the quota counts another window`
    case 'gone':
      return change.reason === 'key' ? 'the catalog has no such key' : 'no stage has this plan'
  }
}

function logLines(
  { last, lines, bad, trial }: NonNullable<PreviewReport['log']>,
  isCompared: boolean,
  width: number,
  paint: Paint,
): string[] {
  const { proposed, requests } = trial
  const said = [
    `the last ${span(last)} of the log: ${counted(requests, 'request')} (${counted(lines, 'line')} read${bad === 0 ? '' : `, ${count(bad)} unreadable`})`,
  ]
  if (requests === 0) return [...said, paint('dim', '  no line is that young; --last looks further back')]
  if (isCompared) said.push(`  newly refused ${count(proposed.newlyRefused)}, freed ${count(proposed.freed)}`)
  else said.push(`  refused ${count(refusedOf(proposed))}`)
  const keys = proposed.keys.filter(key => (isCompared ? key.newlyRefused + key.freed : refusedOf(key)) > 0)
  const rows = keys.slice(0, MOST).map(key => {
    const what = isCompared
      ? `${count(key.newlyRefused)} newly refused, ${count(key.freed)} freed`
      : `${count(refusedOf(key))} refused`
    return [printable(key.name ?? key.keyId, 28), key.planId, what, whyWords(key)].map(text => ({ text }))
  })
  if (rows.length > 0) said.push(...columns(rows, { width, paint, indent: 6 }))
  if (keys.length > MOST) said.push(paint('dim', `      and ${counted(keys.length - MOST, 'key')} more (--json)`))
  return said
}
