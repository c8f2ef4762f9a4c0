// Catalogs and traces to try laws on: small limits with millisecond steps, so that boundaries are hit; huge ones, so
// that arithmetic is; clocks that jog back by milliseconds, minutes and years; window edges.

import fc from 'fast-check'
import { check } from '../../src/core/check.ts'
import { compile, type Index } from '../../src/core/compile.ts'
import type { MeteredDecision } from '../../src/core/decision.ts'
import type { Metered } from '../../src/core/limits.ts'
import { resolve } from '../../src/core/resolve.ts'
import { type MemoryStore, memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { LAST, type Period } from './dates.ts'
import { plainStore } from './plain.ts'

/** `tokens` every `ms` milliseconds, a rational that says nothing of grains; and at most `burst` of them. */
export interface Throttle {
  readonly tokens: number
  readonly ms: number
  readonly burst: number
}

export interface Quota {
  readonly limit: number
  readonly period: Period
  readonly offset: number
}

export interface World {
  readonly plan?: Throttle | undefined
  /** Of the method /a in the plan. */
  readonly method?: Throttle | undefined
  readonly quota?: Quota | undefined
  /** Of every method of stage s. */
  readonly stage?: Throttle | undefined
  readonly account?: Throttle | undefined
  readonly override: boolean
  readonly weekStart: number
  /** Where the quota's offset is requests of the initial window: the plan's date, in seconds. */
  readonly created?: number | undefined
}

export interface Event {
  readonly now: number
  readonly key: 0 | 1
  readonly path: '/a' | '/b' | '/open'
  readonly stage: 's' | 't'
  readonly cost: number
}

/** The id of the key 0, 1. */
export const keyIds = ['key-0', 'key-1'] as const
export const valueOfKey = (key: number): string => `value-of-the-key-number-${key}`
const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY']

export function documentOf(world: World): unknown {
  const aws = ({ tokens, ms, burst }: Throttle) => ({ rateLimit: (1000 * tokens) / ms, burstLimit: burst })
  const own = world.method === undefined ? {} : { throttle: { '/a/GET': aws(world.method) } }
  const stage = world.stage && aws(world.stage)
  return {
    ...(world.account && { account: { throttleSettings: aws(world.account) } }),
    semantics: {
      methodThrottle: world.override ? 'override' : 'additional',
      weekStart: DAYS[world.weekStart],
      quotaOffset: world.created === undefined ? 'start-day' : 'initial-requests',
    },
    apis: [
      {
        id: 'api',
        methods: [
          { path: '/a', httpMethod: 'GET', apiKeyRequired: true },
          { path: '/b', httpMethod: 'GET', apiKeyRequired: true },
          { path: '/open', httpMethod: 'GET' },
        ],
        stages: [
          {
            stageName: 's',
            ...(stage && {
              methodSettings: {
                '*/*': { throttlingRateLimit: stage.rateLimit, throttlingBurstLimit: stage.burstLimit },
              },
            }),
          },
          { stageName: 't' },
        ],
      },
    ],
    usagePlans: [
      {
        id: 'plan',
        apiStages: ['s', 't'].map(stage => ({ apiId: 'api', stage, ...own })),
        ...(world.plan && { throttle: aws(world.plan) }),
        ...(world.quota && { quota: world.quota }),
        ...(world.created !== undefined && { createdDate: world.created }),
      },
    ],
    apiKeys: keyIds.map((id, i) => ({ id, value: valueOfKey(i), usagePlanIds: ['plan'] })),
  }
}

export function indexOf(world: World): Index {
  const checked = check(documentOf(world))
  if (!checked.ok) throw new Error(`a world that does not check: ${checked.issues[0]?.message}`)
  return compile(checked.catalog)
}

/** What is asked; null for a method that is open and has no limit. */
export function meteredOf(index: Index, { key, path, stage, cost }: Omit<Event, 'now'>): Metered | null {
  const found = resolve(index, { method: 'GET', path, apiId: 'api', stage, apiKey: valueOfKey(key), cost })
  if (!('kind' in found)) return found
  if (found.kind === 'open') return null
  throw new Error(`an event that does not resolve: ${found.kind}`)
}

/** A world with a store to play it on: by default, one that never forgets. */
export function play<S extends Store<false>>(world: World, store: S = plainStore() as Store<false> as S) {
  const index = indexOf(world)
  const ask = (event: Event, how: 'take' | 'peek'): MeteredDecision | null => {
    const metered = meteredOf(index, event)
    return metered === null ? null : (store[how](metered, event.now) as MeteredDecision)
  }
  return {
    index,
    store,
    take: (event: Event) => ask(event, 'take'),
    peek: (event: Event) => ask(event, 'peek'),
  }
}

/** A copy of everything a store remembers, to try things on. */
export function copyOf(store: MemoryStore): MemoryStore {
  const copy = memoryStore()
  copy.restore(store.snapshot())
  return copy
}

/** What a client is told, as one comparable value. */
export function told(decision: MeteredDecision | null): unknown {
  if (decision === null) return 'open'
  const { kind, at, remaining, limits, quota, tokens } = decision
  const limitedBy = 'limitedBy' in decision ? decision.limitedBy : null
  const retryAfter = 'retryAfter' in decision ? decision.retryAfter : null
  return { kind, at, remaining, limits, quota, tokens, limitedBy, retryAfter }
}

// ── generators ──

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
/** The last instant that a Date can say. Beyond 2^53 no clock counts milliseconds any more. */
export const END_OF_TIME = 8.64e15

/** Whole milliseconds whose reciprocal is a whole number of grains: divisors of 432 000 000. */
const DIVISORS = [1, 2, 3, 4, 5, 6, 8, 9, 10, 15, 16, 24, 27, 50, 100, 1000, 60_000, 3_600_000, 86_400_000, 432_000_000]

const rate = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(...DIVISORS.slice(0, 13))) },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ min: 1, max: 100 }), fc.constantFrom(...DIVISORS)) },
  { weight: 1, arbitrary: fc.constantFrom<[number, number]>([0, 1], [1_000_000, 1], [999_983, 1], [1, 432_000_000]) },
)
const burst = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 20, 5000, 20_849_998) },
)
export const throttle: fc.Arbitrary<Throttle> = fc
  .tuple(rate, burst)
  .map(([[tokens, ms], burst]) => ({ tokens, ms, burst }))

