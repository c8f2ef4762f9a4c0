// What would change for the records of a live store if another catalog went live at this moment. Floor 4: pure.

import { levelAfter } from '../core/bucket.ts'
import type { Catalog } from '../core/catalog.ts'
import { compile } from '../core/compile.ts'
import type { PlanLimits } from '../core/limits.ts'
import { decodeState, type State } from '../core/state.ts'
import { FULL, type Millis, TOKEN } from '../core/units.ts'
import type { Snapshot } from '../stores/memory.ts'

/** What becomes of one (plan, key). */
export type Change =
  /** It has used its new quota, and had some left of the old one: refused until the window ends. */
  | { readonly kind: 'over-quota'; readonly used: number; readonly limit: number; readonly until: Millis }
  /** It had used its quota, and has some left of the new one. */
  | { readonly kind: 'quota-freed'; readonly used: number; readonly limit: number }
  /** It holds more tokens than the new burst: the rest is gone. */
  | { readonly kind: 'clipped'; readonly tokens: number; readonly burst: number }
  /** Its use does not count on: of another plan, of a window of another length, or of a plan that had no quota. */
  | { readonly kind: 'begins-anew'; readonly used: number; readonly reason: 'plan' | 'period' }
  /** The catalog has no such key, or its plan may call nothing. */
  | { readonly kind: 'gone'; readonly reason: 'key' | 'plan' }

export interface KeyChange {
  readonly planId: string
  readonly keyId: string
  readonly name: string | null
  readonly change: Change
}

export interface Preview {
  readonly at: Millis
  readonly records: number
  /** Records for which nothing changes have none; one may have several. */
  readonly changes: readonly KeyChange[]
}

/**
 * @param snapshot what the store remembers
 * @param current the catalog in force; null where it is not known: then whatever the new one refuses is a change
 */
export function preview(snapshot: Snapshot, current: Catalog | null, next: Catalog, now: Millis): Preview {
  const before = current === null ? null : plansOf(current)
  const after = plansOf(next)
  const changes = snapshot.records.flatMap(([planId, keyId, encoded]): KeyChange[] => {
    const name = (next.apiKeys.get(keyId) ?? current?.apiKeys.get(keyId))?.name ?? null
    const was = before?.get(planId) ?? null
    const found = changesOf(decodeState(encoded), { planId, keyId, next, was, will: after.get(planId) ?? null, now })
    return found.map(change => ({ planId, keyId, name, change }))
  })
  return { at: now, records: snapshot.records.length, changes }
}

/** The limits of plans that some stage has. */
function plansOf(catalog: Catalog): Map<string, PlanLimits> {
  const plans = new Map<string, PlanLimits>()
  for (const stage of compile(catalog).stages.values()) for (const [id, { plan }] of stage.plans) plans.set(id, plan)
  return plans
}

interface Circumstances {
  readonly planId: string
  readonly keyId: string
  readonly next: Catalog
  readonly was: PlanLimits | null
  readonly will: PlanLimits | null
  readonly now: Millis
}

function changesOf(state: State, { planId, keyId, next, was, will, now }: Circumstances): Change[] {
  const at = Math.max(state.at, now)
  const key = next.apiKeys.get(keyId)
  const used = usedIn(was, state, at)
  if (key === undefined) return [{ kind: 'gone', reason: 'key' }]
  if (!key.usagePlanIds.includes(planId)) return [{ kind: 'begins-anew', used: used ?? state.used, reason: 'plan' }]
  if (will === null) return [{ kind: 'gone', reason: 'plan' }]
  return [...quotaChanges(was, will, state, at), ...bucketChanges(was, will, state, at)]
}

/** What counts of a record's use; null without a quota. */
function usedIn(plan: PlanLimits | null, state: State, at: Millis): number | null {
  if (plan === null || plan.quota === null) return null
  return plan.quota.windowAt(at).start === state.window ? state.used : 0
}

function quotaChanges(was: PlanLimits | null, { quota }: PlanLimits, state: State, at: Millis): Change[] {
  if (quota === null) return []
  const window = quota.windowAt(at)
  const limit = quota.limitIn(window)
  const old = usedIn(was, state, at)
  const used = window.start === state.window ? state.used : 0
  if (used === 0 && old !== null && old > 0) return [{ kind: 'begins-anew', used: old, reason: 'period' }]
  const wasOver = old !== null && was?.quota != null && old >= was.quota.limitIn(was.quota.windowAt(at))
  if (used >= limit) return wasOver ? [] : [{ kind: 'over-quota', used, limit, until: window.end }]
  return wasOver ? [{ kind: 'quota-freed', used, limit }] : []
}

function bucketChanges(was: PlanLimits | null, { bucket }: PlanLimits, state: State, at: Millis): Change[] {
  if (bucket === null) return []
  const old = was?.bucket ?? null
  // Not known, or no bucket so far: what is written is what it holds, and FULL is whatever the new one does.
  const level = old === null ? state.level : levelAfter(state.level, at - state.at, old.rate, old.capacity)
  if (level === FULL || level <= bucket.capacity) return []
  return [{ kind: 'clipped', tokens: Math.floor(level / TOKEN), burst: bucket.capacity / TOKEN }]
}
