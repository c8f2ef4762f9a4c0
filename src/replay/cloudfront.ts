// Access logs of CloudFront, and other logs of the W3C's extended format. Floor 4. Source: AWS, "Standard logging".
// `#Fields:` says what the columns are. Between tabs everything is escaped as in URLs, a dash is nothing. Times are when
// the answer ended, to the second.

import { Interned } from './interned.ts'
import { type Caller, NOBODY } from './line.ts'
import { NO_REQUEST, queryParameter, type Reader, type Reading, SILENT, type Trouble, unescaped } from './reading.ts'

const NO_HEADER: Trouble = 'expected a line #Fields: before the first request, to say what the columns are'
const FEWER: Trouble = 'expected as many columns as #Fields: names'
const NO_TIME: Trouble = 'expected a date like 2026-11-24 and a time like 08:36:10'
const NO_COLUMNS: Trouble = 'expected #Fields: to name date, time, cs-method and cs-uri-stem'

const [TAB, SPACE, HASH, DASH] = [9, 32, 35, 45]

export function cloudfrontReader(reading: Reading): Reader {
  const key = reading.fields.key ?? ''
  const parameter = queryParameter(key)
  const decoder = new TextDecoder()
  const stamp = new Uint8Array(19)
  let columns: readonly string[] | null = null
  let separator = TAB
  let [date, time, method, stem, status, caller, query] = [-1, -1, -1, -1, -1, -1, -1]
  let hosts: number[] = []
  let starts = new Int32Array(0)
  let ends = new Int32Array(0)
  const text = (bytes: Uint8Array, i: number): string => decoder.decode(bytes.subarray(starts[i], ends[i]))
  // Few of them: what is escaped is made plain once.
  const plain = new Interned(unescaped, 1 << 16)
  const textAt = (bytes: Uint8Array, i: number): string => plain.of(bytes, starts[i]!, ends[i]!)

  function read(header: string): void {
    const names = header.trim().split(/[\t ]+/)
    columns = names
    const place = (name: string): number => names.findIndex(known => known.toLowerCase() === name.toLowerCase())
    ;[date, time, method, stem] = [place('date'), place('time'), place('cs-method'), place('cs-uri-stem')]
    ;[status, query] = [place('sc-status'), place('cs-uri-query')]
    caller = parameter === null ? place(key) : query
    hosts = [place('x-host-header'), place('cs(Host)'), place('cs-host')].filter(at => at >= 0)
    starts = new Int32Array(names.length)
    ends = new Int32Array(names.length)
  }

  function callerAt(bytes: Uint8Array): Caller {
    if (caller < 0) return NOBODY
    if (parameter === null) return reading.callerOf(textAt(bytes, caller))
    for (const pair of text(bytes, query).split('&')) {
      if (pair.startsWith(`${parameter}=`)) return reading.callerOf(unescaped(pair.slice(parameter.length + 1)))
    }
    return NOBODY
  }

  return (bytes, start, end, line) => {
    if (bytes[start] === HASH) {
      const words = decoder.decode(bytes.subarray(start, end))
      if (!/^#fields:/i.test(words)) return SILENT
      read(words.slice('#Fields:'.length))
      return [date, time, method, stem].every(at => at >= 0) ? SILENT : NO_COLUMNS
    }
    if (columns === null) return NO_HEADER
    if ([date, time, method, stem].some(at => at < 0)) return NO_COLUMNS
    separator = bytes.subarray(start, end).indexOf(TAB) >= 0 ? TAB : SPACE
    let count = 0
    for (let at = start; at <= end && count < columns.length; count++) {
      starts[count] = at
      while (at < end && bytes[at] !== separator) at++
      ends[count] = at++
    }
    if (count < columns.length) return FEWER
    if (ends[date]! - starts[date]! !== 10 || ends[time]! - starts[time]! < 8) return NO_TIME
    stamp.set(bytes.subarray(starts[date]!, ends[date]!))
    stamp[10] = SPACE
    stamp.set(bytes.subarray(starts[time]!, starts[time]! + 8), 11)
    const at = reading.times.iso(stamp, 0, stamp.length)
    if (Number.isNaN(at)) return NO_TIME
    if (bytes[starts[method]!] === DASH) return NO_REQUEST
    const host = hosts.find(at => bytes[starts[at]!] !== DASH)
    line.time = at
    line.status = status < 0 ? 0 : Number(text(bytes, status)) || 0
    // The path as it was escaped, since that is what was asked for.
    line.asked = reading.askedOf(
      text(bytes, method),
      text(bytes, stem),
      host === undefined ? null : textAt(bytes, host),
    )
    line.caller = callerAt(bytes)
    return null
  }
}
