// A replay is the engine: it says what a gate over the memory store says, request by request, edits in the middle included.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Catalog } from '../../src/core/catalog.ts'
import type { Decision } from '../../src/core/decision.ts'
import { catalogOf, createGate, memoryStore, removeApiKeys } from '../../src/index.ts'
import { callersOf } from '../../src/replay/callers.ts'
import { Lane } from '../../src/replay/lane.ts'
import { Asked, NOBODY } from '../../src/replay/line.ts'
import { type ReplayEdit, type ReplayRequest, replay } from '../../src/replay/replay.ts'
import { plainStore } from '../../src/stores/plain.ts'
import type { Store } from '../../src/stores/store.ts'
import { law } from '../laws/law.ts'
import { documentOf, type Event, keyIds, told, traces, valueOfKey, type World, worlds } from '../laws/worlds.ts'

const catalogsOf = (world: World) => catalogOf(documentOf(world) as Parameters<typeof catalogOf>[0])

/** All of a decision, with the record it leaves. */
const whole = (decision: Decision): unknown => {
  if (!('metered' in decision)) return decision
  const { state, sharedStates, changed, steppedBack } = decision
  const methods = state?.methods.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { said: told(decision), state: state && { ...state, methods }, sharedStates, changed, steppedBack }
}

/** What is said to the client: a store that forgets says the same. */
const saidIn = (decision: Decision): unknown => ('metered' in decision ? told(decision) : decision)

/** How a request of a trace names its key: by its value, its id, or not as anybody's. */
const naming = fc.array(fc.constantFrom('value', 'id', 'nobody', 'unknown', 'short'), { minLength: 40, maxLength: 40 })

function requestOf({ now, key, path, stage, cost }: Event, how: string): ReplayRequest {
  const asked = { time: now, method: 'GET', path, apiId: 'api', stage, cost }
  if (how === 'id') return { ...asked, keyId: keyIds[key] }
  const apiKey = { value: valueOfKey(key), nobody: null, unknown: 'a-value-that-nobody-has', short: 'x' }[how] ?? null
  return { ...asked, apiKey }
}

describe('a replay', () => {
  law(
    'says what a gate says, and goes on through edits of the catalog',
    [fc.array(worlds(), { minLength: 1, maxLength: 3 }), traces(), naming, fc.integer({ min: 1, max: 20 })],
    (all, trace, namings, every) => {
      const catalogs = all.map(catalogsOf)
      const [first] = catalogs as [Catalog]
      let now = 0
      const gate = createGate({ catalog: first, store: plainStore() as Store<false>, clock: () => now })
      const lane = new Lane(0, first)
      const callers = callersOf(catalogs)
      const events: (ReplayRequest | ReplayEdit)[] = []
      const fromGate: unknown[] = []
      const fromLane: unknown[] = []
      trace.forEach((event, i) => {
        const catalog = catalogs[Math.floor(i / every) % catalogs.length]!
        if (catalog !== gate.catalog) {
          gate.replace(catalog)
          lane.replace(catalog)
          events.push({ catalog })
        }
        const request = requestOf(event, namings[i]!)
        events.push(request)
        now = request.time
        const { method, path, apiId, stage, cost = 1, keyId, apiKey } = request
        const value = keyId ? gate.catalog.apiKeys.get(keyId)?.value : apiKey
        fromGate.push(whole(gate.admit({ ...request, apiKey: value })))
        // The command's way: what lines share is made once.
        const caller = keyId || apiKey ? callers.ofText((keyId ?? apiKey) as string) : NOBODY
        fromLane.push(whole(lane.judge(new Asked(method, path, null, apiId, stage), caller, cost, now)))
      })
      expect(fromLane).toEqual(fromGate)
      expect([...replay(first, events)].map(({ decision }) => whole(decision))).toEqual(fromGate)
    },
    { share: 0.5 },
  )

  law(
    'says what a gate over the memory store says, and goes on from its snapshot',
    [worlds(), traces({ clock: 'jogging' }), fc.nat(40)],
    (world, trace, cut) => {
      const catalog = catalogsOf(world)
      const requests = trace.map(event => requestOf(event, 'value'))
      let now = 0
      const store = memoryStore()
      const gate = createGate({ catalog, store, clock: () => now })
      const admit = (request: ReplayRequest): unknown => {
        now = request.time
        return saidIn(gate.admit(request))
      }
      const before = requests.slice(0, cut).map(admit)
      const state = store.snapshot()
      const after = requests.slice(cut).map(admit)
      const said = (requests: ReplayRequest[], options = {}): unknown[] =>
        [...replay(catalog, requests, options)].map(({ decision }) => saidIn(decision))
      expect(said(requests.slice(cut), { state })).toEqual(after)
      expect(said(requests)).toEqual([...before, ...after])
    },
  )
})

it('a lane is not misled by what others make of its catalog, however its keys move', () => {
  const keys = Array.from({ length: 400 }, (_, i) => ({
    id: `k${i}`,
    value: `value-of-the-key-number-${i}`,
    plan: 'p',
  }))
  const catalog = catalogOf({ plans: [{ id: 'p' }], keys })
  const lane = new Lane(0, catalog)
  const callers = callersOf([catalog])
  const asked = new Asked('GET', '/', null)
  for (let i = 0; i < 1600; i++) {
    const id = `k${i % 400}`
    // A version without some keys, which come back to other places when this one is read again.
    if (i % 10 === 0)
      removeApiKeys(
        catalog,
        Array.from({ length: 60 }, (_, n) => `k${(i * 31 + n * n * 7) % 400}`),
      )
    expect(lane.judge(asked, callers.ofText(id), 1, i)).toMatchObject({ kind: 'allowed', keyId: id })
  }
})

describe('retries', () => {
  const catalog = catalogOf({
    plans: [{ id: 'p', throttle: { rateLimit: 1, burstLimit: 1 } }],
    keys: [{ id: 'k', value: 'value-of-the-key-number-0', plan: 'p' }],
  })
  const at = (time: number): ReplayRequest => ({ time, method: 'GET', path: '/', keyId: 'k' })
  const run = (retries: number) =>
    [...replay(catalog, [at(0), at(100), at(200)], { retries })].map(
      ({ time, attempt, decision }) => [time, attempt, decision.kind] as const,
    )

  it('come after the wait that was told, in whole seconds, and are judged among the rest', () => {
    expect(run(0).map(([, , kind]) => kind)).toEqual(['allowed', 'throttled', 'throttled'])
    expect(run(2)).toEqual([
      [0, 0, 'allowed'],
      [100, 0, 'throttled'],
      [200, 0, 'throttled'],
      [1100, 1, 'allowed'],
      [1200, 1, 'throttled'],
      [2200, 2, 'allowed'],
    ])
  })

  it('give up where the wait is longer than a minute', () => {
    const daily = catalogOf({
      plans: [{ id: 'p', quota: { limit: 1, period: 'DAY' } }],
      keys: [{ id: 'k', value: 'value-of-the-key-number-0', plan: 'p' }],
    })
    expect([...replay(daily, [at(0), at(1)], { retries: 5 })]).toHaveLength(2)
  })
})
