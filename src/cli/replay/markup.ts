// The frame of a page, its tables and tiles. Floor 5.

import { STYLE } from './style.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text of anybody's, safe between tags and in quotes: what is markup or a control character is shown as what it is. */
export function text(value: string): string {
  return value
    .replace(/[&<>"']/g, c => ESCAPES[c] as string)
    .replace(
      /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
      c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

/** A page of its own. It may load nothing and run nothing, whatever is in it. */
export function document(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
<footer>tollgate</footer>
</body>
</html>
`
}

export interface Tile {
  readonly measure: string
  readonly label: string
  readonly value: string
  readonly count: number
  readonly note: string
}

export function tile({ measure, label, value, count, note }: Tile): string {
  return (
    `<div class="tile ${measure}" data-measure="${measure}" data-value="${count}">` +
    `<span>${label}</span><b>${value}</b><small>${note}</small></div>`
  )
}

export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  /** Columns of numbers. */
  readonly numbers: readonly number[]
  /** Cells are markup already. */
  readonly rows: readonly { readonly id: string; readonly cells: readonly string[] }[]
}

/** A table that becomes a list of cards where it is narrow. */
export function table({ name, columns, numbers, rows }: Table): string {
  const isNumber = (i: number): string => (numbers.includes(i) ? ' class="number"' : '')
  const head = columns.map((column, i) => `<th scope="col"${isNumber(i)}>${column}</th>`).join('')
  const body = rows.map(
    ({ id, cells }) =>
      `<tr data-row="${text(id)}">${cells.map((cell, i) => `<td data-label="${columns[i]}"${isNumber(i)}>${cell}</td>`).join('')}</tr>`,
  )
  return `<table data-table="${name}"><thead><tr>${head}</tr></thead>\n<tbody>${body.join('\n')}</tbody></table>`
}
