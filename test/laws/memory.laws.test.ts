// The memory store against one that never forgets (plain.ts): it forgets, copies and sweeps, and nobody can tell.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Allowed } from '../../src/core/decision.ts'
import { StateError } from '../../src/core/state.ts'
import { memoryStore, type Snapshot } from '../../src/stores/memory.ts'
import { law } from './law.ts'
import { plainStore } from './plain.ts'
import {
  copyOf,
  DAY,
  END_OF_TIME,
  type Event,
  HOUR,
  keyIds,
  meteredOf,
  play,
  quota,
  slowTraces,
  steps,
  throttle,
  told,
  traces,
  type World,
  worlds,
} from './worlds.ts'

const none: World = { override: false, weekStart: 0 }
const at = (now: number, event: Partial<Event> = {}): Event => ({
  now,
  key: 0,
  path: '/b',
  stage: 's',
  cost: 1,
  ...event,
})

describe('memory store', () => {
  law(
    'forgetting cannot be told: swept before any request, or never, every decision is the same',
    [worlds(), traces({ clock: 'jogging' }), fc.array(fc.nat(40)), fc.array(steps('jogging'), { maxLength: 20 })],
    (world, trace, sweeps, offsets) => {
      const store = memoryStore()
      const forgetful = play(world, store)
      const faithful = play(world)
      let latest = trace[0]!.now
      trace.forEach((event, i) => {
        latest = Math.max(latest, event.now)
        // By the clock of another moment, as it may step back between any two readings.
        if (sweeps.includes(i)) store.sweep(Math.max(event.now, latest - Math.abs(offsets[i] ?? 0)))
        expect(told(forgetful.take(event))).toEqual(told(faithful.take(event)))
      })
    },
    {
      examples: [
        // Swept at midnight, a used quota came back when the clock stepped back over midnight.
        [
          { ...none, quota: { limit: 1, period: 'DAY', offset: 0 } },
          [at(DAY - 1), at(DAY, { key: 1 }), at(DAY - 1)],
          [],
          [],
        ],
        // Swept when full again, a bucket was full a millisecond early for a clock that stepped back.
        [{ ...none, plan: { tokens: 1, ms: 10, burst: 1 } }, [at(0), at(10, { key: 1 }), at(9)], [], []],
      ],
    },
  )

  law(
    'what fills slowly is not forgotten early: a method’s bucket no more than a plan’s or a shared one',
    [worlds({ slow: true, initial: false }), slowTraces()],
    (world, trace) => {
      const store = memoryStore()
      const forgetful = play({ ...world, quota: undefined }, store)
      const faithful = play({ ...world, quota: undefined })
      for (const event of trace) {
        store.sweep(event.now)
        expect(told(forgetful.take(event))).toEqual(told(faithful.take(event)))
      }
    },
  )

  const anyCost = fc.oneof(fc.nat(9), fc.maxSafeNat(), fc.constantFrom(2 ** 52, Number.MAX_SAFE_INTEGER))
  law(
    'a record is whole numbers and can be restored, whatever requests cost',
    [worlds(), traces({ costs: false }), fc.array(anyCost, { minLength: 40, maxLength: 40 })],
    (world, trace, costs) => {
      const store = memoryStore()
      const { take } = play(world, store)
      for (const [i, event] of trace.entries()) take({ ...event, cost: costs[i]! })
      expect(copyOf(store).snapshot()).toEqual(store.snapshot())
    },
    {
      examples: [
        // Use without a quota was added up past 2^53, and the snapshot of all keys could not be restored.
        [none, [at(0), at(1), at(2)], [2 ** 52, 2 ** 52, 2 ** 52]],
      ],
    },
  )

  law(
    'a sweep drops everything an hour after the last bucket is full and the last window over, and nothing it will need',
    [worlds(), traces({ clock: 'jogging' })],
    (world, trace) => {
      const store = memoryStore()
      const { take } = play(world, store)
      for (const event of trace) take(event)
      const copy = copyOf(store)
      expect(copy.sweep(Number.MAX_SAFE_INTEGER)).toBe(0)
      const latest = Math.max(...trace.map(({ now }) => now)) + HOUR
      const fills = [world.plan, world.method, world.stage, world.account].map(limit =>
        limit === undefined ? 0 : (limit.burst * limit.ms) / limit.tokens,
      )
      const never = fills.some(ms => latest + ms >= END_OF_TIME)
      const dropped = store.sweep(END_OF_TIME)
      if (!never) expect(store.size).toBe(0)
      expect(dropped + store.size).toBe(copy.size)
    },
    {
      examples: [
        // A bucket that fills in 285 000 years was expected to be full at the end of time.
        [
          { ...none, method: { tokens: 1, ms: 5 * DAY, burst: 20_849_998 } },
          [at(1000, { path: '/a', cost: 20_849_998 }), at(1000, { path: '/a' })],
        ],
      ],
    },
  )

  law(
    'a snapshot, restored elsewhere or here, goes on where it left off',
    [worlds(), traces({ clock: 'jogging' }), fc.nat(40)],
    (world, trace, cut) => {
      const here = play(world, memoryStore())
      let there = play(world, memoryStore())
      trace.forEach((event, i) => {
        if (i === cut) {
          const snapshot: Snapshot = JSON.parse(JSON.stringify(there.store.snapshot()))
          const store = memoryStore()
          play(world, store).take({ ...event, key: 1, now: event.now + 1 })
          store.restore(snapshot)
          expect(store.snapshot()).toEqual(snapshot)
          there = play(world, store)
        }
        expect(told(there.take(event))).toEqual(told(here.take(event)))
      })
    },
    {},
  )

  const junk = fc.oneof(
    fc.anything(),
    fc.record({ version: fc.constantFrom(0, 2, '1', null), records: fc.constant([]), shared: fc.constant([]) }),
    fc.record({ version: fc.constant(1), records: fc.anything(), shared: fc.constantFrom([], null, undefined, 7) }),
    fc.constantFrom(
      { version: 1 },
      { version: 1, records: [null], shared: [] },
      { version: 1, records: [['p', 'k', [2, 0, 0, 0, 0]]], shared: [] },
      { version: 1, records: [['p', 'k', [1, 0, -1, 0, 0]]], shared: [] },
      { version: 1, records: [['p', 'k', [1, 0.5, 0, 0, 0]]], shared: [] },
      { version: 1, records: [['p', 'k', [1, 0, 0, 0, 0, ['m', 1]]]], shared: [] },
      { version: 1, records: [['p', 7, [1, 0, 0, 0, 0]]], shared: [] },
      { version: 1, records: [], shared: [['account', [1, 0, 2 ** 53, 0, 0]]] },
      { version: 1, records: [], shared: [[null, [1, 0, 0, 0, 0]]] },
    ),
  )
  law('what is no snapshot is refused, and nothing is changed', [worlds(), traces(), junk], (world, trace, junk) => {
    const store = memoryStore()
    const { take } = play(world, store)
    for (const event of trace) take(event)
    const before = store.snapshot()
    const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0
    const { version, records, shared } = (junk ?? {}) as Record<string, unknown>
    if (version === 1 && isEmpty(records) && isEmpty(shared)) return
    expect(() => store.restore(junk as Snapshot)).toThrow(StateError)
    expect(store.snapshot()).toEqual(before)
  })

  law('a refusal makes no record', [worlds(), traces({ clock: 'jogging' })], (world, trace) => {
    const store = memoryStore()
    const { take } = play(world, store)
    for (const event of trace) {
      const before = JSON.stringify(store.snapshot())
      const decision = take(event)
      if (decision !== null && !decision.admitted) expect(JSON.stringify(store.snapshot())).toBe(before)
    }
  })

  law('a record is one per key that was admitted, whatever is asked of it', [worlds(), traces()], (world, trace) => {
    const store = memoryStore()
    const { take } = play(world, store)
    for (const event of trace) take(event)
    const { records, shared } = store.snapshot()
    expect(records.length).toBeLessThanOrEqual(keyIds.length)
    // A stage's setting is of its three methods, the account is one.
    expect(shared.length).toBeLessThanOrEqual(4)
    for (const [, , [, , , , , ...methods]] of records) expect(methods.length).toBeLessThanOrEqual(2)
  })

  law(
    'keys do not know of each other: without the other’s requests, each hears the same',
    [worlds({ shared: false }), traces({ clock: 'jogging' })],
    (world, trace) => {
      const together = play(world, memoryStore())
      const apart = [play(world, memoryStore()), play(world, memoryStore())] as const
      for (const event of trace) {
        expect(told(together.take(event))).toEqual(told(apart[event.key].take(event)))
      }
    },
  )

  law(
    'an order among different keys does not matter: swapped in time, each hears the same',
    [worlds({ shared: false }), traces({ clock: 'steady' })],
    (world, trace) => {
      const sorted = [...trace].sort((a, b) => a.now - b.now || a.key - b.key)
      const answers = (events: readonly Event[], key: number): unknown[] => {
        const { take } = play(world, memoryStore())
        return events.map(event => [event.key, told(take(event))]).filter(([k]) => k === key)
      }
      for (const key of [0, 1]) expect(answers(sorted, key)).toEqual(answers(trace, key))
    },
  )

  law(
    'idle long enough, a bucket is exactly full, and a millisecond before it is not',
    [throttle, traces({ clock: 'steady', keys: 1, open: false })],
    (limit, trace) => {
      if (limit.tokens === 0 || limit.burst === 0) return
      const store = memoryStore()
      const { take, index } = play({ ...none, plan: limit }, store)
      for (const event of trace) take(event)
      const last = trace.at(-1)!
      const metered = meteredOf(index, { ...last, cost: limit.burst })!
      const decision = store.peek(metered, last.now)
      const wait = 'retryAfter' in decision ? decision.retryAfter : 0
      if (last.now + wait > END_OF_TIME) return
      expect(store.peek(metered, last.now + wait).admitted).toBe(true)
      if (wait > 0) expect(store.peek(metered, last.now + wait - 1).admitted).toBe(false)
      if (wait > 0) expect(store.sweep(last.now + wait - 1)).toBe(0)
      if (store.size > 0) expect(store.sweep(last.now + wait + HOUR)).toBe(1)
    },
    {
      examples: [
        // Full beyond 2^53 ms, where one more millisecond makes no other instant.
        [
          { tokens: 1, ms: 5 * DAY, burst: 20_849_998 },
          [at(1_703_980_800_000, { path: '/a', cost: 20_849_998 }), at(1_703_980_800_000, { path: '/a' })],
        ],
      ],
    },
  )

  law(
    'quotas and methods do not hold each other back from being forgotten',
    [quota, throttle, traces({ clock: 'steady', keys: 1, open: false, costs: false })],
    (quota, method, trace) => {
      const store = memoryStore()
      const { take } = play({ ...none, quota, method }, store)
      for (const event of trace) take(event)
      const plain = plainStore()
      const other = play({ ...none, quota, method }, plain)
      for (const event of trace) other.take(event)
      expect(store.snapshot().records.length).toBe(plain.records.size)
    },
  )

  law(
    'what is given back comes back as in a store that forgets nothing',
    [worlds(), traces({ clock: 'jogging' }), fc.array(fc.tuple(fc.nat(40), fc.nat(6)), { maxLength: 10 })],
    (world, trace, gifts) => {
      const forgetful = play(world, memoryStore())
      const plain = plainStore()
      const faithful = play(world, plain)
      const lag = new Map(gifts)
      const due: { at: number; here: Allowed; there: Allowed }[] = []
      trace.forEach((event, i) => {
        const here = forgetful.take(event)
        const there = faithful.take(event)
        expect(told(here)).toEqual(told(there))
        const ago = lag.get(i)
        if (ago !== undefined && here?.kind === 'allowed' && there?.kind === 'allowed') {
          due.push({ at: i + ago, here, there })
        }
        for (const { here, there } of due.filter(({ at }) => at === i)) {
          forgetful.store.giveBack(here, event.now)
          plain.giveBack(there, event.now)
        }
      })
    },
  )

  law(
    'what an older catalog’s request gives back does not bring its limits back: at rate 0 nothing is forgotten',
    [throttle, fc.integer({ min: 1, max: 4 })],
    (limit, burst) => {
      if (limit.burst === 0) return
      const store = memoryStore()
      const before = play({ ...none, plan: limit }, store)
      const after = play({ ...none, plan: { tokens: 0, ms: 1, burst: burst + 1 } }, store)
      const old = before.take(at(0))!
      after.take(at(0, { key: 1, cost: burst + 1 }))
      if (old.kind === 'allowed') store.giveBack(old, 1)
      store.sweep(8.64e15)
      expect(after.peek(at(0, { key: 1 }))!.admitted).toBe(false)
    },
  )
})
