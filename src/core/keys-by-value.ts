// API keys by their value, and what a request asks of a key beside it. Floor 0: imports types, hash.ts and slots.ts.
//
// A value comes in as a new string: hashing its 40 characters is half of what finding it in a Map costs, and with many
// keys the rest is memory that is waited for. Here eight characters say where a key is looked for, its slot holds what a
// request needs of it as numbers, and whether it is the key is decided by comparing all of the value. Where many values
// are alike in those eight all of a value is hashed; and what finds no slot near the one where it is looked for lies in a
// Map, so that nobody who chooses values makes others wait.

import { hashOf, sampleOf } from './hash.ts'
import type { ApiKey } from './plan.ts'
import { HELD, type Place, Slots } from './slots.ts'

/** How many slots a key is looked for in. */
const NEAR = 16

/** A slot: the hash of the value, the cell, and what is asked for most. log2 of its numbers: */
const WIDTH = 2
const ID_HASH = 2
/** `ENABLED`, `EXTENDED`, and above them the number of its list of plans. */
const TERMS = 3

const ENABLED = 1
const EXTENDED = 2
const LIST = 2

/** So many keys that are alike where they are sampled, and one of so many: that is no chance. */
const MANY = 16
const OF = 64

/** No key; and one that is not near, which is then the only one that is known so. */
const NOWHERE: Place = -1
const FAR: Place = -2

/** A map from values to keys that is edited in place; core/table.ts makes versions of it. A place is good until the next
 * edit; one below 0 until the next search. */
export class KeysByValue {
  #slots: Slots
  /** Whether all of a value is hashed; and until then how many keys came to where one lay with the same sample. */
  #whole = false
  #alike = 0
  #edits = 0
  /** Two by two: a value and its key's id. The first cell is nobody's. */
  readonly #cells: string[] = ['', '']
  /** The key, by half of its cell. */
  readonly #keys: (ApiKey | undefined)[] = [undefined]
  /** Cells that were given up. */
  readonly #free: number[] = []
  readonly #far = new Map<string, ApiKey>()
  /** The one at `FAR`. */
  #found: ApiKey | undefined
  /** The lists of plans that keys have had, in the order they came. */
  readonly #lists: (readonly string[])[] = []
  readonly #listNumbers = new Map<string, number>()

  /** @param count how many keys are about to be put */
  constructor(count = 0) {
    this.#slots = new Slots(WIDTH, count)
  }

  get size(): number {
    return this.#slots.used + this.#far.size
  }

  /** While it is the same a place that is not below 0 is good. */
  get edits(): number {
    return this.#edits
  }

