// API keys by their id. Floor 0: imports types, hash.ts and id-table.ts.
// A Map would do; of a million keys this is made sooner, and leaves the collector less to look at.

import { hashOf } from './hash.ts'
import { IdTable } from './id-table.ts'
import type { ApiKey } from './plan.ts'

/** A map from ids to keys that is edited in place; core/table.ts makes versions of it. */
export class KeysById {
  readonly #keys: (ApiKey | undefined)[] = []
  readonly #numbers: IdTable
  /** Numbers that were given up. */
  readonly #free: number[] = []

  /** @param count how many keys are about to be put */
  constructor(count = 0) {
    this.#numbers = new IdTable([], count)
  }

  get size(): number {
    return this.#numbers.size
  }

  get(id: string): ApiKey | undefined {
    const number = this.#numbers.find(id, hashOf(id))
    return number === -1 ? undefined : this.#keys[number]
  }

  /** @param id the key's */
  set(id: string, key: ApiKey): void {
    const hash = hashOf(id)
    let number = this.#numbers.find(id, hash)
    if (number === -1) {
      number = this.#free.pop() ?? this.#keys.length
      this.#numbers.add(id, hash, number)
    }
    this.#keys[number] = key
  }

  delete(id: string): void {
    const hash = hashOf(id)
    const number = this.#numbers.find(id, hash)
    if (number === -1) return
    this.#numbers.delete(number, hash)
    this.#keys[number] = undefined
    this.#free.push(number)
  }

  /** In the order they came, but that a new one may stand where another was. */
  values(): ApiKey[] {
    return this.#keys.filter(key => key !== undefined)
  }
}
