// Chance from a seed: the same seed, the same history. xorshift over 32 bits, scrambled, so that near seeds are far apart.

export class Random {
  #state: number

  constructor(seed: number) {
    let s = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
    s = Math.imul(s ^ (s >>> 13), 0xc2b2ae35)
    this.#state = (s ^ (s >>> 16)) | 1
    for (let i = 0; i < 4; i++) this.#next()
  }

  #next(): number {
    let s = this.#state
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    this.#state = s
    return Math.imul(s, 0x9e3779b1) >>> 0
  }

  /** A whole number, least … most. */
  whole(least: number, most: number): number {
    return least + Math.floor((this.#next() / 2 ** 32) * (most - least + 1))
  }

  /** True so often, 0 … 1. */
  chance(often: number): boolean {
    return this.#next() / 2 ** 32 < often
  }

  pick<const T>(of: readonly T[]): T {
    return of[this.whole(0, of.length - 1)]!
  }
}
