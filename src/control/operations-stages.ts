// Deployments and stages. Floor 4: pure. A deployment is a snapshot; a stage serves one, and going back is pointing it
// at an older one.
// Source: AWS API Gateway, API_Deployment, API_Stage and their operations; messages as recorded on AWS.

import type { Api, Deployment, Stage } from '../core/api.ts'
import type { Catalog } from '../core/catalog.ts'
import { putApi } from '../core/edits.ts'
import { withAddress } from './addresses.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import { bounded, boundedText, flagOf, given, mapOf, objectOf, requiredText, tagsOf, textOf } from './input.ts'
import { settingPatched, settingsView } from './method-settings.ts'
import { type Answer, edited, type Input, type Operation, operation, reading } from './operation.ts'
import { apiOf, withoutStage } from './operations-apis.ts'
import { freshId } from './operations-keys.ts'
import { pageAnswer } from './page.ts'
import { applied, flagIn, type Patch, patchesOf, unescaped, valueIn } from './patch.ts'

const TEXT = 'Invalid description specified.'
const VARIABLES = 'Invalid stage variables specified.'

function deploymentOf(api: Api, id: string): Deployment {
  return api.deployments.find(deployment => deployment.id === id) ?? notFound('Invalid Deployment identifier specified')
}

function deploymentView({ id, description, createdDate, methods }: Deployment, input: Input): Answer {
  const embed = input['embed']
  const summary: Record<string, Record<string, Answer>> = Object.create(null)
  for (const { path, httpMethod, authorizationType = 'NONE', apiKeyRequired } of methods) {
    summary[path] ??= {}
    summary[path][httpMethod] = { authorizationType, apiKeyRequired }
  }
  const isAsked = Array.isArray(embed) && embed.includes('apisummary')
  return { id, description: description || undefined, createdDate, apiSummary: isAsked ? summary : undefined }
}

function notCanary(input: Input): void {
  if (objectOf(input, 'canarySettings') !== undefined) badRequest('canarySettings are not supported by tollgate')
}

function variablesOf(input: Input): Stage['variables'] {
  const variables = mapOf(input, 'variables')
  for (const value of Object.values(variables ?? {})) bounded(value, 2048, VARIABLES)
  return variables
}

/** What both a new stage and a new deployment may say of a stage. */
function stageMembers(input: Input, description: string): Partial<Stage> {
  notCanary(input)
  return given<Partial<Stage>>({
    description: boundedText(input, description, 125_000, TEXT) || undefined,
    variables: variablesOf(input),
    cacheClusterEnabled: flagOf(input, 'cacheClusterEnabled'),
    cacheClusterSize: boundedText(input, 'cacheClusterSize', 16, 'Invalid cache cluster size specified'),
    tracingEnabled: flagOf(input, 'tracingEnabled'),
  })
}

function stageNameOf(text: string): string {
  return /^[a-zA-Z0-9_-]{1,128}$/.test(text) ? text : badRequest('Stage name only allows a-zA-Z0-9_')
}

function withStage(api: Api, stage: Stage): Api {
  const isThere = api.stages.some(({ stageName }) => stageName === stage.stageName)
  return {
    ...api,
    stages: isThere
      ? api.stages.map(other => (other.stageName === stage.stageName ? stage : other))
      : [...api.stages, stage],
  }
}

/** A snapshot of the API as it stands; with a stage's name that stage is made, or points to it. */
export const createDeployment: Operation = operation((catalog, input, world) => {
  const api = apiOf(catalog, input)
  const stageName = textOf(input, 'stageName')
  const description = boundedText(input, 'description', 125_000, TEXT)
  const members = stageMembers(input, 'stageDescription')
  if (api.methods.length === 0) badRequest("The REST API doesn't contain any methods")
  const deployment = given<Deployment>({
    id: freshId(world, 6, id => api.deployments.some(other => other.id === id)),
    description: description || undefined,
    createdDate: world.now,
    apiKeySource: api.apiKeySource,
    methods: api.methods,
    gatewayResponses: api.gatewayResponses,
  })
  let next: Api = { ...api, deployments: [...api.deployments, deployment] }
  if (stageName) {
    const old = api.stages.find(stage => stage.stageName === stageName)
    next = withStage(next, {
      ...(old ?? { stageName: stageNameOf(stageName), createdDate: world.now }),
      ...members,
      deploymentId: deployment.id,
      lastUpdatedDate: world.now,
    })
  }
  const deployed = edited(putApi(catalog, next))
  const place = { apiId: api.id, stage: stageName ?? '' }
  return {
    catalog: stageName ? withAddress(catalog, deployed, place) : deployed,
    answer: deploymentView(deployment, {}),
  }
})

