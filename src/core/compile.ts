// Catalog → Index: what a request is looked up in. Floor 2. Derived, opaque, never serialised.
// Limits are built once per plan and shared by its keys. Keys are not compiled at all: the catalog's own table is the
// index of them, so an edit of one key among a million compiles nothing.

import { type Api, type BasePathMapping, type Method, type Stage, settingKey, throttleKey } from './api.ts'
import type { ApiKeys, Catalog } from './catalog.ts'
import type { KeysByValue } from './keys-by-value.ts'
import { bucketOf, type MethodBucket, type PlanLimits, quotaIn, type SharedBucket, sharedOf } from './limits.ts'
import type { UsagePlan } from './plan.ts'
import { Routes } from './routes.ts'
import type { Place } from './slots.ts'

/** A method of a stage as it is served: its declaration, and the limits that all its callers share. */
export interface Served {
  readonly method: Method
  /** Counts the stage's methods: the place of this one in `PlanAtStage.methods`. */
  readonly ordinal: number
  readonly shared: readonly SharedBucket[]
}

/** A plan as it applies to one stage. */
export interface PlanAtStage {
  readonly plan: PlanLimits
  /** The plan's own bucket for a method, by `Served.ordinal`. */
  readonly methods: readonly (MethodBucket | undefined)[]
}

/** Which of a stage's plans a key has. */
export class PlanOfKey {
  readonly #plans: ReadonlyMap<string, PlanAtStage>
  /** By the number of the key's list of plans, each looked for once. */
  #found: (PlanAtStage | null | undefined)[] = []
  /** Whose numbers they are. */
  #keys: KeysByValue | null = null

  /** @param plans the stage's, by id */
  constructor(plans: ReadonlyMap<string, PlanAtStage>) {
    this.#plans = plans
  }

  /** Null where the stage has none of the key's. */
  at(keys: KeysByValue, place: Place): PlanAtStage | null {
    const list = keys.listAt(place)
    const found = keys === this.#keys ? this.#found[list] : undefined
    return found === undefined ? this.#find(keys, list) : found
  }

