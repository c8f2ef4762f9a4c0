// `tollgate check`: each finding has a catalog that shows it and one that does not, and what it explains is what a gate does.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../scripts/bundle.mjs'
import { censusOf } from '../../src/cli/check/census.ts'
import { columns, wrap } from '../../src/cli/check/columns.ts'
import { type Explanation, explain } from '../../src/cli/check/explain.ts'
import type { Finding } from '../../src/cli/check/finding.ts'
import { findingsOf } from '../../src/cli/check/findings.ts'
import { isGuessable } from '../../src/cli/check/guessable.ts'
import { jsonOf } from '../../src/cli/check/json.ts'
import { layoutOf } from '../../src/cli/check/layout.ts'
import { namingOf } from '../../src/cli/check/naming.ts'
import { reportOf } from '../../src/cli/check/report.ts'
import { textOf } from '../../src/cli/check/text.ts'
import { rateWords } from '../../src/cli/check/words.ts'
import { VERBS } from '../../src/core/api.ts'
import type { Catalog } from '../../src/core/catalog.ts'
import { check } from '../../src/core/check.ts'
import type { CatalogDocument, ShortDocument } from '../../src/core/document.ts'
import { createGate, putApiKeys } from '../../src/index.ts'
import { documents } from '../core/documents.ts'

const ROOT = join(import.meta.dirname, '../..')
const NOW = Date.UTC(2026, 10, 24, 12)
const plain = (_: string, text: string): string => text

function checked(document: object): { catalog: Catalog; findings: Finding[]; explanation: Explanation } {
  const result = check(document)
  if (!result.ok) throw new Error(result.issues[0]?.message)
  const { catalog, warnings } = result
  const layout = layoutOf(catalog)
  const census = censusOf(catalog)
  const findings = findingsOf({ layout, census, naming: namingOf(document), warnings })
  return { catalog, findings, explanation: explain(layout, census.counts, NOW) }
}

const codesOf = (document: object): string[] => checked(document).findings.map(({ code }) => code)

/** A key's value that looks drawn. */
const value = (n: number): string => `u8jzPde0IgxLd6GncfBAepfJBd0Kh${n}`

type Full = CatalogDocument
type Method = NonNullable<Full['apis']>[number]['methods'][number]

const keyed = (httpMethod: Method['httpMethod'], path: Method['path']): Method => ({
  httpMethod,
  path,
  apiKeyRequired: true,
})
const open = (httpMethod: Method['httpMethod'], path: Method['path']): Method => ({ httpMethod, path })

/** A catalog of which there is nothing to say, with what is given in place of it. */
function full({
  methods = [keyed('GET', '/pets')],
  stage = {},
  api = {},
  plan = {},
  key = {},
  ...rest
}: {
  methods?: Method[]
  stage?: object
  api?: object
  plan?: object
  key?: object
} & Partial<Full> = {}): Full {
  return {
    apis: [{ id: 'shop', methods, stages: [{ stageName: 'prod', ...stage }], ...api }],
    usagePlans: [
      {
        id: 'free',
        apiStages: [{ apiId: 'shop', stage: 'prod' }],
        throttle: { rateLimit: 10, burstLimit: 20 },
        quota: { limit: 1000, period: 'DAY' },
        ...plan,
      },
    ],
    apiKeys: [{ id: 'acme', value: value(1), usagePlanIds: ['free'], ...key }],
    ...rest,
  }
}

const withThrottle = (throttle: object, plan: object = {}) => ({
  apiStages: [{ apiId: 'shop', stage: 'prod', throttle }],
  ...plan,
})
const setting = (throttlingRateLimit: number, throttlingBurstLimit: number, name = 'pets/GET') => ({
  methodSettings: { [name]: { throttlingRateLimit, throttlingBurstLimit } },
})
const account = (rateLimit: number, burstLimit: number) => ({
  account: { throttleSettings: { rateLimit, burstLimit } },
})
const throttle = (rateLimit: number, burstLimit: number) => ({ throttle: { rateLimit, burstLimit } })
const short = (document: Partial<ShortDocument>): ShortDocument => ({
  plans: [{ id: 'free' }],
  keys: [{ id: 'acme', value: value(1), plan: 'free' }],
  ...document,
})
const deployed = (methods: Method[], ...more: object[]) => ({
  api: {
    deployments: [{ id: 'd1', methods }, ...more],
    stages: [{ stageName: 'prod', deploymentId: 'd1' }],
  },
})
const mapped = (...basePathMappings: NonNullable<Full['basePathMappings']>) => ({ basePathMappings })
const toShop = { apiId: 'shop', stage: 'prod' }
const other = { id: 'other', methods: [keyed('GET', '/x')], stages: [{ stageName: 'prod' }] }
const shopAndOther = { apis: [...(full().apis ?? []), other] }
const both = { apiStages: [toShop, { apiId: 'other', stage: 'prod' }] }

