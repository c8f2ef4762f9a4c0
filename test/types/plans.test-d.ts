// What the compiler says of a plan before anything runs, and of what a gate answers.

import { describe, expectTypeOf, it } from 'vitest'
import {
  type Admission,
  type Allowed,
  type Catalog,
  type CatalogDocument,
  catalogOf,
  check,
  createGate,
  type Decision,
  type EditFault,
  type Gate,
  isFault,
  memoryStore,
  type NeverAdmitted,
  putApiKeys,
  type QuotaExceeded,
  type ShortDocument,
  type Store,
  type Throttled,
} from '../../src/index.ts'

const THROTTLE = { rateLimit: 10, burstLimit: 20 }
const KEY = { id: 'acme', value: 'a-value-of-20-letters' }
const METHOD = { path: '/pets', httpMethod: 'GET' } as const
const STAGE = { apiId: 'petstore', stage: 'prod' }

describe('a plan', () => {
  it('compiles in full', () => {
    catalogOf({
      $schema: './node_modules/tollgate/schema.json',
      version: '7',
      account: { throttleSettings: THROTTLE },
      semantics: { methodThrottle: 'override', weekStart: 'MONDAY', quotaOffset: 'initial-requests' },
      apis: [
        {
          id: 'petstore',
          methods: [METHOD, { path: '/pets/{petId}', httpMethod: 'ANY', apiKeyRequired: true }],
          deployments: [{ id: 'd1', methods: [METHOD] }],
          stages: [{ stageName: 'prod', deploymentId: 'd1', methodSettings: { '*/*': { throttlingRateLimit: -1 } } }],
        },
      ],
      basePathMappings: [{ basePath: 'v1', ...STAGE }],
      usagePlans: [
        {
          id: 'gold',
          apiStages: [{ ...STAGE, throttle: { '/pets/{petId}/GET': THROTTLE, '//GET': THROTTLE } }],
          throttle: THROTTLE,
          quota: { limit: 10_000, period: 'MONTH', offset: 3 },
        },
        { id: 'free' },
      ],
      apiKeys: [
        { ...KEY, usagePlanIds: ['gold'] },
        { id: 'bolt', value: 'another-value-altogether', enabled: false },
      ],
    })
  })

  it('compiles in short', () => {
    catalogOf({
      requireKey: ['GET /pets', '/orders/{orderId}', 'ANY /admin/{proxy+}'],
      plans: [{ id: 'gold', throttle: THROTTLE, methods: { 'GET /pets': THROTTLE } }, { id: 'free' }],
      keys: [{ ...KEY, plan: 'gold' }],
    })
    catalogOf({ plans: [] })
  })

  it('is not made of half a throttle', () => {
    // @ts-expect-error burstLimit is missing
    const short: ShortDocument = { plans: [{ id: 'gold', throttle: { rateLimit: 1 } }] }
    // @ts-expect-error rateLimit is missing
    const full: CatalogDocument = { usagePlans: [{ id: 'gold', throttle: { burstLimit: 1 } }] }
    // @ts-expect-error burstLimit is missing
    catalogOf({ plans: [{ id: 'gold', throttle: { rateLimit: 1 } }] })
    // @ts-expect-error a rate is a number
    const text: ShortDocument = { plans: [{ id: 'gold', throttle: { rateLimit: '1', burstLimit: 1 } }] }
    return [short, full, text]
  })

  it('has a quota by the day, week or month', () => {
    // @ts-expect-error no quota is by the hour
    const hour: ShortDocument = { plans: [{ id: 'gold', quota: { limit: 1, period: 'HOUR' } }] }
    // @ts-expect-error the period is in capitals
    catalogOf({ usagePlans: [{ id: 'gold', quota: { limit: 1, period: 'day' } }] })
    // @ts-expect-error period is missing
    const none: CatalogDocument = { usagePlans: [{ id: 'gold', quota: { limit: 1 } }] }
    return [hour, none]
  })

  it('has no field that nobody knows', () => {
    // @ts-expect-error burstlimit is not burstLimit
    const throttle: ShortDocument = { plans: [{ id: 'gold', throttle: { ...THROTTLE, burstlimit: 1 } }] }
    // @ts-expect-error quotas is not quota
    catalogOf({ plans: [{ id: 'gold', quotas: { limit: 1, period: 'DAY' } }] })
    // @ts-expect-error a full plan has no methods
    const methods: CatalogDocument = { usagePlans: [{ id: 'gold', methods: {} }] }
    // @ts-expect-error a short plan has no apiStages
    const stages: ShortDocument = { plans: [{ id: 'gold', apiStages: [] }] }
    // @ts-expect-error usageplans is not usagePlans
    const plans: CatalogDocument = { usageplans: [] }
    return [throttle, methods, stages, plans]
  })

  it('has an id', () => {
    // @ts-expect-error id is missing
    catalogOf({ plans: [{ throttle: THROTTLE }] })
    // @ts-expect-error an absent field is left out, not undefined
    const undefinedId: ShortDocument = { plans: [{ id: undefined }] }
    return undefinedId
  })

  it('names methods with a verb where a verb is needed', () => {
    const named: ShortDocument = { plans: [{ id: 'gold', methods: { 'GET /pets': THROTTLE, 'ANY /': THROTTLE } }] }
    // @ts-expect-error a throttle is of one verb, or ANY
    const verbless: ShortDocument = { plans: [{ id: 'gold', methods: { '/pets': THROTTLE } }] }
    // @ts-expect-error no such verb
    const fetch: ShortDocument = { plans: [{ id: 'gold', methods: { 'FETCH /pets': THROTTLE } }] }
    const open: ShortDocument = { plans: [], requireKey: ['/pets'] }
    // @ts-expect-error a path begins with a slash
    const slashless: ShortDocument = { plans: [], requireKey: ['GET pets'] }
    // @ts-expect-error no such verb
    const lower: ShortDocument = { plans: [], requireKey: ['get /pets'] }
    const full: CatalogDocument = {
      usagePlans: [
        // @ts-expect-error in full a method is named as AWS does: /pets/GET
        { id: 'gold', apiStages: [{ ...STAGE, throttle: { 'GET /pets': THROTTLE } }] },
      ],
    }
    return [named, verbless, fetch, open, slashless, lower, full]
  })
})

