// The RateLimit fields, of draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and nothing else of it. Floor 4.
// The draft is not finished and its next version renames parameters (r, t → a, w): all of that is in this file, and the
// version is what it exports. Values are Structured Fields (RFC 9651): lists of strings with integer parameters.

import { msUntil } from '../core/bucket.ts'
import type { MeteredDecision } from '../core/decision.ts'
import type { Bucket } from '../core/limits.ts'
import { ceilSeconds, TOKEN } from '../core/units.ts'

/** The version that these fields follow. */
export const DRAFT = 11

/** The value of `RateLimit-Policy` and of `RateLimit`; null where the client has no limit of its own. */
export interface RateLimitFields {
  readonly policy: string
  readonly limit: string
}

/**
 * What a decision tells its client of the client's own limits.
 *
 * The quota is called by its plan's id, the throttle `<id>-rate`, a method's throttle `<id>-method`. Limits that clients
 * share are not told. Ids hold nothing that a Structured Field would have to escape.
 */
export function rateLimitFields({ metered, state, quota, at }: MeteredDecision): RateLimitFields | null {
  const { plan, bucket, method } = metered
  if (plan === null || state === null) return null
  const policies: string[] = []
  const limits: string[] = []
  const throttle = (name: string, { rate, capacity }: Bucket, level: number): void => {
    const tokens = Math.floor(level / TOKEN)
    // How long until there is one token more; in a full bucket, until there would be. One that holds none has no such time.
    const full = level === capacity && capacity > 0
    const next = full ? Math.ceil(TOKEN / rate) : msUntil((tokens + 1) * TOKEN, level, rate, capacity)
    policies.push(`"${name}";q=${capacity / TOKEN}${rate === 0 ? '' : `;w=${ceilSeconds(Math.ceil(capacity / rate))}`}`)
    limits.push(`"${name}";r=${tokens}${Number.isFinite(next) ? `;t=${ceilSeconds(next)}` : ''}`)
  }
  if (quota !== null && plan.quota !== null) {
    const { start, end } = plan.quota.windowAt(at)
    policies.push(`"${plan.planId}";q=${quota.limit};w=${(end - start) / 1000}`)
    limits.push(`"${plan.planId}";r=${quota.remaining};t=${ceilSeconds(end - at)}`)
  }
  if (bucket !== null) throttle(`${plan.planId}-rate`, bucket, state.level)
  if (method !== null) {
    const level = state.methods.find(({ id }) => id === method.id)?.level ?? method.capacity
    throttle(`${plan.planId}-method`, method, level)
  }
  return policies.length === 0 ? null : { policy: policies.join(', '), limit: limits.join(', ') }
}