export const getDeployment: Operation = reading((catalog, input) =>
  deploymentView(deploymentOf(apiOf(catalog, input), textOf(input, 'deploymentId') ?? ''), input),
)

/** Newest first. */
export const getDeployments: Operation = reading((catalog, input) => {
  const api = apiOf(catalog, input)
  return pageAnswer(
    input,
    `restapis/${api.id}/deployments`,
    [...api.deployments].reverse(),
    ({ id }) => id,
    deployment => deploymentView(deployment, {}),
  )
})

export const updateDeployment: Operation = operation((catalog, input) => {
  const api = apiOf(catalog, input)
  const old = deploymentOf(api, textOf(input, 'deploymentId') ?? '')
  const changed = applied(patchesOf(input, 'updateDeployment'), old, (deployment, patch) => {
    if (patch.path !== '/description' || patch.op !== 'replace') return badRequest(`Invalid patch path ${patch.path}`)
    return { ...deployment, description: bounded(valueIn(patch), 125_000, TEXT) }
  })
  const deployments = api.deployments.map(other => (other === old ? changed : other))
  const next = changed === old ? catalog : edited(putApi(catalog, { ...api, deployments }))
  return { catalog: next, answer: deploymentView(changed, {}) }
})

export const deleteDeployment: Operation = operation((catalog, input) => {
  const api = apiOf(catalog, input)
  const { id } = deploymentOf(api, textOf(input, 'deploymentId') ?? '')
  if (api.stages.some(({ deploymentId }) => deploymentId === id)) {
    badRequest('Active stages pointing to this deployment must be moved or deleted')
  }
  const deployments = api.deployments.filter(deployment => deployment.id !== id)
  return { catalog: edited(putApi(catalog, { ...api, deployments })), answer: null }
})

// Stages.

function stageOf(api: Api, input: Input): Stage {
  const name = textOf(input, 'stageName')
  return api.stages.find(({ stageName }) => stageName === name) ?? notFound('Invalid stage identifier specified')
}

function stageView(stage: Stage): Answer {
  return {
    deploymentId: stage.deploymentId,
    clientCertificateId: stage.clientCertificateId,
    stageName: stage.stageName,
    description: stage.description || undefined,
    cacheClusterEnabled: stage.cacheClusterEnabled ?? false,
    cacheClusterSize: stage.cacheClusterSize,
    cacheClusterStatus: 'NOT_AVAILABLE',
    methodSettings: settingsView(stage.methodSettings),
    variables: stage.variables,
    documentationVersion: stage.documentationVersion,
    accessLogSettings: stage.accessLogSettings,
    tracingEnabled: stage.tracingEnabled ?? false,
    tags: stage.tags,
    createdDate: stage.createdDate,
    lastUpdatedDate: stage.lastUpdatedDate ?? stage.createdDate,
  }
}

export const createStage: Operation = operation((catalog, input, world) => {
  const stageName = stageNameOf(requiredText(input, 'stageName', 'createStage'))
  const deploymentId = requiredText(input, 'deploymentId', 'createStage')
  const api = apiOf(catalog, input)
  if (api.stages.some(stage => stage.stageName === stageName)) refuse('ConflictException', 'Stage already exists')
  const stage = given<Stage>({
    ...stageMembers(input, 'description'),
    stageName,
    deploymentId: deploymentOf(api, deploymentId).id,
    documentationVersion: boundedText(input, 'documentationVersion', 1024, 'Invalid documentation version specified'),
    createdDate: world.now,
    lastUpdatedDate: world.now,
    tags: tagsOf(input),
  } as Stage)
  const next = edited(putApi(catalog, withStage(api, stage)))
  return { catalog: withAddress(catalog, next, { apiId: api.id, stage: stageName }), answer: stageView(stage) }
})

