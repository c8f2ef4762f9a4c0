// Resources and methods of an API, as they are being edited: stages serve them once they are deployed. Floor 4: pure.
// Source: AWS API Gateway, API_Resource, API_Method and their operations; messages as recorded on AWS.

import { type Api, type HttpMethod, type Method, VERBS } from '../core/api.ts'
import type { Catalog } from '../core/catalog.ts'
import { putApi } from '../core/edits.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import { bounded, boundedText, flagOf, given, mapOf, mapWith, requiredText, textOf, textsOf } from './input.ts'
import { integrationMembers } from './integration.ts'
import { type Answer, edited, type Input, type Operation, operation, reading } from './operation.ts'
import { apiOf } from './operations-apis.ts'
import { freshId } from './operations-keys.ts'
import { pageAnswer } from './page.ts'
import { applied, flagIn, invalidPath, type Patch, patchesOf, unescaped, valueIn } from './patch.ts'
import { type Placed, pathOfChild, resourceOf, resourcesOf, withResources } from './resources.ts'

const UNKNOWN = 'Invalid Resource identifier specified'

function viewOf(api: Api, { id, parentId, pathPart, path }: Placed, withMethods: boolean): Answer {
  const own = api.methods.filter(method => method.path === path)
  const methods: Record<string, Answer> = Object.create(null)
  for (const method of own) methods[method.httpMethod] = withMethods ? methodView(method) : {}
  return { id, parentId, pathPart, path, resourceMethods: own.length === 0 ? undefined : methods }
}

const embedsMethods = (input: Input): boolean => {
  const embed = input['embed']
  return Array.isArray(embed) && embed.includes('methods')
}

export const createResource: Operation = operation((catalog, input, world) => {
  const pathPart = requiredText(input, 'pathPart', 'createResource')
  const api = apiOf(catalog, input, UNKNOWN)
  const resources = resourcesOf(api)
  const parent = resourceOf(api, textOf(input, 'parentId') ?? '')
  const path = pathOfChild(resources, parent, pathPart)
  const id = freshId(world, 6, id => resources.some(other => other.id === id))
  const made = { id, parentId: parent.id, pathPart, path }
  const next = withResources(api, [...resources, made])
  return { catalog: edited(putApi(catalog, next)), answer: viewOf(next, made, false) }
})

export const getResource: Operation = reading((catalog, input) => {
  const api = apiOf(catalog, input, UNKNOWN)
  return viewOf(api, resourceOf(api, textOf(input, 'resourceId') ?? ''), embedsMethods(input))
})

export const getResources: Operation = reading((catalog, input) => {
  const api = apiOf(catalog, input)
  const withMethods = embedsMethods(input)
  return pageAnswer(
    input,
    `restapis/${api.id}/resources`,
    resourcesOf(api),
    ({ id }) => id,
    resource => viewOf(api, resource, withMethods),
  )
})

