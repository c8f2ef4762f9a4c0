// The auditor: hears every write of the server and every answer to a client, and holds one against the other. It knows
// what was promised and nothing of how it is kept: limits are rationals, windows are days, and what it tells of a record
// is the public format.

import type { Allowed, Decision } from '../../src/core/decision.ts'
import { recordIn } from './redis-model.ts'
import type { Entry, Witness } from './server.ts'
import { DAY, HOUR, type Key, type Plan, type Throttle, type World } from './world.ts'

const TOKEN = 432_000_000

/** What a process asked, and what became of it. */
export interface Request {
  readonly id: number
  readonly key: Key
  readonly path: '/a' | '/b'
  readonly cost: number
  /** What its process's clock said. */
  readonly asked: number
  /** When that was. */
  readonly since: number
  /** `lost`: its process ended before it was answered. */
  outcome: 'waits' | 'answered' | 'thrown' | 'lost'
  decision: Decision | null
  /** What the store said to the guard, in time or not. `not`: certainly nothing was done. */
  store: 'not-asked' | 'waits' | 'allowed' | 'refused' | 'unknown' | 'not'
  back: 'no' | 'asked' | 'done'
  /** How many gifts back had been written when it was asked. */
  giftsBefore: number
  /** Whether it was the client that gave it back, having been served. */
  backByClient: boolean
}

interface Record_ {
  readonly at: number
  readonly level: number
  readonly window: number
  readonly used: number
  readonly methods: readonly (readonly [id: string, level: number, at: number])[]
}

interface Write {
  readonly record: Record_
  /** Cost charged; below 0 given back. */
  readonly cost: number
  /** Time stepped back between two of them: what was promised of intervals is promised within one. */
  readonly segment: number
  /** How often its record had expired before. */
  readonly expiries: number
  readonly when: number
  isLost: boolean
  claimed: Request | null
}

interface Slot {
  readonly name: string
  readonly own: Key | null
  readonly throttles: readonly Throttle[]
  /** Those that are in force, and of those that are lost. */
  writes: Write[]
  readonly all: Write[]
  readonly byMark: Map<string, Write[]>
  segment: number
  /** Too early, by a clock that is wrong by hours. */
  expiries: number
  latest: number
  lostCharges: number
  /** Given back after a charge was lost: perhaps that one, which nobody had paid then. */
  orphans: number
  wasSetBack: boolean
  /** What was under way when a window was over: what is given back later stays counted in that one. */
  leftBehind: number
}

export interface AuditOptions {
  readonly world: World
  now(): number
  /** What the clocks that stamp records said then (ms ago of true time), the least and the greatest. */
  clocks(ago: number): readonly [least: number, greatest: number]
  /** Whether one of those clocks was set. */
  wereClocksSet(): boolean
  mark(what: string): void
}

export class Audit implements Witness {
  readonly failures: string[] = []
  readonly requests: Request[] = []
  readonly #options: AuditOptions
  readonly #slots = new Map<string, Slot>()
  #greatestClock = -Infinity

  /** Charges, and gifts back, that were written. */
  charges = 0
  gifts = 0
  /** What the server is doing when it loses something. */
  losing = ''
  /** ms by which the clock that values expire by is wrong. */
  serverOffset = 0

