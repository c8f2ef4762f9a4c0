// The smallest limits under which at most a share of a log would have been refused. Floor 4. Arrivals are kept, 20 bytes
// each, and tried again and again: a larger bucket refuses no more, so each search is by halves.

import { levelAfter } from '../core/bucket.ts'
import { windowOf } from '../core/calendar.ts'
import type { Catalog } from '../core/catalog.ts'
import { decide } from '../core/decide.ts'
import { type Bucket, bucketOf, type Metered, type PlanLimits, quotaOf } from '../core/limits.ts'
import type { Period, Quota, Throttle } from '../core/plan.ts'
import type { State } from '../core/state.ts'
import { grainsPerMs, MAX_BURST, MIN_RATE, type Millis, TOKEN } from '../core/units.ts'
import { Lane } from './lane.ts'
import type { Line } from './line.ts'

/** Arrivals of one plan, one key, or all. In the order of their times. */
export class Arrivals {
  readonly name: string
  times: Float64Array = new Float64Array(1024)
  keys: Int32Array = new Int32Array(1024)
  costs: Float64Array = new Float64Array(1024)
  count = 0
  keyCount = 0

  constructor(name: string) {
    this.name = name
  }

  /** @param key counts the keys of this group from 0 */
  add(time: Millis, key: number, cost: number): void {
    if (this.count === this.times.length) {
      const grown = <A extends Float64Array | Int32Array>(old: A, made: A): A => {
        made.set(old)
        return made
      }
      this.times = grown(this.times, new Float64Array(2 * this.count))
      this.keys = grown(this.keys, new Int32Array(2 * this.count))
      this.costs = grown(this.costs, new Float64Array(2 * this.count))
    }
    this.times[this.count] = time
    this.keys[this.count] = key
    this.costs[this.count++] = cost
    if (key >= this.keyCount) this.keyCount = key + 1
  }
}

export type GroupBy = 'plan' | 'key' | 'all'

/** Lines → arrivals by group: who is on which plan is asked of the catalog, without its limits. */
export class Gathering {
  readonly #by: GroupBy
  readonly #lane: Lane
  readonly #groups = new Map<string, { readonly arrivals: Arrivals; readonly numbers: Map<string, number> }>()
  /** Lines that no plan covers. */
  uncovered = 0

  constructor(catalog: Catalog, by: GroupBy) {
    this.#by = by
    this.#lane = new Lane(0, withoutLimits(catalog))
  }

  get groups(): Arrivals[] {
    return [...this.#groups.values()].map(({ arrivals }) => arrivals).sort((a, b) => b.count - a.count)
  }

  add({ time, asked, caller, cost }: Line): void {
    const decision = this.#lane.judge(asked, caller, cost, time)
    if (!('metered' in decision) || decision.keyId === null || decision.planId === null) {
      if (!decision.admitted) this.uncovered++
      return
    }
    const { keyId, planId } = decision
    const name = this.#by === 'plan' ? planId : this.#by === 'key' ? keyId : 'all'
    let group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, (group = { arrivals: new Arrivals(name), numbers: new Map() }))
    const { arrivals, numbers } = group
    let number = numbers.get(keyId)
    if (number === undefined) numbers.set(keyId, (number = numbers.size))
    arrivals.add(time, number, cost)
  }
}

function withoutLimits(catalog: Catalog): Catalog {
  return {
    ...catalog,
    account: {},
    apis: catalog.apis.map(api => ({ ...api, stages: api.stages.map(({ methodSettings, ...stage }) => stage) })),
    usagePlans: catalog.usagePlans.map(({ throttle, quota, ...plan }) => ({
      ...plan,
      apiStages: plan.apiStages.map(({ apiId, stage }) => ({ apiId, stage })),
    })),
  }
}

export interface FitOptions {
  /** Of all requests, 0 … 1: the most that may be refused. Half of it is the throttle's, half the quota's. */
  readonly share: number
  readonly period: Period
  /** Given, and not looked for. */
  readonly rateLimit?: number | undefined
  readonly burstLimit?: number | undefined
  /** Told what is tried, for who waits. */
  readonly onTry?: () => void
}

export interface Fit {
  readonly group: string
  readonly requests: number
  readonly keys: number
  readonly throttle: Throttle
  readonly quota: Quota
  /** What `decide` refuses of the arrivals under these limits. */
  readonly refused: { readonly throttled: number; readonly quotaExceeded: number }
  /** The smallest burst for each rate, from the slowest on. */
  readonly curve: readonly Throttle[]
}

