// A catalog → who may call what, and under which limits. Floor 5: pure; text.ts and json.ts show it.

import type { ApiKeySource, HttpMethod } from '../../core/api.ts'
import type { Catalog } from '../../core/catalog.ts'
import type { Served } from '../../core/compile.ts'
import { bucketOf, type QuotaLimit } from '../../core/limits.ts'
import type { Period, Throttle } from '../../core/plan.ts'
import type { Millis } from '../../core/units.ts'
import type { KeyCounts } from './census.ts'
import type { Address, Layout, MethodLayout, PlanLayout, StageLayout } from './layout.ts'
import { throttleOf } from './words.ts'

export interface Explanation {
  readonly version: string | null
  /** What all clients of all stages share. */
  readonly account: Throttle | null
  readonly counts: {
    readonly apis: number
    readonly stages: number
    readonly methods: number
    readonly plans: number
    readonly keys: number
  }
  readonly stages: readonly StageExplained[]
}

export interface StageExplained {
  readonly api: string
  readonly apiName: string | null
  readonly stage: string
  readonly deployment: string | null
  readonly deploymentDescription: string | null
  readonly apiKeySource: ApiKeySource
  readonly addresses: readonly Omit<Address, 'mappingPlace'>[]
  readonly plans: readonly PlanExplained[]
  readonly methods: readonly MethodExplained[]
}

/** A plan whose keys may call the stage. */
export interface PlanExplained {
  readonly plan: string
  readonly name: string | null
  readonly throttle: Throttle | null
  readonly quota: QuotaExplained | null
  readonly keys: number
  readonly disabledKeys: number
}

export interface QuotaExplained {
  /** In the window in force. */
  readonly limit: number
  readonly period: Period
  /** The window in force: ms since the Unix epoch, half open. */
  readonly start: Millis
  readonly end: Millis
}

export interface MethodExplained {
  readonly httpMethod: HttpMethod
  readonly path: string
  readonly apiKeyRequired: boolean
  /** Whether some request comes to it at all, by host and path. */
  readonly isReached: boolean
  /** What all its callers share. */
  readonly shared: readonly LimitExplained[]
  /** Who may call it, with a key; nobody is listed for a method that is open. */
  readonly callers: readonly CallerExplained[]
}

export interface CallerExplained {
  readonly plan: string
  /** The client's own, in the order they are reported. */
  readonly limits: readonly LimitExplained[]
}

export type LimitExplained =
  | ({ readonly name: 'method' | 'plan' | 'stage' | 'account' } & Throttle)
  | ({ readonly name: 'quota' } & QuotaExplained)

/** @param counts of the catalog's keys, by plan  @param now for the quotas' windows */
export function explain({ catalog, index, stages }: Layout, counts: KeyCounts, now: Millis): Explanation {
  const explained = stages.map(stage => explainStage(stage, index.overrides, counts, now))
  const { throttleSettings } = catalog.account
  return {
    version: catalog.version ?? null,
    account: throttleSettings === undefined ? null : throttleOf(bucketOf(throttleSettings)),
    counts: countsOf(catalog, explained),
    stages: explained,
  }
}

function countsOf(catalog: Catalog, stages: readonly StageExplained[]): Explanation['counts'] {
  return {
    apis: catalog.apis.length,
    stages: stages.length,
    methods: stages.reduce((sum, { methods }) => sum + methods.length, 0),
    plans: catalog.usagePlans.length,
    keys: catalog.apiKeys.size,
  }
}

function explainStage(layout: StageLayout, overrides: boolean, counts: KeyCounts, now: Millis): StageExplained {
  const { api, stage, deployment, compiled, addresses, methods, plans } = layout
  const callers = plans.map(plan => callerOf(plan, now))
  return {
    api: api.id,
    apiName: api.name ?? null,
    stage: stage.stageName,
    deployment: deployment?.id ?? null,
    deploymentDescription: deployment?.description ?? null,
    apiKeySource: compiled.apiKeySource,
    addresses: addresses.map(({ host, basePath }) => ({ host, basePath })),
    plans: plans.map(({ plan, compiled }) => {
      const { bucket, quota } = compiled.plan
      return {
        plan: plan.id,
        name: plan.name ?? null,
        throttle: bucket === null ? null : throttleOf(bucket),
        quota: quota === null ? null : explainQuota(quota, now),
        keys: counts.get(plan.id)?.keys ?? 0,
        disabledKeys: counts.get(plan.id)?.disabled ?? 0,
      }
    }),
    methods: methods.map(method => explainMethod(method, callers, overrides)),
  }
}

/** A plan, with what its keys meet at each method that the plan does not throttle on its own: most of them. */
interface Caller {
  readonly compiled: PlanLayout['compiled']
  readonly throttle: readonly LimitExplained[]
  readonly quota: readonly LimitExplained[]
  readonly usual: CallerExplained
}

function callerOf({ plan, compiled }: PlanLayout, now: Millis): Caller {
  const { bucket, quota: limit } = compiled.plan
  const throttle: LimitExplained[] = bucket === null ? [] : [{ name: 'plan', ...throttleOf(bucket) }]
  const quota: LimitExplained[] = limit === null ? [] : [{ name: 'quota', ...explainQuota(limit, now) }]
  return { compiled, throttle, quota, usual: { plan: plan.id, limits: [...throttle, ...quota] } }
}

function explainMethod(
  { method, served, reachedAt }: MethodLayout,
  callers: readonly Caller[],
  overrides: boolean,
): MethodExplained {
  const { httpMethod, path, apiKeyRequired } = method
  const shared = (served?.shared ?? []).map((limit): LimitExplained => ({ name: limit.name, ...throttleOf(limit) }))
  const allowed =
    apiKeyRequired && served !== null ? callers.map(caller => explainCaller(caller, served, overrides)) : []
  return { httpMethod, path, apiKeyRequired, isReached: reachedAt.length > 0, shared, callers: allowed }
}

function explainCaller(
  { compiled, throttle, quota, usual }: Caller,
  { ordinal }: Served,
  overrides: boolean,
): CallerExplained {
  const own = compiled.methods[ordinal]
  if (own === undefined) return usual
  const limits: LimitExplained[] = [{ name: 'method', ...throttleOf(own) }, ...(overrides ? [] : throttle), ...quota]
  return { plan: usual.plan, limits }
}

function explainQuota(limit: QuotaLimit, now: Millis): QuotaExplained {
  const window = limit.windowAt(now)
  return { limit: limit.limitIn(window), period: limit.quota.period, start: window.start, end: window.end }
}
