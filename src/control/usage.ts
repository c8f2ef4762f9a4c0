// What was used: GetUsage and UpdateUsage, over a source that the caller gives, since a catalog does not
// count. Floor 4: no clock. Source: AWS API Gateway, API_GetUsage, API_UpdateUsage.

import { DAY_MS } from '../core/calendar.ts'
import type { Catalog } from '../core/catalog.ts'
import { extended, type QuotaLimit, quotaIn } from '../core/limits.ts'
import type { ApiKey, UsagePlan } from '../core/plan.ts'
import type { UsageEntry, UsageQuery } from '../stores/store.ts'
import { attempt, badRequest, type Fault, notFound, refuse } from './fault.ts'
import { textOf } from './input.ts'
import { withKeys } from './key-edits.ts'
import type { Answer, Input, Outcome } from './operation.ts'
import { keysPage } from './operations-keys.ts'
import { planOf } from './operations-plans.ts'
import { invalidPath, patchesOf, wholeIn } from './patch.ts'
import type { World } from './world.ts'

/**
 * Where usage is counted: a store's `usage`. The entries of a plan's days from `from` up to and without `to`, of the keys
 * that are named: a page of them.
 */
export type UsageSource = (query: UsageQuery) => readonly UsageEntry[] | Promise<readonly UsageEntry[]>

/** A day as `YYYY-MM-DD`, in ms since the Unix epoch. */
function dayOf(input: Input, name: string): number {
  const text = textOf(input, name) ?? ''
  const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isFinite(day) && new Date(day).toISOString().startsWith(text)) return day
  return badRequest(`Invalid ${name} specified: expected YYYY-MM-DD`)
}

/** The longest range of one request: the days for which use is kept, at least. */
export const MOST_DAYS = 400

/** The pairs of each day from `from` to `to` (inclusive): used that day, and remaining at its end. */
export function pairsOf(
  quota: QuotaLimit | null,
  entries: readonly UsageEntry[],
  from: number,
  to: number,
): (readonly [number, number])[] {
  const usedOn = new Map(entries.map(({ day, used }) => [day, used]))
  const pairs: (readonly [number, number])[] = []
  let start = Number.NaN
  let remaining = 0
  for (let day = quota === null ? from : quota.windowAt(from).start; day <= to; day += DAY_MS) {
    const used = usedOn.get(day) ?? 0
    if (quota !== null) {
      const window = quota.windowAt(day)
      if (window.start !== start) remaining = quota.limitIn(window)
      start = window.start
      remaining -= used
    }
    if (day >= from) pairs.push([used, Math.max(0, remaining)])
  }
  return pairs
}

/** The quota of a plan for one of its keys. */
function quotaFor(catalog: Catalog, plan: UsagePlan, key: ApiKey | undefined): QuotaLimit | null {
  const quota = quotaIn(catalog, plan)
  return extended({ planId: plan.id, quota }, key?.quotaExtensions ?? []).quota
}

const NO_SOURCE: Fault = { fault: 'BadRequestException', message: 'Usage is not counted by this gateway' }

