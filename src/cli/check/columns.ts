// Text in columns, and text that is wrapped: for a terminal of any width. Floor 5: pure.

import type { Paint } from '../terminal.ts'

export interface Cell {
  readonly text: string
  readonly colour?: Parameters<Paint>[0] | undefined
}

export interface Space {
  readonly width: number
  readonly indent: number
  readonly paint: Paint
}

/** A cell longer than this does not widen its column. */
const WIDEST = 44
/** With less room than this beside the other columns, the last one goes below them. */
const NARROWEST = 24

/** Lines of these rows, aligned; the last column is wrapped. */
export function columns(rows: readonly (readonly Cell[])[], { width, indent, paint }: Space): string[] {
  const widths: number[] = []
  for (const row of rows) {
    row.slice(0, -1).forEach(({ text }, i) => {
      widths[i] = Math.max(widths[i] ?? 0, text.length > WIDEST ? 0 : text.length)
    })
  }
  const margin = ' '.repeat(indent)
  return rows.flatMap(row => {
    const last = row.at(-1) as Cell
    let line = margin
    let length = indent
    row.slice(0, -1).forEach(({ text, colour }, i) => {
      const padded = Math.max(widths[i] as number, text.length) + 2
      line += `${colour === undefined ? text : paint(colour, text)}${' '.repeat(padded - text.length)}`
      length += padded
    })
    if (last.text === '') return [line.trimEnd()]
    const below = length + NARROWEST > width && length + last.text.length > width
    const hang = below ? indent + 4 : length
    const [first = '', ...rest] = wrap(last.text, width - hang).map(text =>
      last.colour === undefined ? text : paint(last.colour, text),
    )
    const lines = rest.map(text => `${' '.repeat(hang)}${text}`)
    return below ? [line.trimEnd(), `${' '.repeat(hang)}${first}`, ...lines] : [`${line}${first}`, ...lines]
  })
}

/** Text cut at spaces into lines of at most `width`; a word longer than that has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
