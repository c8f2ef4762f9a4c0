// Where each operation is found: AWS API Gateway's control plane, 2015-07-09. Floor 4: data, and one search.

import type { OperationName } from './operations.ts'

/** An operation's place on the wire. */
export interface ControlRoute {
  readonly operation: OperationName | UsageOperationName
  readonly verb: string
  /** With labels as members of the input are named. */
  readonly path: string
  /** Members of the input by their name in the query; those of `lists` may come several times. */
  readonly query: Readonly<Record<string, string>>
  readonly body: 'json' | 'raw' | 'none'
  readonly status: number
  readonly reads: boolean
}

/** Operations that need to know what was used, which a catalog does not. */
export type UsageOperationName = 'GetUsage' | 'UpdateUsage'

const PAGE = ['position', 'limit']

/** Query names that are not the member's. */
const MEMBERS: Readonly<Record<string, string>> = { name: 'nameQuery', failonwarnings: 'failOnWarnings' }

function route(
  operation: ControlRoute['operation'],
  line: string,
  status: number,
  query: readonly string[] = [],
  raw?: 'raw',
): ControlRoute {
  const [verb = '', path = ''] = line.split(' ')
  return {
    operation,
    verb,
    path,
    status,
    query: Object.fromEntries(query.map(name => [name, MEMBERS[name] ?? name])),
    body: raw ?? (verb === 'GET' || verb === 'DELETE' ? 'none' : 'json'),
    reads: verb === 'GET',
  }
}

const KEY = '/apikeys/{apiKey}'
const PLAN = '/usageplans/{usagePlanId}'
const API = '/restapis/{restApiId}'
const RESOURCE = `${API}/resources/{resourceId}`
// An integration has a verb of its own in its body, named as the method's is elsewhere.
const METHOD = `${RESOURCE}/methods/{ofMethod}`
const MAPPINGS = '/domainnames/{domainName}/basepathmappings'
const TAGS = '/tags/{resourceArn}'

/** An import is told from its neighbour by `mode=import`. */
export const routes: readonly ControlRoute[] = [
  route('CreateApiKey', 'POST /apikeys', 201),
  route('ImportApiKeys', 'POST /apikeys?mode=import', 201, ['format', 'failonwarnings'], 'raw'),
  route('GetApiKeys', 'GET /apikeys', 200, [...PAGE, 'name', 'customerId', 'includeValues']),
  route('GetApiKey', `GET ${KEY}`, 200, ['includeValue']),
  route('UpdateApiKey', `PATCH ${KEY}`, 200),
  route('DeleteApiKey', `DELETE ${KEY}`, 202),
  route('CreateUsagePlan', 'POST /usageplans', 201),
  route('GetUsagePlans', 'GET /usageplans', 200, [...PAGE, 'keyId']),
  route('GetUsagePlan', `GET ${PLAN}`, 200),
  route('UpdateUsagePlan', `PATCH ${PLAN}`, 200),
  route('DeleteUsagePlan', `DELETE ${PLAN}`, 202),
  route('CreateUsagePlanKey', `POST ${PLAN}/keys`, 201),
  route('GetUsagePlanKeys', `GET ${PLAN}/keys`, 200, [...PAGE, 'name']),
  route('GetUsagePlanKey', `GET ${PLAN}/keys/{keyId}`, 200),
  route('DeleteUsagePlanKey', `DELETE ${PLAN}/keys/{keyId}`, 202),
  route('GetUsage', `GET ${PLAN}/usage`, 200, [...PAGE, 'keyId', 'startDate', 'endDate']),
  route('UpdateUsage', `PATCH ${PLAN}/keys/{keyId}/usage`, 200),
  route('GetAccount', 'GET /account', 200),
  route('UpdateAccount', 'PATCH /account', 200),
  route('CreateRestApi', 'POST /restapis', 201),
  route('ImportRestApi', 'POST /restapis?mode=import', 201, ['failonwarnings'], 'raw'),
  route('GetRestApis', 'GET /restapis', 200, PAGE),
  route('GetRestApi', `GET ${API}`, 200),
  route('UpdateRestApi', `PATCH ${API}`, 200),
  route('PutRestApi', `PUT ${API}`, 200, ['mode', 'failonwarnings'], 'raw'),
  route('DeleteRestApi', `DELETE ${API}`, 202),
  route('CreateResource', `POST ${API}/resources/{parentId}`, 201),
  route('GetResources', `GET ${API}/resources`, 200, [...PAGE, 'embed']),
  route('GetResource', `GET ${RESOURCE}`, 200, ['embed']),
  route('UpdateResource', `PATCH ${RESOURCE}`, 200),
  route('DeleteResource', `DELETE ${RESOURCE}`, 202),
  route('PutMethod', `PUT ${RESOURCE}/methods/{httpMethod}`, 201),
  route('GetMethod', `GET ${RESOURCE}/methods/{httpMethod}`, 200),
  route('UpdateMethod', `PATCH ${RESOURCE}/methods/{httpMethod}`, 200),
  route('DeleteMethod', `DELETE ${RESOURCE}/methods/{httpMethod}`, 204),
  route('PutIntegration', `PUT ${METHOD}/integration`, 201),
  route('GetIntegration', `GET ${METHOD}/integration`, 200),
  route('DeleteIntegration', `DELETE ${METHOD}/integration`, 204),
  route('PutIntegrationResponse', `PUT ${METHOD}/integration/responses/{statusCode}`, 201),
  route('GetIntegrationResponse', `GET ${METHOD}/integration/responses/{statusCode}`, 200),
  route('DeleteIntegrationResponse', `DELETE ${METHOD}/integration/responses/{statusCode}`, 204),
  route('PutMethodResponse', `PUT ${METHOD}/responses/{statusCode}`, 201),
  route('GetMethodResponse', `GET ${METHOD}/responses/{statusCode}`, 200),
  route('DeleteMethodResponse', `DELETE ${METHOD}/responses/{statusCode}`, 204),
  route('CreateDeployment', `POST ${API}/deployments`, 201),
  route('GetDeployments', `GET ${API}/deployments`, 200, PAGE),
  route('GetDeployment', `GET ${API}/deployments/{deploymentId}`, 200, ['embed']),
  route('UpdateDeployment', `PATCH ${API}/deployments/{deploymentId}`, 200),
  route('DeleteDeployment', `DELETE ${API}/deployments/{deploymentId}`, 202),
  route('CreateStage', `POST ${API}/stages`, 201),
  route('GetStages', `GET ${API}/stages`, 200, ['deploymentId']),
  route('GetStage', `GET ${API}/stages/{stageName}`, 200),
  route('UpdateStage', `PATCH ${API}/stages/{stageName}`, 200),
  route('DeleteStage', `DELETE ${API}/stages/{stageName}`, 202),
  route('GetGatewayResponses', `GET ${API}/gatewayresponses`, 200, PAGE),
  route('GetGatewayResponse', `GET ${API}/gatewayresponses/{responseType}`, 200),
  route('PutGatewayResponse', `PUT ${API}/gatewayresponses/{responseType}`, 201),
  route('UpdateGatewayResponse', `PATCH ${API}/gatewayresponses/{responseType}`, 200),
  route('DeleteGatewayResponse', `DELETE ${API}/gatewayresponses/{responseType}`, 202),
  route('CreateBasePathMapping', `POST ${MAPPINGS}`, 201),
  route('GetBasePathMappings', `GET ${MAPPINGS}`, 200, PAGE),
  route('GetBasePathMapping', `GET ${MAPPINGS}/{basePath}`, 200),
  route('DeleteBasePathMapping', `DELETE ${MAPPINGS}/{basePath}`, 202),
  route('GetTags', `GET ${TAGS}`, 200, PAGE),
  route('TagResource', `PUT ${TAGS}`, 204),
  route('UntagResource', `DELETE ${TAGS}`, 204, ['tagKeys']),
]