  #find(keys: KeysByValue, list: number): PlanAtStage | null {
    if (keys !== this.#keys) this.#found = []
    this.#keys = keys
    const id = keys.plansOf(list).find(id => this.#plans.has(id))
    while (this.#found.length < list) this.#found.push(undefined)
    return (this.#found[list] = id === undefined ? null : this.#plans.get(id)!)
  }
}

export interface StageIndex {
  readonly apiId: string
  readonly stage: string
  readonly apiKeySource: 'HEADER' | 'AUTHORIZER'
  readonly routes: Routes<Served>
  /** By plan id. */
  readonly plans: ReadonlyMap<string, PlanAtStage>
  readonly planOfKey: PlanOfKey
  /** As they were deployed: what refused callers are told, by those who answer them (http/). */
  readonly gatewayResponses: Api['gatewayResponses']
  readonly variables: Stage['variables']
}

/** Where requests of a host lead, the longest base path first; `''` is for all other paths. */
export type Mappings = readonly { readonly basePath: string; readonly stage: StageIndex }[]

/** A catalog, compiled. */
export interface Index {
  /** How many came before it, and it: the version of a catalog that has none of its own. */
  readonly count: number
  readonly version: string
  readonly catalog: Catalog
  readonly apiKeys: ApiKeys
  readonly overrides: boolean
  /** By `apiId/stage`. */
  readonly stages: ReadonlyMap<string, StageIndex>
  /** The only stage there is, which needs no word; null when there are several and none is mapped. */
  readonly hosts: ReadonlyMap<string, Mappings>
  readonly anyHost: Mappings
}

/**
 * A catalog made ready for requests.
 *
 * @param catalog from `check`, or an edit of one that was
 * @param previous the index in force: what the catalogs share is taken over from it, so that after an edit of a key
 * nothing is built
 */
export function compile(catalog: Catalog, previous?: Index): Index {
  const count = (previous?.count ?? 0) + 1
  const version = catalog.version ?? `#${count}`
  if (previous !== undefined && sameButForKeys(catalog, previous.catalog)) {
    return { ...previous, count, version, catalog, apiKeys: catalog.apiKeys }
  }
  const overrides = catalog.semantics.methodThrottle === 'override'
  const plans = catalog.usagePlans.map(plan => compilePlan(catalog, plan))
  const { throttleSettings } = catalog.account
  const account = throttleSettings === undefined ? [] : [sharedOf('account', 'account', throttleSettings)]
  const stages = new Map<string, StageIndex>()
  for (const api of catalog.apis) {
    for (const stage of api.stages) stages.set(`${api.id}/${stage.stageName}`, compileStage(api, stage, plans, account))
  }
  return { count, version, catalog, apiKeys: catalog.apiKeys, overrides, stages, ...compileMappings(catalog, stages) }
}

function sameButForKeys(a: Catalog, b: Catalog): boolean {
  return (['apis', 'usagePlans', 'account', 'semantics', 'basePathMappings'] as const).every(
    part => a[part] === b[part],
  )
}

interface CompiledPlan extends PlanLimits {
  readonly source: UsagePlan
  readonly methods: Map<string, MethodBucket>
}

function compilePlan(catalog: Catalog, source: UsagePlan): CompiledPlan {
  return {
    source,
    planId: source.id,
    bucket: source.throttle === undefined ? null : bucketOf(source.throttle),
    quota: quotaIn(catalog, source),
    methods: new Map(),
  }
}

function compileStage(
  api: Api,
  stage: Stage,
  plans: readonly CompiledPlan[],
  account: readonly SharedBucket[],
): StageIndex {
  const deployment = api.deployments.find(({ id }) => id === stage.deploymentId) ?? api
  const routes = new Routes<Served>()
  const served = deployment.methods.map((method, ordinal): Served => {
    const shared = sharedBuckets(account, api.id, stage, method)
    const entry = { method, ordinal, shared }
    routes.add(method.path, method.httpMethod, entry)
    return entry
  })
  const atStage = new Map<string, PlanAtStage>()
  for (const plan of plans) {
    const apiStage = plan.source.apiStages.find(
      ({ apiId, stage: name }) => apiId === api.id && name === stage.stageName,
    )
    if (apiStage === undefined) continue
    const methods = served.map(({ method }) => {
      const throttle = apiStage.throttle?.[throttleKey(method.path, method.httpMethod)]
      if (throttle === undefined) return undefined
      const bucket = { ...bucketOf(throttle), id: methodId(api.id, stage.stageName, method) }
      plan.methods.set(bucket.id, bucket)
      return bucket
    })
    atStage.set(plan.planId, { plan, methods })
  }
  return {
    apiId: api.id,
    stage: stage.stageName,
    apiKeySource: deployment.apiKeySource,
    routes,
    plans: atStage,
    planOfKey: new PlanOfKey(atStage),
    gatewayResponses: deployment.gatewayResponses,
    variables: stage.variables,
  }
}

/** Injective: ids and stage names hold no slash, and the last slash is before the verb. */
function methodId(apiId: string, stage: string, { path, httpMethod }: Method): string {
  return `${apiId}/${stage}${path}/${httpMethod}`
}

/** What AWS fills in where a setting has only one of the two. Source: API_MethodSetting defaults, as recorded. */
const DEFAULT_SETTING = { throttlingBurstLimit: 5000, throttlingRateLimit: 10_000 }

function sharedBuckets(
  account: readonly SharedBucket[],
  apiId: string,
  stage: Stage,
  method: Method,
): readonly SharedBucket[] {
  const settings = stage.methodSettings ?? {}
  const setting = settings[settingKey(method.path, method.httpMethod)] ?? settings['*/*']
  if (setting?.throttlingBurstLimit === undefined && setting?.throttlingRateLimit === undefined) return account
  const { throttlingBurstLimit: burstLimit, throttlingRateLimit: rateLimit } = { ...DEFAULT_SETTING, ...setting }
  // -1 is AWS's "no limit".
  if (burstLimit < 0 || rateLimit < 0) return account
  return [sharedOf('stage', methodId(apiId, stage.stageName, method), { burstLimit, rateLimit }), ...account]
}

function compileMappings(catalog: Catalog, stages: ReadonlyMap<string, StageIndex>): Pick<Index, 'hosts' | 'anyHost'> {
  const mappings: readonly BasePathMapping[] = catalog.basePathMappings
  const [only, ...others] = stages.values()
  if (mappings.length === 0) {
    const anyHost = only !== undefined && others.length === 0 ? [{ basePath: '', stage: only }] : []
    return { hosts: new Map(), anyHost }
  }
  const of = (domainName: string | undefined): Mappings =>
    mappings
      .filter(mapping => mapping.domainName?.toLowerCase() === domainName)
      .flatMap(({ basePath, apiId, stage }) => {
        const index = stages.get(`${apiId}/${stage}`)
        return index === undefined ? [] : [{ basePath: basePath === undefined ? '' : `/${basePath}`, stage: index }]
      })
      .sort((a, b) => b.basePath.length - a.basePath.length)
  const domains = new Set(mappings.flatMap(({ domainName }) => domainName?.toLowerCase() ?? []))
  return { hosts: new Map([...domains].map(domain => [domain, of(domain)])), anyHost: of(undefined) }
}
