// What was taken and put back. The yardstick is always the same trace in which the request had never come.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Allowed, MeteredDecision } from '../../src/core/decision.ts'
import { law } from './law.ts'
import { Ledger } from './model.ts'
import { plainStore } from './plain.ts'
import { play, throttle, told, traces, type World, worlds } from './worlds.ts'

const none: World = { override: false, weekStart: 0 }
const isAllowed = (decision: MeteredDecision | null): decision is Allowed => decision?.kind === 'allowed'

describe('giveBack', () => {
  law(
    'given back at once, the record is what it would have been without the request',
    [worlds(), traces({ clock: 'jogging' })],
    (world, trace) => {
      const store = plainStore()
      const { take } = play(world, store)
      for (const event of trace) {
        const free = take({ ...event, cost: 0 })
        const decision = take(event)
        if (!isAllowed(decision) || decision.cost === 0) continue
        store.giveBack(decision, event.now)
        const back = take({ ...event, cost: 0 })
        expect(told(back)).toEqual(told(free))
        if (free?.state) expect({ ...back!.state, methods: [] }).toEqual({ ...free.state, methods: [] })
      }
    },
  )

  law(
    'nobody gains: where requests were given back, no more is left to anyone than if they had never come',
    // A clock that steps back stands still for both only while both were charged; the next law lets it.
    [worlds(), traces({ clock: 'steady' }), fc.array(fc.tuple(fc.nat(40), fc.nat(6)), { maxLength: 10 })],
    (world, trace, gifts) => {
      const withGifts = plainStore()
      const without = plainStore()
      const there = play(world, withGifts)
      const here = play(world, without)
      const due: { decision: Allowed; at: number }[] = []
      const lag = new Map(gifts)
      trace.forEach((event, i) => {
        for (const { decision } of due.filter(({ at }) => at === i)) withGifts.giveBack(decision, event.now)
        const decision = there.take(event)
        const isGift = isAllowed(decision) && decision.cost > 0 && lag.has(i)
        if (isGift) due.push({ decision, at: i + (lag.get(i) as number) + 1 })
        // What is admitted and kept there is charged here too; there it may only be refused more.
        if (decision !== null && !isGift && decision.admitted) {
          expect(here.take(event)!.admitted).toBe(true)
        }
        if (isGift || decision === null) return
        const a = there.take({ ...event, cost: 0 })!
        const b = here.take({ ...event, cost: 0 })!
        a.limits.forEach((limit, j) => {
          expect(limit.remaining, limit.name).toBeLessThanOrEqual(b.limits[j]!.remaining)
        })
      })
    },
  )

  law(
    'net admitted cost in every interval is at most burst + rate·Δ, however much is given back',
    [
      throttle,
      traces({ clock: 'jogging', keys: 1, open: false }),
      fc.array(fc.tuple(fc.nat(40), fc.nat(12)), { maxLength: 12 }),
    ],
    (limit, trace, gifts) => {
      const store = plainStore()
      const { take } = play({ ...none, plan: limit }, store)
      const kept: { at: bigint; cost: bigint }[] = []
      const due: { decision: Allowed; at: number }[] = []
      const lag = new Map(gifts)
      trace.forEach((event, i) => {
        const decision = take(event)
        if (isAllowed(decision) && decision.cost > 0) {
          if (lag.has(i)) due.push({ decision, at: i + (lag.get(i) as number) })
          else kept.push({ at: BigInt(decision.at), cost: BigInt(decision.cost) })
        }
        for (const { decision } of due.filter(({ at }) => at === i)) store.giveBack(decision, event.now)
        for (const { level } of store.records.values()) expect(level).toBeLessThanOrEqual(limit.burst * 432_000_000)
      })
      const ledger = new Ledger()
      for (const { at, cost } of kept) {
        ledger.charges.push({ at, cost })
        expect(ledger.held(at, limit) >= 0n).toBe(true)
      }
    },
  )

  // The trace that the simulation found: of three that came together one is given back before the bucket is full again,
  // and one after.
  const found = [
    { wait: 0, act: 'take' },
    { wait: 0, act: 'take' },
    { wait: 0, act: 'take' },
    { wait: 0, act: 1 },
    { wait: 8, act: 'take' },
    { wait: 0, act: 1 },
    ...Array.from({ length: 5 }, () => ({ wait: 0, act: 'take' as const })),
  ] as const

  law(
    'net admitted cost in every interval is at most burst + rate·Δ, in whatever order several are given back',
    [
      fc.constantFrom<'own' | 'method' | 'shared'>('own', 'method', 'shared'),
      fc.integer({ min: 1, max: 5 }),
      // A token in 4 ms; one is taken, or the nth of those that might still be given back is.
      fc.array(fc.record({ wait: fc.nat(9), act: fc.oneof(fc.constant('take' as const), fc.nat(4)) }), {
        maxLength: 24,
      }),
    ],
    (where, burst, trace) => {
      const limit = { tokens: 1, ms: 4, burst }
      const world = { own: { plan: limit }, method: { method: limit }, shared: { account: limit } }[where]
      const store = plainStore()
      const { take } = play({ ...none, ...world }, store)
      const open: Allowed[] = []
      let now = 0
      for (const { wait, act } of trace) {
        now += wait
        if (act === 'take') {
          const decision = take({ key: 0, path: '/a', stage: 's', cost: 1, now })
          if (isAllowed(decision)) open.push(decision)
        } else if (open.length > 0) {
          const [given] = open.splice(act % open.length, 1)
          store.giveBack(given!, now)
        }
      }
      const ledger = new Ledger()
      for (const { at } of open) {
        ledger.charges.push({ at: BigInt(at), cost: 1n })
        expect(ledger.held(BigInt(at), limit) >= 0n).toBe(true)
      }
    },
    {
      share: 4,
      examples: [
        ['own', 5, [...found]],
        ['method', 5, [...found]],
        ['shared', 5, [...found]],
      ],
    },
  )

  law(
    'a quota gets back within its window what it gave, and nothing in another',
    [traces({ clock: 'steady', keys: 1, open: false }), fc.integer({ min: 0, max: 20 })],
    (trace, lag) => {
      const world: World = { ...none, quota: { limit: 20, period: 'DAY', offset: 0 } }
      const store = plainStore()
      const { take } = play(world, store)
      const taken: Allowed[] = []
      const day = (at: number): number => Math.floor(at / 86_400_000)
      const used = new Map<number, number>()
      trace.forEach((event, i) => {
        const decision = take(event)!
        const today = day(decision.at)
        if (isAllowed(decision)) {
          taken.push(decision)
          used.set(today, (used.get(today) ?? 0) + decision.cost)
        }
        if (i === lag && taken[0] !== undefined) {
          store.giveBack(taken[0], event.now)
          const then = day(taken[0].at)
          used.set(then, (used.get(then) ?? 0) - taken[0].cost)
        }
        expect(take({ ...event, cost: 0 })!.quota!.used).toBe(used.get(today) ?? 0)
      })
    },
  )

  law('what cost nothing gives nothing back', [worlds(), traces({ clock: 'jogging' })], (world, trace) => {
    const store = plainStore()
    const { take } = play(world, store)
    for (const event of trace) {
      take(event)
      const free = take({ ...event, cost: 0 })
      const before = JSON.stringify([...store.records])
      if (isAllowed(free)) store.giveBack(free, event.now)
      expect(JSON.stringify([...store.records])).toBe(before)
    }
  })
})
