// Counts over time, in steps that widen as time goes on, so that a month needs no more room than a minute. Floor 4.

import { DAY_MS } from '../core/calendar.ts'
import type { Millis } from '../core/units.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Each divides the next, so that steps are joined and none is cut. */
const WIDTHS: readonly Millis[] = [
  ...[1, 5, 15, 30].map(n => n * SECOND),
  ...[1, 5, 15, 30].map(n => n * MINUTE),
  ...[1, 3, 6, 12].map(n => n * HOUR),
  ...[1, 7, 28, 364, 3640, 36_400].map(n => n * DAY_MS),
]

/** Steps at most. */
const MOST = 240

export interface TimelineReport {
  /** ms since the Unix epoch, of the first step. */
  readonly start: Millis
  /** ms of a step. */
  readonly width: Millis
  /** The counts of each step, by column. */
  readonly steps: readonly (readonly number[])[]
}

export class Timeline {
  readonly #columns: number
  readonly #counts: Float64Array
  #level = 0
  #start = 0
  #steps = 0

  constructor(columns: number) {
    this.#columns = columns
    this.#counts = new Float64Array(columns * MOST)
  }

  add(time: Millis, column: number): void {
    let step = Math.floor((time - this.#start) / WIDTHS[this.#level]!)
    if (step < 0 || step >= MOST || this.#steps === 0) step = this.#room(time)
    if (step >= this.#steps) this.#steps = step + 1
    this.#counts[step * this.#columns + column]! += 1
  }

  report(): TimelineReport {
    const columns = this.#columns
    const steps = Array.from({ length: this.#steps }, (_, step) => [
      ...this.#counts.subarray(step * columns, (step + 1) * columns),
    ])
    return { start: this.#start, width: WIDTHS[this.#level]!, steps }
  }

  /** Makes room for a time. @returns its step */
  #room(time: Millis): number {
    if (this.#steps === 0) this.#start = Math.floor(time / WIDTHS[0]!) * WIDTHS[0]!
    for (;;) {
      const width = WIDTHS[this.#level]!
      const first = Math.min(this.#start, Math.floor(time / width) * width)
      const last = Math.max(this.#start + this.#steps * width, time + 1)
      if (last - first <= MOST * width || this.#level === WIDTHS.length - 1) {
        this.#move((this.#start - first) / width)
        this.#start = first
        return Math.max(0, Math.min(MOST - 1, Math.floor((time - first) / width)))
      }
      this.#widen()
    }
  }

  #widen(): void {
    const old = WIDTHS[this.#level]!
    const width = WIDTHS[++this.#level]!
    const start = Math.floor(this.#start / width) * width
    const counts = this.#counts.slice(0, this.#steps * this.#columns)
    this.#counts.fill(0)
    let steps = 0
    for (let i = 0; i < this.#steps; i++) {
      const step = Math.floor((this.#start + i * old - start) / width)
      for (let c = 0; c < this.#columns; c++) this.#counts[step * this.#columns + c]! += counts[i * this.#columns + c]!
      steps = step + 1
    }
    this.#start = start
    this.#steps = steps
  }

  #move(steps: number): void {
    if (steps <= 0 || this.#steps === 0) return
    const by = Math.min(steps, MOST) * this.#columns
    this.#counts.copyWithin(by, 0, Math.max(0, this.#counts.length - by))
    this.#counts.fill(0, 0, by)
    this.#steps = Math.min(MOST, this.#steps + steps)
  }
}
