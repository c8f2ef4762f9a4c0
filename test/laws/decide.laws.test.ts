// The decision, held to the model (model.ts) and to what follows from it. Traces go through check, compile and resolve,
// as a request does, and are played on a store that never forgets (plain.ts); memory.laws.test.ts compares the one that does.
//
// Not here: what needs a store over a network or on disk (equality of stores, real interleavings, crashes), HTTP and the
// control plane. Over memory a take is one synchronous step, so an interleaving of clients is an order of events: a trace.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { decide, STEP_BACK } from '../../src/core/decide.ts'
import { decodeState, encodeState, type State } from '../../src/core/state.ts'
import { LAST } from './dates.ts'
import { deepFreeze, law } from './law.ts'
import { Model, verdictOf } from './model.ts'
import { plainStore } from './plain.ts'
import {
  type Event,
  HOUR,
  meteredOf,
  play,
  type Throttle,
  throttle,
  told,
  traces,
  type World,
  worlds,
} from './worlds.ts'

const none: World = { override: false, weekStart: 0 }
const one: Throttle = { tokens: 1, ms: 1, burst: 1 }
const at = (now: number, event: Partial<Event> = {}): Event => ({
  now,
  key: 0,
  path: '/a',
  stage: 's',
  cost: 1,
  ...event,
})

/** Of a trace, what the last event meets: its request, and copies of the records that it is judged by. */
function lastOf(world: World, trace: readonly Event[]) {
  const store = plainStore()
  const { index, take } = play(world, store)
  for (const event of trace.slice(0, -1)) take(event)
  const last = trace.at(-1)!
  const metered = meteredOf(index, last)
  const retry = (now: number) => plainStore(new Map(store.records)).take(metered!, now)
  return { index, store, last, metered, retry }
}

/** A clock before the plan's date is wrong, and its initial window yet to come: what it may admit then is not promised. */
const isBeforePlan = ({ created }: World, now: number): boolean => created !== undefined && now < created * 1000

/** An instant that no Date can be: a wait of 280 000 years ends there, and is not told to the millisecond. */
const isBeyond = (instant: number): boolean => instant > LAST