/** What of AWS's API there is not, by the beginning of its path: named, so that nobody looks for a mistake of theirs. */
const UNSUPPORTED: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\/domainnames\/[^/]+\/basepathmappings/, 'changes of base path mappings'],
  [/^\/domainnames?(access)?/, 'custom domain names'],
  [/^\/vpclinks/, 'VPC links'],
  [/^\/clientcertificates/, 'client certificates'],
  [/^\/sdktypes/, 'SDK types'],
  [/^\/restapis\/[^/]+\/authorizers/, 'authorizers'],
  [/^\/restapis\/[^/]+\/models/, 'models'],
  [/^\/restapis\/[^/]+\/requestvalidators/, 'request validators'],
  [/^\/restapis\/[^/]+\/documentation/, 'documentation'],
  [/^\/restapis\/[^/]+\/stages\/[^/]+\/(exports|sdks)/, 'exports and SDKs'],
  [/^\/restapis\/[^/]+\/stages\/[^/]+\/cache/, 'caches'],
  [
    /^\/restapis\/[^/]+\/resources\/[^/]+\/methods\/[^/]+\/(integration|responses)/,
    'changes of integrations and responses',
  ],
]

/** A route that was found, and the members that its path and the query give. */
export interface Found {
  readonly route: ControlRoute
  readonly members: Record<string, unknown>
}

/** Where a request leads; otherwise the message to refuse it with. Paths are compared as they are written. */
export function findRoute(verb: string, { pathname, searchParams }: URL): Found | string {
  const parts = pathname.split('/')
  const mode = verb === 'POST' && searchParams.get('mode') === 'import' ? '?mode=import' : ''
  for (const route of routes) {
    if (route.verb !== verb) continue
    const [path = '', search = ''] = route.path.split('?')
    if (mode !== (search === '' ? '' : `?${search}`)) continue
    const labels = labelsOf(path.split('/'), parts)
    if (labels === null) continue
    const members: Record<string, unknown> = Object.create(null)
    for (const [name, member] of Object.entries(route.query)) {
      const values = searchParams.getAll(name)
      if (values.length === 0) continue
      if (name === 'tagKeys' || name === 'embed') members[member] = values
      else if (values.length === 1) members[member] = values[0]
      else return `The query has ${name} more than once`
    }
    return { route, members: Object.assign(members, labels) }
  }
  const unsupported = UNSUPPORTED.find(([pattern]) => pattern.test(pathname))
  return unsupported === undefined ? 'There is no such operation' : `${unsupported[1]} are not supported by tollgate`
}

function labelsOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null
  const labels: Record<string, string> = Object.create(null)
  for (const [i, expected] of pattern.entries()) {
    const part = parts[i] as string
    if (!expected.startsWith('{')) {
      if (part !== expected) return null
      continue
    }
    try {
      labels[expected.slice(1, -1)] = decodeURIComponent(part)
    } catch {
      return null
    }
    if (part === '') return null
  }
  return labels
}
