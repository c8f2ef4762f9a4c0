// Numbers by id: where in a list lies what belongs to whom. Floor 0: imports slots.ts.

import { HELD, type Place, Slots } from './slots.ts'

/** A slot: the hash of an id, and its number and one. log2 of what a slot has: */
const WIDTH = 1

/** A map from ids to numbers, none of which two ids have. */
export class IdTable {
  readonly #ids: string[]
  readonly #slots: Slots
  /** What `next` looked at. */
  #cursor: Place = 0

  /** @param ids by number: a list that tables may share  @param count how many ids are about to be added */
  constructor(ids: string[], count = 0) {
    this.#ids = ids
    this.#slots = new Slots(WIDTH, count)
  }

  get size(): number {
    return this.#slots.used
  }

  /** @param hash `hashOf` of the id  @returns its number, -1 where it has none */
  find(id: string, hash: number): number {
    const { numbers, mask } = this.#slots
    for (let slot = hash; ; slot++) {
      const place = (slot & mask) << WIDTH
      const number = numbers[place + HELD]! - 1
      if (number === -1 || (numbers[place] === hash && this.#ids[number] === id)) return number
    }
  }

  /** @param id one that has no number here */
  add(id: string, hash: number, number: number): void {
    const slots = this.#slots
    if (slots.isFull) slots.resize((slots.mask + 1) * 2, Infinity)
    this.#ids[number] = id
    const place = slots.take(hash, Infinity)
    slots.numbers[place + HELD] = number + 1
  }

  /** @param number of an id that has it here */
  delete(number: number, hash: number): void {
    const slots = this.#slots
    let place = slots.home(hash)
    while (this.#numberAt(place) !== number) place = slots.next(place)
    // What moves here was not looked at yet.
    if (place === this.#cursor) this.#cursor = slots.before(place)
    this.#ids[number] = ''
    slots.empty(place)
    if (slots.isEmpty) slots.resize((slots.mask + 1) / 2, Infinity)
  }

  /** All of them, in their order. */
  numbers(): number[] {
    const all: number[] = []
    const { numbers } = this.#slots
    for (let place = 0; place < numbers.length; place += 1 << WIDTH) {
      if (this.#numberAt(place) !== -1) all.push(this.#numberAt(place))
    }
    return all.sort((a, b) => a - b)
  }

  /** The next of them, round and round; -1 where there is none. */
  next(): number {
    if (this.size === 0) return -1
    do this.#cursor = this.#slots.next(this.#cursor)
    while (this.#numberAt(this.#cursor) === -1)
    return this.#numberAt(this.#cursor)
  }

  #numberAt(place: Place): number {
    return this.#slots.numbers[place + HELD]! - 1
  }
}
