// Usage plans: create, get, list, update, delete. Floor 4: pure.
// Source: AWS API Gateway, API_UsagePlan and its operations; messages as recorded on AWS.

import { throttleKey } from '../core/api.ts'
import { type Catalog, stageOf } from '../core/catalog.ts'
import { putUsagePlan, removeUsagePlan } from '../core/edits.ts'
import type { ApiStage, Quota, Throttle, UsagePlan } from '../core/plan.ts'
import { isObject } from '../core/readers.ts'
import { segmentsOf } from '../core/template.ts'
import { MAX_BURST, MIN_RATE } from '../core/units.ts'
import { noteKeyChange } from './change.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import {
  bounded,
  boundedText,
  given,
  listOf,
  mapWith,
  numberOf,
  objectOf,
  requiredText,
  tagsOf,
  textOf,
} from './input.ts'
import { followOrder } from './key-order.ts'
import { type Answer, edited, type Input, type Operation, operation, reading } from './operation.ts'
import { freshId } from './operations-keys.ts'
import { pageAnswer } from './page.ts'
import { applied, decimalIn, invalidPath, type Patch, patchesOf, unescaped, valueIn, wholeIn } from './patch.ts'

const NAME = 'Invalid Usage Plan name, can be at most 1024 characters.'
const DESCRIPTION = 'Invalid Usage Plan description specified.'

export function planOf(catalog: Catalog, id: string): UsagePlan {
  return catalog.usagePlans.find(plan => plan.id === id) ?? notFound('Invalid Usage Plan ID specified')
}

/** A plan's view; `createdDate` is ours and AWS has none. */
function viewOf(plan: UsagePlan, tags: 'always' | 'if any'): Answer {
  return {
    id: plan.id,
    name: plan.name,
    description: plan.description || undefined,
    apiStages: plan.apiStages,
    throttle: plan.throttle && { burstLimit: plan.throttle.burstLimit, rateLimit: plan.throttle.rateLimit },
    quota: plan.quota && { limit: plan.quota.limit, offset: plan.quota.offset ?? 0, period: plan.quota.period },
    productCode: plan.productCode,
    tags: tags === 'always' ? (plan.tags ?? {}) : plan.tags,
  }
}

// What a plan may hold: the same for a new plan and a patched one.

/** While it is patched a throttle may be half there. */
type Draft = Omit<UsagePlan, 'throttle' | 'quota' | 'apiStages'> & {
  readonly throttle?: Partial<Throttle> | undefined
  readonly quota?: Partial<Quota> | undefined
  readonly apiStages: readonly (Omit<ApiStage, 'throttle'> & {
    readonly throttle?: Readonly<Record<string, Partial<Throttle>>> | undefined
  })[]
}

function throttleOf({ rateLimit, burstLimit }: Partial<Throttle>): Throttle {
  if (rateLimit === undefined || burstLimit === undefined) {
    return badRequest('Usage Plan throttle must have both a rateLimit and a burstLimit')
  }
  if (!(rateLimit === 0 || (rateLimit >= MIN_RATE && rateLimit <= 1e9))) {
    return badRequest('Usage Plan throttle rateLimit must be 0, or between 0.0000024 and 1000000000')
  }
  if (!Number.isInteger(burstLimit) || burstLimit < 0 || burstLimit > MAX_BURST) {
    return badRequest(`Usage Plan throttle burstLimit must be a whole number from 0 to ${MAX_BURST}`)
  }
  return { rateLimit: rateLimit + 0, burstLimit: burstLimit + 0 }
}

const OFFSETS = {
  DAY: [0, 'Usage Plan quota offset must be zero in the DAY period'],
  WEEK: [6, 'Usage Plan quota offset must be between 0 and 6 inclusive in the WEEK period'],
  MONTH: [27, 'Usage Plan quota offset must be between 0 and 27 inclusive in the MONTH period'],
} as const

function quotaOf(quota: Partial<Quota>): Quota {
  const { limit = 0, period, offset = 0 } = quota
  if (period === undefined || !Object.hasOwn(OFFSETS, period)) {
    return badRequest('Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]')
  }
  // Recorded so, although 0 is refused.
  if (!(limit >= 1)) return badRequest('Usage Plan quota limit must be a non-negative numeric')
  if (!Number.isInteger(limit) || limit > 2_147_483_647) {
    return badRequest('Usage Plan quota limit must be a whole number up to 2147483647')
  }
  const [last, message] = OFFSETS[period]
  if (!Number.isInteger(offset) || offset < 0 || offset > last) return badRequest(message)
  return { limit, period, ...(quota.offset === undefined ? {} : { offset: offset + 0 }) }
}

