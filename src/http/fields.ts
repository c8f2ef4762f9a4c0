// The RateLimit fields, of draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and nothing else of it. Floor 4.
// The draft is not finished and its next version renames parameters (r, t → a, w): all of that is in this file, and the
// version is what it exports. Values are Structured Fields (RFC 9651): lists of strings with integer parameters.

import { msUntil } from '../core/bucket.ts'
import type { Window } from '../core/calendar.ts'
import { type MeteredDecision, methodLevelOf } from '../core/decision.ts'
import type { Bucket, MethodBucket, PlanLimits } from '../core/limits.ts'
import { ceilSeconds, type Millis, TOKEN } from '../core/units.ts'

/** The version that these fields follow. */
export const DRAFT = 11

/** The value of `RateLimit-Policy` and of `RateLimit`; null where the client has no limit of its own. */
export interface RateLimitFields {
  readonly policy: string
  readonly limit: string
}

/** What is told to all who ask for one method under one plan in one window of its quota. */
interface Policy {
  readonly start: Millis
  readonly text: string
}

/** By plan and method: a text that rarely changes is not made for each request. */
const POLICIES = new WeakMap<PlanLimits, Map<MethodBucket | null, Policy>>()

/**
 * What a decision tells its client of the client's own limits.
 *
 * The quota is called by its plan's id, the throttle `<id>-rate`, a method's throttle `<id>-method`. Limits that clients
 * share are not told. Ids hold nothing that a Structured Field would have to escape.
 */
export function rateLimitFields({ metered, state, at }: MeteredDecision): RateLimitFields | null {
  const { plan, bucket, method } = metered
  if (plan === null || state === null) return null
  let limit = ''
  let window: Window = NO_WINDOW
  let quota = 0
  if (plan.quota !== null) {
    window = plan.quota.windowAt(at)
    quota = plan.quota.limitIn(window)
    limit = `"${plan.planId}";r=${Math.max(0, quota - state.used)}${seconds('t', window.end - at)}`
  }
  if (bucket !== null) limit = listed(limit, plan, '-rate', left(bucket, state.level))
  if (method !== null) {
    limit = listed(limit, plan, '-method', left(method, methodLevelOf(state, method.id) ?? method.capacity))
  }
  return limit === '' ? null : { policy: policyOf(plan, bucket, method, quota, window), limit }
}

const NO_WINDOW: Window = { start: 0, end: 0 }

function policyOf(
  plan: PlanLimits,
  bucket: Bucket | null,
  method: MethodBucket | null,
  quota: number,
  { start, end }: Window,
): string {
  let policies = POLICIES.get(plan)
  if (policies === undefined) POLICIES.set(plan, (policies = new Map()))
  const known = policies.get(method)
  if (known !== undefined && known.start === start) return known.text
  let text = plan.quota === null ? '' : `"${plan.planId}";q=${quota}${seconds('w', end - start)}`
  if (bucket !== null) text = listed(text, plan, '-rate', size(bucket))
  if (method !== null) text = listed(text, plan, '-method', size(method))
  policies.set(method, { start, text })
  return text
}

function listed(before: string, { planId }: PlanLimits, of: string, parameters: string): string {
  return `${before === '' ? '' : `${before}, `}"${planId}${of}"${parameters}`
}

function size({ rate, capacity }: Bucket): string {
  return `;q=${capacity / TOKEN}${seconds('w', rate === 0 ? Infinity : Math.ceil(capacity / rate))}`
}

function left({ rate, capacity }: Bucket, level: number): string {
  const tokens = Math.floor(level / TOKEN)
  // How long until there is one token more; in a full bucket, until there would be. One that holds none has no such time.
  const full = level === capacity && capacity > 0
  const next = full ? Math.ceil(TOKEN / rate) : msUntil((tokens + 1) * TOKEN, level, rate, capacity)
  return `;r=${tokens}${seconds('t', next)}`
}

/** `Infinity` where there is no such time. */
function seconds(parameter: string, ms: Millis): string {
  return ms === Infinity ? '' : `;${parameter}=${ceilSeconds(ms)}`
}
