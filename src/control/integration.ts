// Integrations and responses of a method: remembered for clients that put them before they deploy, and served by nothing,
// since whoever runs the gateway says where requests go. Floor 4: pure.
// Source: AWS API Gateway, API_Integration, API_MethodResponse, API_IntegrationResponse.

import type { Method } from '../core/api.ts'
import { isObject } from '../core/readers.ts'
import { badRequest } from './fault.ts'
import { bounded, given, listOf, mapOf, mapWith, numberOf, textOf } from './input.ts'
import type { Answer, Input } from './operation.ts'

/** All of it, as it is put on the wire. */
export interface Kept {
  readonly methodIntegration?: Answer | undefined
  readonly integrationResponses: Readonly<Record<string, Answer>>
  readonly methodResponses: Readonly<Record<string, Answer>>
}

/** What a method has of it. Text that is none of ours is nothing. */
export function keptOf({ integration = '{}' }: Method): Kept {
  let value: unknown
  try {
    value = JSON.parse(integration)
  } catch {
    value = {}
  }
  const part = (name: string): Readonly<Record<string, Answer>> => {
    const map = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
    const entries = isObject(map) ? Object.entries(map).filter(([status]) => /^[1-5][0-9]{2}$/.test(status)) : []
    return Object.fromEntries(entries.filter((entry): entry is [string, Answer] => isObject(entry[1])))
  }
  const own = isObject(value) ? value['methodIntegration'] : undefined
  return {
    methodIntegration: isObject(own) ? own : undefined,
    integrationResponses: part('integrationResponses'),
    methodResponses: part('methodResponses'),
  }
}

/** The method with that in place of what it had. */
export function withKept(method: Method, kept: Kept): Method {
  const { integration: _, ...rest } = method
  const { methodIntegration, integrationResponses, methodResponses } = kept
  const isNothing = methodIntegration === undefined && Object.keys(methodResponses).length === 0
  if (isNothing) return rest
  const text = JSON.stringify({ methodIntegration, integrationResponses, methodResponses })
  return { ...rest, integration: bounded(text, 125_000, 'The integration and responses are too large') }
}

const orNothing = (map: object): object | undefined => (Object.keys(map).length === 0 ? undefined : map)

export function integrationView({ methodIntegration, integrationResponses }: Kept): Answer | undefined {
  return methodIntegration && { ...methodIntegration, integrationResponses: orNothing(integrationResponses) }
}

/** What a method shows of it. */
export function integrationMembers(method: Method): Answer {
  const kept = keptOf(method)
  return { methodResponses: orNothing(kept.methodResponses), methodIntegration: integrationView(kept) }
}

const TYPES = ['HTTP', 'AWS', 'MOCK', 'HTTP_PROXY', 'AWS_PROXY']

/** An integration as a request puts it, with AWS's defaults. */
export function integrationFrom(input: Input, resourceId: string): Answer {
  const type = textOf(input, 'type') ?? ''
  if (!TYPES.includes(type)) badRequest(`Invalid integration type specified. Must be one of: [${TYPES.join(', ')}]`)
  return given<Answer>({
    type,
    httpMethod: textOf(input, 'httpMethod'),
    uri: textOf(input, 'uri'),
    connectionType: textOf(input, 'connectionType'),
    connectionId: textOf(input, 'connectionId'),
    credentials: textOf(input, 'credentials'),
    requestParameters: mapOf(input, 'requestParameters'),
    requestTemplates: mapOf(input, 'requestTemplates'),
    passthroughBehavior: textOf(input, 'passthroughBehavior') ?? 'WHEN_NO_MATCH',
    contentHandling: textOf(input, 'contentHandling'),
    timeoutInMillis: numberOf(input, 'timeoutInMillis') ?? 29_000,
    cacheNamespace: textOf(input, 'cacheNamespace') ?? resourceId,
    cacheKeyParameters: listOf(input, 'cacheKeyParameters') ?? [],
  })
}

function statusOf(input: Input): string {
  const status = textOf(input, 'statusCode') ?? ''
  return /^[1-5][0-9]{2}$/.test(status) ? status : badRequest(`Invalid status code specified: ${status.slice(0, 60)}`)
}

export function integrationResponseFrom(input: Input): Answer & { readonly statusCode: string } {
  return {
    statusCode: statusOf(input),
    ...given<Answer>({
      selectionPattern: textOf(input, 'selectionPattern'),
      responseParameters: mapOf(input, 'responseParameters'),
      responseTemplates: mapOf(input, 'responseTemplates'),
      contentHandling: textOf(input, 'contentHandling'),
    }),
  }
}

export function methodResponseFrom(input: Input): Answer & { readonly statusCode: string } {
  return {
    statusCode: statusOf(input),
    ...given<Answer>({
      responseParameters: mapWith(input, 'responseParameters', value => value === true || value === 'true'),
      responseModels: mapOf(input, 'responseModels'),
    }),
  }
}
