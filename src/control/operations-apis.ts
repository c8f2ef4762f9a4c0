// REST APIs: create, get, list, update, delete, import. Floor 4: pure.
// Source: AWS API Gateway, API_RestApi and its operations.

import type { Api, ApiKeySource } from '../core/api.ts'
import type { Catalog } from '../core/catalog.ts'
import { putApi, removeApi } from '../core/edits.ts'
import { withoutAddress } from './addresses.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import {
  bounded,
  boundedText,
  flagOf,
  given,
  numberOf,
  objectOf,
  requiredText,
  tagsOf,
  textOf,
  textsOf,
} from './input.ts'
import { type Definition, definitionOf } from './openapi.ts'
import { type Answer, edited, type Input, type Operation, operation, reading } from './operation.ts'
import { freshId } from './operations-keys.ts'
import { pageAnswer } from './page.ts'
import { applied, flagIn, invalidPath, type Patch, patchesOf, unescaped, valueIn, wholeIn } from './patch.ts'
import { checkSiblings, resourcesOf, withResources } from './resources.ts'
import type { World } from './world.ts'

const NAME = 'Invalid API name specified: it can be at most 1024 characters'
const TEXT = 'Invalid API description specified'

export function apiOf(catalog: Catalog, input: Input, message?: string): Api {
  const id = textOf(input, 'restApiId') ?? ''
  return (
    catalog.apis.find(api => api.id === id) ?? notFound(message ?? `Invalid API identifier specified ${ACCOUNT}:${id}`)
  )
}

/** The account that AWS's messages name. Here there is one, and it has no number. */
const ACCOUNT = '000000000000'

function viewOf(api: Api, tags: 'always' | 'if any'): Answer {
  return {
    id: api.id,
    name: api.name,
    description: api.description || undefined,
    createdDate: api.createdDate,
    version: api.version,
    binaryMediaTypes: api.binaryMediaTypes,
    minimumCompressionSize: api.minimumCompressionSize,
    apiKeySource: api.apiKeySource,
    endpointConfiguration: api.endpointConfiguration ?? { types: ['EDGE'] },
    policy: api.policy,
    tags: tags === 'always' ? (api.tags ?? {}) : api.tags,
    disableExecuteApiEndpoint: api.disableExecuteApiEndpoint ?? false,
    rootResourceId: resourcesOf(api)[0]?.id,
  }
}

function sourceOf(text: string | undefined, member: string): ApiKeySource | undefined {
  if (text === undefined || text === 'HEADER' || text === 'AUTHORIZER') return text
  return refuse(
    'ValidationException',
    `1 validation error detected: Value '${text}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set: [AUTHORIZER, HEADER]`,
  )
}

function compression(size: number | undefined): number | undefined {
  if (size === undefined || (Number.isInteger(size) && size >= 0 && size <= 10_485_760)) return size
  return badRequest('Invalid minimum compression size, must be between 0 and 10485760')
}

function endpointOf(input: Input): Api['endpointConfiguration'] {
  const endpoint = objectOf(input, 'endpointConfiguration')
  if (endpoint === undefined) return undefined
  const types = textsOf(endpoint, 'types')
  if (types?.some(type => !['EDGE', 'REGIONAL', 'PRIVATE'].includes(type))) {
    badRequest('Invalid endpoint type specified. Must be one of: [EDGE, REGIONAL, PRIVATE]')
  }
  return given({ types, vpcEndpointIds: textsOf(endpoint, 'vpcEndpointIds') })
}

function newApi(catalog: Catalog, world: World, made: Omit<Api, 'id' | 'createdDate' | 'deployments' | 'stages'>): Api {
  const id = freshId(world, 10, id => catalog.apis.some(api => api.id === id))
  const api: Api = { ...made, id, createdDate: world.now, deployments: [], stages: [] }
  return api.resources === undefined ? withResources(api, [{ id: freshId(world, 10, () => false), path: '/' }]) : api
}

export const createRestApi: Operation = operation((catalog, input, world) => {
  const cloneFrom = textOf(input, 'cloneFrom')
  const source = cloneFrom === undefined ? undefined : apiOf(catalog, { restApiId: cloneFrom })
  const made = newApi(
    catalog,
    world,
    given<Api>({
      name: bounded(requiredText(input, 'name', 'createRestApi'), 1024, NAME),
      description: boundedText(input, 'description', 125_000, TEXT) || undefined,
      version: boundedText(input, 'version', 1024, TEXT),
      apiKeySource: sourceOf(textOf(input, 'apiKeySource'), 'createRestApiInput.apiKeySource') ?? 'HEADER',
      binaryMediaTypes: textsOf(input, 'binaryMediaTypes'),
      minimumCompressionSize: compression(numberOf(input, 'minimumCompressionSize')),
      endpointConfiguration: endpointOf(input),
      policy: boundedText(input, 'policy', 125_000, 'Invalid policy document.'),
      disableExecuteApiEndpoint: flagOf(input, 'disableExecuteApiEndpoint'),
      tags: tagsOf(input),
      methods: source?.methods ?? [],
      gatewayResponses: source?.gatewayResponses,
    } as Api),
  )
  return { catalog: edited(putApi(catalog, made)), answer: viewOf(made, 'if any') }
})

export const getRestApi: Operation = reading((catalog, input) => viewOf(apiOf(catalog, input), 'always'))

/** Newest first, as keys are; the order of AWS's list nobody has recorded. */
export const getRestApis: Operation = reading((catalog, input) =>
  pageAnswer(
    input,
    'restapis',
    [...catalog.apis].reverse(),
    ({ id }) => id,
    api => viewOf(api, 'if any'),
  ),
)

