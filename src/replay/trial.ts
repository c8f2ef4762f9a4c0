// A log put before a proposed catalog, and before the one to compare it with. Floor 4.

import type { Catalog } from '../core/catalog.ts'
import type { Decision } from '../core/decision.ts'
import type { Millis } from '../core/units.ts'
import type { Snapshot } from '../stores/memory.ts'
import { Lane } from './lane.ts'
import type { Asked, Caller, Line } from './line.ts'
import { againAt, Due } from './retries.ts'
import { type KeyReport, type LaneReport, Tally } from './tally.ts'

export interface TrialOptions {
  readonly proposed: Catalog
  /** What the proposed one is compared with. */
  readonly against?: Catalog | undefined
  /** What a live store remembered when the log began. */
  readonly state?: Snapshot | undefined
  /** How often a refused request is asked again (retries.ts). */
  readonly retries?: number
}

export interface TrialReport {
  /** Of the first and the last request, ms since the Unix epoch; null where there was none. */
  readonly from: Millis | null
  readonly to: Millis | null
  readonly requests: number
  /** Requests that were answered 429 when they were made. */
  readonly refusedThen: number
  readonly proposed: LaneReport
  readonly against: LaneReport | null
  /** Requests asked again under the proposed catalog, and those of them that got through. */
  readonly retries: { readonly attempts: number; readonly rescued: number }
}

/** A request that is not told its last word in every lane yet. */
interface Open {
  readonly time: Millis
  readonly asked: Asked
  readonly caller: Caller
  readonly cost: number
  /** By lane; null while it will be asked again there. */
  readonly said: (Decision | null)[]
}

export class Trial {
  readonly #proposed: Lane
  readonly #against: Lane | null
  readonly #lanes: readonly Lane[]
  readonly #tallies: readonly Tally[]
  readonly #tries: number
  readonly #due = new Due<{ readonly open: Open; readonly lane: number; readonly tries: number }>()
  #from = Infinity
  #to = -Infinity
  #requests = 0
  #refusedThen = 0
  #attempts = 0
  #rescued = 0

  constructor({ proposed, against, state, retries = 0 }: TrialOptions) {
    this.#proposed = new Lane(0, proposed, state)
    this.#against = against === undefined ? null : new Lane(1, against, state)
    this.#lanes = this.#against === null ? [this.#proposed] : [this.#proposed, this.#against]
    this.#tallies = this.#lanes.map(lane => new Tally(lane))
    this.#tries = retries
  }

  get requests(): number {
    return this.#requests
  }

  /** Judges a line, the next in time. Keeps nothing of it. */
  judge({ time, asked, caller, cost, status }: Line): void {
    if (this.#due.size > 0) this.#catchUp(time)
    this.#requests++
    if (status === 429) this.#refusedThen++
    if (time < this.#from) this.#from = time
    if (time > this.#to) this.#to = time
    const proposed = this.#proposed.judge(asked, caller, cost, time)
    const against = this.#against === null ? null : this.#against.judge(asked, caller, cost, time)
    if (this.#tries > 0 && !(proposed.admitted && against?.admitted !== false)) {
      this.#open({ time, asked, caller, cost, said: against === null ? [proposed] : [proposed, against] })
    } else this.#settle(time, asked, caller, proposed, against)
  }

  /** Judges what would still be asked again. */
  end(): void {
    this.#catchUp(Infinity)
  }

  report(): TrialReport {
    const none = this.#requests === 0
    return {
      from: none ? null : this.#from,
      to: none ? null : this.#to,
      requests: this.#requests,
      refusedThen: this.#refusedThen,
      proposed: this.#tallies[0]!.report(),
      against: this.#tallies[1]?.report() ?? null,
      retries: { attempts: this.#attempts, rescued: this.#rescued },
    }
  }

  /** Every key that asked, under the proposed catalog. */
  keys(): Iterable<KeyReport> {
    return this.#tallies[0]!.keys()
  }

  #settle(time: Millis, asked: Asked, caller: Caller, proposed: Decision, against: Decision | null): void {
    this.#tallies[0]!.add(time, asked, caller, proposed, against)
    if (against !== null) this.#tallies[1]!.add(time, asked, caller, against, null)
  }

  #open(open: Open): void {
    open.said.forEach((said, lane) => {
      this.#again(open, lane, said as Decision, open.time, this.#tries)
    })
    this.#close(open)
  }

  #again(open: Open, lane: number, said: Decision, now: Millis, tries: number): void {
    const at = againAt(said, now, tries)
    open.said[lane] = at === null ? said : null
    if (at !== null) this.#due.put(at, { open, lane, tries: tries - 1 })
  }

  #close({ time, asked, caller, said: [proposed, against = null] }: Open): void {
    if (proposed === null || proposed === undefined || (against === null && this.#against !== null)) return
    this.#settle(time, asked, caller, proposed, against)
  }

  #catchUp(until: Millis): void {
    for (let { at } = this.#due; at <= until && this.#due.size > 0; at = this.#due.at) {
      const { open, lane, tries } = this.#due.take()
      const said = this.#lanes[lane]!.judge(open.asked, open.caller, open.cost, at)
      if (lane === 0) {
        this.#attempts++
        if (said.admitted) this.#rescued++
      }
      this.#again(open, lane, said, at, tries)
      this.#close(open)
    }
  }
}
