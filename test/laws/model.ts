// The whole decision once more, written from the promise and not from the code: no levels are kept, only the list of what
// was admitted when, and each question is put to the law itself, in exact rational numbers (BigInt over each rate's own
// denominator): a request is admitted exactly when in every interval that ends now, admitted cost ≤ burst + rate·Δ.

import { spanOf } from './dates.ts'
import type { Event, Throttle, World } from './worlds.ts'

export interface Verdict {
  readonly kind: 'allowed' | 'throttled' | 'quota-exceeded' | 'never-admitted'
  readonly limitedBy: string | null
  readonly retryAfter: number | null
  readonly at: number
  readonly remaining: number
  readonly steppedBack: number
}

interface Charge {
  at: bigint
  readonly cost: bigint
}

const HOUR = 3_600_000n

/** What one bucket admitted, oldest first. */
export class Ledger {
  readonly charges: Charge[] = []
  /** The instant up to which it was told. */
  at = -(10n ** 20n)

  /** Millionths would lie: the answer is in parts of a token, `ms` of them each. */
  held(now: bigint, { tokens, ms, burst }: Throttle): bigint {
    const capacity = BigInt(burst) * BigInt(ms)
    let least = capacity
    let since = 0n
    for (let i = this.charges.length - 1; i >= 0; i--) {
      const { at, cost } = this.charges[i] as Charge
      since += cost
      const left = capacity + BigInt(tokens) * (now - at) - since * BigInt(ms)
      if (left < least) least = left
    }
    return least
  }

  /** Wait for `cost`, from `now` on; null for ever. */
  wait(now: bigint, cost: bigint, throttle: Throttle): bigint | null {
    const short = cost * BigInt(throttle.ms) - this.held(now, throttle)
    if (short <= 0n) return 0n
    if (cost > BigInt(throttle.burst) || throttle.tokens === 0) return null
    const tokens = BigInt(throttle.tokens)
    return (short + tokens - 1n) / tokens
  }

  /** Time comes to `now`. Where that is a step back, the history is told again to end there: the level is what it was. */
  arrive(now: bigint): void {
    const by = this.at - now
    if (by > 0n) for (const charge of this.charges) charge.at -= by
    this.at = now
  }
}

/** What clients share has a clock of its own, and so has each (plan, key). */
class Slot {
  at: bigint | null = null
  readonly ledgers = new Map([['plan', new Ledger()]])
  /** Quota: cost by the start of its window. */
  window = 0
  used = 0n

  ledger(name: string): Ledger {
    const ledger = this.ledgers.get(name) ?? new Ledger()
    this.ledgers.set(name, ledger)
    return ledger
  }

  /** Time comes to `at`, from before or, by a step back, from after; use is kept in a step back and in the same window. */
  arrive(at: bigint, window: number | undefined): void {
    const stepped = this.at !== null && this.at > at
    // The plan's bucket has the record's own instant, also where a method's throttle stands in for it.
    for (const [name, ledger] of this.ledgers) if (name === 'plan' || ledger.at > at) ledger.arrive(at)
    this.at = at
    if (window === undefined) return
    if (!stepped && this.window !== window) this.used = 0n
    this.window = window
  }

  /** The instant a request is judged at, and by how much the slot's clock would have to be set back for it. */
  instant(now: bigint): { at: bigint; stepped: bigint } {
    if (this.at === null || this.at <= now) return { at: now, stepped: 0n }
    return this.at - now > HOUR ? { at: now, stepped: this.at - now } : { at: this.at, stepped: 0n }
  }
}