describe('an API', () => {
  it('has methods of the eight verbs, on paths', () => {
    // @ts-expect-error no such verb
    const fetch: CatalogDocument = { apis: [{ id: 'a', methods: [{ path: '/', httpMethod: 'FETCH' }], stages: [] }] }
    // @ts-expect-error a path begins with a slash
    const pets: CatalogDocument = { apis: [{ id: 'a', methods: [{ path: 'pets', httpMethod: 'GET' }], stages: [] }] }
    // @ts-expect-error stages is missing
    const stages: CatalogDocument = { apis: [{ id: 'a', methods: [] }] }
    return [fetch, pets, stages]
  })
})

describe('a key', () => {
  it('of a short document names its plan', () => {
    // @ts-expect-error plan is missing
    const planless: ShortDocument = { plans: [], keys: [KEY] }
    // @ts-expect-error a short key has one plan
    const plans: ShortDocument = { plans: [], keys: [{ ...KEY, usagePlanIds: ['gold'] }] }
    // @ts-expect-error value is missing
    const valueless: ShortDocument = { plans: [], keys: [{ id: 'acme', plan: 'gold' }] }
    // @ts-expect-error a key of a full document may have several
    const full: CatalogDocument = { apiKeys: [{ ...KEY, plan: 'gold' }] }
    return [planless, plans, valueless, full]
  })
})

describe('check', () => {
  it('takes anything, and gives a catalog or issues, never both', () => {
    expectTypeOf(check).parameter(0).toBeUnknown()
    const checked = check(null)
    if (checked.ok) {
      expectTypeOf(checked.catalog).toEqualTypeOf<Catalog>()
      expectTypeOf(checked).not.toHaveProperty('issues')
    } else {
      expectTypeOf(checked.issues[0]!.path).toBeString()
      expectTypeOf(checked).not.toHaveProperty('catalog')
    }
    expectTypeOf(checked.warnings).toBeArray
  })

  it('gives what a gate takes', () => {
    expectTypeOf(catalogOf).returns.toEqualTypeOf<Catalog>()
    // @ts-expect-error a document is checked first
    createGate({ catalog: { plans: [] } })
  })
})

describe('an edit', () => {
  it('gives a catalog or a fault', () => {
    const edited = putApiKeys({} as Catalog, [])
    expectTypeOf(edited).toEqualTypeOf<Catalog | EditFault>()
    if (isFault(edited)) expectTypeOf(edited).toEqualTypeOf<EditFault>()
    else expectTypeOf(edited).toEqualTypeOf<Catalog>()
  })

  it('is never made in place', () => {
    const catalog = {} as Catalog
    // @ts-expect-error a catalog is read
    catalog.usagePlans = []
    // @ts-expect-error and what it holds
    catalog.usagePlans.push({ id: 'gold', apiStages: [] })
  })
})

