import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/core/decision.ts'
import type { ApiRequest } from '../../src/core/resolve.ts'
import { type AnswerStyle, admittedHeaders, answer, failure } from '../../src/http/answer.ts'
import { gateOf } from '../gate-of.ts'

const KEYS = {
  burst: 'key-of-burst-000000000001',
  quota: 'key-of-quota-000000000001',
  never: 'key-of-never-000000000001',
  small: 'key-of-small-000000000001',
  off: 'key-of-off-00000000000001',
  planless: 'key-of-planless-000000001',
}
const NOON = Date.parse('2026-03-04T12:00:00Z')

/** One gate in which every kind of decision can be had. */
function world(now = NOON) {
  const clock = { now }
  const method = { path: '/pets', httpMethod: 'GET', apiKeyRequired: true } as const
  const apiStages = [{ apiId: 'a', stage: 's' }]
  const gate = gateOf({
    catalog: {
      apis: [{ id: 'a', methods: [method, { path: '/open', httpMethod: 'ANY' }], stages: [{ stageName: 's' }] }],
      usagePlans: [
        { id: 'burst', apiStages, throttle: { rateLimit: 0.4, burstLimit: 1 } },
        { id: 'quota', apiStages, quota: { limit: 1, period: 'DAY' } },
        { id: 'never', apiStages, throttle: { rateLimit: 0, burstLimit: 0 } },
        { id: 'small', apiStages, throttle: { rateLimit: 9, burstLimit: 9 }, quota: { limit: 2, period: 'DAY' } },
        { id: 'elsewhere', apiStages: [] },
      ],
      apiKeys: [
        { id: 'k-burst', value: KEYS.burst, usagePlanIds: ['burst'] },
        { id: 'k-quota', value: KEYS.quota, usagePlanIds: ['quota'] },
        { id: 'k-never', value: KEYS.never, usagePlanIds: ['never'] },
        { id: 'k-small', value: KEYS.small, usagePlanIds: ['small'] },
        { id: 'k-off', value: KEYS.off, usagePlanIds: ['burst'], enabled: false },
        { id: 'k-planless', value: KEYS.planless, usagePlanIds: ['elsewhere'] },
      ],
    },
    clock: () => clock.now,
  })
  const get = (apiKey?: string, more: Partial<ApiRequest> = {}): Decision =>
    gate.admit({ method: 'GET', path: '/pets', apiKey, ...more })
  return { clock, gate, get }
}

/** Each decision there can be, by name. */
function decisions(): Record<string, Decision> {
  const { get } = world()
  return {
    allowed: get(KEYS.burst),
    open: get(undefined, { path: '/open' }),
    throttled: get(KEYS.burst),
    'quota, used': get(KEYS.quota) && get(KEYS.quota),
    'never, burst 0': get(KEYS.never),
    'never, a cost above the quota': get(KEYS.small, { cost: 3 }),
    'key missing': get(),
    'key empty': get(''),
    'key malformed': get('short'),
    'key twice': get(`${KEYS.burst}, ${KEYS.burst}`),
    'key unknown': get('a-key-that-nobody-has-01'),
    'key disabled': get(KEYS.off),
    'key without a plan here': get(KEYS.planless),
    'no method': get(KEYS.burst, { path: '/nothing' }),
    'no stage': get(KEYS.burst, { apiId: 'b', stage: 's' }),
    'bad path': get(KEYS.burst, { path: '/pets/../pets' }),
    'bad host': get(KEYS.burst, { host: 'a@b' }),
  }
}

const json = ['Content-Type', 'application/json'] as const
const type = (name: string) => ['x-amzn-ErrorType', name] as const
const noStore = ['Cache-Control', 'no-store'] as const
const retryAfter = (seconds: number) => ['Retry-After', String(seconds)] as const
const fields = (policy: string, limit: string) =>
  [
    ['RateLimit-Policy', policy],
    ['RateLimit', limit],
  ] as const

const FORBIDDEN = [403, '{"message":"Forbidden"}', 'ForbiddenException', []] as const
const MISSING_TOKEN = [
  403,
  '{"message":"Missing Authentication Token"}',
  'MissingAuthenticationTokenException',
  [],
] as const
const BAD_REQUEST = [400, '{"message":"Bad Request"}', 'BadRequestException', []] as const
const TOO_MANY = [429, '{"message":"Too Many Requests"}', 'TooManyRequestsException'] as const
const LIMIT = [429, '{"message":"Limit Exceeded"}', 'LimitExceededException'] as const

