// HTTP, in and out: what a response looks like, and how a body is read. Floor 4: knows requests and responses, and no
// operation. Source: AWS's REST-JSON protocol, as its clients parse it.

import { attempt, type Fault, type FaultCode, refuse } from './fault.ts'
import { readJson, writeJson } from './json.ts'
import type { Answer, Input } from './operation.ts'

const STATUS: Readonly<Record<FaultCode, number>> = {
  BadRequestException: 400,
  ValidationException: 400,
  SerializationException: 400,
  UnauthorizedException: 401,
  AccessDeniedException: 403,
  NotFoundException: 404,
  UnknownOperationException: 404,
  ConflictException: 409,
  PreconditionFailedException: 412,
  RequestTooLargeException: 413,
  UnsupportedMediaTypeException: 415,
  LimitExceededException: 429,
  TooManyRequestsException: 429,
  ServiceUnavailableException: 503,
}

/** Faults after which a client may try again, and when: AWS's carry the header too. */
const RETRIED: readonly FaultCode[] = [
  'LimitExceededException',
  'TooManyRequestsException',
  'ServiceUnavailableException',
]

/** What is said of every response: it holds keys, or may. */
const COMMON = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** The response of a fault: AWS's clients read the header and the message. */
export function faultResponse({ fault, message }: Fault): Response {
  return new Response(JSON.stringify({ message }), {
    status: STATUS[fault],
    headers: {
      ...COMMON,
      'content-type': 'application/json',
      'x-amzn-errortype': fault,
      ...(RETRIED.includes(fault) ? { 'retry-after': '1' } : {}),
    },
  })
}

/** The response where the control plane itself failed. */
export function failureResponse(): Response {
  return new Response(JSON.stringify({ message: 'Internal failure' }), {
    status: 500,
    headers: { ...COMMON, 'content-type': 'application/json', 'x-amzn-errortype': 'InternalFailureException' },
  })
}

/**
 * The response of an answer. AWS's native form is HAL, which its own clients do not ask for and cannot read lists of:
 * here it is given to who names it.
 */
export function answerResponse(request: Request, status: number, answer: Answer | null): Response {
  if (answer === null) return new Response(null, { status, headers: COMMON })
  const isHal = /\bapplication\/hal\+json\b/.test(request.headers.get('accept') ?? '')
  return new Response(writeJson(isHal ? halOf(request, answer) : answer), {
    status,
    headers: { ...COMMON, 'content-type': isHal ? 'application/hal+json' : 'application/json' },
  })
}

/** The header that has an outcome's counts, a dictionary (RFC 9651, 3.2): `imported=1, updated=0, unchanged=2`. */
export const COUNTS = 'tollgate-counts'

export function countsField(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name}=${count}`)
    .join(', ')
}

function halOf(request: Request, { item, position, ...rest }: Answer): Answer {
  const { pathname, search } = new URL(request.url)
  const next = new URLSearchParams(search)
  if (typeof position === 'string') next.set('position', position)
  const links = {
    self: { href: `${pathname}${search}` },
    next: typeof position === 'string' ? { href: `${pathname}?${next}` } : undefined,
  }
  return item === undefined ? { _links: links, ...rest } : { _links: links, _embedded: { item } }
}

/** Bytes of a body. Source: AWS's quota of an OpenAPI import. */
export const BODY_LIMIT: number = 6 * 1024 * 1024

/** A body's bytes, as far as they are allowed. */
export async function bodyOf(request: Request): Promise<Uint8Array | Fault> {
  const tooLarge: Fault = { fault: 'RequestTooLargeException', message: `The body exceeds ${BODY_LIMIT} bytes` }
  if (Number(request.headers.get('content-length') ?? 0) > BODY_LIMIT) return tooLarge
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.byteLength
    if (length > BODY_LIMIT) {
      await reader.cancel()
      return tooLarge
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

/** Text of bytes that are UTF-8, without a mark at the front. */
function textFrom(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('SerializationException', 'The body is not UTF-8')
  }
}

/** What forms of web pages can send to any host, without being asked: never taken. */
const FORMS = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i

/**
 * The members of a body.
 *
 * JSON must say that it is JSON. A raw body may be of any type, or of none (the AWS CLI sends none), but for those of
 * web forms.
 */
export function membersOf(
  request: Request,
  kind: 'json' | 'raw',
  bytes: Uint8Array,
): { readonly members: Input } | Fault {
  return attempt(() => {
    const type = request.headers.get('content-type') ?? ''
    if (kind === 'raw') {
      if (FORMS.test(type))
        refuse('UnsupportedMediaTypeException', `Content-Type ${type.slice(0, 60)} is not taken here`)
      return { members: { body: textFrom(bytes) } }
    }
    if (bytes.byteLength === 0) return { members: {} }
    if (!/^application\/(x-amz-json-1\.[01]|json)\s*(;|$)/i.test(type)) {
      refuse('UnsupportedMediaTypeException', 'Content-Type must be application/json')
    }
    const read = readJson(textFrom(bytes))
    if (!read.ok) return refuse('SerializationException', read.message)
    const { value } = read
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { members: value as Input }
    return refuse('SerializationException', 'The body must be an object')
  })
}
