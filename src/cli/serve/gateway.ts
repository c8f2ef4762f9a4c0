// The gateway: listens, has every request judged, sends on what is admitted, and ends when it is told to. Floor 5.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Decision } from '../../core/decision.ts'
import { canonicalPath } from '../../core/path.ts'
import type { Gate } from '../../gate.ts'
import type { AnswerStyle } from '../../http/answer.ts'
import { decisionOf, gateNode, type NodeResponse } from '../../http/node.ts'
import type { Answered } from './access-log.ts'
import { type ServeRequest, type ServeResponse, upstreamAt } from './forward.ts'
import { type RawHeaders, requestHeaders } from './headers.ts'
import { responseOn, upgradeTo } from './upgrade.ts'

export interface GatewayOptions {
  readonly gate: Gate<boolean>
  readonly upstream: string
  readonly style: AnswerStyle
  /** Decide and report, refuse nobody. */
  readonly dryRun: boolean
  readonly keepKey: boolean
  readonly trustForwarded: boolean
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null
  /** ms the upstream has to begin its answer, and for each further part of it. */
  readonly upstreamTimeout: number
  readonly upstreamConnections: number
  /** Bytes of a request's body, and of all its headers. */
  readonly maxBody: number
  readonly maxHeaders: number
  /** ms in which a client must have sent its headers, its whole request, and show some life. */
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly idleTimeout: number
  /** Told of every request when its answer is out. */
  readonly onAnswered: (answered: Answered) => void
  readonly onError: (error: unknown) => void
}

export interface Gateway {
  readonly server: Server | Http2SecureServer
  /** Requests and upgraded connections under way. */
  readonly pending: number
  /** Takes no more, lets what is under way end, and cuts what has not ended after `ms`. */
  drain(ms: number): Promise<void>
}

export function createGateway(options: GatewayOptions): Gateway {
  const { gate, style, dryRun, maxBody, onAnswered, onError } = options
  const guard = gateNode(gate, { style, dryRun, onError })
  const protocol = options.tls === null ? 'http' : 'https'
  const upstream = upstreamAt({
    url: options.upstream,
    timeout: options.upstreamTimeout,
    connections: options.upstreamConnections,
    maxBody,
    onError,
  })
  const joined = new Set<Duplex>()
  const sessions = new Set<ServerHttp2Session>()
  let underWay = 0
  let draining = false

  function told(request: ServeRequest, target: string): (status: number) => void {
    const at = Date.now()
    const began = performance.now()
    return status => {
      const duration = Math.round((performance.now() - began) * 1000) / 1000
      const { method = '', headers } = request
      const host = (headers[':authority'] as string | undefined) ?? headers.host
      onAnswered({ at, duration, method, target, host, status, decision: decisionOf(request) ?? null, dryRun })
    }
  }

  function headersFor(request: ServeRequest, decision: Decision | undefined): RawHeaders {
    const { rawHeaders, socket, headers } = request
    return requestHeaders(rawHeaders, {
      remoteAddress: socket.remoteAddress,
      protocol,
      host: (headers[':authority'] as string | undefined) ?? headers.host,
      trustForwarded: options.trustForwarded,
      keepKey: options.keepKey,
      tollgate: identity(decision),
    })
  }

  function handle(request: ServeRequest, response: ServeResponse): void {
    const target = request.url ?? ''
    const tell = told(request, target)
    underWay++
    response.once('close', () => {
      underWay--
      tell(response.writableFinished || response.headersSent ? response.statusCode : 499)
    })
    if (draining && request.httpVersionMajor < 2) response.setHeader('Connection', 'close')
    // Refused before it is judged, and so before it is charged: what is announced to be too long.
    if (Number(request.headers['content-length'] ?? 0) > maxBody) {
      tooLong(request, response)
      return
    }
    const passed = guard(request, response)
    if (passed instanceof Promise) void passed.then(passed => passed && pass(request, response, target))
    else if (passed) pass(request, response, target)
  }

  function pass(request: ServeRequest, response: ServeResponse, target: string): void {
    if (response.destroyed) return
    if (request.headers.expect !== undefined) response.writeContinue()
    upstream.forward(request, response, pathOf(target), headersFor(request, decisionOf(request)))
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = request.url ?? ''
    const tell = told(request, target)
    const response = responseOn(request, socket)
    socket.once('error', () => socket.destroy())
    const go = (passed: boolean): void => {
      if (!passed) {
        tell(response.statusCode)
        return
      }
      response.detachSocket(socket as never)
      joined.add(socket)
      socket.once('close', () => joined.delete(socket))
      const { connection = 'upgrade', upgrade = 'websocket' } = request.headers
      upgradeTo({
        request,
        socket,
        head,
        url: options.upstream,
        path: pathOf(target),
        headers: [...headersFor(request, decisionOf(request)), 'Connection', connection, 'Upgrade', upgrade],
        timeout: options.upstreamTimeout,
        onError,
        onAnswer: tell,
      })
    }
    const passed = guard(request, response)
    if (passed instanceof Promise) void passed.then(go)
    else go(passed)
  }

  const limits = {
    maxHeaderSize: options.maxHeaders,
    headersTimeout: options.headersTimeout,
    requestTimeout: options.requestTimeout,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 5_000,
  }
  const server: Server | Http2SecureServer =
    options.tls === null
      ? createServer(limits, handle)
      : createSecureServer({ ...limits, ...options.tls, allowHTTP1: true }, handle)
  // Judged before the client is told to go on: the body of a refused request is never sent.
  server.on('checkContinue', handle)
  server.on('upgrade', upgrade)
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    refuseMalformed(error, socket)
  })
  server.setTimeout(options.idleTimeout)

  return {
    server,
    get pending() {
      return underWay + joined.size
    },
    async drain(ms) {
      draining = true
      const closed = new Promise<void>(resolve => {
        server.close(() => resolve())
      })
      for (const session of sessions) session.close()
      if ('closeIdleConnections' in server) server.closeIdleConnections()
      const cut = setTimeout(() => {
        for (const socket of joined) socket.destroy()
        for (const session of sessions) session.destroy()
        if ('closeAllConnections' in server) server.closeAllConnections()
      }, ms)
      await closed
      clearTimeout(cut)
      await upstream.close()
    },
  }
}

/** The path as it was judged, with the query as it came. A dry run passes on also what has no one spelling. */
function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = canonicalPath(target)
  return path === null ? target : `${path}${query === -1 ? '' : target.slice(query)}`
}

/** Who is calling, for the upstream. */
function identity(decision: Decision | undefined): RawHeaders {
  if (decision === undefined || !('metered' in decision)) return []
  const { keyId, planId, metered } = decision
  const stage = ['X-Tollgate-Stage', `${metered.apiId}/${metered.stage}`]
  return keyId === null ? stage : ['X-Tollgate-Key-Id', keyId, 'X-Tollgate-Plan-Id', planId ?? '', ...stage]
}

function tooLong(request: ServeRequest, response: NodeResponse): void {
  const body = '{"message":"Request Too Long"}'
  response.statusCode = 413
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Content-Length', body.length)
  if (request.httpVersionMajor < 2) response.setHeader('Connection', 'close')
  response.end(body)
}

/** What node's parser refuses: answered, if anybody still listens, and cut. */
function refuseMalformed({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  if (socket.writable && code !== 'ECONNRESET')
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  else socket.destroy()
}
