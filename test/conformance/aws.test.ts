// Cases of AWS API Gateway's data plane, recorded or documented, through a gate and the answer. The clock is injected.

import { describe, expect, it } from 'vitest'
import type { CatalogDocument, UsagePlanDocument } from '../../src/core/document.ts'
import { deploy, isFault, putApi, putApiKeys } from '../../src/core/edits.ts'
import type { ApiRequest } from '../../src/core/resolve.ts'
import { answer } from '../../src/http/answer.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { gateOf } from '../gate-of.ts'

const KEY = 'conformance-key-00000001'
const FORBIDDEN = { status: 403, body: '{"message":"Forbidden"}', type: 'ForbiddenException' }
const TOO_MANY = { status: 429, body: '{"message":"Too Many Requests"}', type: 'TooManyRequestsException' }
const LIMIT = { status: 429, body: '{"message":"Limit Exceeded"}', type: 'LimitExceededException' }
const OK = { status: 200 }

function api(stages = ['prod']): NonNullable<CatalogDocument['apis']>[number] {
  const keyed = { httpMethod: 'GET', apiKeyRequired: true } as const
  return {
    id: 'api',
    methods: [
      { path: '/pets', ...keyed },
      { path: '/other', ...keyed },
      { path: '/open', httpMethod: 'GET' },
    ],
    stages: stages.map(stageName => ({ stageName })),
  }
}

function world(plan: Partial<UsagePlanDocument> = {}, more: Partial<CatalogDocument> = {}) {
  const clock = { now: Date.parse('2024-03-01T00:00:00Z') }
  const store = memoryStore()
  const gate = gateOf({
    catalog: {
      apis: [api()],
      usagePlans: [{ id: 'plan', apiStages: [{ apiId: 'api', stage: 'prod' }], ...plan }],
      apiKeys: [{ id: 'key', value: KEY, usagePlanIds: ['plan'] }],
      ...more,
    },
    store,
    clock: () => clock.now,
  })
  /** A request as AWS would answer it: to the header, in AWS's style. */
  const get = (path = '/pets', apiKey: string | null = KEY, more: Partial<ApiRequest> = {}) => {
    const refused = answer(gate.admit({ method: 'GET', path, apiKey, ...more }), 'aws')
    if (refused === null) return OK
    const headers = Object.fromEntries(refused.headers)
    expect(headers['Content-Type']).toBe('application/json')
    expect(headers).not.toHaveProperty('Retry-After')
    return { status: refused.status, body: refused.body, type: headers['x-amzn-ErrorType'] }
  }
  return { clock, store, gate, get }
}

const statuses = (times: number, get: () => { status: number }): number[] =>
  Array.from({ length: times }, () => get().status)
const count = (statuses: number[], status: number): number => statuses.filter(s => s === status).length

