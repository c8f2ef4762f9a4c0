// The limits of a request as the script reads them: JSON, made once per plan and window. Floor 3.

import type { Bucket, Metered, PlanLimits, QuotaLimit } from '../core/limits.ts'
import type { Millis } from '../core/units.ts'

/** What a request is measured against, or a part of it. */
export type Asked = Pick<Metered, 'plan' | 'keyId' | 'bucket' | 'method' | 'shared' | 'cost'>

/** A plan's text, and the instants for which its windows are the right ones. */
interface PlanText {
  readonly text: string
  readonly from: Millis
  readonly until: Millis
}

/** @returns a function from what is asked, and when, to its `limits` (redis-script.ts) */
export function limitsTexts(): (asked: Asked, now: Millis) => string {
  const plans = new WeakMap<PlanLimits, PlanText>()
  const shares = new WeakMap<Asked['shared'], string>()

  function planText(plan: PlanLimits, now: Millis): string {
    const made = plans.get(plan)
    if (made !== undefined && made.from <= now && now < made.until) return made.text
    const { start, end } = plan.quota?.windowAt(now) ?? { start: -Infinity, end: Infinity }
    const text = `"own":true${bucketWord(plan.bucket)}${methodsWord(plan)}${quotaWord(plan.quota, now)},`
    plans.set(plan, { text, from: start, until: end })
    return text
  }

  function sharedText(shared: Asked['shared']): string {
    let text = shares.get(shared)
    if (text === undefined) shares.set(shared, (text = `"shared":${JSON.stringify(shared.map(pairOf))}`))
    return text
  }

  return ({ plan, bucket, method, shared }, now) => {
    const draws = bucket === null ? '' : '"draws":true,'
    const own = method === null ? '' : `"method":${JSON.stringify([...pairOf(method), method.id])},`
    return `{${plan === null ? '' : planText(plan, now)}${draws}${own}${sharedText(shared)}}`
  }
}

const pairOf = ({ rate, capacity }: Bucket): number[] => [rate, capacity]

function bucketWord(bucket: Bucket | null): string {
  return bucket === null ? '' : `,"bucket":${JSON.stringify(pairOf(bucket))}`
}

/** All the plan's, since a record may hold any of them, and must not expire before they are full. */
function methodsWord({ methods }: PlanLimits): string {
  if (methods.size === 0) return ''
  return `,"methods":${JSON.stringify(Object.fromEntries([...methods].map(([id, method]) => [id, pairOf(method)])))}`
}

/** The windows around `now`, one before and one after, so that a clock within a day of this one finds its own. */
function quotaWord(quota: QuotaLimit | null, now: Millis): string {
  if (quota === null) return ''
  const current = quota.windowAt(now)
  const windows = [quota.windowAt(current.start - 1), current, quota.windowAt(current.end)]
  const said = windows.map(window => [window.start, window.end, quota.limitIn(window)])
  return `,"quota":${JSON.stringify({ largest: quota.quota.limit, windows: said })}`
}