  /** @returns the place of the key that has the value; below 0 where `isNowhere` */
  find(value: string): Place {
    const { numbers, mask } = this.#slots
    const hash = this.#hashOf(value)
    for (let n = 0, slot = hash; n < NEAR; n++, slot++) {
      const place = (slot & mask) << WIDTH
      const cell = numbers[place + HELD]!
      if (cell === 0) break
      if (numbers[place] === hash && this.#cells[cell] === value) return place
    }
    if (this.#far.size === 0) return NOWHERE
    this.#found = this.#far.get(value)
    return this.#found === undefined ? NOWHERE : FAR
  }

  isNowhere(place: Place): boolean {
    return place === NOWHERE
  }

  keyAt(place: Place): ApiKey {
    return (place < 0 ? this.#found : this.#keys[this.#slots.numbers[place + HELD]! >> 1]) as ApiKey
  }

  idAt(place: Place): string {
    return place < 0 ? this.#found!.id : this.#cells[this.#slots.numbers[place + HELD]! + 1]!
  }

  /** `hashOf` of its id. */
  idHashAt(place: Place): number {
    return place < 0 ? hashOf(this.#found!.id) : this.#slots.numbers[place + ID_HASH]!
  }

  isEnabledAt(place: Place): boolean {
    return (this.#termsAt(place) & ENABLED) !== 0
  }

  /** Whether its quota was extended, or cut, for a window. */
  isExtendedAt(place: Place): boolean {
    return (this.#termsAt(place) & EXTENDED) !== 0
  }

  /** The number of its list of plans. */
  listAt(place: Place): number {
    return this.#termsAt(place) >> LIST
  }

  /** The plans of a list. */
  plansOf(list: number): readonly string[] {
    return this.#lists[list]!
  }

  get(value: string): ApiKey | undefined {
    const place = this.find(value)
    return place === NOWHERE ? undefined : this.keyAt(place)
  }

  /** @param value the key's */
  set(value: string, key: ApiKey): void {
    const place = this.find(value)
    if (place === FAR) {
      this.#far.set(value, key)
    } else if (place !== NOWHERE) {
      this.#write(place, this.#slots.numbers[place + HELD]!, key)
    } else {
      if (this.#slots.isFull) this.#resize((this.#slots.mask + 1) * 2)
      this.#add(key)
      if (!this.#whole && this.#alike > MANY + this.size / OF) this.#hashWhole()
    }
    this.#edits++
  }

  delete(value: string): void {
    const place = this.find(value)
    if (place === FAR) this.#far.delete(value)
    if (place < 0) return
    this.#giveUp(this.#slots.numbers[place + HELD]!)
    this.#slots.empty(place)
    if (this.#slots.isEmpty) this.#resize((this.#slots.mask + 1) / 2)
    this.#edits++
  }

  #hashOf(value: string): number {
    return this.#whole ? hashOf(value) : sampleOf(value)
  }

  #termsAt(place: Place): number {
    return place < 0 ? this.#termsOf(this.#found!) : this.#slots.numbers[place + TERMS]!
  }

  #termsOf({ usagePlanIds, quotaExtensions, enabled }: ApiKey): number {
    return (
      (this.#listOf(usagePlanIds) << LIST) | (quotaExtensions === undefined ? 0 : EXTENDED) | (enabled ? ENABLED : 0)
    )
  }

  #listOf(usagePlanIds: readonly string[]): number {
    const name = usagePlanIds.join('/')
    let number = this.#listNumbers.get(name)
    if (number === undefined) {
      number = this.#lists.push(usagePlanIds) - 1
      this.#listNumbers.set(name, number)
    }
    return number
  }

  #add(key: ApiKey): void {
    // One that was far may come near when slots are made anew; the last empty ones, which end a search, stay.
    const hash = this.#hashOf(key.value)
    const home = this.#slots.home(hash)
    if (this.#slots.numbers[home] === hash && this.#slots.numbers[home + HELD] !== 0) this.#alike++
    const place = this.#slots.isFull ? NOWHERE : this.#slots.take(hash, NEAR)
    if (place < 0) this.#far.set(key.value, key)
    else this.#write(place, this.#free.pop() ?? this.#cells.length, key)
  }

  #write(place: Place, cell: number, key: ApiKey): void {
    this.#cells[cell] = key.value
    this.#cells[cell + 1] = key.id
    this.#keys[cell >> 1] = key
    const { numbers } = this.#slots
    numbers[place + HELD] = cell
    numbers[place + ID_HASH] = hashOf(key.id)
    numbers[place + TERMS] = this.#termsOf(key)
  }

  #giveUp(cell: number): void {
    this.#cells[cell] = this.#cells[cell + 1] = ''
    this.#keys[cell >> 1] = undefined
    this.#free.push(cell)
  }

  #hashWhole(): void {
    const { numbers } = this.#slots
    const keys: ApiKey[] = []
    for (let place = 0; place < numbers.length; place += 1 << WIDTH) {
      if (numbers[place + HELD] !== 0) keys.push(this.keyAt(place))
    }
    for (const key of this.#far.values()) keys.push(key)
    this.#far.clear()
    this.#whole = true
    // As many slots as there were: more keys may be about to be put.
    this.#slots = new Slots(WIDTH, Math.max(keys.length, ((this.#slots.mask + 1) * 5) >> 3))
    this.#cells.length = 2
    this.#keys.length = 1
    this.#free.length = 0
    for (const key of keys) this.#add(key)
  }

  #resize(count: number): void {
    const again = [...this.#far.values()]
    this.#far.clear()
    for (const cell of this.#slots.resize(count, NEAR)) {
      again.push(this.#keys[cell >> 1]!)
      this.#giveUp(cell)
    }
    for (const key of again) this.#add(key)
  }
}
