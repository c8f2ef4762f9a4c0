// What is admitted goes on to the upstream, streaming both ways. Floor 5.
// The connections, their pool and their parser are undici's; whose headers cross is headers.ts's.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { PassThrough, type Readable } from 'node:stream'
import { type Dispatcher, errors, Pool } from 'undici'
import { type RawHeaders, responseHeaders } from './headers.ts'
import type { Failure } from './own-answers.ts'

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
  /** Answers a request that the upstream did not. */
  readonly onFailure: (request: ServeRequest, response: ServeResponse, failure: Failure) => void
}

/** The upstream at a URL, whose path, if it has one, goes before every request's. */
export function upstreamAt(options: UpstreamOptions): Upstream {
  const { url, timeout, connections, maxBody, onError, onFailure } = options
  const { origin, pathname } = new URL(url)
  const base = pathname.replace(/\/$/, '')
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: { timeout },
    keepAliveTimeout: 10_000,
  })

  return {
    forward(request, response, path, headers) {
      const body = hasBody(request) ? bounded(request, maxBody) : null
      // Answered or gone: what is left of it is nobody's.
      if (body !== null) response.once('close', () => body.destroy())
      const asked: Dispatcher.DispatchOptions = {
        path: base + path,
        method: request.method as Dispatcher.HttpMethod,
        headers: headers as string[],
        body,
      }
      const failed = (error: Error): void => {
        body?.destroy()
        onError(bodyError(error) ?? ofUpstream(error))
        if (!response.headersSent && !isGone(response)) onFailure(request, response, failureOf(error))
      }
      const send = (again: (() => void) | null): void => {
        pool.dispatch(asked, answerTo(response, timeout, failed, again))
      }
      send(body === null && SAFE.has(request.method ?? '') ? () => send(null) : null)
    },
    close: () => pool.close(),
  }
}

/** An upstream's error, which says whose it is. One of several addresses has no message of its own. */
export function ofUpstream(cause: Error): Error {
  return new Error(`upstream: ${cause.message || (cause as NodeJS.ErrnoException).code}`, { cause })
}

/** What is wrong with a body: its client's doing, not the upstream's. */
class BodyError extends Error {}
class BodyTooLong extends BodyError {}

/** The error of a body which an error is, or came of. */
function bodyError(error: Error): BodyError | undefined {
  return [error, error.cause].find(error => error instanceof BodyError)
}

/**
 * The request's body, cut where it is too long. A stream of its own, since whoever gives up on it destroys it, and the
 * request's would take the client's connection with it.
 */
function bounded(request: Readable, most: number): PassThrough {
  let length = 0
  const body = new PassThrough()
  // Whoever reads it hears of it; who has stopped reading does not care.
  body.on('error', () => {})
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > most) body.destroy(new BodyTooLong(`client: a body of more than ${most} bytes`))
  })
  request.once('error', error => body.destroy(error))
  request.once('close', () => {
    if (!request.readableEnded) body.destroy(new BodyError('client: it went away in the middle of its body'))
  })
  body.once('close', () => {
    request.unpipe(body)
    request.resume()
  })
  return request.pipe(body)
}

/** Whether nobody listens to an answer any more. */
export function isGone(response: ServeResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed
}

