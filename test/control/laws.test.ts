// Laws of the control plane: whatever comes, it answers in AWS's shape, changes all or nothing, and what it leaves can
// be served.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changeBetween, operations, routes, worldOf } from '../../src/control/index.ts'
import { type Catalog, catalogOf, check, createGate } from '../../src/index.ts'
import { changedBy, wholeOf } from '../../src/stores/catalog-log.ts'
import { controlled } from './served.ts'

/** `CONTROL_RUNS=5000 npx vitest run test/control/laws.test.ts` for more. */
const RUNS = Number(process.env['CONTROL_RUNS'] ?? 150)

const start = (): Catalog =>
  catalogOf({
    apis: [
      {
        id: 'a',
        methods: [
          { path: '/', httpMethod: 'GET' },
          { path: '/pets/{petId}', httpMethod: 'ANY', apiKeyRequired: true },
        ],
        resources: [
          { id: 'root' },
          { id: 'pets', parentId: 'root', pathPart: 'pets' },
          { id: 'pet', parentId: 'pets', pathPart: '{petId}' },
        ],
        deployments: [{ id: 'd', methods: [{ path: '/', httpMethod: 'GET', apiKeyRequired: true }] }],
        stages: [{ stageName: 's', deploymentId: 'd' }, { stageName: 't' }],
      },
    ],
    basePathMappings: [{ apiId: 'a', stage: 't' }],
    usagePlans: [
      { id: 'p', name: 'p', apiStages: [{ apiId: 'a', stage: 's' }], throttle: { rateLimit: 1, burstLimit: 1 } },
      { id: 'q', apiStages: [{ apiId: 'a', stage: 's' }], quota: { limit: 1, period: 'DAY' } },
    ],
    apiKeys: [
      { id: 'k', value: 'k'.repeat(20), usagePlanIds: ['p'], tags: { a: 'b' } },
      { id: 'l', value: 'l'.repeat(20), enabled: false },
    ],
  })

