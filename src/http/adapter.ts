// What the adapters share: their options, and the way from a request to what it has coming. Floor 4.

import type { Decision } from '../core/decision.ts'
import type { ApiRequest, Route } from '../core/resolve.ts'
import type { Gate } from '../gate.ts'
import { tell } from '../hook.ts'
import { type AnswerStyle, admittedHeaders, answer, failure, type Refusing } from './answer.ts'
import type { Asked } from './variables.ts'

/** Options of every adapter; `R` is the host's request. */
export interface AdapterOptions<R> {
  /** What clients see. Default `standard`. */
  readonly style?: AnswerStyle
  /**
   * Decide, charge and report as ever, and refuse nobody, also where judging fails: to see what a catalog would do before
   * it does.
   */
  readonly dryRun?: boolean
  /** The stage all requests are for; default: found by host and base path. */
  readonly stage?: { readonly apiId: string; readonly stage: string }
  /** What a request costs: a whole number ≥ 0. Default 1. */
  readonly cost?: (request: R) => number
  /**
   * For APIs whose key source is AUTHORIZER: whose key it is, AWS's `usageIdentifierKey`, or null for nobody's. Asked
   * only for methods that need a key; without it such an API's keys are nobody's. What it throws is answered with 500.
   */
  readonly authorize?: (request: R) => string | null | Promise<string | null>
  /**
   * Told of what went wrong where a request is answered with 500: the authorizer's, the store's or the clock's error.
   * What it throws or rejects with changes nothing. Default: `console.error`.
   */
  readonly onError?: (error: unknown, request: R) => void
}

/** What an adapter reads off its host's request. */
export interface Seen {
  readonly method: string
  /** Origin form. */
  readonly path: string
  readonly host: string | null | undefined
  /** `x-api-key`, as one string; several header lines come joined, which no key is. */
  readonly apiKey: string | null | undefined
}

/** Where a request carries its decision: a WeakMap beside it is dear to the collector. */
const DECISION: unique symbol = Symbol('tollgate.decision')

interface Judged {
  [DECISION]?: Decision
}

/** What was decided of a request that came through an adapter: who is calling, and what they have left. */
export function decisionOf(request: object): Decision | undefined {
  return (request as Judged)[DECISION]
}

/** What a request has coming: the answer to a refused one, or the headers that an admitted one's answer gets. */
export type Settled = Refusing | Refusing['headers']

/** A request on its way from its adapter to what it has coming. */
interface Asking<R> {
  readonly request: R
  readonly options: AdapterOptions<R>
  readonly headersOf: (request: R) => Readonly<Record<string, unknown>>
  asked: ApiRequest | undefined
  route: Route | undefined
}

/**
 * Judges a request, and never throws; a promise only where the store or the authorizer gives one.
 *
 * @param headersOf by their names in lower case
 */
export function judge<R extends object>(
  gate: Gate<boolean>,
  request: R,
  options: AdapterOptions<R>,
  seenOf: (request: R) => Seen,
  headersOf: (request: R) => Readonly<Record<string, unknown>>,
): Settled | Promise<Settled> {
  const asking: Asking<R> = { request, options, headersOf, asked: undefined, route: undefined }
  try {
    const decision = admit(gate, asking, seenOf(request))
    if (!(decision instanceof Promise)) return settle(asking, decision)
    return decision.then(decision => settle(asking, decision)).catch(error => fail(asking, error))
  } catch (error) {
    return fail(asking, error)
  }
}

function admit<R>(gate: Gate<boolean>, asking: Asking<R>, seen: Seen): Decision | Promise<Decision> {
  const { request, options } = asking
  const { stage, cost, authorize } = options
  const asked: { -readonly [Name in keyof ApiRequest]: ApiRequest[Name] } =
    stage === undefined ? seen : { ...seen, ...stage }
  asking.asked = asked
  const found = gate.route(asked)
  if (found.kind !== 'route') return gate.admit(asked)
  asking.route = found
  if (cost !== undefined) asked.cost = cost(request) ?? throwNoCost()
  if (found.stage.apiKeySource === 'HEADER' || !found.served?.method.apiKeyRequired) {
    return gate.admitRoute(found, asked)
  }
  // Whose key it is says the authorizer or nobody: the header is not looked at.
  return andThen(authorize?.(request) ?? null, apiKey => {
    asked.apiKey = apiKey
    return gate.admitRoute(found, asked)
  })
}

/** A function that forgets to return must not make its requests cheap. */
function throwNoCost(): never {
  throw new RangeError('cost: expected a function that returns a whole number ≥ 0, received nothing')
}

function settle<R extends object>(asking: Asking<R>, decision: Decision): Settled {
  const { style, dryRun } = asking.options
  ;(asking.request as Judged)[DECISION] = decision
  if (decision.admitted) return admittedHeaders(decision, style)
  return dryRun ? [] : (answer(decision, style, about(asking)) as Refusing)
}

function fail<R>(asking: Asking<R>, error: unknown): Settled {
  const { onError, style, dryRun } = asking.options
  tell(() => (onError === undefined ? console.error(error) : onError(error, asking.request)))
  return dryRun ? [] : failure(style, about(asking))
}

/** The request, for its stage's gateway responses. */
function about<R>({ route, asked, headersOf, request }: Asking<R>): Asked | undefined {
  if (route?.stage.gatewayResponses === undefined || asked === undefined) return undefined
  return { route, request: asked, headers: headersOf(request) }
}

/**
 * `f` of a value, at once unless it is a promise: an await that is not needed costs as much as a decision.
 * Not called `then`, which would make a promise of the module itself where it is imported by `import()`.
 */
export function andThen<T, U>(value: T | Promise<T>, f: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(f) : f(value)
}
