// The catalog: APIs, plans and keys as one immutable value, and the edits that give a new one.
// Floor 0: imports the data it is made of. JSON.stringify(catalog) is the document that `check` reads back.

import type { Account, Api, BasePathMapping } from './api.ts'
import type { ApiKey, UsagePlan } from './plan.ts'
import { RecentKeys } from './recent.ts'
import { type Table, tableOf } from './table.ts'

/** Where AWS can be read two ways, or leaves a choice, the catalog says which one it means. */
export interface Semantics {
  /** A method's throttle in a plan is asked beside the plan's (`additional`, the default) or in its place. */
  readonly methodThrottle?: 'additional' | 'override'
  /** The day a WEEK quota begins. Default `SUNDAY`. */
  readonly weekStart?: WeekDay
  /** `quota.offset` shifts the window's first day (`start-day`, the default), or is subtracted from the first window. */
  readonly quotaOffset?: 'start-day' | 'initial-requests'
}

export type WeekDay = 'SUNDAY' | 'MONDAY' | 'TUESDAY' | 'WEDNESDAY' | 'THURSDAY' | 'FRIDAY' | 'SATURDAY'

/** The days of the week in the order that `Semantics.weekStart` counts them. */
export const WEEK_DAYS: readonly WeekDay[] = [
  'SUNDAY',
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
]

/** Everything a gate decides by. Made by `check`, changed by the edits below, never in place. */
export interface Catalog {
  /** Your name for this state of the catalog; decisions repeat it. */
  readonly version?: string
  readonly account: Account
  readonly semantics: Semantics
  readonly apis: readonly Api[]
  readonly basePathMappings: readonly BasePathMapping[]
  readonly usagePlans: readonly UsagePlan[]
  readonly apiKeys: ApiKeys
}

/** Whether this is a catalog, not the document of one: a document's keys are a list, a catalog's can be asked by value. */
export function isCatalog(value: unknown): value is Catalog {
  const { apiKeys } = (value ?? {}) as { readonly apiKeys?: { readonly withValue?: unknown } | null }
  return typeof apiKeys?.withValue === 'function'
}

/** The keys of a catalog, found by id and by value. One key's edit costs the same among ten and among a million. */
export class ApiKeys {
  readonly #byId: Table<ApiKey>
  readonly #byValue: Table<ApiKey>
  #recent: RecentKeys | null = null

  /** @internal */
  constructor(byId: Table<ApiKey>, byValue: Table<ApiKey>) {
    this.#byId = byId
    this.#byValue = byValue
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: string): ApiKey | undefined {
    return this.#byId.get(id)
  }

