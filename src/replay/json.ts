// Logs of one JSON object a line: tollgate's own, API Gateway's, and whatever names its fields plainly. Floor 4.
// What a field means is found by its name; `Mapping.fields` says it where the names are others. `a.b` is b in a.

import { NOBODY, type Said } from './line.ts'
import { type Meaning, NOT_JUDGED, queryParameter, type Reader, type Reading, type Trouble } from './reading.ts'

/** The names that a field of each meaning goes by, the first that a line has. */
const NAMES: Readonly<Record<Meaning, readonly string[]>> = {
  time: ['time', 'requestTimeEpoch', 'timestamp', '@timestamp', 'requestTime', 'ts', 'date', 'datetime'],
  method: ['method', 'httpMethod', 'http_method', 'request_method', 'requestMethod', 'verb'],
  path: ['resourcePath', 'path', 'uri', 'url', 'request_uri', 'requestPath', 'routeKey', 'target'],
  host: ['host', 'domainName', 'http_host', 'server_name'],
  key: ['keyId', 'apiKeyId', 'identity.apiKeyId', 'apiKey', 'identity.apiKey', 'api_key', 'key', 'keyHash'],
  cost: ['cost'],
  status: ['status', 'statusCode', 'status_code', 'responseStatus'],
  apiId: ['apiId', 'api_id'],
  stage: ['stage'],
}

const NO_JSON: Trouble = 'expected a JSON object'
const NO_TIME: Trouble = 'expected a time: a field time, timestamp or requestTime (--map time=FIELD)'
const NO_METHOD: Trouble = 'expected a method: a field method or httpMethod (--map method=FIELD)'
const NO_PATH: Trouble = 'expected a path: a field path, uri or resourcePath (--map path=FIELD)'
const NO_COST: Trouble = 'expected a cost that is a whole number ≥ 0'

type Document = Readonly<Record<string, unknown>>
type Field = (document: Document) => unknown

/** Reads a line of JSON. A line's method may also stand before its path, in one field: `GET /pets`. */
export function jsonReader(reading: Reading): Reader {
  const decoder = new TextDecoder()
  const field = (meaning: Meaning): Field => fieldOf(reading.fields[meaning], NAMES[meaning])
  const [time, method, path, host, cost] = [field('time'), field('method'), field('path'), field('host'), field('cost')]
  const [status, apiId, stage] = [field('status'), field('apiId'), field('stage')]
  const parameter = queryParameter(reading.fields.key)
  const key = field('key')
  /** By all they say: few. */
  const said = new Map<string, Said>()

  function saidOf({ decision, version, limitedBy, reason }: Document): Said | null {
    if (typeof decision !== 'string') return null
    const name = `${decision} ${String(version)} ${String(limitedBy)} ${String(reason)}`
    let known = said.get(name)
    if (known === undefined) {
      known = { kind: decision as Said['kind'], version: text(version), why: text(limitedBy) ?? text(reason) }
      said.set(name, known)
    }
    return known
  }

  return (bytes, start, end, line) => {
    let document: Document
    try {
      document = JSON.parse(decoder.decode(bytes.subarray(start, end))) as Document
    } catch {
      return NO_JSON
    }
    if (typeof document !== 'object' || document === null || Array.isArray(document)) return NO_JSON
    const words = saidOf(document)
    if (words?.kind === 'not-judged') return NOT_JUDGED
    const at = instantOf(time(document), reading)
    if (Number.isNaN(at)) return NO_TIME
    let [verb, target] = [method(document), path(document)]
    if (typeof target !== 'string' || target === '') return NO_PATH
    if (typeof verb !== 'string') {
      const [, before, rest] = /^([A-Z]+) (\/\S*)/.exec(target) ?? []
      if (before === undefined) return NO_METHOD
      verb = before
      target = rest
    }
    const tokens = cost(document) ?? 1
    if (!Number.isSafeInteger(tokens) || (tokens as number) < 0) return NO_COST
    const query = (target as string).indexOf('?')
    const plain = query < 0 ? (target as string) : (target as string).slice(0, query)
    line.time = at
    line.seq = Number(document['seq'] ?? 0)
    line.cost = tokens as number
    line.status = Number(status(document) ?? 0)
    line.said = words
    const [api, name] = [text(apiId(document)), text(stage(document))]
    // Of a decision of tollgate's the resource says where it led; its path still has the base path in it.
    const named = words === null && api !== null && name !== null
    const below = named && !('resourcePath' in document) && plain.startsWith(`/${name}/`)
    line.asked = reading.askedOf(
      verb as string,
      below ? plain.slice(1 + name.length) : plain,
      text(host(document)),
      ...(named ? [api, name] : []),
    )
    if (parameter === null) line.caller = reading.callerOf(text(key(document)) ?? standIn(document))
    else {
      const bytes = new TextEncoder().encode(query < 0 ? '' : (target as string).slice(query))
      line.caller = query < 0 ? NOBODY : reading.callerInQuery(bytes, 0, bytes.length, parameter)
    }
    return null
  }
}

/** tollgate's log keeps no value that was no key; what was wrong with it stands for it. */
function standIn({ decision, reason }: Document): string | null {
  if (decision !== 'invalid-api-key') return null
  if (reason === 'unknown') return 'some-key-that-nobody-has'
  return reason === 'malformed' ? 'no-key' : null
}

function fieldOf(mapped: string | undefined, names: readonly string[]): Field {
  const paths = (mapped === undefined ? names : [mapped]).map(name => name.split('.'))
  return document => {
    for (const [first, ...rest] of paths) {
      let value = document[first as string]
      for (const part of rest) value = (value as Document | null | undefined)?.[part]
      // A name with a dot in it is a name, too.
      if (value === undefined && rest.length > 0) value = document[[first, ...rest].join('.')]
      if (value !== undefined && value !== null && value !== '-' && value !== '') return value
    }
    return undefined
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '-' && value !== ''
    ? value
    : typeof value === 'number'
      ? `${value}`
      : null
}

const encoder = new TextEncoder()
/** Seconds, milliseconds, microseconds, nanoseconds: of this century, by their size. */
const UNITS = [1e11, 1e14, 1e17, Infinity]

function instantOf(value: unknown, { times }: Reading): number {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : null
  if (number !== null) return Math.floor(number * 1000 ** (1 - UNITS.findIndex(most => number < most)))
  if (typeof value !== 'string') return Number.NaN
  const bytes = encoder.encode(value)
  return bytes[2] === 47 && bytes.length === 26 ? times.common(bytes, 0) : times.iso(bytes, 0, bytes.length)
}
