// What is put into a catalog by hand is read as a document is: a misspelt limit is a fault, and never no limit.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Api,
  type ApiKey,
  type Catalog,
  catalogOf,
  check,
  deploy,
  type EditFault,
  isFault,
  putApi,
  putApiKeys,
  putUsagePlan,
  type UsagePlan,
} from '../../src/index.ts'

const CATALOG = catalogOf({
  semantics: { quotaOffset: 'initial-requests' },
  apis: [{ id: 'pets', methods: [{ path: '/', httpMethod: 'GET' }], stages: [{ stageName: 'prod' }] }],
  usagePlans: [{ id: 'gold', apiStages: [{ apiId: 'pets', stage: 'prod' }] }],
  apiKeys: [{ id: 'acme', value: 'acme-key-000000000000000001', usagePlanIds: ['gold'] }],
})
const API = CATALOG.apis[0] as Api
const STAGE = { apiId: 'pets', stage: 'prod' }
const VALUE = 'bolt-key-000000000000000001'

const ofPlan = (fields: object): Catalog | EditFault =>
  putUsagePlan(CATALOG, { id: 'free', apiStages: [STAGE], ...fields } as UsagePlan)
const ofKey = (fields: object): Catalog | EditFault =>
  putApiKeys(CATALOG, [{ id: 'bolt', value: VALUE, enabled: true, usagePlanIds: ['gold'], ...fields } as ApiKey])
const ofApi = (fields: object): Catalog | EditFault => putApi(CATALOG, { ...API, ...fields } as Api)
const ofDeployment = (fields: object): Catalog | EditFault =>
  deploy(CATALOG, 'pets', { id: 'd1', stageName: 'prod', ...fields })

