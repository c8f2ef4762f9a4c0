// One table of requests, sent to every adapter: each is decided alike everywhere, or turned away by that host's parser.
// The ids are those of the threat catalogue the table was first written down in.

import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import express from 'express'
import fc from 'fast-check'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decision } from '../../src/core/decision.ts'
import { gateFetch } from '../../src/http/fetch.ts'
import { gateNode, type NodeRequest, type NodeResponse } from '../../src/http/node.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { gateOf } from '../gate-of.ts'
import { type Answered, answered, closed, exchange, listening, requestBytes, send, sendHttp2 } from './wire.ts'

const KEY = 'adapters-key-00000000001'
const OTHER = 'adapters-key-00000000002'
const DISABLED = 'adapters-key-00000000003'

const store = memoryStore()
let seen: Decision[] = []
const gate = gateOf({
  catalog: {
    apis: [
      {
        id: 'a',
        methods: [
          { path: '/', httpMethod: 'ANY', apiKeyRequired: true },
          { path: '/pets', httpMethod: 'GET', apiKeyRequired: true },
          { path: '/pets', httpMethod: 'POST', apiKeyRequired: true },
          { path: '/pets/{id}', httpMethod: 'GET', apiKeyRequired: true },
          { path: '/admin', httpMethod: 'POST', apiKeyRequired: true },
          { path: '/any', httpMethod: 'ANY', apiKeyRequired: true },
          { path: '/open', httpMethod: 'ANY' },
        ],
        stages: [{ stageName: 's' }],
      },
      { id: 'b', methods: [{ path: '/pets', httpMethod: 'GET', apiKeyRequired: true }], stages: [{ stageName: 's' }] },
    ],
    basePathMappings: [
      { apiId: 'a', stage: 's' },
      { basePath: 'elsewhere', apiId: 'b', stage: 's' },
    ],
    usagePlans: [
      {
        id: 'p',
        apiStages: [
          { apiId: 'a', stage: 's', throttle: { '/pets/{id}/GET': { rateLimit: 0, burstLimit: 1_000_000 } } },
        ],
        throttle: { rateLimit: 0, burstLimit: 1_000_000 },
        quota: { limit: 1_000_000, period: 'MONTH' },
      },
    ],
    apiKeys: [
      { id: 'k1', value: KEY, usagePlanIds: ['p'] },
      { id: 'k2', value: OTHER, usagePlanIds: ['p'] },
      { id: 'k3', value: DISABLED, usagePlanIds: ['p'], enabled: false },
    ],
  },
  store,
  clock: () => Date.parse('2026-03-04T12:00:00Z'),
  onDecision: decision => seen.push(decision),
})

type Expected = 'allowed' | 'open' | 'K403' | 'R403' | 'B400'
/** Turned away by the host before the adapter: 4xx, or no answer. */
type ByHost = 'by the parser'

interface Row {
  readonly id: string
  readonly what: string
  readonly expected: Expected
  readonly method?: string
  readonly target?: string
  /** Default: the valid key. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
  /** The whole request of HTTP/1, where its parts do not say it. */
  readonly bytes?: string | Buffer
  readonly http1?: ByHost
  /** Header fields in place of those that `method`, `target` and `headers` make; or why it cannot be said there. */
  readonly http2?: ByHost | 'K403' | { readonly only: Record<string, string> } | { readonly not: string }
  readonly fetch?: { readonly not: string }
}

