import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Catalog, CatalogError, check, memoryStore } from '../../src/index.ts'
import { type CatalogInput, gateOf } from '../gate-of.ts'
import { documents } from './documents.ts'

const VALUE = 'a-value-of-20-letters'
const OTHER_VALUE = 'another-value-altogether'

function issuesOf(document: unknown) {
  const checked = check(document)
  return checked.ok ? [] : checked.issues
}

function catalogOf(document: unknown): Catalog {
  const checked = check(document)
  if (!checked.ok) throw new CatalogError(checked.issues)
  return checked.catalog
}

const messagesOf = (document: unknown): string[] => issuesOf(document).map(({ message }) => message)
const warningsOf = (document: unknown): string[] => check(document).warnings.map(({ message }) => message)

/** A document of one plan and one key, with these fields. */
const short = (plan: object, key: object = {}): object => ({
  plans: [{ id: 'gold', ...plan }],
  keys: [{ id: 'acme', value: VALUE, plan: 'gold', ...key }],
})

const PETS = {
  id: 'petstore',
  methods: [
    { path: '/pets', httpMethod: 'GET', apiKeyRequired: true },
    { path: '/pets/{petId}', httpMethod: 'GET', apiKeyRequired: true },
  ],
  stages: [{ stageName: 'prod' }],
}
const AT_PROD = { apiId: 'petstore', stage: 'prod' }

