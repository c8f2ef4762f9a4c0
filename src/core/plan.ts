// Usage plans and API keys, in AWS's words. Floor 0: plain data, imports nothing.
// What a field may hold is said here; that it does is `check`'s work (check.ts).

/** Whether text can be an id. Ids name records in stores, logs and headers, so they hold nothing to be escaped there. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9._~-]{1,128}$/.test(text)
}

/**
 * Whether text can be a key's value: 20 to 128 characters, AWS's bounds (API_CreateApiKey, as recorded), of those that
 * RFC 6750 has in tokens. Two header lines joined by a comma are none.
 */
export function isKeyValue(text: string): boolean {
  return /^[A-Za-z0-9\-._~+/=]{20,128}$/.test(text)
}

/** How long a quota window lasts. All three are UTC calendar periods (calendar.ts). */
export type Period = 'DAY' | 'WEEK' | 'MONTH'

/** A token bucket. Source: AWS API Gateway, API_ThrottleSettings. */
export interface Throttle {
  /** Tokens added per second: 0, or at least 1/432000. Fractions are fine (0.1 is one request in ten seconds). */
  readonly rateLimit: number
  /** Tokens the bucket holds: a whole number, 0 … 20 849 998. With 0 nothing is ever admitted. */
  readonly burstLimit: number
}

/** Requests per calendar period. Source: AWS API Gateway, API_QuotaSettings. */
export interface Quota {
  /** Requests admitted in one period, 1 … 2 147 483 647. */
  readonly limit: number
  readonly period: Period
  /**
   * DAY: 0. WEEK: 0 … 6 days after the start of the week. MONTH: 0 … 27 days after the first of the month.
   * The bounds are AWS's; what AWS does with the number nobody has measured (docs/differences.md). `Semantics.quotaOffset`
   * chooses the other reading.
   */
  readonly offset?: number
}

/** One stage of one API that a plan's keys may call. */
export interface ApiStage {
  readonly apiId: string
  readonly stage: string
  /** Throttles of single methods, per key: `"/pets/GET"`, and `"//GET"` for the root resource. */
  readonly throttle?: Readonly<Record<string, Throttle>>
}

/** Who may call what, how fast and how much. Source: AWS API Gateway, API_UsagePlan. */
export interface UsagePlan {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly apiStages: readonly ApiStage[]
  /** Absent: as fast as they like. */
  readonly throttle?: Throttle
  /** Absent: as much as they like. */
  readonly quota?: Quota
  readonly productCode?: string
  /** Seconds since the Unix epoch. Read only where `Semantics.quotaOffset` is `'initial-requests'`. */
  readonly createdDate?: number
  readonly tags?: Readonly<Record<string, string>>
}

/** Requests beside a plan's quota, for one key in one period. Source: AWS API Gateway, API_UpdateUsage. */
export interface QuotaExtension {
  readonly usagePlanId: string
  /** When that period begins, seconds since the Unix epoch. */
  readonly windowStart: number
  /** Whole; negative where requests were taken away. */
  readonly requests: number
}

/** A customer's key. Source: AWS API Gateway, API_ApiKey; `usagePlanIds` is the key file's column of that name. */
export interface ApiKey {
  /** Names the key wherever a name is needed: in decisions, logs, stores. Never secret, never the value. */
  readonly id: string
  /** The secret: 20 … 128 letters, digits and `-._~+/=`. */
  readonly value: string
  readonly name?: string
  readonly description?: string
  readonly enabled: boolean
  readonly customerId?: string
  /** The plans it is bound to; at most one of them for any one API stage. */
  readonly usagePlanIds: readonly string[]
  /** At most one for a plan. */
  readonly quotaExtensions?: readonly QuotaExtension[]
  /** Seconds since the Unix epoch. */
  readonly createdDate?: number
  /** Seconds since the Unix epoch. */
  readonly lastUpdatedDate?: number
  readonly tags?: Readonly<Record<string, string>>
}
