// APIs: methods, deployments and stages. Floor 0: plain data, imports plan.ts for the throttle.
// A deployment is a snapshot: what a stage serves changes when the stage points elsewhere, not when a method is edited.
// What is marked "kept" is remembered for the control plane's answers (control/), and nothing is served by it.

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
  /** Kept: `NONE`, `AWS_IAM`, `CUSTOM` … Source: AWS API Gateway, API_Method, as all that follow. */
  readonly authorizationType?: string
  /** Kept. */
  readonly authorizerId?: string
  /** Kept. */
  readonly authorizationScopes?: readonly string[]
  /** Kept. */
  readonly operationName?: string
  /** Kept. */
  readonly requestValidatorId?: string
  /** Kept: whether each is required, by `method.request.header.name` and the like. */
  readonly requestParameters?: Readonly<Record<string, boolean>>
  /** Kept: models by content type. */
  readonly requestModels?: Readonly<Record<string, string>>
  /** Kept: the integration and all responses as they were put, JSON text. Source: AWS API Gateway, API_Integration. */
  readonly integration?: string
}

/** A node of the tree of paths, kept for its id. Source: AWS API Gateway, API_Resource. */
export interface Resource {
  readonly id: string
  /** Absent for the root. */
  readonly parentId?: string
  /** `pets`, `{petId}`, `{proxy+}`. Absent for the root. */
  readonly pathPart?: string
}

/** What refused callers of one kind are told (docs/http.md). Source: AWS API Gateway, API_GatewayResponse. */
export interface GatewayResponse {
  readonly statusCode?: string
  /** By `gatewayresponse.header.name`: `'text'`, or what names a value, `context.stage`. */
  readonly responseParameters?: Readonly<Record<string, string>>
  /** By content type: texts with `$context.error.message` and the like. */
  readonly responseTemplates?: Readonly<Record<string, string>>
}

/** What an API looked like when it was deployed. */
export interface Deployment {
  readonly id: string
  readonly description?: string
  /** Seconds since the Unix epoch. */
  readonly createdDate?: number
  readonly apiKeySource: ApiKeySource
  readonly methods: readonly Method[]
  /** Those of the API as it was, by response type (`QUOTA_EXCEEDED`). */
  readonly gatewayResponses?: Readonly<Record<string, GatewayResponse>>
}

/** Limits that all callers of a method share. Source: AWS API Gateway, API_MethodSetting. */
export interface MethodSetting {
  /** Tokens per second; -1 is no limit. */
  readonly throttlingRateLimit?: number
  /** Tokens held; -1 is no limit. */
  readonly throttlingBurstLimit?: number
  /** Kept, as all that follow. */
  readonly metricsEnabled?: boolean
  readonly loggingLevel?: string
  readonly dataTraceEnabled?: boolean
  readonly cachingEnabled?: boolean
  readonly cacheTtlInSeconds?: number
  readonly cacheDataEncrypted?: boolean
  readonly requireAuthorizationForCacheControl?: boolean
  readonly unauthorizedCacheControlHeaderStrategy?: string
}

/** A name under which a deployment is served. */
export interface Stage {
  readonly stageName: string
  /** Absent: the API as it stands, for catalogs that are written by hand. */
  readonly deploymentId?: string
  readonly description?: string
  // By method: "pets/GET" (no leading slash, so the root is "/GET"). "*/*" is for each method without an entry of its own.
  readonly methodSettings?: Readonly<Record<string, MethodSetting>>
  /** Kept: seconds since the Unix epoch. Source: AWS API Gateway, API_Stage, as all that follow. */
  readonly createdDate?: number
  /** Kept: seconds since the Unix epoch. */
  readonly lastUpdatedDate?: number
  /** What gateway responses may name: `$stageVariables.name`. */
  readonly variables?: Readonly<Record<string, string>>
  /** Kept. */
  readonly tags?: Readonly<Record<string, string>>
  /** Kept. */
  readonly tracingEnabled?: boolean
  /** Kept. */
  readonly cacheClusterEnabled?: boolean
  /** Kept. */
  readonly cacheClusterSize?: string
  /** Kept. */
  readonly clientCertificateId?: string
  /** Kept. */
  readonly documentationVersion?: string
  /** Kept. Source: AWS API Gateway, API_AccessLogSettings. */
  readonly accessLogSettings?: { readonly destinationArn?: string; readonly format?: string }
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
  /** Kept: the tree of paths, where ids were given to it; of paths without one they are derived (control/resources.ts). */
  readonly resources?: readonly Resource[]
  /** By response type (`QUOTA_EXCEEDED`), as they are being edited; served once they are deployed. */
  readonly gatewayResponses?: Readonly<Record<string, GatewayResponse>>
  /** Kept: seconds since the Unix epoch. */
  readonly createdDate?: number
  /** Kept. */
  readonly version?: string
  /** Kept. */
  readonly tags?: Readonly<Record<string, string>>
  /** Kept. */
  readonly binaryMediaTypes?: readonly string[]
  /** Kept. */
  readonly minimumCompressionSize?: number
  /** Kept. Source: AWS API Gateway, API_EndpointConfiguration. */
  readonly endpointConfiguration?: { readonly types?: readonly string[]; readonly vpcEndpointIds?: readonly string[] }
  /** Kept. */
  readonly policy?: string
  /** Kept. */
  readonly disableExecuteApiEndpoint?: boolean
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
  /** Kept. */
  readonly cloudwatchRoleArn?: string
}

/**
 * Every type of gateway response and the status it has of itself, in alphabetical order.
 * Source: AWS API Gateway, API_GatewayResponse; defaults as recorded on AWS.
 */
export const DEFAULT_STATUS: Readonly<Record<string, string | undefined>> = {
  ACCESS_DENIED: '403',
  API_CONFIGURATION_ERROR: '500',
  AUTHORIZER_CONFIGURATION_ERROR: '500',
  AUTHORIZER_FAILURE: '500',
  BAD_REQUEST_BODY: '400',
  BAD_REQUEST_PARAMETERS: '400',
  DEFAULT_4XX: undefined,
  DEFAULT_5XX: undefined,
  EXPIRED_TOKEN: '403',
  INTEGRATION_FAILURE: '504',
  INTEGRATION_TIMEOUT: '504',
  INVALID_API_KEY: '403',
  INVALID_SIGNATURE: '403',
  MISSING_AUTHENTICATION_TOKEN: '403',
  QUOTA_EXCEEDED: '429',
  REQUEST_TOO_LARGE: '413',
  RESOURCE_NOT_FOUND: '404',
  THROTTLED: '429',
  UNAUTHORIZED: '401',
  UNSUPPORTED_MEDIA_TYPE: '415',
  WAF_FILTERED: '403',
}

/** Which statuses a gateway response may say: 1xx is no answer but the promise of one; three more have no body. */
export const STATUS: RegExp = /^(?!1|20[45]|304)[1-5]\d\d$/

/**
 * Which headers a gateway response may set. Where a message ends, how it is coded, and what becomes of its connection is
 * not for it to say.
 */
export const HEADER: RegExp =
  /^gatewayresponse\.header\.((?!connection|content-[elr]|keep|trailer|transfer|upgrade)[\w-]+)$/i

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
