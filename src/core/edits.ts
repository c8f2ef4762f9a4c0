// The edits of a catalog, each a pure function to a new one. Floor 0: what is put is read as `check` reads it (shapes.ts).

import type { Api } from './api.ts'
import { type Catalog, stageOf } from './catalog.ts'
import type { ApiKey, UsagePlan } from './plan.ts'
import { list, Notes, type Reader } from './readers.ts'
import { relateApi, relateDate } from './relations.ts'
import { api as apiShape, deploying, key as keyShape, plan as planShape } from './shapes.ts'

/**
 * Why an edit is not possible: the catalog that it would give could not be served. A value, since whoever edits for a
 * customer (the control plane, the key file) answers with it. What is `malformed` is told by the first issue that `check`
 * would have with it.
 */
export interface EditFault {
  readonly fault:
    | 'malformed'
    | 'value-taken'
    | 'plan-unknown'
    | 'stages-overlap'
    | 'stage-unknown'
    | 'plan-in-use'
    | 'api-in-use'
    | 'deployment-exists'
  /** Ids and names only, never a key's value. */
  readonly message: string
}

export function isFault(edited: Catalog | EditFault): edited is EditFault {
  return 'fault' in edited
}

/** What is put, as `check` would have read it, or the first thing that is wrong with it. Its path begins with `name`. */
function readAs<T extends object>(name: string, read: Reader<T>, given: unknown): T | EditFault {
  const notes = new Notes()
  notes.at.push(name)
  const sound = read(notes, given)
  const [issue] = notes.issues
  return issue === undefined ? (sound as T) : { fault: 'malformed', message: issue.message }
}

/** The catalog with these keys added, or replaced where their ids are known. */
export function putApiKeys(catalog: Catalog, keys: Iterable<ApiKey>): Catalog | EditFault {
  const isKnown = (key: unknown): key is ApiKey =>
    typeof key === 'object' && key !== null && catalog.apiKeys.get((key as ApiKey).id) === key
  const given = typeof (keys as Partial<typeof keys> | null)?.[Symbol.iterator] === 'function' ? [...keys] : keys
  const read = readAs(
    'keys',
    list<ApiKey>((notes, key) => (isKnown(key) ? key : keyShape(notes, key))),
    given,
  )
  return 'fault' in read ? read : putSoundKeys(catalog, read)
}

/** As `putApiKeys`, of keys that were read already, by `check` or by the key file: a million are not read twice. */
export function putSoundKeys(catalog: Catalog, keys: Iterable<ApiKey>): Catalog | EditFault {
  const list = [...keys]
  // A million keys of an import share a few lists of plans: each list is looked at once.
  const sound = new Set<readonly string[]>()
  for (const key of list) {
    if (sound.has(key.usagePlanIds)) continue
    const fault = faultOfBinding(catalog, key)
    if (fault !== null) return fault
    sound.add(key.usagePlanIds)
  }
  const apiKeys = catalog.apiKeys.put(list)
  if ('taken' in apiKeys) {
    return { fault: 'value-taken', message: `another key already has the value of key ${apiKeys.taken.id}` }
  }
  return apiKeys === catalog.apiKeys ? catalog : { ...catalog, apiKeys }
}

/** The catalog without these keys. */
export function removeApiKeys(catalog: Catalog, ids: Iterable<string>): Catalog {
  const apiKeys = catalog.apiKeys.remove(ids)
  return apiKeys === catalog.apiKeys ? catalog : { ...catalog, apiKeys }
}

/** The catalog with this plan added, or replaced where its id is known. Looks at the plan's keys, so it costs them. */
export function putUsagePlan(catalog: Catalog, plan: UsagePlan): Catalog | EditFault {
  if (catalog.usagePlans.includes(plan)) return catalog
  const sound = readAs('plan', soundPlan(catalog), plan)
  if ('fault' in sound) return sound
  const names = new Set<string>()
  for (const { apiId, stage } of sound.apiStages) {
    const name = `${apiId}:${stage}`
    if (stageOf(catalog, apiId, stage) === undefined) {
      return { fault: 'stage-unknown', message: `API Stage not found: ${name}` }
    }
    if (names.has(name)) {
      return { fault: 'stages-overlap', message: `usage plan ${sound.id} would have API stage ${name} twice` }
    }
    names.add(name)
  }
  const edited = { ...catalog, usagePlans: put(catalog.usagePlans, sound) }
  for (const key of catalog.apiKeys) {
    const fault = key.usagePlanIds.includes(sound.id) ? faultOfBinding(edited, key) : null
    if (fault !== null) return fault
  }
  return edited
}

const soundPlan =
  ({ semantics }: Catalog): Reader<UsagePlan> =>
  (notes, given) => {
    const read = planShape(notes, given)
    if (read !== undefined && semantics.quotaOffset === 'initial-requests') relateDate(read, notes.here(), notes)
    return read
  }

