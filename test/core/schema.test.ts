// schema.json tells editors what shapes.ts tells programs. Here the two are held to the same verdict about shape.

import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check } from '../../src/core/check.ts'
import { documents } from './documents.ts'

const schema = JSON.parse(readFileSync(new URL('../../schema.json', import.meta.url), 'utf8'))
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false })
const fits = ajv.compile(schema)

const SHAPE = ['type', 'value', 'missing', 'unknown-field']

function issuesOf(document: unknown) {
  const checked = check(document)
  return checked.ok ? [] : checked.issues
}

const shapeIssuesOf = (document: unknown) => issuesOf(document).filter(({ code }) => SHAPE.includes(code))

/** Both verdicts; they differ in nothing but words. */
function expectSameVerdict(document: unknown): void {
  const accepted = fits(document)
  const issues = shapeIssuesOf(document).map(({ message }) => message)
  const errors = (fits.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  expect({ accepted, errors: accepted ? [] : errors, issues }).toEqual({
    accepted: issues.length === 0,
    errors: accepted ? [] : errors,
    issues,
  })
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** Every place in a document, as the steps to it; the document itself is first. */
function placesOf(value: Json, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at]
  const parts = Array.isArray(value) ? value.map((item, i) => [i, item] as const) : Object.entries(value)
  return [at, ...parts.flatMap(([name, part]) => placesOf(part, [...at, name]))]
}

/** The document with the place's value changed; `edit` gives the entries that take its place in what holds it. */
function withPlace(
  value: Json,
  at: readonly (string | number)[],
  edit: (name: string, value: Json) => readonly (readonly [string, Json])[],
): Json {
  const [step, ...rest] = at
  if (step === undefined) return edit('', value)[0]?.[1] ?? null
  const change = (name: string, part: Json) =>
    rest.length === 0 ? edit(name, part) : ([[name, withPlace(part, rest, edit)]] as const)
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => (i === step ? change(String(i), item).map(([, item]) => item) : [item]))
  }
  // By way of JSON, so that a field may be named __proto__.
  const fields = Object.entries(value as { [name: string]: Json })
    .flatMap(([name, part]) => (name === step ? change(name, part) : [[name, part] as const]))
    .map(([name, part]) => `${JSON.stringify(name)}:${JSON.stringify(part)}`)
  return JSON.parse(`{${fields.join()}}`)
}

const FIELDS = [
  ...new Set(JSON.stringify(schema.$defs).match(/"[A-Za-z$]+"(?=:)/g) ?? []),
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"ratelimit"',
  '"Id"',
  '""',
].map(name => JSON.parse(name) as string)

const TEXTS = [
  ...['', ' ', '.', '..', '...', '/', '//', '/.', '/..', '/...', '/.a', '/..a', '/pets', '/pets/', 'pets', '/pets/..'],
  ...['/{a}', '/{a+}', '/{a+}/x', '/{}', '/{a}-{b}', '/x{y}', '/{a}{b}', '/{a}/{a}', '/{b}/{b}', '/{b}/{b}/x{'],
  ...['/pets/GET', '//GET', '/GET', 'GET', 'pets/GET', '/pets/get', '/pets/FETCH', '*/*', '*/GET', '/{p+}/GET'],
  ...['GET /pets', 'GET  /pets', 'get /pets', 'GET pets', 'GET /', 'ANY /{proxy+}', ' GET /', 'FETCH /pets'],
  ...['v1', 'v1/v2', '/v1', 'v1/', 'v1//v2', '../v1', 'example.com', 'example..com', 'example.com:80', '-'],
  ...['DAY', 'HOUR', 'day', 'WEEK', 'MONTH', 'HEADER', 'override', 'initial-requests', 'MONDAY', 'ANY', 'GET'],
  ...['é', '/é', '/%20', '/a b', 'a\nb', 'id\n', '/pets\n', '/pets/GET\n', 'null', '__proto__', '🙂'],
  ...['a'.repeat(19), 'a'.repeat(20), 'a'.repeat(128), 'a'.repeat(129), '+/='.repeat(8), 'a'.repeat(256)],
  ...['🙂'.repeat(64), '🙂'.repeat(65), '🙂'.repeat(128), '🙂'.repeat(129), '🙂'.repeat(256), '\ud800'.repeat(257)],
  ...['🙂'.repeat(1024), 'a'.repeat(1025), 'a'.repeat(125_000), 'a'.repeat(125_001)],
]

const NUMBERS = [
  ...[0, -0, 1, -1, -2, 0.5, 1.5, 6, 7, 27, 28, 1e-7, 1 / 432_000, 1 / 432_001, 0.0000024, 1e9, 1e9 + 1],
  ...[20_849_998, 20_849_999, 2 ** 31 - 1, 2 ** 31, 253_402_300_799, 253_402_300_800, 2 ** 53, 1e308, 5e-324],
]

