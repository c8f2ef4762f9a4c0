// For tests of gates and for authors of stores: a clock moved by hand, and the contract that every store is held to.
// Floor 3. The contract is data: cases with a name and a `run`, for any test framework or none (docs/stores.md).

import { catalogOf } from './core/check.ts'
import { compile, type Index } from './core/compile.ts'
import type { Allowed, MeteredDecision } from './core/decision.ts'
import type { Metered } from './core/limits.ts'
import { resolve } from './core/resolve.ts'
import type { Millis } from './core/units.ts'
import type { Clock } from './gate.ts'
import { plainStore } from './stores/plain.ts'
import type { Store, UsageEntry } from './stores/store.ts'

export { type PlainStore, plainStore } from './stores/plain.ts'

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** @param ms may be negative: clocks do step back */
  advance(ms: Millis): void
  set(now: Millis): void
}

/** @param start ms since the Unix epoch */
export function manualClock(start: Millis = 0): ManualClock {
  let now = start
  return Object.assign(() => now, {
    advance: (ms: Millis): void => void (now += ms),
    set: (to: Millis): void => void (now = to),
  })
}

/** A store that remembers nothing yet. Called once or more in each case; closing it is the caller's. */
export type MakeStore = () => Store | Promise<Store>

/**
 * What a case asks of a store beyond the interface: that it decides at the `now` it is given and not by a clock of its
 * own; that it keeps usage.
 */
export type Need = 'given-now' | 'usage'

/** One promise of a store. */
export interface StoreCase {
  /** A sentence about behaviour. */
  readonly name: string
  /** Leave the case out for a store that does not have these. */
  readonly needs?: readonly Need[]
  /** @throws {ContractError} which says what was expected and what came */
  readonly run: (makeStore: MakeStore) => Promise<void>
}

/** A promise that a store did not keep. */
export class ContractError extends Error {
  override readonly name = 'ContractError'
}

