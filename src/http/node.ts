// For node:http and everything shaped like it: connect, express, fastify, koa. Floor 4. Types of node: only.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Gate } from '../gate.ts'
import { type AdapterOptions, judge, type Seen, type Settled } from './adapter.ts'
import type { Refusing } from './answer.ts'
import { targetOf } from './target.ts'

export { type AdapterOptions, decisionOf } from './adapter.ts'

/** A request of node:http or node:http2; express keeps the whole target in `originalUrl` where it cuts a prefix off `url`. */
export type NodeRequest = (IncomingMessage | Http2ServerRequest) & { readonly originalUrl?: string }
export type NodeResponse = ServerResponse | Http2ServerResponse

/**
 * Lets a request pass, or answers it.
 *
 * @param next called when it may pass, never with an error
 * @returns whether it may pass: at once where the gate answers at once
 */
export type Middleware = (request: NodeRequest, response: NodeResponse, next?: () => void) => boolean | Promise<boolean>

/**
 * Connect-shaped middleware.
 *
 * A refused request is answered here and its body is not read: the connection closes behind the answer. Where judging
 * fails the answer is 500 and `next` is not called, since many a `next` ignores its error. `decisionOf(request)` says who
 * is calling.
 */
export function gateNode(gate: Gate<boolean>, options: AdapterOptions<NodeRequest> = {}): Middleware {
  return (request, response, next) => {
    const settled = judge(gate, request, options, seenOf, headersOf)
    if (settled instanceof Promise) return settled.then(settled => settle(settled, request, response, next))
    return settle(settled, request, response, next)
  }
}

/** Whether it may pass; where it may not it is answered. */
function settle(settled: Settled, request: NodeRequest, response: NodeResponse, next?: () => void): boolean {
  if ('body' in settled) return send(settled, request, response)
  // Whoever did not want to wait for a slow store has answered already, and headers are past.
  if (!response.headersSent) for (const [name, value] of settled) response.setHeader(name, value)
  next?.()
  return true
}

function seenOf(request: NodeRequest): Seen {
  const { method = '', headers } = request
  const target = request.originalUrl ?? request.url ?? ''
  const apiKey = headers['x-api-key'] as string | undefined
  const { path, host } = targetOf(target)
  return { method, path, host: host ?? (headers[':authority'] as string | undefined) ?? hostOf(request), apiKey }
}

function headersOf({ headers }: NodeRequest): NodeRequest['headers'] {
  return headers
}

/** Every Host line there is, joined: node keeps the first of two and says nothing. Two joined are no host. */
function hostOf({ headers, rawHeaders }: NodeRequest): string | undefined {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1 ? `${headers.host}, ${headers.host}` : headers.host
}

function send({ status, headers, body }: Refusing, request: NodeRequest, response: NodeResponse): false {
  if (response.headersSent) return false
  response.statusCode = status
  for (const [name, value] of headers) response.setHeader(name, value)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  const sendsBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  if (sendsBody && request.httpVersionMajor < 2) response.setHeader('Connection', 'close')
  response.end(body)
  return false
}