  withValue(value: string): ApiKey | undefined {
    return (this.#recent ??= new RecentKeys()).find(value, this.#byValue)
  }

  [Symbol.iterator](): IterableIterator<ApiKey> {
    return this.#byId.values()[Symbol.iterator]()
  }

  /** The keys in a list, so that a catalog is its own JSON document. */
  toJSON(): ApiKey[] {
    return this.#byId.values()
  }

  /**
   * These keys put, by id, in their order.
   * @returns the new keys, or the first of them whose value another key has
   */
  put(keys: Iterable<ApiKey>): ApiKeys | { readonly taken: ApiKey } {
    const list = [...keys]
    // Values that these keys give up are free before any is claimed, so two keys may swap theirs. Looked up before the
    // edit: afterwards the Map is the newer table's, and reading the older one would undo all of it and do it again.
    const given: (readonly [string, undefined])[] = []
    for (const { id, value } of list) {
      const old = this.#byId.get(id)
      if (old !== undefined && old.value !== value) given.push([old.value, undefined])
    }
    const byId = this.#byId.edit(list.map(key => [key.id, key] as const))
    if (byId === this.#byId) return this
    const freed = this.#byValue.edit(given)
    const claims = new Map<string, ApiKey>()
    for (const { id } of list) {
      const key = byId.get(id) as ApiKey
      const holder = claims.get(key.value) ?? freed.get(key.value)
      if (holder !== undefined && holder.id !== id) return { taken: key }
      claims.set(key.value, key)
    }
    return new ApiKeys(byId, freed.edit(claims))
  }

  /** Without the keys of these ids; ids that name no key change nothing. */
  remove(ids: Iterable<string>): ApiKeys {
    const keys = [...ids].flatMap(id => this.#byId.get(id) ?? [])
    if (keys.length === 0) return this
    return new ApiKeys(
      this.#byId.edit(keys.map(key => [key.id, undefined] as const)),
      this.#byValue.edit(keys.map(key => [key.value, undefined] as const)),
    )
  }
}

/** No keys. */
export function noKeys(): ApiKeys {
  return new ApiKeys(tableOf(), tableOf())
}

/** A catalog of nothing, to edit upwards from. */
export const emptyCatalog = (): Catalog => ({
  account: {},
  semantics: {},
  apis: [],
  basePathMappings: [],
  usagePlans: [],
  apiKeys: noKeys(),
})

/**
 * Why an edit is not possible: the catalog that it would give could not be served. A value, since whoever edits for a
 * customer (the control plane, the key file) answers with it.
 */
export interface EditFault {
  readonly fault:
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

/** The catalog with these keys added, or replaced where their ids are known. */
export function putApiKeys(catalog: Catalog, keys: Iterable<ApiKey>): Catalog | EditFault {
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
  const names = new Set<string>()
  for (const { apiId, stage } of plan.apiStages) {
    const name = `${apiId}:${stage}`
    if (stageOf(catalog, apiId, stage) === undefined) {
      return { fault: 'stage-unknown', message: `API Stage not found: ${name}` }
    }
    if (names.has(name)) {
      return { fault: 'stages-overlap', message: `usage plan ${plan.id} would have API stage ${name} twice` }
    }
    names.add(name)
  }
  const usagePlans = put(catalog.usagePlans, plan)
  if (usagePlans === catalog.usagePlans) return catalog
  const edited = { ...catalog, usagePlans }
  for (const key of catalog.apiKeys) {
    const fault = key.usagePlanIds.includes(plan.id) ? faultOfBinding(edited, key) : null
    if (fault !== null) return fault
  }
  return edited
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
  const unbound = putApiKeys(catalog, keys)
  return isFault(unbound) ? unbound : { ...unbound, usagePlans: catalog.usagePlans.filter(plan => plan.id !== id) }
}

/** The catalog with this API added, or replaced where its id is known. Plans must not be left on a stage that is gone. */
export function putApi(catalog: Catalog, api: Api): Catalog | EditFault {
  const apis = put(catalog.apis, api)
  return apis === catalog.apis ? catalog : withStagesKept({ ...catalog, apis })
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
  const { id, stageName, ...rest } = deployment
  if (api.deployments.some(other => other.id === id)) {
    return {
      fault: 'deployment-exists',
      message: `API ${apiId} has a deployment ${id} already, and a deployment never changes`,
    }
  }
  const { apiKeySource, methods, gatewayResponses } = api
  const snapshot = { ...rest, id, apiKeySource, methods, ...(gatewayResponses && { gatewayResponses }) }
  const stage = { ...api.stages.find(stage => stage.stageName === stageName), stageName, deploymentId: id }
  return putApi(catalog, {
    ...api,
    deployments: [...api.deployments, snapshot],
    stages: api.stages.some(other => other.stageName === stageName)
      ? api.stages.map(other => (other.stageName === stageName ? stage : other))
      : [...api.stages, stage],
  })
}

/** The stage of that name, if the catalog has it. */
export function stageOf(catalog: Catalog, apiId: string, stage: string): Api['stages'][number] | undefined {
  return catalog.apis.find(api => api.id === apiId)?.stages.find(other => other.stageName === stage)
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

/** The list with this item in place of the one with its id, or at the end; the list itself when it holds this very item. */
function put<T extends { readonly id: string }>(list: readonly T[], item: T): readonly T[] {
  if (list.includes(item)) return list
  return list.some(other => other.id === item.id)
    ? list.map(other => (other.id === item.id ? item : other))
    : [...list, item]
}
