// A gateway in this process before an upstream of the test's, and sockets to both. Everything is closed behind the test.

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Answered } from '../../../src/cli/serve/access-log.ts'
import { createGateway, type Gateway, type GatewayOptions } from '../../../src/cli/serve/gateway.ts'
import type { Decision } from '../../../src/core/decision.ts'
import type { CatalogDocument } from '../../../src/index.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { gateOf } from '../../gate-of.ts'
import { answersIn, type RawAnswer } from './answers.ts'

export const KEY = 'serve-tests-key-00000000001'
export const POOR = 'serve-tests-key-00000000002'
export const KEYS = [KEY, POOR]
export const KEY_LINE = `x-api-key: ${KEY}`

export const CATALOG: CatalogDocument = {
  version: 'v1',
  apis: [
    {
      id: 'a',
      methods: [
        { path: '/', httpMethod: 'ANY', apiKeyRequired: true },
        { path: '/{proxy+}', httpMethod: 'ANY', apiKeyRequired: true },
        { path: '/open/{proxy+}', httpMethod: 'ANY' },
      ],
      stages: [{ stageName: 's' }],
    },
  ],
  basePathMappings: [{ apiId: 'a', stage: 's' }],
  usagePlans: [
    {
      id: 'rich',
      apiStages: [{ apiId: 'a', stage: 's' }],
      throttle: { rateLimit: 0, burstLimit: 1_000_000 },
      quota: { limit: 1_000_000, period: 'MONTH' },
    },
    { id: 'poor', apiStages: [{ apiId: 'a', stage: 's' }], quota: { limit: 1, period: 'MONTH' } },
  ],
  apiKeys: [
    { id: 'k1', value: KEY, usagePlanIds: ['rich'] },
    { id: 'k2', value: POOR, usagePlanIds: ['poor'] },
  ],
}

/** What is closed behind the test that is running; call `closeAll` in `afterEach`. */
const closers: (() => unknown)[] = []

export function behind(close: () => unknown): void {
  closers.push(close)
}

export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

/** An upstream that answers by `handler`. */
export async function upstreamOf(handler: RequestListener): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(handler)
  behind(() => {
    server.closeAllConnections()
    server.close()
  })
  return { ...(await opened(server)), server }
}

/** An upstream of bytes: `answer` gets every connection. */
export async function rawUpstream(
  answer: (socket: Socket) => void,
): Promise<{ url: string; port: number; server: NetServer }> {
  const sockets = new Set<Socket>()
  const server = createNetServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    answer(socket)
  })
  behind(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { ...(await opened(server)), server }
}

async function opened(server: Server | NetServer): Promise<{ url: string; port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port }
}

export interface Running {
  readonly port: number
  readonly gateway: Gateway
  /** Every request that was answered, in the order of their ends. */
  readonly answered: Answered[]
  readonly errors: unknown[]
  readonly decisions: Decision[]
  /** Resolves when so many requests were answered. */
  told(count: number): Promise<Answered[]>
  /** What a key's quota has counted. */
  usedBy(keyId: string): number
}

/** A gateway before `upstream`. */
export async function gatewayBefore(upstream: string, options: Partial<GatewayOptions> = {}): Promise<Running> {
  const store = memoryStore()
  const answered: Answered[] = []
  const decisions: Decision[] = []
  const errors: unknown[] = []
  const waiting = new Set<() => void>()
  const gateway = createGateway({
    gate: gateOf({ catalog: CATALOG, store, onDecision: decision => decisions.push(decision) }),
    upstream,
    style: 'standard',
    dryRun: false,
    keepKey: false,
    trustForwarded: false,
    stripBasePath: false,
    tls: null,
    upstreamTimeout: 5_000,
    upstreamConnections: 16,
    maxBody: 1 << 20,
    maxHeaders: 16_384,
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    idleTimeout: 10_000,
    onAnswered(answer) {
      answered.push(answer)
      for (const look of waiting) look()
    },
    onError: error => errors.push(error),
    ...options,
  })
  gateway.server.listen(0, '127.0.0.1')
  await once(gateway.server, 'listening')
  let draining: Promise<void> | null = null
  const { drain } = gateway
  gateway.drain = ms => (draining ??= drain.call(gateway, ms))
  behind(() => gateway.drain(0))
  return {
    port: (gateway.server.address() as AddressInfo).port,
    gateway,
    answered,
    errors,
    decisions,
    told: count =>
      new Promise(resolve => {
        const look = (): void => {
          if (answered.length < count) return
          waiting.delete(look)
          resolve(answered)
        }
        waiting.add(look)
        look()
      }),
    usedBy: keyId => store.snapshot().records.find(([, id]) => id === keyId)?.[2][4] ?? 0,
  }
}

/** A connection, and what came of it. */
export interface Line {
  readonly socket: Duplex
  write(bytes: string | Buffer): void
  /** Resolves when what came satisfies, with all of it. */
  until(satisfied: (bytes: Buffer) => boolean): Promise<Buffer>
  /** Resolves with all that came when the other side has hung up, cleanly (`end`) or not (`reset`). */
  readonly over: Promise<{ readonly bytes: Buffer; readonly how: 'end' | 'reset' }>
  /** All that came until it hung up, as answers. */
  answers(...methods: string[]): Promise<RawAnswer[]>
}

/** Dials a port of this machine. */
export function dial(port: number, first?: string | Buffer, tls = false): Line {
  const socket: Duplex = tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : connect({ port, host: '127.0.0.1' })
  behind(() => socket.destroy())
  const parts: Buffer[] = []
  const looks = new Set<() => void>()
  let how: 'end' | 'reset' = 'reset'
  socket.on('data', part => {
    parts.push(part)
    for (const look of looks) look()
  })
  socket.on('error', () => {})
  const over = new Promise<{ bytes: Buffer; how: 'end' | 'reset' }>(resolve => {
    socket.once('end', () => {
      how = 'end'
      resolve({ bytes: Buffer.concat(parts), how })
    })
    socket.once('close', () => {
      for (const look of looks) look()
      resolve({ bytes: Buffer.concat(parts), how })
    })
  })
  if (first !== undefined) socket.write(first)
  return {
    socket,
    write: bytes => socket.write(bytes),
    until: satisfied =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const bytes = Buffer.concat(parts)
          if (satisfied(bytes)) resolve(bytes)
          else if (socket.destroyed) reject(new Error(`it hung up after ${JSON.stringify(bytes.toString('latin1'))}`))
          else return
          looks.delete(look)
        }
        looks.add(look)
        look()
      }),
    over,
    async answers(...methods) {
      const { bytes, how } = await over
      return answersIn(bytes, methods, how === 'end')
    },
  }
}

/** The bytes of a request's head with the key, each line as it is given. */
export function head(first: string, ...lines: string[]): string {
  return `${[`${first} HTTP/1.1`, 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`
}
