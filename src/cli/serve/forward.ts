// What is admitted goes on to the upstream, streaming both ways. Floor 5.
// The connections, their pool and their parser are undici's; whose headers cross is headers.ts's.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { PassThrough, type Readable } from 'node:stream'
import { type Dispatcher, errors, Pool } from 'undici'
import { type RawHeaders, responseHeaders } from './headers.ts'

export type ServeRequest = IncomingMessage | Http2ServerRequest
export type ServeResponse = ServerResponse | Http2ServerResponse

export interface Upstream {
  /**
   * Sends a request on, and its answer back.
   *
   * @param path canonical, with the query as it came
   * @param headers what the upstream gets
   */
  forward(request: ServeRequest, response: ServeResponse, path: string, headers: RawHeaders): void
  /** Lets what is under way end. */
  close(): Promise<void>
}

export interface UpstreamOptions {
  readonly url: string
  /** ms until its response must have begun, and between any two parts of it. */
  readonly timeout: number
  /** The most connections to it. */
  readonly connections: number
  /** Bytes a request's body may have. */
  readonly maxBody: number
  readonly onError: (error: Error) => void
}

/** The upstream at a URL, whose path, if it has one, goes before every request's. */
export function upstreamAt({ url, timeout, connections, maxBody, onError }: UpstreamOptions): Upstream {
  const { origin, pathname } = new URL(url)
  const base = pathname.replace(/\/$/, '')
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    keepAliveTimeout: 10_000,
  })

  return {
    forward(request, response, path, headers) {
      const body = hasBody(request) ? bounded(request, maxBody) : null
      const options: Dispatcher.DispatchOptions = {
        path: base + path,
        method: request.method as Dispatcher.HttpMethod,
        headers: headers as string[],
        body,
      }
      pool.dispatch(
        options,
        answerTo(response, error => {
          body?.destroy()
          onError(error)
        }),
      )
    },
    close: () => pool.close(),
  }
}

/** A body that is too long: its request's fault, not the upstream's. */
class BodyTooLong extends Error {}

/**
 * The request's body, cut where it is too long. A stream of its own, since whoever gives up on it destroys it, and the
 * request's would take the client's connection with it.
 */
function bounded(request: Readable, most: number): PassThrough {
  let length = 0
  const body = new PassThrough()
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > most) body.destroy(new BodyTooLong(`a body of more than ${most} bytes`))
  })
  request.once('error', error => body.destroy(error))
  request.once('close', () => {
    if (!request.readableEnded) body.destroy(new Error('the client went away in the middle of its body'))
  })
  body.once('close', () => {
    request.unpipe(body)
    request.resume()
  })
  return request.pipe(body)
}

function hasBody({ headers }: ServeRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Writes the upstream's answer to the client, as fast as the client takes it. */
function answerTo(response: ServeResponse, onError: (error: Error) => void): Dispatcher.DispatchHandler {
  let abort: (() => void) | null = null
  const isHttp1 = !('stream' in response)
  return {
    onRequestStart(controller) {
      abort = () => {
        if (!response.writableFinished) controller.abort(new Error('the client went away'))
      }
      response.once('close', abort)
      if (response.destroyed) abort()
    },
    onResponseStart(controller, status, headers) {
      if (status < 200) {
        if (status === 103 && headers['link'] !== undefined && !response.headersSent)
          response.writeEarlyHints({ link: headers['link'] })
        return
      }
      const raw = rawOf(controller)
      const kept = responseHeaders(raw)
      response.statusCode = status
      for (let i = 0; i < kept.length; i += 2) appendHeader(response, kept[i] as string, kept[i + 1] as string)
      if (isHttp1 && headers['trailer'] !== undefined) response.setHeader('Trailer', String(headers['trailer']))
      ;(response as ServerResponse).flushHeaders()
    },
    onResponseData(controller, chunk) {
      if ((response as ServerResponse).write(chunk)) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd(_, trailers) {
      if (abort !== null) response.off('close', abort)
      if (trailers !== undefined && Object.keys(trailers).length > 0)
        (response as ServerResponse).addTrailers(trailers as Record<string, string>)
      response.end()
    },
    onResponseError(_, error) {
      if (abort !== null) response.off('close', abort)
      if (response.destroyed || response.writableEnded) return
      onError(error)
      if (response.headersSent) response.destroy()
      else fail(response, error)
    },
  }
}

const TIMEOUTS = [errors.HeadersTimeoutError, errors.BodyTimeoutError, errors.ConnectTimeoutError]

/** 413 for a body too long, 504 for an upstream too slow, 502 for one that is not there or makes no sense. */
function fail(response: ServeResponse, error: Error): void {
  const [status, message] =
    error instanceof BodyTooLong || error.cause instanceof BodyTooLong
      ? [413, 'Request Too Long']
      : TIMEOUTS.some(kind => error instanceof kind)
        ? [504, 'Endpoint request timed out']
        : [502, 'Bad Gateway']
  const body = JSON.stringify({ message })
  response.statusCode = status as number
  for (const name of response.getHeaderNames()) if (!name.startsWith('ratelimit')) response.removeHeader(name)
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Content-Length', body.length)
  response.end(body)
}

function appendHeader(response: ServeResponse, name: string, value: string): void {
  const before = response.getHeader(name)
  response.setHeader(
    name,
    before === undefined ? value : [...(Array.isArray(before) ? before : [String(before)]), value],
  )
}

/** Names and values as they came, in latin1 as node's own parser reads them. */
function rawOf(controller: Dispatcher.DispatchController): string[] {
  const { rawHeaders } = controller as { rawHeaders?: (Buffer | string)[] | null }
  return (rawHeaders ?? []).map(part => (typeof part === 'string' ? part : part.toString('latin1')))
}