/** What a label of a path may be, the first of them mostly there. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  apiKey: ['k', 'l', 'no'],
  keyId: ['k', 'l', 'no'],
  usagePlanId: ['p', 'q', 'no'],
  restApiId: ['a', 'no'],
  resourceId: ['root', 'pets', 'pet', 'no'],
  parentId: ['root', 'pets', 'pet', 'no'],
  httpMethod: ['GET', 'ANY', 'POST', 'get'],
  ofMethod: ['GET', 'ANY', 'POST'],
  statusCode: ['200', '404', 'x'],
  deploymentId: ['d', 'no'],
  stageName: ['s', 't', 'no'],
  domainName: ['*', 'api.example.com', 'no/host'],
  basePath: ['(none)', 's', 'v1/pets', 'no'],
  responseType: ['THROTTLED', 'DEFAULT_4XX', 'NO'],
  resourceArn: ['/apikeys/k', '/usageplans/p', '/restapis/a', '/restapis/a/stages/s', '/no/no'].map(
    path => `arn:aws:apigateway:us-east-1::${path}`,
  ),
}

const words = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '',
      'x',
      'true',
      '1',
      '0',
      '-1',
      '1.5',
      '1e3',
      'a:s',
      'a:t',
      'd',
      'pets',
      '{x}',
      '{petId}',
      '{p+}',
      'NONE',
      'DAY',
      'WEEK',
      'UsagePlans',
      'root',
      'pets',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '__proto__',
      '..',
      '/',
      '99999999999',
      'NaN',
      '{"/GET":{"rateLimit":1,"burstLimit":1}}',
      '{"__proto__":{}}',
      'é',
      '\ud800',
      'n'.repeat(2000),
    ),
  },
  { weight: 1, arbitrary: fc.string() },
)

const PATHS = [
  ...['/name', '/description', '/enabled', '/customerId', '/id', '/productCode', '/apiStages', '/throttle', '/quota'],
  ...['/throttle/rateLimit', '/throttle/burstLimit', '/quota/limit', '/quota/period', '/quota/offset', '/remaining'],
  ...['/apiStages/a:s/throttle', '/apiStages/a:s/throttle//GET/rateLimit', '/apiStages/a:s/throttle//GET/burstLimit'],
  ...['/apiStages/a:s/throttle/__proto__', '/apiStages/a:s/throttle/__proto__/GET/rateLimit', '/apiStages/a:s'],
  ...[
    '/apiKeyRequired',
    '/authorizationType',
    '/authorizationScopes',
    '/requestParameters/__proto__',
    '/operationName',
  ],
  ...['/requestModels/application~1json', '/pathPart', '/parentId', '/apiKeySource', '/binaryMediaTypes/a~1b'],
  ...['/deploymentId', '/variables/x', '/variables/__proto__', '/variables', '/*/*/throttling/rateLimit', '/*/*'],
  ...['/pets/{petId}/GET/throttling/burstLimit', '/~1/GET/throttling/rateLimit', '//GET/caching/enabled', '//GET'],
  ...[
    '/../GET/metrics/enabled',
    '/__proto__/GET/metrics/enabled',
    '/x y/GET/metrics/enabled',
    '/accessLogSettings/format',
  ],
  ...['/statusCode', '/responseTemplates/application~1json', '/responseParameters/__proto__', '/features', '', '/'],
]

const patches = fc.array(
  fc.record(
    {
      op: fc.constantFrom('replace', 'replace', 'add', 'remove', 'copy', 'test', 'no'),
      path: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...PATHS) }, { weight: 1, arbitrary: words }),
      value: words,
    },
    { requiredKeys: ['op', 'path'] },
  ),
  { minLength: 1, maxLength: 3 },
)

const number = fc.constantFrom(0, 1, 5, -1, 1.5, 1e-9, 1e12, 28)
const limits = fc.record({ rateLimit: number, burstLimit: number }, { requiredKeys: [] })
const members = fc.record(
  {
    name: words,
    description: words,
    enabled: fc.boolean(),
    value: fc.oneof(words, fc.constant('v'.repeat(20)), fc.constant('é'.repeat(20))),
    customerId: words,
    keyId: fc.constantFrom('k', 'l', 'no'),
    keyType: fc.constantFrom('API_KEY', 'API_KEY', 'X'),
    throttle: limits,
    quota: fc.record(
      { limit: number, offset: number, period: fc.constantFrom('DAY', 'WEEK', 'MONTH', 'X') },
      { requiredKeys: ['limit'] },
    ),
    apiStages: fc.array(
      fc.record(
        {
          apiId: fc.constantFrom('a', 'no'),
          stage: fc.constantFrom('s', 't'),
          throttle: fc.dictionary(fc.constantFrom('//GET', '/x', '__proto__'), limits),
        },
        { requiredKeys: ['apiId', 'stage'] },
      ),
      { maxLength: 2 },
    ),
    tags: fc.dictionary(words, words, { maxKeys: 2 }),
    pathPart: words,
    authorizationType: fc.constantFrom('NONE', 'CUSTOM', 'X'),
    apiKeyRequired: fc.boolean(),
    requestParameters: fc.dictionary(words, fc.boolean(), { maxKeys: 1 }),
    stageName: fc.constantFrom('s', 't', 'u', 'a b'),
    deploymentId: fc.constantFrom('d', 'no'),
    variables: fc.dictionary(words, words, { maxKeys: 1 }),
    statusCode: fc.constantFrom('200', '999'),
    responseTemplates: fc.dictionary(words, words, { maxKeys: 1 }),
    type: fc.constantFrom('HTTP', 'MOCK', 'X'),
    uri: words,
    cloneFrom: fc.constantFrom('a', 'no'),
    id: words,
    fault: words,
    message: words,
  },
  { requiredKeys: [] },
)

const definitions = fc.record({
  openapi: fc.constantFrom('3.0.1', '2'),
  info: fc.record({ title: words }),
  paths: fc.dictionary(
    fc.constantFrom('/', '/pets/{petId}', '/pets/{other}', '/a/{b}/{b}', 'x', '__proto__'),
    fc.constantFrom({ get: {} }, { post: { security: [{ k: [] }] } }, {}),
    { maxKeys: 3 },
  ),
  components: fc.constant({ securitySchemes: { k: { type: 'apiKey', in: 'header', name: 'x-api-key' } } }),
})

const csv = fc.constantFrom(
  'name,key\nn,kkkkkkkkkkkkkkkkkkkkkkkk',
  'name,key,usageplanids\nn,kkkkkkkkkkkkkkkkkkkk,"p,q"\nm,short',
  'key\nx',
  '',
)

const bodies = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(members, fc.option(patches, { freq: 2, nil: undefined }))
      .map(([members, patchOperations]) => JSON.stringify({ ...members, patchOperations })),
  },
  { weight: 4, arbitrary: patches.map(patchOperations => JSON.stringify({ patchOperations })) },
  { weight: 2, arbitrary: fc.json() },
  { weight: 2, arbitrary: definitions.map(value => JSON.stringify(value)) },
  { weight: 1, arbitrary: csv },
  { weight: 1, arbitrary: fc.string() },
)

const requests = fc
  .record({
    route: fc.constantFrom(...routes),
    pick: fc.array(fc.nat(20), { minLength: 4, maxLength: 4 }),
    query: fc.dictionary(
      fc.constantFrom(
        'limit',
        'position',
        'name',
        'embed',
        'format',
        'mode',
        'startDate',
        'endDate',
        'includeValues',
        'tagKeys',
        'failonwarnings',
      ),
      fc.oneof(words, fc.constantFrom('csv', 'overwrite', '2024-01-01', 'methods')),
      { maxKeys: 3 },
    ),
    body: bodies,
  })
  .map(({ route, pick, query, body }) => {
    const [path = '', search = ''] = route.path.split('?')
    let i = 0
    const filled = path.replace(/\{(\w+)\}/g, (_, label: string) => {
      const choices = LABELS[label] ?? ['x']
      const n = (pick[i++ % 4] ?? 0) % (choices.length * 3)
      return encodeURIComponent(choices[n < choices.length ? n : 0] as string)
    })
    const params = new URLSearchParams(
      `${search}&${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, value]))}`,
    )
    if (route.operation === 'ImportApiKeys' && !params.has('format')) params.set('format', 'csv')
    return { verb: route.verb, path: `${filled}?${params}`, body, hasBody: route.body !== 'none' }
  })

/** A catalog's document without its name, its keys in an order of their own. */
function plain(catalog: Catalog): unknown {
  const { version: _, ...document } = JSON.parse(JSON.stringify(catalog))
  document.apiKeys.sort((a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1))
  return document
}

