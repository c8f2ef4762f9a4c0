// One log, fed in chunks: cut into lines, read, put in order. Floor 4: no files here, so that anything can feed it.

import type { Line } from './line.ts'
import { type Reader, SILENT } from './reading.ts'
import { Reorder, type ReorderOptions } from './reorder.ts'

/** Lines that could not be read, of one kind. */
export interface Trouble {
  readonly why: string
  count: number
  /** Where the first of them is: from 1. */
  readonly line: number
  /** That line's beginning, as bytes. */
  readonly sample: Uint8Array
}

/** Bytes of a line that are shown of it. */
export const SAMPLE = 200

const NEWLINE = 10
const RETURN = 13
/** Bytes of a line at most: one without an end is no line of a log. */
const LONGEST = 1 << 20
const TOO_LONG = 'expected a line of at most 1 MB'
const BINARY = 'expected text, received a zero byte'
const NOTHING = new Uint8Array(0)

/** Lines in the order of their times. */
export class Source {
  readonly name: string
  readonly #read: Reader
  readonly #order: Reorder
  /** What was fed, and how far it is read. */
  #bytes: Uint8Array = NOTHING
  #at = 0
  /** The beginning of a line whose end is not fed yet. */
  #rest: Uint8Array = NOTHING
  #skipping = false
  /** Lines read, good or bad. */
  lines = 0
  readonly troubles: Map<string, Trouble> = new Map()

  constructor(name: string, read: Reader, options: ReorderOptions) {
    this.name = name
    this.#read = read
    this.#order = new Reorder(options)
  }

  /** Reads on until the next line may be taken. @returns whether it may; else more must be fed, or it has ended */
  ready(): boolean {
    const order = this.#order
    if (order.isReady) return true
    while (this.#at < this.#bytes.length) {
      this.#next()
      if (order.isReady) return true
    }
    return false
  }
  get isEnded(): boolean {
    return this.#order.ended
  }
  /** When the next line is, where one is ready. */
  get time(): number {
    return this.#order.first.time
  }
  /** Lines that came later than the window allows. */
  get late(): number {
    return this.#order.late
  }

  /** The next line; it is written over by those that are read later. */
  shift(): Line {
    return this.#order.shift()
  }

  /** Takes more of the log, after `ready` was false. The bytes are read later, and must stay as they are until then. */
  feed(chunk: Uint8Array): void {
    this.#bytes = chunk
    this.#at = this.lines === 0 && this.#rest.length === 0 ? markOf(chunk) : 0
  }

  /** No more will be fed: what is left is a line, whole or not. */
  end(): void {
    const rest = this.#rest
    this.#rest = NOTHING
    if (rest.length > 0) this.#one(rest, 0, rest.length)
    this.#order.ended = true
  }

  /** Reads a line, or keeps what has no end yet. */
  #next(): void {
    const bytes = this.#bytes
    const start = this.#at
    const found = bytes.indexOf(NEWLINE, start)
    const end = found < 0 ? bytes.length : found
    this.#at = end + 1
    if (this.#rest.length > 0 || found < 0) {
      const joined = new Uint8Array(this.#rest.length + end - start)
      joined.set(this.#rest)
      joined.set(bytes.subarray(start, end), this.#rest.length)
      this.#rest = NOTHING
      if (found < 0) this.#keep(joined)
      else this.#one(joined, 0, joined.length)
    } else this.#one(bytes, start, end)
  }

  #keep(rest: Uint8Array): void {
    if (this.#skipping) return
    if (rest.length <= LONGEST) this.#rest = rest
    else {
      this.#bad(TOO_LONG, rest, 0, rest.length)
      this.#skipping = true
    }
  }

  #one(bytes: Uint8Array, start: number, end: number): void {
    if (this.#skipping) {
      this.#skipping = false
      this.lines++
      return
    }
    if (end > start && bytes[end - 1] === RETURN) end--
    if (end === start) {
      this.lines++
      return
    }
    const trouble = this.#read(bytes, start, end, this.#order.blank)
    if (trouble === null) {
      this.lines++
      this.#order.put()
    } else if (trouble === SILENT) this.lines++
    else {
      const isBinary = bytes.subarray(start, end).indexOf(0) >= 0
      this.#bad(isBinary ? BINARY : trouble, bytes, start, end)
      this.lines++
    }
  }

  #bad(why: string, bytes: Uint8Array, start: number, end: number): void {
    const known = this.troubles.get(why)
    if (known !== undefined) known.count++
    else {
      const sample = bytes.slice(start, Math.min(end, start + SAMPLE))
      this.troubles.set(why, { why, count: 1, line: this.lines + 1, sample })
    }
  }
}

/** The length of the mark some editors begin UTF-8 with. */
function markOf(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/**
 * Takes lines from all sources, in the order of their times, as far as they go.
 *
 * @param told called with each line; it is written over after that
 * @returns the source that must be fed before it can go on; null when all have ended
 */
export function merged(sources: readonly Source[], told: (line: Line) => void): Source | null {
  for (;;) {
    let first: Source | null = null
    let before = Infinity
    for (const source of sources) {
      if (!source.ready()) {
        if (source.isEnded) continue
        return source
      }
      const { time } = source
      if (first === null || time < first.time) {
        if (first !== null) before = Math.min(before, first.time)
        first = source
      } else before = Math.min(before, time)
    }
    if (first === null) return null
    do {
      told(first.shift())
    } while (first.ready() && first.time <= before)
  }
}
