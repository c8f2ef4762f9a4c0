// A store that is gone: what is said instead, when it is asked again, and what is never taken for an outage.

import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/errors.ts'
import { answer } from '../../src/http/answer.ts'
import type { Decision, MeteredDecision } from '../../src/index.ts'
import { type GuardedOptions, guarded, type Outage } from '../../src/stores/guarded.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'
import { manualClock, storeContract } from '../../src/testing.ts'
import { gateOf } from '../gate-of.ts'
import { indexOf, meteredOf, type World } from '../laws/worlds.ts'

const world: World = {
  override: false,
  weekStart: 0,
  plan: { tokens: 1, ms: 1000, burst: 8 },
  quota: { limit: 100, period: 'DAY', offset: 0 },
}
const index = indexOf(world)
const ask = (cost = 1) => meteredOf(index, { key: 0, path: '/a', stage: 's', cost })!

/** A store that can be broken. */
function breakable(): Store<false> & { broken: Error | null; asked: number } {
  const store = memoryStore()
  const tried = <T>(how: () => T): T => {
    self.asked++
    if (self.broken !== null) throw self.broken
    return how()
  }
  const self = {
    broken: null as Error | null,
    asked: 0,
    take: (...args: Parameters<Store<false>['take']>) => tried(() => store.take(...args)),
    peek: (...args: Parameters<Store<false>['peek']>) => tried(() => store.peek(...args)),
    giveBack: (...args: Parameters<Store<false>['giveBack']>) => tried(() => store.giveBack(...args)),
  }
  return self
}

/** A store whose answers come when the test says, and timers that run when it says. */
function slow() {
  const store = memoryStore()
  const answers: (() => void)[] = []
  const timers: (() => void)[] = []
  const later = <T>(how: () => T): Promise<T> => new Promise(resolve => answers.push(() => resolve(how())))
  const held: Store<true> = {
    take: (metered, now) => later(() => store.take(metered, now)),
    peek: (metered, now) => later(() => store.peek(metered, now)),
    giveBack: async (taken, now) => store.giveBack(taken, now),
  }
  const after: GuardedOptions['after'] = (_, run) => {
    timers.push(run)
    return () => void timers.splice(timers.indexOf(run), 1)
  }
  return { held, memory: store, after, answers, timers }
}

const GONE = new StoreError('gone', { transient: true })

describe.each<[string, () => Store]>([
  ['a synchronous store', () => guarded(memoryStore())],
  [
    'an asynchronous one',
    () => {
      const store = memoryStore()
      return guarded({
        take: async (metered, now) => store.take(metered, now),
        peek: async (metered, now) => store.peek(metered, now),
        giveBack: async (taken, now) => store.giveBack(taken, now),
      })
    },
  ],
])('guarded, over %s', (_, makeStore) => {
  it.each(storeContract.filter(({ needs }) => !needs?.includes('usage')))('$name', ({ run }) => run(makeStore))
})

it('takes a StoreError of a message alone for one that lasts, and may have charged', () => {
  expect({ ...new StoreError('gone') }).toMatchObject({ transient: false, executed: 'unknown' })
})