describe('an edit', () => {
  it.each<[string, () => Catalog | EditFault, string]>([
    [
      'a burst by another name',
      () => ofPlan({ throttle: { rateLimit: 1, burst: 2 } }),
      'plan.throttle.burst: expected one of rateLimit, burstLimit, received "burst"; did you mean "burstLimit"?',
    ],
    [
      'no burst',
      () => ofPlan({ throttle: { rateLimit: 1 } }),
      'plan.throttle.burstLimit: expected a value, received nothing; add "burstLimit"',
    ],
    [
      'no rate',
      () => ofPlan({ throttle: { burstLimit: 2 } }),
      'plan.throttle.rateLimit: expected a value, received nothing; add "rateLimit"',
    ],
    [
      'a rate that is no number',
      () => ofPlan({ throttle: { rateLimit: Number.NaN, burstLimit: 2 } }),
      'plan.throttle.rateLimit: expected tokens per second, 0 to 1000000000, received NaN; change it',
    ],
    [
      'a burst that is no number',
      () => ofPlan({ throttle: { rateLimit: 1, burstLimit: Number.NaN } }),
      'plan.throttle.burstLimit: expected a whole number from 0 to 20849998, received NaN; change it',
    ],
    [
      'less than no rate',
      () => ofPlan({ throttle: { rateLimit: -1, burstLimit: 1e9 } }),
      'plan.throttle.rateLimit: expected tokens per second, 0 to 1000000000, received -1; change it',
    ],
    [
      'a quota that is no number',
      () => ofPlan({ quota: { limit: Number.NaN, period: 'DAY' } }),
      'plan.quota.limit: expected a whole number from 1 to 2147483647, received NaN; change it; to admit nothing disable the key',
    ],
    [
      'a period nobody knows',
      () => ofPlan({ quota: { limit: 1, period: 'DAILY' } }),
      'plan.quota.period: expected one of DAY, WEEK, MONTH, received "DAILY"; did you mean "DAY"?',
    ],
    [
      'an initial period without a date',
      () => ofPlan({ quota: { limit: 1, period: 'WEEK', offset: 1 } }),
      'plan.createdDate: expected the date from which the initial period counts, received nothing; add createdDate',
    ],
    [
      "a method's throttle by another name",
      () => ofPlan({ apiStages: [{ ...STAGE, throttle: { 'GET /': { rateLimit: 1, burstLimit: 1 } } }] }),
      'plan.apiStages[0].throttle["GET /"]: expected a path template and a verb, "/pets/{petId}/GET" or "//GET", received "GET /"; write the name so',
    ],
    [
      'no plan',
      () => putUsagePlan(CATALOG, null as never),
      'plan: expected an object, received null; give { id, name, description … }',
    ],
    [
      'a key that is neither on nor off',
      () => ofKey({ enabled: 'false' }),
      'keys[0].enabled: expected true or false, received a string; write it without quotes',
    ],
    [
      'a short value',
      () => ofKey({ value: 'x' }),
      'keys[0].value: expected 20 to 128 of A-Z a-z 0-9 - . _ ~ + / =, received 1 characters; change it',
    ],
    [
      "a key's id with blanks",
      () => ofKey({ id: 'a b\n/x' }),
      'keys[0].id: expected 1 to 128 of A-Z a-z 0-9 . _ ~ -, received 6 characters; change it',
    ],
    [
      'no keys',
      () => putApiKeys(CATALOG, undefined as never),
      'keys: expected an array, received nothing; put it in [ … ]',
    ],
    [
      'an API with a verb nobody knows',
      () => ofApi({ methods: [{ path: '/', httpMethod: 'get', apiKeyRequired: true }] }),
      'api.methods[0].httpMethod: expected one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, ANY, received "get"; did you mean "GET"?',
    ],
    [
      'an API with a method twice',
      () => ofApi({ methods: [...API.methods, ...API.methods] }),
      'api.methods[1]: expected a name of its own, received "GET /"; remove one of the two',
    ],
    [
      'a stage of no deployment',
      () => ofApi({ stages: [{ stageName: 'prod', deploymentId: 'd9' }] }),
      'api.stages[0].deploymentId: expected a deployment of this API, received "d9"; there is none',
    ],
    [
      "a deployment's id with a blank",
      () => ofDeployment({ id: 'a b' }),
      'deployment.id: expected 1 to 128 of A-Z a-z 0-9 . _ ~ -, received "a b"; change it',
    ],
    [
      "a stage's name with a slash",
      () => ofDeployment({ stageName: 'prod/eu' }),
      'deployment.stageName: expected 1 to 128 of A-Z a-z 0-9 . _ ~ -, received "prod/eu"; change it',
    ],
  ])('is not possible with %s', (_, edit, message) => {
    expect(edit()).toEqual({ fault: 'malformed', message })
  })

  it('fills in what a document may leave out', () => {
    const edited = ofKey({ enabled: undefined }) as Catalog
    expect(edited.apiKeys.get('bolt')).toEqual({ id: 'bolt', value: VALUE, enabled: true, usagePlanIds: ['gold'] })
  })

  it('keeps what was put, whatever becomes of the object it was put as', () => {
    const throttle = { rateLimit: 1, burstLimit: 2 }
    const edited = ofPlan({ throttle }) as Catalog
    throttle.burstLimit = Number.NaN
    expect(edited.usagePlans[1]?.throttle).toEqual({ rateLimit: 1, burstLimit: 2 })
  })

  it('keeps a key that it was given of the catalog itself', () => {
    const acme = CATALOG.apiKeys.get('acme') as ApiKey
    const edited = putApiKeys(CATALOG, [acme, { ...acme, id: 'bolt', value: VALUE }]) as Catalog
    expect(edited.apiKeys.get('acme')).toBe(acme)
  })

  // A member that is right, or anything at all.
  const or = (...values: readonly unknown[]): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fc.anything() })
  const listOf = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 12, arbitrary: fc.array(item, { maxLength: 2 }) }, { weight: 1, arbitrary: fc.anything() })
  const of = (fields: Record<string, fc.Arbitrary<unknown>>, needed: string[]): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 12, arbitrary: fc.record(fields, { requiredKeys: needed }) },
      { weight: 1, arbitrary: fc.anything() },
    )
  const number = or(0, 1, 2.5, -1, 1e9, Number.NaN, Number.POSITIVE_INFINITY, '1')
  const throttle = of({ rateLimit: number, burstLimit: or(0, 5, 2.5, 1e9), burst: fc.constant(2) }, [
    'rateLimit',
    'burstLimit',
  ])
  const map = (names: readonly string[], item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), item, { maxKeys: 1 })
  const methods = listOf(
    of(
      {
        path: or('/', '/a/{b}', '/a/{c}', '/{b}/{b}', 'a'),
        httpMethod: or('GET', 'ANY', 'get'),
        apiKeyRequired: or(true, false),
      },
      ['path', 'httpMethod'],
    ),
  )
  const apiStage = of({ apiId: or('pets'), stage: or('prod', 'beta'), throttle: map(['//GET', 'GET /'], throttle) }, [
    'apiId',
    'stage',
  ])
  const plan = of(
    {
      id: or('gold', 'free', 'a b'),
      apiStages: listOf(apiStage),
      throttle,
      quota: of({ limit: number, period: or('DAY', 'WEEK', 'DAILY'), offset: or(0, 1, 7) }, ['limit', 'period']),
      createdDate: or(0, 1.5),
      tags: map(['a', '__proto__'], or('b')),
    },
    ['id', 'apiStages'],
  )
  const key = of(
    {
      id: or('acme', 'bolt', 'a/b'),
      value: or(VALUE, 'acme-key-000000000000000001', 'x'),
      enabled: or(true, false, 'false'),
      usagePlanIds: listOf(or('gold', 'none')),
      createdDate: or(0, 1_700_000_000_000),
      tags: map(['a', '__proto__'], or('b')),
    },
    ['id', 'value', 'enabled', 'usagePlanIds'],
  )
  const restApi = of(
    {
      id: or('pets', 'zoo', ''),
      apiKeySource: or('HEADER', 'header'),
      methods,
      deployments: listOf(of({ id: or('d1', 'd2'), apiKeySource: or('HEADER'), methods }, ['id', 'methods'])),
      stages: listOf(of({ stageName: or('prod', 'beta'), deploymentId: or('d1', 'd3') }, ['stageName'])),
    },
    ['id', 'apiKeySource', 'methods', 'deployments', 'stages'],
  )
  const edit = fc.oneof(
    plan.map(plan => (catalog: Catalog) => putUsagePlan(catalog, plan as UsagePlan)),
    listOf(key).map(keys => (catalog: Catalog) => putApiKeys(catalog, keys as ApiKey[])),
    restApi.map(api => (catalog: Catalog) => putApi(catalog, api as Api)),
    of({ id: or('d1', 'd2', 'a b'), stageName: or('prod', 'beta', '') }, ['id', 'stageName']).map(
      deployment => (catalog: Catalog) => deploy(catalog, 'pets', deployment as { id: string; stageName: string }),
    ),
  )

  it('law: of anything at all gives a catalog that checks, or a fault', () => {
    let done = 0
    let malformed = 0
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), edits => {
        let catalog: Catalog = CATALOG
        for (const edit of edits) {
          const edited = edit(catalog)
          if (isFault(edited)) {
            expect(edited.message).not.toBe('')
            if (edited.fault === 'malformed') malformed++
            continue
          }
          if (edited !== catalog) done++
          catalog = edited
          const text = JSON.stringify(catalog)
          const checked = check(JSON.parse(text))
          expect(checked.ok ? [] : checked.issues).toEqual([])
          // As JSON it is what it was: nothing in it was lost on the way, or became something else.
          expect(checked.ok && JSON.parse(JSON.stringify(checked.catalog))).toEqual(JSON.parse(text))
        }
      }),
      { numRuns: 1000 },
    )
    expect(done).toBeGreaterThan(200)
    expect(malformed).toBeGreaterThan(300)
  })
})
