// One line per request: when, what, who, admitted or refused, by which limit, until when. Floor 5. Never a key's value.

import type { Catalog } from '../core/catalog.ts'
import type { Decision, LimitName } from '../core/decision.ts'
import type { Millis } from '../core/units.ts'
import { type Paint, printable } from './terminal.ts'

export interface Judged {
  readonly at: Millis
  /** Empty, as the target, where nobody could read the request. */
  readonly method: string
  /** As it came, query and all: it is cut here. */
  readonly target: string
  readonly status: number
  /** Null where it was answered before it was judged. */
  readonly decision: Decision | null
}

/** `12:00:07.341  429 GET /v1/pets  Acorn Labs (free)  throttled by the plan's throttle until 12:00:08.102` */
export function requestLine({ at, method, target, status, decision }: Judged, catalog: Catalog, paint: Paint): string {
  const path = target.split('?', 1)[0] as string
  const what = `${String(status)} ${printable(method || '-', 10)} ${printable(path || '-')}`.padEnd(32)
  const colour = decision?.admitted ? 'green' : decision?.kind === 'invalid-api-key' ? 'yellow' : 'red'
  const why = decision === null ? `not judged: ${UNJUDGED[status] ?? 'judging it failed'}` : verdict(decision, at)
  return `${paint('dim', time(at))}  ${what}  ${who(decision, catalog).padEnd(22)}  ${paint(colour, why)}`
}

/** What a status says of a request that was not judged. */
const UNJUDGED: Readonly<Partial<Record<number, string>>> = {
  400: 'no request as HTTP has it',
  408: 'it did not come in time',
  413: 'a body announced as longer than --max-body',
  417: 'an Expect that nobody knows',
  431: 'more headers than --max-headers',
  499: 'its client went away first',
  501: 'a body in a coding that is not chunked',
}

function who(decision: Decision | null, catalog: Catalog): string {
  if (decision === null) return '-'
  const keyId = 'keyId' in decision ? decision.keyId : null
  if (keyId === null) return decision.kind === 'invalid-api-key' ? 'nobody we know' : decision.admitted ? 'anyone' : '-'
  const name = printable(catalog.apiKeys.get(keyId)?.name ?? keyId, 30)
  return 'metered' in decision ? `${name} (${decision.planId})` : name
}

const LIMITS: Readonly<Record<LimitName, string>> = {
  method: "the plan's throttle of this method",
  plan: "the plan's throttle",
  quota: "the plan's quota",
  stage: "the stage's throttle of this method",
  account: "the account's throttle",
}

function verdict(decision: Decision, at: Millis): string {
  switch (decision.kind) {
    case 'open':
      return 'open: no key needed'
    case 'allowed': {
      const { tokens, quota } = decision
      const left = [
        tokens === null ? null : `${tokens} ${tokens === 1 ? 'token' : 'tokens'} left`,
        quota === null ? null : `${quota.remaining} of ${quota.limit} left until ${day(quota.resetAt)}`,
      ].filter(part => part !== null)
      return left.length === 0 ? 'admitted' : `admitted: ${left.join(', ')}`
    }
    case 'throttled':
    case 'quota-exceeded': {
      const until = at + decision.retryAfter
      const when = decision.retryAfter < 86_400_000 / 2 ? time(until) : `${day(until)} ${time(until)}`
      return `${decision.kind} by ${LIMITS[decision.limitedBy]} until ${when}`
    }
    case 'never-admitted':
      return `refused by ${LIMITS[decision.limitedBy]}: no waiting helps`
    case 'invalid-api-key':
      return `invalid-api-key: ${KEY_REASONS[decision.reason]}`
    case 'missing-authentication-token':
      return decision.reason === 'no-stage' ? 'no stage answers for this host and path' : 'no such method in this stage'
    case 'bad-request':
      return `bad-request: this ${decision.reason} could mean two things`
    case 'store-unavailable':
      return `store-unavailable: ${STORE_REASONS[decision.reason]}`
  }
}

const STORE_REASONS = {
  failed: 'the store failed',
  deadline: 'the store did not answer in time',
  'not-asked': 'the store has been failing',
}

const KEY_REASONS = {
  missing: 'none came',
  malformed: 'no key looks like that',
  unknown: 'no such key',
  disabled: 'it is disabled',
  'no-plan': 'none of its plans has this stage',
}

/** The same in 79 columns: `12:00:07 429 GET /v1/pets       Acorn Labs (free)     plan throttle, 0.8 s` */
export function shortLine({ at, method, target, status, decision }: Judged, catalog: Catalog, paint: Paint): string {
  const what = `${status} ${printable(`${method} ${target.split('?', 1)[0]}`, 22)}`.padEnd(26)
  const colour = decision?.kind === 'invalid-api-key' ? 'yellow' : 'red'
  return `${paint('dim', time(at).slice(0, 8))} ${what} ${who(decision, catalog).slice(0, 20).padEnd(20)} ${paint(colour, shortVerdict(decision))}`
}

function shortVerdict(decision: Decision | null): string {
  if (decision === null) return 'not judged'
  switch (decision.kind) {
    case 'throttled':
    case 'quota-exceeded':
      return `${decision.limitedBy === 'quota' ? 'quota' : `${decision.limitedBy} throttle`}, ${span(decision.retryAfter)}`
    case 'never-admitted':
      return `${decision.limitedBy}, for ever`
    case 'invalid-api-key':
      return {
        missing: 'no key',
        malformed: 'no such key',
        unknown: 'no such key',
        disabled: 'disabled',
        'no-plan': 'not its stage',
      }[decision.reason]
    case 'missing-authentication-token':
      return decision.reason === 'no-stage' ? 'no such stage' : 'no such method'
    case 'bad-request':
      return `ambiguous ${decision.reason}`
    default:
      return 'admitted'
  }
}

/** `0.8 s`, `12 min`, `7 h`, `5 d`. */
function span(ms: Millis): string {
  if (ms < 60_000) return `${(Math.ceil(ms / 100) / 10).toFixed(1)} s`
  if (ms < 5_400_000) return `${Math.ceil(ms / 60_000)} min`
  return ms < 129_600_000 ? `${Math.ceil(ms / 3_600_000)} h` : `${Math.ceil(ms / 86_400_000)} d`
}

function time(at: Millis): string {
  return new Date(at).toISOString().slice(11, 23)
}

function day(at: Millis): string {
  return new Date(at).toISOString().slice(0, 10)
}