describe('AWS’s data plane', () => {
  it('O21: a method that needs a key refuses a request without x-api-key', () => {
    expect(world().get('/pets', null)).toEqual(FORBIDDEN)
  })

  it('O22: a key that is disabled is refused from then on', () => {
    const { gate, get } = world()
    expect(get()).toEqual(OK)
    const catalog = putApiKeys(gate.catalog, [{ ...gate.catalog.apiKeys.get('key')!, enabled: false }])
    if (isFault(catalog)) throw new Error(catalog.message)
    gate.replace(catalog)
    expect(get()).toEqual(FORBIDDEN)
  })

  it('O23: a method that needs no key costs no key anything, also one that is sent along', () => {
    const { store, gate, get } = world({
      throttle: { rateLimit: 1, burstLimit: 1 },
      quota: { limit: 1, period: 'DAY' },
    })
    expect(statuses(5, () => get('/open'))).toEqual([200, 200, 200, 200, 200])
    expect(store.size).toBe(0)
    expect(gate.peek({ method: 'GET', path: '/pets', apiKey: KEY, cost: 0 })).toMatchObject({ quota: { used: 0 } })
  })

  it('O24: the request after the quota’s last is refused with Limit Exceeded, and no Retry-After', () => {
    const { clock, get } = world({ quota: { limit: 5, period: 'DAY' } })
    const got = statuses(5, () => {
      clock.now += 3_600_000
      return get()
    })
    expect(got).toEqual([200, 200, 200, 200, 200])
    expect(get()).toEqual(LIMIT)
  })

  it('O25: of 10 000 requests at once an account of burst 5000 serves 5000', () => {
    const { get } = world({}, { account: { throttleSettings: { rateLimit: 10_000, burstLimit: 5000 } } })
    const got = statuses(10_000, get)
    expect([count(got, 200), count(got, 429)]).toEqual([5000, 5000])
    expect(get()).toEqual(TOO_MANY)
  })

  it('O26: 100 ms later it serves the 1000 that came back', () => {
    const { clock, get } = world({}, { account: { throttleSettings: { rateLimit: 10_000, burstLimit: 5000 } } })
    expect(count(statuses(5000, get), 200)).toBe(5000)
    clock.now += 100
    expect(count(statuses(5000, get), 200)).toBe(1000)
  })

  it('O27: a day’s quota is whole again at midnight UTC, to the millisecond', () => {
    const { clock, get } = world({ quota: { limit: 2, period: 'DAY' } })
    clock.now = Date.parse('2024-03-01T23:59:59.999Z')
    expect(statuses(3, get)).toEqual([200, 200, 429])
    clock.now = Date.parse('2024-03-02T00:00:00.000Z')
    expect(get()).toEqual(OK)
  })

  it('O28: the limits of a plan are over all its stages together', () => {
    const { get } = world(
      {
        apiStages: ['a', 'b'].map(stage => ({ apiId: 'api', stage })),
        throttle: { rateLimit: 0.001, burstLimit: 2 },
      },
      { apis: [api(['a', 'b'])] },
    )
    const at = (stage: string) => get('/pets', KEY, { apiId: 'api', stage })
    expect([at('a'), at('b'), at('a')]).toEqual([OK, OK, TOO_MANY])
  })

  it('O29: that a method needs a key is in force when its API is deployed, and not before', () => {
    const methods = [{ path: '/pets' as const, httpMethod: 'GET' as const, apiKeyRequired: false }]
    const { gate, get } = world(
      {},
      {
        apis: [
          {
            id: 'api',
            methods,
            deployments: [{ id: 'd1', methods }],
            stages: [{ stageName: 'prod', deploymentId: 'd1' }],
          },
        ],
      },
    )
    expect(get('/pets', null)).toEqual(OK)

    const edited = putApi(gate.catalog, {
      ...gate.catalog.apis[0]!,
      methods: methods.map(method => ({ ...method, apiKeyRequired: true })),
    })
    if (isFault(edited)) throw new Error(edited.message)
    gate.replace(edited)
    expect(get('/pets', null)).toEqual(OK)

    const deployed = deploy(edited, 'api', { id: 'd2', stageName: 'prod' })
    if (isFault(deployed)) throw new Error(deployed.message)
    gate.replace(deployed)
    expect(get('/pets', null)).toEqual(FORBIDDEN)
    expect(get()).toEqual(OK)
  })

  describe('O40: a throttle of one method', () => {
    const plan = {
      throttle: { rateLimit: 1, burstLimit: 10 },
      apiStages: [{ apiId: 'api', stage: 'prod', throttle: { '/pets/GET': { rateLimit: 1, burstLimit: 1 } } }],
    } as const

    it('is in addition to its plan’s, and a request that it refuses charges neither', () => {
      const { get } = world(plan)
      expect([get('/pets'), get('/pets')]).toEqual([OK, TOO_MANY])
      expect(
        count(
          statuses(9, () => get('/other')),
          200,
        ),
      ).toBe(9)
      expect(get('/other')).toEqual(TOO_MANY)
    })

    it('is in place of its plan’s where the catalog says override', () => {
      const { get } = world(plan, { semantics: { methodThrottle: 'override' } })
      expect([get('/pets'), get('/pets')]).toEqual([OK, TOO_MANY])
      expect(
        count(
          statuses(10, () => get('/other')),
          200,
        ),
      ).toBe(10)
      expect(get('/other')).toEqual(TOO_MANY)
    })
  })
})
