// Lines in the order of their times, out of a log that is nearly in order. Floor 4: a ring of lines that are written over
// again and again. A line waits until none that should come before it can still come: for a time, or until too many wait.

import type { Millis } from '../core/units.ts'
import { Line } from './line.ts'

export interface ReorderOptions {
  /** ms by which a line may come late and still be put in its place. */
  readonly window: Millis
  /** Lines that wait at most. */
  readonly most: number
  /** Spread the lines of one whole second over it, as evenly as they came. */
  readonly spread: boolean
}

export class Reorder {
  readonly #window: Millis
  readonly #most: number
  readonly #spreads: boolean
  #ring: Line[] = [new Line(), new Line()]
  #head = 0
  #tail = 0
  #newest = -Infinity
  #gone = -Infinity
  /** The second that is being spread. */
  #second = -1

  /** Lines that came after later ones had gone. */
  late = 0
  /** No line will come: what waits may go. */
  ended = false

  constructor({ window, most, spread }: ReorderOptions) {
    this.#window = window
    this.#most = most
    this.#spreads = spread
  }

  /** Whether the first line may go. */
  get isReady(): boolean {
    const size = this.#tail - this.#head
    if (size === 0) return false
    return this.ended || size > this.#most || this.#newest - this.first.time > this.#window
  }

  /** The line that goes next; where none waits, one that says nothing. */
  get first(): Line {
    return this.#ring[this.#head & (this.#ring.length - 1)]!
  }

  /** A line to write the next one into, which is in no order until `put`. */
  get blank(): Line {
    return this.#ring[this.#tail & (this.#ring.length - 1)]!
  }

  /** Puts the blank in its place. */
  put(): void {
    const ring = this.#ring
    const mask = ring.length - 1
    const line = ring[this.#tail & mask]!
    const { time, seq } = line
    let place = this.#tail++
    if (time >= this.#newest) this.#newest = time
    else if (time < this.#gone) this.late++
    for (; place > this.#head; place--) {
      const before = ring[(place - 1) & mask]!
      if (before.time < time || (before.time === time && before.seq <= seq)) break
      ring[place & mask] = before
    }
    ring[place & mask] = line
    // One slot is always left for the blank.
    if (this.#tail - this.#head === ring.length) this.#grow()
  }

  /** The first line, which is written over by the next `put` but one. */
  shift(): Line {
    const line = this.first
    if (this.#spreads && line.time !== this.#second) this.#spread(line.time)
    this.#head++
    this.#gone = line.time
    return line
  }

  /** Lines that name one whole second, which is all their log knows, are set apart evenly. */
  #spread(second: Millis): void {
    if (second % 1000 !== 0 || second < this.#second + 1000) return
    const mask = this.#ring.length - 1
    let end = this.#head
    while (end < this.#tail && this.#ring[end & mask]!.time === second) end++
    for (let i = this.#head; i < end; i++) {
      this.#ring[i & mask]!.time = second + Math.floor(((i - this.#head) * 1000) / (end - this.#head))
    }
    this.#second = second
  }

  #grow(): void {
    const { length } = this.#ring
    const held = Array.from({ length }, (_, i) => this.#ring[(this.#head + i) & (length - 1)]!)
    this.#ring = [...held, ...Array.from({ length }, () => new Line())]
    this.#head = 0
    this.#tail = length
  }
}
