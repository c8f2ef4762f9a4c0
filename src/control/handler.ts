// The control plane as a fetch handler. Floor 4: where a request, the catalog in force and an operation meet.
// Edits are one after the other, so none is lost; an answer is given once its catalog is published.

import type { Catalog } from '../core/catalog.ts'
import { tell } from '../hook.ts'
import type { CatalogChange } from '../stores/catalog-log.ts'
import { changeBetween } from './change.ts'
import type { Fault } from './fault.ts'
import type { Input, Outcome } from './operation.ts'
import { operations } from './operations.ts'
import { type ControlRoute, findRoute } from './routes.ts'
import { getUsage, type UsageSource, updateUsage } from './usage.ts'
import { answerResponse, bodyOf, COUNTS, countsField, failureResponse, faultResponse, membersOf } from './wire.ts'
import type { World } from './world.ts'

/** What is published with a catalog, for whoever keeps it. */
export interface Published {
  /** The catalog it was made of. */
  readonly previous: Catalog
  /** What differs, to be kept: a key's change need not write a million. */
  readonly change: CatalogChange
  /** AWS's name of what was done: `CreateApiKey`. */
  readonly operation: string
  /** The very request that `authorize` was asked about: an audit trail finds by it who asked. Its body has been read. */
  readonly request: Request
}

/** Who asks, as `authorize` sees it. */
export interface Asked {
  readonly request: Request
  /** The body as it came, whose hash a signature covers. */
  readonly body: Uint8Array
  /** Null where the path leads to no operation. */
  readonly route: ControlRoute | null
}

export interface ControlOptions {
  /** The catalog in force. */
  readonly catalog: () => Catalog
  /**
   * Puts a catalog in force, durably where that matters: the answer waits for it. When somebody else has changed the
   * catalog since, it gives false, and the operation is done again on theirs. What it throws is answered as 503.
   */
  readonly publish: (catalog: Catalog, published: Published) => Promise<unknown> | unknown
  /**
   * The name of the catalog in force, `gate.version`: answers carry it as their `ETag`, and an edit whose `If-Match` names
   * others is not done. Without it there are no ETags, and what says `If-Match` is refused.
   */
  readonly version?: () => string
  /** Asked anew for each request (`worldOf`). */
  readonly world: () => World
  /** Without it GetUsage and UpdateUsage are refused by name. */
  readonly usage?: UsageSource
  /** Whether that may be: null, or the fault to answer. Asked before anything else, also of paths that lead nowhere. */
  readonly authorize?: (asked: Asked) => Promise<Fault | null> | Fault | null
  /** Told of what failed on our side: a bug, or what `publish` or `usage` threw. What it throws itself changes nothing. */
  readonly onError?: (error: unknown) => void
}

/** How often an operation is done again when others are faster. */
const TRIES = 20

/** The control plane, to be mounted where only its users get: it has no credentials but those `authorize` asks for. */
export function controlHandler(options: ControlOptions): (request: Request) => Promise<Response> {
  const { catalog, publish, version, world, usage, authorize, onError } = options
  let turn: Promise<unknown> = Promise.resolve()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function run(route: ControlRoute, input: Input): Promise<Outcome> {
    const current = catalog()
    if (route.operation === 'GetUsage') return getUsage(current, input, usage)
    if (route.operation === 'UpdateUsage') return updateUsage(current, input, world(), usage)
    return operations[route.operation](current, input, world())
  }

  async function edit(route: ControlRoute, input: Input, request: Request): Promise<Outcome> {
    for (let i = 0; i < TRIES; i++) {
      const previous = catalog()
      if (!isAsExpected(request))
        return { fault: 'PreconditionFailedException', message: 'The catalog is another by now' }
      const outcome = await run(route, input)
      if ('fault' in outcome || outcome.catalog === previous) return outcome
      const change = changeBetween(previous, outcome.catalog)
      try {
        if ((await publish(outcome.catalog, { previous, change, operation: route.operation, request })) !== false)
          return outcome
      } catch (error) {
        tell(() => onError?.(error))
        return { fault: 'ServiceUnavailableException', message: 'The catalog could not be kept; it may be as it was' }
      }
    }
    return { fault: 'TooManyRequestsException', message: 'Others changed the catalog at the same time; try again' }
  }

  /** Whether the catalog in force is one that the request names, if it names any (RFC 9110, 13.1.1). */
  function isAsExpected(request: Request): boolean {
    const named = request.headers.get('if-match')
    if (named === null) return true
    return version !== undefined && named.split(',').some(tag => ['*', tagOf(version())].includes(tag.trim()))
  }

  async function respond(request: Request): Promise<Response> {
    const found = findRoute(request.method, new URL(request.url))
    const route = typeof found === 'string' ? null : found.route
    // Web pages have no business here, and their browsers say that they ask.
    if (request.headers.has('origin') || /^(cross|same)-site$/.test(request.headers.get('sec-fetch-site') ?? '')) {
      return faultResponse({ fault: 'AccessDeniedException', message: 'Requests of web pages are not taken' })
    }
    const body = await bodyOf(request)
    if (!(body instanceof Uint8Array)) return faultResponse(body)
    const denied = (await authorize?.({ request, body, route })) ?? null
    if (denied !== null) return faultResponse(denied)
    if (typeof found === 'string') {
      const isQuery = found.startsWith('The query')
      return faultResponse({ fault: isQuery ? 'BadRequestException' : 'UnknownOperationException', message: found })
    }
    const read = found.route.body === 'none' ? { members: {} } : membersOf(request, found.route.body, body)
    if ('fault' in read) return faultResponse(read)
    // What the path says is not for the body to say.
    const input: Input = { ...read.members, ...found.members }
    const outcome = await (found.route.reads
      ? run(found.route, input)
      : inTurn(() => edit(found.route, input, request)))
    if ('fault' in outcome) return faultResponse(outcome)
    const response = answerResponse(request, found.route.status, outcome.answer)
    if (version !== undefined) response.headers.set('etag', tagOf(version()))
    if (outcome.counts !== undefined) response.headers.set(COUNTS, countsField(outcome.counts))
    return response
  }

  return async request => {
    try {
      return await respond(request)
    } catch (error) {
      tell(() => onError?.(error))
      return failureResponse()
    }
  }
}

/** An entity tag (RFC 9110, 8.8.3), whose characters a version may have to be escaped into. */
function tagOf(version: string): string {
  return `"${encodeURIComponent(version)}"`
}
