// Findings about limits: which never bind, which admit nothing, and which are not where their author thinks. Floor 5: pure.
// Compared as they are enforced, in grains: a rate that was rounded is the rounded one.

import { type MethodSetting, settingKey, throttleKey } from '../../core/api.ts'
import { DAY_MS } from '../../core/calendar.ts'
import { type Bucket, bucketOf } from '../../core/limits.ts'
import type { Period, Throttle, UsagePlan } from '../../core/plan.ts'
import type { At } from '../../core/readers.ts'
import { TOKEN } from '../../core/units.ts'
import type { Finding } from './finding.ts'
import type { Layout, MethodLayout, PlanLayout, StageLayout } from './layout.ts'
import type { Naming } from './naming.ts'
import { listWords, methodWords, rateWords, throttleOf, throttleWords } from './words.ts'

export function* findingsOfLimits(layout: Layout, naming: Naming): Generator<Finding> {
  const { catalog, stages } = layout
  const { throttleSettings } = catalog.account
  if (throttleSettings !== undefined) {
    yield* shutLimits("the account's throttle", throttleSettings, ['account', 'throttleSettings'])
  }
  for (const [place, plan] of catalog.usagePlans.entries()) yield* planLimits(layout, plan, naming.plan(place))
  for (const stage of stages) {
    yield* stageSettings(stage, throttleSettings, naming)
    for (const plan of stage.plans) {
      yield* methodThrottles(layout, stage, plan, naming)
      yield* aboveStage(layout, stage, plan, naming)
    }
  }
}

/** Whether one bucket never refuses what another admits, when each that drains it drains the other too. */
function covers(wide: Bucket, narrow: Bucket): boolean {
  return wide.rate >= narrow.rate && wide.capacity >= narrow.capacity
}

/** A throttle that admits nothing, or nothing after a while. */
function* shutLimits(name: string, { rateLimit, burstLimit }: Throttle, at: At): Generator<Finding> {
  if (burstLimit > 0 && rateLimit > 0) return
  const nothing = burstLimit === 0
  yield {
    severity: 'warning',
    code: nothing ? 'admits-nothing' : 'never-refills',
    where: { at: [...at, nothing ? 'burstLimit' : 'rateLimit'] },
    message: nothing
      ? `${name} holds no token, so it admits nothing`
      : `${name} never refills: it admits ${burstLimit}, once`,
    remedy: nothing ? 'give it a burstLimit of at least 1' : 'give it a rateLimit, or use a quota',
  }
}

const LONGEST: Readonly<Record<Period, number>> = { DAY: DAY_MS, WEEK: 7 * DAY_MS, MONTH: 31 * DAY_MS }

function* planLimits({ catalog, index }: Layout, plan: UsagePlan, at: At): Generator<Finding> {
  const { id, throttle, quota } = plan
  if (throttle === undefined) return
  yield* shutLimits(`the throttle of usage plan ${id}`, throttle, [...at, 'throttle'])
  const bucket = bucketOf(throttle)
  const { throttleSettings } = catalog.account
  if (throttleSettings !== undefined && !covers(bucketOf(throttleSettings), bucket)) {
    yield {
      severity: 'warning',
      code: 'plan-above-account',
      where: { at: [...at, 'throttle'] },
      message: `usage plan ${id} promises each key ${throttleWords(throttle)}, but the account admits ${throttleWords(throttleSettings)} to all keys together`,
      remedy: "lower the plan's throttle, or raise the account's",
    }
  }
  if (quota === undefined) return
  // Where a method's throttle stands in for the plan's, what goes through it comes on top.
  const beside = index.overrides
    ? plan.apiStages.flatMap(({ throttle = {} }) => Object.values(throttle).map(bucketOf))
    : []
  const most = [bucket, ...beside].reduce((sum, bucket) => sum + mostIn(bucket, LONGEST[quota.period]), 0n)
  if (BigInt(quota.limit) <= most) return
  yield {
    severity: 'warning',
    code: 'quota-unreachable',
    where: { at: [...at, 'quota', 'limit'] },
    message: `the quota of usage plan ${id}, ${quota.limit} a ${quota.period}, is never reached: its throttle admits at most ${most} in one`,
    remedy: 'lower the quota or raise the throttle',
  }
}

/** Whole tokens that a bucket can give in so many ms, from full. */
function mostIn({ rate, capacity }: Bucket, ms: number): bigint {
  return (BigInt(capacity) + BigInt(rate) * BigInt(ms)) / BigInt(TOKEN)
}

function* stageSettings(stage: StageLayout, account: Throttle | undefined, naming: Naming): Generator<Finding> {
  const settings = stage.stage.methodSettings ?? {}
  for (const [name, setting] of Object.entries(settings)) {
    const at = [...naming.stage(stage), 'methodSettings', name]
    const title = `the setting ${name} of stage ${stage.api.id}/${stage.stage.stageName}`
    const bound = stage.methods.find(({ method, served }) => served !== null && isBoundBy(settings, name, method))
    if (bound === undefined) {
      // That it names no method of the stage, core/relations.ts has said.
      if (name === '*/*' && stage.methods.length > 0) {
        yield {
          severity: 'note',
          code: 'setting-idle',
          where: { at },
          message: `${title} never binds: each method has a setting of its own`,
          remedy: 'leave it for methods to come, or remove it',
        }
      }
      continue
    }
    const limit = bound.served?.shared.find(({ name }) => name === 'stage')
    if (limit === undefined) {
      if (isHalfUnlimited(setting)) {
        yield {
          severity: 'warning',
          code: 'setting-unlimited',
          where: { at },
          message: `${title} limits nothing: -1 in one of the two means no limit, whatever the other says`,
          remedy: 'give both a number, or both -1',
        }
      }
      continue
    }
    const throttle = throttleOf(limit)
    yield* shutLimits(title, throttle, at)
    if (account !== undefined && covers(limit, bucketOf(account))) {
      yield {
        severity: 'warning',
        code: 'setting-idle',
        where: { at },
        message: `${title}, ${throttleWords(throttle)}, never binds: the account admits no more than ${throttleWords(account)} of everything`,
        remedy: "lower it below the account's throttle, or remove it",
      }
    }
  }
}