/** Limits for a group of arrivals, of which there is at least one. */
export function fitted(arrivals: Arrivals, { share, period, rateLimit, burstLimit, onTry }: FitOptions): Fit {
  const most = Math.floor(share * arrivals.count)
  const forThrottle = Math.floor(most / 2)
  const search = new Search(arrivals, forThrottle, onTry ?? (() => {}))
  let curve: Throttle[] = []
  let throttle: Throttle
  if (rateLimit !== undefined) throttle = { rateLimit, burstLimit: search.burstFor(rateLimit) }
  else if (burstLimit !== undefined) throttle = { rateLimit: search.rateFor(burstLimit), burstLimit }
  else {
    curve = search.curve()
    const knee = kneeOf(curve)
    throttle = { rateLimit: search.rateFor(knee.burstLimit, knee.rateLimit), burstLimit: knee.burstLimit }
  }
  const quota: Quota = { limit: quotaFor(arrivals, period, most - forThrottle), period }
  const refused = judged(arrivals, throttle, quota)
  return { group: arrivals.name, requests: arrivals.count, keys: arrivals.keyCount, throttle, quota, refused, curve }
}

/** Rates between two powers of ten: round ones, a fifth to a third apart. */
const STEPS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]
/** The fastest rate that is tried, per second. */
const FASTEST = 1e5

class Search {
  readonly #arrivals: Arrivals
  readonly #most: number
  readonly #onTry: () => void
  readonly #levels: Float64Array
  readonly #ats: Float64Array

  constructor(arrivals: Arrivals, most: number, onTry: () => void) {
    this.#arrivals = arrivals
    this.#most = most
    this.#onTry = onTry
    this.#levels = new Float64Array(arrivals.keyCount)
    this.#ats = new Float64Array(arrivals.keyCount)
  }

  /** The smallest burst at a rate. */
  burstFor(rateLimit: number): number {
    const rate = grainsPerMs(rateLimit)
    let [low, high] = [1, this.#burstOfAll(rate)]
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2)
      if (this.#refused({ rate, capacity: middle * TOKEN }) <= this.#most) high = middle
      else low = middle + 1
    }
    return low
  }

  /** The smallest rate with a burst, to three digits. @param known one that is enough */
  rateFor(burstLimit: number, known: number = FASTEST): number {
    const capacity = burstLimit * TOKEN
    const isEnough = (rateLimit: number): boolean =>
      this.#refused({ rate: grainsPerMs(rateLimit), capacity }) <= this.#most
    let [low, high] = [MIN_RATE, known]
    if (!isEnough(high)) return high
    while (high / low > 1.0005) {
      const middle = Math.sqrt(low * high)
      if (isEnough(middle)) high = middle
      else low = middle
    }
    // Rounded up, then down as far as three digits go.
    const step = 10 ** (Math.floor(Math.log10(high)) - 2)
    const up = Number((Math.ceil(high / step - 1e-9) * step).toPrecision(3))
    const less = Number((up - step).toPrecision(3))
    return less >= MIN_RATE && isEnough(less) ? less : up
  }

  /**
   * The smallest bursts for round rates: from what the busiest key asks on average to ten times the rate from which on a
   * faster one gains nothing.
   */
  curve(): Throttle[] {
    const curve: Throttle[] = []
    const fewest = this.burstFor(FASTEST)
    let last = FASTEST
    for (const rateLimit of roundRates(Math.max(MIN_RATE, this.#busiest()))) {
      if (rateLimit > last) break
      const burstLimit = last < FASTEST ? fewest : this.burstFor(rateLimit)
      if (burstLimit <= MAX_BURST) curve.push({ rateLimit, burstLimit })
      if (burstLimit <= fewest) last = Math.min(last, 10 * rateLimit)
    }
    return curve
  }

  /** Requests a second of the key that asks most, over the whole log. */
  #busiest(): number {
    const { times, keys, costs, count } = this.#arrivals
    const sums = this.#levels.fill(0)
    for (let i = 0; i < count; i++) sums[keys[i]!]! += costs[i]!
    const seconds = Math.max(1, (times[count - 1]! - times[0]!) / 1000)
    return sums.reduce((most, sum) => Math.max(most, sum), 0) / seconds
  }

  /** The burst at which nothing is refused: the deepest that any key ever falls behind the rate. */
  #burstOfAll(rate: number): number {
    const { times, keys, costs, count } = this.#arrivals
    const levels = this.#levels.fill(0)
    const ats = this.#ats.fill(0)
    let deepest = 0
    for (let i = 0; i < count; i++) {
      const key = keys[i]!
      const time = times[i]!
      const elapsed = Math.max(0, time - ats[key]!)
      const depth = Math.max(0, levels[key]! - elapsed * rate) + costs[i]! * TOKEN
      levels[key] = depth
      if (elapsed > 0) ats[key] = time
      if (depth > deepest) deepest = depth
    }
    this.#onTry()
    return Math.max(1, Math.ceil(deepest / TOKEN))
  }