export class Model {
  readonly #slots = new Map<string, Slot>()
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** What is said to the event; null where the method is open and nothing limits it. */
  take(event: Event): Verdict | null {
    const world = this.#world
    const now = BigInt(event.now)
    const cost = BigInt(event.cost)
    const open = event.path === '/open'
    const own = open ? null : this.#slot(`key ${event.key}`)
    const shared: { name: string; slot: Slot; throttle: Throttle }[] = []
    if (world.stage !== undefined && event.stage === 's') {
      shared.push({ name: 'stage', slot: this.#slot(`stage ${event.path}`), throttle: world.stage })
    }
    if (world.account !== undefined) {
      shared.push({ name: 'account', slot: this.#slot('account'), throttle: world.account })
    }
    if (own === null && shared.length === 0) return null

    const { at, stepped } = own?.instant(now) ?? { at: now, stepped: 0n }
    const instants = shared.map(({ slot }) => slot.instant(now))
    const steppedBack = [stepped, ...instants.map(({ stepped }) => stepped)].reduce((a, b) => (a > b ? a : b))

    const asked: { name: string; ledger: Ledger; throttle: Throttle; at: bigint }[] = []
    if (own !== null) {
      const method = event.path === '/a' ? world.method : undefined
      if (method !== undefined) {
        asked.push({ name: 'method', ledger: own.ledger(`${event.stage}${event.path}`), throttle: method, at })
      }
      if (world.plan !== undefined && !(method !== undefined && world.override)) {
        asked.push({ name: 'plan', ledger: own.ledger('plan'), throttle: world.plan, at })
      }
    }
    const inQuota = own !== null && world.quota !== undefined
    const window = inQuota ? this.#span(Number(at)).start : undefined
    const others = shared.map(({ name, slot, throttle }, i) => ({
      name,
      ledger: slot.ledger('bucket'),
      throttle,
      at: instants[i]!.at,
    }))

    // A clock that was wrong is forgiven before anything is asked, whatever then comes of the request; and then all the
    // records of the request are written, also those that did not step back: their time has come to this instant too.
    const arrive = (): void => {
      own?.arrive(at, window)
      shared.forEach(({ slot }, i) => {
        slot.arrive(instants[i]!.at, undefined)
      })
      for (const { ledger, at } of [...asked, ...others]) ledger.arrive(at)
    }
    if (steppedBack > 0n) arrive()

    const refusals: { name: string; readyAt: bigint | null }[] = []
    const ask = ({ name, ledger, throttle, at }: (typeof asked)[number]): void => {
      const wait = ledger.wait(at, cost, throttle)
      if (wait !== 0n) refusals.push({ name, readyAt: wait === null ? null : at + wait })
    }
    asked.forEach(ask)
    if (inQuota) {
      const span = this.#span(Number(at))
      const used = own.window === span.start ? own.used : 0n
      if (cost > 0n && used + cost > this.#limit(span)) {
        const never = cost > BigInt(world.quota.limit)
        refusals.push({ name: 'quota', readyAt: never ? null : BigInt(span.end) })
      }
    }
    others.forEach(ask)

    if (refusals.length === 0 && cost > 0n) {
      arrive()
      if (own !== null && inQuota) own.used += cost
      for (const { ledger, at } of [...asked, ...others]) ledger.charges.push({ at, cost })
    }

    let remaining = Infinity
    for (const { ledger, throttle, at } of [...asked, ...others]) {
      remaining = Math.min(remaining, Number(ledger.held(at, throttle) / BigInt(throttle.ms)))
    }
    if (inQuota) {
      const span = this.#span(Number(at))
      const left = this.#limit(span) - (own.window === span.start ? own.used : 0n)
      remaining = Math.min(remaining, Math.max(0, Number(left)))
    }
    const verdict = { at: Number(at), remaining, steppedBack: Number(steppedBack) }
    const [first] = refusals
    if (first === undefined) return { ...verdict, kind: 'allowed', limitedBy: null, retryAfter: null }
    if (refusals.some(({ readyAt }) => readyAt === null)) {
      return { ...verdict, kind: 'never-admitted', limitedBy: first.name, retryAfter: null }
    }
    const readyAt = refusals.map(({ readyAt }) => readyAt as bigint).reduce((a, b) => (a > b ? a : b))
    const kind = first.name === 'quota' ? 'quota-exceeded' : 'throttled'
    return { ...verdict, kind, limitedBy: first.name, retryAfter: Number(readyAt - now) }
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name) ?? new Slot()
    this.#slots.set(name, slot)
    return slot
  }

  #span(now: number) {
    const { quota, weekStart, created } = this.#world
    const { period, offset } = quota!
    return spanOf(period, created === undefined ? offset : 0, weekStart, now)
  }

  #limit({ start, end }: { start: number; end: number }): bigint {
    const { quota, created } = this.#world
    const { limit, offset } = quota!
    if (created === undefined || created * 1000 < start || created * 1000 >= end) return BigInt(limit)
    return BigInt(Math.max(0, limit - offset))
  }
}

export function verdictOf(decision: {
  readonly kind: string
  readonly at: number
  readonly remaining: number
  readonly steppedBack: number
  readonly limitedBy?: string
  readonly retryAfter?: number
}): Verdict {
  const { kind, at, remaining, steppedBack, limitedBy = null, retryAfter = null } = decision
  return { kind: kind as Verdict['kind'], limitedBy, retryAfter, at, remaining, steppedBack }
}