describe('an issue says where, what was expected, what came, and what to do:', () => {
  it.each([
    [
      'a rate too slow',
      { usagePlans: [{ id: 'a' }, { id: 'b', throttle: { rateLimit: 1e-9, burstLimit: 1 } }] },
      {
        path: 'usagePlans[1].throttle.rateLimit',
        at: ['usagePlans', 1, 'throttle', 'rateLimit'],
        code: 'value',
        expected: 'at least 0.0000024 tokens per second',
        received: '1e-9',
        remedy: 'for so slow a rate use a quota',
        message:
          'usagePlans[1].throttle.rateLimit: expected at least 0.0000024 tokens per second, received 1e-9; for so slow a rate use a quota',
      },
    ],
    [
      'a field that is not there',
      short({ throttle: { rateLimit: 1 } }),
      {
        path: 'plans[0].throttle.burstLimit',
        at: ['plans', 0, 'throttle', 'burstLimit'],
        code: 'missing',
        expected: 'a value',
        received: 'nothing',
        remedy: 'add "burstLimit"',
        message: 'plans[0].throttle.burstLimit: expected a value, received nothing; add "burstLimit"',
      },
    ],
    [
      'a field nobody knows',
      short({ throttles: {} }),
      {
        path: 'plans[0].throttles',
        at: ['plans', 0, 'throttles'],
        code: 'unknown-field',
        expected: 'one of id, name, description, throttle, quota, productCode, createdDate, tags, methods',
        received: '"throttles"',
        remedy: 'did you mean "throttle"?',
        message:
          'plans[0].throttles: expected one of id, name, description, throttle, quota, productCode, createdDate, tags, methods, received "throttles"; did you mean "throttle"?',
      },
    ],
    [
      'a name that is no identifier',
      { ...short({}), plans: [{ id: 'gold', methods: { 'GET /pets': { rateLimit: '1', burstLimit: 1 } } }] },
      {
        path: 'plans[0].methods["GET /pets"].rateLimit',
        at: ['plans', 0, 'methods', 'GET /pets', 'rateLimit'],
        code: 'type',
        expected: 'tokens per second',
        received: 'a string',
        remedy: 'write a number',
        message:
          'plans[0].methods["GET /pets"].rateLimit: expected tokens per second, received a string; write a number',
      },
    ],
    [
      'the document itself',
      [],
      {
        path: '',
        at: [],
        code: 'type',
        expected: 'an object',
        received: 'an array',
        remedy: 'give { $schema, version, account … }',
        message: 'catalog: expected an object, received an array; give { $schema, version, account … }',
      },
    ],
    [
      'an id given twice',
      { usagePlans: [{ id: 'gold' }, { id: 'gold' }] },
      {
        path: 'usagePlans[1].id',
        at: ['usagePlans', 1, 'id'],
        code: 'duplicate',
        expected: 'a name of its own',
        received: '"gold"',
        remedy: 'remove one of the two',
        message: 'usagePlans[1].id: expected a name of its own, received "gold"; remove one of the two',
      },
    ],
    [
      'an id that leads nowhere',
      short({}, { plan: 'glod' }),
      {
        path: 'keys[0].plan',
        at: ['keys', 0, 'plan'],
        code: 'reference',
        expected: 'the id of a usage plan',
        received: '"glod"',
        remedy: 'did you mean "gold"?',
        message: 'keys[0].plan: expected the id of a usage plan, received "glod"; did you mean "gold"?',
      },
    ],
    [
      'two names for one parameter',
      {
        apis: [
          {
            ...PETS,
            methods: [
              { path: '/pets/{petId}', httpMethod: 'GET' },
              { path: '/pets/{id}/toys', httpMethod: 'GET' },
            ],
          },
        ],
      },
      {
        path: 'apis[0].methods[1].path',
        at: ['apis', 0, 'methods', 1, 'path'],
        code: 'conflict',
        expected: 'the name {petId} that another method has here',
        received: '"/pets/{id}/toys"',
        remedy: 'use one name',
        message:
          'apis[0].methods[1].path: expected the name {petId} that another method has here, received "/pets/{id}/toys"; use one name',
      },
    ],
  ])('%s', (_, document, issue) => {
    expect(issuesOf(document)).toEqual([issue])
  })

  it.each<[string, unknown, string[]]>([
    [
      'an hour (CFG-05)',
      short({ quota: { limit: 1, period: 'HOUR' } }),
      ['plans[0].quota.period: expected one of DAY, WEEK, MONTH, received "HOUR"; choose one'],
    ],
    [
      'a period in lower case (CFG-05)',
      short({ quota: { limit: 1, period: 'day' } }),
      ['plans[0].quota.period: expected one of DAY, WEEK, MONTH, received "day"; did you mean "DAY"?'],
    ],
    [
      'a quota of nothing (CFG-05)',
      short({ quota: { limit: 0, period: 'DAY' } }),
      [
        'plans[0].quota.limit: expected a whole number from 1 to 2147483647, received 0; change it; to admit nothing disable the key',
      ],
    ],
    [
      'a quota of too much (CFG-05)',
      short({ quota: { limit: 2 ** 31, period: 'DAY' } }),
      [
        'plans[0].quota.limit: expected a whole number from 1 to 2147483647, received 2147483648; change it; to admit nothing disable the key',
      ],
    ],
    [
      'a quota without its period (CFG-05)',
      short({ quota: { limit: 1 } }),
      ['plans[0].quota.period: expected a value, received nothing; add "period"'],
    ],
    [
      'an offset beyond its week',
      short({ quota: { limit: 1, period: 'WEEK', offset: 7 } }),
      ['plans[0].quota.offset: expected 0 to 6 in the WEEK period, received 7; change it'],
    ],
    [
      'an offset into a day',
      short({ quota: { limit: 1, period: 'DAY', offset: 1 } }),
      ['plans[0].quota.offset: expected 0 to 0 in the DAY period, received 1; change it'],
    ],
    [
      'a rate beyond all measure',
      short({ throttle: { rateLimit: 2e9, burstLimit: 1 } }),
      ['plans[0].throttle.rateLimit: expected tokens per second, 0 to 1000000000, received 2000000000; change it'],
    ],
    [
      'a plan in place of plans',
      { plans: { id: 'gold' } },
      ['plans: expected an array, received an object; put it in [ … ]'],
    ],
    [
      'a word for a truth',
      short({}, { enabled: 'yes' }),
      ['keys[0].enabled: expected true or false, received a string; write it without quotes'],
    ],
    [
      'a stage that is not there',
      { apis: [PETS], usagePlans: [{ id: 'gold', apiStages: [{ apiId: 'petstore', stage: 'production' }] }] },
      [
        'usagePlans[0].apiStages[0]: expected an API stage, received "petstore/production"; did you mean "petstore/prod"?',
      ],
    ],
    [
      'a deployment that is not there',
      { apis: [{ ...PETS, stages: [{ stageName: 'prod', deploymentId: 'd1' }] }] },
      ['apis[0].stages[0].deploymentId: expected a deployment of this API, received "d1"; there is none'],
    ],
    [
      'a mapping to a stage that is not there',
      { apis: [PETS], basePathMappings: [{ basePath: 'v1', apiId: 'petstore', stage: 'prd' }] },
      ['basePathMappings[0]: expected an API stage, received "petstore/prd"; did you mean "petstore/prod"?'],
    ],
    [
      'an initial period nobody dated',
      {
        semantics: { quotaOffset: 'initial-requests' },
        plans: [{ id: 'gold', quota: { limit: 9, period: 'WEEK', offset: 2 } }],
      },
      [
        'plans[0].createdDate: expected the date from which the initial period counts, received nothing; add createdDate',
      ],
    ],
    [
      'a value that another key has',
      { plans: [{ id: 'p' }], keys: ['a', 'b'].map(id => ({ id, value: VALUE, plan: 'p' })) },
      ['keys[1].value: expected a value of its own, received that of key "a"; change one of the two'],
    ],
  ])('%s', (_, document, messages) => {
    expect(messagesOf(document)).toEqual(messages)
  })
})

