// The streams of HTTP/2, held to what node holds HTTP/1 to: how large headers are, and a whole request in time. Floor 5.

import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { RawHeaders } from './headers.ts'

/**
 * What node takes of a request's headers before it resets the stream without a word: as many fields as of HTTP/1, and so
 * far beyond the limit that a client is told 431. Clients see it as SETTINGS_MAX_HEADER_LIST_SIZE.
 *
 * @param most bytes, the limit
 */
export function headersTaken(most: number) {
  return { maxHeaderListPairs: 1_000, settings: { maxHeaderListSize: most + (1 << 18) } }
}

/** Bytes of headers, as node counts those of HTTP/1: names and values; `:path` and its like are among them. */
export function sizeOf(headers: RawHeaders): number {
  let size = 0
  for (const part of headers) size += part.length
  return size
}

/** Gives a request `ms` to be whole: then it is 408, or reset where its answer has begun. */
export function inTime(request: Http2ServerRequest, response: Http2ServerResponse, ms: number): void {
  const { stream } = response
  if (stream.endAfterHeaders) return
  const late = setTimeout(() => {
    const isCut = response.headersSent && !response.writableEnded
    if (!response.headersSent) {
      response.statusCode = 408
      response.setHeader('Content-Length', 0)
      response.end()
    }
    stream.close(isCut ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR)
  }, ms)
  const whole = (): void => clearTimeout(late)
  request.once('end', whole)
  response.once('close', whole)
}

/** Whether all of an answer is out. A stream that is reset ends what is written to it, as if that were all. */
export function isWhole(response: Http2ServerResponse): boolean {
  return response.writableEnded && response.stream.writableFinished
}
