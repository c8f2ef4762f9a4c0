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

  /** Whether the next line may be taken; else it must be fed, or ended. */
  get isReady(): boolean {
    return this.#order.isReady
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

  /** The next line; it is written over by those that are fed later. */
  shift(): Line {
    return this.#order.shift()
  }

  /** Reads every whole line. The bytes are not kept, but for those of a line that is not whole. */
  feed(chunk: Uint8Array): void {
    let bytes = chunk
    let start = 0
    if (this.#rest.length > 0) {
      const first = chunk.indexOf(NEWLINE)
      const end = first < 0 ? chunk.length : first + 1
      const joined = new Uint8Array(this.#rest.length + end)
      joined.set(this.#rest)
      joined.set(chunk.subarray(0, end), this.#rest.length)
      this.#rest = NOTHING
      if (first < 0) {
        this.#keep(joined)
        return
      }
      this.#one(joined, 0, joined.length - 1)
      start = end
    }
    if (bytes.length > 0 && this.lines === 0 && start === 0) bytes = withoutMark(bytes)
    for (let end = bytes.indexOf(NEWLINE, start); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#one(bytes, start, end)
      start = end + 1
    }
    if (start < bytes.length) this.#keep(bytes.slice(start))
  }

  /** No more will be fed: what is left is a line, whole or not. */
  end(): void {
    const rest = this.#rest
    this.#rest = NOTHING
    if (rest.length > 0) this.#one(rest, 0, rest.length)
    this.#order.ended = true
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
      const sample = bytes.slice(start, Math.min(end, start + 200))
      this.troubles.set(why, { why, count: 1, line: this.lines + 1, sample })
    }
  }
}

/** Without the mark some editors begin UTF-8 with. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
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
      if (!source.isReady) {
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
    } while (first.isReady && first.time <= before)
  }
}