export const getStage: Operation = reading((catalog, input) => stageView(stageOf(apiOf(catalog, input), input)))

/** In the order they were made; this list has no pages on AWS. */
export const getStages: Operation = reading((catalog, input) => {
  const deploymentId = textOf(input, 'deploymentId')
  const { stages } = apiOf(catalog, input)
  return { item: stages.filter(stage => !deploymentId || stage.deploymentId === deploymentId).map(stageView) }
})

/** Plans no longer have it; a stage of the same name, made later, is not put back into them. */
export const deleteStage: Operation = operation((catalog, input) => {
  const api = apiOf(catalog, input)
  const { stageName } = stageOf(api, input)
  const stages = api.stages.filter(stage => stage.stageName !== stageName)
  return { catalog: edited(putApi(withoutStage(catalog, api.id, stageName), { ...api, stages })), answer: null }
})

/** Sic: AWS's own message lacks these commas. */
const PATHS =
  '/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, /{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/{httpMethod}/caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, /{resourcePath}/{httpMethod}/caching/dataEncrypted, /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, /{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, /*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled'

function patched(api: Api, stage: Stage, patch: Patch): Stage {
  const { op, path } = patch
  if (path.startsWith('/canarySettings') || op === 'copy') badRequest('canarySettings are not supported by tollgate')
  if (path === '/variables' && op === 'remove') {
    const { variables: _, ...rest } = stage
    return rest
  }
  const [, variable] = /^\/variables\/([^/]+)$/.exec(path) ?? []
  if (variable !== undefined && (op === 'replace' || op === 'remove' || op === 'add')) {
    const { [unescaped(variable)]: _, ...others } = stage.variables ?? {}
    if (op === 'remove') return { ...stage, variables: others }
    return { ...stage, variables: { ...others, [unescaped(variable)]: bounded(valueIn(patch), 2048, VARIABLES) } }
  }
  if (path === '/accessLogSettings' && op === 'remove') {
    const { accessLogSettings: _, ...rest } = stage
    return rest
  }
  return (op === 'replace' ? replaced(api, stage, patch) : null) ?? settingPatched(stage, patch) ?? unknownPath(patch)
}

function unknownPath({ path }: Patch): never {
  return badRequest(`Invalid method setting path: ${path}. Must be one of: [${PATHS}]`)
}

/** Null where the path is none of these. */
function replaced(api: Api, stage: Stage, patch: Patch): Stage | null {
  const text = (most: number): string => bounded(valueIn(patch), most, `Invalid value specified for ${patch.path}`)
  switch (patch.path) {
    case '/deploymentId':
      return { ...stage, deploymentId: deploymentOf(api, valueIn(patch)).id }
    case '/description':
      return { ...stage, description: bounded(valueIn(patch), 125_000, TEXT) }
    case '/documentationVersion':
      return { ...stage, documentationVersion: text(1024) }
    case '/cacheClusterEnabled':
      return { ...stage, cacheClusterEnabled: flagIn(patch) }
    case '/cacheClusterSize':
      return { ...stage, cacheClusterSize: text(16) }
    case '/clientCertificateId':
      return { ...stage, clientCertificateId: text(1024) }
    case '/tracingEnabled':
      return { ...stage, tracingEnabled: flagIn(patch) }
    case '/accessLogSettings/destinationArn':
      return { ...stage, accessLogSettings: { ...stage.accessLogSettings, destinationArn: text(2048) } }
    case '/accessLogSettings/format':
      return { ...stage, accessLogSettings: { ...stage.accessLogSettings, format: text(100_000) } }
    default:
      return null
  }
}

export const updateStage: Operation = operation((catalog: Catalog, input, world) => {
  const patches = patchesOf(input, 'updateStage')
  const api = apiOf(catalog, input)
  const old = stageOf(api, input)
  const changed = applied(patches, old, (stage, patch) => patched(api, stage, patch))
  if (changed === old) return { catalog, answer: stageView(old) }
  const stage = { ...changed, lastUpdatedDate: world.now }
  return { catalog: edited(putApi(catalog, withStage(api, stage))), answer: stageView(stage) }
})