/** The catalog without this plan, and its keys no longer bound to it. */
export function removeUsagePlan(catalog: Catalog, id: string): Catalog | EditFault {
  const plan = catalog.usagePlans.find(plan => plan.id === id)
  if (plan === undefined) return catalog
  const keys: ApiKey[] = []
  for (const key of catalog.apiKeys) {
    if (key.usagePlanIds.includes(id))
      keys.push({ ...key, usagePlanIds: key.usagePlanIds.filter(other => other !== id) })
  }
  const unbound = putSoundKeys(catalog, keys)
  return isFault(unbound) ? unbound : { ...unbound, usagePlans: catalog.usagePlans.filter(plan => plan.id !== id) }
}

/** The catalog with this API added, or replaced where its id is known. Plans must not be left on a stage that is gone. */
export function putApi(catalog: Catalog, api: Api): Catalog | EditFault {
  if (catalog.apis.includes(api)) return catalog
  const sound = readAs('api', soundApi, api)
  return 'fault' in sound ? sound : putSoundApi(catalog, sound)
}

function putSoundApi(catalog: Catalog, api: Api): Catalog | EditFault {
  return withStagesKept({ ...catalog, apis: put(catalog.apis, api) })
}

const soundApi: Reader<Api> = (notes, given) => {
  const read = apiShape(notes, given)
  if (read !== undefined) relateApi(read, notes.here(), i => notes.here('methods', i, 'path'), notes)
  return read
}

/** The catalog without this API; no plan and no mapping may still name one of its stages. */
export function removeApi(catalog: Catalog, id: string): Catalog | EditFault {
  if (!catalog.apis.some(api => api.id === id)) return catalog
  return withStagesKept({ ...catalog, apis: catalog.apis.filter(api => api.id !== id) })
}

/**
 * The catalog with the API's methods and gateway responses as they stand snapshotted under `id`, and `stageName` pointing
 * there (made when it is new). Rolling back is `putApi` with the stage pointing at an older deployment.
 */
export function deploy(
  catalog: Catalog,
  apiId: string,
  deployment: { readonly id: string; readonly stageName: string; readonly description?: string },
): Catalog | EditFault {
  const api = catalog.apis.find(api => api.id === apiId)
  if (api === undefined) return { fault: 'stage-unknown', message: `API not found: ${apiId}` }
  const sound = readAs('deployment', deploying, deployment)
  if ('fault' in sound) return sound
  const { id, stageName, ...rest } = sound
  if (api.deployments.some(other => other.id === id)) {
    return {
      fault: 'deployment-exists',
      message: `API ${apiId} has a deployment ${id} already, and a deployment never changes`,
    }
  }
  const { apiKeySource, methods, gatewayResponses } = api
  const snapshot = { ...rest, id, apiKeySource, methods, ...(gatewayResponses && { gatewayResponses }) }
  const stage = { ...api.stages.find(stage => stage.stageName === stageName), stageName, deploymentId: id }
  return putSoundApi(catalog, {
    ...api,
    deployments: [...api.deployments, snapshot],
    stages: api.stages.some(other => other.stageName === stageName)
      ? api.stages.map(other => (other.stageName === stageName ? stage : other))
      : [...api.stages, stage],
  })
}

/** What is wrong with a key's plans: one that is not there, or two that share a stage. */
export function faultOfBinding(catalog: Pick<Catalog, 'usagePlans'>, key: ApiKey): EditFault | null {
  const planOfStage = new Map<string, string>()
  for (const id of key.usagePlanIds) {
    const plan = catalog.usagePlans.find(plan => plan.id === id)
    if (plan === undefined) return { fault: 'plan-unknown', message: `usage plan not found: ${id}` }
    if (key.usagePlanIds.length === 1) return null
    for (const { apiId, stage } of plan.apiStages) {
      const name = `${apiId}:${stage}`
      const other = planOfStage.get(name)
      if (other !== undefined) {
        const message = `key ${key.id} would have two usage plans for API stage ${name}: ${other} and ${id}`
        return { fault: 'stages-overlap', message }
      }
      planOfStage.set(name, id)
    }
  }
  return null
}

function withStagesKept(catalog: Catalog): Catalog | EditFault {
  for (const plan of catalog.usagePlans) {
    for (const { apiId, stage } of plan.apiStages) {
      if (stageOf(catalog, apiId, stage) !== undefined) continue
      return { fault: 'plan-in-use', message: `usage plan ${plan.id} is associated with API stage ${apiId}:${stage}` }
    }
  }
  for (const { apiId, stage } of catalog.basePathMappings) {
    if (stageOf(catalog, apiId, stage) !== undefined) continue
    return { fault: 'api-in-use', message: `a base path mapping leads to API stage ${apiId}:${stage}` }
  }
  return catalog
}

/** The list with this item in place of the one with its id, or at the end. */
function put<T extends { readonly id: string }>(list: readonly T[], item: T): readonly T[] {
  return list.some(other => other.id === item.id)
    ? list.map(other => (other.id === item.id ? item : other))
    : [...list, item]
}
