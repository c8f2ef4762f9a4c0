// A catalog that requests are replayed under, with the records they leave. Floor 4: the engine's own route, meter and
// decide. It is a store whose records are found by the caller's number, so that a line is looked up in no table but that
// of its bytes; test/replay/ holds it to a gate over the memory store.

import { type Catalog, isCatalog } from '../core/catalog.ts'
import { compile, type Index } from '../core/compile.ts'
import { decide } from '../core/decide.ts'
import type { Decision, MeteredDecision } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import { meter, route } from '../core/resolve.ts'
import type { Place } from '../core/slots.ts'
import { decodeState, NO_STATES, type State } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import type { Snapshot } from '../stores/memory.ts'
import { type Row, Rows } from '../stores/rows.ts'
import { checkedSnapshot } from '../stores/snapshot.ts'
import type { Asked, AskedSeat, Caller } from './line.ts'

/** No key's value: what a caller has of whom only an id is known, and no such id is in the catalog. */
const STRANGER = '~a-key-that-only-the-log-knows~'

export class Lane {
  readonly #seat: number
  #index: Index
  /** What the catalog knows callers by, by their ordinals; undefined, where that was not asked yet. */
  #values: (string | undefined)[] = []
  /** A number for each key id that was asked for: what its records and counts are found by. */
  readonly #numbers = new Map<string, number>()
  /** Those numbers, by the ordinals of callers; -1, where the catalog knows none. */
  #numberOf: number[] = []
  /** Where the catalog has those callers' keys, after so many edits of what holds them; below 0, where that is looked for. */
  #places: Place[] = []
  #edits = -1
  readonly #records = new Rows()
  /** By plan, then by the number of the key; what is not there has no record. */
  readonly #rows = new Map<string, (Row | undefined)[]>()
  /** What clients share, by the limit's id. */
  readonly #shared = new Map<string, State>()

  /**
   * @param seat its place in the seats of what is replayed: each lane over the same lines has its own
   * @param state what is remembered to begin with; without it buckets are full and nothing is used
   * @throws {TypeError} for a catalog that is none
   * @throws {StateError} for a state that is none
   */
  constructor(seat: number, catalog: Catalog, state?: Snapshot) {
    this.#seat = seat
    this.#index = indexOf(catalog)
    if (state === undefined) return
    const { records, shared } = checkedSnapshot(state)
    for (const [planId, keyId, encoded] of records) {
      this.#rowsOf(planId)[this.#number(keyId)] = this.#records.add(decodeState(encoded))
    }
    for (const [id, encoded] of shared) this.#shared.set(id, decodeState(encoded))
  }

  get catalog(): Catalog {
    return this.#index.catalog
  }

  /** Puts another catalog in force; records go on. */
  replace(catalog: Catalog): void {
    if (catalog === this.#index.catalog) return
    this.#index = indexOf(catalog, this.#index)
    this.#values = []
    this.#numberOf = []
    this.#places = []
  }

  /** A number for a key of this lane, from 0 on; the same for every caller that comes as this key. */
  numberOf({ ordinal }: Caller, keyId: string): number {
    const number = ordinal < 0 ? -1 : this.#numberOf[ordinal]!
    return number < 0 ? this.#number(keyId) : number
  }

  /** Judges a request and charges it, as a gate would have at that time. */
  judge(asked: Asked, caller: Caller, cost: number, now: Millis): Decision {
    let seat = asked.seats[this.#seat]
    if (seat === undefined || seat.index !== this.#index) seat = this.#route(asked)
    const { found } = seat
    if (found.kind !== 'route') return found
    const value = this.#values[caller.ordinal] ?? this.#valueOf(caller)
    const metered = meter(found, value, cost, undefined, this.#placeOf(caller, value))
    return 'kind' in metered ? metered : this.#take(metered, caller, now)
  }

  #take(metered: Metered, caller: Caller, now: Millis): MeteredDecision {
    const { plan, keyId, shared } = metered
    const number = plan === null || keyId === null ? -1 : this.numberOf(caller, keyId)
    const rows = plan === null ? null : this.#rowsOf(plan.planId)
    const row = rows?.[number]
    if (row !== undefined) {
      const charged = this.#records.charge(row, metered, now)
      if (charged !== null) return charged
    }
    const states = shared.length === 0 ? NO_STATES : shared.map(({ id }) => this.#shared.get(id) ?? null)
    const decision = decide(metered, row === undefined ? null : this.#records.read(row), now, states)
    if (!decision.changed) return decision
    if (rows !== null && decision.state !== null) {
      if (row === undefined) rows[number] = this.#records.add(decision.state)
      else this.#records.write(row, decision.state)
    }
    for (let i = 0; i < shared.length; i++) this.#shared.set(shared[i]!.id, decision.sharedStates[i]!)
    return decision
  }

  #route(asked: Asked): AskedSeat {
    return (asked.seats[this.#seat] = { index: this.#index, found: route(this.#index, asked) })
  }

  /** What the catalog knows a caller by. */
  #valueOf({ id, value, ordinal }: Caller): string | null {
    const { apiKeys } = this.#index
    const known = id === null ? value : (apiKeys.get(id)?.value ?? value ?? STRANGER)
    if (ordinal < 0 || known === null) return known
    const key = apiKeys.withValue(known)
    while (this.#values.length <= ordinal) this.#numberOf[this.#values.push(undefined) - 1] = -1
    if (key !== undefined) this.#numberOf[ordinal] = this.#number(key.id)
    return (this.#values[ordinal] = known)
  }

  /** Where a caller's key lies: a value that was looked for is not hashed again. */
  #placeOf({ ordinal }: Caller, value: string | null): Place | undefined {
    if (ordinal < 0 || value === null) return undefined
    const keys = this.#index.apiKeys.byValue
    if (keys.edits !== this.#edits) {
      this.#edits = keys.edits
      this.#places = []
    }
    const known = this.#places[ordinal]
    if (known !== undefined && known >= 0) return known
    while (this.#places.length < ordinal) this.#places.push(-1)
    return (this.#places[ordinal] = keys.find(value))
  }

  #number(keyId: string): number {
    let number = this.#numbers.get(keyId)
    if (number === undefined) this.#numbers.set(keyId, (number = this.#numbers.size))
    return number
  }

  #rowsOf(planId: string): (Row | undefined)[] {
    let rows = this.#rows.get(planId)
    if (rows === undefined) this.#rows.set(planId, (rows = []))
    return rows
  }
}

/** A document is refused, as a gate refuses it. */
function indexOf(catalog: Catalog, previous?: Index): Index {
  if (isCatalog(catalog)) return compile(catalog, previous)
  throw new TypeError('catalog: expected a Catalog; catalogOf makes one of a document')
}