/**
 * The plan that the draft makes, when everything in it may be so.
 *
 * @param old the plan before; a method it names may be gone since, and does not stop other changes
 */
function planFrom(catalog: Catalog, draft: Draft, old?: UsagePlan): UsagePlan {
  return given<UsagePlan>({
    ...draft,
    name: draft.name && bounded(draft.name, 1024, NAME),
    description: draft.description ? bounded(draft.description, 125_000, DESCRIPTION) : undefined,
    throttle: draft.throttle && throttleOf(draft.throttle),
    quota: draft.quota && quotaOf(draft.quota),
    apiStages: draft.apiStages.map(({ apiId, stage, throttle }): ApiStage => {
      if (throttle === undefined || Object.keys(throttle).length === 0) return { apiId, stage }
      const limits: Record<string, Throttle> = Object.create(null)
      const before = old?.apiStages.find(other => other.apiId === apiId && other.stage === stage)?.throttle ?? {}
      for (const name of Object.keys(throttle)) {
        if (!Object.hasOwn(before, name)) checkMethod(catalog, apiId, stage, name)
        limits[name] = throttleOf(throttle[name] as Partial<Throttle>)
      }
      return { apiId, stage, throttle: limits }
    }),
  } as UsagePlan)
}

/** `/pets/GET`: a method of the API as it stands, or as the stage serves it. */
function checkMethod(catalog: Catalog, apiId: string, stage: string, name: string): void {
  const api = catalog.apis.find(({ id }) => id === apiId)
  const deploymentId = stageOf(catalog, apiId, stage)?.deploymentId
  const served = api?.deployments.find(({ id }) => id === deploymentId)?.methods ?? []
  const known = [...(api?.methods ?? []), ...served]
  if (known.some(({ path, httpMethod }) => throttleKey(path, httpMethod) === name)) return
  const slash = name.lastIndexOf('/')
  const isKey = slash > 0 && typeof segmentsOf(name.slice(0, slash)) !== 'string'
  const [path, verb] = isKey ? [name.slice(0, slash), name.slice(slash + 1)] : [name, '']
  badRequest(`Invalid method {resourcePath: ${path},method: ${verb}} specified`)
}

function checkStage(catalog: Catalog, apiId: string, stage: string): void {
  if (stageOf(catalog, apiId, stage) === undefined) notFound(`API Stage not found: ${apiId}:${stage}`)
}

function throttleMap(value: Input, name: string): Readonly<Record<string, Partial<Throttle>>> | undefined {
  return mapWith(value, name, limits =>
    isObject(limits)
      ? given<Partial<Throttle>>({
          rateLimit: numberOf(limits, 'rateLimit'),
          burstLimit: numberOf(limits, 'burstLimit'),
        })
      : refuse('SerializationException', `${name}: expected a map of throttles`),
  )
}

function stagesOf(catalog: Catalog, input: Input): Draft['apiStages'] {
  return (listOf(input, 'apiStages') ?? []).map(item => {
    if (!isObject(item)) return refuse('SerializationException', 'apiStages: expected a list of objects')
    const apiId = textOf(item, 'apiId')
    const stage = textOf(item, 'stage')
    if (!apiId || !stage) {
      // AWS's own message has its places never filled in.
      return badRequest('Invalid API Stage {api: %s, stage: %s} specified for usageplan %s')
    }
    checkStage(catalog, apiId, stage)
    return { apiId, stage, throttle: throttleMap(item, 'throttle') }
  })
}

export const createUsagePlan: Operation = operation((catalog, input, world) => {
  const throttle = objectOf(input, 'throttle')
  const quota = objectOf(input, 'quota')
  const plan = planFrom(catalog, {
    id: '',
    name: bounded(requiredText(input, 'name', 'createUsagePlan'), 1024, NAME),
    ...given<Partial<UsagePlan>>({
      description: boundedText(input, 'description', 125_000, DESCRIPTION),
      tags: tagsOf(input),
    }),
    throttle:
      throttle &&
      given<Partial<Throttle>>({
        rateLimit: numberOf(throttle, 'rateLimit'),
        burstLimit: numberOf(throttle, 'burstLimit'),
      }),
    quota:
      quota &&
      given<Partial<Quota>>({
        limit: numberOf(quota, 'limit'),
        offset: numberOf(quota, 'offset'),
        period: textOf(quota, 'period') as Quota['period'] | undefined,
      }),
    apiStages: stagesOf(catalog, input),
  })
  const id = freshId(world, 6, id => catalog.usagePlans.some(plan => plan.id === id))
  const made = { ...plan, id, createdDate: world.now }
  return { catalog: edited(putUsagePlan(catalog, made)), answer: viewOf(made, 'if any') }
})