describe('check', () => {
  it('takes no burst that is not a whole number of tokens, and takes 0 (CFG-01)', () => {
    for (const burstLimit of [-1, 1.5, Number.NaN, Infinity, -Infinity, '10', null, true, [], 2 ** 31]) {
      expect(issuesOf(short({ throttle: { rateLimit: 1, burstLimit } })).map(({ path }) => path)).toEqual([
        'plans[0].throttle.burstLimit',
      ])
    }
    const gate = gateOf({ catalog: short({ throttle: { rateLimit: 1, burstLimit: 0 } }) as CatalogInput })
    const decision = gate.admit({ method: 'GET', path: '/', apiKey: VALUE })
    expect(decision).toMatchObject({ kind: 'never-admitted', limitedBy: 'plan' })
    expect(decision).not.toHaveProperty('retryAfter')
  })

  it('takes a rate of 0, which admits its burst once and never again (CFG-03)', () => {
    let now = Date.UTC(2024, 0, 1)
    const store = memoryStore()
    const catalog = short({ throttle: { rateLimit: 0, burstLimit: 5 } }) as CatalogInput
    const gate = gateOf({ catalog, store, clock: () => now })
    const kinds: string[] = []
    for (let i = 0; i < 100; i++) {
      kinds.push(gate.admit({ method: 'GET', path: '/', apiKey: VALUE }).kind)
      now += 36.5 * 24 * 3600 * 1000
      store.sweep(now)
    }
    expect(kinds.filter(kind => kind === 'allowed')).toHaveLength(5)
    expect(kinds.slice(5)).toEqual(Array(95).fill('never-admitted'))
    expect(store.size).toBe(1)
  })

  it('takes no field it does not know, wherever it stands (CFG-09)', () => {
    const document = {
      usagePlans: [{ id: 'gold', throttle: { rateLimit: 1, burstLimit: 1, burstlimit: 1 }, quotas: {} }],
      usageplans: [],
    }
    expect(issuesOf(document).map(({ path, code, remedy }) => [path, code, remedy])).toEqual([
      ['usageplans', 'unknown-field', 'did you mean "usagePlans"?'],
      ['usagePlans[0].quotas', 'unknown-field', 'did you mean "quota"?'],
      ['usagePlans[0].throttle.burstlimit', 'unknown-field', 'did you mean "burstLimit"?'],
    ])
  })

  it.each([
    [{ apis: [PETS], basePathMappings: [{ basePath: 'v1', restApiId: 'petstore', stage: 'prod' }] }, 'apiId'],
    [{ apis: [PETS], usagePlans: [{ id: 'gold', apiStages: [{ restApiId: 'petstore', stage: 'prod' }] }] }, 'apiId'],
    [{ restApis: [PETS] }, 'apis'],
    [{ plans: [{ id: 'gold', throttle: { rate: 1, burstLimit: 1 } }] }, 'rateLimit'],
  ])('knows a field by a part of its name, as AWS and people have it: %#', (document, name) => {
    const [issue] = issuesOf(document)
    expect([issue?.code, issue?.remedy]).toEqual(['unknown-field', `did you mean "${name}"?`])
  })

  it('takes no stage twice in a plan, and no two plans of a key for one stage (CFG-11)', () => {
    const twice = { apis: [PETS], usagePlans: [{ id: 'gold', apiStages: [AT_PROD, AT_PROD] }] }
    expect(messagesOf(twice)).toEqual([
      'usagePlans[0].apiStages[1]: expected a name of its own, received "petstore/prod"; remove one of the two',
    ])
    const keyOf = (...usagePlanIds: string[]): object => ({
      apis: [PETS],
      usagePlans: ['gold', 'free'].map(id => ({ id, apiStages: [AT_PROD] })),
      apiKeys: [{ id: 'acme', value: VALUE, usagePlanIds }],
    })
    expect(messagesOf(keyOf('gold', 'free'))).toEqual([
      'apiKeys[0].usagePlanIds: expected one usage plan for each API stage, received gold and free for petstore/prod; remove one of the two',
    ])
    expect(messagesOf(keyOf('gold', 'gold'))).toEqual([
      'apiKeys[0].usagePlanIds: expected one usage plan for each API stage, received gold twice; remove one of the two',
    ])
    expect(messagesOf(keyOf('free'))).toEqual([])
  })

  it.each([
    ['/{a}-{b}-{c}', 'have segments that are wholly a literal, {name} or, last, {name+}'],
    ['/x{y}', 'have segments that are wholly a literal, {name} or, last, {name+}'],
    ['/{a}{b}', 'have segments that are wholly a literal, {name} or, last, {name+}'],
    ['/{proxy+}/x', 'have nothing after a greedy {name+}'],
    ['/{a}/{a}', 'use the name {a} once'],
    ['/{petId}/toys/{petId}', 'use the name {petId} once'],
    ['/{a}/{a+}', 'use the name {a} once'],
    ['pets', 'begin with a slash'],
    ['/pets/../dogs', 'have no segment . or ..'],
  ])('takes no template %s (CFG-13)', (path, must) => {
    const full = { apis: [{ id: 'a', methods: [{ path, httpMethod: 'GET' }], stages: [] }] }
    expect(messagesOf(full)).toEqual([
      `apis[0].methods[0].path: expected a path template, received "${path}"; it must ${must}`,
    ])
    expect(
      messagesOf({ plans: [], requireKey: ['GET /', `GET ${path}`] }).map(message => message.split(':')[0]),
    ).toEqual(['requireKey[1]'])
  })

  it('takes nothing twice: APIs, methods, deployments, stages, mappings, plans, keys', () => {
    const method = { path: '/', httpMethod: 'GET' }
    const api = {
      id: 'a',
      methods: [method, { ...method, apiKeyRequired: true }, { ...method, httpMethod: 'ANY' }],
      deployments: [
        { id: 'd', methods: [method, method] },
        { id: 'd', methods: [] },
      ],
      stages: [{ stageName: 's' }, { stageName: 's' }],
    }
    const mapping = { apiId: 'a', stage: 's' }
    const key = { id: 'k', value: VALUE }
    const document = {
      apis: [api, { id: 'a', methods: [], stages: [] }],
      basePathMappings: [
        { ...mapping, domainName: 'api.example.com', basePath: 'v1' },
        { ...mapping, domainName: 'API.example.com', basePath: 'v1' },
        { ...mapping, basePath: 'v1' },
        mapping,
        mapping,
      ],
      usagePlans: [{ id: 'p' }, { id: 'p' }],
      apiKeys: [key, { ...key, value: OTHER_VALUE }, { id: 'other', value: VALUE }],
    }
    expect(issuesOf(document).map(({ code, path, received }) => [code, path, received])).toEqual([
      ['duplicate', 'apis[1].id', '"a"'],
      ['duplicate', 'apis[0].methods[1]', '"GET /"'],
      ['duplicate', 'apis[0].deployments[1].id', '"d"'],
      ['duplicate', 'apis[0].deployments[0].methods[1]', '"GET /"'],
      ['duplicate', 'apis[0].stages[1].stageName', '"s"'],
      ['duplicate', 'basePathMappings[1]', '"api.example.com/v1"'],
      ['duplicate', 'basePathMappings[4]', '"*/"'],
      ['duplicate', 'usagePlans[1].id', '"p"'],
      ['duplicate', 'apiKeys[1].id', '"k"'],
      ['duplicate', 'apiKeys[2].value', 'that of key "k"'],
    ])
  })

  it('finds everything in one pass, of the shape and of the whole', () => {
    const document = {
      version: 7,
      semantics: { weekStart: 'FUNDAY' },
      plan: [],
      usagePlans: [{ id: 'gold', throttle: { rateLimit: -1 } }, { id: 'free' }, { id: 'free' }],
      apiKeys: [
        { id: 'a', value: 'short' },
        { id: 'b', value: VALUE },
        { id: 'b', value: OTHER_VALUE, usagePlanIds: 'free' },
        { id: 'c', value: VALUE },
      ],
    }
    expect(issuesOf(document).map(({ code, path }) => [code, path])).toEqual([
      ['unknown-field', 'plan'],
      ['type', 'version'],
      ['value', 'semantics.weekStart'],
      ['value', 'usagePlans[0].throttle.rateLimit'],
      ['missing', 'usagePlans[0].throttle.burstLimit'],
      ['value', 'apiKeys[0].value'],
      ['type', 'apiKeys[2].usagePlanIds'],
      ['duplicate', 'usagePlans[2].id'],
      ['duplicate', 'apiKeys[3].value'],
    ])
  })

  it('says nothing of names that may lead to what could not be read', () => {
    const document = {
      apis: [{ ...PETS, stages: [{ stageName: 'p r o d' }] }],
      usagePlans: [
        { id: 'gold', quota: 5, apiStages: [AT_PROD] },
        { id: 'free', apiStages: [AT_PROD] },
      ],
      apiKeys: [{ id: 'acme', value: VALUE, usagePlanIds: ['gold'] }],
    }
    expect(issuesOf(document).map(({ path }) => path)).toEqual(['apis[0].stages[0].stageName', 'usagePlans[0].quota'])
    expect(warningsOf(document)).toEqual([])
  })

  it('says what leads nowhere beside mistakes that are elsewhere', () => {
    const document = {
      version: 7,
      apis: [PETS],
      usagePlans: [{ id: 'gold', apiStages: [{ apiId: 'pets', stage: 'production' }] }],
      apiKeys: [
        { id: 'acme', value: VALUE, usagePlanIds: ['gold', 'golf'] },
        { id: 'zeta', value: 'short' },
      ],
    }
    expect(issuesOf(document).map(({ code, path }) => [code, path])).toEqual([
      ['type', 'version'],
      ['value', 'apiKeys[1].value'],
      ['reference', 'usagePlans[0].apiStages[0]'],
      ['reference', 'apiKeys[0].usagePlanIds'],
    ])
    const keys = [{ id: 'acme', value: VALUE, plan: 'gold' }]
    expect(issuesOf({ plans: [{ id: 'free' }], keys, requireKey: [7] }).map(({ path }) => path)).toEqual([
      'requireKey[0]',
      'keys[0].plan',
    ])
    // Or its plans are under the name that is none.
    expect(
      issuesOf({ usagePlan: [{ id: 'gold' }], apiKeys: [{ id: 'acme', value: VALUE, usagePlanIds: ['gold'] }] }),
    ).toEqual([expect.objectContaining({ path: 'usagePlan' })])
  })

  it('suggests the nearest name, and none that is far', () => {
    const remedyOf = (document: unknown): string | undefined => issuesOf(document)[0]?.remedy
    expect(remedyOf(short({ qouta: {} }))).toBe('did you mean "quota"?')
    expect(remedyOf(short({ THROTTLE: {} }))).toBe('did you mean "throttle"?')
    expect(remedyOf(short({ colour: {} }))).toBe('remove it')
    expect(remedyOf(short({ ['q'.repeat(10_000)]: {} }))).toBe('remove it')
    expect(remedyOf({ semantics: { methodThrottle: 'overide' } })).toBe('did you mean "override"?')
    expect(remedyOf({ semantics: { methodThrottle: 'neither' } })).toBe('choose one')
    const many = Array.from({ length: 9 }, (_, i) => ({ id: `plan-${i}` }))
    expect(remedyOf({ plans: many, keys: [{ id: 'a', value: VALUE, plan: 'gold' }] })).toBe('add it')
  })

  const SECRETS = [
    'sk+live/0123456789',
    'sk live 0123456789 0123456789',
    'SECRET0123456789'.repeat(12),
    '0123456789SECRETabcdef+/=',
  ]

  it.each(SECRETS)("never says a key's value, wherever it stands: %s", secret => {
    const documents = [
      'id',
      'value',
      'name',
      'description',
      'enabled',
      'customerId',
      'createdDate',
      'tags',
      'plan',
    ].flatMap(field => [
      short({}, { [field]: secret }),
      short({}, { [field]: [secret] }),
      short({}, { [field]: { [field]: secret } }),
      { apiKeys: [{ id: 'acme', value: VALUE, usagePlanIds: [secret], [field]: secret }] },
      { apiKeys: [secret], usagePlans: secret },
      { keys: secret, plans: [] },
    ])
    for (const document of documents) {
      const said = JSON.stringify(check(document).ok ? [] : issuesOf(document))
      expect(said).not.toContain(secret)
      expect(said).not.toContain(secret.slice(0, 12))
    }
    expect(messagesOf(short({}, { value: secret, name: 'x'.repeat(1025) }))).toContain(
      'keys[0].name: expected text of up to 1024 characters, received 1025 characters; change it',
    )
  })

  it.each<[string, (secret: string) => unknown, string]>([
    [
      'names a member',
      secret => ({ plans: [{ id: 'gold' }], keys: [{ [secret]: 'gold' }] }),
      'keys[0]["27 characters"]: expected one of id, value, name, description, enabled, customerId, createdDate, lastUpdatedDate, tags, quotaExtensions, plan, received 27 characters; remove it',
    ],
    [
      'names a tag',
      secret => ({ apiKeys: [{ id: 'acme', value: secret, tags: { [secret]: 5 } }] }),
      'apiKeys[0].tags["27 characters"]: expected text of up to 256 characters, received 5; put it in quotes',
    ],
    [
      'is the id of two keys',
      secret => ({ apiKeys: [secret, `${secret}2`].map(value => ({ id: secret, value })) }),
      'apiKeys[1].id: expected an id of its own, received 27 characters; change one of the two',
    ],
    [
      'is the id of the key that has it too',
      secret => ({ apiKeys: [secret, 'acme'].map(id => ({ id, value: secret })) }),
      'apiKeys[1].value: expected a value of its own, received that of key 27 characters; change one of the two',
    ],
  ])("says of a key's value that %s how long it is", (_, documentOf, message) => {
    const secret = 'acme-key-000000000000000001'
    expect(messagesOf(documentOf(secret))).toContain(message)
    expect(JSON.stringify(issuesOf(documentOf(secret)))).not.toContain(secret)
  })

  it("says a value's length where a value and a plan's id were swapped", () => {
    const secret = 'SECRET0123456789SECRET0123456789'
    expect(messagesOf(short({}, { plan: secret }))).toEqual([
      'keys[0].plan: expected the id of a usage plan, received 32 characters; there are gold',
    ])
    expect(messagesOf(short({}, { plan: secret, value: 'gold' }))).toEqual([
      'keys[0].value: expected 20 to 128 of A-Z a-z 0-9 - . _ ~ + / =, received 4 characters; change it',
    ])
  })

  const cycle: Record<string, unknown> = { id: 'gold' }
  cycle.throttle = cycle
  cycle.tags = cycle
  it.each<[string, unknown]>([
    ['a symbol', Symbol('plans')],
    ['a function', () => ({ plans: [] })],
    ['a bigint', 10n],
    ['a Date', new Date(0)],
    ['a Map', new Map([['plans', []]])],
    ["a class's instance", new (class Plans {})()],
    ['what inherits its fields', Object.create({ plans: [] })],
    ['a plan that holds itself', { plans: [cycle] }],
    ['a list with holes', { plans: Array(3) }],
  ])('refuses %s, and what holds it, without throwing', (_, thing) => {
    expect(issuesOf(thing)).not.toEqual([])
    for (const field of ['id', 'throttle', 'quota', 'tags', 'methods', 'createdDate', 'name']) {
      expect(issuesOf(short({ [field]: thing }))).not.toEqual([])
    }
    expect(issuesOf(undefined)).not.toEqual([])
  })

  it('takes objects without a prototype, and a field that is undefined for none', () => {
    const plan = Object.assign(Object.create(null), { id: 'gold', quota: undefined })
    expect(catalogOf({ plans: [plan] }).usagePlans[0]).not.toHaveProperty('quota')
  })

  it('finds two hundred thousand issues', () => {
    const apiKeys = Array.from({ length: 100_000 }, () => ({ id: 'acme', value: VALUE }))
    expect(issuesOf({ version: '', apiKeys })).toHaveLength(1 + 2 * (100_000 - 1))
  })
})

