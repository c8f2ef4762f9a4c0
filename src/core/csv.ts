// CSV text to records, and cells to CSV text. Floor 0: imports nothing. RFC 4180, and what people write: any line end,
// blanks around cells, apostrophes as quotes in one column. Linear in the text, whatever it is, and bounded in what it
// holds of it.

export interface CsvRecord {
  readonly line: number
  readonly cells: readonly string[]
  /** Cells there were, kept or not. */
  readonly fields: number
  /** Why the cells are not what was meant. */
  readonly fault: string | null
}

const TAB = 9
const LF = 10
const CR = 13
const BLANK = 32
const QUOTE = 34
const APOSTROPHE = 39
const COMMA = 44
const BOM = 0xfeff

/** Characters of a record that are kept. A quote that is never closed makes the rest of the file one cell. */
const LONGEST = 1_048_576

/**
 * A reader of records: each method of a state reads on from `i` and gives the index after, or another state.
 * What was read of a cell is in `text`, so a chunk may end anywhere.
 */
export class CsvRecords {
  /** The column whose cells may stand in apostrophes: -1 is none. */
  apostrophes = -1
  readonly #emit: (record: CsvRecord) => void
  #state: 'start' | 'bare' | 'quoted' | 'closing' | 'closed' = 'start'
  #line = 1
  /** The last character of the chunk before; -1 at the beginning of the file. */
  #last = -1

  // Of this record.
  #firstLine = 1
  #cells: string[] = []
  #fields = 0
  #size = 0
  #fault: string | null = null

  // Of this cell.
  #text = ''
  #quote = 0

  constructor(emit: (record: CsvRecord) => void) {
    this.#emit = emit
  }

  push(chunk: string): void {
    for (let i = 0; i < chunk.length; ) i = this.#read(chunk, i)
    if (chunk !== '') this.#last = chunk.charCodeAt(chunk.length - 1)
  }

  end(): void {
    if (this.#state === 'quoted')
      this.#fault = 'a quote is never closed, and everything after it was taken for one cell'
    this.#endCell()
    this.#endRecord()
  }

  #read(chunk: string, i: number): number {
    switch (this.#state) {
      case 'start':
        return this.#readStart(chunk, i)
      case 'bare':
        return this.#readBare(chunk, i)
      case 'quoted':
        return this.#readQuoted(chunk, i)
      case 'closing':
        return this.#readClosing(chunk, i)
      case 'closed':
        return this.#readClosed(chunk, i)
    }
  }

  #readStart(chunk: string, i: number): number {
    const code = chunk.charCodeAt(i)
    const before = this.#before(chunk, i)
    if (isBlank(code) || (code === LF && before === CR) || (code === BOM && before === -1)) return i + 1
    if (code !== QUOTE && !(code === APOSTROPHE && this.#fields === this.apostrophes)) {
      this.#state = 'bare'
      return i
    }
    this.#state = 'quoted'
    this.#quote = code
    this.#size++
    return i + 1
  }

  #readBare(chunk: string, i: number): number {
    let end = i
    while (end < chunk.length && !isSeparator(chunk.charCodeAt(end))) {
      if (chunk.charCodeAt(end) === QUOTE) this.#spoil('a quote is within a cell that is not in quotes')
      end++
    }
    this.#keep(chunk, i, end)
    return end === chunk.length ? end : this.#separate(chunk, end)
  }

  #readQuoted(chunk: string, i: number): number {
    let end = i
    for (; end < chunk.length; end++) {
      const code = chunk.charCodeAt(end)
      if (code === this.#quote) break
      if (code === CR || (code === LF && this.#before(chunk, end) !== CR)) this.#line++
    }
    this.#keep(chunk, i, end)
    if (end === chunk.length) return end
    this.#state = 'closing'
    return end + 1
  }

  /** After a quote in quotes: the first of a pair, which means one, or the end. */
  #readClosing(chunk: string, i: number): number {
    if (chunk.charCodeAt(i) !== this.#quote) {
      this.#state = 'closed'
      return i
    }
    this.#keep(chunk, i, i + 1)
    this.#state = 'quoted'
    return i + 1
  }

  #readClosed(chunk: string, i: number): number {
    const code = chunk.charCodeAt(i)
    if (isSeparator(code)) return this.#separate(chunk, i)
    if (isBlank(code)) return i + 1
    this.#spoil('text follows a closing quote')
    this.#state = 'bare'
    return i
  }

  #separate(chunk: string, i: number): number {
    this.#endCell()
    if (chunk.charCodeAt(i) !== COMMA) {
      // The LF of a CRLF does not come here: after the CR a record starts, and there it is skipped.
      this.#line++
      this.#endRecord()
    }
    return i + 1
  }

  #endCell(): void {
    this.#fields++
    this.#size++
    if (this.#size <= LONGEST) this.#cells.push(this.#quote === 0 ? trim(this.#text) : this.#text)
    else this.#spoil(`it is longer than ${LONGEST} characters`)
    this.#text = ''
    this.#quote = 0
    this.#state = 'start'
  }

  #endRecord(): void {
    // One cell with nothing in it, not even quotes, is a blank line.
    if (this.#size > 1) {
      this.#emit({ line: this.#firstLine, cells: this.#cells, fields: this.#fields, fault: this.#fault })
    }
    this.#firstLine = this.#line
    this.#cells = []
    this.#fields = 0
    this.#size = 0
    this.#fault = null
  }

  #keep(chunk: string, start: number, end: number): void {
    this.#size += end - start
    if (this.#size <= LONGEST) this.#text += chunk.slice(start, end)
  }

  /** The first fault is the cause of the others. */
  #spoil(fault: string): void {
    this.#fault ??= fault
  }

  #before(chunk: string, i: number): number {
    return i > 0 ? chunk.charCodeAt(i - 1) : this.#last
  }
}

function isSeparator(code: number): boolean {
  return code === COMMA || code === LF || code === CR
}

function isBlank(code: number): boolean {
  return code === BLANK || code === TAB
}

/** Without the blanks around it. A loop, since `/[ \t]+$/` would look at every run of blanks from each of its blanks. */
export function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** A cell as it is written. */
export function csvCell(text: string): string {
  return /[",\r\n]|^[ \t']|[ \t]$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A cell as it is written to be opened in a spreadsheet: an apostrophe before what would be a formula there. */
export function guardedCell(text: string): string {
  return csvCell(isFormula(text) ? `'${text}` : text)
}

/** Whether spreadsheets take it for the beginning of a formula. Source: OWASP, CSV Injection. */
export function isFormula(text: string): boolean {
  return /^[=+\-@\t\r\n]/.test(text)
}
