// Asks a control plane: one operation, or all pages of a list. Floor 5.

import type { ControlRoute } from '../../control/routes.ts'
import { COUNTS } from '../../control/wire.ts'
import type { Progress } from '../progress.ts'
import { Failure, plain } from '../terminal.ts'
import { type Members, requestOf, routeOf } from './request.ts'

export interface ClientOptions {
  /** What is to be done, as the person said it: `keys show`. Undefined where that is the operation. */
  readonly asked: string | undefined
  /** Where it is, without a slash at the end. */
  readonly url: string
  readonly token: string
  /** The version of the catalog that is to be changed; others are not. */
  readonly ifMatch: string | undefined
  readonly waiting: Progress
}

/** An answer's members; none where there is no body. */
export type Answer = Readonly<Record<string, unknown>>

export interface Client {
  readonly url: string
  /** The version of the catalog that the last answer was given under; undefined before, and where it has none. */
  readonly version: string | undefined
  /** The version that the last change left; undefined where nothing was changed. */
  readonly changedTo: string | undefined
  /** What the last answer said beside itself: of an import, how many keys were new. */
  readonly counts: ReadonlyMap<string, number>
  /** @throws {Failure} that says what was asked, what came, and the remedy */
  call(operation: ControlRoute['operation'], input?: Members): Promise<Answer>
  /** The answers of a list, page by page, until there are no more or `limit` things were listed. */
  pages(operation: ControlRoute['operation'], input?: Members, limit?: number): AsyncGenerator<Answer>
  /** The items of all these pages. */
  items(operation: ControlRoute['operation'], input?: Members, limit?: number): Promise<Answer[]>
  /** What is there for everybody, or null: `/metrics`, `/readyz`. */
  open(path: string): Promise<{ readonly status: number; readonly text: string } | null>
}

/** The most that a page may have. */
const PAGE = 500
/** ms until an answer. */
const PATIENCE = 30_000
/** How often, and for how many seconds at a time, it waits when it is told to. */
const TRIES = 5
const LONGEST_WAIT = 10

export function client({ asked, url, token, ifMatch, waiting }: ClientOptions): Client {
  let version: string | undefined
  let changedTo: string | undefined
  let counts: ReadonlyMap<string, number> = new Map()
  let expected = ifMatch

  async function ask(route: ControlRoute, input: Members): Promise<Response> {
    const { verb, target, body, contentType } = requestOf(route, input)
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      ...(contentType === null ? {} : { 'content-type': contentType }),
      ...(route.reads || expected === undefined ? {} : { 'if-match': tagOf(expected) }),
    }
    try {
      const signal = AbortSignal.timeout(PATIENCE)
      return await fetch(url + target, { method: verb, headers, body, signal, redirect: 'manual' })
    } catch (error) {
      throw new Failure(`${asked ?? route.operation} at ${url}: ${unreached(error, route)}`)
    }
  }

  async function call(operation: ControlRoute['operation'], input: Members = {}): Promise<Answer> {
    const route = routeOf(operation)
    for (let tries = 1; ; tries++) {
      const response = await ask(route, input)
      const text = await response.text()
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
      if (response.status === 429 && tries < TRIES && seconds <= LONGEST_WAIT) {
        waiting.at(`${url} asks for patience: again in ${seconds} s`)
        await new Promise(resolve => setTimeout(resolve, seconds * 1000))
        continue
      }
      const answer = response.status < 300 ? answerOf(response, text) : null
      if (answer === null)
        throw new Failure(`${asked ?? operation} at ${url}: ${refusal(response, text, route, expected)}`)
      version = versionOf(response)
      counts = countsOf(response)
      if (!route.reads) changedTo = version
      // What comes next is to be made of what this has left.
      if (!route.reads && expected !== undefined) expected = version
      return answer
    }
  }

  async function* pages(operation: ControlRoute['operation'], input: Members = {}, limit = Number.POSITIVE_INFINITY) {
    const isPaged = Object.hasOwn(routeOf(operation).query, 'position')
    let left = limit
    let position: unknown
    do {
      const page = isPaged ? { limit: Math.min(PAGE, left), position } : {}
      const answer = await call(operation, { ...input, ...page })
      yield answer
      left -= Object.keys((answer['item'] ?? answer['values'] ?? {}) as object).length
      position = answer['position']
    } while (position !== undefined && left > 0)
  }

  return {
    url,
    get version() {
      return version
    },
    get changedTo() {
      return changedTo
    },
    get counts() {
      return counts
    },
    call,
    pages,
    async items(operation, input, limit) {
      const items: Answer[] = []
      for await (const { item } of pages(operation, input, limit)) {
        for (const one of item as Answer[]) if (items.length < (limit ?? Number.POSITIVE_INFINITY)) items.push(one)
        waiting.at(`${operation}: ${items.length} so far`)
      }
      return items
    },
    async open(path) {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(PATIENCE), redirect: 'manual' }).catch(
        () => null,
      )
      return response === null ? null : { status: response.status, text: await response.text() }
    },
  }
}

// Versions are entity tags on the wire.

function tagOf(version: string): string {
  return `"${encodeURIComponent(version)}"`
}