const REPLACED = [
  '/name',
  '/description',
  '/version',
  '/apiKeySource',
  '/policy',
  '/minimumCompressionSize',
  '/disableExecuteApiEndpoint',
]
const MEDIA = '/binaryMediaTypes/'

function patched(api: Api, patch: Patch): Api {
  const { op, path } = patch
  if (path.startsWith(MEDIA) && (op === 'add' || op === 'remove')) {
    const type = bounded(unescaped(path.slice(MEDIA.length)), 1024, 'Invalid media type specified')
    const others = (api.binaryMediaTypes ?? []).filter(other => other !== type)
    return { ...api, binaryMediaTypes: op === 'add' ? [...others, type] : others }
  }
  if (op === 'remove' && path === '/minimumCompressionSize') {
    const { minimumCompressionSize: _, ...rest } = api
    return rest
  }
  if (op !== 'replace') return invalidPath(patch, ['/binaryMediaTypes/{media_type}'])
  switch (path) {
    case '/name':
      return { ...api, name: bounded(valueIn(patch), 1024, NAME) }
    case '/description':
      return { ...api, description: bounded(valueIn(patch), 125_000, TEXT) }
    case '/version':
      return { ...api, version: bounded(valueIn(patch), 1024, TEXT) }
    case '/policy':
      return { ...api, policy: bounded(valueIn(patch), 125_000, 'Invalid policy document.') }
    case '/apiKeySource':
      return { ...api, apiKeySource: sourceOf(valueIn(patch), 'updateRestApiInput.apiKeySource') as ApiKeySource }
    case '/minimumCompressionSize':
      return { ...api, minimumCompressionSize: wholeIn(patch, 0, 10_485_760) }
    case '/disableExecuteApiEndpoint':
      return { ...api, disableExecuteApiEndpoint: flagIn(patch) }
    default:
      return invalidPath(patch, REPLACED)
  }
}

export const updateRestApi: Operation = operation((catalog, input) => {
  const api = applied(patchesOf(input, 'updateRestApi'), apiOf(catalog, input), patched)
  return { catalog: edited(putApi(catalog, api)), answer: viewOf(api, 'always') }
})

/**
 * The catalog whose plans no longer have this stage, or, without a name, any stage of the API (as observed on AWS), and
 * where it is no longer called.
 */
export function withoutStage(before: Catalog, apiId: string, stageName?: string): Catalog {
  const goes = (apiStage: { readonly apiId: string; readonly stage: string }): boolean =>
    apiStage.apiId === apiId && (stageName === undefined || apiStage.stage === stageName)
  const catalog = withoutAddress(before, goes)
  if (!catalog.usagePlans.some(({ apiStages }) => apiStages.some(goes))) return catalog
  const usagePlans = catalog.usagePlans.map(plan =>
    plan.apiStages.some(goes) ? { ...plan, apiStages: plan.apiStages.filter(stage => !goes(stage)) } : plan,
  )
  return { ...catalog, usagePlans }
}

export const deleteRestApi: Operation = operation((catalog, input) => {
  const { id } = apiOf(catalog, input)
  return { catalog: edited(removeApi(withoutStage(catalog, id), id)), answer: null }
})

// OpenAPI.

/** The API that a definition makes of one: all of it anew, or on top of what there is. */
function defined(api: Api, { kept, methods, gatewayResponses }: Definition, mode: 'merge' | 'overwrite'): Api {
  const isNew = new Set(methods.map(({ path, httpMethod }) => `${httpMethod} ${path}`))
  const others = api.methods.filter(({ path, httpMethod }) => !isNew.has(`${httpMethod} ${path}`))
  const all = mode === 'merge' ? [...others, ...methods] : methods
  checkSiblings(all)
  const responses = mode === 'merge' ? { ...api.gatewayResponses, ...gatewayResponses } : gatewayResponses
  const { gatewayResponses: _, ...rest } = api
  return given<Api>({
    ...rest,
    ...kept,
    methods: all,
    gatewayResponses: responses && Object.keys(responses).length > 0 ? responses : undefined,
  } as Api)
}

/** Resources keep their ids where their paths stay. */
function withIds(api: Api, mode: 'merge' | 'overwrite'): Api {
  const placed = resourcesOf(api)
  const used = placed.filter(({ path }) => path === '/' || api.methods.some(method => isBelow(method.path, path)))
  return withResources(api, mode === 'merge' ? placed : used)
}

const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`)

export const importRestApi: Operation = operation((catalog, input, world) => {
  const definition = definitionOf(textOf(input, 'body') ?? '')
  const base: Api = newApi(catalog, world, { apiKeySource: 'HEADER', methods: [] })
  const api = withIds(defined(base, definition, 'overwrite'), 'overwrite')
  return { catalog: edited(putApi(catalog, api)), answer: viewOf(api, 'if any') }
})

export const putRestApi: Operation = operation((catalog, input) => {
  const mode = textOf(input, 'mode') ?? 'merge'
  if (mode !== 'merge' && mode !== 'overwrite') {
    return refuse(
      'ValidationException',
      `1 validation error detected: Value '${mode}' at 'putRestApiInput.mode' failed to satisfy constraint: Member must satisfy enum value set: [merge, overwrite]`,
    )
  }
  const api = withIds(defined(apiOf(catalog, input), definitionOf(textOf(input, 'body') ?? ''), mode), mode)
  return { catalog: edited(putApi(catalog, api)), answer: viewOf(api, 'always') }
})
