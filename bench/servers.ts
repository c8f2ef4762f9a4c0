// The servers of http.bench.ts: "hello" on a framework, bare, behind tollgate, and behind what others bring for it.
// Each is a process that says its port in its first line, and its processor time whenever a line comes in.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AdapterOptions } from '../src/http/adapter.ts'
import { gateFetch } from '../src/http/fetch.ts'
import { gateNode } from '../src/http/node.ts'
import { createGate, type Gate } from '../src/index.ts'
import { requirePeer } from './peers.ts'
import { catalogOf, KeyValues } from './scene.ts'

export const HELLO = 'hello'
export const PATH = '/pets/7'
/** Whoever asks has one of these. */
export const clients: KeyValues = new KeyValues(1000, 9)

export interface Server {
  readonly name: string
  /** Listens on a free port of 127.0.0.1. @returns which */
  readonly start: () => Promise<number>
}

const HOUR = 3_600_000
const MOST = 2_000_000_000

const gate = (): Gate => createGate({ catalog: catalogOf(clients, 'roomy') })
const keyOf = ({ headers }: IncomingMessage): string => headers['x-api-key'] as string

function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  return new Promise(resolve => {
    const server = createServer(handler)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

function node(options: AdapterOptions<object>): Promise<number> {
  const limit = gateNode(gate(), options)
  return listen((request, response) => void limit(request, response, () => response.end(HELLO)))
}

function onExpress(use: (app: { use(middleware: unknown): void }) => void): Promise<number> {
  const app = requirePeer('express')()
  use(app)
  app.get('/pets/:petId', (_: IncomingMessage, response: ServerResponse) => response.end(HELLO))
  return listen(app)
}

async function onFastify(use: (app: { register: unknown; addHook: unknown }) => unknown): Promise<number> {
  const app = requirePeer('fastify')()
  await use(app)
  app.get('/pets/:petId', (_: unknown, reply: { send(body: string): void }) => reply.send(HELLO))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server.address().port
}

type FetchHandler = (request: Request) => Response | Promise<Response>

const hello: FetchHandler = () => new Response(HELLO)
const gated = (options: AdapterOptions<Request> = {}): FetchHandler => gateFetch(gate(), hello, options)

async function onSrvx(fetch: FetchHandler): Promise<number> {
  const server = requirePeer('srvx').serve({ fetch, port: 0, hostname: '127.0.0.1', silent: true })
  await server.ready()
  return Number(new URL(server.url).port)
}

function onHono(use: (app: { use(middleware: unknown): void }) => void): Promise<number> {
  const { Hono } = requirePeer('hono')
  const app = new Hono()
  use(app)
  app.get('/pets/:petId', (context: { text(body: string): Response }) => context.text(HELLO))
  return onSrvx(app.fetch)
}

interface Hosts {
  readonly Deno: { serve(options: object, handler: FetchHandler): { readonly addr: { readonly port: number } } }
  readonly Bun: { serve(options: object): { readonly port: number } }
}
const hosts = globalThis as unknown as Hosts
const onDeno = async (fetch: FetchHandler): Promise<number> =>
  hosts.Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: () => undefined }, fetch).addr.port
const onBun = async (fetch: FetchHandler): Promise<number> =>
  hosts.Bun.serve({ port: 0, hostname: '127.0.0.1', fetch }).port

const FIELDS = 'tollgate, all fields'
const BARE = 'tollgate, bare'
const aws = { style: 'aws' } as const

function fetchServers(on: (fetch: FetchHandler) => Promise<number>): readonly Server[] {
  return [
    { name: 'bare', start: () => on(hello) },
    { name: FIELDS, start: () => on(gated()) },
    { name: BARE, start: () => on(gated(aws)) },
  ]
}