const key = ['x-api-key', KEY] as const
const BYTES_ONLY = {
  http2: { not: 'it is about the bytes of HTTP/1' },
  fetch: { not: 'it is about the bytes of HTTP/1' },
}
const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`
const GET = 'GET /pets HTTP/1.1'
const POST = 'POST /pets HTTP/1.1'
const HOST = 'Host: localhost'
const KEY_LINE = `x-api-key: ${KEY}`

const ROWS: readonly Row[] = [
  { id: 'KEY-00', what: 'the valid key', expected: 'allowed' },
  { id: 'KEY-01', what: 'no key', headers: [], expected: 'K403' },
  { id: 'KEY-02', what: 'an empty value', headers: [['x-api-key', '']], expected: 'K403' },
  ...['undefined', 'null', '[object Object]', '*', '%', 'true', '0', '__proto__', 'toString'].map(
    (value): Row => ({ id: 'KEY-03', what: `the value ${value}`, headers: [['x-api-key', value]], expected: 'K403' }),
  ),
  { id: 'KEY-04', what: 'the valid key in two lines', headers: [key, key], expected: 'K403' },
  { id: 'KEY-05', what: 'two different valid keys', headers: [key, ['x-api-key', OTHER]], expected: 'K403' },
  { id: 'KEY-05', what: 'the valid key after a bad one', headers: [['x-api-key', 'x'], key], expected: 'K403' },
  {
    id: 'KEY-05',
    what: 'two lines of other cases',
    headers: [
      ['X-API-Key', KEY],
      ['x-api-KEY', KEY],
    ],
    expected: 'K403',
    http2: { not: 'names are lower case there' },
  },
  { id: 'KEY-06', what: 'the valid key and an empty line', headers: [key, ['x-api-key', '']], expected: 'K403' },
  {
    id: 'KEY-07',
    what: 'the key in the query',
    target: `/pets?x-api-key=${KEY}&api_key=${KEY}`,
    headers: [],
    expected: 'K403',
  },
  {
    id: 'KEY-08',
    what: 'spaces and tabs around the value',
    headers: [['x-api-key', ` \t${KEY}\t `]],
    expected: 'allowed',
    // A field that begins or ends with a space is malformed there (RFC 9113, 8.2.1); node passes it on.
    http2: 'K403',
  },
  {
    id: 'KEY-08',
    what: 'a no-break space around the value',
    headers: [['x-api-key', `\u00a0${KEY}`]],
    expected: 'K403',
  },
  {
    id: 'KEY-08',
    what: 'an ideographic space around the value',
    headers: [['x-api-key', `${KEY}\u3000`]],
    expected: 'K403',
    fetch: { not: 'Headers takes no such character' },
    http2: { not: 'the client sends no such character' },
  },
  {
    id: 'KEY-09',
    what: 'the key as a bearer, a cookie and basic auth',
    headers: [
      ['authorization', `Bearer ${KEY}`],
      ['cookie', `x-api-key=${KEY}`],
    ],
    expected: 'K403',
  },
  { id: 'KEY-10', what: 'the name in other cases', headers: [['X-API-Key', KEY]], expected: 'allowed' },
  { id: 'KEY-10', what: 'the name in capitals', headers: [['X-API-KEY', KEY]], expected: 'allowed' },
  { id: 'KEY-10', what: 'the name with underscores', headers: [['x_api_key', KEY]], expected: 'K403' },
  { id: 'KEY-10', what: 'the name without x-', headers: [['api-key', KEY]], expected: 'K403' },
  {
    id: 'KEY-10',
    what: 'a space before the colon',
    bytes: head(GET, HOST, `x-api-key : ${KEY}`),
    expected: 'K403',
    http1: 'by the parser',
    ...BYTES_ONLY,
  },
  { id: 'KEY-11', what: 'the key in other cases', headers: [['x-api-key', KEY.toUpperCase()]], expected: 'K403' },
  {
    id: 'KEY-12',
    what: 'the key as a trailer',
    bytes: `${head(POST, HOST, 'Transfer-Encoding: chunked', 'Trailer: x-api-key').replace(/\r\n\r\n$/, '')}\r\n\r\n0\r\n${KEY_LINE}\r\n\r\n`,
    expected: 'K403',
    ...BYTES_ONLY,
  },
  {
    id: 'KEY-13',
    what: 'the key in the body',
    method: 'POST',
    headers: [
      ['content-type', 'application/json'],
      ['content-length', '42'],
    ],
    body: `{"x-api-key":"${KEY}"}`.padEnd(42),
    expected: 'K403',
    fetch: { not: 'the body is no matter there' },
  },
  {
    id: 'KEY-14',
    what: 'a header __proto__ beside the key',
    headers: [['__proto__', 'x'], key],
    expected: 'allowed',
    http2: { not: 'the client has no such own field' },
  },
  {
    id: 'KEY-14',
    what: 'a header constructor beside the key',
    headers: [['constructor', 'x'], key],
    expected: 'allowed',
  },
  { id: 'KEY-15', what: 'one character more', headers: [['x-api-key', `${KEY}0`]], expected: 'K403' },
  { id: 'KEY-15', what: 'one character less', headers: [['x-api-key', KEY.slice(0, -1)]], expected: 'K403' },
  {
    id: 'KEY-16',
    what: 'a value of 20 kB',
    headers: [['x-api-key', 'a'.repeat(20_000)]],
    expected: 'K403',
    http1: 'by the parser',
  },
  {
    id: 'KEY-17',
    what: 'headers that other gateways believe',
    headers: [
      ['x-api-key-id', 'k1'],
      ['x-consumer-id', 'k1'],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-middleware-subrequest', 'middleware'],
      ['x-amzn-apigateway-api-id', 'a'],
      ['x-original-url', '/open'],
      ['x-rewrite-url', '/open'],
    ],
    expected: 'K403',
  },
  {
    id: 'KEY-18',
    what: 'the key after 1100 headers',
    headers: [...Array.from({ length: 1100 }, (_, i) => [`f${i}`, '1'] as const), key],
    expected: 'K403',
    http2: 'by the parser',
    fetch: { not: 'no parser, and so no limit' },
  },
  { id: 'KEY-19', what: 'a disabled key', headers: [['x-api-key', DISABLED]], expected: 'K403' },
  { id: 'KEY-20', what: 'a valid key on a stage of none of its plans', target: '/elsewhere/pets', expected: 'K403' },
  { id: 'KEY-22', what: 'an open method with the key', target: '/open', expected: 'open' },
  { id: 'KEY-22', what: 'an open method without a key', target: '/open', headers: [], expected: 'open' },
  {
    id: 'KEY-22',
    what: 'an open method with a bad key',
    target: '/open',
    headers: [['x-api-key', 'bad']],
    expected: 'open',
  },
  { id: 'KEY-22', what: 'an open method with the key twice', target: '/open', headers: [key, key], expected: 'open' },

  ...['/pets/../admin', '/./pets', '/pets/.', '/pets/..', '/pets/%2e%2e/admin', '/pets/%2E./admin', '/.%2e/admin'].map(
    (target): Row => ({ id: 'PTH-01', what: target, target, expected: 'B400' }),
  ),
  ...['/pets/..%2fadmin', '/pets%2f1', '/pets%5c1', '/pets%2F'].map(
    (target): Row => ({ id: 'PTH-03', what: target, target, expected: 'B400' }),
  ),
  ...['/pets/..;x=1/admin', '/..;/admin', '/pets/.;/1', '/pets/%2e%2e;/admin', '/pets/..%3b/admin'].map(
    (target): Row => ({ id: 'PTH-05', what: target, target, expected: 'B400' }),
  ),
  { id: 'PTH-06', what: '/pets;a=1, which some servers take for /pets', target: '/pets;a=1', expected: 'B400' },
  { id: 'PTH-06', what: '/PETS, which some servers take for /pets', target: '/PETS', expected: 'B400' },
  { id: 'PTH-06', what: '/pets/1;a=1, a parameter with its own', target: '/pets/1;a=1', expected: 'allowed' },
  { id: 'PTH-07', what: '/pets\\1', target: '/pets\\1', expected: 'B400' },
  {
    id: 'PTH-08',
    what: 'a fragment',
    target: '/pets#/admin',
    expected: 'B400',
    fetch: { not: 'a fragment is cut off before it is sent' },
  },
  { id: 'PTH-09', what: '/pets/ as /pets', target: '/pets/', expected: 'allowed' },
  { id: 'PTH-10', what: '/p%65ts as /pets', target: '/p%65ts', expected: 'allowed' },
  {
    id: 'PTH-11',
    what: 'a query that spells a path and a key',
    target: `/pets?a=/../admin&x-api-key=${OTHER}`,
    expected: 'allowed',
  },
  { id: 'PTH-12', what: '//pets', target: '//pets', expected: 'B400' },
  { id: 'PTH-12', what: '/pets//1', target: '/pets//1', expected: 'B400' },
  { id: 'PTH-12', what: '/pets//', target: '/pets//', expected: 'B400' },
  { id: 'PTH-13', what: '//evil.com/pets', target: '//evil.com/pets', expected: 'B400' },
  { id: 'PTH-14', what: '* of OPTIONS', method: 'OPTIONS', target: '*', expected: 'B400' },
  {
    id: 'PTH-15',
    what: 'CONNECT',
    method: 'CONNECT',
    target: 'h:80',
    bytes: head('CONNECT h:80 HTTP/1.1', 'Host: h:80', KEY_LINE),
    expected: 'B400',
    http1: 'by the parser',
    http2: { not: 'the client gives a CONNECT no path' },
  },
  { id: 'PTH-16', what: 'HEAD of a method that is only GET', method: 'HEAD', expected: 'R403' },
  { id: 'PTH-16', what: 'HEAD of an ANY', method: 'HEAD', target: '/any', expected: 'allowed' },
  { id: 'PTH-16', what: 'OPTIONS of an ANY', method: 'OPTIONS', target: '/any', expected: 'allowed' },
  { id: 'PTH-17', what: 'FOO of an ANY', method: 'FOO', target: '/any', expected: 'R403', http1: 'by the parser' },
  { id: 'PTH-17', what: 'TRACE of an ANY', method: 'TRACE', target: '/any', expected: 'R403' },
  { id: 'PTH-17', what: 'PROPFIND of an ANY', method: 'PROPFIND', target: '/any', expected: 'R403' },
  {
    id: 'PTH-17',
    what: 'get of an ANY',
    method: 'gEt',
    target: '/any',
    expected: 'R403',
    http1: 'by the parser',
    fetch: { not: 'Request spells it GET' },
  },
  { id: 'PTH-18', what: 'a path nobody declared', target: '/nothing', expected: 'R403' },
  { id: 'PTH-18', what: 'a verb nobody declared', method: 'DELETE', expected: 'R403' },
  {
    id: 'PTH-19',
    what: 'a POST that says it is a GET',
    method: 'POST',
    target: '/admin?_method=GET',
    headers: [['x-http-method-override', 'GET'], ['x-method-override', 'GET'], ['x-http-method', 'GET'], key],
    expected: 'allowed',
  },
  {
    id: 'PTH-19',
    what: 'a GET that says it is a POST',
    target: '/admin?_method=POST',
    headers: [['x-http-method-override', 'POST'], key],
    expected: 'R403',
  },
  ...['/pets%00', '/pets%0d%0aX:y', '/pets%1b[31m', '/pets/%7f', '/pets/%', '/pets/%4', '/pets/%zz'].map(
    (target): Row => ({ id: 'PTH-21', what: target, target, expected: 'B400' }),
  ),
  ...['/%c0%ae%c0%ae/admin', '/pets/%ff', '/pets/%ed%a0%80', '/pets/%e9'].map(
    (target): Row => ({ id: 'PTH-23', what: target, target, expected: 'B400' }),
  ),
  {
    id: 'PTH-24',
    what: 'a path in bytes beyond ASCII',
    target: '/pets/café',
    expected: 'B400',
    http1: 'by the parser',
    fetch: { not: 'URL escapes it' },
  },
  ...['/pets/caf%C3%A9', '/pets/cafe%CC%81', '/pets/%252e%252e', '/pets/%252F'].map(
    (target): Row => ({ id: 'PTH-25', what: `${target}, a parameter as it is`, target, expected: 'allowed' }),
  ),
  { id: 'PTH-26', what: 'ten thousand slashes', target: '/a'.repeat(5000), expected: 'R403' },
  { id: 'PTH-26', what: 'ten thousand escapes', target: `/${'%25'.repeat(3000)}`, expected: 'R403' },
  { id: 'PTH-28', what: 'absolute form', target: 'http://localhost/pets', expected: 'allowed', http2: 'by the parser' },
  {
    id: 'PTH-28',
    what: 'absolute form with only a host',
    target: 'http://localhost',
    method: 'GET',
    expected: 'allowed',
    http2: 'by the parser',
  },
  ...[
    'http://localhost?/pets',
    'http://localhost;x/pets',
    'http://localhost:80:80/pets',
    'http://a@localhost/pets',
    'http:///pets',
    'ftp://localhost/pets',
  ].map(
    (target): Row => ({
      id: 'PTH-28',
      what: `target ${target}`,
      target,
      expected: 'B400',
      http2: 'by the parser',
      fetch: { not: 'a Request has a whole URL' },
    }),
  ),
  {
    id: 'PTH-31',
    what: 'two Host lines',
    bytes: head(GET, HOST, 'Host: localhost', KEY_LINE),
    expected: 'B400',
    ...BYTES_ONLY,
  },
  {
    id: 'PTH-31',
    what: 'a Host with an @',
    bytes: head(GET, 'Host: a@localhost', KEY_LINE),
    expected: 'B400',
    http2: { only: { ':method': 'GET', ':path': '/pets', ':authority': 'a@localhost', 'x-api-key': KEY } },
    fetch: { not: 'a Request has no userinfo' },
  },
  {
    id: 'PTH-31',
    what: 'a Host with a path',
    bytes: head(GET, 'Host: localhost/open', KEY_LINE),
    expected: 'B400',
    ...BYTES_ONLY,
  },
  {
    id: 'PTH-31',
    what: 'no Host in HTTP/1.0',
    bytes: `GET /pets HTTP/1.0\r\n${KEY_LINE}\r\n\r\n`,
    expected: 'allowed',
    ...BYTES_ONLY,
  },
  {
    id: 'PTH-31',
    what: 'no Host in HTTP/1.1',
    bytes: head(GET, KEY_LINE),
    expected: 'B400',
    http1: 'by the parser',
    ...BYTES_ONLY,
  },

  ...(
    [
      [
        'Transfer-Encoding and Content-Length',
        [POST, HOST, KEY_LINE, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ],
      ['two Content-Lengths', [POST, HOST, KEY_LINE, 'Content-Length: 5', 'Content-Length: 0'], 'hello'],
      [
        'Transfer-Encoding: chunked, identity',
        [POST, HOST, KEY_LINE, 'Transfer-Encoding: chunked, identity'],
        '0\r\n\r\n',
      ],
      ['a folded line', [GET, HOST, 'x: y', ` ${KEY_LINE}`, `x-api-key:`, ` ${KEY}`], ''],
      ['a space before a colon', [GET, HOST, KEY_LINE, 'Content-Length : 5'], 'hello'],
      ['a bare CR', [GET, HOST, KEY_LINE, 'a: b\rc: d'], ''],
      ['a NUL in a value', [GET, HOST, `${KEY_LINE}\0`], ''],
      ['a negative Content-Length', [POST, HOST, KEY_LINE, 'Content-Length: -1'], ''],
      ['a space in the target', ['GET /pets /admin HTTP/1.1', HOST, KEY_LINE], ''],
    ] as const
  ).map(
    ([what, lines, body]): Row => ({
      id: 'HTP-01',
      what,
      bytes: `${head(...lines)}${body}`,
      expected: 'K403',
      http1: 'by the parser',
      ...BYTES_ONLY,
    }),
  ),
  {
    id: 'HTP-03',
    what: 'lines that end in a bare LF',
    bytes: head(GET, HOST, KEY_LINE).replaceAll('\r', ''),
    expected: 'allowed',
    http1: 'by the parser',
    ...BYTES_ONLY,
  },
  {
    id: 'HTP-07',
    what: ':authority that is not host',
    expected: 'allowed',
    http2: { only: { ':method': 'GET', ':path': '/pets', ':authority': 'localhost', host: 'a@b', 'x-api-key': KEY } },
    bytes: head('GET http://localhost/pets HTTP/1.1', 'Host: a@b', KEY_LINE),
    fetch: { not: 'a Request has one host' },
  },
  {
    id: 'HTP-07',
    what: 'host without :authority',
    expected: 'allowed',
    bytes: head(GET, HOST, KEY_LINE),
    http2: { only: { ':method': 'GET', ':path': '/pets', host: 'localhost', 'x-api-key': KEY } },
    fetch: { not: 'a Request has one host' },
  },
]

/** What an adapter made of a request. */
interface Outcome {
  readonly answer: Answered
  readonly decisions: readonly Decision[]
  readonly charged: number
}

/** A way to send a row; throws `NotSaid` where it cannot be said. */
type Host = (row: Row) => Promise<Outcome>

class NotSaid extends Error {}

let http1: Server
let http2: Http2Server
let ports: { http1: number; http2: number }

beforeAll(async () => {
  const guard = gateNode(gate)
  const handler = (request: NodeRequest, response: NodeResponse): void => {
    guard(request, response, () => response.end('served'))
  }
  http1 = createServer(handler as Parameters<typeof createServer>[1] & object)
  http2 = createHttp2Server(handler)
  http2.on('sessionError', () => {})
  ports = { http1: await listening(http1), http2: await listening(http2) }
  gate.admit({ method: 'GET', path: '/pets', apiKey: OTHER })
})

afterAll(async () => {
  await closed(http1)
  await closed(http2)
})

function usedBy(keyId: string): number {
  return store.snapshot().records.find(([, id]) => id === keyId)?.[2][4] ?? 0
}

async function watched(sent: () => Promise<Answered>): Promise<Outcome> {
  const before = store.snapshot()
  const used = usedBy('k1')
  seen = []
  const answer = await sent()
  const charged = usedBy('k1') - used
  if (charged === 0) expect(store.snapshot(), 'what is remembered').toEqual(before)
  expect(usedBy('k2'), 'the other key').toBe(1)
  return { answer, decisions: seen, charged }
}

function headersOf({ headers = [key] }: Row): readonly (readonly [string, string])[] {
  return headers
}

const HOSTS: Readonly<Record<'node:http' | 'node:http2' | 'fetch', Host>> = {
  'node:http': row =>
    watched(() =>
      send(
        ports.http1,
        row.bytes ?? requestBytes(row.method ?? 'GET', row.target ?? '/pets', headersOf(row), row.body),
      ),
    ),

  'node:http2': row =>
    watched(() => {
      if (typeof row.http2 === 'object' && 'only' in row.http2) return sendHttp2(ports.http2, row.http2.only)
      const fields: Record<string, string | string[]> = {
        ':method': row.method ?? 'GET',
        ':path': row.target ?? '/pets',
        ':authority': 'localhost',
      }
      for (const [name, value] of headersOf(row)) {
        const field = name.toLowerCase()
        const held = fields[field]
        fields[field] = held === undefined ? value : [...(Array.isArray(held) ? held : [held]), value]
      }
      return sendHttp2(ports.http2, fields, row.body)
    }),

  fetch: async row => {
    const request = requestOf(row)
    const handler = gateFetch(gate, () => new Response('served'))
    return watched(async () => answered(await handler(request)))
  },
}

/** @throws {NotSaid} where the platform refuses to make it, or makes another of it */
function requestOf(row: Row): Request {
  const target = row.target ?? '/pets'
  const url = /^https?:/.test(target) ? target : `http://localhost${target}`
  let request: Request
  try {
    const headers = new Headers()
    for (const [name, value] of headersOf(row)) headers.append(name, value)
    request = new Request(url, { method: row.method ?? 'GET', headers })
  } catch (error) {
    throw new NotSaid((error as Error).message)
  }
  if (request.url !== url && request.url !== `${url}/`) throw new NotSaid(`the URL becomes ${request.url}`)
  return request
}