  #refused({ rate, capacity }: Bucket): number {
    const { times, keys, costs, count } = this.#arrivals
    const levels = this.#levels.fill(capacity)
    const ats = this.#ats.fill(0)
    let refused = 0
    for (let i = 0; i < count; i++) {
      const key = keys[i]!
      const time = times[i]!
      const elapsed = Math.max(0, time - ats[key]!)
      const level = levelAfter(levels[key]!, elapsed, rate, capacity)
      const need = costs[i]! * TOKEN
      if (level < need) {
        if (++refused > this.#most) break
        continue
      }
      levels[key] = level - need
      if (elapsed > 0) ats[key] = time
    }
    this.#onTry()
    return refused
  }
}

/** Round rates from the first that is at least `from`. */
function* roundRates(from: number): Generator<number, void, undefined> {
  for (let power = Math.floor(Math.log10(from)); ; power++) {
    for (const step of STEPS) {
      const rate = Number((step * 10 ** power).toPrecision(2))
      if (rate >= from) yield rate
    }
  }
}

/** The point of a curve nearest to what neither of its ends has both of: the slowest rate and the smallest burst. */
function kneeOf(curve: readonly Throttle[]): Throttle {
  const part = (of: (throttle: Throttle) => number): ((throttle: Throttle) => number) => {
    const all = curve.map(throttle => Math.log(of(throttle)))
    const [low, high] = [Math.min(...all), Math.max(...all)]
    return throttle => (high === low ? 0 : (Math.log(of(throttle)) - low) / (high - low))
  }
  const [x, y] = [part(({ rateLimit }) => rateLimit), part(({ burstLimit }) => burstLimit)]
  const distance = (throttle: Throttle): number => x(throttle) ** 2 + y(throttle) ** 2
  return curve.reduce((best, throttle) => (distance(throttle) < distance(best) ? throttle : best))
}

/** The smallest quota under which at most `most` are refused: what a key asks beyond it in a window is. */
function quotaFor({ times, keys, costs, count, keyCount }: Arrivals, period: Period, most: number): number {
  let window = windowOf(period, 0, 0, times[0]!)
  let used = new Float64Array(keyCount)
  const totals: number[] = []
  const close = (): void => {
    for (const sum of used) if (sum > 0) totals.push(sum)
  }
  for (let i = 0; i < count; i++) {
    if (times[i]! >= window.end) {
      close()
      used = new Float64Array(keyCount)
      window = windowOf(period, 0, 0, times[i]!)
    }
    used[keys[i]!]! += costs[i]!
  }
  close()
  const over = (limit: number): number => totals.reduce((sum, total) => sum + Math.max(0, total - limit), 0)
  let [low, high] = [1, totals.reduce((most, total) => Math.max(most, total), 1)]
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (over(middle) <= most) high = middle
    else low = middle + 1
  }
  return low
}

/** What the engine refuses of the arrivals. */
function judged({ times, keys, costs, count }: Arrivals, throttle: Throttle, quota: Quota): Fit['refused'] {
  const bucket = bucketOf(throttle)
  const plan: PlanLimits = { planId: 'fit', bucket, quota: quotaOf(quota, 0, null), methods: new Map() }
  const states: (State | null)[] = []
  const refused = { throttled: 0, quotaExceeded: 0 }
  for (let i = 0; i < count; i++) {
    const key = keys[i]!
    const metered: Metered = {
      version: 'fit',
      apiId: 'fit',
      stage: 'fit',
      path: '/',
      httpMethod: 'ANY',
      keyId: 'fit',
      plan,
      bucket,
      method: null,
      shared: [],
      cost: costs[i]!,
    }
    const decision = decide(metered, states[key] ?? null, times[i]!)
    if (decision.changed) states[key] = decision.state
    if (decision.kind === 'quota-exceeded') refused.quotaExceeded++
    else if (!decision.admitted) refused.throttled++
  }
  return refused
}