/** By framework; the first of each is the bare one. */
export const SERVERS: Readonly<Record<string, readonly Server[]>> = {
  'node:http': [
    { name: 'bare', start: () => listen((_, response) => response.end(HELLO)) },
    {
      name: 'three constant headers',
      start: () =>
        listen((_, response) => {
          response.setHeader('RateLimit-Policy', '"plan";q=20000000;w=1')
          response.setHeader('RateLimit', '"plan";r=19999999;t=1')
          response.setHeader('X-Request-Cost', '1')
          response.end(HELLO)
        }),
    },
    { name: FIELDS, start: () => node({}) },
    { name: BARE, start: () => node(aws) },
    {
      name: 'rate-limiter-flexible, by hand',
      start: () => {
        const { RateLimiterMemory } = requirePeer('rate-limiter-flexible')
        const limiter = new RateLimiterMemory({ points: MOST, duration: 3600 })
        return listen(async (request, response) => {
          const { msBeforeNext, remainingPoints } = await limiter.consume(keyOf(request))
          response.setHeader('X-RateLimit-Limit', MOST)
          response.setHeader('X-RateLimit-Remaining', remainingPoints)
          response.setHeader('X-RateLimit-Reset', Math.ceil((Date.now() + msBeforeNext) / 1000))
          response.end(HELLO)
        })
      },
    },
  ],
  express: [
    { name: 'bare', start: () => onExpress(() => undefined) },
    { name: FIELDS, start: () => onExpress(app => app.use(gateNode(gate()))) },
    {
      name: 'express-rate-limit',
      start: () =>
        onExpress(app => {
          const { rateLimit } = requirePeer('express-rate-limit')
          const options = { windowMs: HOUR, limit: MOST, keyGenerator: keyOf }
          app.use(rateLimit({ ...options, standardHeaders: 'draft-8', legacyHeaders: false }))
        }),
    },
  ],
  fastify: [
    { name: 'bare', start: () => onFastify(() => undefined) },
    {
      name: FIELDS,
      start: () => {
        const limit = gateNode(gate())
        type Wrapped<T> = { readonly raw: T }
        const hook = (request: Wrapped<IncomingMessage>, reply: Wrapped<ServerResponse>, done: () => void): void =>
          void limit(request.raw, reply.raw, done)
        return onFastify(app => (app.addHook as (on: string, hook: unknown) => void)('onRequest', hook))
      },
    },
    {
      name: '@fastify/rate-limit',
      start: () =>
        onFastify(app => {
          const options = { max: MOST, timeWindow: HOUR, keyGenerator: keyOf, cache: 10_000 }
          return (app.register as (plugin: unknown, options: object) => unknown)(
            requirePeer('@fastify/rate-limit'),
            options,
          )
        }),
    },
  ],
  'fetch, srvx on Node': fetchServers(onSrvx),
  'hono, srvx on Node': [
    { name: 'bare', start: () => onHono(() => undefined) },
    {
      name: FIELDS,
      start: () => {
        const { Hono } = requirePeer('hono')
        const app = new Hono()
        app.get('/pets/:petId', (context: { text(body: string): Response }) => context.text(HELLO))
        return onSrvx(gateFetch(gate(), request => app.fetch(request)))
      },
    },
    {
      name: 'hono-rate-limiter',
      start: () =>
        onHono(app => {
          const { rateLimiter } = requirePeer('hono-rate-limiter')
          const keyGenerator = (context: { req: { header(name: string): string } }): string =>
            context.req.header('x-api-key')
          app.use(rateLimiter({ windowMs: HOUR, limit: MOST, standardHeaders: 'draft-6', keyGenerator }))
        }),
    },
  ],
  'fetch, Deno': fetchServers(onDeno),
  'fetch, Bun': fetchServers(onBun),
}

/** Serves until it is killed. */
export async function serve(group: string, name: string): Promise<void> {
  const server = SERVERS[group]?.find(server => server.name === name)
  if (server === undefined) throw new Error(`http: no server ${name} of ${group}`)
  console.log(await server.start())
  process.stdin.on('data', () => {
    const { user, system } = process.cpuUsage()
    console.log(user + system)
  })
}
