// The gateway: listens, has every request judged, sends on what is admitted, and ends when it is told to. Floor 5.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Decision } from '../../core/decision.ts'
import { canonicalPath } from '../../core/path.ts'
import { withoutKeys } from '../../core/without-keys.ts'
import type { Gate } from '../../gate.ts'
import type { AnswerStyle, Refusing } from '../../http/answer.ts'
import { decisionOf, gateNode } from '../../http/node.ts'
import { targetOf } from '../../http/target.ts'
import type { Answered } from './access-log.ts'
import { connectionsOf, lastWords } from './connections.ts'
import { isGone, type ServeRequest, type ServeResponse, upstreamAt } from './forward.ts'
import { type RawHeaders, requestHeaders } from './headers.ts'
import { answerOf, type Failure, plainly } from './own-answers.ts'
import { headersTaken, inTime, isWhole, sizeOf } from './streams.ts'
import { responseOn, upgradeTo } from './upgrade.ts'

export interface GatewayOptions {
  readonly gate: Gate<boolean>
  readonly upstream: string
  readonly style: AnswerStyle
  /** Decide and report, refuse nobody. */
  readonly dryRun: boolean
  readonly keepKey: boolean
  readonly trustForwarded: boolean
  /** Whether the upstream gets the path below the base path that the stage is mapped to, as AWS's integrations do. */
  readonly stripBasePath: boolean
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
    onFailure: fail,
  })
  const joined = new Set<Duplex>()
  const sessions = new Set<ServerHttp2Session>()
  let underWay = 0
  let judged = 0

  function told(request: ServeRequest, target: string): (status: number, cut?: boolean) => void {
    const at = Date.now()
    const seq = judged++
    const { version } = gate
    const began = performance.now()
    return (status, cut = false) => {
      const duration = Math.round((performance.now() - began) * 1000) / 1000
      const { method = '', headers } = request
      const shown = (text: string): string => withoutKeys(text, gate.catalog.apiKeys, headers['x-api-key'])
      const { path } = targetOf(target)
      const answered = {
        method,
        target: shown(canonicalPath(path) ?? path),
        host: shown(hostOf(request) ?? '') || undefined,
      }
      const decision = decisionOf(request) ?? null
      onAnswered({
        // One instant of a request, wherever it is said until when.
        at: decision !== null && 'at' in decision ? decision.at : at,
        seq,
        version,
        duration,
        ...answered,
        status,
        cut,
        decision,
        // What is no path is passed on by nobody (pathFor).
        dryRun: dryRun && decision?.admitted === false && path.startsWith('/'),
      })
    }
  }

  /** What node's parser refused: how it would have gone on is not known. */
  function toldUnread(status: number): void {
    const nothing = { method: '', target: '', host: undefined, decision: null, dryRun: false }
    onAnswered({ at: Date.now(), seq: judged++, version: gate.version, duration: 0, status, ...nothing })
  }

  function headersFor(request: ServeRequest, decision: Decision | undefined): RawHeaders {
    const { rawHeaders, socket, httpVersion } = request
    return requestHeaders(rawHeaders, {
      remoteAddress: socket.remoteAddress,
      protocol,
      httpVersion,
      host: hostOf(request),
      trustForwarded: options.trustForwarded,
      keepKey: options.keepKey,
      tollgate: identity(decision),
    })
  }

  function handle(request: ServeRequest, response: ServeResponse): void {
    if (!('stream' in response) && !connections.owes(request as IncomingMessage, response)) return
    const target = request.url ?? ''
    const tell = told(request, target)
    underWay++
    response.once('close', () => {
      underWay--
      tell(
        wasSent(response) ? response.statusCode : 499,
        !('stream' in response ? isWhole(response) : response.writableFinished),
      )
    })
    if ('stream' in response) inTime(request as Http2ServerRequest, response, options.requestTimeout)
    // Refused before it is judged, and so before it is charged: what could not be passed on.
    const { 'content-length': length, 'transfer-encoding': coding, host, expect } = request.headers
    const isChunked = coding === undefined || coding.toLowerCase() === 'chunked'
    if (host === undefined && request.httpVersion === '1.1') refuse(request, response, plainly(400, 'Bad Request'))
    else if ('stream' in response && sizeOf(request.rawHeaders) >= options.maxHeaders)
      refuse(request, response, plainly(431, 'Request Header Fields Too Large'))
    else if (Number(length ?? 0) > maxBody) refuse(request, response, answerTo(request, 'REQUEST_TOO_LARGE'))
    else if (expect !== undefined && !CONTINUE.test(expect))
      refuse(request, response, plainly(417, 'Expectation Failed'))
    else if (!isChunked) refuse(request, response, plainly(501, 'Not Implemented'))
    else {
      const path = pathFor(request)
      const passed = guard(request, response)
      if (passed instanceof Promise) void passed.then(passed => passed && pass(request, response, path))
      else if (passed) pass(request, response, path)
    }
  }

  /**
   * What the upstream is asked for: the path as it is judged, with the query as it came. To be asked for in the turn in
   * which it is judged, so that the base path is of the same catalog. A dry run passes on also what has no one spelling.
   */
  function pathFor(request: ServeRequest): string | null {
    const { path } = targetOf(request.url ?? '')
    const canonical = canonicalPath(path)
    if (canonical === null) return path.startsWith('/') ? path : null
    const { method = '' } = request
    const route = options.stripBasePath ? gate.route({ method, path, host: hostOf(request) }) : null
    const query = path.indexOf('?')
    return `${route?.kind === 'route' ? route.path : canonical}${query === -1 ? '' : path.slice(query)}`
  }

  function pass(request: ServeRequest, response: ServeResponse, path: string | null): void {
    if (isGone(response)) return
    // A dry run's, since the gate refuses it: `*`, or what is no target.
    if (path === null) {
      refuse(request, response, plainly(400, 'Bad Request'))
      return
    }
    if (request.headers.expect !== undefined) response.writeContinue()
    upstream.forward(request, response, path, headersFor(request, decisionOf(request)))
  }

  /** A failure in the words of the stage that the request is for, by the catalog in force. */
  function answerTo(request: ServeRequest, failure: Failure): Refusing {
    const { method = '', headers, url = '' } = request
    const asked = { method, path: targetOf(url).path, host: hostOf(request), apiKey: headers['x-api-key'] as string }
    const route = gate.route(asked)
    const known = route.kind === 'route' ? { route, request: asked, headers } : undefined
    return answerOf(failure, known, decisionOf(request))
  }

  /** In place of what the upstream did not say. What was decided is told all the same. */
  function fail(request: ServeRequest, response: ServeResponse, failure: Failure): void {
    for (const name of response.getHeaderNames()) if (!name.startsWith('ratelimit')) response.removeHeader(name)
    send(response, answerTo(request, failure))
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    connections.afterOwed(socket, () => {
      if (isUpgrade(request)) shake(request, socket, head)
      else again(request, socket, head)
    })
  }

  /** A request whose upgrade is declined (RFC 9110, 7.8) is one like any other, and node has to read it as one. */
  function again(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.unshift(Buffer.concat([Buffer.from(withoutUpgrade(request), 'latin1'), head]))
    server.emit(options.tls === null ? 'connection' : 'secureConnection', socket)
  }

  function shake(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const target = request.url ?? ''
    const tell = told(request, target)
    const response = responseOn(request, socket)
    const path = pathFor(request)
    const go = (passed: boolean): void => {
      if (!passed) {
        tell(response.statusCode)
        return
      }
      response.detachSocket(socket as never)
      if (path === null) {
        tell(400)
        lastWords(socket, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        return
      }
      if (socket.destroyed) {
        tell(499)
        return
      }
      joined.add(socket)
      socket.once('close', () => joined.delete(socket))
      const { connection = 'upgrade', upgrade = 'websocket' } = request.headers
      upgradeTo({
        request,
        socket,
        head,
        url: options.upstream,
        path,
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
    // Refused here rather than by node, which tells nobody of its answer.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(5_000, options.headersTimeout, options.requestTimeout),
  }
  const server: Server | Http2SecureServer =
    options.tls === null
      ? createServer(limits, handle)
      : // Where it speaks HTTP/1 it takes these from itself rather than from its options.
        Object.assign(
          createSecureServer({ ...options.tls, allowHTTP1: true, ...headersTaken(options.maxHeaders) }, handle),
          limits,
        )
  const connections = connectionsOf(server, toldUnread)
  // Judged before the client is told to go on: the body of a refused request is never sent.
  server.on('checkContinue', handle)
  server.on('checkExpectation', handle)
  server.on('upgrade', upgrade)
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('clientError', connections.refuse.bind(connections))
  server.setTimeout(options.idleTimeout)

  return {
    server,
    get pending() {
      return underWay + joined.size
    },
    async drain(ms) {
      const closed = new Promise<void>(resolve => {
        server.close(() => resolve())
      })
      connections.closeIdle()
      for (const session of sessions) session.close()
      const cut = setTimeout(() => connections.cut(), ms)
      await closed
      clearTimeout(cut)
      await upstream.close()
    },
  }
}

/** Whether a client has seen the status of an answer: one that waited in a pipeline until its connection broke is unseen. */
function wasSent(response: ServeResponse): boolean {
  if ('stream' in response) return response.headersSent
  return response.writableFinished || (response.headersSent && response.socket !== null)
}

/** The only expectation there is, as node looks for it. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i

/** Whom a request asks for. */
function hostOf({ url = '', headers }: ServeRequest): string | undefined {
  return targetOf(url).host ?? (headers[':authority'] as string | undefined) ?? headers.host
}

/** Whether a request is to leave HTTP behind: not one with a body, nor one that asks for HTTP/2 instead (`h2c`). */
function isUpgrade({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) return false
  return headers.upgrade !== undefined && !/^\s*h2c\b/i.test(headers.upgrade)
}

function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!/^upgrade$/i.test(rawHeaders[i] as string)) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  }
  return `${head}\r\n`
}

/** Who is calling, for the upstream. */
function identity(decision: Decision | undefined): RawHeaders {
  if (decision === undefined || !('metered' in decision)) return []
  const { keyId, planId, metered } = decision
  const stage = ['X-Tollgate-Stage', `${metered.apiId}/${metered.stage}`]
  return keyId === null ? stage : ['X-Tollgate-Key-Id', keyId, 'X-Tollgate-Plan-Id', planId ?? '', ...stage]
}

function refuse(request: ServeRequest, response: ServeResponse, refusing: Refusing): void {
  if (request.httpVersionMajor < 2) response.setHeader('Connection', 'close')
  send(response, refusing)
}

function send(response: ServeResponse, { status, headers, body }: Refusing): void {
  response.statusCode = status
  for (const [name, value] of headers) response.setHeader(name, value)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.end(body)
}
