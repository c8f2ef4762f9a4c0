// What the adapters share: their options, and the way from a request to a decision. Floor 4.

import type { Decision } from '../core/decision.ts'
import type { ApiRequest } from '../core/resolve.ts'
import type { Gate } from '../gate.ts'
import type { AnswerStyle } from './answer.ts'

/** Options of every adapter; `R` is the host's request. */
export interface AdapterOptions<R> {
  /** What clients see. Default `standard`. */
  readonly style?: AnswerStyle
  /** Decide, charge and report as ever, and refuse nobody: to see what a catalog would do before it does. */
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
   * What it throws itself changes nothing.
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

const DECISIONS = new WeakMap<object, Decision>()

/** What was decided of a request that came through an adapter: who is calling, and what they have left. */
export function decisionOf(request: object): Decision | undefined {
  return DECISIONS.get(request)
}

/** Judges a request; a promise only where the store or the authorizer gives one. */
export function judge<R extends object>(
  gate: Gate<boolean>,
  seen: Seen,
  request: R,
  options: AdapterOptions<R>,
): Decision | Promise<Decision> {
  const remember = (decision: Decision): Decision => {
    DECISIONS.set(request, decision)
    return decision
  }
  const cost = options.cost?.(request)
  const asked: ApiRequest = { ...seen, ...options.stage, ...(cost === undefined ? {} : { cost }) }
  const found = gate.route(asked)
  if (found.kind !== 'route') return andThen(gate.admit(asked), remember)
  if (found.stage.apiKeySource === 'HEADER' || !found.served.method.apiKeyRequired) {
    return andThen(gate.admitRoute(found, asked), remember)
  }
  // Whose key it is says the authorizer or nobody: the header is not looked at.
  const named = options.authorize?.(request) ?? null
  return andThen(named, apiKey => andThen(gate.admitRoute(found, { ...asked, apiKey }), remember))
}

/** Tells of an error that a request is answered with 500 for. */
export function report<R>(error: unknown, request: R, { onError }: AdapterOptions<R>): void {
  try {
    onError?.(error, request)
  } catch {
    // The answer is 500 whatever becomes of the report.
  }
}

/**
 * `f` of a value, at once unless it is a promise: an await that is not needed costs as much as a decision.
 * Not called `then`, which would make a promise of the module itself where it is imported by `import()`.
 */
export function andThen<T, U>(value: T | Promise<T>, f: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(f) : f(value)
}
