// A decision → what HTTP says of it. Floor 4: reads the decision and nothing else, no clock among it.
// Statuses, bodies and x-amzn-ErrorType are AWS's (docs/http.md has the table and its evidence).

import type { Decision, LimitName, MeteredDecision } from '../core/decision.ts'
import { ceilSeconds } from '../core/units.ts'
import { rateLimitFields } from './fields.ts'

/** `standard`: AWS's answer with `Retry-After` and the RateLimit fields. `aws`: AWS's bare one, to the header. */
export type AnswerStyle = 'standard' | 'aws'

/** A whole response to a refused request. */
export interface Refusing {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** The response to a refused request; null for an admitted one, which is answered by the API. */
export function answer(decision: Decision, style: AnswerStyle = 'standard'): Refusing | null {
  switch (decision.kind) {
    case 'allowed':
    case 'open':
      return null
    case 'invalid-api-key':
      return refusal(403, 'Forbidden', 'ForbiddenException', style, [])
    case 'missing-authentication-token':
      return refusal(403, 'Missing Authentication Token', 'MissingAuthenticationTokenException', style, [])
    case 'bad-request':
      return refusal(400, 'Bad Request', 'BadRequestException', style, [])
    case 'throttled':
    case 'quota-exceeded': {
      const retryAfter = ['Retry-After', String(ceilSeconds(decision.retryAfter))] as const
      return tooMany(decision.limitedBy, style, [retryAfter, ...admittedHeaders(decision, style)])
    }
    case 'never-admitted':
      return tooMany(decision.limitedBy, style, admittedHeaders(decision, style))
    case 'store-unavailable':
      return refusal(503, 'Service Unavailable', 'ServiceUnavailableException', style, [['Retry-After', '1']])
    default:
      return unreachable(decision)
  }
}

/** The headers that an admitted request's response gets. */
export function admittedHeaders(
  decision: Decision,
  style: AnswerStyle = 'standard',
): readonly (readonly [string, string])[] {
  if (style === 'aws' || !('metered' in decision)) return []
  const fields = rateLimitFields(decision as MeteredDecision)
  return fields === null
    ? []
    : [
        ['RateLimit-Policy', fields.policy],
        ['RateLimit', fields.limit],
      ]
}

/** The response where judging itself failed: never the API's. */
export function failure(style: AnswerStyle = 'standard'): Refusing {
  return refusal(500, 'Internal Server Error', 'InternalServerErrorException', style, [])
}

function tooMany(limitedBy: LimitName, style: AnswerStyle, headers: Refusing['headers']): Refusing {
  return limitedBy === 'quota'
    ? refusal(429, 'Limit Exceeded', 'LimitExceededException', style, headers)
    : refusal(429, 'Too Many Requests', 'TooManyRequestsException', style, headers)
}

function refusal(
  status: number,
  message: string,
  type: string,
  style: AnswerStyle,
  headers: Refusing['headers'],
): Refusing {
  const aws = [
    ['Content-Type', 'application/json'],
    ['x-amzn-ErrorType', type],
  ] as const
  const more = style === 'aws' ? [] : [['Cache-Control', 'no-store'] as const, ...headers]
  return { status, headers: [...aws, ...more], body: JSON.stringify({ message }) }
}

function unreachable(decision: never): never {
  throw new TypeError(`no answer for ${JSON.stringify(decision)}`)
}
