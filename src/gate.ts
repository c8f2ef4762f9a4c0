// Where a request, a catalog, a store and a clock meet. One clock reading a request, here and nowhere else.

import { type Catalog, isCatalog } from './core/catalog.ts'
import { compile, type Index } from './core/compile.ts'
import type { BadRequest, Decision, MissingAuthenticationToken } from './core/decision.ts'
import { type ApiRequest, meter, type Route, route } from './core/resolve.ts'
import type { Millis } from './core/units.ts'
import { ClockError } from './errors.ts'
import { tell } from './hook.ts'
import { memoryStore } from './stores/memory.ts'
import type { Answer, Store } from './stores/store.ts'

/** Milliseconds since the Unix epoch. Fractions are cut off; it may step back (docs/arithmetic.md). */
export type Clock = () => Millis

export interface GateOptions<Async extends boolean> {
  /** From `catalogOf` or `check`, or an edit of one that was. */
  readonly catalog: Catalog
  /** Default: in this process's memory. */
  readonly store?: Store<Async>
  /** Default: `Date.now`. */
  readonly clock?: Clock
  /**
   * Whether a value of 20 to 128 characters could be a key's, asked before it is looked up: keys with a checksum
   * (core/key-value.ts) need no lookup to tell a typo. Where it is false the request is refused as `malformed`; what it
   * throws, `admit` throws. Default: every value is looked up.
   */
  readonly isKeyValue?: (value: string) => boolean
  /** Called with every decision of `admit`. What it throws or rejects with is counted (`hookErrors`) and changes nothing. */
  readonly onDecision?: (decision: Decision, request: ApiRequest) => void
}

/** `Decision` at once over a synchronous store; over another, refusals at once and the rest as a promise. */
export type Admission<Async extends boolean> = Async extends false ? Decision : Decision | Promise<Decision>

export interface Gate<Async extends boolean = false> {
  /** The catalog in force. Edits of it (core/edits.ts) go back in by `replace`. */
  readonly catalog: Catalog
  /** Its version: its own `version`, or `#1`, `#2` … counted by this gate. Every metered decision repeats its own. */
  readonly version: string
  /** How often `onDecision` threw or rejected. */
  readonly hookErrors: number

  /**
   * Judges a request, and charges it if it is admitted.
   *
   * @throws {RangeError} when its cost is not a whole number ≥ 0
   * @throws {ClockError} when the clock gives no time
   */
  admit(request: ApiRequest): Admission<Async>
  /** Judges a request as `admit` would now, and charges nothing. */
  peek(request: ApiRequest): Admission<Async>
  /** The first half of `admit`, for adapters that must know the method before the key: where a request leads. */
  route(request: ApiRequest): Route | MissingAuthenticationToken | BadRequest
  /** The second half: judges what `route` found, under the catalog it was found in. */
  admitRoute(route: Route, request: ApiRequest): Admission<Async>
  /**
   * Puts back what an admitted request took, for one that turned out not to count. At most once per decision.
   *
   * @returns whether it was put back now: false for a decision that charged nothing, or was given back before
   */
  giveBack(decision: Decision): Answer<Async, boolean>
  /**
   * Puts another catalog in force, between two requests: each is judged by one of the two, and counters go on. It is
   * compiled first; if that throws, the old one stays.
   */
  replace(catalog: Catalog): void
}

/**
 * A gate.
 *
 * @throws {TypeError} where an option is not what it has to be
 */
export function createGate(options: GateOptions<false>): Gate<false>
export function createGate<Async extends boolean>(
  options: GateOptions<Async> & { readonly store: Store<Async> },
): Gate<Async>
export function createGate(options: GateOptions<boolean>): Gate<boolean> {
  const { store = memoryStore() as Store<boolean>, clock = Date.now, isKeyValue, onDecision } = options
  if (typeof store.take !== 'function') throw new TypeError('store: expected a store, as memoryStore() gives one')
  for (const [name, option] of Object.entries({ clock, isKeyValue, onDecision })) {
    if (option !== undefined && typeof option !== 'function') throw new TypeError(`${name}: expected a function`)
  }
  const givenBack = new WeakSet<Decision>()
  let index: Index = indexOf(options.catalog)
  let hookErrors = 0

  function now(): Millis {
    const time = clock()
    if (Number.isSafeInteger(time)) return time
    // Beyond 2^53 it counts no milliseconds, but nanoseconds perhaps.
    if (typeof time === 'number' && Number.isSafeInteger(Math.floor(time))) return Math.floor(time)
    throw new ClockError(time)
  }

  function told(decision: Decision, request: ApiRequest): Decision {
    if (onDecision !== undefined) {
      tell(
        () => onDecision(decision, request),
        () => hookErrors++,
      )
    }
    return decision
  }

  /** Charged nothing, so it has nothing to give back. */
  function free(peeked: Decision): Decision {
    givenBack.add(peeked)
    return peeked
  }

  function admitRoute(found: Route, request: ApiRequest): Decision | Promise<Decision> {
    const metered = meter(found, request.apiKey, request.cost, isKeyValue)
    if ('kind' in metered) return told(metered, request)
    const decision = store.take(metered, now())
    if (decision instanceof Promise) return decision.then(decision => told(decision, request))
    return told(decision, request)
  }

  return {
    get catalog() {
      return index.catalog
    },
    get version() {
      return index.version
    },
    get hookErrors() {
      return hookErrors
    },
    admit(request) {
      const found = route(index, request)
      return found.kind === 'route' ? admitRoute(found, request) : told(found, request)
    },
    peek(request) {
      const found = route(index, request)
      if (found.kind !== 'route') return found
      const metered = meter(found, request.apiKey, request.cost, isKeyValue)
      if ('kind' in metered) return metered
      const peeked = store.peek(metered, now())
      return peeked instanceof Promise ? peeked.then(free) : free(peeked)
    },
    route: request => route(index, request),
    admitRoute,
    giveBack(decision) {
      if (decision.kind !== 'allowed' || decision.cost === 0 || givenBack.has(decision))
        return false as Answer<boolean, boolean>
      givenBack.add(decision)
      const done = store.giveBack(decision, now())
      return (done instanceof Promise ? done.then(() => true) : true) as Answer<boolean, boolean>
    },
    replace(catalog) {
      index = indexOf(catalog, index)
    },
  }
}

/** A document is refused rather than taken for a catalog without keys. */
function indexOf(catalog: Catalog, previous?: Index): Index {
  if (isCatalog(catalog)) return compile(catalog, previous)
  throw new TypeError('catalog: expected a Catalog; catalogOf makes one of a document')
}