  constructor(options: AuditOptions) {
    this.#options = options
    const { topology, plans, keys, stage, account } = options.world
    // There every process counts for itself (process.ts).
    if (topology === 'memory') return
    const isCas = topology === 'cas'
    const add = (name: string, own: Key | null, throttles: readonly Throttle[]): void => {
      const numbers = { segment: 0, expiries: 0, latest: -Infinity, lostCharges: 0, orphans: 0, leftBehind: 0 }
      this.#slots.set(name, {
        name,
        own,
        throttles,
        writes: [],
        all: [],
        byMark: new Map(),
        wasSetBack: false,
        ...numbers,
      })
    }
    for (const key of keys) {
      for (const plan of plans) {
        if (key.plan !== plan) continue
        add(isCas ? `record/${plan.id}/${key.id}` : `tollgate:{${plan.id}/${key.id}}`, key, plan.throttles)
      }
    }
    const shared: [string, Throttle | null][] = [
      ['api/s/a/GET', stage],
      ['api/s/b/GET', stage],
      ['account', account],
    ]
    for (const [id, throttle] of shared) {
      if (throttle !== null) add(isCas ? `shared/${id}` : `tollgate:shared:{${id}}`, null, [throttle])
    }
  }

  fail(what: string): void {
    if (this.failures.length < 10) this.failures.push(what)
  }

  /** A clock that stamps records was read. */
  clockSaid(now: number): void {
    if (now > this.#greatestClock) this.#greatestClock = now
  }

  // ── what the server does ──

  wrote(key: string, before: Entry | undefined, after: Entry | undefined): void {
    const slot = this.#slots.get(key)
    if (slot === undefined) {
      this.#unexpected(key)
      return
    }
    if (after === undefined) {
      this.fail(`${key}: deleted`)
      return
    }
    const record = recordOf(after)
    const was = before === undefined ? null : recordOf(before)
    if (record.at < slot.latest) {
      slot.segment++
      slot.wasSetBack = true
      if (was !== null) {
        this.#options.mark('record set back')
        if (!this.#options.world.leaps) this.fail(`${key}: time went back, ${slot.latest} → ${record.at}`)
      }
    }
    slot.latest = record.at
    if (was !== null && was.window !== record.window) {
      for (const { key, store, cost } of this.requests)
        if (key === slot.own && store === 'waits') slot.leftBehind += cost
    }
    if (record.at > Math.max(this.#greatestClock, was?.at ?? -Infinity))
      this.fail(`${key}: stamped ${record.at}, which no clock has said`)
    const cost = slot.own === null ? costByLevel(slot.throttles[0]!, was, record) : costByUse(was, record)
    const { segment, expiries } = slot
    const write: Write = { record, cost, segment, expiries, when: this.#options.now(), isLost: false, claimed: null }
    slot.writes.push(write)
    slot.all.push(write)
    if (cost > 0) this.charges++
    if (cost < 0) this.gifts++
    if (cost < 0 && slot.lostCharges > slot.orphans) {
      slot.orphans++
      this.#options.mark('gave back what was lost')
    }
    if (cost <= 0) return
    const mark = markOf(record.at, record.level, slot.own === null ? 0 : record.used, cost)
    const found = slot.byMark.get(mark)
    if (found === undefined) slot.byMark.set(mark, [write])
    else found.push(write)
  }

  lost(key: string): void {
    const slot = this.#slots.get(key)
    const write = slot?.writes.pop()
    if (slot === undefined || write === undefined) return
    write.isLost = true
    if (write.cost > 0) slot.lostCharges++
    if (write.claimed !== null) this.#options.mark(`${this.losing} that lost an acknowledged charge`)
    const last = slot.writes.at(-1)
    slot.latest = last?.record.at ?? -Infinity
    // What has expired since is not there again.
    slot.segment = (last?.segment ?? 0) + slot.expiries - (last?.expiries ?? 0)
  }

  /** It must not be told from none: by the clock that wrote it, less the hour by which clocks may step back. */
  expired(key: string, entry: Entry): void {
    const slot = this.#slots.get(key)
    if (slot === undefined) return
    this.#options.mark('record expired')
    if (this.#options.world.leaps) {
      // By a clock that is wrong by hours what is over too early begins anew: one burst, once.
      slot.segment++
      slot.expiries++
      slot.wasSetBack = true
      return
    }
    const { clocks, wereClocksSet, now } = this.#options
    const [least, greatest] = clocks(now() - (entry.expireAt - this.serverOffset))
    // A minute for what clocks drift in days.
    const at = wereClocksSet() ? least : greatest - HOUR + 60_000
    const record = recordOf(entry)
    if (!slot.throttles.some(throttle => isLikeNone(record, throttle, slot.own?.plan ?? null, at)))
      this.fail(`${key}: expired ${JSON.stringify(record)}, which can be told from none at ${at}`)
  }

  /** What else a store keeps of a record is named after it. */
  #unexpected(key: string): void {
    const named = this.#options.world.keys.some(({ id, plan }) => key.includes(`{${plan.id}/${id}}`))
    if (!named) this.fail(`state for what nobody declared: ${key}`)
    if (this.#options.world.keys.some(({ value }) => key.includes(value))) this.fail(`a key's value is a name: ${key}`)
  }

  // ── what clients are told ──

  /** A request was answered with a decision of the store. */
  answered(request: Request, decision: Allowed): void {
    const { key, asked } = request
    const own = this.#ownSlot(key)
    if (this.#claim(own, request, decision.at, decision.state!.level, decision.state!.used) === null)
      this.fail(`request ${request.id}: served, and nobody paid ${own.name} for it`)
    const ids = decision.metered.shared.map(({ id }) => id)
    ids.forEach((id, i) => {
      const { at, level } = decision.sharedStates[i]!
      const slot = [...this.#slots.values()].find(({ name }) => name.endsWith(`/${id}`) || name.endsWith(`{${id}}`))!
      if (this.#claim(slot, request, at, level, 0) === null)
        this.fail(`request ${request.id}: served, and nobody paid ${slot.name} for it`)
    })
    if (this.#options.world.clock === 'host' && decision.at < Math.floor(asked) && decision.steppedBack === 0)
      this.fail(`request ${request.id}: judged at ${decision.at}, before it came at ${asked}`)
  }

  #ownSlot(key: Key): Slot {
    return [...this.#slots.values()].find(({ own }) => own === key)!
  }

  #claim(slot: Slot, request: Request, at: number, level: number, used: number): Write | null {
    const writes = slot.byMark.get(markOf(at, level, used, request.cost)) ?? []
    // Nobody paid before being asked. Of two that look the same, one that is in force.
    const open = writes.filter(({ claimed, when }) => claimed === null && when >= request.since)
    const write = open.find(({ isLost }) => !isLost) ?? open[0]
    if (write === undefined) return null
    write.claimed = request
    return write
  }

  /** The window that the record of a key counts in. */
  windowOf(key: Key): number | null {
    return this.#ownSlot(key).writes.at(-1)?.record.window ?? null
  }

  // ── the books ──

  /** @param missedBacks gifts that came to a record whose window was over: what they gave stays counted in that one */
  reconcile(missedBacks: ReadonlyMap<string, number>): void {
    for (const request of this.requests) this.#isSettled(request)
    for (const slot of this.#slots.values()) {
      if (slot.own !== null) this.#conserves(slot, missedBacks.get(slot.own.id) ?? 0)
      this.#bounds(slot)
    }
  }

  /** A ledger kept beside the record has what was charged and not given back, in whatever day. */
  checkUse(key: Key, used: number, missed: number): void {
    const slot = this.#ownSlot(key)
    const net = slot.writes.reduce((sum, { cost }) => sum + cost, 0)
    // What is given back when its window is over is taken off its day, and of no window; what was lost, of either.
    const open = missed + slot.leftBehind + 2 * (slot.orphans + slot.lostCharges)
    if (Math.abs(used - net) > open && !slot.wasSetBack)
      this.fail(`${slot.name}: ${used} in the ledger, and ${net} charged`)
  }

  /** What was charged too late for a request that was refused is given back; for one that was served it stays. */
  #isSettled({ id, outcome, decision, store, back, backByClient }: Request): void {
    if (store !== 'allowed' || backByClient) return
    const isServed = outcome === 'answered' && decision?.admitted === true
    if (isServed && back !== 'no') this.fail(`request ${id}: served, and given back`)
    if (!isServed && back === 'no') this.fail(`request ${id}: charged, refused, and never given back`)
  }

  /** served ≤ charged − given back ≤ served + those whose fate nobody knows. */
  #conserves(slot: Slot, missed: number): void {
    const net = slot.all.reduce((sum, { cost }) => sum + cost, 0)
    // A charge that is lost cannot be given back any more, and a gift that is lost is none.
    const lost = slot.all.reduce((sum, { cost, isLost }) => sum + (isLost ? Math.abs(cost) : 0), 0)
    let served = 0
    let unknown = missed + lost + slot.leftBehind
    for (const request of this.requests) {
      if (request.key !== slot.own || request.store === 'not-asked') continue
      const isServed = request.store === 'allowed' && isServedByStore(request)
      if (isServed && request.back === 'no') served += request.cost
      // Given back, or perhaps not; what was answered late is given back, and counts as unknown where that failed.
      else if (isServed && request.back === 'asked') unknown += request.cost
      else if (isServed || request.store === 'refused' || request.store === 'not') continue
      else if (request.store === 'allowed' && request.back === 'done') continue
      else unknown += request.cost
    }
    // A gift that is lost may be made once more, by the copy of a message.
    const remade = slot.all.reduce((sum, { cost, isLost }) => sum + (isLost && cost < 0 ? -cost : 0), 0)
    if (net + remade + 2 * slot.orphans < served) this.fail(`${slot.name}: ${served} served, and ${net} charged`)
    // Where time was set back a window comes twice, and nobody can say in which of the two a gift would count.
    if (net > served + unknown && !slot.wasSetBack)
      this.fail(`${slot.name}: ${net} charged, and ${served} served, ${unknown} of unknown fate`)
  }

  /** What was served, and is not lost, keeps within burst + rate·Δ in every interval, and within its quota. */
  #bounds(slot: Slot): void {
    const served = slot.writes.filter(
      ({ claimed }) => claimed !== null && !(claimed.back !== 'no' && claimed.backByClient),
    )
    const extra = slot.orphans
    const charges = served.map(
      ({ record, cost, segment, claimed }): Charge => ({ at: record.at, cost, segment, path: claimed!.path }),
    )
    this.#keepsWithin(slot.name, charges, greatestOf(slot.throttles), extra)
    if (slot.own === null) return
    const { method, quota } = slot.own.plan
    if (method !== null) {
      const ofMethod = charges.filter(({ path }) => path === '/a')
      this.#keepsWithin(`${slot.name}/a`, ofMethod, method, extra)
    }
    if (quota !== null) this.#keepsQuota(slot.name, charges, quota + 2 * extra)
  }

  /** A request costs 2 at most, and so does what was given back though nobody had paid. */
  #keepsWithin(name: string, charges: readonly Charge[], { tokens, ms, burst }: Throttle, extra: number): void {
    const wrong = overdrawn(charges, tokens, ms, (burst + 2 * extra) * ms)
    if (wrong !== null) this.fail(`${name}: more than ${burst} + ${tokens}/${ms} ms (+ ${2 * extra}) up to ${wrong}`)
  }

  /** What a process admitted by itself keeps within its share. Grains, and what is rounded is rounded down. */
  keepsShare(name: string, charges: readonly Charge[], { throttles, quota, method }: Plan, share: number): void {
    const within = (what: string, of: readonly Charge[], { tokens, ms, burst }: Throttle): void => {
      const rate = Math.floor(((tokens * TOKEN) / ms) * share)
      const wrong = overdrawn(of, rate, TOKEN, Math.floor(burst * TOKEN * share))
      if (wrong !== null) this.fail(`${what}: more than its share of ${share} up to ${wrong}`)
    }
    within(name, charges, greatestOf(throttles))
    if (method !== null)
      within(
        `${name}/a`,
        charges.filter(({ path }) => path === '/a'),
        method,
      )
    if (quota !== null) this.#keepsQuota(name, charges, Math.floor(quota * share))
  }

  #keepsQuota(name: string, charges: readonly Charge[], quota: number): void {
    const used = new Map<string, number>()
    for (const { at, cost, segment } of charges) {
      const window = `${Math.floor(at / DAY)} ${segment}`
      used.set(window, (used.get(window) ?? 0) + cost)
    }
    for (const [window, sum] of used)
      if (sum > quota) this.fail(`${name}: ${sum} of a quota of ${quota} on day ${window}`)
  }
}

/** What was served, and counts. */
export interface Charge {
  readonly at: number
  readonly cost: number
  readonly path: '/a' | '/b'
  /** Time stepped back between two of them: what was promised of intervals is promised within one. */
  readonly segment: number
}

/** A decision of the store, told to whoever asked. */
export function isServedByStore({ outcome, decision }: Request): boolean {
  return outcome === 'answered' && decision?.kind === 'allowed' && decision.degraded === undefined
}

/**
 * The first instant up to which more than `capacity + tokens·Δ` parts were taken in some interval, of which a cost is `ms`
 * each; null where there is none. Whole numbers below 2^53.
 */
function overdrawn(charges: readonly Charge[], tokens: number, ms: number, capacity: number): number | null {
  let debt = 0
  let last: Charge | null = null
  for (const charge of [...charges].sort((a, b) => a.segment - b.segment || a.at - b.at)) {
    // The worst interval that ends here begins where the debt last was 0.
    if (last === null || last.segment !== charge.segment) debt = 0
    else debt = Math.max(0, debt - tokens * (charge.at - last.at))
    debt += charge.cost * ms
    last = charge
    if (debt > capacity) return charge.at
  }
  return null
}

function recordOf({ value }: Entry): Record_ {
  const encoded = (recordIn(value) ?? JSON.parse(value as string)) as [number, number, number, number, number]
  const [version, at, level, window, used, ...methods] = encoded
  if (version !== 1) throw new Error(`a record of version ${version}`)
  return { at, level, window, used, methods: methods as unknown as Record_['methods'] }
}

const markOf = (at: number, level: number, used: number, cost: number): string => `${at} ${level} ${used} ${cost}`

function costByUse(was: Record_ | null, { window, used, at }: Record_): number {
  if (was === null) return used
  // Set back, or in the same window, the use goes on.
  if (was.window === window || at < was.at) return used - was.used
  return used
}

/** Of what has no quota: what the level lacks of what it would be. */
function costByLevel({ tokens, ms, burst }: Throttle, was: Record_ | null, { at, level }: Record_): number {
  const full = burst * TOKEN
  const rate = (tokens * TOKEN) / ms
  const held = was === null ? full : Math.min(full, was.level + Math.max(0, at - was.at) * rate)
  return (held - level) / TOKEN
}

function greatestOf(throttles: readonly Throttle[]): Throttle {
  const fastest = throttles.reduce((a, b) => (b.tokens * a.ms > a.tokens * b.ms ? b : a))
  return { ...fastest, burst: Math.max(...throttles.map(({ burst }) => burst)) }
}

function isLikeNone(record: Record_, throttle: Throttle, plan: Plan | null, at: number): boolean {
  const isFull = ({ tokens, ms, burst }: Throttle, level: number, since: number): boolean =>
    level + Math.max(0, at - since) * ((tokens * TOKEN) / ms) >= burst * TOKEN
  if (at < record.at || !isFull(throttle, record.level, record.at)) return false
  if (plan === null) return true
  if (plan.quota !== null && record.used > 0 && Math.floor(at / DAY) * DAY === record.window) return false
  // What has no id is no bucket: when the record was last given something back.
  const methods = record.methods.filter(([id]) => id !== '')
  return plan.method === null || methods.every(([, level, since]) => isFull(plan.method!, level, since))
}