export const quota: fc.Arbitrary<Quota> = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(2_147_483_647)),
    fc.constantFrom('DAY', 'WEEK', 'MONTH'),
    fc.nat(27),
  )
  .map(([limit, period, n]) => ({ limit, period, offset: period === 'DAY' ? 0 : period === 'WEEK' ? n % 7 : n }))

export interface Which {
  readonly shared?: boolean
  readonly initial?: boolean
  readonly slow?: boolean
}

/** A token in an hour to five days: what is not yet full again when the hour of a clock's grace is over. */
const slowThrottle: fc.Arbitrary<Throttle> = fc.record({
  tokens: fc.constantFrom(1, 2),
  ms: fc.constantFrom(HOUR, 2 * HOUR, 3 * HOUR, DAY, 5 * DAY),
  burst: fc.integer({ min: 1, max: 3 }),
})

export function worlds({ shared = true, initial = true, slow = false }: Which = {}): fc.Arbitrary<World> {
  const limit = slow ? slowThrottle : throttle
  const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined, freq: 2 })
  return fc.record({
    plan: maybe(limit),
    method: maybe(limit),
    quota: maybe(quota),
    stage: shared ? maybe(limit) : fc.constant(undefined),
    account: shared ? maybe(limit) : fc.constant(undefined),
    override: fc.boolean(),
    weekStart: fc.nat(6),
    created: initial
      ? fc.option(fc.constantFrom(0, 1_709_164_800), { nil: undefined, freq: 4 })
      : fc.constant(undefined),
  })
}