describe('the control plane', () => {
  it('law: answers anything in the shape of AWS, changes nothing where it refuses, and leaves what can be served', async () => {
    const seen = { done: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 6 }), async list => {
        const days: never[] = []
        // Another process on the same log.
        let replica = start()
        const { gate, handler, errors } = controlled({
          start: start(),
          publish: (catalog, { change }) => {
            gate.replace(catalog)
            replica = changedBy(replica, { version: 1, change: JSON.parse(JSON.stringify(change)) })
          },
          usage: () => days,
        })
        for (const { verb, path, body, hasBody } of list) {
          const before = gate.catalog
          const document = JSON.stringify(before)
          const response = await handler(
            new Request(`http://localhost${path}`, {
              method: verb,
              ...(hasBody ? { body, headers: { 'content-type': 'application/json' } } : {}),
            }),
          )
          expect(errors).toEqual([])
          const text = await response.text()
          if (response.ok) {
            seen.done++
            const checked = check(JSON.parse(JSON.stringify(gate.catalog)))
            expect(checked.ok ? [] : checked.issues, `${verb} ${path} ${body}`).toEqual([])
            expect(plain(replica), `${verb} ${path} ${body}`).toEqual(plain(gate.catalog))
            createGate({ catalog: gate.catalog }).admit({ apiId: 'a', stage: 's', method: 'GET', path: '/' })
            if (verb === 'GET') expect(gate.catalog).toBe(before)
          } else {
            seen.refused++
            expect([400, 404, 409, 429]).toContain(response.status)
            expect(response.headers.get('x-amzn-errortype')).toMatch(/^\w+Exception$/)
            expect(Object.keys(JSON.parse(text))).toEqual(['message'])
            expect(gate.catalog).toBe(before)
            expect(JSON.stringify(gate.catalog)).toBe(document)
          }
        }
      }),
      { numRuns: RUNS },
    )
    expect(seen.done).toBeGreaterThan(100)
    expect(seen.refused).toBeGreaterThan(100)
  })

  it('law: an edit and its inverse give an equal catalog', () => {
    const now = () => 1_700_000_000_000
    const world = worldOf({ clock: now, random: n => crypto.getRandomValues(new Uint8Array(n)) })()
    const run = (
      catalog: Catalog,
      name: keyof typeof operations,
      input: object,
    ): readonly [Catalog, Record<string, never>] => {
      const outcome = operations[name](catalog, input as never, world)
      if ('fault' in outcome) throw new Error(`${name}: ${outcome.message}`)
      return [outcome.catalog, (outcome.answer ?? {}) as Record<string, never>]
    }
    const replace = (path: string, value?: string, op = 'replace') => ({ patchOperations: [{ op, path, value }] })
    const before = start()
    const document = plain(before)
    const pairs: readonly ((catalog: Catalog) => Catalog)[] = [
      catalog => {
        const [made, { id }] = run(catalog, 'CreateApiKey', { name: 'x', tags: { a: 'b' } })
        return run(made, 'DeleteApiKey', { apiKey: id })[0]
      },
      catalog => {
        const [made, { id }] = run(catalog, 'CreateUsagePlan', { name: 'x', quota: { limit: 1, period: 'DAY' } })
        const [bound] = run(made, 'CreateUsagePlanKey', { usagePlanId: id, keyId: 'l', keyType: 'API_KEY' })
        return run(bound, 'DeleteUsagePlan', { usagePlanId: id })[0]
      },
      catalog => {
        const [bound] = run(catalog, 'CreateUsagePlanKey', { usagePlanId: 'p', keyId: 'l', keyType: 'API_KEY' })
        return run(bound, 'DeleteUsagePlanKey', { usagePlanId: 'p', keyId: 'l' })[0]
      },
      catalog => {
        const [changed] = run(catalog, 'UpdateUsagePlan', { usagePlanId: 'q', ...replace('/apiStages', 'a:t', 'add') })
        return run(changed, 'UpdateUsagePlan', { usagePlanId: 'q', ...replace('/apiStages', 'a:t', 'remove') })[0]
      },
      catalog => {
        const [made, { id }] = run(catalog, 'CreateDeployment', { restApiId: 'a' })
        return run(made, 'DeleteDeployment', { restApiId: 'a', deploymentId: id })[0]
      },
      catalog => {
        const [made, { id }] = run(catalog, 'CreateResource', { restApiId: 'a', parentId: 'pets', pathPart: 'x' })
        const [with_] = run(made, 'PutMethod', {
          restApiId: 'a',
          resourceId: id,
          httpMethod: 'GET',
          authorizationType: 'NONE',
        })
        return run(with_, 'DeleteResource', { restApiId: 'a', resourceId: id })[0]
      },
      catalog => {
        const [put] = run(catalog, 'PutGatewayResponse', { restApiId: 'a', responseType: 'THROTTLED' })
        return run(put, 'DeleteGatewayResponse', { restApiId: 'a', responseType: 'THROTTLED' })[0]
      },
      catalog => {
        const arn = { resourceArn: 'arn:aws:apigateway:us-east-1::/usageplans/p' }
        return run(run(catalog, 'TagResource', { ...arn, tags: { x: 'y' } })[0], 'UntagResource', {
          ...arn,
          tagKeys: ['x'],
        })[0]
      },
    ]
    fc.assert(
      fc.property(fc.array(fc.nat(pairs.length - 1), { minLength: 1, maxLength: 6 }), order => {
        const after = order.reduce((catalog, i) => (pairs[i] as (typeof pairs)[number])(catalog), before)
        expect(plain(after)).toEqual(document)
      }),
      { numRuns: 60 },
    )
  })

  it('says what an edit changed, of its own size', () => {
    const world = worldOf({ clock: Date.now, random: n => crypto.getRandomValues(new Uint8Array(n)) })()
    const before = start()
    const made = operations.CreateApiKey(before, {}, world)
    if ('fault' in made) throw new Error(made.message)
    const key = made.catalog.apiKeys.get(made.answer?.['id'] as string)
    expect(changeBetween(before, made.catalog)).toEqual({ kind: 'edit', put: [key], remove: [] })
    const gone = operations.DeleteApiKey(made.catalog, { apiKey: 'k' }, world)
    if ('fault' in gone) throw new Error(gone.message)
    expect(changeBetween(made.catalog, gone.catalog)).toEqual({ kind: 'edit', put: [], remove: ['k'] })
    const plan = operations.CreateUsagePlan(gone.catalog, { name: 'x' }, world)
    if ('fault' in plan) throw new Error(plan.message)
    const { version, apiKeys, ...rest } = plan.catalog
    expect(changeBetween(gone.catalog, plan.catalog)).toEqual({ kind: 'edit', rest, put: [], remove: [] })
    // Two edits at once: which keys nobody noted.
    expect(changeBetween(before, gone.catalog)).toEqual(wholeOf(gone.catalog))
  })

  it('does an edit that names the catalog it was made of only on that one (RFC 9110, If-Match)', async () => {
    const { gate, handler } = controlled({ start: start(), version: () => gate.version })
    const create = async (headers: Record<string, string>) => {
      const all = { 'content-type': 'application/json', ...headers }
      const { status, headers: answered } = await handler(
        new Request('http://localhost/apikeys', { method: 'POST', body: '{}', headers: all }),
      )
      return [status, answered.get('etag')]
    }
    const seen = (await handler(new Request('http://localhost/usageplans'))).headers.get('etag') as string
    expect(seen).toBe(`"${encodeURIComponent(gate.version)}"`)
    const [status, next] = await create({ 'if-match': seen })
    expect(status).toBe(201)
    expect(next).not.toBe(seen)
    expect(await create({ 'if-match': seen })).toEqual([412, null])
    expect(await create({ 'if-match': `${seen}, ${next}` })).toEqual([201, expect.any(String)])
    expect((await create({ 'if-match': '*' }))[0]).toBe(201)
    expect(gate.catalog.apiKeys.size).toBe(start().apiKeys.size + 3)
  })

  it('loses no edit of many at once, also where others edit beside it', async () => {
    let refusals = 0
    const { gate, handler } = controlled({
      publish: async (catalog, { previous }) => {
        await new Promise(resolve => setTimeout(resolve, 1))
        if (gate.catalog !== previous || refusals++ % 3 === 0) return false
        gate.replace(catalog)
        return true
      },
    })
    const create = () =>
      handler(
        new Request('http://localhost/apikeys', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        }),
      )
    const responses = await Promise.all(Array.from({ length: 50 }, create))
    expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(201))
    expect(gate.catalog.apiKeys.size).toBe(50)
  })

  it('answers 503 where a catalog cannot be kept, and is as it was', async () => {
    const { gate, handler, errors } = controlled({
      publish: () => {
        throw new Error('disk full')
      },
    })
    const before = gate.catalog
    const response = await handler(new Request('http://localhost/apikeys', { method: 'POST' }))
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([503, 'ServiceUnavailableException'])
    expect(gate.catalog).toBe(before)
    expect(errors).toHaveLength(1)
  })

  const boom = (): never => {
    throw new Error('the log server is down')
  }
  it.each([
    ['throws', boom],
    ['rejects', async () => boom()],
  ])('answers as ever where onError %s', async (_, onError) => {
    const create = new Request('http://localhost/apikeys', { method: 'POST' })
    expect((await controlled({ publish: boom, onError }).handler(create)).status).toBe(503)
    const keys = new Request('http://localhost/apikeys')
    expect((await controlled({ authorize: boom, onError }).handler(keys)).status).toBe(500)
    await new Promise(resolve => setImmediate(resolve))
  })
})