/** Why the platform cannot say it, where no row tells. */
function unsaid(row: Row): string | undefined {
  try {
    requestOf(row)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const MEANING: Readonly<Record<Expected, { status: number; body: string; kind: Decision['kind']; charged: number }>> = {
  allowed: { status: 200, body: 'served', kind: 'allowed', charged: 1 },
  open: { status: 200, body: 'served', kind: 'open', charged: 0 },
  K403: { status: 403, body: '{"message":"Forbidden"}', kind: 'invalid-api-key', charged: 0 },
  R403: {
    status: 403,
    body: '{"message":"Missing Authentication Token"}',
    kind: 'missing-authentication-token',
    charged: 0,
  },
  B400: { status: 400, body: '{"message":"Bad Request"}', kind: 'bad-request', charged: 0 },
}

function expectTurnedAway({ answer, decisions, charged }: Outcome): void {
  expect(answer.status === 0 || (answer.status >= 400 && answer.status < 500), `status ${answer.status}`).toBe(true)
  expect(answer.body).not.toContain('served')
  expect(decisions).toEqual([])
  expect(charged).toBe(0)
}

describe.each(['node:http', 'node:http2', 'fetch'] as const)('%s', name => {
  const field = name === 'node:http' ? 'http1' : name === 'node:http2' ? 'http2' : 'fetch'

  for (const row of ROWS) {
    const special = row[field]
    const title = `${row.id} ${row.what.length > 60 ? `${row.what.slice(0, 60)}…` : row.what}`
    if (typeof special === 'object' && 'not' in special) continue
    const reason = name === 'fetch' ? unsaid(row) : undefined
    if (reason !== undefined) {
      it(`${title}: is not said by the platform, since ${reason}`, () => expect(() => requestOf(row)).toThrow(NotSaid))
      continue
    }
    const expected = typeof special === 'string' ? special : row.expected
    it(`${title}: ${expected}`, async () => {
      const outcome = await HOSTS[name](row)
      if (expected === 'by the parser') return expectTurnedAway(outcome)
      const { status, body, kind, charged } = MEANING[expected]
      expect(outcome.decisions.map(decision => decision.kind)).toEqual([kind])
      expect(outcome.answer.status).toBe(status)
      expect(outcome.answer.body).toBe(row.method === 'HEAD' && name !== 'fetch' ? '' : body)
      expect(outcome.charged).toBe(charged)
      const said = JSON.stringify([...outcome.answer.headers, outcome.answer.body])
      for (const value of [KEY, OTHER, DISABLED]) expect(said).not.toContain(value)
    })
  }
})

describe('all of them', () => {
  it('still answer after everything above', async () => {
    for (const host of Object.values(HOSTS)) {
      const { answer, charged } = await host({ id: '', what: '', expected: 'allowed' })
      expect([answer.status, answer.body, charged]).toEqual([200, 'served', 1])
    }
  })

  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('pets', 'admin', 'any', 'open', 'elsewhere', '1', '') },
    fc.constantFrom(
      'PETS',
      'p%65ts',
      '%70ets',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '..;',
      ';a=1',
      'pets;',
      '%2f',
      '%5C',
      '%00',
    ),
    fc.constantFrom(
      '%',
      '%zz',
      '%C3%A9',
      '%ff',
      '%25',
      '%2570ets',
      '"',
      '<',
      '>',
      '^',
      '|',
      '`',
      '{',
      '}',
      '[',
      '@',
      ':',
    ),
    fc.string({ unit: fc.constantFrom(..."abc%;.:@!$&'()*+,=~-_|^"), maxLength: 5 }),
  )
  const target = fc
    .tuple(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '', '/', '?', '?a=/../b', '?x-api-key=1'),
    )
    .map(([pieces, end]) => `/${pieces.join('/')}${end}`)
  const headers = fc.constantFrom<Row['headers'] & object>(
    [key],
    [key],
    [],
    [key, key],
    [['x-api-key', KEY.slice(1)]],
    [['x-api-key', DISABLED]],
  )
  const method = fc.constantFrom('GET', 'GET', 'POST', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'REPORT')

  it('decide a request alike, or the parser turns it away (P-28)', async () => {
    let said = 0
    await fc.assert(
      fc.asyncProperty(method, target, headers, async (method, target, headers) => {
        const row: Row = { id: '', what: '', expected: 'allowed', method, target, headers }
        const outcomes: Outcome[] = []
        for (const host of Object.values(HOSTS)) {
          try {
            outcomes.push(await host(row))
          } catch (error) {
            if (!(error instanceof NotSaid)) throw error
          }
        }
        const judged = outcomes.filter(({ decisions }) => decisions.length > 0)
        for (const outcome of outcomes) if (!judged.includes(outcome)) expectTurnedAway(outcome)
        expect(new Set(judged.map(({ decisions }) => decisions[0]!.kind)).size).toBeLessThanOrEqual(1)
        expect(new Set(judged.map(({ answer, charged }) => `${answer.status} ${charged}`)).size).toBeLessThanOrEqual(1)
        if (judged.length === 3) said++
      }),
      { numRuns: Number(process.env['LAW_RUNS'] ?? 150) },
    )
    expect(said).toBeGreaterThan(30)
  })

  it('charge a million paths of one template to one bucket of one record (PTH-27)', async () => {
    const size = store.size
    for (const name of ['node:http', 'fetch'] as const) {
      for (let i = 0; i < 50; i++) {
        await HOSTS[name]({ id: '', what: '', expected: 'allowed', target: `/pets/${i}` })
      }
    }
    expect(store.size).toBe(size)
    const [, , state] = store.snapshot().records.find(([, id]) => id === 'k1')!
    expect(state.length - 5).toBe(1)
  })
})

