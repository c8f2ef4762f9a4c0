// What an operation answered, in the form that was asked for: a table, plain text, CSV or JSON. Floor 5.

import { guardedCell } from '../../core/csv.ts'
import { type Cell, columns, type Space } from '../check/columns.ts'
import { toStdout } from '../keys/to-stdout.ts'
import { paintFor, plain } from '../terminal.ts'
import type { Answer } from './client.ts'

export interface Table {
  readonly names: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** One thing, a line for each of its members. */
  readonly upright?: boolean
  /** A last column for terminals only, drawn from what the others say. */
  readonly drawn?: (row: number) => Cell
}

/** What there is to show, and to say. */
export interface Shown {
  /** The answer as it came, for `--json`; null where none came. */
  readonly answer: Answer | null
  /** Null where there is nothing to lay out: then the answer is shown as it came. */
  readonly table: Table | null
  /** For the person, not for a program that reads on. */
  readonly notes?: readonly string[]
  /** What of it was not done, after all. */
  readonly failed?: string
}

export type Form = 'table' | 'plain' | 'csv' | 'json'

/** Something of an answer's as a cell. */
export function cell(value: unknown, colour?: Cell['colour']): Cell {
  const text =
    value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : `${value}`
  return { text, colour }
}

export async function show({ answer, table }: Shown, form: Form): Promise<void> {
  if (form !== 'json' && table !== null) {
    const { stdout } = process
    const space = { width: Math.max(40, stdout.columns || 80), indent: 0, paint: paintFor(stdout) }
    await toStdout(form === 'csv' ? csvLines(table) : form === 'plain' ? plainLines(table) : tableLines(table, space))
  } else if (answer !== null) {
    await toStdout([`${JSON.stringify(answer, null, 2)}\n`])
  }
}

function* csvLines({ names, rows }: Table): Generator<string> {
  yield `${names.map(guardedCell).join(',')}\r\n`
  for (const row of rows) yield `${row.map(({ text }) => guardedCell(text)).join(',')}\r\n`
}

/** Tabs between, and no header: for `cut` and `while read`. */
function* plainLines({ names, rows, upright = false }: Table): Generator<string> {
  for (const row of rows) {
    if (upright) for (const [i, { text }] of row.entries()) yield `${names[i]}\t${plain(text)}\n`
    else yield `${row.map(({ text }) => plain(text)).join('\t')}\n`
  }
}

/** Of a cell after the first, which is an id, and before the last, which is wrapped. */
const WIDEST = 40

export function* tableLines({ names, rows, upright = false, drawn }: Table, space: Space): Generator<string> {
  const last = drawn === undefined ? names.length - 1 : names.length
  const safe = ({ text, colour }: Cell, i: number): Cell => ({
    text: plain(text, upright || i === 0 || i === last ? undefined : WIDEST),
    colour,
  })
  const lines = upright
    ? rows.flatMap(row => row.map((value, i) => [cell(names[i], 'dim'), safe(value, i)]))
    : [
        [...names, ...(drawn === undefined ? [] : [''])].map(name => cell(name, 'dim')),
        ...rows.map((row, i) => [...row.map(safe), ...(drawn === undefined ? [] : [drawn(i)])]),
      ]
  if (rows.length > 0) for (const line of columns(lines, space)) yield `${line}\n`
}
