// The shape of a catalog document: which fields there are and what each may hold. Floor 0: readers, nothing of the whole.
// schema.json says the same to editors; test/core/schema.test.ts holds the two to the same verdicts.

import {
  type Api,
  type ApiKeySource,
  type BasePathMapping,
  DEFAULT_STATUS,
  type Deployment,
  type GatewayResponse,
  HEADER,
  type HttpMethod,
  type Method,
  STATUS,
  type Stage,
  VERBS,
} from './api.ts'
import { type Catalog, type Semantics, WEEK_DAYS } from './catalog.ts'
import {
  type ApiKey,
  isId,
  isKeyValue,
  type Quota,
  type QuotaExtension,
  type Throttle,
  type UsagePlan,
} from './plan.ts'
import {
  flag,
  kindOf,
  lengthOf,
  list,
  oneOf,
  partsOf,
  quote,
  type Reader,
  record,
  shape,
  text,
  whole,
  withDefaults,
} from './readers.ts'
import { isBasePath, isDomainName, segmentsOf } from './template.ts'
import { isRounded, MAX_BURST, MIN_RATE } from './units.ts'

/** What was read of a document; pieces that could not be read are left out. */
export interface Parts {
  readonly version?: string
  readonly account?: Catalog['account']
  readonly semantics?: Semantics
  readonly apis?: readonly Api[]
  readonly basePathMappings?: readonly BasePathMapping[]
  readonly usagePlans?: readonly UsagePlan[]
  readonly apiKeys?: readonly ApiKey[]
}

/** What was read of a short document. */
export interface ShortParts extends Pick<Parts, 'version' | 'account' | 'semantics'> {
  readonly requireKey?: readonly string[]
  readonly plans?: readonly (Omit<UsagePlan, 'apiStages'> & { readonly methods?: Readonly<Record<string, Throttle>> })[]
  readonly keys?: readonly (Omit<ApiKey, 'usagePlanIds'> & { readonly plan: string })[]
}

const rate: Reader<number> = (notes, value) => {
  if (typeof value !== 'number')
    return notes.add(notes.here(), 'type', 'tokens per second', kindOf(value), 'write a number')
  if (!(value >= 0 && value <= 1e9)) {
    return notes.add(notes.here(), 'value', 'tokens per second, 0 to 1000000000', String(value), 'change it')
  }
  if (value > 0 && value < MIN_RATE) {
    return notes.add(
      notes.here(),
      'value',
      'at least 0.0000024 tokens per second',
      String(value),
      'for so slow a rate use a quota',
    )
  }
  if (isRounded(value)) {
    notes.warn(
      notes.here(),
      'rounded',
      'a multiple of 1/432000 tokens per second',
      String(value),
      'it is rounded down to one',
    )
  }
  return value + 0
}

/** Whether text is no longer than this, counted as people count: a pair of surrogates is one. */
const isUpTo = (most: number, text: string): boolean =>
  text.length <= most || (text.length <= 2 * most && [...text].length <= most)
const upTo = (most: number): Reader<string> =>
  text(`text of up to ${most} characters`, text => isUpTo(most, text), lengthOf)

const ID = '1 to 128 of A-Z a-z 0-9 . _ ~ -'
const id = text(ID, isId)
/** In a key's fields, where its value may have slipped in. */
const keysId = text(ID, isId, lengthOf)

const keyValue = text('20 to 128 of A-Z a-z 0-9 - . _ ~ + / =', isKeyValue, lengthOf)

export const seconds: Reader<number> = whole(0, 253_402_300_799, 'give seconds since the Unix epoch')
const tags = record(upTo(256), 'a tag', () => true)
const isVerb = (text: string): boolean => text === 'ANY' || VERBS.includes(text as HttpMethod)

/** That a template names no parameter twice is no matter of shape; relations.ts looks at it. */
const isTemplate = (path: string): boolean => typeof segmentsOf(path) !== 'string'

const template: Reader<string> = (notes, value) => {
  if (typeof value !== 'string')
    return notes.add(notes.here(), 'type', 'a path template', kindOf(value), 'put it in quotes')
  const segments = segmentsOf(value)
  if (typeof segments !== 'string') return value
  return notes.add(notes.here(), 'value', 'a path template', quote(value), `it must ${segments}`)
}

/** `/pets/GET`, `//GET`: as AWS names a method in a plan. */
function isThrottleKey(key: string): boolean {
  const slash = key.lastIndexOf('/')
  return slash > 0 && isVerb(key.slice(slash + 1)) && isTemplate(key.slice(0, slash))
}

/** `GET /pets`, or without a verb, if it may be. */
function isMethodName(name: string): boolean {
  const [, verb, path = ''] = /^([A-Z]+) (\/.*)$/.exec(name) ?? []
  return verb !== undefined && isVerb(verb) && isTemplate(path)
}

