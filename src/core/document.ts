// The catalog as people write it: JSON with defaults left out, in full or in short form. Floor 0: types.
// `check` reads both; schema.json describes both to editors.

import type { Account, Api, ApiKeySource, BasePathMapping, Deployment, HttpMethod, Method, Stage } from './api.ts'
import type { Semantics } from './catalog.ts'
import type { ApiKey, Throttle, UsagePlan } from './plan.ts'

/** Everything said, in AWS's words. What is optional here has a default. */
export interface CatalogDocument {
  readonly $schema?: string
  readonly version?: string
  readonly account?: Account
  readonly semantics?: Semantics
  readonly apis?: readonly ApiDocument[]
  readonly basePathMappings?: readonly BasePathMapping[]
  readonly usagePlans?: readonly UsagePlanDocument[]
  readonly apiKeys?: readonly ApiKeyDocument[]
}

/** `apiKeySource` defaults to `HEADER`. */
export type ApiDocument = Omit<Api, 'apiKeySource' | 'methods' | 'deployments' | 'stages'> & {
  readonly apiKeySource?: ApiKeySource
  readonly methods: readonly MethodDocument[]
  readonly deployments?: readonly DeploymentDocument[]
  readonly stages: readonly Stage[]
}

/** `apiKeyRequired` defaults to false, as on AWS. */
export type MethodDocument = Omit<Method, 'apiKeyRequired' | 'path'> & {
  readonly path: `/${string}`
  readonly apiKeyRequired?: boolean
}

export type DeploymentDocument = Omit<Deployment, 'apiKeySource' | 'methods'> & {
  readonly apiKeySource?: ApiKeySource
  readonly methods: readonly MethodDocument[]
}

export type UsagePlanDocument = Omit<UsagePlan, 'apiStages'> & {
  readonly apiStages?: readonly {
    readonly apiId: string
    readonly stage: string
    readonly throttle?: Readonly<Record<`/${string}/${HttpMethod}`, Throttle>>
  }[]
}

/** `enabled` defaults to true (as in the key file), `usagePlanIds` to none. */
export type ApiKeyDocument = Omit<ApiKey, 'enabled' | 'usagePlanIds'> & {
  readonly enabled?: boolean
  readonly usagePlanIds?: readonly string[]
}

/** A verb and a path template: `"GET /pets/{petId}"`; without a verb, `ANY`. */
export type MethodName = `${HttpMethod} /${string}` | `/${string}`

/** The short form: one API, one stage. */
export interface ShortDocument {
  readonly $schema?: string
  readonly version?: string
  readonly account?: Account
  readonly semantics?: Semantics
  /** The methods that need a key; what else `ANY` stands for is open. GET covers HEAD. Absent: everything needs one. */
  readonly requireKey?: readonly MethodName[]
  readonly plans: readonly ShortPlan[]
  readonly keys?: readonly ShortKey[]
}

export type ShortPlan = Omit<UsagePlan, 'apiStages'> & {
  /** Throttles of single methods, per key, named as in `requireKey` with their verb. */
  readonly methods?: Readonly<Record<`${HttpMethod} /${string}`, Throttle>>
}

export type ShortKey = Omit<ApiKey, 'enabled' | 'usagePlanIds'> & { readonly plan: string; readonly enabled?: boolean }