/** What every store promises. */
export const storeContract: readonly StoreCase[] = [
  {
    name: 'admits until a bucket is empty, and again exactly when the refusal said',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 2, burst: 2 } })
      await admitted(store.take(ask(), T))
      await admitted(store.take(ask(), T))
      await refused(store.take(ask(), T), { kind: 'throttled', limitedBy: 'plan', retryAfter: 500 })
      await refused(store.take(ask(), T + 499), { kind: 'throttled', limitedBy: 'plan', retryAfter: 1 })
      await admitted(store.take(ask(), T + 500))
    },
  },
  {
    name: 'admits a quota and no more, until its window ends',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { quota: 2 })
      await admitted(store.take(ask(), T))
      await admitted(store.take(ask(), T))
      await refused(store.take(ask(), T), { kind: 'quota-exceeded', limitedBy: 'quota', retryAfter: MIDNIGHT - T })
      await refused(store.take(ask(), MIDNIGHT - 1), { kind: 'quota-exceeded', limitedBy: 'quota', retryAfter: 1 })
      const decision = await admitted(store.take(ask(), MIDNIGHT))
      same('the use in the next window', decision.quota?.used, 1)
    },
  },
  {
    name: 'takes from every limit or from none: what one limit refuses is not charged at another',
    needs: ['given-now'],
    async run(makeStore) {
      const limits = { method: { rate: 1, burst: 1 }, plan: { rate: 1, burst: 5 }, quota: 9, account: ROOMY }
      const { store, ask } = await scene(makeStore, limits)
      await admitted(store.take(ask(), T))
      for (let i = 0; i < 3; i++) await refused(store.take(ask(), T), { kind: 'throttled', limitedBy: 'method' })
      const other = await value(store.peek(ask({ path: '/b', cost: 0 }), T))
      same('whole tokens of the plan', other.tokens, 4)
      same('use of the quota', other.quota?.used, 1)
      same('tokens of the account', remainingOf(other, 'account'), ROOMY.burst - 1)
    },
  },
  {
    name: 'charges nothing to the client where the quota refuses, nor to the quota where the bucket does',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 3 }, quota: 2 })
      await admitted(store.take(ask({ cost: 2 }), T))
      await refused(store.take(ask(), T), { kind: 'quota-exceeded', limitedBy: 'quota' })
      const left = await value(store.peek(ask({ cost: 0 }), T))
      same('whole tokens of the plan', left.tokens, 1)
    },
  },
  {
    name: 'asks what clients share after their own limits, and charges neither where the other refuses',
    needs: ['given-now'],
    async run(makeStore) {
      const limits = { plan: { rate: 1, burst: 2 }, quota: 9, account: { rate: 1, burst: 3 } }
      const { store, ask } = await scene(makeStore, limits)
      await admitted(store.take(ask(), T))
      await admitted(store.take(ask(), T))
      for (let i = 0; i < 5; i++) await refused(store.take(ask(), T), { kind: 'throttled', limitedBy: 'plan' })
      // The refusals of one key have drained nothing of what the other lives on.
      await admitted(store.take(ask({ key: 1 }), T))
      await refused(store.take(ask({ key: 1 }), T), { kind: 'throttled', limitedBy: 'account', retryAfter: 1000 })
      const own = await value(store.peek(ask({ key: 1 }), T))
      same('whole tokens of the key that the account refused', own.tokens, 1)
      same('its use of the quota', own.quota?.used, 1)
    },
  },
  {
    name: 'shares the stage’s limit among keys and methods of that stage, and with no other stage',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { stage: { rate: 1, burst: 2 } })
      await admitted(store.take(ask(), T))
      await admitted(store.take(ask({ key: 1 }), T))
      await refused(store.take(ask(), T), { kind: 'throttled', limitedBy: 'stage', retryAfter: 1000 })
      await admitted(store.take(ask({ stage: 't' }), T))
    },
  },
  {
    name: 'charges open methods to what clients share and to nobody’s record',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { quota: 1, account: { rate: 1, burst: 2 } })
      await admitted(store.take(ask({ path: '/open' }), T))
      await admitted(store.take(ask({ path: '/open' }), T))
      await refused(store.take(ask({ path: '/open' }), T), { kind: 'throttled', limitedBy: 'account' })
      same('use of the quota', (await value(store.peek(ask(), T))).quota?.used, 0)
    },
  },
  {
    name: 'keeps the records of keys apart',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 1 }, quota: 3 })
      await admitted(store.take(ask(), T))
      await refused(store.take(ask(), T), { kind: 'throttled', limitedBy: 'plan' })
      const other = await admitted(store.take(ask({ key: 1 }), T))
      same('use of the other key', other.quota?.used, 1)
    },
  },
  {
    name: 'keeps the records of plans apart, and those of a plan’s methods',
    needs: ['given-now'],
    async run(makeStore) {
      const limits: Limits = { method: { rate: 1, burst: 1 }, plan: ROOMY }
      const store = await makeStore()
      const [one, two] = [askIn({ ...limits, planId: 'plan' }), askIn({ ...limits, planId: 'plan-2' })]
      await admitted(store.take(one(), T))
      await admitted(store.take(one({ stage: 't' }), T))
      await refused(store.take(one(), T), { kind: 'throttled', limitedBy: 'method' })
      await admitted(store.take(two(), T))
    },
  },
  {
    name: 'decides in peek as in take, and charges nothing',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 1 }, quota: 5, account: ROOMY })
      for (let i = 0; i < 3; i++) {
        const peeked = await admitted(store.peek(ask(), T))
        same('tokens that would be left', peeked.tokens, 0)
      }
      const taken = await admitted(store.take(ask(), T))
      same('what take says', told(taken), told(plainStore().peek(ask(), T)))
      await refused(store.peek(ask(), T), { kind: 'throttled', limitedBy: 'plan', retryAfter: 1000 })
    },
  },
  {
    name: 'earns nothing and opens no window for a clock that is behind, and adds the lag to the wait',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 1 }, quota: 5 })
      await admitted(store.take(ask(), MIDNIGHT))
      const behind = { kind: 'throttled', limitedBy: 'plan', retryAfter: 61_000 } as const
      const decision = await refused(store.take(ask(), MIDNIGHT - 60_000), behind)
      same('the instant it was judged at', decision.at, MIDNIGHT)
      same('use in the window that is open', decision.quota?.used, 1)
      await admitted(store.take(ask(), MIDNIGHT + 1000))
    },
  },
  {
    name: 'sets a record back once when the clock is over an hour behind it, keeps its level and says so',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 1 } })
      const wrong = T + 40 * DAY
      await admitted(store.take(ask(), wrong))
      const set = await refused(store.take(ask(), T), { kind: 'throttled', limitedBy: 'plan', retryAfter: 1000 })
      same('by how much it was set back', set.steppedBack, wrong - T)
      const again = await refused(store.take(ask(), T + 999), { kind: 'throttled', limitedBy: 'plan', retryAfter: 1 })
      same('by how much it was set back the second time', again.steppedBack, 0)
      await admitted(store.take(ask(), T + 1000))
    },
  },
  {
    name: 'gives back what a request took, everywhere it took it',
    needs: ['given-now'],
    async run(makeStore) {
      const limits: Limits = { method: { rate: 1, burst: 3 }, plan: { rate: 1, burst: 4 }, quota: 5, account: ROOMY }
      const { store, ask } = await scene(makeStore, limits)
      const taken = await admitted(store.take(ask({ cost: 3 }), T))
      await store.giveBack(taken, T)
      const left = await value(store.peek(ask({ cost: 0 }), T))
      same('tokens of the method', remainingOf(left, 'method'), 3)
      same('tokens of the plan', left.tokens, 4)
      same('use of the quota', left.quota?.used, 0)
      same('tokens of the account', remainingOf(left, 'account'), ROOMY.burst)
    },
  },
  {
    name: 'puts back nothing that the bucket has refilled since: a burst is never admitted twice',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 2 } })
      const taken = await admitted(store.take(ask(), T))
      await admitted(store.take(ask({ cost: 2 }), T + 1000))
      await store.giveBack(taken, T + 1000)
      await refused(store.take(ask(), T + 1000), { kind: 'throttled', limitedBy: 'plan', retryAfter: 1000 })
    },
  },
  {
    name: 'forgets only what cannot be told from never asked, even by a clock that then steps back up to an hour',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { quota: 1 })
      await admitted(store.take(ask(), MIDNIGHT - 1))
      // New records are what makes a store look for old ones to drop.
      for (const key of [1, 2, 3, 4]) await admitted(store.take(ask({ key }), MIDNIGHT + HOUR - 1))
      const back = { kind: 'quota-exceeded', limitedBy: 'quota', retryAfter: 1 } as const
      await refused(store.take(ask(), MIDNIGHT - 1), back)
    },
  },
  {
    name: 'clips a level above an edited plan’s burst, and keeps what was used',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 9 }, quota: 9 })
      await admitted(store.take(ask({ cost: 2 }), T))
      const smaller = askIn({ plan: { rate: 1, burst: 3 }, quota: 4 })
      const edited = await admitted(store.take(smaller(), T))
      same('tokens left of the smaller burst', edited.tokens, 2)
      same('use of the smaller quota', edited.quota?.used, 3)
      const larger = await admitted(store.take(askIn({ plan: { rate: 1, burst: 100 }, quota: 100 })(), T))
      same('tokens left of the larger burst', larger.tokens, 1)
      same('use of the larger quota', larger.quota?.used, 4)
    },
  },
  {
    name: 'admits a request of cost 0 where nothing is left, and never one that costs more than a limit holds',
    needs: ['given-now'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { plan: { rate: 1, burst: 2 }, quota: 2 })
      await refused(store.take(ask({ cost: 3 }), T), { kind: 'never-admitted', limitedBy: 'plan' })
      await admitted(store.take(ask({ cost: 2 }), T))
      await admitted(store.take(ask({ cost: 0 }), T))
      await refused(store.take(ask({ cost: 1 }), T), { kind: 'throttled', limitedBy: 'plan' })
    },
  },
  {
    name: 'admits no more than the quota, the burst and the shared burst hold, of many takes at once',
    async run(makeStore) {
      for (const limits of [
        { quota: 10 },
        { plan: FEW },
        { account: FEW },
        { quota: 17, plan: FEW, account: ROOMY },
      ] as Limits[]) {
        const { store, ask } = await scene(makeStore, limits)
        const now = Date.now()
        const decisions = await Promise.all(Array.from({ length: 64 }, () => value(store.take(ask(), now))))
        same(`admitted of ${JSON.stringify(limits)}`, decisions.filter(({ admitted }) => admitted).length, 10)
      }
    },
  },
  {
    name: 'loses no charge among takes and give-backs at once',
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { quota: 1000, account: ROOMY })
      const now = Date.now()
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const taken = await admitted(store.take(ask({ key: i % 2 }), now))
          if (i % 4 < 2) await store.giveBack(taken, now)
        }),
      )
      for (const key of [0, 1]) same('use', (await value(store.peek(ask({ key, cost: 0 }), now))).quota?.used, 10)
    },
  },
  {
    name: 'counts what it admits per plan, key and UTC day, and uncounts what is given back',
    needs: ['given-now', 'usage'],
    async run(makeStore) {
      const { store, ask } = await scene(makeStore, { quota: 5 })
      await admitted(store.take(ask(), T))
      await admitted(store.take(ask({ cost: 3 }), T))
      const taken = await admitted(store.take(ask({ key: 1 }), T))
      await refused(store.take(ask({ cost: 2 }), T), { kind: 'quota-exceeded', limitedBy: 'quota' })
      await admitted(store.take(ask(), MIDNIGHT))
      await store.giveBack(taken, MIDNIGHT)
      const day = MIDNIGHT - DAY
      const both = { keyIds: ['key-0', 'key-1'], from: 0, to: MIDNIGHT + DAY }
      same('the use', await usage(store, { ...both, planId: 'plan' }), [
        { keyId: 'key-0', day, used: 4 },
        { keyId: 'key-0', day: MIDNIGHT, used: 1 },
      ])
      const second = { planId: 'plan', keyIds: ['key-0'], from: MIDNIGHT, to: MIDNIGHT + 1 }
      same('one key, one day', await usage(store, second), [{ keyId: 'key-0', day: MIDNIGHT, used: 1 }])
      same('before it began', await usage(store, { ...both, planId: 'plan', to: day }), [])
      same('another plan', await usage(store, { ...both, planId: 'other' }), [])
    },
  },
  ...[1, 2, 3, 4].map(
    (seed): StoreCase => ({
      name: `decides what decide decides, on trace ${seed}: small limits, jogging clocks, edits, give-backs`,
      needs: ['given-now'],
      run: makeStore => playTrace(seed, makeStore),
    }),
  ),
]