function isBoundBy(
  settings: Readonly<Record<string, MethodSetting>>,
  name: string,
  { path, httpMethod }: MethodLayout['method'],
): boolean {
  const key = settingKey(path, httpMethod)
  return name === '*/*' ? settings[key] === undefined : name === key
}

/** Whether a number beside the -1 shows that a limit was meant. */
function isHalfUnlimited({ throttlingBurstLimit: burst = -1, throttlingRateLimit: rate = -1 }: MethodSetting): boolean {
  return burst < 0 !== rate < 0
}

function* methodThrottles(
  { index }: Layout,
  stage: StageLayout,
  { plan, planPlace, apiStage, apiStagePlace, compiled }: PlanLayout,
  naming: Naming,
): Generator<Finding> {
  const throttles = apiStage.throttle ?? {}
  for (const layout of stage.methods) {
    const { method, served } = layout
    const throttle = throttles[throttleKey(method.path, method.httpMethod)]
    if (throttle === undefined || served === null) continue
    const where = { at: naming.throttle(planPlace, apiStagePlace, method) }
    const title = `usage plan ${plan.id}'s throttle of ${methodWords(method)}`
    if (!method.apiKeyRequired) {
      yield {
        severity: 'warning',
        code: 'throttle-on-open',
        where,
        message: `${title} never binds: the method is open, so no key is looked up`,
        remedy: 'let the method need a key, or limit it for all by a method setting of the stage',
      }
      continue
    }
    yield* shutLimits(title, throttle, where.at)
    const { bucket } = compiled.plan
    if (bucket !== null && !index.overrides && covers(bucketOf(throttle), bucket)) {
      yield {
        severity: 'warning',
        code: 'throttle-idle',
        where,
        message: `${title}, ${throttleWords(throttle)}, never binds: the plan's own, ${throttleWords(throttleOf(bucket))}, is asked beside it`,
        remedy:
          "lower it below the plan's, or remove it; semantics.methodThrottle 'override' would ask it instead of the plan's",
      }
    }
    const around = waysAround(stage, layout, throttles)
    if (around.length > 0) {
      const silent = naming.isShort && method.httpMethod === 'ANY'
      yield {
        severity: silent ? 'warning' : 'note',
        code: 'throttle-bypassed',
        where,
        message: `${title} is not asked for ${listWords(
          around.map(({ verb }) => verb),
          around.length,
          7,
        )} ${method.path}, which ${listWords([...new Set(around.map(({ through }) => through))])} ${around.length === 1 ? 'serves' : 'serve'}`,
        remedy: silent
          ? 'a throttle of another plan made that a method of its own: throttle it in this plan as well'
          : 'throttle that as well, or leave it to the other limits',
      }
    }
  }
}

/**
 * Requests for a throttled path that the throttle is not asked for: verbs that a method of their own takes from ANY, and
 * the HEAD that servers answer as they do a GET. Only where they need a key and this plan gives them no throttle.
 */
function waysAround(
  stage: StageLayout,
  { method, sample }: MethodLayout,
  throttles: Readonly<Record<string, Throttle>>,
): { verb: string; through: string }[] {
  const verbs = method.httpMethod === 'ANY' ? (['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const) : (['HEAD'] as const)
  if (method.httpMethod !== 'ANY' && method.httpMethod !== 'GET') return []
  return verbs.flatMap(verb => {
    const found = stage.compiled.routes.find(sample, verb)
    if (found === undefined || found === 'ambiguous' || found.method === method || !found.method.apiKeyRequired)
      return []
    if (throttles[throttleKey(found.method.path, found.method.httpMethod)] !== undefined) return []
    return [{ verb, through: methodWords(found.method) }]
  })
}

/** What a plan lets one client do that the stage does not let all clients together. */
function* aboveStage(
  { index }: Layout,
  stage: StageLayout,
  { plan, planPlace, apiStagePlace, compiled }: PlanLayout,
  naming: Naming,
): Generator<Finding> {
  const above = stage.methods.flatMap(({ method, served }) => {
    const shared = served?.shared.find(({ name }) => name === 'stage')
    if (shared === undefined || served === null || !method.apiKeyRequired) return []
    const own = compiled.methods[served.ordinal]
    const bounds = [own, own !== undefined && index.overrides ? null : compiled.plan.bucket].filter(
      bound => bound != null,
    )
    if (bounds.length === 0 || bounds.some(bound => covers(shared, bound))) return []
    return [
      `${methodWords(method)} (${rateWords(throttleOf(shared).rateLimit)}, burst ${throttleOf(shared).burstLimit})`,
    ]
  })
  if (above.length === 0) return
  yield {
    severity: 'note',
    code: 'plan-above-stage',
    where: { at: naming.apiStage(planPlace, apiStagePlace) },
    message: `usage plan ${plan.id} lets one key do more than stage ${stage.api.id}/${stage.stage.stageName} admits to all together, of ${listWords(above)}`,
    remedy: 'nothing, if the stage is meant to be the lower bound',
  }
}
