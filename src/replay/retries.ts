// What a refused client does next. Floor 4: it waits as long as it is told, in whole seconds as Retry-After says it, and
// asks again, a few times; told to wait longer than a person would, it gives up.

import type { Decision } from '../core/decision.ts'
import { ceilSeconds, type Millis } from '../core/units.ts'

/** A client that is told to wait longer than this does not. */
export const PATIENCE: Millis = 60_000

/**
 * When a refused request would be asked again; null: it would not be.
 *
 * @param tries how often it may still be
 */
export function againAt(decision: Decision, now: Millis, tries: number): Millis | null {
  if (tries <= 0 || decision.admitted || !('retryAfter' in decision) || decision.retryAfter === undefined) return null
  const wait = ceilSeconds(decision.retryAfter) * 1000
  return wait > PATIENCE ? null : now + wait
}

/** Things by the time they are due: a heap. Equal times keep their order. */
export class Due<T> {
  readonly #heap: { readonly at: Millis; readonly nth: number; readonly thing: T }[] = []
  #nth = 0

  get size(): number {
    return this.#heap.length
  }

  /** When the first is due; `Infinity` where there is none. */
  get at(): Millis {
    return this.#heap.length === 0 ? Infinity : this.#heap[0]!.at
  }

  put(at: Millis, thing: T): void {
    const heap = this.#heap
    let place = heap.push({ at, nth: this.#nth++, thing }) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(place, parent)) return
      this.#swap(place, parent)
      place = parent
    }
  }

  take(): T {
    const heap = this.#heap
    this.#swap(0, heap.length - 1)
    const { thing } = heap.pop()!
    for (let place = 0; ; ) {
      let first = place
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < heap.length && this.#isBefore(child, first)) first = child
      }
      if (first === place) return thing
      this.#swap(place, first)
      place = first
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!]
    return one.at < other.at || (one.at === other.at && one.nth < other.nth)
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = held
  }
}