// ── what the cases ask ──

const HOUR: Millis = 3_600_000
const DAY: Millis = 24 * HOUR
/** The end of a leap day. */
const MIDNIGHT: Millis = Date.UTC(2024, 2, 1)
const T: Millis = MIDNIGHT - 12 * HOUR
const ROOMY = { rate: 1, burst: 1000 }
const FEW = { rate: 0, burst: 10 }

interface Throttle {
  readonly rate: number
  readonly burst: number
}

/** The limits of a small API: /a with the method's throttle, /b without, /open without a key; stages s and t. */
interface Limits {
  readonly planId?: string
  readonly plan?: Throttle | undefined
  readonly method?: Throttle | undefined
  /** Per day. */
  readonly quota?: number | undefined
  readonly stage?: Throttle | undefined
  readonly account?: Throttle | undefined
}

interface Asked {
  readonly key?: number
  readonly path?: '/a' | '/b' | '/open'
  readonly stage?: 's' | 't'
  readonly cost?: number
}

type Ask = (asked?: Asked) => Metered

const valueOfKey = (key: number): string => `value-of-the-key-number-${key}`

async function scene(makeStore: MakeStore, limits: Limits): Promise<{ store: Store; ask: Ask }> {
  return { store: await makeStore(), ask: askIn(limits) }
}

