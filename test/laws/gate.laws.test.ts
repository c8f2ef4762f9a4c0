// A gate: what it lets by without a look, and catalogs that change under running counters.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Catalog } from '../../src/core/catalog.ts'
import { catalogOf } from '../../src/core/check.ts'
import { ClockError } from '../../src/errors.ts'
import { createGate } from '../../src/gate.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { law } from './law.ts'
import { plainStore } from './plain.ts'
import { documentOf, type Event, told, traces, valueOfKey, type World, worlds } from './worlds.ts'

const TOKEN = 432_000_000
const none: World = { override: false, weekStart: 0 }
const inputOf = (world: World, version?: string): Catalog =>
  catalogOf({ ...(documentOf(world) as object), ...(version === undefined ? {} : { version }) })
const requestOf = ({ key, path, stage, cost }: Omit<Event, 'now'>) =>
  ({ method: 'GET', path, apiId: 'api', stage, apiKey: valueOfKey(key), cost }) as const

/** A gate over a store that never forgets, with a clock that is set by hand. */
function gateOf(world: World, version?: string) {
  const store = plainStore()
  const clock = { now: 0 }
  const gate = createGate({ catalog: inputOf(world, version), store, clock: () => clock.now })
  const admit = ({ now, ...event }: Event) => {
    clock.now = now
    return gate.admit(requestOf(event))
  }
  return { gate, store, clock, admit }
}

