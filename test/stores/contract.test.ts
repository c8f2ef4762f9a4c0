// The contract itself: a store that breaks a promise is found out, by the case that is about it.

import { describe, expect, it } from 'vitest'
import { decide } from '../../src/core/decide.ts'
import type { Metered } from '../../src/core/limits.ts'
import type { State } from '../../src/core/state.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { ContractError, manualClock, plainStore, storeContract } from '../../src/testing.ts'

/** The names of the cases that a store fails, and what they say. */
async function failures(makeStore: () => Store): Promise<[string, string][]> {
  const failed: [string, string][] = []
  for (const { name, needs, run } of storeContract) {
    if (needs?.includes('usage')) continue
    try {
      await run(makeStore)
    } catch (error) {
      if (!(error instanceof ContractError)) throw error
      failed.push([name, error.message])
    }
  }
  return failed
}

/** A store that reads, yields, and writes: what a database without a transaction does. */
function racy(): Store<true> {
  const plain = plainStore()
  const later = <T>(f: () => T): Promise<T> => Promise.resolve().then(f)
  return {
    take: async (metered, now) => {
      const decision = plain.peek(metered, now)
      await later(() => {})
      if (decision.changed && decision.state !== null) {
        plain.records.set(`${metered.plan?.planId} ${metered.keyId}`, decision.state)
      }
      return decision
    },
    peek: (metered, now) => later(() => plain.peek(metered, now)),
    giveBack: (taken, now) => later(() => plain.giveBack(taken, now)),
  }
}

const BROKEN: Record<string, () => Store> = {
  'forgets at once': () => ({ ...plainStore(), take: (metered, now) => decide(metered, null, now) }),
  'keeps one record for all keys': () => {
    let state: State | null = null
    const peek = (metered: Metered, now: number) => decide(metered, state, now)
    const take = (metered: Metered, now: number) => {
      const decision = peek(metered, now)
      state = decision.state ?? state
      return decision
    }
    return { peek, take, giveBack() {} }
  },
  'never gives back': () => ({ ...memoryStore(), giveBack() {} }),
  'peeks by taking': () => {
    const store = memoryStore()
    return { ...store, peek: store.take }
  },
  'drops what is full at its own instant, whatever the clock does next': () => {
    const store = plainStore()
    return {
      ...store,
      take(metered, now) {
        for (const [id, { used, at }] of store.records) if (used > 0 && at < now - 1) store.records.delete(id)
        return store.take(metered, now)
      },
    }
  },
}

describe('the contract', () => {
  it.each(Object.entries(BROKEN))('finds out a store that %s', async (_, makeStore) => {
    const failed = await failures(makeStore)
    expect(failed.length).toBeGreaterThan(0)
    for (const [, message] of failed) expect(message).toMatch(/expected .+, received /)
  })

  it('finds out a store that loses updates, by takes at once', async () => {
    const failed = await failures(racy)
    expect(failed.map(([name]) => name)).toContain(
      'admits no more than the quota, the burst and the shared burst hold, of many takes at once',
    )
  })

  it('has a name for every case, and each once', () => {
    expect(new Set(storeContract.map(({ name }) => name)).size).toBe(storeContract.length)
  })
})

describe('manualClock', () => {
  it('stands still until it is moved, either way', () => {
    const clock = manualClock(5)
    expect(clock()).toBe(5)
    clock.advance(-7)
    expect(clock()).toBe(-2)
    clock.set(9)
    expect(clock()).toBe(9)
  })
})
