// The limits of a request as the script reads them: JSON, made once per plan and window. Floor 3.

import type { Bucket, Metered, MethodBucket, PlanLimits, QuotaLimit } from '../core/limits.ts'
import type { Millis } from '../core/units.ts'

/** What a request is measured against, or a part of it. */
export type Asked = Pick<Metered, 'plan' | 'keyId' | 'bucket' | 'method' | 'shared' | 'cost'>

/** A plan's text, and the instants for which its windows are the right ones. */
interface PlanText {
  readonly text: string
  readonly methods: string
  readonly from: Millis
  readonly until: Millis
}

/** @returns a function from what is asked, and when, to its `limits` (redis-script.ts) */
export function limitsTexts(): (asked: Asked, now: Millis) => string {
  const plans = new WeakMap<PlanLimits, PlanText>()
  const shares = new WeakMap<Asked['shared'], string>()
  const methods = new WeakMap<MethodBucket, string>()

  function planText(plan: PlanLimits, now: Millis): PlanText {
    const known = plans.get(plan)
    if (known !== undefined && known.from <= now && now < known.until) return known
    const { start, end } = plan.quota?.windowAt(now) ?? { start: -Infinity, end: Infinity }
    const text = `"own":true,${bucketWord(plan.bucket)}${quotaWord(plan.quota, now)}`
    const made = { text, methods: methodsWord(plan), from: start, until: end }
    plans.set(plan, made)
    return made
  }

  function sharedText(shared: Asked['shared']): string {
    let text = shares.get(shared)
    if (text === undefined) shares.set(shared, (text = `"shared":${JSON.stringify(shared.map(pairOf))}`))
    return text
  }

  function methodText(method: MethodBucket): string {
    let text = methods.get(method)
    if (text === undefined) {
      text = `"method":${JSON.stringify([...pairOf(method), method.id])},`
      methods.set(method, text)
    }
    return text
  }

  return ({ plan, bucket, method, shared }, now) => {
    let text = '{'
    if (plan !== null) {
      const { text: own, methods } = planText(plan, now)
      // Where there is no other than the request's own, it is not said twice.
      text += plan.methods.size > (method === null ? 0 : 1) ? own + methods : own
    }
    if (bucket !== null) text += '"draws":true,'
    if (method !== null) text += methodText(method)
    return `${text}${sharedText(shared)}}`
  }
}

const pairOf = ({ rate, capacity }: Bucket): number[] => [rate, capacity]

function bucketWord(bucket: Bucket | null): string {
  return bucket === null ? '' : `"bucket":${JSON.stringify(pairOf(bucket))},`
}

/** All the plan's, since a record may hold any of them, and must not expire before they are full. */
function methodsWord({ methods }: PlanLimits): string {
  return `"methods":${JSON.stringify(Object.fromEntries([...methods].map(([id, method]) => [id, pairOf(method)])))},`
}

/** The windows around `now`, one before and one after, so that a clock within a day of this one finds its own. */
function quotaWord(quota: QuotaLimit | null, now: Millis): string {
  if (quota === null) return ''
  const current = quota.windowAt(now)
  const windows = [quota.windowAt(current.start - 1), current, quota.windowAt(current.end)]
  const bounds = [...windows.map(({ start }) => start), windows[2]!.end]
  const limits = windows.map(window => quota.limitIn(window))
  return `"quota":${JSON.stringify({ largest: quota.quota.limit, bounds, limits })},`
}