export const getUsagePlan: Operation = reading((catalog, input) =>
  viewOf(planOf(catalog, textOf(input, 'usagePlanId') ?? ''), 'always'),
)

/** Newest first; with `keyId` those of that key. */
export const getUsagePlans: Operation = reading((catalog, input) => {
  const keyId = textOf(input, 'keyId')
  const ids = keyId ? (catalog.apiKeys.get(keyId)?.usagePlanIds ?? []) : undefined
  const plans = catalog.usagePlans.filter(({ id }) => ids === undefined || ids.includes(id)).reverse()
  return pageAnswer(
    input,
    'usageplans',
    plans,
    ({ id }) => id,
    plan => viewOf(plan, 'if any'),
  )
})

/** AWS refuses while stages are associated; keys are no obstacle, and are no longer bound to it. */
export const deleteUsagePlan: Operation = operation((catalog, input) => {
  const plan = planOf(catalog, textOf(input, 'usagePlanId') ?? '')
  const [first] = plan.apiStages
  if (first !== undefined) {
    badRequest(
      `Cannot delete Usage Plan ${plan.id} because there are API Stages associated with it, including ${first.apiId}:${first.stage}`,
    )
  }
  const put = Array.from(catalog.apiKeys).flatMap(key => (key.usagePlanIds.includes(plan.id) ? key.id : []))
  const next = edited(removeUsagePlan(catalog, plan.id))
  noteKeyChange(catalog.apiKeys, next.apiKeys, { put, remove: [] })
  followOrder(catalog.apiKeys, next.apiKeys, [])
  return { catalog: next, answer: null }
})

// PATCH.

/** By op, in the order of the recorded message (of `remove`; the others are alike). The typing error is AWS's. */
const PATHS: Readonly<Record<Patch['op'], readonly string[]>> = {
  remove: [
    '/apiStages',
    '/quota',
    '/throttle',
    '/productCode',
    '/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>',
    '/apiStages/<apidId:stageName>/throttle',
  ],
  add: [
    '/apiStages',
    '/quota/limit',
    '/quota/offset',
    '/quota/period',
    '/throttle/rateLimit',
    '/throttle/burstLimit',
    '/productCode',
    '/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/rateLimit',
    '/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/burstLimit',
    '/apiStages/<apidId:stageName>/throttle',
  ],
  replace: [
    '/name',
    '/description',
    '/quota/limit',
    '/quota/offset',
    '/quota/period',
    '/throttle/rateLimit',
    '/throttle/burstLimit',
    '/productCode',
    '/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/rateLimit',
    '/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/burstLimit',
    '/apiStages/<apidId:stageName>/throttle',
  ],
  move: [],
  copy: [],
  test: [],
}

function patched(catalog: Catalog, plan: Draft, patch: Patch): Draft {
  const { op, path } = patch
  const isSet = op === 'add' || op === 'replace'
  if (!isSet && op !== 'remove') return invalidPath(patch, [])
  if (path.startsWith('/apiStages/')) return patchedStage(plan, patch)
  if (path === '/apiStages' && op !== 'replace') return patchedStages(catalog, plan, patch)
  if (path === '/productCode') {
    return {
      ...plan,
      productCode: isSet ? bounded(valueIn(patch), 1024, 'Invalid product code specified.') : undefined,
    } as Draft
  }
  if (op === 'remove') {
    if (path === '/quota') return { ...plan, quota: undefined }
    if (path === '/throttle') return { ...plan, throttle: undefined }
    return invalidPath(patch, PATHS.remove)
  }
  switch (path) {
    case '/throttle/rateLimit':
      return { ...plan, throttle: { ...plan.throttle, rateLimit: decimalIn(patch) } }
    case '/throttle/burstLimit':
      return { ...plan, throttle: { ...plan.throttle, burstLimit: wholeIn(patch, 0, MAX_BURST) } }
    case '/quota/limit':
      return { ...plan, quota: { ...plan.quota, limit: wholeIn(patch, -2_147_483_648, 2_147_483_647) } }
    case '/quota/offset':
      return { ...plan, quota: { ...plan.quota, offset: wholeIn(patch, -2_147_483_648, 2_147_483_647) } }
    case '/quota/period':
      return { ...plan, quota: { ...plan.quota, period: valueIn(patch) as Quota['period'] } }
    case '/name':
      return op === 'replace' ? { ...plan, name: valueIn(patch) } : invalidPath(patch, PATHS.add)
    case '/description':
      return op === 'replace' ? { ...plan, description: valueIn(patch) } : invalidPath(patch, PATHS.add)
    default:
      return invalidPath(patch, PATHS[op])
  }
}

