// Gateway responses: what refused callers are told, by type. Floor 4: pure.
// Source: AWS API Gateway, API_GatewayResponse; defaults, inheritance and messages as recorded on AWS.

import { DEFAULT_STATUS, type GatewayResponse } from '../core/api.ts'
import { refuse } from './fault.ts'
import { bounded, given, mapOf, textOf } from './input.ts'
import type { Answer, Input } from './operation.ts'

const TEMPLATES = { 'application/json': '{"message":$context.error.messageString}' }

export function isResponseType(type: string): boolean {
  return Object.hasOwn(DEFAULT_STATUS, type)
}

/** The order of the recorded message. */
const ENUM =
  'REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, BAD_REQUEST_PARAMETERS, AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN'

/** The type that the request names. */
export function responseTypeOf(input: Input): string {
  const type = textOf(input, 'responseType') ?? ''
  if (isResponseType(type)) return type
  return refuse(
    'ValidationException',
    `1 validation error detected: Value '${type}' at 'responseType' failed to satisfy constraint: Member must satisfy enum value set: [${ENUM}]`,
  )
}

/** A status, when it is one. */
export function statusOf(text: string): string {
  if (/^[1-5][0-9]{2}$/.test(text)) return text
  return refuse(
    'ValidationException',
    `1 validation error detected: Value '${text}' at 'putGatewayResponseInput.statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\\d\\d`,
  )
}

/** A customised response as a request gives it. */
export function gatewayResponseOf(input: Input): GatewayResponse {
  const status = textOf(input, 'statusCode')
  return given<GatewayResponse>({
    statusCode: status === undefined ? undefined : statusOf(status),
    responseParameters: texts(mapOf(input, 'responseParameters')),
    responseTemplates: texts(mapOf(input, 'responseTemplates')),
  })
}

function texts(map: Readonly<Record<string, string>> | undefined): typeof map {
  for (const text of Object.values(map ?? {})) bounded(text, 125_000, 'Invalid gateway response specified')
  return map
}

type Responses = Readonly<Record<string, GatewayResponse>>

const ownOf = (responses: Responses, type: string): GatewayResponse | undefined =>
  Object.hasOwn(responses, type) ? responses[type] : undefined

/**
 * What callers are told in that case: the type's own customisation, else that of its class, else the default.
 *
 * @returns as AWS shows it; `defaultResponse` only where the type itself was not customised
 */
export function responseView(responses: Responses, type: string): Answer {
  const own = ownOf(responses, type)
  const status = DEFAULT_STATUS[type]
  const inherited =
    own === undefined && status !== undefined
      ? ownOf(responses, status.startsWith('4') ? 'DEFAULT_4XX' : 'DEFAULT_5XX')
      : undefined
  const shown = own ?? inherited ?? {}
  return {
    responseType: type,
    statusCode: shown.statusCode ?? status,
    responseParameters: shown.responseParameters ?? {},
    responseTemplates: shown.responseTemplates ?? TEMPLATES,
    defaultResponse: own === undefined,
  }
}
