// A decision → what HTTP says of it. Floor 4: reads the decision and nothing else, no clock among it.
// Statuses, bodies and x-amzn-ErrorType are AWS's (docs/http.md has the table and its evidence).

import type { Decision, MeteredDecision, Throttled } from '../core/decision.ts'
import { ceilSeconds } from '../core/units.ts'
import { rateLimitFields } from './fields.ts'
import { customised } from './responses.ts'
import type { Asked } from './variables.ts'

/** `standard`: AWS's answer with `Retry-After` and the RateLimit fields. `aws`: AWS's bare one, to the header. */
export type AnswerStyle = 'standard' | 'aws'

/** A whole response to a refused request. */
export interface Refusing {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

type Said = 'failure' | Exclude<Decision['kind'], 'allowed' | 'open' | 'never-admitted'>

/** Statuses and messages of refusals. */
const SAID: Readonly<Record<Said, readonly [status: number, message: string]>> = {
  'invalid-api-key': [403, 'Forbidden'],
  'missing-authentication-token': [403, 'Missing Authentication Token'],
  'bad-request': [400, 'Bad Request'],
  throttled: [429, 'Too Many Requests'],
  'quota-exceeded': [429, 'Limit Exceeded'],
  'store-unavailable': [503, 'Service Unavailable'],
  failure: [500, 'Internal Server Error'],
}

/**
 * The response to a refused request; null for an admitted one, which is answered by the API.
 *
 * @param asked the request, where its stage is known: then it is told what the stage's gateway responses say
 */
export function answer(decision: Decision, style: AnswerStyle = 'standard', asked?: Asked): Refusing | null {
  if (decision.admitted) return null
  const { kind } = decision
  const said = kind !== 'never-admitted' ? kind : decision.limitedBy === 'quota' ? 'quota-exceeded' : 'throttled'
  return refusal(said, style, asked, decision as Partial<Throttled>)
}

/** The headers that an admitted request's response gets. */
export function admittedHeaders(decision: Decision, style: AnswerStyle = 'standard'): readonly [string, string][] {
  if (style === 'aws' || !('metered' in decision)) return []
  const fields = rateLimitFields(decision as MeteredDecision)
  return fields === null
    ? []
    : [
        ['RateLimit-Policy', fields.policy],
        ['RateLimit', fields.limit],
      ]
}

/** The response where judging itself failed: never the API's. `asked` as for `answer`. */
export function failure(style: AnswerStyle = 'standard', asked?: Asked): Refusing {
  return refusal('failure', style, asked, {})
}

function refusal(said: Said, style: AnswerStyle, asked: Asked | undefined, decided: Partial<Throttled>): Refusing {
  const [status, message] = SAID[said]
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    // AWS's error types are its messages in one word.
    ['x-amzn-ErrorType', `${message.replaceAll(' ', '')}Exception`],
  ]
  if (style !== 'aws') {
    const wait = said === 'store-unavailable' ? 1 : decided.retryAfter
    headers.push(['Cache-Control', 'no-store'])
    if (wait !== undefined) headers.push(['Retry-After', `${ceilSeconds(wait)}`])
    headers.push(...admittedHeaders(decided as Decision))
  }
  const plain = { status, headers, body: JSON.stringify({ message }) }
  if (asked === undefined) return plain
  // Whose key is no good is not told: all bad keys get the same.
  // Outcomes are called what AWS calls its types of gateway response.
  return customised(plain, asked, {
    error: { message, messageString: JSON.stringify(message), responseType: said.toUpperCase().replaceAll('-', '_') },
    identity: { apiKeyId: decided.metered?.keyId },
  })
}
