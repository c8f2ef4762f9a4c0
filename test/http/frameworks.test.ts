// The adapters in the hosts that people use, by the lines that docs/http.md gives them.

import { createServer, type Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { connect } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CatalogDocument, ShortDocument } from '../../src/core/document.ts'
import type { ApiRequest } from '../../src/core/resolve.ts'
import type { Gate } from '../../src/gate.ts'
import type { AdapterOptions } from '../../src/http/adapter.ts'
import { decisionOf, gateFetch } from '../../src/http/fetch.ts'
import { gateNode } from '../../src/http/node.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { gateOf } from '../gate-of.ts'
import { closed, exchange, listening, requestBytes, send, sendHttp2 } from './wire.ts'

const KEY = 'framework-key-0000000001'
const NOON = Date.parse('2026-03-04T12:00:00Z')

/** A store that answers with promises, as one over a network does: never in the same turn. */
function later(store: Store<false> = memoryStore()): Store<true> {
  return {
    take: (metered, now) => Promise.resolve().then(() => store.take(metered, now)),
    peek: (metered, now) => Promise.resolve().then(() => store.peek(metered, now)),
    giveBack: (taken, now) => Promise.resolve().then(() => store.giveBack(taken, now)),
  }
}

const CATALOG: ShortDocument = {
  requireKey: ['GET /hello', 'POST /hello'],
  plans: [{ id: 'free', throttle: { rateLimit: 0.5, burstLimit: 2 }, quota: { limit: 100, period: 'DAY' } }],
  keys: [{ id: 'acorn', value: KEY, plan: 'free' }],
}

function gateOver(store: Store<boolean> = memoryStore(), catalog: ShortDocument | CatalogDocument = CATALOG) {
  return gateOf({ catalog, store, clock: () => NOON })
}

function boom(): never {
  throw new Error('boom')
}

const brokenAtOnce: Store<false> = { ...memoryStore(), take: boom }

/** Whose request it is, as an API's own code asks. */
function callerOf(request: object): string {
  const decision = decisionOf(request)
  return decision !== undefined && 'keyId' in decision ? String(decision.keyId) : String(decision?.kind)
}

const toClose: Server[] = []
afterEach(async () => {
  for (const server of toClose.splice(0)) await closed(server)
})

async function portOf(server: Server): Promise<number> {
  toClose.push(server)
  return listening(server)
}

/** Each host with a gate in front of GET /hello (who is calling) and GET / (open). */
const HOSTS: Record<string, (gate: Gate<boolean>) => Server | Promise<Server>> = {
  'node:http': gate => {
    const limit = gateNode(gate)
    return createServer((request, response) => {
      limit(request, response, () => response.end(callerOf(request)))
    })
  },

  'node:http, awaited': gate => {
    const limit = gateNode(gate)
    return createServer(async (request, response) => {
      if (await limit(request, response)) response.end(callerOf(request))
    })
  },

  express: gate => {
    const app = express()
    app.use(gateNode(gate))
    app.all('/{*path}', (request, response) => void response.send(callerOf(request)))
    return createServer(app)
  },

  'express, mounted': gate => {
    const app = express()
    app.use('/hello', gateNode(gate))
    app.all('/{*path}', (request, response) => void response.send(callerOf(request)))
    return createServer(app)
  },

  fastify: async gate => {
    const app = fastify({ forceCloseConnections: true })
    const limit = gateNode(gate)
    app.addHook('onRequest', (request, reply, done) => void limit(request.raw, reply.raw, done))
    app.all('/*', async request => callerOf(request.raw))
    await app.ready()
    return app.server
  },

  koa: gate => {
    const app = new Koa()
    const limit = gateNode(gate)
    app.use(async (ctx, next) => {
      if (await limit(ctx.req, ctx.res)) await next()
    })
    app.use(ctx => {
      ctx.body = callerOf(ctx.req)
    })
    return createServer(app.callback())
  },

  'hono, as a whole': gate => {
    const app = new Hono()
    app.all('*', c => c.text(callerOf(c.req.raw)))
    return overNode(gateFetch(gate, app.fetch))
  },

  'hono, as middleware': gate => {
    const app = new Hono()
    app.use(async (c, next) => {
      c.res = await gateFetch(gate, () => next().then(() => c.res))(c.req.raw)
    })
    app.all('*', c => c.text(callerOf(c.req.raw)))
    return overNode(app.fetch)
  },
}