describe('the wire', () => {
  const { handler, gate } = controlled({ start: start() })
  const post = (body: BodyInit, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    handler(new Request('http://localhost/apikeys', { method: 'POST', headers, body }))

  it.each<[string, BodyInit, Record<string, string> | undefined, number]>([
    ['a member twice', '{"name":"a","name":"b"}', undefined, 400],
    ['a member twice, spelled otherwise', '{"name":"a","n\\u0061me":"b"}', undefined, 400],
    ['a member twice, deep', '{"tags":{"a":"1","a":"2"}}', undefined, 400],
    ['a deep nest', '['.repeat(100_000), undefined, 400],
    ['no JSON', '{"name":', undefined, 400],
    ['no object', '[]', undefined, 400],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), undefined, 400],
    ['7 MB', 'x'.repeat(7_000_000), undefined, 413],
    ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', '{}', { 'content-type': 'text/plain' }, 415],
    ['a web page', '{}', { 'content-type': 'application/json', origin: 'http://evil.example' }, 403],
    ['another site', '{}', { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' }, 403],
  ])('refuses %s', async (_, body, headers, status) => {
    const before = gate.catalog
    const response = await post(body, headers)
    expect(response.status).toBe(status)
    expect(response.headers.get('x-amzn-errortype')).toMatch(/Exception$/)
    expect(gate.catalog).toBe(before)
  })

  it.each([
    '/apikeys/',
    '//apikeys',
    '/APIKEYS',
    '/%61pikeys',
    '/apikeys/%ff',
    '/',
    '/apikeys/k/x',
    '/apikeys?limit=1&limit=2',
    '/vpclinks',
  ])('has nothing at %s', async path => {
    const response = await handler(new Request(`http://localhost${path}`))
    expect([400, 404]).toContain(response.status)
    expect(await response.text()).not.toContain('item')
  })

  it('O38: lists are plain, or HAL for who asks', async () => {
    const get = async (accept: string) =>
      (await handler(new Request('http://localhost/apikeys?limit=1', { headers: { accept } }))).json()
    expect(Object.keys(await get('application/json'))).toEqual(['position', 'item'])
    const hal = await get('application/hal+json')
    expect(Object.keys(hal)).toEqual(['_links', '_embedded'])
    expect(hal._links.next.href).toContain('position=')
  })

  it('says by name what is not supported', async () => {
    const response = await handler(new Request('http://localhost/restapis/a/authorizers'))
    expect([response.status, await response.json()]).toEqual([
      404,
      { message: 'authorizers are not supported by tollgate' },
    ])
  })
})