const anything = fc.oneof(
  fc.constantFrom<Json>(...NUMBERS, ...TEXTS),
  fc.constantFrom<Json>(null, true, false, [], {}, [[]], [null], [[[1]]], { id: 'x' }, { __proto__: null }),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
)

/** One thing done to a document at a random place. */
const mutation: fc.Arbitrary<(document: Json) => Json> = fc
  .record({
    place: fc.nat(),
    name: fc.oneof(fc.constantFrom(...FIELDS), fc.constantFrom(...TEXTS)),
    value: anything,
    how: fc.constantFrom('drop', 'rename', 'replace', 'replace', 'add', 'wrap', 'twice'),
  })
  .map(({ place, name, value, how }) => document => {
    const places = placesOf(document)
    const at = places[place % places.length] ?? []
    return withPlace(document, at, (old, held) => {
      if (how === 'drop') return at.length === 0 ? [[old, null]] : []
      if (how === 'rename') return [[name, held]]
      if (how === 'add') {
        const into: Json =
          typeof held === 'object' && held !== null && !Array.isArray(held)
            ? JSON.parse(
                `{${JSON.stringify(name)}:${JSON.stringify(value)},${JSON.stringify(held).slice(1)}`.replace(
                  /,}$/,
                  '}',
                ),
              )
            : [...(Array.isArray(held) ? held : []), value]
        return [[old, into]]
      }
      if (how === 'wrap') return [[old, [held]]]
      if (how === 'twice')
        return [
          [old, held],
          [`${old}2`, held],
        ]
      return [[old, value]]
    })
  })

