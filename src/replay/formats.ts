// The formats of logs, and which of them a log is in. Floor 4.

import { ALB_FIELDS, albReader } from './alb.ts'
import { cloudfrontReader } from './cloudfront.ts'
import { COMBINED_FIELDS, combinedReader } from './combined.ts'
import { textOf } from './interned.ts'
import { jsonReader } from './json.ts'
import { type Mapping, queryParameter, type Reader, type Reading } from './reading.ts'

export const FORMATS = ['tollgate', 'apigateway', 'combined', 'vhost', 'alb', 'cloudfront', 'ndjson'] as const
/** `combined` reads common log format too, `vhost` both with the virtual host in front; `ndjson` is any JSON a line. */
export type Format = (typeof FORMATS)[number]

export function readerOf(format: Format, reading: Reading): Reader {
  switch (format) {
    case 'tollgate':
    case 'apigateway':
    case 'ndjson':
      return jsonReader(reading)
    case 'combined':
    case 'vhost':
      return combinedReader(reading, format === 'vhost')
    case 'alb':
      return albReader(reading)
    case 'cloudfront':
      return cloudfrontReader(reading)
  }
}

/** How exactly a format tells times, and of what. */
export function timesIn(format: Format): { readonly whole: 'seconds' | 'milliseconds'; readonly of: 'start' | 'end' } {
  if (format === 'combined' || format === 'vhost' || format === 'cloudfront') return { whole: 'seconds', of: 'end' }
  return { whole: 'milliseconds', of: format === 'ndjson' ? 'end' : 'start' }
}

/** Why a format has no such field to take a key from; null where it has, or where only its lines can tell. */
export function faultOfKey(format: Format, { fields = {} }: Mapping): string | null {
  const { key } = fields
  if (key === undefined || queryParameter(key) !== null) return null
  const known: readonly string[] | null =
    format === 'combined' || format === 'vhost' ? COMBINED_FIELDS : format === 'alb' ? ALB_FIELDS : null
  if (known === null || known.includes(key) || (known === COMBINED_FIELDS && /^([7-9]|[1-9]\d)$/.test(key))) return null
  const numbers = known === COMBINED_FIELDS ? ' the number of a field behind the status (7 …),' : ''
  return `expected ${known.join(', ')},${numbers} or query.NAME of format ${format}`
}

const TIME = String.raw`\[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] ?"`
const SHAPES: readonly (readonly [Format, RegExp])[] = [
  ['cloudfront', /^#(Version|Fields|Software|Date)\b/i],
  ['alb', /^(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z \S+ \S+:\d+ /],
  ['vhost', new RegExp(`^[\\w.-]+:\\d+ \\S+ \\S+ [^"]*${TIME}`)],
  ['combined', new RegExp(`^\\S+ \\S+ [^"]*${TIME}`)],
]

/** The format of a log, by its first lines; null where it looks like none. */
export function formatOf(head: Uint8Array): Format | null {
  const lines = textOf(head, 0, Math.min(head.length, 1 << 16))
    .replace(/^\xef\xbb\xbf/, '')
    .split(/\r?\n/, 40)
    .filter(line => line !== '')
  for (const line of lines) {
    if (line.startsWith('{')) {
      const format = jsonFormat(line)
      if (format !== null) return format
    }
    const shape = SHAPES.find(([, pattern]) => pattern.test(line))
    if (shape !== undefined) return shape[0]
  }
  return null
}

function jsonFormat(line: string): Format | null {
  let document: Record<string, unknown>
  try {
    document = JSON.parse(line)
  } catch {
    return null
  }
  const has = (...names: string[]): boolean => names.every(name => name in document)
  if (has('time', 'decision', 'method', 'path')) return 'tollgate'
  return has('httpMethod', 'requestTime') || has('httpMethod', 'requestTimeEpoch') ? 'apigateway' : 'ndjson'
}