const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`)

/** The API with a resource moved, and all below it. */
function moved(api: Api, self: Placed, parent: Placed, pathPart: string): Api {
  if (isBelow(parent.path, self.path)) badRequest('A resource cannot be moved below itself')
  const resources = resourcesOf(api)
  const path = pathOfChild(resources, parent, pathPart, self)
  const changed = resources.map(other => (other.id === self.id ? { ...self, parentId: parent.id, pathPart } : other))
  const next = withResources(
    {
      ...api,
      methods: api.methods.map(method =>
        isBelow(method.path, self.path) ? { ...method, path: path + method.path.slice(self.path.length) } : method,
      ),
    },
    changed,
  )
  // A parameter's name that was fine where it was may be there twice now.
  if (resourcesOf(next).length !== resources.length) badRequest(`Invalid resource path ${path}`)
  return next
}

export const updateResource: Operation = operation((catalog, input) => {
  const id = textOf(input, 'resourceId') ?? ''
  const start = apiOf(catalog, input, UNKNOWN)
  resourceOf(start, id)
  const api = applied(patchesOf(input, 'updateResource'), start, (api, patch) => {
    const self = resourceOf(api, id)
    if (patch.path !== '/parentId' && patch.path !== '/pathPart') return invalidPath(patch, ['/parentId', '/pathPart'])
    if (patch.op !== 'replace') {
      return badRequest(
        `Invalid patch path  '${patch.path}' specified for op '${patch.op}'. Please choose supported operations`,
      )
    }
    if (self.parentId === undefined) badRequest(`Root resource cannot update its ${patch.path.slice(1)}.`)
    const isMove = patch.path === '/parentId'
    const parent = resourceOf(api, isMove ? valueIn(patch) : (self.parentId as string))
    return moved(api, self, parent, isMove ? (self.pathPart as string) : valueIn(patch))
  })
  return { catalog: edited(putApi(catalog, api)), answer: viewOf(api, resourceOf(api, id), false) }
})

/** And all below it. */
export const deleteResource: Operation = operation((catalog, input) => {
  const api = apiOf(catalog, input, UNKNOWN)
  const self = resourceOf(api, textOf(input, 'resourceId') ?? '')
  if (self.parentId === undefined) badRequest('Root resource cannot be deleted.')
  const next = withResources(
    { ...api, methods: api.methods.filter(({ path }) => !isBelow(path, self.path)) },
    resourcesOf(api).filter(({ path }) => !isBelow(path, self.path)),
  )
  return { catalog: edited(putApi(catalog, next)), answer: null }
})

// Methods.

function methodView(method: Method): Answer {
  return {
    httpMethod: method.httpMethod,
    authorizationType: method.authorizationType ?? 'NONE',
    authorizerId: method.authorizerId,
    apiKeyRequired: method.apiKeyRequired,
    requestValidatorId: method.requestValidatorId,
    operationName: method.operationName,
    requestParameters: method.requestParameters,
    requestModels: method.requestModels,
    authorizationScopes: method.authorizationScopes,
    ...integrationMembers(method),
  }
}

const TEXT = 'Invalid method specified: a member is too long'
const AUTHORIZATIONS = ['NONE', 'AWS_IAM', 'CUSTOM', 'COGNITO_USER_POOLS']

function authorizationOf(text: string): string {
  if (AUTHORIZATIONS.includes(text)) return text
  return badRequest(`Invalid authorization type specified. Must be one of: [${AUTHORIZATIONS.join(', ')}]`)
}

export interface Found {
  readonly api: Api
  readonly resource: Placed
  readonly method: Method
}

/** The method that the path names. */
export function methodOf(catalog: Catalog, input: Input, label = 'httpMethod'): Found {
  const api = apiOf(catalog, input, UNKNOWN)
  const resource = resourceOf(api, textOf(input, 'resourceId') ?? '')
  const verb = textOf(input, label)
  const method = api.methods.find(({ path, httpMethod }) => path === resource.path && httpMethod === verb)
  return { api, resource, method: method ?? notFound('Invalid Method identifier specified') }
}

export const putMethod: Operation = operation((catalog, input) => {
  const verb = textOf(input, 'httpMethod') ?? ''
  const authorizationType = authorizationOf(requiredText(input, 'authorizationType', 'putMethod'))
  const api = apiOf(catalog, input, UNKNOWN)
  const resource = resourceOf(api, textOf(input, 'resourceId') ?? '')
  if (verb !== 'ANY' && !VERBS.includes(verb as HttpMethod)) {
    badRequest('Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY')
  }
  if (api.methods.some(({ path, httpMethod }) => path === resource.path && httpMethod === verb)) {
    refuse('ConflictException', 'Method already exists for this resource')
  }
  const method = given<Method>({
    path: resource.path,
    httpMethod: verb as HttpMethod,
    apiKeyRequired: flagOf(input, 'apiKeyRequired') ?? false,
    authorizationType,
    authorizerId: boundedText(input, 'authorizerId', 1024, TEXT),
    authorizationScopes: textsOf(input, 'authorizationScopes')?.map(scope => bounded(scope, 1024, TEXT)),
    operationName: boundedText(input, 'operationName', 1024, TEXT),
    requestValidatorId: boundedText(input, 'requestValidatorId', 1024, TEXT),
    requestParameters: mapWith(input, 'requestParameters', value =>
      typeof value === 'boolean'
        ? value
        : refuse('SerializationException', 'requestParameters: expected true or false'),
    ),
    requestModels: mapOf(input, 'requestModels'),
  })
  const next = withResources({ ...api, methods: [...api.methods, method] }, resourcesOf(api))
  return { catalog: edited(putApi(catalog, next)), answer: methodView(method) }
})

export const getMethod: Operation = reading((catalog, input) => methodView(methodOf(catalog, input).method))

type Texts = 'authorizerId' | 'operationName' | 'requestValidatorId'

function patched(method: Method, patch: Patch): Method {
  const { op, path, value } = patch
  const name = path.slice(1)
  const onlyReplaces = (): void => {
    if (op !== 'replace') badRequest('Invalid patch operation specified. Must be one of: [replace]')
  }
  switch (name) {
    case 'apiKeyRequired':
      onlyReplaces()
      return { ...method, apiKeyRequired: flagIn(patch) }
    case 'authorizationType':
      onlyReplaces()
      return { ...method, authorizationType: authorizationOf(valueIn(patch)) }
    case 'authorizerId':
    case 'operationName':
    case 'requestValidatorId': {
      onlyReplaces()
      const { [name satisfies Texts]: _, ...rest } = method
      return (value ? { ...rest, [name]: bounded(value, 1024, TEXT) } : rest) as Method
    }
    case 'authorizationScopes': {
      if (op !== 'add' && op !== 'remove')
        badRequest('Invalid patch operation specified. Must be one of: [add, remove]')
      const scope = bounded(valueIn(patch), 1024, TEXT)
      const others = (method.authorizationScopes ?? []).filter(other => other !== scope)
      return { ...method, authorizationScopes: op === 'add' ? [...others, scope] : others }
    }
  }
  return patchedMap(method, patch)
}

/** `/requestParameters/method.request.header.x`, `/requestModels/application~1json`. */
function patchedMap(method: Method, patch: Patch): Method {
  const [, map, part = ''] = /^\/(requestParameters|requestModels)\/([^/]+)$/.exec(patch.path) ?? []
  if (map !== 'requestParameters' && map !== 'requestModels') return badRequest(`Invalid patch path ${patch.path}`)
  if (!['add', 'replace', 'remove'].includes(patch.op)) {
    return badRequest('Invalid patch operation specified. Must be one of: [add, replace, remove]')
  }
  const { [unescaped(part)]: _, ...others } = (method[map] ?? {}) as Readonly<Record<string, unknown>>
  if (patch.op === 'remove') return { ...method, [map]: others }
  const value = map === 'requestModels' ? bounded(valueIn(patch), 1024, TEXT) : flagIn(patch)
  return { ...method, [map]: { ...others, [unescaped(part)]: value } }
}

export const updateMethod: Operation = operation((catalog, input) => {
  const { api, method } = methodOf(catalog, input)
  const changed = applied(patchesOf(input, 'updateMethod'), method, patched)
  const next =
    changed === method ? api : { ...api, methods: api.methods.map(other => (other === method ? changed : other)) }
  return { catalog: edited(putApi(catalog, next)), answer: methodView(changed) }
})

/** The resource stays. */
export const deleteMethod: Operation = operation((catalog, input) => {
  const { api, method } = methodOf(catalog, input)
  const next = withResources({ ...api, methods: api.methods.filter(other => other !== method) }, resourcesOf(api))
  return { catalog: edited(putApi(catalog, next)), answer: null }
})