/** Usage by day, `[used, remaining]`, of a page of the plan's keys, used or not, or of the one that is asked for. */
export async function getUsage(catalog: Catalog, input: Input, source: UsageSource | undefined): Promise<Outcome> {
  if (source === undefined) return NO_SOURCE
  const asked = attempt(() => {
    const plan = planOf(catalog, textOf(input, 'usagePlanId') ?? '')
    const keyId = textOf(input, 'keyId') || undefined
    if (keyId !== undefined && !catalog.apiKeys.get(keyId)?.usagePlanIds.includes(plan.id)) {
      notFound('Invalid API Key identifier specified')
    }
    const from = dayOf(input, 'startDate')
    const to = dayOf(input, 'endDate')
    if (to < from) badRequest('Invalid date range specified: endDate is before startDate')
    if (to - from >= MOST_DAYS * DAY_MS) badRequest(`Invalid date range specified: at most ${MOST_DAYS} days`)
    if (keyId !== undefined) return { plan, keyIds: [keyId], from, to, position: undefined }
    const inPlan = (key: ApiKey): boolean => key.usagePlanIds.includes(plan.id)
    const { keys, position } = keysPage(catalog, input, `usageplans/${plan.id}/usage`, inPlan)
    return { plan, keyIds: keys.map(({ id }) => id), from, to, position }
  })
  if ('fault' in asked) return asked
  const { plan, keyIds, from, to, position } = asked
  const since = quotaIn(catalog, plan)?.windowAt(from).start ?? from
  const byKey = grouped(await source({ planId: plan.id, keyIds, from: since, to: to + DAY_MS }))
  const values: Record<string, unknown> = Object.create(null)
  for (const id of keyIds) {
    values[id] = pairsOf(quotaFor(catalog, plan, catalog.apiKeys.get(id)), byKey.get(id) ?? [], from, to)
  }
  return { catalog, answer: usageView(plan, from, to, values, position) }
}

function grouped(entries: readonly UsageEntry[]): Map<string, UsageEntry[]> {
  const byKey = new Map<string, UsageEntry[]>()
  for (const entry of entries) {
    const list = byKey.get(entry.keyId)
    if (list === undefined) byKey.set(entry.keyId, [entry])
    else list.push(entry)
  }
  return byKey
}

function usageView(plan: UsagePlan, from: number, to: number, values: object, position?: string): Answer {
  const text = (day: number): string => new Date(day).toISOString().slice(0, 10)
  return { usagePlanId: plan.id, startDate: text(from), endDate: text(to), position, values }
}

/**
 * Sets what a key may still use in the current period: an extension of its quota in the catalog, so that it holds for
 * every process and store. A plan without a quota has nothing to set.
 */
export async function updateUsage(
  catalog: Catalog,
  input: Input,
  world: World,
  source: UsageSource | undefined,
): Promise<Outcome> {
  if (source === undefined) return NO_SOURCE
  const asked = attempt(() => {
    const plan = planOf(catalog, textOf(input, 'usagePlanId') ?? '')
    const key = catalog.apiKeys.get(textOf(input, 'keyId') ?? '')
    if (!key?.usagePlanIds.includes(plan.id)) return notFound('Invalid API Key identifier specified')
    let remaining: number | undefined
    for (const patch of patchesOf(input, 'updateUsage')) {
      if (patch.op !== 'replace') return invalidPath(patch, [])
      if (patch.path !== '/remaining') return invalidPath(patch, ['/remaining'])
      remaining = wholeIn(patch, 0, 2_147_483_647)
    }
    if (remaining !== undefined && plan.quota === undefined) {
      refuse('BadRequestException', `Usage Plan ${plan.id} has no quota`)
    }
    return { plan, key, remaining }
  })
  if ('fault' in asked) return asked
  const { plan, key, remaining } = asked
  const now = world.now * 1000
  const quota = quotaIn(catalog, plan)
  let next = catalog
  if (remaining !== undefined && quota !== null) {
    const window = quota.windowAt(now)
    const entries = await source({ planId: plan.id, keyIds: [key.id], from: window.start, to: window.end })
    const used = entries.reduce((sum, entry) => sum + entry.used, 0)
    const requests = remaining + used - quota.limitIn(window)
    const others = (key.quotaExtensions ?? []).filter(({ usagePlanId }) => usagePlanId !== plan.id)
    const quotaExtensions = [...others, { usagePlanId: plan.id, windowStart: window.start / 1000, requests }]
    next = withKeys(catalog, [{ ...key, quotaExtensions }], [])
  }
  const date = new Date(now).toISOString().slice(0, 10)
  return getUsage(next, { usagePlanId: plan.id, keyId: key.id, startDate: date, endDate: date }, source)
}