/** A fetch handler as a server of node. */
function overNode(fetch: (request: Request) => Response | Promise<Response>): Server {
  return createServer(async (incoming, outgoing) => {
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
    const url = `http://${incoming.headers.host}${incoming.url}`
    const response = await fetch(new Request(url, { method: incoming.method!, headers }))
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
  })
}

const get = (port: number, path = '/hello', key: string | null = KEY) =>
  send(port, requestBytes('GET', path, key === null ? [] : [['x-api-key', key]]))

describe.each(Object.keys(HOSTS))('behind a gate, %s', name => {
  it.each(['at once', 'with promises'] as const)(
    'refuses, serves and throttles, over a store that answers %s',
    async how => {
      const gate = gateOver(how === 'at once' ? memoryStore() : later())
      const port = await portOf(await HOSTS[name]!(gate))

      const refused = await get(port, '/hello', null)
      expect([refused.status, refused.body]).toEqual([403, '{"message":"Forbidden"}'])
      expect(refused.headers.get('content-type')).toBe('application/json')
      expect(refused.headers.get('x-amzn-errortype')).toBe('ForbiddenException')
      if (!name.startsWith('hono')) expect(refused.headers.get('content-length')).toBe('23')
      expect(refused.headers.has('ratelimit')).toBe(false)

      const served = await get(port)
      expect([served.status, served.body]).toEqual([200, 'acorn'])
      expect(served.headers.get('ratelimit-policy')).toBe('"free";q=100;w=86400, "free-rate";q=2;w=4')
      expect(served.headers.get('ratelimit')).toBe('"free";r=99;t=43200, "free-rate";r=1;t=2')

      await get(port)
      const throttled = await get(port)
      expect([throttled.status, throttled.body]).toEqual([429, '{"message":"Too Many Requests"}'])
      expect(throttled.headers.get('retry-after')).toBe('2')
      expect(throttled.headers.get('ratelimit')).toBe('"free";r=98;t=43200, "free-rate";r=0;t=2')

      const open = await get(port, '/', null)
      expect([open.status, open.headers.has('ratelimit')]).toEqual([200, false])
    },
  )

  it('answers HEAD as GET without a body, and leaves verbs that are open to the API', async () => {
    const port = await portOf(await HOSTS[name]!(gateOver()))
    const refused = await send(port, requestBytes('HEAD', '/hello'))
    expect([refused.status, refused.body]).toEqual([403, ''])
    const served = await send(port, requestBytes('HEAD', '/hello', [['x-api-key', KEY]]))
    expect([served.status, served.body, served.headers.get('ratelimit')]).toEqual([
      200,
      '',
      '"free";r=99;t=43200, "free-rate";r=1;t=2',
    ])
    const preflight = await send(port, requestBytes('OPTIONS', '/hello'))
    expect(preflight.status).toBe(200)
  })

  it('admits as many as the quota of requests that come at once over a slow store', async () => {
    const gate = gateOver(later(), {
      plans: [{ id: 'free', quota: { limit: 5, period: 'DAY' } }],
      keys: [{ id: 'acorn', value: KEY, plan: 'free' }],
    })
    const port = await portOf(await HOSTS[name]!(gate))
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await get(port)).status))
    expect(statuses.filter(status => status === 200).length).toBe(5)
    expect(statuses.filter(status => status === 429).length).toBe(15)
  })

  it('answers 500 where the store fails, and the API is not called', async () => {
    const broken: Store<true> = { ...later(), take: () => Promise.reject(new Error('the store is gone')) }
    const port = await portOf(await HOSTS[name]!(gateOver(broken)))
    const failed = await get(port)
    expect([failed.status, failed.body]).toEqual([500, '{"message":"Internal Server Error"}'])
    expect(failed.headers.get('x-amzn-errortype')).toBe('InternalServerErrorException')
    expect((await get(port, '/', null)).status).toBe(200)
  })
})

/** A request's answer by both adapters, which must be alike. */
async function both(
  gate: () => Gate<boolean>,
  options: AdapterOptions<object>,
  method = 'GET',
  target = '/hello',
  headers: readonly (readonly [string, string])[] = [['x-api-key', KEY]],
): Promise<string> {
  // What a test does not listen to is not for the console.
  const heard = { onError: () => {}, ...options }
  const fetched = await gateFetch(
    gate(),
    () => new Response('served'),
    heard,
  )(new Request(`http://localhost${target}`, { method, headers: headers.map(([k, v]): [string, string] => [k, v]) }))
  const limit = gateNode(gate(), heard)
  const server = createServer((request, response) => {
    limit(request, response, () => response.end('served'))
  })
  const port = await portOf(server)
  const answered = await send(port, requestBytes(method, target, headers))
  const said = `${answered.status} ${answered.body}`
  expect(`${fetched.status} ${await fetched.text()}`).toBe(said)
  return said
}

