// Limits as a decision reads them: compiled once per plan, shared by all its keys; and a request measured against them.
// Floor 1: types, and the functions that build them.

import { type Window, windowOf } from './calendar.ts'
import { type Catalog, WEEK_DAYS } from './catalog.ts'
import { hashOf } from './hash.ts'
import type { Quota, QuotaExtension, Throttle, UsagePlan } from './plan.ts'
import { type Grains, grainsPerMs, type Millis, TOKEN } from './units.ts'

/** A throttle in the core's units. */
export interface Bucket {
  /** Grains per ms. */
  readonly rate: number
  readonly capacity: Grains
}

/** A bucket of one method of one stage, kept in the record of each (plan, key) that uses it. */
export interface MethodBucket extends Bucket {
  /** `apiId/stage/template/VERB`. No two methods share one: ids and stages hold no slash, and the verb ends it. */
  readonly id: string
}

/** A bucket that clients share: of a method of a stage, or of the account. A slot of its own. */
export interface SharedBucket extends Bucket {
  readonly name: 'stage' | 'account'
  /** Names the slot: a method's id, or `account`. */
  readonly id: string
  /** The same as a plan's limits, which then has nothing but a bucket. */
  readonly limits: PlanLimits
}

export interface QuotaLimit {
  readonly quota: Quota
  windowAt(now: Millis): Window
  /** What may be used in that window. */
  limitIn(window: Window): number
}

/** The limits of a plan. */
export interface PlanLimits {
  readonly planId: string
  readonly bucket: Bucket | null
  readonly quota: QuotaLimit | null
  /** Of every method the plan throttles on its own, by `MethodBucket.id`. */
  readonly methods: ReadonlyMap<string, MethodBucket>
}

/** A request, found to be metered: what it costs and every limit that applies. What a store takes. */
export interface Metered {
  /** The catalog's version that says so. */
  readonly version: string
  readonly apiId: string
  readonly stage: string
  /** The method's path template and verb as declared: `/pets/{petId}`, `ANY`. */
  readonly path: string
  readonly httpMethod: string
  /** Whose slot it is; null for an open method, on which only shared limits apply. */
  readonly keyId: string | null
  readonly plan: PlanLimits | null
  /** The plan's bucket where it applies to this method. */
  readonly bucket: Bucket | null
  readonly method: MethodBucket | null
  /** Asked after the client's own, in this order. */
  readonly shared: readonly SharedBucket[]
  /** Tokens, and requests of the quota: a whole number ≥ 0. */
  readonly cost: number
}

/** What `meter` (resolve.ts) makes, plain data like every `Metered`: and it remembers a number of its key's id. */
export class MeteredRequest implements Metered {
  declare readonly version: string
  declare readonly apiId: string
  declare readonly stage: string
  declare readonly path: string
  declare readonly httpMethod: string
  declare readonly keyId: string | null
  declare readonly plan: PlanLimits | null
  declare readonly bucket: Bucket | null
  declare readonly method: MethodBucket | null
  declare readonly shared: readonly SharedBucket[]
  declare readonly cost: number
  /** Of this object: a copy, which may be given another key, has none. */
  readonly #keyHash: number

  constructor(
    version: string,
    { apiId, stage }: { readonly apiId: string; readonly stage: string },
    { path, httpMethod }: { readonly path: string; readonly httpMethod: string },
    keyId: string | null,
    keyHash: number,
    plan: PlanLimits | null,
    bucket: Bucket | null,
    method: MethodBucket | null,
    shared: readonly SharedBucket[],
    cost: number,
  ) {
    this.version = version
    this.apiId = apiId
    this.stage = stage
    this.path = path
    this.httpMethod = httpMethod
    this.keyId = keyId
    this.plan = plan
    this.bucket = bucket
    this.method = method
    this.shared = shared
    this.cost = cost
    this.#keyHash = keyHash
  }

  /** `hashOf` of the key's id; 0 without one. */
  static keyHashOf(metered: Metered): number {
    if (#keyHash in metered) return metered.#keyHash
    return metered.keyId === null ? 0 : hashOf(metered.keyId)
  }
}

export function sharedOf(name: SharedBucket['name'], id: string, throttle: Throttle): SharedBucket {
  const bucket = bucketOf(throttle)
  return { ...bucket, name, id, limits: { planId: id, bucket, quota: null, methods: new Map() } }
}

export function bucketOf({ rateLimit, burstLimit }: Throttle): Bucket {
  return { rate: grainsPerMs(rateLimit), capacity: burstLimit * TOKEN }
}

/** @param weekStart 0 = Sunday … 6 = Saturday  @param initial whether `offset` is requests of the window of `createdDate` */
export function quotaOf(quota: Quota, weekStart: number, initial: { readonly createdDate: Millis } | null): QuotaLimit {
  const { limit, period, offset = 0 } = quota
  const shift = initial === null ? offset : 0
  // The window of the last request is nearly always the window of this one.
  let last: Window = { start: 0, end: 0 }
  return {
    quota,
    windowAt: now => (now >= last.start && now < last.end ? last : (last = windowOf(period, shift, weekStart, now))),
    limitIn: ({ start, end }) =>
      initial !== null && start <= initial.createdDate && initial.createdDate < end
        ? Math.max(0, limit - offset)
        : limit,
  }
}

/** The quota of a plan as its catalog means it. */
export function quotaIn({ semantics }: Pick<Catalog, 'semantics'>, plan: UsagePlan): QuotaLimit | null {
  if (plan.quota === undefined) return null
  const initial = semantics.quotaOffset === 'initial-requests' ? { createdDate: (plan.createdDate ?? 0) * 1000 } : null
  return quotaOf(plan.quota, WEEK_DAYS.indexOf(semantics.weekStart ?? 'SUNDAY'), initial)
}

/** A plan's limits for a key whose quota was extended, or cut, for a window. */
export function extended<Plan extends Pick<PlanLimits, 'planId' | 'quota'>>(
  plan: Plan,
  extensions: readonly QuotaExtension[],
): Plan {
  const { planId, quota } = plan
  const of = extensions.find(({ usagePlanId }) => usagePlanId === planId)
  if (quota === null || of === undefined) return plan
  const limitIn = (window: Window): number =>
    Math.max(0, quota.limitIn(window) + (window.start === of.windowStart * 1000 ? of.requests : 0))
  return { ...plan, quota: { ...quota, limitIn } }
}
