// What one history is about, drawn from its seed: limits, keys, which store, and what may go wrong.

import type { CatalogDocument } from '../../src/core/document.ts'
import type { OnStoreError } from '../../src/stores/guarded.ts'
import type { Faults } from './network.ts'
import type { Random } from './random.ts'
import type { Persistence } from './server.ts'

/** `tokens` every `ms` milliseconds, at most `burst` of them: a rational, that says nothing of grains. */
export interface Throttle {
  readonly tokens: number
  readonly ms: number
  readonly burst: number
}

export interface Plan {
  readonly id: string
  /** One of them is in force at a time: a change of the catalog may put the other in its place. */
  readonly throttles: readonly Throttle[]
  /** Requests a day. */
  readonly quota: number | null
  /** Of the method /a. */
  readonly method: Throttle | null
}

export interface Key {
  readonly id: string
  readonly value: string
  readonly plan: Plan
}

export type Topology = 'redis' | 'cluster' | 'cas' | 'memory'

export interface World {
  readonly topology: Topology
  readonly start: number
  readonly plans: readonly Plan[]
  readonly keys: readonly Key[]
  readonly stage: Throttle | null
  readonly account: Throttle | null
  readonly gates: number
  readonly onStoreError: OnStoreError
  readonly deadline: number
  readonly failures: number
  readonly successes: number
  readonly batch: number
  readonly clock: 'server' | 'host'
  readonly persistence: Persistence
  readonly faults: Faults
  /** What else happens, and how often. */
  readonly happens: readonly Mishap[]
  /** ms between two looks at the shared catalog. */
  readonly poll: number
  /** ms by which hosts' clocks are wrong at most; they are also set right, or wrong, by as much. */
  readonly skew: number
  /** Whether a host's clock may be wrong by hours and days. */
  readonly leaps: boolean
}

export type Mishap =
  | 'crash'
  | 'failover'
  | 'partition'
  | 'end'
  | 'restart'
  | 'clock'
  | 'full'
  | 'flush'
  | 'catalog'
  | 'edit'

export const DAY = 86_400_000
export const HOUR = 3_600_000

const RATES = [
  [1, 200],
  [3, 50],
  [2, 1000],
  [1, 1000],
  [1, 3000],
  [1, 60_000],
  [1, HOUR],
] as const

function throttleOf(random: Random, burst: number): Throttle {
  const [tokens, ms] = random.pick(RATES)
  return { tokens, ms, burst: random.whole(1, burst) }
}

export function worldOf(random: Random): World {
  const maybe = <T>(often: number, make: () => T): T | null => (random.chance(often) ? make() : null)
  const topology = random.pick<Topology>([
    'redis',
    'redis',
    'redis',
    'cluster',
    'cluster',
    'cas',
    'cas',
    'cas',
    'memory',
  ])
  const plans = ['free', 'pro'].map(
    (id): Plan => ({
      id,
      throttles: [throttleOf(random, 5), throttleOf(random, 5)],
      quota: maybe(0.6, () => random.whole(2, 15)),
      method: maybe(0.4, () => throttleOf(random, 3)),
    }),
  )
  const keys = ['free', 'free', 'pro'].map(
    (plan, i): Key => ({
      id: `key-${i}`,
      value: `the-value-of-key-number-${i}`,
      plan: plans.find(({ id }) => id === plan)!,
    }),
  )
  const often = (most: number): number => (random.chance(0.5) ? 0 : (random.whole(1, 100) / 100) * most)
  const mishaps: readonly Mishap[] = [
    'crash',
    'failover',
    'partition',
    'end',
    'restart',
    'clock',
    'full',
    'flush',
    'catalog',
    'catalog',
    'edit',
  ]
  const leaps = random.chance(0.12)
  return {
    topology,
    start: 20_000 * DAY - (random.chance(0.7) ? random.whole(0, 20_000) : random.whole(0, DAY)),
    plans,
    keys,
    stage: maybe(0.4, () => throttleOf(random, 6)),
    account: maybe(0.35, () => throttleOf(random, 8)),
    gates: random.pick([2, 2, 3, 4]),
    onStoreError: random.pick<OnStoreError>(['refuse', 'refuse', 'allow', 'throw', { local: 0.5 }, { local: 0.25 }]),
    deadline: random.pick([50, 250, 250, 800]),
    failures: random.pick([1, 3, 5]),
    successes: random.pick([1, 3]),
    batch: random.pick([1, 2, 32, 32]),
    clock: random.pick(['server', 'server', 'host']),
    persistence: random.pick<Persistence>(['always', 'everysec', 'none']),
    faults: {
      latency: random.pick([
        [0, 1],
        [1, 4],
        [1, 40],
        [20, 200],
      ]),
      late: often(0.2),
      loseRequest: often(0.2),
      loseReply: often(0.35),
      twice: often(0.15),
    },
    happens: mishaps.filter(() => random.chance(0.45)),
    poll: random.whole(800, 4000),
    skew: random.pick([0, 20, 2000, 8 * 60_000]),
    leaps,
  }
}

const aws = ({ tokens, ms, burst }: Throttle) => ({ rateLimit: (1000 * tokens) / ms, burstLimit: burst })

/** @param variant which of their throttles the plans have  @param isEnabled by the place of a key */
export function documentOf(world: World, variant: number, isEnabled: readonly boolean[]): CatalogDocument {
  const { plans, keys, stage, account } = world
  return {
    ...(account && { account: { throttleSettings: aws(account) } }),
    apis: [
      {
        id: 'api',
        methods: ['/a', '/b'].map(path => ({ path, httpMethod: 'GET' as const, apiKeyRequired: true })),
        stages: [
          {
            stageName: 's',
            ...(stage && {
              methodSettings: {
                '*/*': { throttlingRateLimit: aws(stage).rateLimit, throttlingBurstLimit: stage.burst },
              },
            }),
          },
        ],
      },
    ],
    usagePlans: plans.map(({ id, throttles, quota, method }) => ({
      id,
      apiStages: [{ apiId: 'api', stage: 's', ...(method && { throttle: { '/a/GET': aws(method) } }) }],
      throttle: aws(throttles[variant]!),
      ...(quota !== null && { quota: { limit: quota, period: 'DAY' as const } }),
    })),
    apiKeys: keys.map(({ id, value, plan }, i) => ({
      id,
      value,
      enabled: isEnabled[i]!,
      usagePlanIds: [plan.id],
    })),
  } as CatalogDocument
}