// Routers of frameworks, with the same routes as the catalog: /hello, /v1/admin and /pets/{id}/owner need a key, the rest
// is open. However a path is spelled, what the router serves with a keyed handler was not admitted as open.
describe('no spelling of a path reaches a keyed handler without a key (P-29)', () => {
  const keyed = gateOf({
    catalog: { requireKey: ['GET /hello', '/v1/admin', 'GET /pets/{id}/owner'], plans: [] },
    clock: () => 0,
  })
  const guard = gateNode(keyed)
  const UNGUARDED = 'x-unguarded'

  /** A server that is the framework alone for requests that say so, and otherwise the framework behind the gate. */
  const behindGate = (app: (request: NodeRequest, response: NodeResponse) => void): Server =>
    createServer((request, response) => {
      if (request.headers[UNGUARDED] !== undefined) app(request, response)
      else guard(request, response, () => app(request, response))
    })

  type Route = readonly [method: 'get' | 'all', path: string]
  const routes: readonly Route[] = [
    ['get', '/hello'],
    ['all', '/v1/admin'],
    ['get', '/pets/:id/owner'],
  ]

  const frameworks: Record<string, () => Promise<Server>> = {
    'express 5': async () => {
      const app = express()
      for (const [method, path] of routes)
        app[method](path, (_, response) => void response.set('served', 'keyed').end())
      app.all('/{*rest}', (_, response) => void response.set('served', 'open').end())
      return behindGate(app as never)
    },
    'a mounted router of express 5': async () => {
      const app = express()
      const admin = express.Router()
      admin.all('/admin', (_, response) => void response.set('served', 'keyed').end())
      app.use('/v1', admin)
      for (const [method, path] of routes.filter(([, path]) => path !== '/v1/admin')) {
        app[method](path, (_, response) => void response.set('served', 'keyed').end())
      }
      app.all('/{*rest}', (_, response) => void response.set('served', 'open').end())
      return behindGate(app as never)
    },
    'fastify 5': async () => fastified({}),
    'fastify 5 at its most forgiving': async () =>
      fastified({
        caseSensitive: false,
        ignoreTrailingSlash: true,
        ignoreDuplicateSlashes: true,
        useSemicolonDelimiter: true,
      }),
    'hono 4, strict': async () => honoed(new Hono()),
    'hono 4, not strict': async () => honoed(new Hono({ strict: false })),
  }

  async function fastified(routerOptions: object): Promise<Server> {
    const app = fastify({ routerOptions })
    for (const [method, url] of routes) app[method](url, (_, reply) => reply.header('served', 'keyed').send(''))
    for (const url of ['/', '/*']) app.all(url, (_, reply) => reply.header('served', 'open').send(''))
    await app.ready()
    return behindGate((request, response) => app.routing(request as never, response as never))
  }

  /** Hono on node as its own server does it: a Request of the target as it came. */
  async function honoed(app: Hono): Promise<Server> {
    for (const [method, path] of routes) app[method](path, c => c.body(null, 200, { served: 'keyed' }))
    app.all('*', c => c.body(null, 200, { served: 'open' }))
    const guarded = gateFetch(keyed, app.fetch)
    return createServer(async (incoming, outgoing) => {
      let request: Request
      try {
        const url = incoming.url!.startsWith('/') ? `http://${incoming.headers.host}${incoming.url}` : incoming.url!
        request = new Request(url, { method: incoming.method! })
      } catch {
        return void outgoing.writeHead(400).end()
      }
      const response = await (incoming.headers[UNGUARDED] === undefined ? guarded(request) : app.fetch(request))
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end()
    })
  }

  /** A random change of a path's spelling; `n` says where. */
  type Change = (path: string, n: number) => string
  const at = (path: string, n: number): number => 1 + (n % Math.max(1, path.length - 1))
  const around = (path: string, n: number, put: (c: string) => string): string => {
    const i = at(path, n)
    return path.slice(0, i) + put(path.charAt(i)) + path.slice(i + 1)
  }
  const escaped = (c: string): string => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`
  const before =
    (text: string): Change =>
    (path, n) =>
      around(path, n, c => text + c)
  const afterSegment =
    (text: string): Change =>
    (path, n) => {
      const ends = [...path.matchAll(/[^/](?=\/|$)/g)].map(match => match.index + 1)
      const end = ends[n % Math.max(1, ends.length)] ?? path.length
      return path.slice(0, end) + text + path.slice(end)
    }
  const changes: Change[] = [
    (path, n) => around(path, n, c => c.toUpperCase()),
    path => path.toUpperCase(),
    (path, n) => around(path, n, c => (c === '' || c.charCodeAt(0) > 127 ? c : escaped(c))),
    (path, n) => around(path, n, c => (c === '' || c.charCodeAt(0) > 127 ? c : escaped(c).toUpperCase())),
    (path, n) => around(path, n, c => (c === '' || c.charCodeAt(0) > 127 ? c : escaped(c).replace('%', '%25'))),
    (path, n) => around(path, n, () => '%E2%84%AA'),
    (path, n) => around(path, n, () => '%C5%BF'),
    ...[
      ';',
      ';a=1',
      '%3B',
      '%3ba',
      '/',
      '//',
      '/.',
      '/%2e',
      '/x/..',
      '/x/%2e%2e',
      '.',
      '%20',
      '%00',
      '%09',
      '%0a',
      '+',
      '%2F',
      '\\',
      '%5c',
      '%23',
      '%3F',
      '#',
      '?',
      '?a',
      '?/x',
      '#/x',
      '&',
      ':',
      '%',
      '*',
      '\u00a0',
      '\u212a',
    ].map(afterSegment),
    ...['%', '%25', ';', '//', './', '../', '%2e%2e/', '%2f', '\\', '%C3%A9', '\u017f'].map(before),
    path => `/${path}`,
    path => `/x/..${path}`,
    path => `/.${path}`,
    path => `http://localhost${path}`,
    path => `HTTP://localhost${path}`,
    path => `http://localhost?${path}`,
    path => `http://localhost;${path}`,
    path => `http://localhost:1:2${path}`,
    path => `http://a/b?${path}`,
    path => `//localhost${path}`,
    path => path.slice(0, -1),
    path => path.slice(1),
  ]
  const spelling = fc
    .tuple(
      fc.constantFrom('/hello', '/v1/admin', '/pets/7/owner'),
      fc.array(fc.tuple(fc.oneof(fc.constantFrom(...changes), fc.constantFrom(...changes.slice(0, 7))), fc.nat(30)), {
        maxLength: 3,
      }),
    )
    .map(([path, todo]) => todo.reduce((path, [change, n]) => change(path, n), path as string))
  const verb = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS')

  it.each(Object.keys(frameworks))('%s', async name => {
    const server = await frameworks[name]!()
    const port = await listening(server)
    const kept = new Set<string>()
    try {
      await fc.assert(
        fc.asyncProperty(verb, spelling, async (verb, path) => {
          const bare = Buffer.from(`${verb} ${path} HTTP/1.1\r\nHost: localhost\r\n${UNGUARDED}: 1\r\n\r\n`)
          const [alone, guarded] = await exchange(port, Buffer.concat([bare, requestBytes(verb, path)]))
          expect(guarded?.headers.get('served'), `${verb} ${path}`).not.toBe('keyed')
          if (alone!.headers.get('served') === 'keyed') kept.add(path)
        }),
        {
          numRuns: Number(process.env['LAW_RUNS'] ?? 200),
          examples: [
            ['GET', '/HELLO'],
            ['GET', '/%68ello'],
            ['GET', '/hello;a'],
            ['GET', '//hello'],
            ['GET', '/hello/'],
            ['HEAD', '/hello'],
            ['GET', 'http://localhost/hello'],
            ['GET', 'http://localhost;/hello'],
            ['GET', 'http://localhost?/hello'],
          ],
        },
      )
    } finally {
      await closed(server)
    }
    // The law is about something: the router does serve other spellings as the keyed route.
    expect(kept.size).toBeGreaterThan(5)
  })
})
