// Which row is whose: one plan's rows by the id of their key. Floor 3: imports core/slots.ts.

import { HELD, type Place, Slots } from '../core/slots.ts'
import type { Row } from './rows.ts'

/** A slot: the hash of an id, and its row and one. log2 of its numbers: */
const WIDTH = 1

/** Rows by id. Ids are kept by row, for all the tables of a store together. */
export class RowTable {
  readonly #ids: string[]
  readonly #slots = new Slots(WIDTH)
  /** What `next` looked at. */
  #cursor: Place = 0

  constructor(ids: string[]) {
    this.#ids = ids
  }

  get size(): number {
    return this.#slots.used
  }

  /** @param hash `hashOf` of the id  @returns the row, -1 where the id has none */
  find(id: string, hash: number): Row {
    const { numbers, mask } = this.#slots
    for (let slot = hash; ; slot++) {
      const place = (slot & mask) << WIDTH
      const row = numbers[place + HELD]! - 1
      if (row === -1 || (numbers[place] === hash && this.#ids[row] === id)) return row
    }
  }

  /** @param row of an id that has none here */
  add(id: string, hash: number, row: Row): void {
    const slots = this.#slots
    if (slots.isFull) slots.resize((slots.mask + 1) * 2, Infinity)
    this.#ids[row] = id
    const place = slots.take(hash, Infinity)
    slots.numbers[place + HELD] = row + 1
  }

  /** @param row of an id that has it here */
  delete(row: Row, hash: number): void {
    const slots = this.#slots
    let place = slots.home(hash)
    while (this.#rowAt(place) !== row) place = slots.next(place)
    // What moves here was not looked at yet.
    if (place === this.#cursor) this.#cursor = slots.before(place)
    this.#ids[row] = ''
    slots.empty(place)
    if (slots.isEmpty) slots.resize((slots.mask + 1) / 2, Infinity)
  }

  /** The rows, in the order of their numbers. */
  rows(): Row[] {
    const rows: Row[] = []
    const { numbers } = this.#slots
    for (let place = 0; place < numbers.length; place += 1 << WIDTH) {
      if (this.#rowAt(place) !== -1) rows.push(this.#rowAt(place))
    }
    return rows.sort((a, b) => a - b)
  }

  /** The next row, round and round; -1 where there is none. */
  next(): Row {
    if (this.size === 0) return -1
    do this.#cursor = this.#slots.next(this.#cursor)
    while (this.#rowAt(this.#cursor) === -1)
    return this.#rowAt(this.#cursor)
  }

  #rowAt(place: Place): Row {
    return this.#slots.numbers[place + HELD]! - 1
  }
}
