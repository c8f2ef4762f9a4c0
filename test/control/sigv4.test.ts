// Signatures: AWS's published vectors, AWS's SDK, and ten thousand requests that nobody signed.

import {
  CreateApiKeyCommand,
  GetApiKeysCommand,
  GetTagsCommand,
  ImportApiKeysCommand,
  TagResourceCommand,
} from '@aws-sdk/client-api-gateway'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authorizer, type Credential, controlHandler, routes, verifySignature } from '../../src/control/index.ts'
import { createGate, emptyCatalog } from '../../src/index.ts'
import { controlled, faultOf, realWorld, serve } from './served.ts'

const EXAMPLE: Credential = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  role: 'admin',
}
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0) / 1000

interface Vector {
  readonly name: string
  readonly service?: string
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signature: string
}

// Source: AWS, "Signature Version 4 test suite", and the example of the General Reference.
const VECTORS: readonly Vector[] = [
  { name: 'get-vanilla', signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  {
    name: 'get-vanilla-query-order-key-case',
    url: '/?Param2=value2&Param1=value1',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-vanilla-empty-query-key',
    url: '/?Param1=value1',
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  {
    name: 'get-header-value-trim',
    headers: { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' },
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-vanilla',
    method: 'POST',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
  {
    name: 'the example of the General Reference',
    service: 'iam',
    url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
]

function requestOf({ service = 'service', method = 'GET', url = '/', headers = {}, body, signature }: Vector): Request {
  const target = new URL(url, 'https://example.amazonaws.com')
  const all = { ...headers, host: target.host, 'x-amz-date': '20150830T123600Z' }
  const signed = Object.keys(all).sort().join(';')
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request, SignedHeaders=${signed}, Signature=${signature}`
  return new Request(target, { method, headers: { ...all, authorization }, ...(body === undefined ? {} : { body }) })
}

const verify = (request: Request, body: string, more: object = {}) =>
  verifySignature(request, new TextEncoder().encode(body), {
    credentials: [EXAMPLE],
    now: () => NOW,
    service: 'service',
    ...more,
  })

describe('verifySignature', () => {
  it.each(VECTORS)('accepts $name', async vector => {
    const verified = await verify(requestOf(vector), vector.body ?? '', { service: vector.service ?? 'service' })
    expect(verified).toBe(EXAMPLE)
  })

  it.each([
    ['six minutes later', { now: () => NOW + 301 }],
    ['six minutes earlier', { now: () => NOW - 301 }],
    ['by another clock', { now: () => Number.NaN }],
    ['of another service', { service: 'apigateway' }],
    ['of another region', { region: 'eu-west-1' }],
    ['of an unknown key', { credentials: [{ ...EXAMPLE, accessKeyId: 'AKIDOTHER' }] }],
    ['of another secret', { credentials: [{ ...EXAMPLE, secretAccessKey: 'another-secret-of-some-length' }] }],
  ])('refuses one %s', async (_, more) => {
    expect(await verify(requestOf(VECTORS[0] as Vector), '', more)).toHaveProperty('fault', 'AccessDeniedException')
  })

  it('refuses what a signature does not cover', async () => {
    const add = (name: string, value: string) => {
      const request = requestOf(VECTORS[0] as Vector)
      request.headers.set(name, value)
      return verify(request, '')
    }
    expect(await add('accept', 'application/json')).toBe(EXAMPLE)
    for (const name of ['x-amz-security-token', 'x-amz-content-sha256', 'content-type']) {
      expect(await add(name, 'x')).toHaveProperty('fault')
    }
    const presigned = new Request(
      'https://example.amazonaws.com/?X-Amz-Signature=5fa0&X-Amz-Algorithm=AWS4-HMAC-SHA256',
    )
    expect(await verify(presigned, '')).toHaveProperty('message', 'Presigned URLs are not accepted')
  })
})

describe('the control plane with its door', () => {
  const now = () => Date.now() / 1000
  const reader: Credential = { accessKeyId: 'READER', secretAccessKey: 'a-secret-of-more-than-twenty', role: 'read' }

  it("lets AWS's SDK in, with every path, query and body it writes", async () => {
    const allowed: string[] = []
    const authorize = authorizer({ credentials: [EXAMPLE], now, onAllowed: who => allowed.push(who) })
    const control = await serve({ authorize })
    try {
      const { id } = await control.client.send(new CreateApiKeyCommand({ name: 'é "/\\ +', tags: { 'a b': 'c+d' } }))
      await control.client.send(new GetApiKeysCommand({ nameQuery: 'é "/\\ +&=%20', limit: 5 }))
      const resourceArn = `arn:aws:apigateway:us-east-1::/apikeys/${id}`
      await control.client.send(new TagResourceCommand({ resourceArn, tags: { x: 'y' } }))
      expect((await control.client.send(new GetTagsCommand({ resourceArn }))).tags).toEqual({ 'a b': 'c+d', x: 'y' })
      const body = new TextEncoder().encode('name,key\nn,kkkkkkkkkkkkkkkkkkkkkkkk')
      expect((await control.client.send(new ImportApiKeysCommand({ format: 'csv', body }))).ids).toHaveLength(1)
      expect(allowed).toHaveLength(5)
      expect(allowed[0]).toBe('AKIDEXAMPLE')
      expect(control.errors).toEqual([])
    } finally {
      await control.close()
    }
  })

  it('lets nobody else in', async () => {
    const other = await serve({ authorize: authorizer({ credentials: [reader], now }) })
    try {
      const [status, code] = await faultOf(other.client, new GetApiKeysCommand({}))
      expect([status, code]).toEqual([403, 'AccessDeniedException'])
    } finally {
      await other.close()
    }
  })

  it('asks at every route, and at every path that is none', async () => {
    const { handler, gate } = controlled({ authorize: authorizer({ credentials: [EXAMPLE], now }) })
    const before = gate.catalog
    const odd = ['/apikeys/', '//apikeys', '/APIKEYS', '/%61pikeys', '/', '/nope', '/vpclinks']
    const all = [
      ...routes.map(({ verb, path }) => [verb, path.replace(/[{}]/g, '')] as const),
      ...odd.map(path => ['GET', path] as const),
    ]
    const credentials = ['', 'Bearer ', 'Bearer undefined', 'AWS4-HMAC-SHA256', 'Basic YTpi']
    for (const [verb, path] of all) {
      for (const authorization of credentials) {
        const headers = { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) }
        const response = await handler(new Request(`http://localhost${path}`, { method: verb, headers }))
        expect([verb, path, response.status]).toEqual([verb, path, 403])
      }
    }
    expect(gate.catalog).toBe(before)
  })

  it('takes a bearer token, and lets a reader only read', async () => {
    const tokens = [
      { name: 'ops', token: 'a-token-of-more-than-twenty', role: 'admin' },
      { name: 'dashboard', token: 'another-token-of-twenty', role: 'read' },
    ] as const
    const { handler } = controlled({ authorize: authorizer({ tokens, now }) })
    const ask = async (method: string, token: string) =>
      (
        await handler(
          new Request('http://localhost/apikeys', { method, headers: { authorization: `Bearer ${token}` } }),
        )
      ).status
    expect(await ask('POST', tokens[0].token)).toBe(201)
    expect(await ask('GET', tokens[1].token)).toBe(200)
    expect(await ask('POST', tokens[1].token)).toBe(403)
    expect(await ask('GET', `${tokens[0].token}x`)).toBe(403)
    expect(await ask('GET', tokens[0].token.slice(1))).toBe(403)
  })

  it('takes a signature for a change once', async () => {
    const options = { credentials: [EXAMPLE], now: () => NOW, service: 'service' }
    const gate = createGate({ catalog: emptyCatalog() })
    const handler = controlHandler({
      catalog: () => gate.catalog,
      publish: catalog => gate.replace(catalog),
      world: realWorld,
      authorize: asked => authorize({ ...asked, route: routes[0] as (typeof routes)[number] }),
    })
    const authorize = authorizer(options)
    const once = () => handler(requestOf(VECTORS[4] as Vector))
    // Its path is no operation's: only whether it gets past the door is looked at.
    expect((await once()).status).toBe(404)
    expect((await once()).headers.get('x-amzn-errortype')).toBe('TooManyRequestsException')
    const other = requestOf(VECTORS[4] as Vector)
    other.headers.set('authorization', (other.headers.get('authorization') ?? '').replace(', ', ',  '))
    expect((await handler(other)).status).toBe(429)
  })

  it('says to whoever keeps an audit trail who did what', async () => {
    const who = new WeakMap<Request, string>()
    const trail: string[] = []
    const { handler } = controlled({
      authorize: authorizer({
        tokens: [{ name: 'ops', token: 'a-token-of-more-than-twenty', role: 'admin' }],
        now,
        onAllowed: (name, { request }) => who.set(request, name),
      }),
      publish: (_, { request, operation }) => {
        trail.push(`${who.get(request)} ${operation}`)
      },
    })
    const headers = { authorization: 'Bearer a-token-of-more-than-twenty' }
    await handler(new Request('http://localhost/apikeys', { method: 'POST', headers }))
    await handler(new Request('http://localhost/apikeys', { headers }))
    expect(trail).toEqual(['ops CreateApiKey'])
  })

  it('refuses to be without secrets, or with short ones', () => {
    expect(() => authorizer({ now })).toThrow('expected credentials or tokens')
    expect(() => authorizer({ now, tokens: [{ name: 'x', token: 'short', role: 'admin' }] })).toThrow('20 characters')
  })

  it('law: of ten thousand changed requests none is let in', async () => {
    const vectors = VECTORS.filter(({ service }) => service === undefined)
    const changed = fc.record({
      vector: fc.constantFrom(...vectors),
      where: fc.constantFrom('method', 'path', 'query', 'header', 'body', 'authorization', 'date', 'host', 'drop'),
      at: fc.nat(400),
      char: fc.constantFrom(...'abcxyz019ABC;=/-'),
    })
    const flip = (text: string, at: number, char: string): string => {
      const i = at % Math.max(1, text.length)
      return text[i] === char
        ? `${text.slice(0, i)}${text.slice(i + 1)}`
        : `${text.slice(0, i)}${char}${text.slice(i + 1)}`
    }
    let count = 0
    await fc.assert(
      fc.asyncProperty(changed, async ({ vector, where, at, char }) => {
        const original = requestOf(vector)
        const url = new URL(original.url)
        const headers = new Headers(original.headers)
        let { method } = original
        let body = vector.body ?? ''
        if (where === 'method') method = method === 'GET' ? 'DELETE' : 'PUT'
        if (where === 'path') url.pathname = `/${flip('path', at, char)}`
        if (where === 'query') url.search += `${url.search === '' ? '?' : '&'}${char}=${at}`
        if (where === 'body') body += char
        if (where === 'date') headers.set('x-amz-date', flip('20150830T123600Z', at, '5'))
        if (where === 'host') headers.set('host', flip('example.amazonaws.com', at, char))
        if (where === 'header') headers.set('x-amz-target', char)
        if (where === 'authorization') headers.set('authorization', flip(headers.get('authorization') ?? '', at, char))
        if (where === 'drop') headers.delete(['host', 'x-amz-date', 'authorization'][at % 3] as string)
        const request = new Request(url, { method, headers })
        const isSame =
          request.headers.get('authorization') === original.headers.get('authorization') &&
          headers.get('x-amz-date') === original.headers.get('x-amz-date') &&
          ['date', 'authorization'].includes(where)
        if (isSame) return
        count++
        expect(await verify(request, body), `${vector.name} ${where} ${at} ${char}`).toHaveProperty('fault')
      }),
      { numRuns: 10_500 },
    )
    expect(count).toBeGreaterThan(9_500)
  })
})