describe('without its store', () => {
  it('refuses by default: 503, and tells why', () => {
    const store = breakable()
    const guard = guarded(store)
    store.broken = GONE
    const decision = guard.take(ask(), 0)
    expect(decision).toMatchObject({
      kind: 'store-unavailable',
      admitted: false,
      reason: 'failed',
      planId: 'plan',
      keyId: 'key-0',
    })
    expect(answer(decision as Decision)).toEqual({
      status: 503,
      headers: [
        ['Content-Type', 'application/json'],
        ['x-amzn-ErrorType', 'ServiceUnavailableException'],
        ['Cache-Control', 'no-store'],
        ['Retry-After', '1'],
      ],
      body: '{"message":"Service Unavailable"}',
    })
    expect(guard.counts).toMatchObject({ failed: 1, refused: 1 })
  })

  it('lets everybody in where that is asked, and each decision says so and reports no limit', () => {
    const store = breakable()
    const guard = guarded(store, { onStoreError: 'allow' })
    store.broken = GONE
    const decision = guard.take(ask(1000), 0) as MeteredDecision
    expect(decision).toMatchObject({
      kind: 'allowed',
      degraded: 'allow',
      tokens: null,
      quota: null,
      limits: [],
      keyId: 'key-0',
    })
    expect(JSON.parse(JSON.stringify(decision))).toMatchObject({ planId: 'plan', degraded: 'allow' })
    expect(guard.counts.allowed).toBe(1)
  })

  it('throws where that is asked', () => {
    const store = breakable()
    const guard = guarded(store, { onStoreError: 'throw', failures: 1 })
    store.broken = GONE
    expect(() => guard.take(ask(), 0)).toThrow(GONE)
    expect(() => guard.take(ask(), 1)).toThrow('not asked')
    expect(guard.counts.thrown).toBe(2)
  })

  it('admits its share of every limit and no more, and refuses without it', () => {
    const store = breakable()
    const guard = guarded(store, { onStoreError: { local: 1 / 4 } })
    store.broken = GONE
    const kinds = Array.from({ length: 4 }, () => guard.take(ask(), 0))
    expect(kinds.map(({ kind }) => kind)).toEqual(['allowed', 'allowed', 'throttled', 'throttled'])
    expect(kinds.map(decision => 'degraded' in decision && decision.degraded)).toEqual(Array(4).fill('local'))
    expect((kinds[2] as { retryAfter: number }).retryAfter).toBe(4000)
    // A share that cannot hold the cost says nothing of the limit itself.
    expect(guard.take(ask(5), 0)).toMatchObject({ kind: 'store-unavailable' })
    // The share fills at its share of the rate, through as many outages as there are.
    store.broken = null
    expect(guard.take(ask(), 5000)).not.toHaveProperty('degraded')
    store.broken = GONE
    expect(guard.take(ask(), 5000).kind).toBe('allowed')
    expect(guard.take(ask(), 5000).kind).toBe('throttled')
  })

  it('gives back where it was taken: a share to the share, and to the store nothing that it never charged', () => {
    const store = breakable()
    const guard = guarded(store, { onStoreError: { local: 1 / 8 } })
    store.broken = GONE
    const taken = guard.take(ask(), 0)
    expect(guard.take(ask(), 0).kind).toBe('throttled')
    if (taken.kind === 'allowed') guard.giveBack(taken, 0)
    expect(guard.take(ask(), 0).kind).toBe('allowed')
    const open = guarded(store, { onStoreError: 'allow' })
    const unmeasured = open.take(ask(), 0)
    store.broken = null
    if (unmeasured.kind === 'allowed') open.giveBack(unmeasured, 0)
    expect((guard.take(ask(0), 0) as MeteredDecision).tokens).toBe(8)
  })

  it.each(['refuse', 'allow', { local: 0.5 }] as const)('never takes a bug for an outage (%j)', async onStoreError => {
    const store = breakable()
    const guard = guarded(store, { onStoreError, failures: 1 })
    store.broken = new TypeError('undefined is not a function')
    for (let i = 0; i < 10; i++) expect(() => guard.take(ask(), i)).toThrow(TypeError)
    expect(guard.breaker).toBe('closed')
    const rejecting = guarded(
      { take: () => Promise.reject(store.broken), peek: () => Promise.reject(store.broken), giveBack: async () => {} },
      { onStoreError },
    )
    await expect(rejecting.take(ask(), 0)).rejects.toThrow(TypeError)
  })

  it.each([0, -1, 1.5, Number.NaN])('takes no share of %j', local => {
    expect(() => guarded(memoryStore(), { onStoreError: { local } })).toThrow('above 0, at most 1')
  })
})