const burstLimit = whole(0, MAX_BURST, 'change it')
const throttle = shape<Throttle>({ 'rateLimit!': rate, 'burstLimit!': burstLimit })
const quotaShape = shape<Quota>({
  'limit!': whole(1, 2_147_483_647, 'change it; to admit nothing disable the key'),
  'period!': oneOf('DAY', 'WEEK', 'MONTH'),
  offset: whole(0, 27, 'change it'),
})
const LAST_OFFSET = { DAY: 0, WEEK: 6, MONTH: 27 }
const quota: Reader<Quota> = (notes, value) => {
  const read = quotaShape(notes, value)
  if (read === undefined || (read.offset ?? 0) <= LAST_OFFSET[read.period]) return read
  const expected = `0 to ${LAST_OFFSET[read.period]} in the ${read.period} period`
  return notes.add(notes.here('offset'), 'value', expected, String(read.offset), 'change it')
}

// What is only kept has no form of its own but a bound.
const kept = upTo(125_000)
const named = <T>(item: Reader<T>): Reader<Record<string, T>> => record(item, 'a name', () => true)

const method = withDefaults<Method>(
  shape({
    'path!': template,
    'httpMethod!': oneOf<HttpMethod>(...VERBS, 'ANY'),
    apiKeyRequired: flag,
    authorizationType: kept,
    authorizerId: kept,
    authorizationScopes: list(kept),
    operationName: kept,
    requestValidatorId: kept,
    requestParameters: named(flag),
    requestModels: named(kept),
    integration: kept,
  }),
  { apiKeyRequired: false },
)
const apiKeySource = oneOf<ApiKeySource>('HEADER', 'AUTHORIZER')
const description = upTo(125_000)

// What a gateway response may not say is passed over when it is told (docs/http.md), so its author is warned.
const anyStatus = text('a status, "429"', text => /^[1-5]\d\d$/.test(text))
const statusCode: Reader<string> = (notes, value) => {
  const status = anyStatus(notes, value)
  if (status !== undefined && !STATUS.test(status)) {
    const expected = '200 to 599, but not 204, 205 or 304, which have no body'
    notes.warn(notes.here(), 'value', expected, quote(status), 'the status stays as it is without it')
  }
  return status
}
/** A text that a header can hold, or what may name one. */
const PARAMETER = /^('[ -~]+'|(context|stageVariables|method\.request)\.[\w.-]+)$/i
const parameter: Reader<string> = (notes, value) => {
  const read = kept(notes, value)
  const name = notes.at.at(-1) as string
  if (!HEADER.test(name)) {
    const expected = 'gatewayresponse.header. and the name of a header that may be set'
    notes.warn(notes.here(), 'value', expected, quote(name), 'it sets nothing')
  } else if (read !== undefined && !PARAMETER.test(read)) {
    const expected = 'printable ASCII in single quotes, or the name of a value, "context.stage"'
    notes.warn(notes.here(), 'value', expected, quote(read), 'it sets nothing; write a text as "\'text\'"')
  }
  return read
}
const gatewayResponse = shape<GatewayResponse>({
  statusCode,
  responseParameters: named(parameter),
  responseTemplates: named(kept),
})
const gatewayResponses = shape(Object.fromEntries(Object.keys(DEFAULT_STATUS).map(type => [type, gatewayResponse])))
const deployment = withDefaults<Deployment>(
  shape({ 'id!': id, description, createdDate: seconds, apiKeySource, 'methods!': list(method), gatewayResponses }),
  { apiKeySource: 'HEADER' },
)
/** What `deploy` is told (edits.ts). */
export const deploying: Reader<Pick<Deployment, 'id' | 'description'> & Pick<Stage, 'stageName'>> = shape({
  'id!': id,
  'stageName!': id,
  description,
})
const methodSetting = shape({
  throttlingRateLimit: (notes, value) => (value === -1 ? value : rate(notes, value)),
  throttlingBurstLimit: whole(-1, MAX_BURST, 'change it; -1 is no limit'),
  metricsEnabled: flag,
  loggingLevel: kept,
  dataTraceEnabled: flag,
  cachingEnabled: flag,
  cacheTtlInSeconds: whole(0, 2_147_483_647, 'change it'),
  cacheDataEncrypted: flag,
  requireAuthorizationForCacheControl: flag,
  unauthorizedCacheControlHeaderStrategy: kept,
})
const stage = shape<Stage>({
  'stageName!': id,
  deploymentId: id,
  description,
  methodSettings: record(
    methodSetting,
    '"*/*", or a method as "pets/{petId}/GET"',
    name => name === '*/*' || isThrottleKey(`/${name}`),
  ),
  createdDate: seconds,
  lastUpdatedDate: seconds,
  variables: named(kept),
  tags,
  tracingEnabled: flag,
  cacheClusterEnabled: flag,
  cacheClusterSize: kept,
  clientCertificateId: kept,
  documentationVersion: kept,
  accessLogSettings: shape({ destinationArn: kept, format: kept }),
})
export const api: Reader<Api> = withDefaults<Api>(
  shape({
    'id!': id,
    name: upTo(1024),
    description,
    apiKeySource,
    'methods!': list(method),
    deployments: list(deployment),
    'stages!': list(stage),
    resources: list(shape({ 'id!': id, parentId: id, pathPart: kept })),
    gatewayResponses,
    createdDate: seconds,
    version: kept,
    tags,
    binaryMediaTypes: list(kept),
    minimumCompressionSize: whole(0, 10_485_760, 'change it'),
    endpointConfiguration: shape({ types: list(kept), vpcEndpointIds: list(kept) }),
    policy: kept,
    disableExecuteApiEndpoint: flag,
  }),
  { apiKeySource: 'HEADER', deployments: [] },
)

