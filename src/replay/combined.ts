// Common and combined log format, of Apache, nginx and whoever writes like them; also with the virtual host in front, and
// API Gateway's, which leaves out a space. Floor 4.
//
//   203.0.113.9 - acme [24/Nov/2026:08:36:10 +0000] "GET /v1/pets?x=1 HTTP/1.1" 200 512 "-" "curl/8.5.0" extra "fields"
//
// Quotes inside quotes are \" (Apache) or \x22 (nginx); the user may hold spaces; what is not asked for is not looked at.

import { NOBODY } from './line.ts'
import { NO_REQUEST, queryParameter, type Reader, type Reading, type Trouble } from './reading.ts'

const [SPACE, QUOTE, OPEN, CLOSE, QUERY, BACKSLASH] = [32, 34, 91, 93, 63, 92]

/** What a line can name a key by, besides `query.NAME` and the number of a field behind these: 10, 11 … */
export const COMBINED_FIELDS = ['client', 'ident', 'user', 'referer', 'agent'] as const

export const NO_COMBINED_TIME: Trouble = 'expected a time like [24/Nov/2026:08:36:10 +0000]'
const NO_QUOTES: Trouble = 'expected a request in quotes after the time, with its closing quote'
const NO_STATUS: Trouble = 'expected a status of three digits after the request'

/** The number of the field behind the status, the bytes: client, ident, user, time, request and status are 1 … 6. */
const BEHIND = 7

/** @param hasHost whether a line begins with the virtual host: `api.example.com:443 203.0.113.9 - …` */
export function combinedReader(reading: Reading, hasHost: boolean): Reader {
  const { times } = reading
  const key = reading.fields.key ?? 'user'
  const parameter = queryParameter(key)
  const behind = key === 'referer' ? 8 : key === 'agent' ? 9 : /^\d+$/.test(key) ? Number(key) : 0

  return (bytes, start, end, line) => {
    let at = start
    let hostEnd = start
    if (hasHost) {
      hostEnd = next(bytes, start, end, SPACE)
      at = hostEnd + 1
    }
    const clientStart = at
    const clientEnd = next(bytes, at, end, SPACE)
    const identEnd = next(bytes, clientEnd + 1, end, SPACE)
    let open = next(bytes, identEnd + 1, end, OPEN)
    // A user's name may have a bracket in it.
    while (open + 27 < end && bytes[open + 27] !== CLOSE) open = next(bytes, open + 1, end, OPEN)
    if (open + 27 >= end) return NO_COMBINED_TIME
    const time = times.common(bytes, open + 1)
    if (Number.isNaN(time)) return NO_COMBINED_TIME
    let method = open + 28
    if (bytes[method] === SPACE) method++
    if (bytes[method++] !== QUOTE) return NO_QUOTES
    // The verb, and the path up to the query, the protocol, or the end.
    let space = method
    while (space < end && bytes[space] !== SPACE && bytes[space] !== QUOTE) space++
    let pathEnd = space + 1
    while (pathEnd < end) {
      const byte = bytes[pathEnd]
      if (byte === SPACE || byte === QUERY || (byte === QUOTE && bytes[pathEnd - 1] !== BACKSLASH)) break
      pathEnd++
    }
    const close = bytes[space] === QUOTE ? space : closing(bytes, pathEnd, end)
    if (close >= end) return NO_QUOTES
    const status = statusAt(bytes, close + 2, end)
    if (status === 0) return NO_STATUS
    if (bytes[space] !== SPACE || space === method || pathEnd === space + 1) return NO_REQUEST

    line.time = time
    line.status = status
    line.asked = hasHost
      ? reading.askedOf(text(bytes, method, space), text(bytes, space + 1, pathEnd), text(bytes, start, hostEnd))
      : reading.asked(bytes, method, pathEnd)
    if (key === 'user') line.caller = reading.caller(bytes, identEnd + 1, open - 1)
    else if (key === 'client') line.caller = reading.caller(bytes, clientStart, clientEnd)
    else if (key === 'ident') line.caller = reading.caller(bytes, clientEnd + 1, identEnd)
    else if (parameter !== null) {
      line.caller =
        bytes[pathEnd] === QUERY
          ? reading.callerInQuery(bytes, pathEnd, next(bytes, pathEnd, close, SPACE), parameter)
          : NOBODY
    } else line.caller = callerBehind(reading, bytes, close + 6, end, behind - BEHIND)
    return null
  }
}

/** Where a byte is, or `end`. */
function next(bytes: Uint8Array, start: number, end: number, byte: number): number {
  for (let i = start; i < end; i++) if (bytes[i] === byte) return i
  return end
}

/** The quote that is not escaped, or `end`. */
function closing(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if (bytes[i] === BACKSLASH) i++
    else if (bytes[i] === QUOTE) return i
  }
  return end
}

function statusAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 3 > end || (at + 3 < end && bytes[at + 3] !== SPACE)) return 0
  const [a, b, c] = [bytes[at]! - 48, bytes[at + 1]! - 48, bytes[at + 2]! - 48]
  return a >= 1 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : 0
}

/** Who the `n`th field names from `at` on; fields are words, or anything in quotes. */
function callerBehind(reading: Reading, bytes: Uint8Array, at: number, end: number, n: number) {
  for (let start = at; start < end; n--) {
    const quoted = bytes[start] === QUOTE
    if (quoted) start++
    const fieldEnd = quoted ? closing(bytes, start, end) : next(bytes, start, end, SPACE)
    if (n <= 0) return reading.caller(bytes, start, fieldEnd)
    start = fieldEnd + (quoted ? 2 : 1)
  }
  return NOBODY
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 8192)))
}