const SERVED = '200 served'
const FORBIDDEN = '403 {"message":"Forbidden"}'
const FAILED = '500 {"message":"Internal Server Error"}'
const NO_TOKEN = '403 {"message":"Missing Authentication Token"}'

describe('an API whose keys come from an authorizer', () => {
  const gate = () =>
    gateOver(memoryStore(), {
      apis: [
        {
          id: 'a',
          apiKeySource: 'AUTHORIZER',
          methods: [
            { path: '/hello', httpMethod: 'GET', apiKeyRequired: true },
            { path: '/', httpMethod: 'GET' },
          ],
          stages: [{ stageName: 's' }],
        },
      ],
      usagePlans: [{ id: 'free', apiStages: [{ apiId: 'a', stage: 's' }] }],
      apiKeys: [{ id: 'acorn', value: KEY, usagePlanIds: ['free'] }],
    })
  it.each<[how: string, authorize: () => string | null | Promise<string | null>, said: string]>([
    ['names a key at once', () => KEY, SERVED],
    ['names a key in time', async () => KEY, SERVED],
    ['names nobody', () => null, FORBIDDEN],
    ['names nobody in time', async () => null, FORBIDDEN],
    ['names nothing', () => undefined as never, FORBIDDEN],
    ['names a key that nobody has', () => 'a-key-that-nobody-has-01', FORBIDDEN],
    ['throws', boom, FAILED],
    ['rejects', async () => boom(), FAILED],
  ])('does as the authorizer says when it %s, whatever the header says', async (_, authorize, said) => {
    const errors: unknown[] = []
    const options = { authorize, onError: (error: unknown) => errors.push(error) }
    expect(await both(gate, options)).toBe(said)
    expect(await both(gate, options, 'GET', '/hello', [])).toBe(said)
    expect(errors.length).toBe(said === FAILED ? 4 : 0)
  })

  it('never takes the header for a key, also where no authorizer was given', async () => {
    expect(await both(gate, {})).toBe(FORBIDDEN)
  })

  it('asks the authorizer only where a key is needed', async () => {
    expect(await both(gate, { authorize: boom }, 'GET', '/')).toBe(SERVED)
    expect(await both(gate, { authorize: boom }, 'GET', '/nothing')).toBe(NO_TOKEN)
    expect(await both(gate, { authorize: boom }, 'GET', '/hello%2F')).toBe('400 {"message":"Bad Request"}')
  })

  it('does not ask it where keys come in the header', async () => {
    expect(await both(gateOver, { authorize: boom })).toBe(SERVED)
  })
})