describe('its options', () => {
  it.each<[string, object, string]>([
    [
      'a deadline that is none',
      { deadline: Infinity },
      'deadline: expected a whole number from 1 to 2147483647, received Infinity',
    ],
    ['that a timer cannot count', { deadline: 2 ** 31 }, 'deadline: expected'],
    ['that has passed', { deadline: 0 }, 'deadline: expected'],
    [
      'that is no number',
      { deadline: '1s' },
      'deadline: expected a whole number from 1 to 2147483647, received a string',
    ],
    ['no failure', { failures: 0 }, 'failures: expected a whole number from 1'],
    ['no success', { successes: 0 }, 'successes: expected a whole number from 1'],
    ['a pause that is no time', { pause: Number.NaN }, 'pause: expected a whole number from 0'],
    [
      'a word that is none',
      { onStoreError: 'deny' },
      'onStoreError: expected refuse, allow, throw or { local: share }, received "deny"',
    ],
    ['nothing to say', { onStoreError: null }, 'received null'],
    [
      'a share that is text',
      { onStoreError: { local: '0.5' } },
      'onStoreError.local: expected a share above 0, at most 1, received a string',
    ],
    [
      'a name that is none',
      { onStoreErr: 'allow' },
      'onStoreErr: expected one of onStoreError, deadline, failures, pause, successes, onOutage, after; did you mean "onStoreError"?',
    ],
    ['a hook that is none', { onOutage: 'log' }, 'onOutage: expected a function, received a string'],
  ])('are checked when it is made: %s', (_, options, said) => {
    expect(() => guarded(memoryStore(), options as GuardedOptions)).toThrow(said)
  })

  it('may be left open', () => {
    expect(() => guarded(memoryStore(), { deadline: undefined, onStoreError: undefined } as object)).not.toThrow()
    expect(() => guarded(memoryStore(), { deadline: 2 ** 31 - 1, pause: 0, failures: 1, successes: 1 })).not.toThrow()
  })
})

describe('the breaker', () => {
  it.each<[string, () => void]>([
    ['at once', () => expect.fail('at once')],
    ['later', async () => expect.fail('later')],
  ])('tells who throws %s, and goes on', async (_, onOutage) => {
    const store = breakable()
    const guard = guarded(store, { failures: 1, pause: 10, successes: 1, onOutage })
    store.broken = GONE
    expect(guard.take(ask(), 0).kind).toBe('store-unavailable')
    store.broken = null
    expect(guard.take(ask(), 10).kind).toBe('allowed')
    // A rejection that nobody handles is the process's end, and fails the run.
    await new Promise(resolve => setImmediate(resolve))
    expect(guard.breaker).toBe('closed')
  })

  it('opens after failures in a row, tries one at a time after a pause, and closes after successes in a row', () => {
    const store = breakable()
    const outages: Outage[] = []
    const guard = guarded(store, { failures: 3, pause: 100, successes: 2, onOutage: outage => outages.push(outage) })
    const kindAt = (now: number) => guard.take(ask(0), now).kind
    // now, broken, what is said, whether the store was asked, the breaker after it
    const timeline: readonly (readonly [number, boolean, string, boolean, string])[] = [
      [0, true, 'store-unavailable', true, 'closed'],
      [1, false, 'allowed', true, 'closed'],
      [2, true, 'store-unavailable', true, 'closed'],
      [3, true, 'store-unavailable', true, 'closed'],
      [4, true, 'store-unavailable', true, 'open'],
      [5, false, 'store-unavailable', false, 'open'],
      [103, false, 'store-unavailable', false, 'open'],
      [104, true, 'store-unavailable', true, 'open'],
      [203, false, 'store-unavailable', false, 'open'],
      [204, false, 'allowed', true, 'trying'],
      [205, true, 'store-unavailable', true, 'open'],
      [305, false, 'allowed', true, 'trying'],
      [306, false, 'allowed', true, 'closed'],
      [307, true, 'store-unavailable', true, 'closed'],
    ]
    for (const [now, broken, kind, isAsked, breaker] of timeline) {
      store.broken = broken ? GONE : null
      const before = store.asked
      expect([now, kindAt(now), store.asked > before, guard.breaker]).toEqual([now, kind, isAsked, breaker])
    }
    expect(outages.map(({ state, at }) => [state, at])).toEqual([
      ['began', 4],
      ['ended', 306],
    ])
    expect(outages[1]?.counts).toMatchObject({ failed: 6, refused: 9, outages: 1 })
    expect(outages[0]?.error).toBe(GONE)
  })

  it('is not held open by a clock that steps back', () => {
    const store = breakable()
    const guard = guarded(store, { failures: 1 })
    store.broken = GONE
    guard.take(ask(), 1_000_000)
    store.broken = null
    expect(guard.take(ask(), 5).kind).toBe('allowed')
  })

  it('lets nothing be changed by a hook that throws', () => {
    const store = breakable()
    const guard = guarded(store, {
      failures: 1,
      onOutage: () => {
        throw new Error('a hook')
      },
    })
    store.broken = GONE
    expect(guard.take(ask(), 0).kind).toBe('store-unavailable')
  })

  it('asks once at a time while it tries', async () => {
    const { held, after, answers, timers } = slow()
    const guard = guarded(held, { failures: 1, pause: 10, successes: 1, after })
    const first = guard.take(ask(), 0)
    timers[0]!()
    expect(await first).toMatchObject({ reason: 'deadline' })
    const trial = guard.take(ask(), 10)
    expect(await guard.take(ask(), 10)).toMatchObject({ reason: 'not-asked' })
    answers[1]!()
    expect((await trial).kind).toBe('allowed')
    expect(guard.breaker).toBe('closed')
  })
})

