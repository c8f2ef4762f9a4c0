// Records as rows of eight numbers in large buffers. Floor 3: imports what a state is.
//
// A decision on one of many keys waits for memory and for little else. As objects a record is spread over a dozen cache
// lines (the object, a box for each number beyond 2^31, a list of methods), and each write of a box makes the collector
// look at it again; as a row it is one line, and nothing to collect: 10 000 keys 6 times, a million 4 times as fast.

import { levelAfter } from '../core/bucket.ts'
import { type Allowed, allowed } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import { type MethodLevel, NO_METHODS, NO_STATES, type State } from '../core/state.ts'
import { FULL, type Millis, TOKEN } from '../core/units.ts'

/** The place of a record. A row stays where it is until it is removed. */
export type Row = number

/** What a row holds, in its order. Further methods of a record are rows of their own, of which only the second half counts. */
const AT = 0
const LEVEL = 1
const WINDOW = 2
const USED = 3
/** The row of the next method, or of the next free row; `NONE` when this is the last. */
const NEXT = 4
/** Which method, counted by `#ids`; `NONE` when there is none. */
const METHOD = 5
const METHOD_LEVEL = 6
const METHOD_AT = 7

const NONE = -1
/** log2 of the numbers in a row, and of the rows in a buffer: 256 KB, of which the system gives what is touched. */
const WIDTH = 3
const ROWS = 12

/** Records, found by their row. Who knows which row is whose is the caller. */
export class Rows {
  readonly #buffers: Float64Array[] = []
  /** Rows ever used. */
  #end = 0
  #free: Row = NONE
  readonly #ids: string[] = []
  readonly #methods = new Map<string, number>()

  /** A record put in a row of its own. */
  add(state: State): Row {
    const row = this.#take()
    this.#buffer(row)[at(row) + NEXT] = NONE
    this.write(row, state)
    return row
  }

  /** The record, copied out. */
  read(row: Row): State {
    const buffer = this.#buffer(row)
    const start = at(row)
    return {
      at: buffer[start + AT]!,
      level: buffer[start + LEVEL]!,
      window: buffer[start + WINDOW]!,
      used: buffer[start + USED]!,
      methods: buffer[start + METHOD] === NONE ? NO_METHODS : this.#readMethods(row),
    }
  }

  /**
   * What `decide` says of an ordinary request that is admitted, charged where the record lies.
   *
   * Ordinary: of a plan, with a cost, by a clock that does not step back, without limits that clients share, on a record
   * of at most the method that is asked for.
   *
   * @returns the decision; null, and nothing is changed, for every other request
   */
  charge(row: Row, metered: Metered, now: Millis): Allowed | null {
    const { plan, bucket, method, cost } = metered
    const buffer = this.#buffer(row)
    const start = at(row)
    const before = buffer[start + AT]!
    const held = buffer[start + METHOD]!
    if (plan === null || cost === 0 || now < before || metered.shared.length > 0) return null
    if (buffer[start + NEXT] !== NONE) return null
    if (held !== NONE && (method === null || this.#ids[held] !== method.id)) return null
    const need = cost * TOKEN

    let methodLevel = 0
    if (method !== null) {
      const { rate, capacity } = method
      methodLevel = capacity
      if (held !== NONE) {
        const elapsed = Math.max(0, now - buffer[start + METHOD_AT]!)
        methodLevel = levelAfter(buffer[start + METHOD_LEVEL]!, elapsed, rate, capacity)
      }
      if (methodLevel < need) return null
    }

    let level = FULL
    if (plan.bucket !== null) {
      level = levelAfter(buffer[start + LEVEL]!, now - before, plan.bucket.rate, plan.bucket.capacity)
      if (bucket !== null && level < need) return null
      if (bucket !== null) level -= need
    }

    let window = buffer[start + WINDOW]!
    let used = buffer[start + USED]!
    if (plan.quota !== null) {
      const current = plan.quota.windowAt(now)
      if (window !== current.start) used = 0
      window = current.start
      if (used + cost > plan.quota.limitIn(current)) return null
    }

    used = Math.min(used + cost, FULL)
    buffer[start + AT] = now
    buffer[start + LEVEL] = level
    buffer[start + WINDOW] = window
    buffer[start + USED] = used
    if (method !== null) {
      methodLevel -= need
      buffer[start + METHOD] = held === NONE ? this.#methodOf(method.id) : held
      buffer[start + METHOD_LEVEL] = methodLevel
      buffer[start + METHOD_AT] = now
    }
    return allowed(metered, now, [level, window, used, methodLevel], NO_STATES, true, 0)
  }

  write(row: Row, { at: instant, level, window, used, methods }: State): void {
    const buffer = this.#buffer(row)
    const start = at(row)
    buffer[start + AT] = instant
    buffer[start + LEVEL] = level
    buffer[start + WINDOW] = window
    buffer[start + USED] = used
    this.#writeMethods(row, methods)
  }

  /** Gives the row up, to whoever is added next. */
  remove(row: Row): void {
    const next = this.#buffer(row)[at(row) + NEXT]!
    if (next !== NONE) this.remove(next)
    this.#buffer(row)[at(row) + NEXT] = this.#free
    this.#free = row
  }

  #buffer(row: Row): Float64Array {
    return this.#buffers[row >> ROWS]!
  }

  #take(): Row {
    const row = this.#free
    if (row === NONE) {
      if (this.#end >> ROWS === this.#buffers.length) this.#buffers.push(new Float64Array(1 << (ROWS + WIDTH)))
      return this.#end++
    }
    this.#free = this.#buffer(row)[at(row) + NEXT]!
    return row
  }

  #readMethods(first: Row): MethodLevel[] {
    const methods: MethodLevel[] = []
    for (let row = first; row !== NONE; ) {
      const buffer = this.#buffer(row)
      const start = at(row)
      const id = this.#ids[buffer[start + METHOD]!]!
      methods.push({ id, level: buffer[start + METHOD_LEVEL]!, at: buffer[start + METHOD_AT]! })
      row = buffer[start + NEXT]!
    }
    return methods
  }

  #writeMethods(first: Row, methods: readonly MethodLevel[]): void {
    let row = first
    for (let i = 0; i < methods.length; i++) {
      const { id, level, at: instant } = methods[i]!
      if (i > 0) row = this.#nextOf(row)
      const buffer = this.#buffer(row)
      const start = at(row)
      buffer[start + METHOD] = this.#methodOf(id)
      buffer[start + METHOD_LEVEL] = level
      buffer[start + METHOD_AT] = instant
    }
    const buffer = this.#buffer(row)
    if (methods.length === 0) buffer[at(row) + METHOD] = NONE
    const rest = buffer[at(row) + NEXT]!
    if (rest === NONE) return
    this.remove(rest)
    buffer[at(row) + NEXT] = NONE
  }

  /** The row after this one, made when it has none. */
  #nextOf(row: Row): Row {
    const buffer = this.#buffer(row)
    const held = buffer[at(row) + NEXT]!
    if (held !== NONE) return held
    const made = this.#take()
    buffer[at(row) + NEXT] = made
    this.#buffer(made)[at(made) + NEXT] = NONE
    return made
  }

  #methodOf(id: string): number {
    let method = this.#methods.get(id)
    if (method === undefined) {
      method = this.#ids.push(id) - 1
      this.#methods.set(id, method)
    }
    return method
  }
}

/** Where a row begins in its buffer. */
function at(row: Row): number {
  return (row & ((1 << ROWS) - 1)) << WIDTH
}