describe('a warning tells of', () => {
  it('a rate that is rounded down', () => {
    expect(warningsOf(short({ throttle: { rateLimit: 0.12345, burstLimit: 1 } }))).toEqual([
      'plans[0].throttle.rateLimit: expected a multiple of 1/432000 tokens per second, received 0.12345; it is rounded down to one',
    ])
    for (const rateLimit of [0, 0.001, 0.1, 1 / 60, 1 / 3600, 7 / 86_400, 1 / 432_000, 1e9]) {
      expect(warningsOf(short({ throttle: { rateLimit, burstLimit: 1 } }))).toEqual([])
    }
  })

  it('a throttle on a method that the stage does not declare', () => {
    const throttle = { rateLimit: 1, burstLimit: 1 }
    const apiStage = { ...AT_PROD, throttle: { '/pets/{id}/GET': throttle, '//GET': throttle, '/pets/GET': throttle } }
    expect(warningsOf({ apis: [PETS], usagePlans: [{ id: 'gold', apiStages: [apiStage] }] })).toEqual([
      'usagePlans[0].apiStages[0].throttle["/pets/{id}/GET"]: expected a method of the stage, received "/pets/{id}/GET"; did you mean "/pets/{petId}/GET"?',
      'usagePlans[0].apiStages[0].throttle["//GET"]: expected a method of the stage, received "//GET"; it never binds',
    ])
  })

  it('a setting of a method that the stage does not declare', () => {
    const stage = { stageName: 'prod', methodSettings: { '*/*': {}, 'pets/GET': {}, 'pet/GET': {} } }
    expect(warningsOf({ apis: [{ ...PETS, stages: [stage] }] })).toEqual([
      'apis[0].stages[0].methodSettings["pet/GET"]: expected a method of the stage, received "pet/GET"; did you mean "pets/GET"?',
    ])
  })

  it('several stages that no mapping leads to', () => {
    const apis = [{ ...PETS, stages: [{ stageName: 'prod' }, { stageName: 'test' }] }]
    expect(warningsOf({ apis })).toEqual([
      'catalog: expected basePathMappings, with several stages, received none; requests must say their apiId and stage, or none is found',
    ])
    expect(warningsOf({ apis, basePathMappings: [AT_PROD] })).toEqual([])
  })

  it('a throttle, in short form, on a method that needs no key: once', () => {
    const methods = { 'GET /pets': { rateLimit: 1, burstLimit: 1 } }
    expect(warningsOf({ requireKey: ['/orders'], plans: [{ id: 'gold', methods }] })).toEqual([
      'plans[0].methods["GET /pets"]: expected a method that needs a key, received "GET /pets"; add it to requireKey, or it never binds',
    ])
  })
})