/** The shop at every path but /v1, which leads to another API. */
const behindV1 = (methods: Method[]): Full =>
  full({
    apis: [{ ...full().apis![0]!, methods }, other],
    plan: both,
    ...mapped(toShop, { basePath: 'v1', apiId: 'other', stage: 'prod' }),
  })

/** Code, a document that shows it, one that does not. */
const CASES: readonly (readonly [string, object, object])[] = [
  ['open-methods', full({ methods: [open('GET', '/pets')] }), full()],
  [
    'head-open',
    full({ methods: [keyed('GET', '/pets'), open('ANY', '/{proxy+}')] }),
    full({ methods: [keyed('GET', '/pets'), keyed('HEAD', '/pets'), open('ANY', '/{proxy+}')] }),
  ],
  [
    'head-open',
    full({ methods: [keyed('ANY', '/pets'), open('HEAD', '/pets')] }),
    full({ methods: [keyed('ANY', '/pets'), open('OPTIONS', '/pets')] }),
  ],
  ['head-open', full({ methods: [keyed('GET', '/pets'), open('ANY', '/pets')] }), short({ requireKey: ['GET /pets'] })],
  ['path-half-open', short({ requireKey: ['GET /pets'] }), short({ requireKey: ['/pets', '/pets/{below+}'] })],
  ['path-half-open', short({ requireKey: ['/pets'] }), short({})],
  [
    'method-unreached',
    full({ methods: [keyed('GET', '/{a}'), keyed('GET', '/{a}/{rest+}'), keyed('GET', '/{proxy+}')] }),
    full({ methods: [keyed('GET', '/{a}'), keyed('GET', '/{a}/b'), keyed('GET', '/{proxy+}')] }),
  ],
  [
    'method-unreached',
    full({ methods: [keyed('ANY', '/x'), ...VERBS.map(verb => keyed(verb, '/x'))] }),
    full({ methods: [keyed('ANY', '/x'), ...VERBS.slice(1).map(verb => keyed(verb, '/x'))] }),
  ],
  [
    'method-unreached',
    full({ methods: [keyed('GET', '/..;x'), keyed('GET', '/x')] }),
    full({ methods: [keyed('GET', '/...'), keyed('GET', '/x')] }),
  ],
  ['method-unreached', behindV1([keyed('GET', '/v1/x'), keyed('GET', '/y')]), behindV1([keyed('GET', '/y')])],
  [
    'path-twins',
    full({ methods: [keyed('GET', '/pets/{id}'), keyed('GET', '/Pets/{id}')] }),
    full({ methods: [keyed('GET', '/pets/{id}'), keyed('POST', '/pets/{id}'), keyed('GET', '/pets/{id}/a')] }),
  ],
  [
    'stage-unmapped',
    full({ ...shopAndOther, plan: both, ...mapped(toShop) }),
    full({ ...shopAndOther, plan: both, ...mapped(toShop, { basePath: 'o', apiId: 'other', stage: 'prod' }) }),
  ],
  ['stage-unmapped', full({ ...shopAndOther, plan: both }), full()],
  ['mapping-shadowed', behindV1([keyed('GET', '/v1')]), behindV1([keyed('GET', '/v1'), keyed('GET', '/v2')])],
  ['stage-without-plans', full({ plan: { apiStages: [] } }), full()],
  ['not-deployed', full(deployed([keyed('POST', '/pets')])), full(deployed([keyed('GET', '/pets')]))],
  ['not-deployed', full(deployed([open('GET', '/pets')])), full()],
  [
    'deployment-unused',
    full(deployed([keyed('GET', '/pets')], { id: 'd2', methods: [] })),
    full(deployed([keyed('GET', '/pets')])),
  ],
  ['plan-without-stages', full({ plan: { apiStages: [] } }), full()],
  ['no-keys', full({ apiKeys: [] }), full()],
  ['plan-without-keys', full({ key: { usagePlanIds: [] } }), full({ apiKeys: [] })],
  ['key-without-plans', full({ key: { usagePlanIds: [] } }), full()],
  ['key-without-stages', full({ plan: { apiStages: [] } }), full()],
  ['key-id-is-value', full({ key: { id: value(2), value: value(2) } }), full()],
  ['key-value-shown', full({ key: { name: `key ${value(1)}` } }), full({ key: { name: `key ${value(2)}` } })],
  ['key-guessable', full({ key: { value: 'aaaaaaaaaaaaaaaaaaaa' } }), full()],
  ['key-disabled', full({ key: { enabled: false } }), full()],
  [
    'throttle-idle',
    full({ plan: withThrottle({ '/pets/GET': { rateLimit: 10, burstLimit: 20 } }) }),
    full({ plan: withThrottle({ '/pets/GET': { rateLimit: 10, burstLimit: 19 } }) }),
  ],
  [
    'throttle-idle',
    full({ plan: withThrottle({ '/pets/GET': { rateLimit: 11, burstLimit: 21 } }) }),
    full({
      plan: withThrottle({ '/pets/GET': { rateLimit: 11, burstLimit: 21 } }),
      semantics: { methodThrottle: 'override' },
    }),
  ],
  [
    'throttle-on-open',
    full({ methods: [open('GET', '/pets')], plan: withThrottle({ '/pets/GET': { rateLimit: 1, burstLimit: 1 } }) }),
    full({ plan: withThrottle({ '/pets/GET': { rateLimit: 1, burstLimit: 1 } }) }),
  ],
  [
    'throttle-bypassed',
    short({
      plans: [
        { id: 'free', methods: { 'ANY /x': { rateLimit: 1, burstLimit: 1 } } },
        {
          id: 'pro',
          methods: { 'GET /x': { rateLimit: 1, burstLimit: 1 }, 'HEAD /x': { rateLimit: 1, burstLimit: 1 } },
        },
      ],
    }),
    short({ plans: [{ id: 'free', methods: { 'ANY /x': { rateLimit: 1, burstLimit: 1 } } }, { id: 'pro' }] }),
  ],
  [
    'throttle-bypassed',
    full({
      methods: [keyed('ANY', '/pets'), keyed('GET', '/pets')],
      plan: withThrottle({ '/pets/GET': { rateLimit: 1, burstLimit: 1 } }),
    }),
    full({
      methods: [keyed('POST', '/pets'), keyed('GET', '/pets')],
      plan: withThrottle({ '/pets/GET': { rateLimit: 1, burstLimit: 1 } }),
    }),
  ],
  ['plan-above-account', full(account(9, 20)), full(account(10, 20))],
  ['plan-above-account', full(account(10, 19)), full({ ...account(1, 1), plan: { throttle: undefined } })],
  ['plan-above-stage', full({ stage: setting(9, 20) }), full({ stage: setting(10, 20) })],
  [
    'plan-above-stage',
    full({ stage: setting(5, 5), plan: withThrottle({ '/pets/GET': { rateLimit: 6, burstLimit: 5 } }) }),
    full({ stage: setting(5, 5), plan: withThrottle({ '/pets/GET': { rateLimit: 5, burstLimit: 5 } }) }),
  ],
  // 20 + 10 × 86400
  [
    'quota-unreachable',
    full({ plan: { quota: { limit: 864_021, period: 'DAY' } } }),
    full({ plan: { quota: { limit: 864_020, period: 'DAY' } } }),
  ],
  [
    'quota-unreachable',
    full({ plan: { ...throttle(0, 5), quota: { limit: 6, period: 'MONTH' } } }),
    full({
      plan: {
        ...withThrottle({ '/pets/GET': { rateLimit: 0, burstLimit: 1 } }),
        ...throttle(0, 5),
        quota: { limit: 6, period: 'MONTH' },
      },
      semantics: { methodThrottle: 'override' },
    }),
  ],
  ['admits-nothing', full({ plan: throttle(1, 0) }), full()],
  ['admits-nothing', full(account(1, 0)), full({ stage: setting(5, 5) })],
  ['admits-nothing', full({ stage: setting(1, 0) }), full({ stage: setting(-1, -1) })],
  ['never-refills', full({ plan: throttle(0, 5) }), full()],
  [
    'setting-idle',
    full({ stage: setting(10, 10), ...account(10, 10) }),
    full({ stage: setting(10, 9), ...account(10, 10) }),
  ],
  [
    'setting-idle',
    full({ stage: { methodSettings: { '*/*': { throttlingRateLimit: 1 }, 'pets/GET': { throttlingRateLimit: 1 } } } }),
    full({ stage: setting(1, 1, '*/*') }),
  ],
  ['setting-unlimited', full({ stage: setting(5, -1) }), full({ stage: setting(-1, -1) })],
  ['undeclared-method', full({ stage: setting(1, 1, 'pet/GET') }), full({ stage: setting(1, 1) })],
  [
    'response-idle',
    full({ api: { gatewayResponses: { THROTTLED: { statusCode: '204' } } } }),
    full({ api: { gatewayResponses: { THROTTLED: { statusCode: '503' } } } }),
  ],
  [
    'undeclared-method',
    full({ plan: withThrottle({ '/pet/GET': { rateLimit: 1, burstLimit: 1 } }) }),
    full({ plan: withThrottle({ '/pets/GET': { rateLimit: 1, burstLimit: 1 } }) }),
  ],
  ['rounded', full({ plan: throttle(0.3333, 1) }), full({ plan: throttle(0.1, 1) })],
]