const planFields = {
  'id!': id,
  name: upTo(1024),
  description,
  throttle,
  quota,
  productCode: upTo(1024),
  createdDate: seconds,
  tags,
}
export const plan: Reader<UsagePlan> = withDefaults<UsagePlan>(
  shape({
    ...planFields,
    apiStages: list(
      shape({
        'apiId!': id,
        'stage!': id,
        throttle: record(throttle, 'a path template and a verb, "/pets/{petId}/GET" or "//GET"', isThrottleKey),
      }),
    ),
  }),
  { apiStages: [] },
)

const keyFields = {
  'id!': keysId,
  'value!': keyValue,
  name: upTo(1024),
  description,
  enabled: flag,
  customerId: upTo(1024),
  createdDate: seconds,
  lastUpdatedDate: seconds,
  tags,
  quotaExtensions: list(
    shape<QuotaExtension>({
      'usagePlanId!': keysId,
      'windowStart!': seconds,
      'requests!': whole(-4_294_967_294, 4_294_967_294, 'change it'),
    }),
  ),
}
const keyInFull = withDefaults<ApiKey>(shape({ ...keyFields, usagePlanIds: list(keysId) }), {
  enabled: true,
  usagePlanIds: [],
})
export const key: Reader<ApiKey> = (notes, value) => {
  const read = keyInFull(notes, value)
  return read && compact(read, notes.lists)
}

/**
 * The key with its fields in one order and one list for all keys of the same plans: a request that finds its key among a
 * million waits for one place in memory, and not for five (bench/).
 */
export function compact(read: ApiKey, lists: Map<string, readonly string[]>): ApiKey {
  const { id, value, enabled, usagePlanIds } = read
  const name = usagePlanIds.length === 1 ? (usagePlanIds[0] as string) : JSON.stringify(usagePlanIds)
  const shared = lists.get(name) ?? usagePlanIds
  if (shared === usagePlanIds) lists.set(name, shared)
  const key: Record<string, unknown> = { id, value, enabled, usagePlanIds: shared }
  for (const field in read) if (!(field in key)) key[field] = read[field as keyof ApiKey]
  return key as unknown as ApiKey
}

const common = {
  $schema: text('the address of a schema', () => true),
  version: text('1 to 128 characters', text => text !== '' && isUpTo(128, text), lengthOf),
  account: shape({ throttleSettings: throttle, cloudwatchRoleArn: kept }),
  semantics: shape({
    methodThrottle: oneOf('additional', 'override'),
    weekStart: oneOf(...WEEK_DAYS),
    quotaOffset: oneOf('start-day', 'initial-requests'),
  }),
}

const basePathMapping = shape<BasePathMapping>({
  domainName: text('a host name', isDomainName),
  basePath: text('path segments without a slash at either end', isBasePath),
  'apiId!': id,
  'stage!': id,
})

/** A document in full: what could be read of it, so that the rest of it is looked at too. */
export const fullDocument: Reader<Parts> = partsOf<Parts>({
  ...common,
  apis: list(api),
  basePathMappings: list(basePathMapping),
  usagePlans: list(plan),
  apiKeys: list(key),
})

const METHOD_NAME = 'a verb and a path template, "GET /pets/{petId}"'

/** A document in short form: one API, one stage. */
export const shortDocument: Reader<ShortParts> = partsOf<ShortParts>({
  ...common,
  requireKey: list(text(METHOD_NAME, name => (name.startsWith('/') ? isTemplate(name) : isMethodName(name)))),
  'plans!': list(shape({ ...planFields, methods: record(throttle, METHOD_NAME, isMethodName) })),
  keys: list(withDefaults<{ enabled: boolean }>(shape({ ...keyFields, 'plan!': keysId }), { enabled: true })),
})