function askIn(limits: Limits): Ask {
  const index = indexOf(limits)
  return ({ key = 0, path = '/a', stage = 's', cost = 1 } = {}) => {
    const found = resolve(index, { method: 'GET', path, apiId: 'api', stage, apiKey: valueOfKey(key), cost })
    if ('kind' in found) throw new ContractError(`a request of the contract is not metered: ${found.kind}`)
    return found
  }
}

function indexOf({ planId = 'plan', plan, method, quota, stage, account }: Limits): Index {
  const aws = ({ rate, burst }: Throttle) => ({ rateLimit: rate, burstLimit: burst })
  const own = method === undefined ? {} : { throttle: { '/a/GET': aws(method) } }
  const settings = stage && { '*/*': { throttlingRateLimit: stage.rate, throttlingBurstLimit: stage.burst } }
  return compile(
    catalogOf({
      ...(account && { account: { throttleSettings: aws(account) } }),
      apis: [
        {
          id: 'api',
          methods: [
            { path: '/a', httpMethod: 'GET', apiKeyRequired: true },
            { path: '/b', httpMethod: 'GET', apiKeyRequired: true },
            { path: '/open', httpMethod: 'GET' },
          ],
          stages: [{ stageName: 's', ...(settings && { methodSettings: settings }) }, { stageName: 't' }],
        },
      ],
      usagePlans: [
        {
          id: planId,
          apiStages: ['s', 't'].map(stage => ({ apiId: 'api', stage, ...own })),
          ...(plan && { throttle: aws(plan) }),
          ...(quota !== undefined && { quota: { limit: quota, period: 'DAY' as const } }),
        },
      ],
      apiKeys: [0, 1, 2, 3, 4].map(i => ({ id: `key-${i}`, value: valueOfKey(i), usagePlanIds: [planId] })),
    }),
  )
}