describe('a finding', () => {
  it.each(CASES.map(([code, shows, not], i) => [code, i, shows, not] as const))(
    '%s is found where it is, and only there (%i)',
    (code, _, shows, not) => {
      expect(codesOf(shows)).toContain(code)
      expect(codesOf(not)).not.toContain(code)
    },
  )

  it('is made of nothing where all is well', () => {
    expect(checked(full()).findings).toEqual([])
  })
})

describe('where a finding is', () => {
  const atOf = (document: object, code: string): unknown => {
    const where = checked(document).findings.find(finding => finding.code === code)?.where
    return where !== undefined && 'at' in where ? where.at : where
  }

  it('is where the document has it, in full and in short form', () => {
    expect(
      atOf(full({ plan: withThrottle({ '/pets/GET': { rateLimit: 99, burstLimit: 99 } }) }), 'throttle-idle'),
    ).toEqual(['usagePlans', 0, 'apiStages', 0, 'throttle', '/pets/GET'])
    const plan = { id: 'free', ...throttle(1, 1), methods: { 'GET /x': { rateLimit: 9, burstLimit: 9 } } }
    expect(atOf(short({ plans: [plan] }), 'throttle-idle')).toEqual(['plans', 0, 'methods', 'GET /x'])
    expect(atOf(short({ requireKey: ['/y', 'GET /x'] }), 'path-half-open')).toEqual(['requireKey', 0])
    expect(atOf(full(deployed([open('GET', '/x')])), 'open-methods')).toEqual([
      'apis',
      0,
      'deployments',
      0,
      'methods',
      0,
    ])
  })

  it('is a key, of keys', () => {
    expect(atOf(full({ key: { enabled: false } }), 'key-disabled')).toEqual({ keyId: 'acme', field: 'enabled' })
  })
})