describe('options of the adapters', () => {
  it('charge what the request costs', async () => {
    const gate = gateOver()
    const fetch = gateFetch(gate, () => new Response(), {
      cost: request => Number(new URL(request.url).searchParams.get('n')),
    })
    const hello = (n: string) =>
      fetch(new Request(`http://x/hello?n=${n}`, { headers: { 'x-api-key': KEY } })) as Response
    expect(hello('2').headers.get('ratelimit')).toBe('"free";r=98;t=43200, "free-rate";r=0;t=2')
    expect(hello('0').status).toBe(200)
    expect(hello('3').status).toBe(429)
    expect(hello('3').headers.has('retry-after')).toBe(false)
    for (const bad of ['-1', '0.5', 'x', '1e999']) expect(hello(bad).status, bad).toBe(500)
    expect(gate.peek({ method: 'GET', path: '/hello', apiKey: KEY, cost: 0 })).toMatchObject({ tokens: 0 })
  })

  it('answer 500 where the cost cannot be told, also when onError throws', async () => {
    const options = {
      cost: boom,
      onError: boom,
    }
    expect(await both(gateOver, options)).toBe(FAILED)
    const broken = () => gateOver({ ...later(), take: async () => boom() })
    expect(await both(broken, { onError: boom })).toBe(FAILED)
  })

  it('answer 500 where the cost is forgotten, and tell of it', async () => {
    const errors: unknown[] = []
    const options = { cost: () => undefined as never, onError: (error: unknown) => errors.push(error) }
    expect(await both(gateOver, options)).toBe(FAILED)
    expect(errors.map(String)).toEqual(
      Array(2).fill('RangeError: cost: expected a function that returns a whole number ≥ 0, received nothing'),
    )
  })

  it('refuse nobody in a dry run, also where judging fails', async () => {
    const errors: unknown[] = []
    const options = { dryRun: true, onError: (error: unknown) => errors.push(error) }
    for (const broken of [() => gateOver({ ...later(), take: async () => boom() }), () => gateOver(brokenAtOnce)]) {
      expect(await both(broken, options)).toBe(SERVED)
    }
    expect(errors.map(String)).toEqual(Array(4).fill('Error: boom'))
  })

  it('outlive an onError that rejects, and without one tell the console', async () => {
    expect(await both(() => gateOver(brokenAtOnce), { onError: async () => boom() })).toBe(FAILED)
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect(await both(() => gateOver(brokenAtOnce), { onError: undefined } as object)).toBe(FAILED)
    expect(told.mock.calls.map(String)).toEqual(Array(2).fill('Error: boom'))
    told.mockRestore()
  })

  it('answer 500 where the clock or a store gives nonsense (P-27)', async () => {
    const noClock = () => gateOf({ catalog: CATALOG, clock: () => Number.NaN })
    expect(await both(noClock, {})).toBe(FAILED)
    const nothing = { ...memoryStore(), take: () => undefined as never } as Store<false>
    expect(await both(() => gateOver(nothing), {})).toBe(FAILED)
    const nothingLater = { ...later(), take: async () => ({}) as never }
    expect(await both(() => gateOver(nothingLater), {})).toBe(FAILED)
  })

  it('name the stage, and the host and the base path are not looked at', async () => {
    const gate = () => gateOver(memoryStore(), MAPPED)
    expect(await both(gate, { stage: { apiId: 'shop', stage: 'live' } }, 'GET', '/items')).toBe(SERVED)
    expect(await both(gate, { stage: { apiId: 'shop', stage: 'nope' } }, 'GET', '/items')).toBe(NO_TOKEN)
  })

  it('in AWS’s style say nothing that AWS does not say', async () => {
    const gate = gateOver()
    const fetch = gateFetch(gate, () => new Response('served'), { style: 'aws' })
    const hello = (key: string) => fetch(new Request('http://x/hello', { headers: { 'x-api-key': key } })) as Response
    expect([...hello(KEY).headers.keys()]).toEqual(['content-type'])
    hello(KEY)
    expect([...hello(KEY).headers]).toEqual([
      ['content-type', 'application/json'],
      ['x-amzn-errortype', 'TooManyRequestsException'],
    ])
  })
})

const open = (id: string) => ({
  id,
  methods: [
    { path: '/' as const, httpMethod: 'ANY' as const },
    { path: '/{any+}' as const, httpMethod: 'ANY' as const },
  ],
  stages: [{ stageName: 'live' }],
})

/** Two hosts and every other, with base paths that begin alike. */
const MAPPED: CatalogDocument = {
  apis: ['shop', 'shopping', 'v2', 'root', 'plus', 'elsewhere'].map(open),
  basePathMappings: [
    { domainName: 'api.example.com', basePath: 'shop', apiId: 'shop', stage: 'live' },
    { domainName: 'api.example.com', basePath: 'shop/v2', apiId: 'v2', stage: 'live' },
    { domainName: 'api.example.com', basePath: 'shopping', apiId: 'shopping', stage: 'live' },
    { domainName: 'api.example.com', basePath: 'a+b', apiId: 'plus', stage: 'live' },
    { domainName: 'api.example.com', apiId: 'root', stage: 'live' },
    { domainName: 'Only.Example.com', basePath: 'shop', apiId: 'shop', stage: 'live' },
    { basePath: 'x', apiId: 'elsewhere', stage: 'live' },
  ],
}

