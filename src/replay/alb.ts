// Access logs of an Application Load Balancer. Floor 4. Source: AWS, "Access logs for your Application Load Balancer".
//
//   https 2026-11-24T08:36:10.123456Z app/my-lb/50dc6c495c0c9188 192.0.2.1:2817 10.0.0.1:80 0.000 0.001 0.000 200 200
//   34 366 "GET https://api.example.com:443/v1/pets HTTP/2.0" "curl/8.5.0" … 2026-11-24T08:36:10.122000Z "forward" …
//
// Clients may be [2001:db8::1]:2817; what is not known is a dash. The time is when the answer ended; the last time in the
// line, where there is one, is when the request came, and that is the one taken.

import { NOBODY } from './line.ts'
import { NO_REQUEST, queryParameter, type Reader, type Reading, type Trouble, unescaped } from './reading.ts'

/** What a line can name a key by, besides `query.NAME`; none of its fields is a header of the client's choice but these. */
export const ALB_FIELDS = ['client', 'agent', 'trace', 'domain'] as const

const NO_FIELDS: Trouble = 'expected the 12 fields of an ALB line before its request in quotes'
const NO_TIME: Trouble = 'expected a time like 2026-11-24T08:36:10.123456Z as the second field'

const [CLIENT, STATUS, REQUEST, AGENT, TRACE, DOMAIN, CREATED] = [3, 8, 12, 13, 17, 18, 21]

export function albReader(reading: Reading): Reader {
  const key = reading.fields.key ?? ''
  const parameter = queryParameter(key)
  const behind = { client: CLIENT, agent: AGENT, trace: TRACE, domain: DOMAIN }[key]
  const starts = new Int32Array(32)
  const ends = new Int32Array(32)
  const words = (bytes: Uint8Array, i: number): string => String.fromCharCode(...bytes.subarray(starts[i], ends[i]))

  return (bytes, start, end, line) => {
    const count = fields(bytes, start, end, starts, ends)
    if (count <= REQUEST) return NO_FIELDS
    const created = count > CREATED ? reading.times.iso(bytes, starts[CREATED]!, ends[CREATED]!) : Number.NaN
    const time = Number.isNaN(created) ? reading.times.iso(bytes, starts[1]!, ends[1]!) : created
    if (Number.isNaN(time)) return NO_TIME
    // `GET https://host:443/path?query HTTP/1.1`
    const [method = '', url = ''] = words(bytes, REQUEST).split(' ')
    const [, host, target] = /^(?:https?|wss?):\/\/([^/?#]*)([/?][^\s]*)?$/i.exec(url) ?? []
    if (method === '-' || host === undefined || host.startsWith('-')) return NO_REQUEST
    const query = target?.indexOf('?') ?? -1
    const path = (query < 0 ? target : target?.slice(0, query)) || '/'
    line.time = Math.floor(time)
    line.status = Number(words(bytes, STATUS)) || 0
    line.asked = reading.askedOf(method, path, host)
    if (parameter !== null) {
      line.caller = NOBODY
      for (const pair of query < 0 ? [] : (target as string).slice(query + 1).split('&')) {
        if (pair.startsWith(`${parameter}=`))
          line.caller = reading.callerOf(unescaped(pair.slice(parameter.length + 1)))
      }
    } else if (behind === undefined || behind >= count) line.caller = NOBODY
    else if (behind === CLIENT) line.caller = reading.callerOf(words(bytes, CLIENT).replace(/^\[?(.*?)\]?:\d+$/, '$1'))
    else line.caller = reading.caller(bytes, starts[behind]!, ends[behind]!)
    return null
  }
}

const [SPACE, QUOTE, BACKSLASH] = [32, 34, 92]

/** Where the fields are: words, or anything in quotes. @returns how many; 0 where a quote is not closed */
function fields(bytes: Uint8Array, start: number, end: number, starts: Int32Array, ends: Int32Array): number {
  let count = 0
  for (let at = start; at < end && count < starts.length; count++) {
    let close: number
    if (bytes[at] === QUOTE) {
      at++
      for (close = at; close < end && bytes[close] !== QUOTE; close++) if (bytes[close] === BACKSLASH) close++
      if (close >= end) return 0
      starts[count] = at
      ends[count] = close
      at = close + 2
    } else {
      for (close = at; close < end && bytes[close] !== SPACE; ) close++
      starts[count] = at
      ends[count] = close
      at = close + 1
    }
  }
  return count
}