function versionOf({ headers }: Response): string | undefined {
  const [, tag] = /^"(.*)"$/.exec(headers.get('etag') ?? '') ?? []
  try {
    return tag === undefined ? undefined : decodeURIComponent(tag)
  } catch {
    return undefined
  }
}

function countsOf({ headers }: Response): ReadonlyMap<string, number> {
  const field = headers.get(COUNTS) ?? ''
  return new Map(Array.from(field.matchAll(/([a-z]+)=(\d+)/g), ([, name, count]) => [String(name), Number(count)]))
}

// What came.

/** Members of an answer of a control plane's; null for anybody else's. */
function answerOf({ status, headers }: Response, text: string): Answer | null {
  if (text === '' && (status === 202 || status === 204)) return {}
  if (!/^application\/json\b/.test(headers.get('content-type') ?? '')) return null
  return objectIn(text)
}

function objectIn(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : null
  } catch {
    return null
  }
}

const NOT_ONE =
  "it is no control plane; --url is what serve's --admin says, and neither the address that your clients call nor AWS"

/** Where an operation's things are listed, for those that were not found. */
const LISTS: readonly (readonly [RegExp, string])[] = [
  [/Usage Plan/, 'tollgate admin plans list shows the plans there are'],
  [/API Key/, 'tollgate admin keys list shows the keys there are'],
  [/Stage/, 'tollgate admin stages list shows the stages there are'],
  [/API/, 'tollgate admin apis list shows the APIs there are'],
]

/** Error types of the control plane's, and what helps. The gateway itself and AWS have others. */
function remedyOf(type: string, message: string, route: ControlRoute, expected: string | undefined): string | null {
  switch (type) {
    case 'AccessDeniedException':
      return /may only read/.test(message)
        ? "a token whose role is admin may change things (serve's --admin-credentials)"
        : "TOLLGATE_ADMIN_TOKEN, or --token-file, is a token of serve's --admin-credentials, or the one it printed at its start"
    case 'UnauthorizedException':
      return "TOLLGATE_ADMIN_TOKEN, or --token-file, is a token of serve's --admin-credentials"
    case 'NotFoundException':
      return LISTS.find(([pattern]) => pattern.test(message))?.[1] ?? 'look at what there is, and name one of it'
    case 'UnknownOperationException':
      return `this control plane has no ${route.operation}: is it another release of tollgate?`
    case 'ConflictException':
      return 'nothing was changed; look at what is there already'
    case 'PreconditionFailedException':
      return `somebody changed the catalog since ${expected ?? 'then'}; tollgate admin status has its version now: look again, then repeat it with that`
    case 'LimitExceededException':
    case 'TooManyRequestsException':
      return `it was asked ${TRIES} times; try again later`
    case 'RequestTooLargeException':
      return 'send it in parts: a key file may be cut between any two lines, with its header before each part'
    case 'ServiceUnavailableException':
      return route.reads
        ? 'try again later'
        : 'it may have been done or not: look before you repeat it; what failed stands where serve writes'
    case 'InternalFailureException':
      return 'a bug, or a store that fails: what failed stands where serve writes'
    case 'BadRequestException':
    case 'ValidationException':
    case 'SerializationException':
    case 'UnsupportedMediaTypeException':
      return inUseRemedy(message) ?? `${route.reads ? '' : 'nothing was changed; '}mend it and try again`
    default:
      return null
  }
}

/** Of a plan that has stages: how the one that AWS's message names is taken out of it. */
function inUseRemedy(message: string): string | null {
  const [, plan, stage] = /^Cannot delete Usage Plan (\S+) because .* including (\S+)$/.exec(message) ?? []
  if (plan === undefined || stage === undefined) return null
  return `nothing was changed; take its stages out first: tollgate admin plans set ${plain(plan)} --no-stage ${plain(stage)}`
}

function refusal(response: Response, text: string, route: ControlRoute, expected: string | undefined): string {
  const { status, headers } = response
  const type = headers.get('x-amzn-errortype') ?? ''
  const message = String(objectIn(text)?.['message'] ?? '')
  const remedy = remedyOf(type, message, route, expected)
  if (remedy === null) {
    const kind = plain(headers.get('content-type') ?? '', 60)
    return `received ${status}${type === '' ? '' : ` ${plain(type, 60)}`}${kind === '' ? '' : `, ${kind}`}; ${NOT_ONE}`
  }
  const [first = '', ...more] = message.split('\n').map(line => plain(line.trim(), 2000))
  // A list has lines of its own, and what helps comes after them.
  return more.length === 0
    ? `${status} ${type}: ${first}; ${remedy}`
    : `${status} ${type}: ${[first, ...more].join('\n  ')}\n${remedy}`
}

/** Why there is no answer at all. */
function unreached(error: unknown, route: ControlRoute): string {
  const { name, cause } = error as Error
  const { code = '', message = '' } = (cause ?? {}) as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') {
    return 'the connection was refused: nobody listens there; is tollgate serve running, with --admin, and is --url what it says?'
  }
  if (message === 'bad port') return "no client of HTTP's connects to that port; --url is what serve's --admin says"
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no host of that name; check --url'
  const why = name === 'TimeoutError' ? `no answer within ${PATIENCE / 1000} s` : code || message || name
  return `${why}; ${route.reads ? 'try again' : 'it may have been done or not: look before you repeat it'}`
}
