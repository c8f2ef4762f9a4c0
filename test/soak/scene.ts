// What a soak asks for: three plans, sixteen keys of each, and a catalog of them.

import { type Catalog, catalogOf } from '../../src/index.ts'

const KEYS_PER_PLAN = 16
const PLENTY = 2_000_000_000

export const PACE = { rateLimit: 20, burstLimit: 50 } as const

export interface Scene {
  readonly catalog: Catalog
  /** Ids of the keys. */
  readonly keys: readonly string[]
  /** What of a key may be counted. */
  readonly limitOf: (key: string) => number
  readonly isPaced: (key: string) => boolean
}

export const secretOf = (key: string): string => `soak-key-${key}-0000000000000001`
export const planOf = (key: string): string => key.split('-')[0] as string

/**
 * `counted` keys are never refused, so that everything shows in their count; those of `spent` use up their quota about
 * half-way; those of `paced` ask for more than their throttle lets through.
 *
 * @param requests how many there will be, of all keys
 */
export function sceneOf(requests: number): Scene {
  const quotas: Readonly<Record<string, number>> = {
    counted: PLENTY,
    spent: Math.max(1, Math.floor(requests / (6 * KEYS_PER_PLAN))),
    paced: PLENTY,
  }
  const plans = Object.keys(quotas)
  const keys = plans.flatMap(plan => Array.from({ length: KEYS_PER_PLAN }, (_, i) => `${plan}-${i}`))
  const catalog = catalogOf({
    plans: plans.map(id => ({
      id,
      quota: { limit: quotas[id] as number, period: 'MONTH' as const },
      ...(id === 'paced' ? { throttle: PACE } : {}),
    })),
    keys: keys.map(id => ({ id, value: secretOf(id), plan: planOf(id) })),
  })
  return { catalog, keys, limitOf: key => quotas[planOf(key)] as number, isPaced: key => planOf(key) === 'paced' }
}
