// Clients that ask a store without pause, and the ledger of what they were told.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect } from 'vitest'
import type { Metered } from '../../src/core/limits.ts'
import { StoreError } from '../../src/errors.ts'
import type { Store } from '../../src/stores/store.ts'
import { indexOf, meteredOf, type World } from '../laws/worlds.ts'
import { type Ledger, ledger, lineOf, type Said, type Verdict } from './audit.ts'

/** Only a quota, of a month. */
export const quotaOf = (limit: number): World => ({
  override: false,
  weekStart: 0,
  quota: { limit, period: 'MONTH', offset: 0 },
})

/** What one client asks for. */
export const asked = (world: World, cost = 1): Metered =>
  meteredOf(indexOf(world), { key: 0, path: '/b', stage: 's', cost })!

/** The same of several. */
export function askedByMany(world: World, clients: number): Metered[] {
  const metered = asked(world)
  return Array.from({ length: clients }, (_, i) => ({ ...metered, keyId: `key-${i}` }))
}

/** What is counted of each. */
export async function countedOf(store: Store, asks: readonly Metered[]): Promise<Map<string, number>> {
  const found = await Promise.all(asks.map(metered => store.peek({ ...metered, cost: 0 }, Date.now())))
  return new Map(found.map(said => [said.keyId as string, 'state' in said ? (said.state?.used ?? 0) : -1]))
}

/** One request. What is no answer and no outage is a bug, and thrown. */
export async function askOnce(store: Store, metered: Metered, told: Ledger): Promise<Said> {
  const key = metered.keyId as string
  told.ask(key)
  let said: Said
  try {
    const decision = await store.take(metered, Date.now())
    if (decision.kind === 'store-unavailable') said = decision.reason === 'not-asked' ? 'unasked' : 'unknown'
    else if (decision.degraded !== undefined) said = decision.admitted ? 'degraded' : 'unasked'
    else said = decision.admitted ? 'admitted' : 'refused'
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    said = error.executed === 'no' ? 'unasked' : 'unknown'
  }
  told.tell(key, said)
  return said
}

const loads = new Set<Load>()
afterEach(async () => {
  for (const load of loads) await load.stop().catch(() => {})
  loads.clear()
})

export interface Load {
  readonly told: Ledger
  /** Resolves when everybody has been answered. */
  stop(): Promise<void>
}

/** So many clients, spread over the stores and over what is asked. */
export function loadOn(stores: readonly Store[], asks: readonly Metered[], clients: number): Load {
  const told = ledger()
  let isOver = false
  const asking = Array.from({ length: clients }, async (_, i) => {
    for (let n = i; !isOver; n += clients) {
      const said = await askOnce(stores[i % stores.length]!, asks[n % asks.length]!, told)
      if (said !== 'admitted' && said !== 'refused') await sleep(5)
    }
  })
  const all = Promise.all(asking)
  // Heard of where it is waited for.
  all.catch(() => {})
  const load = {
    told,
    async stop() {
      isOver = true
      await all
    },
  }
  loads.add(load)
  return load
}

/** Waits for what has to come true, however slow the machine. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; !(await holds()); await sleep(5)) {
    if (Date.now() > end) expect.fail(`it did not come true within 15 s: ${holds}`)
  }
}

/** Says a verdict in a line, and fails where it does not hold. */
export function held(verdict: Verdict): Verdict {
  console.log(lineOf(verdict))
  expect(verdict.broken).toEqual([])
  return verdict
}