/** `/apiStages`, the value `api:stage`. */
function patchedStages(catalog: Catalog, plan: Draft, { op, value = '' }: Patch): Draft {
  const [apiId = '', stage = ''] = value.split(':')
  if (op === 'add') {
    if (!value.includes(':')) notFound(`API Stage not found: ${value}`)
    checkStage(catalog, apiId, stage)
    return { ...plan, apiStages: [...plan.apiStages, { apiId, stage }] }
  }
  if (!value.includes(':')) return badRequest('Invalid API Stage specified')
  const apiStages = plan.apiStages.filter(other => other.apiId !== apiId || other.stage !== stage)
  if (apiStages.length < plan.apiStages.length) return { ...plan, apiStages }
  return notFound(`Invalid API Stage {api: ${apiId}, stage: ${stage}} specified for usageplan ${plan.id}`)
}

/**
 * `/apiStages/{api}:{stage}/throttle…`. What follows is a method as a plan names it, which has a slash of its own at the
 * front: `…/throttle//pets/GET/rateLimit`, with `//GET` for the root; slashes may also be written `~1`.
 */
function patchedStage(plan: Draft, patch: Patch): Draft {
  const { op, path } = patch
  const [, apiId, stage, rest = ''] = /^\/apiStages\/([^/:]+):([^/:]+)\/throttle(\/.*)?$/s.exec(path) ?? []
  if (apiId === undefined || stage === undefined) return invalidPath(patch, PATHS[op])
  const at = plan.apiStages.find(other => other.apiId === apiId && other.stage === stage)
  if (at === undefined) {
    return notFound(`Invalid API Stage {api: ${apiId}, stage: ${stage}} specified for usageplan ${plan.id}`)
  }
  const limits = { __proto__: null, ...at.throttle } as unknown as Readonly<Record<string, Partial<Throttle>>>
  const put = (throttle: Readonly<Record<string, Partial<Throttle>>> | undefined): Draft => ({
    ...plan,
    apiStages: plan.apiStages.map(other => (other === at ? { apiId, stage, throttle } : other)),
  })
  if (rest === '') return put(op === 'remove' ? undefined : mapIn(patch))
  const [, method = '', limit] = /^\/(.*?)(?:\/(rateLimit|burstLimit))?$/s.exec(rest) ?? []
  const name = methodName(method)
  if (op === 'remove') {
    if (limit !== undefined) return invalidPath(patch, PATHS.remove)
    if (!Object.hasOwn(limits, name)) return notFound(`Invalid method ${name} specified: it has no throttle`)
    const { [name]: _, ...others } = limits
    return put(others)
  }
  if (limit === undefined) return invalidPath(patch, PATHS[op])
  const number = limit === 'rateLimit' ? decimalIn(patch) : wholeIn(patch, 0, MAX_BURST)
  return put({ ...limits, [name]: { ...limits[name], [limit]: number } })
}

/** `~1pets/GET`, `/pets/GET` and `pets/GET` are all `/pets/GET`. The root is `//GET`, `/GET` or `~1/GET`. */
function methodName(text: string): string {
  const slash = text.lastIndexOf('/')
  const path = unescaped(text.slice(0, Math.max(0, slash)))
  return `${path.startsWith('/') ? path : `/${path}`}${text.slice(Math.max(0, slash))}`
}

/** A map of throttles as JSON text. */
function mapIn(patch: Patch): Readonly<Record<string, Partial<Throttle>>> {
  let value: unknown
  try {
    value = JSON.parse(valueIn(patch))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (!isObject(value)) return badRequest(`Invalid value specified for ${patch.path}: expected a JSON map of throttles`)
  return throttleMap({ throttle: value }, 'throttle') ?? {}
}

export const updateUsagePlan: Operation = operation((catalog, input) => {
  const patches = patchesOf(input, 'updateUsagePlan')
  const old = planOf(catalog, textOf(input, 'usagePlanId') ?? '')
  const draft = applied<Draft>(patches, old, (plan, patch) => patched(catalog, plan, patch))
  const plan = draft === old ? old : planFrom(catalog, draft, old)
  return { catalog: edited(putUsagePlan(catalog, plan)), answer: viewOf(plan, 'always') }
})