// ── the trace ──

/** 400 takes, peeks and give-backs, and what the store that never forgets says to them. */
async function playTrace(seed: number, makeStore: MakeStore): Promise<void> {
  const random = randomOf(seed * 7919)
  const pick = <T>(from: readonly T[]): T => from[random() % from.length] as T
  const throttle = (): Throttle | undefined =>
    pick([undefined, { rate: pick([0, 1, 250, 1000]), burst: 1 + (random() % 4) }])
  const limits = (): Limits => ({
    plan: throttle(),
    method: throttle(),
    quota: pick([undefined, 1 + (random() % 9)]),
    stage: throttle(),
    account: throttle(),
  })
  const store = await makeStore()
  const reference = plainStore()
  const due: { at: number; here: Allowed; there: Allowed }[] = []
  let ask = askIn(limits())
  let now = MIDNIGHT - 300
  for (let i = 0; i < 400; i++) {
    if (random() % 40 === 0) ask = askIn(limits())
    now += pick([0, 0, 0, 1, 1, 2, 3, 9, 60, -1, -7, pick([1000, -HOUR, HOUR, -HOUR - 1, DAY, -2 * DAY])])
    const path = pick(['/a', '/a', '/b', '/open'] as const)
    let metered: Metered
    try {
      metered = ask({ key: random() % 2, path, stage: pick(['s', 's', 't']), cost: pick([1, 1, 1, 1, 0, 2, 5]) })
    } catch {
      continue // open, and without a limit
    }
    const how = random() % 8 === 0 ? 'peek' : 'take'
    const here = await value(store[how](metered, now))
    const there = reference[how](metered, now)
    same(`step ${i} of trace ${seed}, ${how} at ${now}`, told(here), told(there))
    if (how === 'take' && here.kind === 'allowed' && there.kind === 'allowed' && random() % 5 === 0) {
      due.push({ at: i + (random() % 6), here, there })
    }
    for (const { here, there } of due.filter(({ at }) => at === i)) {
      await store.giveBack(here, now)
      reference.giveBack(there, now)
    }
  }
}

