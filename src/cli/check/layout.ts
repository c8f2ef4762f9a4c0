// A catalog laid out by stage, with what its router answers: what the explanation and the findings both walk. Floor 5.
// Nothing is worked out a second time: limits are the compiled ones, and what serves a path is asked of the router.

import { type Api, type Deployment, type HttpMethod, type Method, type Stage, VERBS } from '../../core/api.ts'
import type { Catalog } from '../../core/catalog.ts'
import { compile, type Index, type PlanAtStage, type Served, type StageIndex } from '../../core/compile.ts'
import type { ApiStage, UsagePlan } from '../../core/plan.ts'
import { route } from '../../core/resolve.ts'

export interface Layout {
  readonly catalog: Catalog
  readonly index: Index
  readonly stages: readonly StageLayout[]
}

/** A stage. The numbers are places in the catalog's lists. */
export interface StageLayout {
  readonly api: Api
  readonly apiPlace: number
  readonly stage: Stage
  readonly stagePlace: number
  /** What it serves; null where it serves the API's methods as they stand. */
  readonly deployment: Deployment | null
  readonly deploymentPlace: number
  readonly compiled: StageIndex
  readonly methods: readonly MethodLayout[]
  readonly addresses: readonly Address[]
  readonly plans: readonly PlanLayout[]
}

/** Where requests for a stage come in. */
export interface Address {
  /** null: every host that no mapping names. */
  readonly host: string | null
  /** `/v1`; empty for all paths that no longer base path takes. */
  readonly basePath: string
  /** Its place among the base path mappings; null where the only stage needs none. */
  readonly mappingPlace: number | null
}

export interface MethodLayout {
  readonly method: Method
  readonly place: number
  /** null: whatever is asked for, another method of the stage serves it. */
  readonly served: Served | null
  /** A path and a verb that it serves. */
  readonly sample: string
  readonly verb: HttpMethod
  /** The addresses of the stage at which that path comes to this method. */
  readonly reachedAt: readonly Address[]
}

/** A plan that has the stage. */
export interface PlanLayout {
  readonly plan: UsagePlan
  readonly planPlace: number
  readonly apiStage: ApiStage
  readonly apiStagePlace: number
  readonly compiled: PlanAtStage
}

export function layoutOf(catalog: Catalog): Layout {
  const index = compile(catalog)
  const plans = plansByStage(catalog, index)
  const stages = catalog.apis.flatMap((api, apiPlace) =>
    api.stages.map((stage, stagePlace): StageLayout => {
      const name = `${api.id}/${stage.stageName}`
      const compiled = index.stages.get(name) as StageIndex
      const deploymentPlace = api.deployments.findIndex(({ id }) => id === stage.deploymentId)
      const deployment = api.deployments[deploymentPlace] ?? null
      const addresses = addressesOf(catalog, index, name)
      const methods = methodsOf(index, compiled, (deployment ?? api).methods, addresses)
      const place = { api, apiPlace, stage, stagePlace, deployment, deploymentPlace }
      return { ...place, compiled, addresses, methods, plans: plans.get(name) ?? [] }
    }),
  )
  return { catalog, index, stages }
}

function plansByStage(catalog: Catalog, index: Index): Map<string, PlanLayout[]> {
  const plans = new Map<string, PlanLayout[]>()
  catalog.usagePlans.forEach((plan, planPlace) => {
    plan.apiStages.forEach((apiStage, apiStagePlace) => {
      const name = `${apiStage.apiId}/${apiStage.stage}`
      const compiled = index.stages.get(name)?.plans.get(plan.id)
      if (compiled === undefined) return
      const list = plans.get(name) ?? []
      list.push({ plan, planPlace, apiStage, apiStagePlace, compiled })
      plans.set(name, list)
    })
  })
  return plans
}

function addressesOf({ basePathMappings }: Catalog, index: Index, name: string): Address[] {
  if (basePathMappings.length === 0) {
    return index.stages.size === 1 ? [{ host: null, basePath: '', mappingPlace: null }] : []
  }
  return basePathMappings.flatMap(({ domainName, basePath, apiId, stage }, mappingPlace) =>
    `${apiId}/${stage}` === name
      ? [{ host: domainName ?? null, basePath: basePath === undefined ? '' : `/${basePath}`, mappingPlace }]
      : [],
  )
}

function methodsOf(
  index: Index,
  stage: StageIndex,
  methods: readonly Method[],
  addresses: readonly Address[],
): MethodLayout[] {
  const depth = Math.max(0, ...methods.map(({ path }) => path.split('/').length))
  return methods.map((method, place) => {
    const { served, sample, verb } = servedBy(stage, method, depth)
    const reachedAt = addresses.filter(({ host, basePath }) => {
      const path = sample === '/' ? basePath || '/' : `${basePath}${sample}`
      const found = route(index, { method: verb, path, host })
      return served !== null && found.kind === 'route' && found.served === served
    })
    return { method, place, served, sample, verb, reachedAt }
  })
}

/**
 * A request that a method serves, found by asking the router.
 *
 * A template is a path that it matches: a segment in braces is canonical and can be no literal. A greedy one may have to
 * be tried with more segments, where shorter paths belong to a sibling.
 */
function servedBy(
  { routes }: StageIndex,
  method: Method,
  depth: number,
): Pick<MethodLayout, 'served' | 'sample' | 'verb'> {
  const verbs = method.httpMethod === 'ANY' ? VERBS : [method.httpMethod]
  const longest = method.path.endsWith('+}') ? depth : 0
  for (let more = 0; more <= longest; more++) {
    const sample = `${method.path}${'/{more}'.repeat(more)}`
    for (const verb of verbs) {
      const served = routes.find(sample, verb)
      if (served !== undefined && served !== 'ambiguous' && served.method === method) return { served, sample, verb }
    }
  }
  return { served: null, sample: method.path, verb: verbs[0] as HttpMethod }
}