describe('decide', () => {
  law(
    'a decision is that of the exact model: nothing too much, nothing too little, and told truly',
    [worlds(), traces()],
    (world, trace) => {
      const { take } = play(world)
      const model = new Model(world)
      for (const event of trace.filter(({ now }) => !isBeforePlan(world, now))) {
        const decision = take(event)
        const expected = model.take(event)
        if (expected !== null && isBeyond(event.now + (expected.retryAfter ?? 0))) {
          expect(decision?.kind).toBe(expected.kind)
          continue
        }
        expect(decision && verdictOf(decision), JSON.stringify(event)).toEqual(expected)
      }
    },
    {
      examples: [
        // A shared limit's step back was not reported.
        [{ ...none, account: one }, [at(0), at(-HOUR - 1, { path: '/open' })]],
        // The wait for a shared limit counted from the record's instant where the clock was behind it.
        [{ ...none, stage: { ...one, ms: 15 } }, [at(0), at(20, { stage: 't' }), at(14)]],
        // A method's bucket that was charged before now lost what it had earned when its record stepped back.
        [{ ...none, method: one }, [at(0, { stage: 't' }), at(24 * HOUR), at(22 * HOUR, { stage: 't' })]],
      ],
    },
  )

  law(
    'admitted cost in every interval is at most burst + rate·Δ, and what is refused would have been above it in one',
    [throttle, traces({ clock: 'jogging', keys: 1, open: false })],
    (limit, trace) => {
      const { take } = play({ ...none, plan: limit })
      const admitted: { at: bigint; cost: bigint }[] = []
      let latest = BigInt(trace[0]!.now)
      const spent = (cost: bigint): boolean => {
        let sum = cost
        if (sum > BigInt(limit.burst)) return true
        for (const charge of [...admitted].reverse()) {
          sum += charge.cost
          const earned = BigInt(limit.tokens) * (latest - charge.at)
          if (sum * BigInt(limit.ms) > BigInt(limit.burst) * BigInt(limit.ms) + earned) return true
        }
        return false
      }
      for (const event of trace) {
        // The effective instant: refusals leave no trace, so it is the clock's or the latest that was charged.
        const charged = admitted.at(-1)?.at ?? BigInt(event.now)
        latest = BigInt(event.now) > charged ? BigInt(event.now) : charged
        const cost = BigInt(event.cost)
        const { admitted: isAdmitted } = take(event)!
        expect(isAdmitted).toBe(cost === 0n || !spent(cost))
        if (isAdmitted && cost > 0n) admitted.push({ at: latest, cost })
      }
    },
  )

  law(
    'a refusal spends nothing: taken out of the trace, all other decisions are the same',
    [worlds(), traces()],
    (world, trace) => {
      const store = plainStore()
      const { take } = play(world, store)
      const kept: { event: Event; told: unknown }[] = []
      for (const event of trace) {
        const before = JSON.stringify([...store.records])
        const decision = take(event)
        const isSilent = decision !== null && !decision.admitted && decision.steppedBack === 0
        if (isSilent) expect(JSON.stringify([...store.records])).toBe(before)
        else kept.push({ event, told: told(decision) })
      }
      const again = play(world)
      for (const { event, told: expected } of kept) expect(told(again.take(event))).toEqual(expected)
    },
  )

  law(
    'a refusal by one limit spends nothing at any other, whichever it is: each level is as it was',
    [worlds(), traces()],
    (world, trace) => {
      const { metered, last, store } = lastOf(world, trace)
      if (metered === null) return
      const decision = plainStore(new Map(store.records)).take(metered, last.now)
      const free = plainStore(new Map(store.records)).peek({ ...metered, cost: 0 }, last.now)
      const spent = decision.admitted ? last.cost : 0
      expect(decision.limits.map(({ remaining }) => remaining)).toEqual(
        free.limits.map(({ remaining }) => remaining - spent),
      )
    },
  )

  law(
    'a refusal is exact: retried alone it is admitted at the instant it said, and one millisecond earlier still refused',
    [worlds(), traces()],
    (world, trace) => {
      const { metered, last, retry } = lastOf(world, trace)
      if (metered === null || isBeforePlan(world, last.now)) return
      const decision = retry(last.now)
      if (!('retryAfter' in decision) || isBeyond(last.now + decision.retryAfter)) return
      const { retryAfter } = decision
      expect(Number.isSafeInteger(retryAfter) && retryAfter >= 1).toBe(true)
      // Retries come from the clock that was refused: what the refusal left, if it set a record back, is still there.
      const store = plainStore()
      const { take } = play(world, store)
      for (const event of trace) take(event)
      const later = (now: number) => plainStore(new Map(store.records)).take(metered, now)
      expect(later(last.now + retryAfter).admitted).toBe(true)
      if (retryAfter > 1) expect(later(last.now + retryAfter - 1).admitted).toBe(false)
    },
  )

  law(
    'a refusal without a wait is for ever: no instant admits it',
    [worlds(), traces(), fc.array(fc.nat(2 ** 40), { maxLength: 5 })],
    (world, trace, waits) => {
      const { metered, last, retry } = lastOf(world, trace)
      if (metered === null || retry(last.now).kind !== 'never-admitted') return
      for (const wait of [0, 1, HOUR, 2 ** 42, ...waits]) expect(retry(last.now + wait).admitted).toBe(false)
    },
  )

  law(
    'what a limit says of itself adds up: none says less than 0, and the longest wait is that of the decision',
    [worlds(), traces({ clock: 'steady' })],
    (world, trace) => {
      const { metered, last, retry } = lastOf(world, trace)
      if (metered === null) return
      const decision = retry(last.now)
      const longest = Math.max(0, ...decision.limits.map(({ retryAfter }) => retryAfter))
      if ('retryAfter' in decision && !isBeyond(last.now + longest)) expect(longest).toBe(decision.retryAfter)
      if (decision.kind === 'never-admitted') expect(longest).toBe(Infinity)
      for (const { remaining, limit } of decision.limits) expect(remaining >= 0 && remaining <= limit).toBe(true)
      if (!decision.admitted)
        expect(decision.limits.find(({ retryAfter }) => retryAfter > 0)?.name).toBe(decision.limitedBy)
    },
  )

  law(
    'remaining is true: as many more are admitted at this instant, and not one further',
    [worlds(), traces()],
    (world, trace) => {
      const store = plainStore()
      const { take } = play(world, store)
      const decision = trace.map(take).at(-1)!
      if (decision === null) return
      const { remaining, metered } = decision
      if (remaining > 30) return
      const now = trace.at(-1)!.now
      for (let i = 0; i < remaining; i++) expect(store.take({ ...metered, cost: 1 }, now).admitted).toBe(true)
      expect(store.take({ ...metered, cost: 1 }, now).admitted).toBe(false)
    },
  )

  law('a peek changes nothing and says what the take that follows says', [worlds(), traces()], (world, trace) => {
    const store = plainStore()
    const { take, peek } = play(world, store)
    for (const event of trace) {
      const before = JSON.stringify([...store.records])
      const peeked = peek(event)
      expect(JSON.stringify([...store.records])).toBe(before)
      expect(told(take(event))).toEqual(told(peeked))
    }
  })

  law('a request that costs nothing is admitted and spends nothing', [worlds(), traces()], (world, trace) => {
    const store = plainStore()
    const { take } = play(world, store)
    for (const event of trace) {
      const before = JSON.stringify([...store.records])
      const free = take({ ...event, cost: 0 })
      if (free !== null) expect(free.admitted).toBe(true)
      if (free === null || free.steppedBack === 0) expect(JSON.stringify([...store.records])).toBe(before)
      take(event)
    }
  })

  law(
    'a clock up to an hour behind a record is as if it stood still: nothing is earned, no window opened, none returned to',
    [
      worlds({ shared: false }),
      traces({ clock: 'jogging', keys: 1, open: false }),
      fc.integer({ min: 0, max: STEP_BACK }),
    ],
    (world, trace, back) => {
      const store = plainStore()
      const { index, take } = play(world, store)
      let window = -Infinity
      for (const event of trace) {
        take(event)
        const record = [...store.records.values()][0]
        if (record === undefined || world.quota === undefined) continue
        expect(record.window).toBeGreaterThanOrEqual(window)
        window = record.window
      }
      const record = [...store.records.values()][0]
      if (record === undefined) return
      const metered = meteredOf(index, trace.at(-1)!)!
      const behind = decide(metered, record, record.at - back)
      const still = decide(metered, record, record.at)
      expect(behind.kind).toBe(still.kind)
      expect(behind.state).toEqual(still.state)
      expect(behind.steppedBack).toBe(0)
      if ('retryAfter' in behind && 'retryAfter' in still) expect(behind.retryAfter).toBe(still.retryAfter + back)
    },
  )

  law(
    'a step back of more than an hour is reported once, keeps levels and use, and freezes nothing, refused or not',
    [worlds(), traces({ clock: 'jogging' }), fc.integer({ min: STEP_BACK + 1, max: 2 ** 45 })],
    (world, trace, back) => {
      const store = plainStore()
      const { take } = play(world, store)
      for (const event of trace) take(event)
      const last = trace.at(-1)!
      const before = take({ ...last, cost: 0 })
      if (before === null) return
      if (store.records.size === 0) return
      const latest = Math.max(-Infinity, ...[...store.records.values()].map(({ at }) => at))
      const name = last.path === '/open' ? null : `plan key-${last.key}`
      const held = before.metered.shared.map(({ id }) => store.records.get(`shared ${id}`)?.at ?? -Infinity)
      const furthest = Math.max(...held, (name !== null ? store.records.get(name)?.at : undefined) ?? -Infinity)
      const now = latest - back
      const first = take({ ...last, now })!
      expect(first.steppedBack).toBe(furthest - now > STEP_BACK ? furthest - now : 0)
      const again = take({ ...last, now })!
      expect(again.steppedBack).toBe(0)
      for (const name of [...before.metered.shared.map(({ id }) => `shared ${id}`)]) {
        const record = store.records.get(name)
        if (record !== undefined) expect(record.at).toBeLessThanOrEqual(now + STEP_BACK)
      }
      // Not frozen: waiting as long as it says admits.
      if ('retryAfter' in again && !isBeforePlan(world, now) && !isBeyond(now + again.retryAfter)) {
        expect(take({ ...last, now: now + again.retryAfter })!.admitted).toBe(true)
      }
    },
  )

  law(
    'at rate 0 exactly the burst is admitted, ever; at burst 0 nothing',
    [fc.nat(6), traces({ keys: 1, costs: false, open: false })],
    (burst, trace) => {
      const { take } = play({ ...none, plan: { tokens: 0, ms: 1, burst } })
      const admitted = trace.filter(event => take(event)!.admitted).length
      expect(admitted).toBe(Math.min(burst, trace.length))
    },
  )

  law(
    'a quota admits in each window what it says, whatever the order of clients, and not one more',
    [worlds({ shared: false, initial: false }), traces({ clock: 'steady', costs: false, open: false })],
    (world, trace) => {
      const limited: World = { ...none, quota: world.quota ?? { limit: 3, period: 'DAY', offset: 0 } }
      const { take } = play(limited)
      const seen = new Map<string, { asked: number; admitted: number }>()
      for (const event of trace) {
        const decision = take(event)!
        const window = `${event.key} ${decision.quota!.resetAt}`
        const count = seen.get(window) ?? { asked: 0, admitted: 0 }
        seen.set(window, count)
        count.asked++
        if (decision.admitted) count.admitted++
      }
      for (const { asked, admitted } of seen.values()) {
        expect(admitted).toBe(Math.min(asked, limited.quota!.limit))
      }
    },
  )

  law(
    'a stage is no way round: one plan bucket and one quota for a key, and a method bucket for each stage and method',
    [worlds({ shared: false }), traces({ keys: 1, open: false })],
    (world, trace) => {
      const mixed = play({ ...world, method: undefined })
      const alone = play({ ...world, method: undefined })
      for (const event of trace) {
        const there = alone.take({ ...event, stage: 's', path: '/b' })
        expect(told(mixed.take(event))).toEqual(told(there))
      }
      const store = plainStore()
      const own = play({ ...none, method: { tokens: 0, ms: 1, burst: 1 } }, store)
      for (const event of trace) own.take({ ...event, cost: 1 })
      const ids = [...store.records.values()].flatMap(({ methods }) => methods.map(({ id }) => id))
      expect(new Set(ids)).toEqual(
        new Set(trace.filter(({ path }) => path === '/a').map(({ stage }) => `api/${stage}/a/GET`)),
      )
    },
  )

  law(
    'a decision is pure: the same for the same, on frozen arguments, with no clock and no chance in reach',
    [worlds(), traces()],
    (world, trace) => {
      const { metered, last, store } = lastOf(world, trace)
      if (metered === null) return
      const own = store.records.get(`${metered.plan?.planId} ${metered.keyId}`) ?? null
      const shared = metered.shared.map(({ id }) => store.records.get(`shared ${id}`) ?? null)
      const trap = (): never => {
        throw new Error('out of bounds')
      }
      const { now } = Date
      const { random } = Math
      Date.now = trap
      Math.random = trap
      try {
        const frozen = [deepFreeze(metered), deepFreeze(own), last.now, deepFreeze(shared)] as const
        const first = decide(...frozen)
        const second = decide(...frozen)
        expect({ ...first }).toEqual({ ...second })
        expect(told(first)).toEqual(told(second))
      } finally {
        Date.now = now
        Math.random = random
      }
    },
  )

  law(
    'a trace may be cut anywhere and go on from what was encoded',
    [worlds(), traces(), fc.nat(40)],
    (world, trace, cut) => {
      const whole = play(world)
      const store = plainStore()
      const first = play(world, store)
      trace.forEach((event, i) => {
        if (i === cut) {
          for (const [name, state] of store.records) {
            store.records.set(name, decodeState(JSON.parse(JSON.stringify(encodeState(state)))))
          }
        }
        expect(told(first.take(event))).toEqual(told(whole.take(event)))
      })
    },
  )

  law(
    'throttles know no calendar: a trace moved in time has the same decisions, moved',
    [worlds(), traces(), fc.integer({ min: -(2 ** 45), max: 2 ** 45 })],
    (world, trace, by) => {
      const here = play({ ...world, quota: undefined })
      const there = play({ ...world, quota: undefined })
      for (const event of trace) {
        const moved = there.take({ ...event, now: event.now + by })
        const expected = here.take(event)
        expect(moved && { ...(told(moved) as object), at: moved.at - by }).toEqual(expected && told(expected))
      }
    },
  )

  law(
    'only proportions count: rates, bursts, quotas and costs made k times as much change no answer',
    [worlds({ initial: false }), traces(), fc.integer({ min: 2, max: 1000 })],
    (world, trace, k) => {
      const times = (limit: World['plan']): World['plan'] =>
        limit && limit.tokens * k <= limit.ms * 1_000_000
          ? { ...limit, tokens: limit.tokens * k, burst: limit.burst * k }
          : undefined
      const fits = [world.plan, world.method, world.stage, world.account].every(
        limit => limit === undefined || (limit.burst * k <= 20_849_998 && times(limit) !== undefined),
      )
      if (!fits || (world.quota && world.quota.limit * k > 2_147_483_647)) return
      const here = play(world)
      const there = play({
        ...world,
        plan: times(world.plan),
        method: times(world.method),
        stage: times(world.stage),
        account: times(world.account),
        quota: world.quota && { ...world.quota, limit: world.quota.limit * k },
      })
      for (const event of trace) {
        const a = here.take(event)
        const b = there.take({ ...event, cost: event.cost * k })
        expect(b && { ...verdictOf(b), remaining: 0 }).toEqual(a && { ...verdictOf(a), remaining: 0 })
      }
    },
  )

  law(
    'a decision looks at its own limits and no more: what else a record holds is neither read nor touched',
    [worlds(), traces({ clock: 'jogging' }), fc.integer({ min: 1, max: 200 })],
    (world, trace, strangers) => {
      const { metered, last, store } = lastOf(world, trace)
      if (metered === null || metered.plan === null) return
      const own = store.records.get(`plan ${metered.keyId}`)
      if (own === undefined) return
      const more = Array.from({ length: strangers }, (_, i) => ({ id: `gone/${i}`, level: i, at: own.at }))
      const crowded: State = { ...own, methods: [...own.methods, ...more] }
      const shared = metered.shared.map(({ id }) => store.records.get(`shared ${id}`) ?? null)
      const a = decide(metered, own, last.now, shared)
      const b = decide(metered, crowded, last.now, shared)
      expect(told(b)).toEqual(told(a))
      expect(b.state!.methods.filter(({ id }) => id.startsWith('gone/')).length).toBe(strangers)
    },
  )
})