/** xorshift32. @returns 0 … 2^32 - 1 */
function randomOf(seed: number): () => number {
  let x = seed | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

// ── what is expected ──

type Said = ReturnType<Store['take']>

/** The decision. A store that answers in the absence of another is not held to the contract in that absence. */
async function value(said: Said): Promise<MeteredDecision> {
  const decision = await said
  if (decision.kind === 'store-unavailable') throw new ContractError(`expected a decision, received ${decision.kind}`)
  return decision
}

async function admitted(said: Said): Promise<Allowed> {
  const decision = await value(said)
  if (decision.kind !== 'allowed') throw new ContractError(`expected allowed, received ${brief(decision)}`)
  return decision
}

interface Expected {
  readonly kind: MeteredDecision['kind']
  readonly limitedBy: string
  readonly retryAfter?: Millis
}

async function refused(said: Said, expected: Expected): Promise<MeteredDecision> {
  const decision = await value(said)
  const limitedBy = 'limitedBy' in decision ? decision.limitedBy : undefined
  const retryAfter = 'retryAfter' in decision ? decision.retryAfter : undefined
  const fits =
    decision.kind === expected.kind &&
    !decision.admitted &&
    limitedBy === expected.limitedBy &&
    (expected.retryAfter === undefined || retryAfter === expected.retryAfter)
  if (!fits) throw new ContractError(`expected ${text(expected)}, received ${brief(decision)}`)
  return decision
}

async function usage(store: Store, query: Parameters<NonNullable<Store['usage']>>[0]): Promise<UsageEntry[]> {
  if (store.usage === undefined) throw new ContractError('expected a store with usage, received one without')
  const entries = [...(await store.usage(query))]
  return entries.sort((a, b) => (a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : a.day - b.day))
}

function remainingOf(decision: MeteredDecision, name: string): number | undefined {
  return decision.limits.find(limit => limit.name === name)?.remaining
}

function brief(decision: MeteredDecision): string {
  const { kind, at } = decision
  const limitedBy = 'limitedBy' in decision ? decision.limitedBy : undefined
  const retryAfter = 'retryAfter' in decision ? decision.retryAfter : undefined
  return text({ kind, limitedBy, retryAfter, at })
}

/** Everything a client is told, as one comparable value. */
function told(decision: MeteredDecision): unknown {
  const { kind, admitted, at, cost, keyId, planId, tokens, quota, remaining, limits, steppedBack } = decision
  const limitedBy = 'limitedBy' in decision ? decision.limitedBy : null
  const retryAfter = 'retryAfter' in decision ? decision.retryAfter : null
  return {
    kind,
    admitted,
    limitedBy,
    retryAfter,
    at,
    cost,
    keyId,
    planId,
    tokens,
    quota,
    remaining,
    limits,
    steppedBack,
  }
}

function same(what: string, received: unknown, expected: unknown): void {
  const [is, should] = [text(received), text(expected)]
  if (is !== should) throw new ContractError(`${what}: expected ${should}, received ${is}`)
}

/** JSON, in which Infinity is not null. */
function text(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'number' ? numberText(part) : part)) ?? 'undefined'
  )
}

function numberText(n: number): number | string {
  return Number.isFinite(n) ? n : String(n)
}