describe('gate', () => {
  const anyKey = fc.oneof(
    fc.constantFrom(undefined, null, '', valueOfKey(0), valueOfKey(7)),
    fc.string({ maxLength: 30 }),
  )
  law(
    'an open method is free: any key or none, no clock read, no store asked',
    [worlds({ shared: false }), fc.array(anyKey, { maxLength: 10 })],
    (world, keys) => {
      const untouched = () => {
        throw new Error('touched')
      }
      const store = { take: untouched, peek: untouched, giveBack: untouched }
      const gate = createGate<false>({ catalog: inputOf(world), store, clock: untouched })
      for (const apiKey of keys) {
        const request = { method: 'GET', path: '/open', apiId: 'api', stage: 's', apiKey } as const
        expect(gate.admit(request)).toEqual({ kind: 'open', admitted: true })
        expect(gate.giveBack(gate.peek(request))).toBe(false)
      }
    },
  )

  law(
    'whoever is not known is refused without a look at the clock or the store, whatever limits there are',
    [worlds(), fc.array(anyKey, { maxLength: 10 }), fc.constantFrom('/a', '/b', '/nowhere', '/../a', '/A', '/open/x')],
    (world, keys, path) => {
      const untouched = () => {
        throw new Error('touched')
      }
      const store = { take: untouched, peek: untouched, giveBack: untouched }
      const gate = createGate<false>({ catalog: inputOf(world), store, clock: untouched })
      for (const apiKey of keys) {
        if (apiKey === valueOfKey(0)) continue
        const decision = gate.admit({ method: 'GET', path, apiId: 'api', stage: 's', apiKey })
        expect(decision.admitted).toBe(false)
        expect(['invalid-api-key', 'missing-authentication-token', 'bad-request']).toContain(decision.kind)
      }
    },
  )

  law(
    'another catalog keeps what is counted: levels are clipped and never raised, use is kept, the new limit is in force',
    [worlds({ initial: false }), worlds({ initial: false }), traces({ clock: 'jogging', open: false })],
    (before, after, trace) => {
      const { gate, store, admit } = gateOf(before)
      for (const event of trace) admit(event)
      const last = trace.at(-1)!
      const record = store.records.get(`plan key-${last.key}`)
      if (record === undefined) return
      const shared = new Map(store.records)
      gate.replace(inputOf({ ...after, weekStart: before.weekStart }))
      expect(new Map(store.records)).toEqual(shared)

      // At the very instant of its last take.
      const free = admit({ ...last, now: record.at, cost: 0 })
      if (!('state' in free) || free.state === null) throw new Error('not metered')
      const { state, metered } = free
      if (after.plan !== undefined) expect(state.level).toBe(Math.min(record.level, after.plan.burst * TOKEN))
      if (metered.method !== null) {
        const held = record.methods.find(({ id }) => id === metered.method!.id)
        const now = state.methods.find(({ id }) => id === metered.method!.id)!
        if (held?.at === record.at) expect(now.level).toBe(Math.min(held.level, after.method!.burst * TOKEN))
      }
      metered.shared.forEach(({ id, capacity }, i) => {
        const held = store.records.get(`shared ${id}`)
        if (held?.at === record.at) expect(free.sharedStates[i]!.level).toBe(Math.min(held.level, capacity))
      })
      const [a, b] = [before.quota, after.quota]
      if (a !== undefined && b !== undefined && a.period === b.period && a.offset === b.offset) {
        expect(free.quota!.used).toBe(record.used)
        expect(free.quota!.remaining).toBe(Math.max(0, b.limit - record.used))
      }
    },
  )

  law(
    'a new rate counts from the last take on, since a record holds a level and an instant',
    [worlds({ shared: false }), worlds({ shared: false }), traces({ clock: 'steady', open: false }), fc.nat(1000)],
    (before, after, trace, wait) => {
      const { gate, store, admit } = gateOf(before)
      for (const event of trace) admit(event)
      const last = trace.at(-1)!
      const record = store.records.get(`plan key-${last.key}`)
      if (record === undefined || after.plan === undefined) return
      gate.replace(inputOf(after))
      const free = admit({ ...last, now: record.at + wait, cost: 0 })
      const { tokens, ms, burst } = after.plan
      const scaled = BigInt(record.level) * BigInt(ms) + BigInt(tokens) * BigInt(TOKEN) * BigInt(wait)
      const capacity = BigInt(burst) * BigInt(TOKEN) * BigInt(ms)
      expect('state' in free && BigInt(free.state!.level) * BigInt(ms)).toBe(scaled < capacity ? scaled : capacity)
    },
  )

  law(
    'a decision is of the one catalog in force; one that does not check leaves the old one there',
    [fc.array(worlds(), { minLength: 1, maxLength: 4 }), traces(), fc.array(fc.nat(40))],
    (catalogs, trace, breaks) => {
      const { gate, admit } = gateOf(catalogs[0]!, 'v0')
      let version = 0
      trace.forEach((event, i) => {
        if (i % 7 === 6) {
          version++
          gate.replace(inputOf(catalogs[version % catalogs.length]!, `v${version}`))
        }
        if (breaks.includes(i)) expect(() => gate.replace({ usagePlans: [] } as unknown as Catalog)).toThrow()
        const decision = admit(event)
        expect(gate.version).toBe(`v${version}`)
        if ('version' in decision) expect(decision.version).toBe(`v${version}`)
      })
    },
  )

  law('a request is given back once, and one that was only peeked at never', [worlds(), traces()], (world, trace) => {
    const { gate, store, clock, admit } = gateOf(world)
    for (const event of trace) {
      admit(event)
      clock.now = event.now
      const peeked = gate.peek(requestOf(event))
      const before = JSON.stringify([...store.records])
      expect(gate.giveBack(peeked)).toBe(false)
      expect(JSON.stringify([...store.records])).toBe(before)
      const decision = admit(event)
      expect(gate.giveBack(decision)).toBe(decision.kind === 'allowed' && decision.cost > 0)
      const after = JSON.stringify([...store.records])
      expect(gate.giveBack(decision)).toBe(false)
      expect(JSON.stringify([...store.records])).toBe(after)
    }
  })

  const time = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(1e300, -1e300, 2 ** 53, 1.7e18, 0.5, -0.5, 1_700_000_000_000.9, Number.NaN, Infinity),
    fc.constantFrom(undefined, null, '7', 7n, {}) as unknown as fc.Arbitrary<number>,
  )
  law('an instant is a whole number of milliseconds, or nothing is decided', [time], time => {
    const store = memoryStore()
    const limited: World = { ...none, plan: { tokens: 1, ms: 1, burst: 1 } }
    const gate = createGate({ catalog: inputOf(limited), store, clock: () => time })
    const request = requestOf({ key: 0, path: '/a', stage: 's', cost: 1 })
    if (typeof time === 'number' && Number.isSafeInteger(Math.floor(time))) {
      const decision = gate.admit(request)
      expect('at' in decision && decision.at).toBe(Math.floor(time))
    } else {
      expect(() => gate.admit(request)).toThrow(ClockError)
      expect(store.size).toBe(0)
    }
  })

  law('a cost is a whole number of tokens, or nothing is decided', [fc.oneof(fc.double(), fc.integer())], cost => {
    const store = memoryStore()
    const gate = createGate({
      catalog: inputOf({ ...none, plan: { tokens: 1, ms: 1, burst: 4 } }),
      store,
      clock: () => 0,
    })
    const request = requestOf({ key: 0, path: '/a', stage: 's', cost })
    if (Number.isSafeInteger(cost) && cost >= 0) expect(gate.admit(request).admitted).toBe(cost <= 4)
    else expect(() => gate.admit(request)).toThrow(RangeError)
  })

  law('a peek says what the admission that follows says', [worlds(), traces()], (world, trace) => {
    const { gate, clock, admit } = gateOf(world)
    for (const event of trace) {
      clock.now = event.now
      const peeked = gate.peek(requestOf(event))
      const decision = admit(event)
      if ('state' in peeked && 'state' in decision) expect(told(decision)).toEqual(told(peeked))
      else expect(decision).toEqual(peeked)
    }
  })
})
