// Random catalog documents that hold, in full and in short form, for the laws about documents.

import fc from 'fast-check'
import { WEEK_DAYS } from '../../src/core/catalog.ts'

const PATHS = [
  '/',
  '/pets',
  '/pets/{petId}',
  '/pets/{petId}/...',
  '/orders/.a',
  "/a-._~!$&'()*+,;=:@",
  '/files/{path+}',
]
const VERBS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'ANY']

const CHARACTERS = [...'ABCXYZabcxyz0189._~-']
const id = fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 12 })
const value = fc.string({ unit: fc.constantFrom(...CHARACTERS, '+', '/', '='), minLength: 20, maxLength: 128 })
const words = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 20 }))
const seconds = fc.integer({ min: 0, max: 253_402_300_799 })
const tags = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), words, { maxKeys: 2 })

const rateLimit = fc.oneof(
  fc.constantFrom(0, 1 / 432_000, 0.1, 1, 10, 1e9),
  fc.double({ min: 1 / 432_000, max: 1e9, noNaN: true }),
)
const burstLimit = fc.oneof(fc.constantFrom(0, 1, 20_849_998), fc.integer({ min: 0, max: 20_849_998 }))
const throttle = fc.record({ rateLimit, burstLimit })
const quota = fc
  .constantFrom(['DAY', 0] as const, ['WEEK', 6] as const, ['MONTH', 27] as const)
  .chain(([period, last]) =>
    fc.record(
      { limit: fc.integer({ min: 1, max: 2_147_483_647 }), period: fc.constant(period), offset: fc.nat(last) },
      { requiredKeys: ['limit', 'period'] },
    ),
  )

const apiKeySource = fc.constantFrom('HEADER', 'AUTHORIZER')
const apiMethod = fc.record(
  {
    path: fc.constantFrom(...PATHS),
    httpMethod: fc.constantFrom(...VERBS),
    apiKeyRequired: fc.boolean(),
    authorizationType: fc.constantFrom('NONE', 'CUSTOM'),
    authorizationScopes: fc.array(words, { maxLength: 1 }),
    requestParameters: fc.dictionary(words, fc.boolean(), { maxKeys: 1 }),
  },
  { requiredKeys: ['path', 'httpMethod'] },
)
const methods = fc.uniqueArray(apiMethod, { selector: ({ path, httpMethod }) => `${httpMethod} ${path}`, maxLength: 5 })
const gatewayResponses = fc.dictionary(
  fc.constantFrom('QUOTA_EXCEEDED', 'DEFAULT_4XX'),
  fc.record({ statusCode: fc.constantFrom('429', '503'), responseTemplates: tags }, { requiredKeys: [] }),
  { maxKeys: 1 },
)
const deployment = fc.record(
  { id, description: words, createdDate: seconds, apiKeySource, methods, gatewayResponses },
  { requiredKeys: ['id', 'methods'] },
)
const methodSettings = fc.dictionary(
  fc.oneof(
    fc.constant('*/*'),
    fc.tuple(fc.constantFrom(...PATHS), fc.constantFrom(...VERBS)).map(([path, verb]) => `${path.slice(1)}/${verb}`),
  ),
  fc.record(
    {
      throttlingRateLimit: fc.oneof(fc.constant(-1), rateLimit),
      throttlingBurstLimit: fc.oneof(fc.constant(-1), burstLimit),
      cachingEnabled: fc.boolean(),
      cacheTtlInSeconds: fc.nat(),
      loggingLevel: fc.constantFrom('OFF', 'INFO'),
    },
    { requiredKeys: [] },
  ),
  { maxKeys: 2 },
)

const api = fc.uniqueArray(deployment, { selector: ({ id }) => id, maxLength: 2 }).chain(deployments => {
  const stage = fc.record(
    {
      stageName: id,
      ...(deployments.length === 0 ? {} : { deploymentId: fc.constantFrom(...deployments.map(({ id }) => id)) }),
      description: words,
      methodSettings,
      createdDate: seconds,
      variables: tags,
      tags,
      tracingEnabled: fc.boolean(),
      accessLogSettings: fc.record({ destinationArn: words, format: words }, { requiredKeys: [] }),
    },
    { requiredKeys: ['stageName'] },
  )
  return fc.record(
    {
      id,
      name: words,
      description: words,
      apiKeySource,
      methods,
      deployments: fc.constant(deployments),
      stages: fc.uniqueArray(stage, { selector: ({ stageName }) => stageName, maxLength: 2 }),
      resources: fc.array(fc.record({ id, parentId: id, pathPart: words }, { requiredKeys: ['id'] }), { maxLength: 2 }),
      gatewayResponses,
      version: words,
      tags,
      binaryMediaTypes: fc.array(words, { maxLength: 1 }),
      endpointConfiguration: fc.record({ types: fc.constant(['EDGE']) }, { requiredKeys: [] }),
    },
    { requiredKeys: ['id', 'methods', 'stages', 'deployments'] },
  )
})