const BURST = fields('"burst-rate";q=1;w=3', '"burst-rate";r=0;t=3')

/** Every refusal: status, body, type, and what the standard style adds to `Cache-Control`. */
const REFUSALS = {
  throttled: [...TOO_MANY, [retryAfter(3), ...BURST]],
  'quota, used': [...LIMIT, [retryAfter(43_200), ...fields('"quota";q=1;w=86400', '"quota";r=0;t=43200')]],
  'never, burst 0': [...TOO_MANY, fields('"never-rate";q=0', '"never-rate";r=0')],
  'never, a cost above the quota': [
    ...LIMIT,
    fields('"small";q=2;w=86400, "small-rate";q=9;w=1', '"small";r=2;t=43200, "small-rate";r=9;t=1'),
  ],
  'key missing': FORBIDDEN,
  'key empty': FORBIDDEN,
  'key malformed': FORBIDDEN,
  'key twice': FORBIDDEN,
  'key unknown': FORBIDDEN,
  'key disabled': FORBIDDEN,
  'key without a plan here': FORBIDDEN,
  'no method': MISSING_TOKEN,
  'no stage': MISSING_TOKEN,
  'bad path': BAD_REQUEST,
  'bad host': BAD_REQUEST,
} as const

describe('answer', () => {
  it('knows every decision', () => {
    expect(Object.keys(decisions())).toEqual(['allowed', 'open', ...Object.keys(REFUSALS)])
    expect(new Set(Object.values(decisions()).map(({ kind }) => kind)).size).toBe(8)
  })

  for (const [name, [status, body, errorType, more]] of Object.entries(REFUSALS)) {
    it(`of ${name} is ${status} ${body}`, () => {
      const decision = decisions()[name]!
      expect(answer(decision)).toEqual({ status, body, headers: [json, type(errorType), noStore, ...more] })
      expect(answer(decision, 'standard')).toEqual(answer(decision))
    })

    it(`of ${name} in AWS’s style has AWS’s two headers and no more`, () => {
      expect(answer(decisions()[name]!, 'aws')).toEqual({ status, body, headers: [json, type(errorType)] })
    })
  }

  it('of what is admitted is the API’s, with the RateLimit fields, or bare in AWS’s style', () => {
    const { allowed, open } = decisions()
    for (const style of ['standard', 'aws'] as AnswerStyle[]) {
      expect(answer(allowed!, style)).toBeNull()
      expect(answer(open!, style)).toBeNull()
    }
    expect(admittedHeaders(allowed!)).toEqual(BURST)
    expect(admittedHeaders(allowed!, 'aws')).toEqual([])
    expect(admittedHeaders(open!)).toEqual([])
  })

  it('where judging failed is 500, bare in AWS’s style', () => {
    const bare = {
      status: 500,
      body: '{"message":"Internal Server Error"}',
      headers: [json, type('InternalServerErrorException')],
    }
    expect(failure('aws')).toEqual(bare)
    expect(failure()).toEqual({ ...bare, headers: [...bare.headers, noStore] })
  })

  it('never says to come back in 0 seconds, nor a second too early', () => {
    const { clock, get } = world()
    get(KEYS.burst)
    // One token in 2500 ms.
    for (const [after, seconds] of [
      [0, '3'],
      [499, '3'],
      [500, '2'],
      [1500, '1'],
      [2499, '1'],
    ] as const) {
      clock.now = NOON + after
      const headers = new Map(answer(get(KEYS.burst))!.headers)
      expect(headers.get('Retry-After'), `after ${after} ms`).toBe(seconds)
    }
    clock.now = NOON + 2500
    expect(get(KEYS.burst).admitted).toBe(true)
  })

  it('is the same, byte for byte, whatever is wrong with a key (P-24)', () => {
    const all = decisions()
    const wrong = Object.keys(all).filter(name => name.startsWith('key '))
    expect(new Set(wrong.map(name => (all[name] as { reason: string }).reason)).size).toBe(5)
    for (const style of ['standard', 'aws'] as const) {
      expect(new Set(wrong.map(name => JSON.stringify(answer(all[name]!, style)))).size).toBe(1)
    }
  })

  it('holds no key’s value, and neither does the decision (P-25)', () => {
    const all = Object.values(decisions())
    const said = JSON.stringify([all, all.map(decision => [answer(decision), admittedHeaders(decision)])])
    expect(said).toContain('k-burst')
    for (const value of Object.values(KEYS)) expect(said).not.toContain(value)
  })
})