describe('base path mappings', () => {
  const gate = gateOver(memoryStore(), MAPPED)
  const where = (host: string | undefined, path: string): string => {
    const found = gate.route({ method: 'GET', path, host } as ApiRequest)
    return found.kind === 'route' ? `${found.stage.apiId} ${found.path}` : `${found.kind} ${found.reason}`
  }

  it.each([
    ['api.example.com', '/shop', 'shop /'],
    ['api.example.com', '/shop/', 'shop /'],
    ['api.example.com', '/shop/items?x=/shop/v2', 'shop /items'],
    ['api.example.com', '/shop/v2', 'v2 /'],
    ['api.example.com', '/shop/v2/items', 'v2 /items'],
    ['api.example.com', '/shop/v22', 'shop /v22'],
    ['api.example.com', '/shopping', 'shopping /'],
    ['api.example.com', '/shopping/shop', 'shopping /shop'],
    ['api.example.com', '/sho', 'root /sho'],
    ['api.example.com', '/', 'root /'],
    ['api.example.com', '/items/shop', 'root /items/shop'],
    ['api.example.com', '/sh%6fp/items', 'shop /items'],
    ['api.example.com', '/a+b/c', 'plus /c'],
    ['API.EXAMPLE.COM', '/shop/x', 'shop /x'],
    ['api.example.com:8080', '/shop/x', 'shop /x'],
    ['api.example.com.', '/shop/x', 'shop /x'],
    ['api.example.com.:80', '/shop/x', 'shop /x'],
    ['only.example.com', '/shop/x', 'shop /x'],
    ['other.example.com', '/x/y', 'elsewhere /y'],
    ['[::1]:8080', '/x/y', 'elsewhere /y'],
    ['[::1]', '/x', 'elsewhere /'],
    [undefined, '/x/y', 'elsewhere /y'],
  ])('of %s%s lead to %s', (host, path, to) => expect(where(host, path)).toBe(to))

  it.each([
    ['only.example.com', '/', 'missing-authentication-token no-stage'],
    ['only.example.com', '/x', 'missing-authentication-token no-stage'],
    ['other.example.com', '/shop', 'missing-authentication-token no-stage'],
    ['evil-api.example.com', '/shop', 'missing-authentication-token no-stage'],
    ['api.example.com', '/SHOP/items', 'bad-request path'],
    ['api.example.com', '/shop;a=1/items', 'bad-request path'],
    ['api.example.com', '/a%2Bb/c', 'bad-request path'],
    // Under /shop, and some servers would take it for /shop/v2.
    ['api.example.com', '/shop/V2/items', 'bad-request path'],
    ['api.example.com', '/shop/v2;x/items', 'bad-request path'],
    ['api.example.com', '/shop%2Fv2/items', 'bad-request path'],
    ['api.example.com', '//shop/items', 'bad-request path'],
    ['a@api.example.com', '/shop', 'bad-request host'],
    ['api.example.com, api.example.com', '/shop', 'bad-request host'],
    ['api.example.com/shop', '/shop', 'bad-request host'],
    ['api.example.com:80:80', '/shop', 'bad-request host'],
    ['[::1', '/x', 'bad-request host'],
    ['::1', '/x', 'bad-request host'],
    ['api.example.com:', '/shop', 'bad-request host'],
    ['аpi.example.com', '/shop', 'bad-request host'],
  ])('of %s%s refuse it: %s', (host, path, why) => expect(where(host, path)).toBe(why))

  it('are found by the host and the path of every form a request can have', async () => {
    const limit = gateNode(gate)
    const server = createServer((request, response) => {
      limit(request, response, () => response.end('served'))
    })
    const port = await portOf(server)
    const status = async (target: string, host: string): Promise<number> =>
      (await send(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status
    expect(await status('/shop', 'api.example.com')).toBe(200)
    expect(await status('/shop', 'other.example.com')).toBe(403)
    // The authority of the target is the host, not the header (RFC 9112, 3.2.2).
    expect(await status('http://api.example.com/shop', 'other.example.com')).toBe(200)
    expect(await status('http://other.example.com/shop', 'api.example.com')).toBe(403)
    expect(await status('http://api.example.com:80', 'other.example.com')).toBe(200)
  })
})

describe('gateFetch', () => {
  const request = () => new Request('http://localhost/hello', { headers: { 'x-api-key': KEY } })

  it('answers at once where the gate and the handler do', () => {
    expect(gateFetch(gateOver(), () => new Response())(request())).toBeInstanceOf(Response)
  })

  it('hands on everything the host passes', async () => {
    const fetch = gateFetch(gateOver(), (_: Request, env: { name: string }, n: number) => new Response(env.name + n))
    expect(await ((await fetch(request(), { name: 'n' }, 7)) as Response).text()).toBe('n7')
  })

  it('gives the response of the handler itself its headers', () => {
    const response = new Response('x', { headers: { 'set-cookie': 'a=b' } })
    expect(gateFetch(gateOver(), () => response)(request())).toBe(response)
    expect(response.headers.get('ratelimit')).toContain('"free-rate";r=1')
  })

  it('gives a response that is immutable, as fetched ones are, its headers on a copy', async () => {
    const port = await portOf(createServer((_, response) => void response.writeHead(201, { a: 'b' }).end('fetched')))
    const fetched = await fetch(`http://127.0.0.1:${port}`)
    expect(() => fetched.headers.set('a', 'c')).toThrow(TypeError)
    const response = await gateFetch(gateOver(), () => fetched)(request())
    expect([response.status, response.headers.get('a'), await response.text()]).toEqual([201, 'b', 'fetched'])
    expect(response.headers.get('ratelimit')).toContain('"free-rate";r=1')
    const redirect = await gateFetch(gateOver(), async () => Response.redirect('http://x/'))(request())
    expect([redirect.status, redirect.headers.has('ratelimit')]).toEqual([302, true])
  })

  it('gives an immutable response its headers in hono’s middleware, too', async () => {
    const app = new Hono()
    const gate = gateOver()
    app.use(async (c, next) => {
      c.res = await gateFetch(gate, () => next().then(() => c.res))(c.req.raw)
    })
    app.get('/hello', () => Response.redirect('http://x/'))
    const response = await app.fetch(request())
    expect([response.status, response.headers.has('ratelimit')]).toEqual([302, true])
  })

  it('leaves a switched protocol and a network error alone', async () => {
    const switched = { status: 101, headers: new Headers() } as Response
    expect(await gateFetch(gateOver(), () => switched)(request())).toBe(switched)
    expect([...switched.headers]).toEqual([])
    const error = Response.error()
    expect(await gateFetch(gateOver(), async () => error)(request())).toBe(error)
  })

  it('lets a handler’s error through, and the charge stands (HTP-11)', async () => {
    const gate = gateOver()
    expect(() => gateFetch(gate, boom)(request())).toThrow('boom')
    await expect(gateFetch(gate, async () => boom())(request())).rejects.toThrow('boom')
    expect(gate.peek({ method: 'GET', path: '/hello', apiKey: KEY })).toMatchObject({ admitted: false, tokens: 0 })
    await expect(gateFetch(gateOver(later()), boom)(request())).rejects.toThrow('boom')
  })
})

describe('gateNode', () => {
  it('answers a refused request with a large body at once, and does not read it (HTP-09)', async () => {
    let read = 0
    const limit = gateNode(gateOver())
    const server = createServer((request, response) => {
      request.socket.once('close', () => (read = request.socket.bytesRead))
      limit(request, response, () => response.end('served'))
    })
    const port = await portOf(server)
    for (const length of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
      // The client never sends the body: whoever waited for it would wait for ever.
      const answered = await send(port, `POST /hello HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n`)
      expect([answered.status, answered.headers.get('connection')]).toEqual([403, 'close'])
    }
    const sending = connect(port, '127.0.0.1')
    sending.on('error', () => {})
    const chunk = Buffer.alloc(1_000_000)
    const more = (): void => {
      while (!sending.destroyed && sending.write(chunk));
    }
    sending.on('drain', more)
    let said = ''
    sending.on('data', part => (said += part))
    sending.write('POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n')
    more()
    await new Promise(resolve => sending.on('close', resolve))
    expect(said).toContain('403 Forbidden')
    expect(read).toBeLessThan(20_000_000)
  })

  it('keeps the connection of a refused request without a body', async () => {
    const limit = gateNode(gateOver())
    const port = await portOf(
      createServer((request, response) => void limit(request, response, () => response.end('ok'))),
    )
    const twice = Buffer.concat([Buffer.from('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n'), requestBytes('GET', '/')])
    expect((await exchange(port, twice)).map(({ status }) => status)).toEqual([403, 200])
  })

  it('does not take the body of a refused request for another request', async () => {
    const gate = gateOver()
    const limit = gateNode(gate)
    const port = await portOf(
      createServer((request, response) => void limit(request, response, () => response.end('ok'))),
    )
    const inner = requestBytes('GET', '/hello', [['x-api-key', KEY]])
    const outer = Buffer.from(`POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: ${inner.length}\r\n\r\n`)
    const answers = await exchange(port, Buffer.concat([outer, inner]))
    expect(answers.map(({ status }) => status)).toEqual([403])
    expect(gate.peek({ method: 'GET', path: '/hello', apiKey: KEY, cost: 0 })).toMatchObject({ tokens: 2 })
  })

  it('refuses before the client is told to go on, where checkContinue is judged too (HTP-05)', async () => {
    const limit = gateNode(gateOver())
    const server = createServer((request, response) => void limit(request, response, () => response.end('ok')))
    server.on('checkContinue', (request, response) => {
      limit(request, response, () => {
        response.writeContinue()
        response.end('ok')
      })
    })
    const port = await portOf(server)
    const expecting = (key: string) =>
      `POST /hello HTTP/1.1\r\nHost: x\r\nx-api-key: ${key}\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`
    expect((await exchange(port, expecting('nobody'))).map(({ status }) => status)).toEqual([403])
    expect((await exchange(port, `${expecting(KEY)}hi`)).map(({ status }) => status)).toEqual([100, 200])
  })

  it('answers a refused request over HTTP/2 without reading its body', async () => {
    const limit = gateNode(gateOver())
    const server = createHttp2Server((request, response) => void limit(request, response, () => response.end('ok')))
    const port = await listening(server)
    const fields = { ':method': 'POST', ':path': '/hello', 'content-length': '70000' }
    const refused = await sendHttp2(port, fields, 'a'.repeat(70_000))
    expect([refused.status, refused.body, refused.headers.has('connection')]).toEqual([
      403,
      '{"message":"Forbidden"}',
      false,
    ])
    const served = await sendHttp2(port, { ...fields, 'x-api-key': KEY, 'content-length': '1' }, 'a')
    expect([served.status, served.headers.get('ratelimit')]).toEqual([200, '"free";r=99;t=43200, "free-rate";r=1;t=2'])
    await closed(server)
  })

  it('writes no second answer where somebody else has answered while the store was asked (HTP-11)', async () => {
    for (const key of [KEY, null]) {
      const gate = gateOver(later(), {
        ...CATALOG,
        plans: [{ id: 'free', throttle: { rateLimit: 0, burstLimit: key === null ? 0 : 1 } }],
      })
      const limit = gateNode(gate)
      let passed: Promise<boolean> | boolean = false
      const server = createServer((request, response) => {
        passed = limit(request, response, () => {})
        response.writeHead(503).end('too slow')
      })
      const port = await portOf(server)
      const answered = await get(port)
      expect([answered.status, answered.body]).toEqual([503, 'too slow'])
      expect(await passed).toBe(key !== null)
    }
  })

  it('lets the error of a handler go where it would go without a gate, and the charge stands (HTP-11)', async () => {
    const gate = gateOver()
    const app = express()
    app.set('env', 'test')
    app.use(gateNode(gate))
    app.get('/hello', boom)
    const errors: string[] = []
    app.use(((error, _request, response, _next) => {
      errors.push((error as Error).message)
      response.status(502).end()
    }) as express.ErrorRequestHandler)
    const port = await portOf(createServer(app))
    expect((await get(port)).status).toBe(502)
    expect(errors).toEqual(['boom'])
    expect(gate.peek({ method: 'GET', path: '/hello', apiKey: KEY, cost: 0 })).toMatchObject({ tokens: 1 })
    const limit = gateNode(gate)
    expect(() => limit({ method: 'GET', url: '/', headers: {}, rawHeaders: [] } as never, {} as never, boom)).toThrow(
      'boom',
    )
  })

  it('judges the whole path where express cuts off what a router is mounted at', async () => {
    const app = express()
    const router = express.Router()
    router.use(gateNode(gateOver(memoryStore(), { ...CATALOG, requireKey: ['GET /v1/hello'] })))
    router.get('/hello', (_, response) => void response.send('served'))
    app.use('/v1', router)
    const port = await portOf(createServer(app))
    expect((await get(port, '/v1/hello', null)).status).toBe(403)
    expect((await get(port, '/v1/hello')).status).toBe(200)
    // Express serves these with the same router: as /v1/hello, or not at all.
    for (const path of [
      '/V1/hello',
      '/v1/HELLO',
      '/v1/hello/',
      '/v1//hello',
      'http://x/v1/hello',
      'http://x;/v1/hello',
    ]) {
      expect((await get(port, path, null)).body, path).not.toBe('served')
    }
  })
})