const common = {
  $schema: fc.constant('./schema.json'),
  version: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  account: fc.record({ throttleSettings: throttle, cloudwatchRoleArn: words }, { requiredKeys: [] }),
  semantics: fc.record(
    {
      methodThrottle: fc.constantFrom('additional', 'override'),
      weekStart: fc.constantFrom(...WEEK_DAYS),
      quotaOffset: fc.constantFrom('start-day', 'initial-requests'),
    },
    { requiredKeys: [] },
  ),
}

const planFields = { id, name: words, description: words, throttle, quota, productCode: words, tags }
const keyFields = {
  id,
  value,
  name: words,
  description: words,
  enabled: fc.boolean(),
  customerId: words,
  createdDate: seconds,
  lastUpdatedDate: seconds,
  tags,
}

/** Keys no two of which share an id or a value. */
const keysOf = <T extends { id: string; value: string }>(key: fc.Arbitrary<T>) =>
  fc.uniqueArray(key, { comparator: (a, b) => a.id === b.id || a.value === b.value, maxLength: 3 })

const apis = fc.uniqueArray(api, { selector: ({ id }) => id, maxLength: 2 })

/** Documents in full form that `check` accepts. */
export const fullDocuments = apis.chain(apis => {
  const stages = apis.flatMap(({ id, stages }) => stages.map(({ stageName }) => ({ apiId: id, stage: stageName })))
  const ofStages = <T>(
    lists: (stage: fc.Arbitrary<(typeof stages)[number]>) => fc.Arbitrary<T[]>,
  ): fc.Arbitrary<T[]> => (stages.length === 0 ? fc.constant([]) : lists(fc.constantFrom(...stages)))
  const throttles = fc.dictionary(
    fc.tuple(fc.constantFrom(...PATHS), fc.constantFrom(...VERBS)).map(([path, verb]) => `${path}/${verb}`),
    throttle,
    { maxKeys: 2 },
  )
  const apiStages = ofStages(stage =>
    fc.uniqueArray(
      fc
        .tuple(stage, fc.record({ throttle: throttles }, { requiredKeys: [] }))
        .map(([stage, rest]) => ({ ...stage, ...rest })),
      { selector: ({ apiId, stage }) => `${apiId}/${stage}`, maxLength: 2 },
    ),
  )
  const usagePlan = fc.record(
    { ...planFields, createdDate: seconds, apiStages },
    { requiredKeys: ['id', 'createdDate'] },
  )
  const place = fc.record(
    {
      domainName: fc.constantFrom('api.example.com', 'localhost'),
      basePath: fc.constantFrom('v1', 'v1/pets', '...', '.well-known'),
    },
    { requiredKeys: [] },
  )
  const basePathMappings = ofStages(stage =>
    fc.uniqueArray(
      fc.tuple(place, stage).map(([place, stage]) => ({ ...place, ...stage })),
      { selector: ({ domainName, basePath }) => JSON.stringify([domainName, basePath]), maxLength: 3 },
    ),
  )
  return fc.uniqueArray(usagePlan, { selector: ({ id }) => id, maxLength: 3 }).chain(usagePlans => {
    const usagePlanIds =
      usagePlans.length === 0
        ? fc.constant([])
        : fc.array(fc.constantFrom(...usagePlans.map(({ id }) => id)), { maxLength: 1 })
    return fc.record(
      {
        ...common,
        apis: fc.constant(apis),
        basePathMappings,
        usagePlans: fc.constant(usagePlans),
        apiKeys: keysOf(fc.record({ ...keyFields, usagePlanIds }, { requiredKeys: ['id', 'value'] })),
      },
      { requiredKeys: ['apis', 'usagePlans'] },
    )
  })
})

const shortPlan = fc.record(
  {
    ...planFields,
    createdDate: seconds,
    methods: fc.dictionary(
      fc.tuple(fc.constantFrom(...VERBS), fc.constantFrom(...PATHS)).map(([verb, path]) => `${verb} ${path}`),
      throttle,
      { maxKeys: 2 },
    ),
  },
  { requiredKeys: ['id', 'createdDate'] },
)

/** Documents in short form that `check` accepts. */
export const shortDocuments = fc
  .uniqueArray(shortPlan, { selector: ({ id }) => id, minLength: 1, maxLength: 3 })
  .chain(plans => {
    const plan = fc.constantFrom(...plans.map(({ id }) => id))
    return fc.record(
      {
        ...common,
        requireKey: fc.array(
          fc
            .tuple(fc.constantFrom('', ...VERBS.map(verb => `${verb} `)), fc.constantFrom(...PATHS))
            .map(([verb, path]) => `${verb}${path}`),
          { maxLength: 4 },
        ),
        plans: fc.constant(plans),
        keys: keysOf(fc.record({ ...keyFields, plan }, { requiredKeys: ['id', 'value', 'plan'] })),
      },
      { requiredKeys: ['plans'] },
    )
  })

/** Documents that `check` accepts, as JSON gives them. */
export const documents = fc
  .oneof(fullDocuments, shortDocuments)
  .map(document => JSON.parse(JSON.stringify(document)) as object)
