import fc from 'fast-check'
import { parseList } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import type { MeteredDecision } from '../../src/core/decision.ts'
import type { ShortPlan } from '../../src/core/document.ts'
import type { Gate } from '../../src/gate.ts'
import { DRAFT, rateLimitFields } from '../../src/http/fields.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { gateOf } from '../gate-of.ts'

const KEY = 'fields-key-0000000000001'
const NOON = Date.parse('2026-03-04T12:00:00Z')
const DAY = 86_400_000

/** A field's items as a client reads them: name, and parameters that are all integers. */
function read(field: string): { name: string; params: Record<string, number> }[] {
  return parseList(field).map(([name, params]) => {
    expect(typeof name).toBe('string')
    const entries = [...params].map(([key, value]): [string, number] => {
      expect(Number.isSafeInteger(value), `${key} in ${field}`).toBe(true)
      return [key, value as number]
    })
    return { name: name as string, params: Object.fromEntries(entries) }
  })
}

function world(plan: Omit<ShortPlan, 'id'>, id = 'gold') {
  const store = memoryStore()
  const clock = { now: NOON }
  const gate = gateOf({
    catalog: {
      requireKey: ['GET /pets', 'GET /other'],
      plans: [{ id, ...plan }],
      keys: [{ id: 'k1', value: KEY, plan: id }],
    },
    store,
    clock: () => clock.now,
  })
  const get = (path = '/pets', cost = 1): MeteredDecision =>
    gate.admit({ method: 'GET', path, apiKey: KEY, cost }) as MeteredDecision
  const peek = (path = '/pets', at = clock.now): MeteredDecision => {
    const kept = clock.now
    clock.now = at
    const decision = gate.peek({ method: 'GET', path, apiKey: KEY }) as MeteredDecision
    clock.now = kept
    return decision
  }
  return { store, clock, gate, get, peek }
}