/** Methods that ask for nothing to be done (RFC 9110, 9.2.1): sent twice, they are as good as sent once. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Whether a connection on which there had been an answer closed under a request: perhaps as the request was sent. */
function isStale(error: Error): boolean {
  // An upstream that closes a new connection without a word means it.
  if (error instanceof errors.SocketError) return error.message === 'other side closed' && !!error.socket?.bytesRead
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function hasBody(request: ServeRequest): boolean {
  // HTTP/2 says it by its frames, and need not say how long.
  if ('stream' in request) return !request.stream.endAfterHeaders
  const { headers } = request
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Writes the upstream's answer to the client, as fast as the client takes it.
 *
 * @param again asks once more, where the request may be: for one whose connection was stale
 */
function answerTo(
  response: ServeResponse,
  timeout: number,
  onError: (error: Error) => void,
  again: (() => void) | null,
): Dispatcher.DispatchHandler {
  let abort: (() => void) | null = null
  let late = false
  let begun = false
  // Until a connection of the pool is free for it: from then on undici looks at the clock.
  const waiting = setTimeout(() => {
    late = true
    onError(new errors.HeadersTimeoutError('no connection to the upstream was free in time'))
  }, timeout)
  return {
    onRequestStart(controller) {
      clearTimeout(waiting)
      abort = () => controller.abort(new Error('the client went away'))
      response.once('close', abort)
      if (late) controller.abort(new Error('it came too late'))
      else if (isGone(response)) abort()
    },
    onResponseStart(controller, status, headers, statusMessage) {
      begun = true
      if (response.writableEnded) {
        controller.abort(new Error('it was answered otherwise'))
        return
      }
      if (status < 100) throw new Error(`${status} is no status`)
      const kept = responseHeaders(rawOf(controller))
      if (status < 200) {
        if (!response.headersSent) hint(response, status, kept)
        return
      }
      response.statusCode = status
      for (let i = 0; i < kept.length; i += 2) appendHeader(response, kept[i] as string, kept[i + 1] as string)
      if (!('stream' in response)) {
        if (statusMessage && /^[\t -~]*$/.test(statusMessage)) response.statusMessage = statusMessage
        const { trailer, 'content-length': length } = headers
        if (trailer !== undefined && length === undefined && mayHaveTrailers(response))
          response.setHeader('Trailer', String(trailer))
      }
      // Whole as it is, whatever length it names: undici would wait for a body, and then call it cut.
      if (status === 304) response.end()
      else if ('stream' in response) (response as unknown as ServerResponse).flushHeaders()
      // Not flushHeaders, which writes latin1 as UTF-8 (node 20).
      else response.write('', 'latin1')
    },
    onResponseData(controller, chunk) {
      if (response.writableEnded) return
      if ((response as ServerResponse).write(chunk)) return
      controller.pause()
      response.once('drain', () => controller.resume())
    },
    onResponseEnd(_, trailers) {
      if (abort !== null) response.off('close', abort)
      if (response.writableEnded) return
      if (trailers !== undefined && Object.keys(trailers).length > 0)
        (response as ServerResponse).addTrailers(trailers as Record<string, string>)
      response.end()
    },
    onResponseError(_, error) {
      clearTimeout(waiting)
      if (abort !== null) response.off('close', abort)
      if (isGone(response) || response.writableEnded) return
      if (again !== null && !begun && isStale(error)) {
        again()
        return
      }
      const isBegun = response.headersSent
      onError(error)
      if (!isBegun) return
      if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      else response.destroy()
    },
  }
}

/** Whether node will send it in chunks: only then it takes a Trailer. */
function mayHaveTrailers({ req, statusCode }: ServerResponse): boolean {
  return req.httpVersionMinor > 0 && req.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304
}

/** An answer before the answer: 103, 102. Those to HTTP/1.0 must not be, those whose turn has not come are not missed. */
function hint(response: ServeResponse, status: number, headers: RawHeaders): void {
  if (status === 100 || status === 101) return
  if ('stream' in response) {
    const fields: Record<string, string[]> = {}
    for (let i = 0; i < headers.length; i += 2)
      (fields[(headers[i] as string).toLowerCase()] ??= []).push(headers[i + 1] as string)
    response.stream.additionalHeaders({ ...fields, ':status': status })
  } else if (response.req.httpVersionMinor > 0 && response.socket !== null) {
    // By hand: writeEarlyHints takes no Link of more than one target.
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
    for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
    response.socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  }
}

const TIMEOUTS = [errors.HeadersTimeoutError, errors.BodyTimeoutError, errors.ConnectTimeoutError]

/** What became of a request that was not answered by the upstream. */
function failureOf(error: Error): Failure {
  if (bodyError(error) instanceof BodyTooLong) return 'REQUEST_TOO_LARGE'
  return TIMEOUTS.some(kind => error instanceof kind) ? 'INTEGRATION_TIMEOUT' : 'INTEGRATION_FAILURE'
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
