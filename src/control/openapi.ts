// OpenAPI 2 and 3 → what of an API the catalog holds. Floor 4: pure. Integrations, models and what else serves nothing
// here is passed over.
// Source: AWS API Gateway, "x-amazon-apigateway extensions"; what needs a key, as recorded on AWS.

import type { Api, GatewayResponse, HttpMethod, Method } from '../core/api.ts'
import { isObject } from '../core/readers.ts'
import { badRequest } from './fault.ts'
import { bounded, given } from './input.ts'
import { readJson } from './json.ts'
import type { Input } from './operation.ts'
import { soundPath } from './resources.ts'
import { gatewayResponseOf, isResponseType } from './responses.ts'

/** What a definition says. */
export interface Definition {
  readonly kept: Partial<Api>
  readonly methods: readonly Method[]
  readonly gatewayResponses: Readonly<Record<string, GatewayResponse>> | undefined
}

const VERBS: Readonly<Record<string, HttpMethod>> = {
  get: 'GET',
  put: 'PUT',
  post: 'POST',
  delete: 'DELETE',
  patch: 'PATCH',
  options: 'OPTIONS',
  head: 'HEAD',
  'x-amazon-apigateway-any-method': 'ANY',
}

const objectAt = (value: unknown, name: string): Input | undefined => {
  const member = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return isObject(member) ? member : undefined
}

const textAt = (value: unknown, name: string, most = 125_000): string | undefined => {
  const member = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return typeof member === 'string' ? bounded(member, most, `Invalid ${name} specified`) : undefined
}

/** The definition in a body: JSON. */
export function definitionOf(body: string): Definition {
  const read = readJson(body)
  if (!read.ok || !isObject(read.value)) {
    return badRequest('Unable to parse the API definition: expected OpenAPI 2.0 or 3.0 as JSON; YAML is not supported')
  }
  const document = read.value
  if (textAt(document, 'swagger') !== '2.0' && !/^3\.\d/.test(textAt(document, 'openapi') ?? '')) {
    return badRequest('Unable to parse the API definition: expected swagger 2.0 or openapi 3')
  }
  const info = objectAt(document, 'info')
  const source = textAt(document, 'x-amazon-apigateway-api-key-source')
  if (source !== undefined && source !== 'HEADER' && source !== 'AUTHORIZER') {
    return badRequest('Invalid x-amazon-apigateway-api-key-source. Must be one of: [HEADER, AUTHORIZER]')
  }
  return {
    kept: given<Partial<Api>>({
      name: textAt(info, 'title', 1024),
      description: textAt(info, 'description'),
      version: textAt(info, 'version', 1024),
      apiKeySource: source,
    }),
    methods: methodsOf(document),
    gatewayResponses: responsesOf(document),
  }
}

function methodsOf(document: Input): readonly Method[] {
  const schemes =
    objectAt(objectAt(document, 'components'), 'securitySchemes') ?? objectAt(document, 'securityDefinitions') ?? {}
  const paths = objectAt(document, 'paths') ?? {}
  return Object.keys(paths).flatMap(template => {
    const item = objectAt(paths, template) ?? {}
    const path = soundPath(template.length > 1 && template.endsWith('/') ? template.slice(0, -1) : template)
    return Object.keys(VERBS).flatMap((name): Method[] => {
      const operation = objectAt(item, name)
      if (operation === undefined) return []
      const asked = (operation['security'] ?? document['security']) as unknown
      const names = Array.isArray(asked) ? asked.flatMap(need => (isObject(need) ? Object.keys(need) : [])) : []
      return [
        given<Method>({
          path,
          httpMethod: VERBS[name] as HttpMethod,
          ...securityOf(names.flatMap((name): Input[] => [objectAt(schemes, name) ?? {}])),
          operationName: textAt(operation, 'operationId', 1024),
        }),
      ]
    })
  })
}

/** A scheme with an authorizer is an authorizer, also where its header is that of keys. */
function securityOf(schemes: readonly Input[]): Pick<Method, 'apiKeyRequired' | 'authorizationType'> {
  let apiKeyRequired = false
  let authorizationType = 'NONE'
  for (const scheme of schemes) {
    const kind = textAt(scheme, 'x-amazon-apigateway-authtype')?.toLowerCase()
    if (kind !== undefined || objectAt(scheme, 'x-amazon-apigateway-authorizer') !== undefined) {
      authorizationType =
        kind === 'awssigv4' ? 'AWS_IAM' : kind === 'cognito_user_pools' ? 'COGNITO_USER_POOLS' : 'CUSTOM'
      continue
    }
    const isKey = textAt(scheme, 'type') === 'apiKey' && textAt(scheme, 'in') === 'header'
    apiKeyRequired ||= isKey && textAt(scheme, 'name')?.toLowerCase() === 'x-api-key'
  }
  return { apiKeyRequired, authorizationType }
}

function responsesOf(document: Input): Definition['gatewayResponses'] {
  const given = objectAt(document, 'x-amazon-apigateway-gateway-responses')
  if (given === undefined) return undefined
  const responses: Record<string, GatewayResponse> = Object.create(null)
  for (const type of Object.keys(given)) {
    if (!isResponseType(type)) badRequest(`Invalid gateway response type ${type.slice(0, 60)}`)
    const response = objectAt(given, type) ?? {}
    const { statusCode } = response
    responses[type] = gatewayResponseOf({
      ...response,
      statusCode: typeof statusCode === 'number' ? String(statusCode) : statusCode,
    })
  }
  return responses
}