/** Instants near which something happens. */
export const EDGES = [
  0,
  Date.UTC(2024, 1, 29),
  Date.UTC(2024, 2, 1),
  Date.UTC(2023, 11, 31),
  Date.UTC(2100, 2, 1),
  Date.UTC(2026, 10, 22),
  Date.UTC(2038, 0, 19, 3, 14, 8),
  Date.UTC(9999, 11, 31, 23, 59, 59, 999),
  -DAY,
  -62_135_596_800_000,
  // The ends of time, but for what a trace may step.
  -LAST + 200_000 * DAY,
  LAST - 20_000 * DAY,
]
const forwards = fc.oneof(
  { weight: 8, arbitrary: fc.nat(4) },
  { weight: 3, arbitrary: fc.nat(60) },
  { weight: 1, arbitrary: fc.constantFrom(1000, HOUR, DAY - 1, DAY, 31 * DAY, 400 * DAY) },
)
const jogs = fc.constantFrom(-1, -2, -3, -7, -500, -59 * 60_000, -HOUR + 1, -HOUR)
const leaps = fc.constantFrom(-HOUR - 1, -HOUR - 7, -2 * HOUR, -DAY, -40 * DAY, -3653 * DAY)

/** How a clock misbehaves: not at all, by up to an hour in all, or by years. */
export type Clock = 'steady' | 'jogging' | 'leaping'

export function steps(clock: Clock): fc.Arbitrary<number> {
  if (clock === 'steady') return forwards
  const jogging = fc.oneof({ weight: 5, arbitrary: forwards }, { weight: 1, arbitrary: jogs })
  return clock === 'jogging' ? jogging : fc.oneof({ weight: 8, arbitrary: jogging }, { weight: 1, arbitrary: leaps })
}

export interface Traces {
  readonly clock?: Clock
  readonly keys?: 1 | 2
  readonly length?: number
  readonly open?: boolean
  readonly costs?: boolean
}

const start = fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -40, max: 5 })).map(([edge, d]) => edge + d)

export function traces({ clock = 'leaping', keys = 2, length = 40, open = true, costs = true }: Traces = {}) {
  const cost = costs
    ? fc.oneof(
        { weight: 8, arbitrary: fc.constant(1) },
        { weight: 2, arbitrary: fc.constantFrom(0, 2, 3, 5, 5000, 20_849_998, 2 ** 40) },
      )
    : fc.constant(1)
  const event = fc.record({
    step: steps(clock),
    key: keys === 1 ? fc.constant<0 | 1>(0) : fc.constantFrom<0 | 1>(0, 1),
    path: open ? fc.constantFrom<Event['path']>('/a', '/a', '/b', '/open') : fc.constantFrom<Event['path']>('/a', '/b'),
    stage: fc.constantFrom<'s' | 't'>('s', 's', 't'),
    cost,
  })
  return fc.tuple(start, fc.array(event, { minLength: 1, maxLength: length, size: 'max' })).map(([start, events]) => {
    let now = start
    let latest = start
    return events.map(({ step, ...event }): Event => {
      now = clock === 'leaping' ? now + step : Math.max(now + step, latest - HOUR)
      latest = Math.max(latest, now)
      return { ...event, now }
    })
  })
}

/** A trace at a slower pace: its milliseconds are 20 minutes, with a clock that steps back up to an hour. */
export function slowTraces(): fc.Arbitrary<Event[]> {
  const back = fc.constantFrom(0, 0, 0, 1, HOUR)
  return fc
    .tuple(traces({ clock: 'steady', costs: false }), fc.array(back, { minLength: 40, maxLength: 40 }))
    .map(([trace, backs]) => {
      const start = trace[0]!.now
      let latest = start
      return trace.map((event, i) => {
        const now = start + Math.min(event.now - start, 5000) * (HOUR / 3)
        latest = Math.max(latest, now)
        return { ...event, now: Math.max(now - (backs[i] ?? 0), latest - HOUR) }
      })
    })
}