const REQUEST = { method: 'GET', path: '/', apiKey: KEY.value }

describe('a gate', () => {
  const catalog = {} as Catalog

  it('over memory answers with a decision, and no promise', () => {
    const gate = createGate({ catalog })
    expectTypeOf(gate).toEqualTypeOf<Gate<false>>()
    expectTypeOf(gate.admit(REQUEST)).toEqualTypeOf<Decision>()
    expectTypeOf(gate.peek(REQUEST)).toEqualTypeOf<Decision>()
    expectTypeOf(gate.giveBack({} as Decision)).toEqualTypeOf<boolean>()
    expectTypeOf(createGate({ catalog, store: memoryStore() }).admit(REQUEST)).toEqualTypeOf<Decision>()
  })

  it('over an asynchronous store may answer at once, where no store is asked', () => {
    const gate = createGate({ catalog, store: {} as Store<true> })
    expectTypeOf(gate).toEqualTypeOf<Gate<true>>()
    expectTypeOf(gate.admit(REQUEST)).toEqualTypeOf<Decision | Promise<Decision>>()
    expectTypeOf(gate.giveBack({} as Decision)).toEqualTypeOf<Promise<boolean>>()
    // @ts-expect-error await it first
    gate.admit(REQUEST).kind
  })

  it('over any store says so', () => {
    const gate = createGate({ catalog, store: {} as Store })
    expectTypeOf(gate.admit(REQUEST)).toEqualTypeOf<Decision | Promise<Decision>>()
    expectTypeOf<Admission<boolean>>().toEqualTypeOf<Decision | Promise<Decision>>()
    expectTypeOf<Store>().not.toExtend<Store<false>>()
    expectTypeOf<Store<true>>().toExtend<Store>()
    expectTypeOf<Store<false>>().toExtend<Store>()
  })

  it('tells its hook decisions, never promises', () => {
    createGate({
      catalog,
      store: {} as Store<true>,
      onDecision: (decision, request) => {
        expectTypeOf(decision).toEqualTypeOf<Decision>()
        expectTypeOf(request.path).toBeString()
      },
    })
  })

  it('needs a catalog', () => {
    // @ts-expect-error catalog is missing
    createGate({})
    // @ts-expect-error a clock gives a number
    createGate({ catalog, clock: () => new Date() })
  })
})

describe('a decision', () => {
  it('says when to come back only where coming back helps', () => {
    const decision = {} as Decision
    // @ts-expect-error an admitted request need not come back
    decision.retryAfter
    switch (decision.kind) {
      case 'throttled':
        expectTypeOf(decision).toEqualTypeOf<Throttled>()
        expectTypeOf(decision.retryAfter).toBeNumber()
        break
      case 'quota-exceeded':
        expectTypeOf(decision).toEqualTypeOf<QuotaExceeded>()
        expectTypeOf(decision.retryAfter).toBeNumber()
        break
      case 'never-admitted':
        expectTypeOf(decision).toEqualTypeOf<NeverAdmitted>()
        expectTypeOf(decision).not.toHaveProperty('retryAfter')
        expectTypeOf(decision.limitedBy).toEqualTypeOf<'method' | 'plan' | 'quota' | 'stage' | 'account'>()
        break
      case 'allowed':
        expectTypeOf(decision).toEqualTypeOf<Allowed>()
        expectTypeOf(decision).not.toHaveProperty('retryAfter')
        expectTypeOf(decision).not.toHaveProperty('limitedBy')
        break
      case 'open':
        expectTypeOf(decision).not.toHaveProperty('limits')
        break
      case 'invalid-api-key':
        expectTypeOf(decision.reason).toEqualTypeOf<'missing' | 'malformed' | 'unknown' | 'disabled' | 'no-plan'>()
        break
      case 'store-unavailable':
        expectTypeOf(decision.reason).toEqualTypeOf<'failed' | 'deadline' | 'not-asked'>()
        break
      case 'missing-authentication-token':
      case 'bad-request':
        expectTypeOf(decision).not.toHaveProperty('retryAfter')
        break
      default:
        expectTypeOf(decision).toBeNever()
    }
  })

  it('is narrowed by admitted too', () => {
    const decision = {} as Decision
    if (decision.admitted) expectTypeOf<typeof decision.kind>().toEqualTypeOf<'allowed' | 'open'>()
    else expectTypeOf<Extract<typeof decision.kind, 'allowed' | 'open'>>().toBeNever()
  })
})