describe('schema.json', () => {
  it('is a strict JSON Schema 2020-12, and its examples are catalogs', () => {
    expect(ajv.validateSchema(schema)).toBe(true)
    expect(schema.examples).toHaveLength(2)
    for (const example of schema.examples) {
      expect(fits(example)).toBe(true)
      expect(check(example)).toMatchObject({ ok: true, warnings: [] })
    }
  })

  it('says of nothing that callers are told that it is never read', () => {
    expect(JSON.stringify([schema.$defs.gatewayResponses, schema.$defs.gatewayResponse])).not.toMatch(
      /never read|#\/\$defs\/kept/,
    )
  })

  it('describes every field, and has an example that fits wherever it has one', () => {
    const look = (part: Json, at: string): void => {
      if (typeof part !== 'object' || part === null) return
      if (Array.isArray(part)) {
        for (const [i, item] of part.entries()) look(item, `${at}/${i}`)
        return
      }
      for (const [name, field] of Object.entries((part.properties ?? {}) as Record<string, Record<string, Json>>)) {
        const target = field.$ref === undefined ? field : schema.$defs[String(field.$ref).slice('#/$defs/'.length)]
        if (!at.includes('/allOf/'))
          expect([at, name, field.description ?? target.description]).not.toContain(undefined)
      }
      const isSchema = 'type' in part || '$ref' in part
      if (isSchema && Array.isArray(part.examples) && at !== '') {
        const fits = ajv.compile({ ...part, $defs: schema.$defs })
        for (const example of part.examples) expect([at, example, fits(example)]).toEqual([at, example, true])
      }
      for (const [name, field] of Object.entries(part)) if (name !== 'examples') look(field, `${at}/${name}`)
    }
    look(schema, '')
  })

  it('law: accepts every document that check accepts', () => {
    fc.assert(
      fc.property(documents, document => {
        expect(issuesOf(document)).toEqual([])
        expectSameVerdict(document)
      }),
      { numRuns: 200 },
    )
  })

  it('law: refuses exactly the documents whose shape check refuses', () => {
    let refused = 0
    fc.assert(
      fc.property(documents, fc.array(mutation, { minLength: 1, maxLength: 2 }), (document, mutations) => {
        const mutated = mutations.reduce<Json>((document, mutate) => mutate(document), document as Json)
        expectSameVerdict(mutated)
        if (!fits(mutated)) refused++
      }),
      { numRuns: 500 },
    )
    expect(refused).toBeGreaterThan(200)
    expect(refused).toBeLessThan(500)
  })

  it('law: agrees on any JSON at all', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...FIELDS), (value, name) => {
        expectSameVerdict(value)
        expectSameVerdict({ [name]: value })
        expectSameVerdict({ plans: [{ id: 'gold', [name]: value }] })
      }),
      { numRuns: 200 },
    )
  })

  const plan = (fields: object) => ({ plans: [{ id: 'gold', ...fields }] })
  const key = (fields: object) => ({
    plans: [{ id: 'gold' }],
    keys: [{ id: 'acme', value: 'a'.repeat(20), plan: 'gold', ...fields }],
  })
  const method = (path: Json, httpMethod: Json = 'GET') => ({
    apis: [{ id: 'a', methods: [{ path, httpMethod }], stages: [] }],
  })
  const mapping = (fields: object) => ({
    apis: [{ id: 'a', methods: [], stages: [{ stageName: 's' }] }],
    basePathMappings: [{ apiId: 'a', stage: 's', ...fields }],
  })
  const setting = (name: string, value: object = {}) => ({
    apis: [{ id: 'a', methods: [], stages: [{ stageName: 's', methodSettings: { [name]: value } }] }],
  })
  const responses = (type: string, response: object) => ({
    apis: [{ id: 'a', methods: [], stages: [], gatewayResponses: { [type]: response } }],
  })
  const throttled = (rateLimit: Json, burstLimit: Json) => plan({ throttle: { rateLimit, burstLimit } })

  it.each<[string, unknown, boolean]>([
    ['nothing in it', {}, true],
    ['null', null, false],
    ['an array', [], false],
    ['an array of a catalog', [{ plans: [] }], false],
    ['a number', 7, false],
    ['text of a catalog', '{"plans":[]}', false],
    ['__proto__ of its own', JSON.parse('{"__proto__":{"plans":[]}}'), false],
    ['__proto__ in a plan', JSON.parse('{"plans":[{"id":"gold","__proto__":{}}]}'), false],
    ['a tag named __proto__', JSON.parse('{"plans":[{"id":"gold","tags":{"__proto__":"x"}}]}'), true],
    ['a tag named __proto__ that is no text', JSON.parse('{"plans":[{"id":"gold","tags":{"__proto__":{}}}]}'), false],
    ['a method named __proto__', JSON.parse('{"plans":[{"id":"gold","methods":{"__proto__":{}}}]}'), false],
    ['a plan without an id, but with a constructor', { plans: [{ constructor: 'gold' }] }, false],
    ['keys without plans', { keys: [] }, false],
    ['requireKey without plans', { requireKey: [] }, false],
    ['both forms', { plans: [], usagePlans: [] }, false],
    ['lists for objects', { plans: [[]], keys: [[]] }, false],
    ['null for a list', { apis: null }, false],
    ['null for a field that may be absent', plan({ quota: null }), false],
    ["the short form's methods in a full plan", { usagePlans: [{ id: 'gold', methods: {} }] }, false],
    ['a wrong case (CFG-09)', plan({ throttle: { rateLimit: 1, burstlimit: 1 } }), false],
    ['half a throttle', plan({ throttle: { rateLimit: 1 } }), false],
    ['a rate of 0', throttled(0, 5), true],
    ['the slowest rate', throttled(1 / 432_000, 5), true],
    ['a rate below the slowest', throttled(0.999_999 / 432_000, 5), false],
    ['the fastest rate', throttled(1e9, 5), true],
    ['a rate above the fastest', throttled(1e9 + 1, 5), false],
    ['a negative rate', throttled(-1, 5), false],
    ['a rate in quotes', throttled('1', 5), false],
    ['a rate that is not a number', plan({ throttle: { rateLimit: Number.NaN, burstLimit: 1 } }), false],
    ['a rate without end', plan({ throttle: { rateLimit: Number.POSITIVE_INFINITY, burstLimit: 1 } }), false],
    ['the largest burst', throttled(1, 20_849_998), true],
    ['a burst above the largest', throttled(1, 20_849_999), false],
    ['a burst of 0', throttled(1, 0), true],
    ['half a token', throttled(1, 1.5), false],
    [
      'a burst that is a whole number with a point',
      JSON.parse('{"plans":[{"id":"g","throttle":{"rateLimit":1.0,"burstLimit":1.0}}]}'),
      true,
    ],
    ['a quota of 0 (CFG-05)', plan({ quota: { limit: 0, period: 'DAY' } }), false],
    ['a quota of 2^31 (CFG-05)', plan({ quota: { limit: 2 ** 31, period: 'DAY' } }), false],
    ['a quota without period (CFG-05)', plan({ quota: { limit: 1 } }), false],
    ['a quota by the hour (CFG-05)', plan({ quota: { limit: 1, period: 'HOUR' } }), false],
    ['a DAY quota with offset 0', plan({ quota: { limit: 1, period: 'DAY', offset: 0 } }), true],
    ['a DAY quota with offset 1', plan({ quota: { limit: 1, period: 'DAY', offset: 1 } }), false],
    ['a WEEK quota with offset 6', plan({ quota: { limit: 1, period: 'WEEK', offset: 6 } }), true],
    ['a WEEK quota with offset 7', plan({ quota: { limit: 1, period: 'WEEK', offset: 7 } }), false],
    ['a MONTH quota with offset 27', plan({ quota: { limit: 1, period: 'MONTH', offset: 27 } }), true],
    ['a MONTH quota with offset 28', plan({ quota: { limit: 1, period: 'MONTH', offset: 28 } }), false],
    ['a value of 19 characters', key({ value: 'a'.repeat(19) }), false],
    ['a value of 128 characters', key({ value: 'a'.repeat(128) }), true],
    ['a value of 129 characters', key({ value: 'a'.repeat(129) }), false],
    ['a value with a newline at its end', key({ value: `${'a'.repeat(20)}\n` }), false],
    ['a value with a space', key({ value: `${'a'.repeat(20)} a` }), false],
    ['an id with a newline at its end', key({ id: 'acme\n' }), false],
    ['an id with a slash', key({ id: 'a/b' }), false],
    ['an empty id', key({ id: '' }), false],
    ['a date in milliseconds', key({ createdDate: 1_704_067_200_000 }), false],
    ['a date as text', key({ createdDate: '2024-01-01' }), false],
    ['a version of 128 characters of two units each', { version: '🙂'.repeat(128) }, true],
    ['a version of 129 characters', { version: '🙂'.repeat(129) }, false],
    ['an empty version', { version: '' }, false],
    ['a tag of 256 characters of two units each', key({ tags: { a: '🙂'.repeat(256) } }), true],
    ['a tag that is a number', key({ tags: { a: 1 } }), false],
    ['the root', method('/'), true],
    ['no slash', method('pets'), false],
    ['a slash at the end', method('/pets/'), false],
    ['an empty segment', method('/pets//x'), false],
    ['a segment of dots', method('/pets/..'), false],
    ['three dots', method('/...'), true],
    ['two dots and more', method('/..pets'), true],
    ['two parameters in a segment (CFG-13)', method('/{a}-{b}-{c}'), false],
    ['half a segment (CFG-13)', method('/x{y}'), false],
    ['two parameters side by side (CFG-13)', method('/{a}{b}'), false],
    ['something after a greedy parameter (CFG-13)', method('/{proxy+}/x'), false],
    ['a name used twice, which is no matter of shape (CFG-13)', method('/{a}/{a}'), true],
    ['another name used twice', method('/{id}/{id}'), true],
    ['a name used twice before something worse', method('/{a}/{a}/x{'), false],
    ['a verb nobody knows', method('/', 'FETCH'), false],
    ['a verb in lower case', method('/', 'get'), false],
    ['a base path', mapping({ basePath: 'v1/pets' }), true],
    ['a base path with a slash', mapping({ basePath: '/v1' }), false],
    ['an empty base path', mapping({ basePath: '' }), false],
    ['a base path of dots', mapping({ basePath: '..' }), false],
    ['a base path with a parameter', mapping({ basePath: '{v}' }), false],
    ['a host', mapping({ domainName: 'api.example.com' }), true],
    ['a host with a port', mapping({ domainName: 'api.example.com:443' }), false],
    ['settings of every method', setting('*/*', { throttlingRateLimit: -1, throttlingBurstLimit: -1 }), true],
    ['settings of one', setting('pets/{id}/GET'), true],
    ['settings of the root', setting('/GET'), true],
    ['settings of the root, as plans name it', setting('//GET'), false],
    ['settings with a slash before them', setting('/pets/GET'), false],
    ['settings of no method', setting('GET'), false],
    ['a setting below no limit', setting('*/*', { throttlingRateLimit: -2 }), false],
    ['a method to require, without a verb', { plans: [], requireKey: ['/pets'] }, true],
    ['a method to throttle, without a verb', plan({ methods: { '/pets': { rateLimit: 1, burstLimit: 1 } } }), false],
    ['a method to throttle', plan({ methods: { 'GET /pets': { rateLimit: 1, burstLimit: 1 } } }), true],
    ['a method to throttle that is no throttle', plan({ methods: { 'GET /pets': 5 } }), false],
    ['__proto__ to require', { plans: [], requireKey: ['__proto__'] }, false],
    ['a gateway response', responses('THROTTLED', { statusCode: '430' }), true],
    ['a gateway response of no type', responses('THROTLED', { statusCode: '430' }), false],
    [
      'a gateway response of __proto__',
      JSON.parse('{"apis":[{"id":"a","methods":[],"stages":[],"gatewayResponses":{"__proto__":{}}}]}'),
      false,
    ],
    ['a gateway response with a status that is not said', responses('THROTTLED', { statusCode: '204' }), true],
    ['a gateway response with a status that is none', responses('THROTTLED', { statusCode: '600' }), false],
  ])('and check say the same of %s', (_, document, accepted) => {
    expectSameVerdict(document)
    expect(fits(document)).toBe(accepted)
  })
})