describe('a short document', () => {
  const kindOf = (requireKey: string[] | undefined, method: string, path: string): string => {
    const catalog = { plans: [{ id: 'gold' }], ...(requireKey === undefined ? {} : { requireKey }) }
    return gateOf({ catalog: catalog as CatalogInput }).admit({ method, path }).kind
  }

  it('without requireKey needs a key for everything', () => {
    for (const path of ['/', '/pets', '/pets/7/toys']) expect(kindOf(undefined, 'GET', path)).toBe('invalid-api-key')
    expect(kindOf(undefined, 'DELETE', '/')).toBe('invalid-api-key')
  })

  it('with requireKey needs one for what it names, and leaves the rest open', () => {
    expect(kindOf([], 'GET', '/')).toBe('open')
    expect(kindOf(['GET /pets/{petId}'], 'GET', '/pets/7')).toBe('invalid-api-key')
    expect(kindOf(['GET /pets/{petId}'], 'POST', '/pets/7')).toBe('open')
    expect(kindOf(['GET /pets/{petId}'], 'GET', '/pets')).toBe('open')
    expect(kindOf(['GET /pets/{petId}'], 'GET', '/pets/7/toys')).toBe('open')
    expect(kindOf(['ANY /admin/{proxy+}'], 'GET', '/admin/users/7')).toBe('invalid-api-key')
  })

  it('means HEAD too where it says GET', () => {
    expect(kindOf(['GET /pets'], 'HEAD', '/pets')).toBe('invalid-api-key')
    expect(kindOf(['HEAD /pets'], 'GET', '/pets')).toBe('open')
  })

  it('means every verb where it names none', () => {
    for (const verb of ['GET', 'POST', 'HEAD', 'OPTIONS'])
      expect(kindOf(['/pets'], verb, '/pets')).toBe('invalid-api-key')
  })

  it('may give what stands for every path a name of its own', () => {
    expect(messagesOf({ plans: [], requireKey: ['/{rest+}'] })).toEqual([])
    expect(kindOf(['POST /{rest+}'], 'POST', '/pets')).toBe('invalid-api-key')
    expect(kindOf(['POST /{rest+}'], 'GET', '/pets')).toBe('open')
  })

  it('throttles single methods, each with a bucket of its own beside the plan', () => {
    const catalog = short({
      throttle: { rateLimit: 1, burstLimit: 3 },
      methods: { 'GET /reports/{id}': { rateLimit: 1, burstLimit: 1 } },
    })
    const gate = gateOf({ catalog: catalog as CatalogInput, clock: () => 0 })
    const ask = (path: string): object => gate.admit({ method: 'GET', path, apiKey: VALUE })
    expect(ask('/reports/1')).toMatchObject({ kind: 'allowed' })
    expect(ask('/reports/2')).toMatchObject({ kind: 'throttled', limitedBy: 'method' })
    expect(ask('/pets')).toMatchObject({ kind: 'allowed' })
    expect(ask('/')).toMatchObject({ kind: 'allowed' })
    expect(ask('/')).toMatchObject({ kind: 'throttled', limitedBy: 'plan' })
  })

  it('reports what does not fit together where its author wrote it, once', () => {
    const document = {
      requireKey: [5, 'GET /pets/{id}', 'GET /pets/{petId}/toys'],
      plans: [{ id: 7 }, { id: 'gold', methods: { 'GET /pets/{x}': { rateLimit: 1, burstLimit: 1 } } }, { id: 'gold' }],
    }
    expect(messagesOf(document)).toEqual([
      'requireKey[0]: expected a verb and a path template, "GET /pets/{petId}", received 5; put it in quotes',
      'plans[0].id: expected 1 to 128 of A-Z a-z 0-9 . _ ~ -, received 7; put it in quotes',
      'requireKey[2]: expected the name {id} that another method has here, received "/pets/{petId}/toys"; use one name',
      'plans[2].id: expected a name of its own, received "gold"; remove one of the two',
    ])
    const all = { plans: [{ id: 'gold', methods: { 'GET /{a}/x': document.plans[1]?.methods?.['GET /pets/{x}'] } }] }
    expect(
      messagesOf({ plans: [...all.plans, { id: 'free', methods: { 'GET /{b}': { rateLimit: 1, burstLimit: 1 } } }] }),
    ).toEqual([
      'plans[1].methods["GET /{b}"]: expected the name {a} that another method has here, received "/{b}"; use one name',
    ])
  })
})

