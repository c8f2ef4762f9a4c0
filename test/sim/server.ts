// A server as far as it can lose what it holds: values that expire by its own clock, each write undone where it crashes
// before it was synced, or hands over to a replica that had not seen it.

import type { Random } from './random.ts'
import type { Timeline } from './timeline.ts'

export interface Entry {
  readonly value: string | readonly string[] | ReadonlyMap<string, string>
  /** ms since the Unix epoch, by the server's clock; `Infinity` for one that stays. */
  readonly expireAt: number
  /** Never the same twice, in a lost future neither. */
  readonly version: number
}

/** What a server that crashes has lost: nothing, what came since its last sync, or all. */
export type Persistence = 'always' | 'everysec' | 'none'

/** Hears of each change as it is made, whoever asked for it. */
export interface Witness {
  wrote(key: string, before: Entry | undefined, after: Entry | undefined): void
  expired(key: string, entry: Entry): void
  /** The write that `wrote` was told of last, of those not yet undone, is undone. */
  lost(key: string, restored: Entry | undefined): void
}

interface Written {
  readonly key: string
  readonly before: Entry | undefined
  readonly at: number
  /** Writes of one step are kept or lost together. */
  readonly step: number
}

export class Server {
  readonly timeline: Timeline
  readonly #random: Random
  readonly #witness: Witness
  readonly #persistence: Persistence
  readonly #entries = new Map<string, Entry>()
  #written: Written[] = []
  #versions = 0
  #step = 0
  /** ms by which its clock is wrong. */
  offset: number
  isUp = true
  /** How often it came up: what it holds in its memory alone is gone each time. */
  boots = 1

  constructor(timeline: Timeline, random: Random, witness: Witness, persistence: Persistence, offset = 0) {
    this.timeline = timeline
    this.#random = random
    this.#witness = witness
    this.#persistence = persistence
    this.offset = offset
  }

  get clock(): number {
    return this.timeline.now + this.offset
  }

  /** One step: what it writes is kept or lost as one. */
  step<T>(run: () => T): T {
    this.#step++
    return run()
  }

  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expireAt > this.clock) return entry
    this.#entries.delete(key)
    this.#witness.expired(key, entry)
    return undefined
  }

  set(key: string, value: Entry['value'], expireAt: number): void {
    const before = this.get(key)
    const after = { value, expireAt, version: ++this.#versions }
    this.#written.push({ key, before, at: this.timeline.now, step: this.#step })
    this.#entries.set(key, after)
    this.#witness.wrote(key, before, after)
  }

  delete(key: string): void {
    const before = this.get(key)
    if (before === undefined) return
    this.#written.push({ key, before, at: this.timeline.now, step: this.#step })
    this.#entries.delete(key)
    this.#witness.wrote(key, before, undefined)
  }

  /** The names of what it holds; what is over expires. */
  keys(): string[] {
    return [...this.#entries.keys()].filter(key => this.get(key) !== undefined)
  }

  /** @returns how many writes it had answered and has lost */
  crash(): number {
    this.isUp = false
    if (this.#persistence === 'always') return 0
    return this.#lose(this.#persistence === 'none' ? -Infinity : this.timeline.now - this.#random.whole(0, 2000))
  }

  restart(): void {
    this.isUp = true
    this.boots++
  }

  /** Another takes its place, which had seen what is older than the lag. @returns how many writes are lost */
  failOver(lag: number, offset: number): number {
    const lost = this.#lose(this.timeline.now - lag)
    this.offset = offset
    this.boots++
    return lost
  }

  #lose(since: number): number {
    const first = this.#written.find(({ at }) => at > since)?.step ?? Infinity
    let lost = 0
    for (let last = this.#written.at(-1); last !== undefined && last.step >= first; last = this.#written.at(-1)) {
      this.#written.pop()
      if (last.before === undefined) this.#entries.delete(last.key)
      else this.#entries.set(last.key, last.before)
      this.#witness.lost(last.key, last.before)
      lost++
    }
    return lost
  }
}