describe('the RateLimit fields', () => {
  it('follow draft 11', () => expect(DRAFT).toBe(11))

  it('tell the quota, the throttle and the throttle of the method, in this order', () => {
    const { get } = world({
      throttle: { rateLimit: 10, burstLimit: 100 },
      quota: { limit: 1000, period: 'DAY' },
      methods: { 'GET /pets': { rateLimit: 0.5, burstLimit: 5 } },
    })
    expect(rateLimitFields(get())).toEqual({
      policy: '"gold";q=1000;w=86400, "gold-rate";q=100;w=10, "gold-method";q=5;w=10',
      limit: '"gold";r=999;t=43200, "gold-rate";r=99;t=1, "gold-method";r=4;t=2',
    })
    expect(rateLimitFields(get('/other'))?.limit).toBe('"gold";r=998;t=43200, "gold-rate";r=98;t=1')
  })

  it('tell only a quota where there is only a quota', () => {
    const { get } = world({ quota: { limit: 3, period: 'MONTH' } })
    expect(rateLimitFields(get())).toEqual({
      policy: `"gold";q=3;w=${31 * 86_400}`,
      limit: `"gold";r=2;t=${27 * 86_400 + 43_200}`,
    })
  })

  it('tell the window of now, not of the last request; of the method asked for, not of the last one', () => {
    const { get, clock } = world({
      quota: { limit: 9, period: 'MONTH' },
      methods: { 'GET /pets': { rateLimit: 1, burstLimit: 5 } },
    })
    const policies = [Date.UTC(2026, 0, 31), Date.UTC(2026, 1, 1), Date.UTC(2026, 2, 1)].map(now => {
      clock.now = now
      return ['/pets', '/other'].map(path => rateLimitFields(get(path))?.policy)
    })
    expect(policies).toEqual(
      [31, 28, 31].map(days => {
        const quota = `"gold";q=9;w=${days * 86_400}`
        return [`${quota}, "gold-method";q=5;w=5`, quota]
      }),
    )
  })

  it('are not sent for a plan without limits, nor for an open method with a limit that all share', () => {
    expect(rateLimitFields(world({}).get())).toBeNull()
    const gate = gateOf({
      catalog: {
        requireKey: ['GET /pets'],
        plans: [],
        account: { throttleSettings: { rateLimit: 1, burstLimit: 1 } },
      },
      clock: () => NOON,
    })
    expect(rateLimitFields(gate.admit({ method: 'GET', path: '/' }) as MeteredDecision)).toBeNull()
  })

  it('of a bucket that never fills (rate 0) have no window and no time', () => {
    const { get } = world({ throttle: { rateLimit: 0, burstLimit: 2 } })
    expect(rateLimitFields(get())).toEqual({ policy: '"gold-rate";q=2', limit: '"gold-rate";r=1' })
    get()
    expect(rateLimitFields(get())?.limit).toBe('"gold-rate";r=0')
  })

  it('of a bucket that holds nothing (burst 0) promise no time at which there is more', () => {
    const { get } = world({ throttle: { rateLimit: 10, burstLimit: 0 } })
    expect(rateLimitFields(get())).toEqual({ policy: '"gold-rate";q=0;w=1', limit: '"gold-rate";r=0' })
  })

  it('of a full bucket say how long a token takes', () => {
    const { peek, get } = world({ throttle: { rateLimit: 0.25, burstLimit: 4 } })
    expect(rateLimitFields(get('/pets', 0))?.limit).toBe('"gold-rate";r=4;t=4')
    expect(rateLimitFields(peek())?.limit).toBe('"gold-rate";r=3;t=4')
  })

  it('tell the method alone where its throttle overrides the plan’s', () => {
    const gate = gateOf({
      catalog: {
        semantics: { methodThrottle: 'override' },
        plans: [
          {
            id: 'p',
            throttle: { rateLimit: 1, burstLimit: 9 },
            methods: { 'GET /pets': { rateLimit: 1, burstLimit: 2 } },
          },
        ],
        keys: [{ id: 'k1', value: KEY, plan: 'p' }],
      },
      clock: () => NOON,
    })
    const decision = gate.admit({ method: 'GET', path: '/pets', apiKey: KEY }) as MeteredDecision
    expect(rateLimitFields(decision)?.limit).toBe('"p-method";r=1;t=1')
  })

  const rate = fc.oneof(
    fc.constantFrom(0, 1 / 432_000, 0.001, 1 / 60, 0.1, 1e9),
    fc.integer({ min: 1, max: 432_000_000 }).map(grains => grains / 432_000),
  )
  const burst = fc.oneof(fc.nat(5), fc.constantFrom(1, 20_849_998), fc.nat(20_849_998))
  const throttle = fc.record({ rateLimit: rate, burstLimit: burst })
  const quota = fc.oneof(
    fc.record({ limit: fc.integer({ min: 1, max: 2_147_483_647 }), period: fc.constant('DAY' as const) }),
    fc.record({
      limit: fc.nat(8).map(n => n + 1),
      period: fc.constant('WEEK' as const),
      offset: fc.nat(6),
    }),
    fc.record({ limit: fc.nat(8).map(n => n + 1), period: fc.constant('MONTH' as const), offset: fc.nat(27) }),
  )
  const plan = fc.record(
    { throttle, quota, methods: throttle.map(method => ({ 'GET /pets': method })) },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Omit<ShortPlan, 'id'>>
  const steps = fc.array(
    fc.record({
      wait: fc.oneof(fc.nat(3000), fc.nat(40 * DAY), fc.constantFrom(0, 0, 0)),
      cost: fc.oneof(fc.constantFrom(0, 1, 1, 1), fc.nat(30_000_000)),
      path: fc.constantFrom('/pets', '/pets', '/other'),
    }),
    { minLength: 1, maxLength: 12 },
  )
  const id = fc
    .array(
      fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-', ...'._~-', 'toString'),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    .map(parts => parts.join(''))

  it('are always two lists of the same names with integers in range, whatever the plan and its use (ARI-13)', () => {
    fc.assert(
      fc.property(id, plan, steps, (id, plan, steps) => {
        const { clock, get } = world(plan, id)
        for (const { wait, cost, path } of steps) {
          clock.now += wait
          const fields = rateLimitFields(get(path, cost))
          if (fields === null) {
            expect(plan.quota === undefined && plan.throttle === undefined).toBe(true)
            continue
          }
          expect(parameters(fields.policy) + parameters(fields.limit)).toMatch(/^(;[qwrt]=\d{1,15})+$/)
          const policies = read(fields.policy)
          const limits = read(fields.limit)
          expect(limits.map(({ name }) => name)).toEqual(policies.map(({ name }) => name))
          expect(new Set(limits.map(({ name }) => name)).size).toBe(limits.length)
          policies.forEach(({ params: { q, w, ...others } }) => {
            expect(others).toEqual({})
            expect(q).toBeGreaterThanOrEqual(0)
            if (w !== undefined) expect(w).toBeGreaterThanOrEqual(1)
          })
          limits.forEach(({ params: { r, t, ...others } }, i) => {
            expect(others).toEqual({})
            expect(r).toBeGreaterThanOrEqual(0)
            expect(r).toBeLessThanOrEqual(policies[i]!.params['q']!)
            if (t !== undefined) expect(t).toBeGreaterThanOrEqual(1)
          })
        }
      }),
      { numRuns: 150 },
    )
  })

  it('tell the truth: as many requests as the least r are admitted at once, and not one more', () => {
    const small = fc.record(
      {
        throttle: fc.record({ rateLimit: rate, burstLimit: fc.nat(9) }),
        quota: fc.record({
          limit: fc.nat(9).map(n => n + 1),
          period: fc.constantFrom('DAY' as const, 'MONTH' as const),
        }),
        methods: fc.record({ 'GET /pets': fc.record({ rateLimit: rate, burstLimit: fc.nat(9) }) }),
      },
      { requiredKeys: ['throttle'] },
    ) as fc.Arbitrary<Omit<ShortPlan, 'id'>>
    fc.assert(
      fc.property(small, steps, (plan, steps) => {
        const { clock, get } = world(plan)
        for (const { wait, path } of steps) {
          clock.now += wait
          get(path)
        }
        const fields = rateLimitFields(get())
        const least = Math.min(...read(fields!.limit).map(({ params }) => params['r']!))
        for (let i = 0; i < least; i++) expect(get().admitted).toBe(true)
        expect(get().admitted).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('tell the time: after t seconds there is more of that limit, and a second earlier there is not', () => {
    const reportsAt = (decision: MeteredDecision): Map<string, number> =>
      new Map(decision.limits.map(({ name, remaining }) => [name, remaining]))
    const name = (field: string): string =>
      field.endsWith('-rate') ? 'plan' : field.endsWith('-method') ? 'method' : 'quota'
    const nothingTaken = (gate: Gate, path: string): MeteredDecision =>
      gate.peek({ method: 'GET', path, apiKey: KEY, cost: 0 }) as MeteredDecision
    fc.assert(
      fc.property(plan, steps, (plan, steps) => {
        const { clock, gate, get } = world(plan)
        for (const { wait, cost, path } of steps) {
          clock.now += wait
          get(path, cost)
        }
        const now = clock.now
        const fields = rateLimitFields(nothingTaken(gate, '/pets'))
        if (fields === null) return
        const policies = read(fields.policy)
        read(fields.limit).forEach(({ name: field, params: { r, t } }, i) => {
          const q = policies[i]!.params['q']!
          if (t === undefined || r === q) return
          clock.now = now + t * 1000
          const then = reportsAt(nothingTaken(gate, '/pets')).get(name(field))!
          expect(then, `${field} after ${t} s`).toBeGreaterThan(r!)
          clock.now = now + (t - 1) * 1000
          expect(reportsAt(nothingTaken(gate, '/pets')).get(name(field)), `${field} after ${t - 1} s`).toBe(r)
        })
      }),
      { numRuns: 300 },
    )
  })
})

/** What is left of a field without its names. */
function parameters(field: string): string {
  return field.replaceAll(/"[^"]*"|, /g, '')
}