describe('an answer that is late', () => {
  it('is put back where nobody was served for it', async () => {
    const { held, memory, after, answers, timers } = slow()
    const guard = guarded(held, { after })
    const taken = guard.take(ask(3), 0)
    timers[0]!()
    expect(await taken).toMatchObject({ kind: 'store-unavailable', reason: 'deadline' })
    answers[0]!()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(guard.counts).toMatchObject({ late: 1, givenBack: 1 })
    expect(memory.peek(ask(0), 0).tokens).toBe(8)
    expect(memory.peek(ask(0), 0).quota?.used).toBe(0)
  })

  it('is put back where this process’s share refused it as well', async () => {
    const { held, memory, after, answers, timers } = slow()
    const guard = guarded(held, { after, onStoreError: { local: 0.25 } })
    const taken = guard.take(ask(3), 0)
    timers[0]!()
    expect(await taken).toMatchObject({ kind: 'store-unavailable', reason: 'deadline' })
    answers[0]!()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(guard.counts.givenBack).toBe(1)
    expect(memory.peek(ask(0), 0).tokens).toBe(8)
  })

  it('stays charged where somebody was', async () => {
    const { held, memory, after, answers, timers } = slow()
    const guard = guarded(held, { after, onStoreError: 'allow' })
    const taken = guard.take(ask(3), 0)
    timers[0]!()
    expect(await taken).toMatchObject({ kind: 'allowed', degraded: 'allow' })
    answers[0]!()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(memory.peek(ask(0), 0).tokens).toBe(5)
  })

  it('leaves no timer behind when it is not', async () => {
    const { held, after, answers, timers } = slow()
    const taken = guarded(held, { after }).take(ask(), 0)
    answers[0]!()
    await taken
    expect(timers).toEqual([])
  })
})

describe('a gate over a guarded store', () => {
  const keys = [{ id: 'acme', value: 'acme-key-000000000000000001', plan: 'free' }]
  const request = { method: 'GET', path: '/', apiKey: 'acme-key-000000000000000001' }

  it('says what the guard says, and refuses unknown keys as ever', () => {
    const store = breakable()
    const seen: string[] = []
    const gate = gateOf({
      catalog: { plans: [{ id: 'free', quota: { limit: 3, period: 'DAY' } }], keys },
      store: guarded(store),
      clock: manualClock(0),
      onDecision: ({ kind }) => void seen.push(kind),
    })
    gate.admit(request)
    store.broken = GONE
    expect(gate.admit(request).kind).toBe('store-unavailable')
    expect(gate.admit({ ...request, apiKey: 'nobody-knows-this-key-at-all' }).kind).toBe('invalid-api-key')
    expect(gate.peek(request).kind).toBe('store-unavailable')
    expect(seen).toEqual(['allowed', 'store-unavailable', 'invalid-api-key'])
  })
})
