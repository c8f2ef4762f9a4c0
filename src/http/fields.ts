// The RateLimit fields, of draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and nothing else of it. Floor 4.
// The draft is not finished and its next version renames parameters (r, t → a, w): all of that is in this file, and the
// version is what it exports. Values are Structured Fields (RFC 9651): lists of strings with integer parameters.

import { msUntil } from '../core/bucket.ts'
import { type MeteredDecision, methodLevelOf } from '../core/decision.ts'
import type { Bucket } from '../core/limits.ts'
import { ceilSeconds, type Millis, TOKEN } from '../core/units.ts'

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
  /** `window` and `next` in ms; `Infinity` where there is no such time. */
  const tell = (of: string, limit: number, window: Millis, left: number, next: Millis): void => {
    policies.push(`"${plan.planId}${of}";q=${limit}${seconds('w', window)}`)
    limits.push(`"${plan.planId}${of}";r=${left}${seconds('t', next)}`)
  }
  const throttle = (of: string, { rate, capacity }: Bucket, level: number): void => {
    const tokens = Math.floor(level / TOKEN)
    // How long until there is one token more; in a full bucket, until there would be. One that holds none has no such time.
    const full = level === capacity && capacity > 0
    const next = full ? Math.ceil(TOKEN / rate) : msUntil((tokens + 1) * TOKEN, level, rate, capacity)
    tell(of, capacity / TOKEN, rate === 0 ? Infinity : Math.ceil(capacity / rate), tokens, next)
  }
  if (quota !== null && plan.quota !== null) {
    const { start, end } = plan.quota.windowAt(at)
    tell('', quota.limit, end - start, quota.remaining, end - at)
  }
  if (bucket !== null) throttle('-rate', bucket, state.level)
  if (method !== null) throttle('-method', method, methodLevelOf(state, method.id) ?? method.capacity)
  return policies.length === 0 ? null : { policy: policies.join(', '), limit: limits.join(', ') }
}

function seconds(parameter: string, ms: Millis): string {
  return ms === Infinity ? '' : `;${parameter}=${ceilSeconds(ms)}`
}