describe('a catalog', () => {
  it('law: is its own JSON document: it checks back to an equal one', () => {
    fc.assert(
      fc.property(documents, document => {
        const catalog = catalogOf(document)
        const back = catalogOf(JSON.parse(JSON.stringify(catalog)))
        expect(back).toEqual(catalog)
        // The fields are in check's order now, and stay so.
        const text = JSON.stringify(back)
        expect(JSON.stringify(catalogOf(JSON.parse(text)))).toBe(text)
      }),
      { numRuns: 200 },
    )
  })

  it('holds 0 where its document says -0', () => {
    const [plan] = catalogOf(short({ throttle: { rateLimit: -0, burstLimit: -0 } })).usagePlans
    expect(plan?.throttle).toEqual({ rateLimit: 0, burstLimit: 0 })
  })
})

describe('catalogOf, and a gate', () => {
  const wrong = {
    plans: [{ id: 'gold', quota: { limit: 0, period: 'DAY' } }],
    keys: [{ id: 'a' }],
  } as unknown as CatalogInput

  it('throws CatalogError with every issue when a document does not check', () => {
    let thrown: unknown
    try {
      gateOf({ catalog: wrong })
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(CatalogError)
    expect(thrown).toMatchObject({
      name: 'CatalogError',
      code: 'INVALID_CATALOG',
      issues: issuesOf(wrong),
      message: `${messagesOf(wrong)[0]}\n(and 2 more: see .issues)`,
    })
  })

  it.each([null, undefined, 7, 'plans', [], { apiKeys: null }, { apiKeys: 'x' }])(
    'throws CatalogError for %j',
    catalog => {
      expect(() => gateOf({ catalog: catalog as unknown as CatalogInput })).toThrow(CatalogError)
    },
  )

  it('goes on with the catalog it had when it is given something else', () => {
    const gate = gateOf({ catalog: short({ quota: { limit: 2, period: 'DAY' } }) as CatalogInput, clock: () => 0 })
    const ask = (): object => gate.admit({ method: 'GET', path: '/', apiKey: VALUE })
    const { catalog, version } = gate
    expect(ask()).toMatchObject({ kind: 'allowed' })
    // In JavaScript a document may come where a catalog must.
    expect(() => {
      gate.replace(wrong as unknown as Catalog)
    }).toThrow(TypeError)
    expect(gate.catalog).toBe(catalog)
    expect(gate.version).toBe(version)
    expect(ask()).toMatchObject({ kind: 'allowed', version })
    expect(ask()).toMatchObject({ kind: 'quota-exceeded', version })
  })
})