describe('a rounded rate', () => {
  it('is said with what it became', () => {
    const [finding] = checked(full({ plan: throttle(0.3333, 5), key: {} })).findings.filter(
      ({ code }) => code === 'rounded',
    )
    expect(finding?.message).toBe('0.3333 tokens per second is rounded down, to 0.3332986111111111')
  })
})

describe('a guessable value', () => {
  it.each([
    'aaaaaaaaaaaaaaaaaaaa',
    'keykeykeykeykeykeykey',
    'abcdefghijklmnopqrstuv',
    '12345678901234567890',
    'testtesttesttesttest1',
  ])('is %s', value => {
    expect(isGuessable(value)).toBe(true)
  })

  it('is none that was drawn, of hex digits even', () => {
    const drawn = (characters: string): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom(...characters), minLength: 24, maxLength: 40 })
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
    for (const characters of [letters, letters.slice(26), '0123456789abcdef']) {
      // Drawn by the same seed each time: among thousands of short ones some would look typed.
      const values = fc.sample(drawn(characters), { numRuns: 300, seed: 7 })
      expect(values.filter(isGuessable)).toEqual([])
    }
  })
})

describe('the explanation', () => {
  it('says what the gate does, for every plan, stage, method and limit', () => {
    fc.assert(
      fc.property(documents, document => {
        const { catalog, explanation } = checked(document)
        const keys = catalog.usagePlans.map(({ id }, i) => ({
          id: `probe-${i}`,
          value: value(100 + i),
          enabled: true,
          usagePlanIds: [id],
        }))
        const edited = putApiKeys(catalog, keys)
        if ('fault' in edited) return
        const gate = createGate({ catalog: edited, clock: () => NOW })
        const { stages } = layoutOf(catalog)
        explanation.stages.forEach((stage, s) => {
          stage.methods.forEach((method, m) => {
            const { sample, verb, served } = stages[s]!.methods[m]!
            if (served === null || method.path.includes('..;')) return
            const request = { method: verb, path: sample, apiId: stage.api, stage: stage.stage }
            catalog.usagePlans.forEach((plan, i) => {
              const decision = gate.peek({ ...request, apiKey: value(100 + i) })
              const caller = method.callers.find(caller => caller.plan === plan.id)
              if (!method.apiKeyRequired) {
                expect(decision.kind).not.toBe('invalid-api-key')
                expect(caller).toBeUndefined()
                return
              }
              expect(decision.kind === 'invalid-api-key').toBe(caller === undefined)
              if (caller === undefined || !('limits' in decision)) return
              const said = [...caller.limits, ...method.shared].map(limit => ({
                name: limit.name,
                limit: limit.name === 'quota' ? limit.limit : limit.burstLimit,
                rate: limit.name === 'quota' ? limit.end : limit.rateLimit,
              }))
              const done = decision.limits.map(({ name, limit, rateLimit, resetAt }) => ({
                name,
                limit,
                rate: rateLimit ?? resetAt,
              }))
              expect(said).toEqual(done)
            })
          })
        })
      }),
      { numRuns: 150 },
    )
  })

  it('gives the quota of the window in force, where the first one is smaller', () => {
    const semantics = { quotaOffset: 'initial-requests' } as const
    const quota = { limit: 100, period: 'MONTH', offset: 10 }
    const limitOf = (createdDate: number): unknown =>
      checked(full({ semantics, plan: { quota, createdDate: createdDate / 1000 } })).explanation.stages[0]?.plans[0]
        ?.quota
    const window = { period: 'MONTH', start: Date.UTC(2026, 10), end: Date.UTC(2026, 11) }
    expect(limitOf(NOW)).toEqual({ limit: 90, ...window })
    expect(limitOf(Date.UTC(2026, 9))).toEqual({ limit: 100, ...window })
  })

  it('is right about what is reached from outside, by host and base path', () => {
    fc.assert(
      fc.property(documents, document => {
        const { catalog } = checked(document)
        const gate = createGate({ catalog, clock: () => NOW })
        for (const { methods } of layoutOf(catalog).stages) {
          for (const { sample, verb, served, reachedAt } of methods) {
            for (const { host, basePath } of reachedAt) {
              const path = sample === '/' ? basePath || '/' : `${basePath}${sample}`
              const found = gate.route({ method: verb, path, host })
              expect(found.kind === 'route' && found.served?.method).toBe(served?.method)
            }
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  it('never fails to be shown, and holds no key', () => {
    fc.assert(
      fc.property(documents, fc.integer({ min: 40, max: 200 }), (document, width) => {
        const { catalog, explanation, findings } = checked(document)
        const placed = findings.map(finding => ({ ...finding, file: 'x.json', path: '', line: 1, column: 1 }))
        const report = { file: 'x.json', explanation, findings: placed, counts: { errors: 0, warnings: 0, notes: 0 } }
        const shown = `${textOf(report, { width, paint: plain })}${JSON.stringify(jsonOf(report))}`
        for (const key of catalog.apiKeys) expect(shown).not.toContain(key.value)
      }),
      { numRuns: 150 },
    )
  })
})

describe('the text', () => {
  const textOfDocument = (document: object): string => {
    const { explanation, findings } = checked(document)
    const placed = findings.map(finding => ({ ...finding, file: 'x.json', path: '', line: 1, column: 1 }))
    const counts = { errors: 0, warnings: 0, notes: 0 }
    return textOf({ file: 'x.json', explanation, findings: placed, counts }, { width: 80, paint: plain })
  }

  it('says of a method that nothing reaches, and not of all where no address leads to the stage', () => {
    const unreached = { methods: [keyed('GET', '/..;x'), keyed('GET', '/x')] }
    expect(textOfDocument(full(unreached))).toContain('no request reaches it')
    expect(textOfDocument(full({ ...shopAndOther, plan: both }))).toContain('at no address')
    expect(textOfDocument(full({ ...shopAndOther, plan: both }))).not.toContain('no request reaches it')
  })

  it('obeys no control character of the catalog', () => {
    const document = full({
      version: '\x1b[2J\x9b',
      api: { name: '\x1b[31m' },
      key: { name: '\u202e\x1b', enabled: false },
    })
    expect(textOfDocument(document)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  })

  it('shows the first few of many, and where the rest are', () => {
    const usagePlans = Array.from({ length: 30 }, (_, i) => ({ id: `p${i}`, apiStages: [toShop] }))
    const text = textOfDocument(full({ usagePlans, apiKeys: [{ id: 'acme', value: value(1), usagePlanIds: ['p0'] }] }))
    expect(text).toContain('and 10 more: see --json')
    expect(text).toContain('and 9 more [plan-without-keys]: see --json')
  })
})

describe('words and columns', () => {
  it.each([
    [10, '10/s'],
    [0.5, '0.5/s'],
    [1 / 60, '1/min'],
    [1 / 86_400, '1/day'],
    [0.3332986111111111, '≈0.3333/s'],
    [0, '0/s'],
  ])('writes %d as %s', (rate, words) => {
    expect(rateWords(rate)).toBe(words)
  })

  it('wraps between words, and nowhere else', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('a-word-that-is-longer so', 7)).toEqual(['a-word-that-is-longer', 'so'])
  })

  it('puts the last column below where it has no room beside', () => {
    const row = [{ text: 'x'.repeat(30) }, { text: 'some words that need room' }]
    expect(columns([row], { width: 40, indent: 2, paint: plain })).toEqual([
      `  ${'x'.repeat(30)}`,
      '      some words that need room',
    ])
    expect(columns([row], { width: 80, indent: 2, paint: plain })).toEqual([
      `  ${'x'.repeat(30)}  some words that need room`,
    ])
  })
})

describe('the pet shop', () => {
  it.each([80, 200])('is explained as test/cli/golden has it, at %d columns', async width => {
    const at = (path: string): string => join(ROOT, 'examples/petstore', path)
    const report = await reportOf({ catalog: at('catalog.json'), keys: at('keys.csv'), now: NOW })
    const text = textOf(report, { width, paint: plain }).replaceAll(`${at('')}/`, '')
    await expect(text).toMatchFileSnapshot(`golden/petstore.${width}.txt`)
  })

  it('is what docs/cli.md has of it, line by line', async () => {
    const at = (path: string): string => join(ROOT, 'examples/petstore', path)
    const report = await reportOf({ catalog: at('catalog.json'), keys: at('keys.csv'), now: NOW })
    const text = textOf(report, { width: 100, paint: plain }).replaceAll(`${ROOT}/`, '').split('\n')
    const docs = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8')
    const [, shown = ''] = /^Shortened to one of its three stages.*?```\n(.*?)\n```/ms.exec(docs) ?? []
    expect(shown).toContain('stage prod')
    for (const line of shown.split('\n')) expect(text).toContain(line)
  })

  it('is explained to programs as test/cli/golden has it', async () => {
    const at = (path: string): string => join(ROOT, 'examples/petstore', path)
    const report = await reportOf({ catalog: at('catalog.json'), keys: at('keys.csv'), now: NOW })
    const json = `${JSON.stringify(jsonOf(report), null, 2)}\n`.replaceAll(`${at('')}/`, '')
    await expect(json).toMatchFileSnapshot('golden/petstore.json')
  })
})

describe('the command', () => {
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-check-'))
    await bundle(join(ROOT, 'src/cli/main.ts'), join(folder, 'cli.mjs'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const file = (name: string, content: string | object): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    return path
  }
  const run = (args: string[], env: NodeJS.ProcessEnv = {}): { status: number; stdout: string; stderr: string } => {
    const { NO_COLOR: _, FORCE_COLOR: __, ...clean } = process.env
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'cli.mjs'), 'check', ...args], {
      encoding: 'utf8',
      env: { ...clean, ...env },
    })
    return { status: status ?? -1, stdout, stderr }
  }
  const warned = full({ stage: setting(10, 10), ...account(10, 10), plan: throttle(1, 1) })

  it('is fine with warnings, unless they are taken strictly', () => {
    const path = file('warned.json', warned)
    expect(run([path]).status).toBe(0)
    expect(run([path, '--strict']).status).toBe(2)
    expect(run([file('fine.json', full()), '--strict'])).toMatchObject({ status: 0, stderr: '' })
  })

  it('names the place of what is wrong, what was expected and what to do', () => {
    const path = file('wrong.json', '{\n  "plans": [\n    { "id": "a", "throtle": {} }\n  ]\n}')
    const { status, stdout } = run([path])
    expect(status).toBe(2)
    expect(stdout).toContain(`${path}:3:18 error [unknown-field] plans[0].throtle`)
    expect(stdout).toContain('did you mean "throttle"?')
    const { ok, findings } = JSON.parse(run([path, '--json']).stdout)
    expect(ok).toBe(false)
    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'unknown-field',
        file: path,
        path: 'plans[0].throtle',
        line: 3,
        column: 18,
        message: expect.stringMatching(/^expected one of id, .*, received "throtle"$/),
        remedy: 'did you mean "throttle"?',
      },
    ])
  })

  it('is plain when piped, and coloured when forced', () => {
    const path = file('warned.json', warned)
    expect(run([path]).stdout).not.toContain('\x1b')
    expect(run([path], { FORCE_COLOR: '1' }).stdout).toContain('\x1b[33mwarning')
    expect(run([path], { NO_COLOR: '1' }).stdout).not.toContain('\x1b')
  })

  it('reads a key file on top, and says the line of a bad row and of a key', () => {
    const path = file('keyless.json', full({ apiKeys: [] }))
    const keys = file('keys.csv', `Name,Key,UsagePlanIds\nA,abc,free\nB,${value(3)},\nC,${value(4)},free\n`)
    const { status, stdout } = run([path, '--keys', keys, '--json'])
    const findings = JSON.parse(stdout).findings as { code: string; file: string; line: number; message: string }[]
    expect(status).toBe(2)
    expect(findings.map(({ code, file, line }) => [code, file, line])).toEqual([
      ['key-file', keys, 2],
      ['key-without-plans', keys, 3],
    ])
    expect(findings[1]?.message).toContain('1 key is in no usage plan and refused everywhere: B')
    expect(stdout).not.toContain(value(3))
  })

  it('says beside what is wrong with the catalog that the key file is not there', () => {
    const { status, stdout } = run([file('broken.json', { plans: [{ id: 1 }] }), '--keys', '/no/keys.csv', '--json'])
    const findings = JSON.parse(stdout).findings as { code: string; file: string; message: string; remedy: string }[]
    expect(status).toBe(2)
    expect(findings.map(({ code }) => code)).toEqual(['type', 'key-file'])
    expect(findings[1]).toMatchObject({
      file: '/no/keys.csv',
      message: 'expected a file, found none there',
      remedy: 'check the path',
    })
  })

  it.each([
    [[], 'expected a catalog file, received nothing'],
    [['/no/such.json'], '/no/such.json: expected a file, found none there'],
    [['a.json', 'b.csv'], 'a key file comes after --keys'],
    [['--nope'], '--nope'],
  ])('says of %j what it expected', (args, message) => {
    const { status, stdout, stderr } = run(args)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(status).toBe(2)
  })

  it('teaches by example', () => {
    expect(run(['--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('tollgate check plans.json --keys'),
    })
  })

  it('points at a place behind parts that have nothing to say', () => {
    const path = file('places.json', { ...warned, version: 'x' })
    const lines = readFileSync(path, 'utf8').split('\n')
    const { findings } = JSON.parse(run([path, '--json']).stdout)
    expect(lines[findings[0].line - 1]?.slice(findings[0].column - 1)).toMatch(/^"pets\/GET"/)
  })
})
