// APIs: methods, deployments and stages. Floor 0: plain data, imports plan.ts for the throttle.
// A deployment is a snapshot: what a stage serves changes when the stage points elsewhere, not when a method is edited.

import type { Throttle } from './plan.ts'

/** The verbs AWS knows; `ANY` stands for all seven others. */
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD' | 'OPTIONS' | 'ANY'

/** Where a request's key is read: the `x-api-key` header, or what your authorizer says (`usageIdentifierKey`). */
export type ApiKeySource = 'HEADER' | 'AUTHORIZER'

/** One verb on one path template. */
export interface Method {
  /** As AWS writes it: `/pets/{petId}`, greedy `/{proxy+}` (last segment only), `/` for the root. */
  readonly path: string
  readonly httpMethod: HttpMethod
  /** Without it the method is open: no key is looked up, no plan is charged. */
  readonly apiKeyRequired: boolean
}

/** What an API looked like when it was deployed. */
export interface Deployment {
  readonly id: string
  readonly description?: string
  /** Seconds since the Unix epoch. */
  readonly createdDate?: number
  readonly apiKeySource: ApiKeySource
  readonly methods: readonly Method[]
}

/** Limits that all callers of a method share. Source: AWS API Gateway, API_MethodSetting (its throttling members). */
export interface MethodSetting {
  /** Tokens per second; -1 is no limit. */
  readonly throttlingRateLimit?: number
  /** Tokens held; -1 is no limit. */
  readonly throttlingBurstLimit?: number
}

/** A name under which a deployment is served. */
export interface Stage {
  readonly stageName: string
  /** Absent: the API's methods as they stand, for catalogs that are written by hand. */
  readonly deploymentId?: string
  readonly description?: string
  // By method: "pets/GET" (no leading slash, so the root is "/GET"). "*/*" is for each method without an entry of its own.
  readonly methodSettings?: Readonly<Record<string, MethodSetting>>
}

/** An API and everything deployed of it. Source: AWS API Gateway, API_RestApi. */
export interface Api {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly apiKeySource: ApiKeySource
  /** The methods as they are being edited; stages serve them once they are deployed. */
  readonly methods: readonly Method[]
  readonly deployments: readonly Deployment[]
  readonly stages: readonly Stage[]
}

/** Which stage answers for a host and a first part of the path. Source: AWS API Gateway, API_BasePathMapping. */
export interface BasePathMapping {
  /** Absent: every host that no other mapping names. */
  readonly domainName?: string
  /** `"v1"` answers for `/v1` and all below it. Absent: everything else of that host. */
  readonly basePath?: string
  readonly apiId: string
  readonly stage: string
}

/** What all clients of all stages share. Source: AWS API Gateway, API_GetAccount. */
export interface Account {
  readonly throttleSettings?: Throttle
}

/** The verbs `ANY` stands for. */
export const VERBS: readonly HttpMethod[] = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']

/** The name of a method in `UsagePlan.apiStages[].throttle`: `/pets/GET`, and `//GET` for the root. */
export function throttleKey(path: string, verb: string): string {
  return `${path}/${verb}`
}

/** The name of a method in `Stage.methodSettings`: `pets/GET`, and `/GET` for the root. */
export function settingKey(path: string, verb: string): string {
  return `${path.slice(1)}/${verb}`
}
