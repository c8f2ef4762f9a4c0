// What was used: GetUsage and UpdateUsage, over a source that the caller gives, since a catalog does not count.
// Floor 4: no clock. Source: AWS API Gateway, API_GetUsage, API_UpdateUsage.

import { DAY_MS, windowOf } from '../core/calendar.ts'
import { type Catalog, WEEK_DAYS } from '../core/catalog.ts'
import type { ApiKey, UsagePlan } from '../core/plan.ts'
import type { UsageQuery } from '../stores/store.ts'
import { attempt, badRequest, type Fault, notFound, refuse } from './fault.ts'
import { textOf } from './input.ts'
import type { Answer, Input, Outcome } from './operation.ts'
import { keysPage } from './operations-keys.ts'
import { planOf } from './operations-plans.ts'
import { invalidPath, patchesOf, wholeIn } from './patch.ts'
import type { World } from './world.ts'

/** What a key did to its quota in one UTC day. Days without any of it have no record. */
export interface UsageDay {
  readonly keyId: string
  /** When the day begins, ms since the Unix epoch. */
  readonly day: number
  /** Requests counted. */
  readonly used: number
  /** Requests that were added to the quota of that day's period; negative where they were taken. */
  readonly extended?: number
}

type Maybe<T> = T | Promise<T>

/** Where usage is counted. */
export interface UsageSource {
  /**
   * The records of a plan's days from `from` up to and without `to`, of the keys that are named: a page of them.
   *
   * A store's `usage` is one, where nothing extends a quota: `days: query => store.usage(query)`.
   */
  days(query: UsageQuery): Maybe<readonly UsageDay[]>
  /** Lets a key have so many requests for the rest of the current period, at once. */
  setRemaining(planId: string, keyId: string, remaining: number): Maybe<void>
}

/** A day as `YYYY-MM-DD`, in ms since the Unix epoch. */
function dayOf(input: Input, name: string): number {
  const text = textOf(input, name) ?? ''
  const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isFinite(day) && new Date(day).toISOString().startsWith(text)) return day
  return badRequest(`Invalid ${name} specified: expected YYYY-MM-DD`)
}

/** The longest range of one request: the days for which use is kept, at least. */
const MOST_DAYS = 400

/** The pairs of each day from `from` to `to` (inclusive): used that day, and remaining at its end. */
export function pairsOf(
  plan: UsagePlan,
  weekStart: number,
  records: readonly UsageDay[],
  from: number,
  to: number,
): (readonly [number, number])[] {
  const byDay = new Map(records.map(record => [record.day, record]))
  const { quota } = plan
  const pairs: (readonly [number, number])[] = []
  let start = Number.NaN
  let remaining = 0
  for (let day = quota === undefined ? from : windowAt(plan, weekStart, from); day <= to; day += DAY_MS) {
    const { used = 0, extended = 0 } = byDay.get(day) ?? {}
    if (quota !== undefined) {
      const window = windowAt(plan, weekStart, day)
      if (window !== start) remaining = quota.limit
      start = window
      remaining += extended - used
    }
    if (day >= from) pairs.push([used, Math.max(0, remaining)])
  }
  return pairs
}

/** When the quota's period that a day is in began. */
function windowAt({ quota }: UsagePlan, weekStart: number, day: number): number {
  return quota === undefined ? day : windowOf(quota.period, quota.offset ?? 0, weekStart, day).start
}

const weekStartOf = ({ semantics }: Catalog): number => WEEK_DAYS.indexOf(semantics.weekStart ?? 'SUNDAY')

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
  const weekStart = weekStartOf(catalog)
  const since = windowAt(plan, weekStart, from)
  const byKey = grouped(await source.days({ planId: plan.id, keyIds, from: since, to: to + DAY_MS }))
  const values: Record<string, unknown> = Object.create(null)
  for (const id of keyIds) values[id] = pairsOf(plan, weekStart, byKey.get(id) ?? [], from, to)
  return { catalog, answer: usageView(plan, from, to, values, position) }
}

function grouped(records: readonly UsageDay[]): Map<string, UsageDay[]> {
  const byKey = new Map<string, UsageDay[]>()
  for (const record of records) {
    const list = byKey.get(record.keyId)
    if (list === undefined) byKey.set(record.keyId, [record])
    else list.push(record)
  }
  return byKey
}

function usageView(plan: UsagePlan, from: number, to: number, values: object, position?: string): Answer {
  const text = (day: number): string => new Date(day).toISOString().slice(0, 10)
  return { usagePlanId: plan.id, startDate: text(from), endDate: text(to), position, values }
}

/** Sets what a key may still use in the current period. A plan without a quota has nothing to set. */
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
    return { plan, keyId: key.id, remaining }
  })
  if ('fault' in asked) return asked
  const { plan, keyId, remaining } = asked
  if (remaining !== undefined) await source.setRemaining(plan.id, keyId, remaining)
  const today = Math.floor((world.now * 1000) / DAY_MS) * DAY_MS
  const date = new Date(today).toISOString().slice(0, 10)
  return getUsage(catalog, { usagePlanId: plan.id, keyId, startDate: date, endDate: date }, source)
}
