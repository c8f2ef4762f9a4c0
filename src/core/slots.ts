// A table of whole numbers, looked through from the place that a hash says on. Floor 0: imports nothing.
// A Map of a million entries is three places in memory to wait for; this is one.

/** Where a slot begins in `Slots.numbers`. */
export type Place = number

/** The first number of a slot is its hash, the second says what lies there; 0 in an empty slot. */
export const HELD = 1

const LEAST = 16

/** Slots of a few numbers each. At most five in eight are used, so that a search ends soon. */
export class Slots {
  numbers: Int32Array
  /** One less than there are slots, a power of two. */
  mask: number
  used = 0
  readonly width: number

  /** @param width log2 of the numbers in a slot  @param count how many slots are about to be used */
  constructor(width: number, count = 0) {
    let slots = LEAST
    while (isCrowded(count, slots)) slots *= 2
    this.width = width
    this.mask = slots - 1
    this.numbers = new Int32Array(slots << width)
  }

  /** Whether the next slot that is used is one too many. */
  get isFull(): boolean {
    return isCrowded(this.used + 1, this.mask + 1)
  }

  /** Whether half as many slots would do, and leave room. */
  get isEmpty(): boolean {
    return this.mask >= LEAST && this.used * 8 <= this.mask
  }

  /** The slot of a hash, in which a search for it begins. */
  home(hash: number): Place {
    return (hash & this.mask) << this.width
  }

  next(place: Place): Place {
    return (place + (1 << this.width)) & (this.numbers.length - 1)
  }

  before(place: Place): Place {
    return (place - (1 << this.width)) & (this.numbers.length - 1)
  }

  /** An empty slot for a hash, now used, within so many of its home; -1 where there is none. */
  take(hash: number, within: number): Place {
    let place = this.home(hash)
    for (let n = 0; n < within; n++, place = this.next(place)) {
      if (this.numbers[place + HELD] !== 0) continue
      this.numbers[place] = hash
      this.used++
      return place
    }
    return -1
  }

  /** Empties a slot. Others may move there, so that each is still found from its home on. */
  empty(place: Place): void {
    const { numbers } = this
    let hole = place
    for (let next = this.next(hole); numbers[next + HELD] !== 0; next = this.next(next)) {
      if (this.#distance(this.home(numbers[next]!), next) < this.#distance(hole, next)) continue
      numbers.copyWithin(hole, next, next + (1 << this.width))
      hole = next
    }
    numbers[hole + HELD] = 0
    this.used--
  }

  /** Makes so many slots in place of those there are. @returns what lay in slots for which there is none `within` */
  resize(count: number, within: number): number[] {
    const old = this.numbers
    const left: number[] = []
    this.numbers = new Int32Array(count << this.width)
    this.mask = count - 1
    this.used = 0
    for (let from = 0; from < old.length; from += 1 << this.width) {
      if (old[from + HELD] === 0) continue
      const place = this.take(old[from]!, within)
      if (place < 0) left.push(old[from + HELD]!)
      else for (let i = HELD; i < 1 << this.width; i++) this.numbers[place + i] = old[from + i]!
    }
    return left
  }

  /** How far it is from one place to another, round the end. */
  #distance(from: Place, to: Place): number {
    return (to - from) & (this.numbers.length - 1)
  }
}

/** Whether so many are more than five in eight slots. */
function isCrowded(used: number, slots: number): boolean {
  return used * 8 > slots * 5
}
