// Redis decides as decide does: the same traces through the script, in a real server, and through `decide` over records
// that nobody forgets; decisions, records, expiry and use by day equal. LAW_RUNS as for the laws: npm run test:twin -- --runs 100000.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Allowed, MeteredDecision } from '../../src/core/decision.ts'
import type { Metered } from '../../src/core/limits.ts'
import { isForgettable, type State } from '../../src/core/state.ts'
import { plainStore } from '../../src/stores/plain.ts'
import { type RedisStore, redisStore } from '../../src/stores/redis.ts'
import { GIVE_BACK, GIVE_BACK_SHA, TAKE, TAKE_SHA, USAGE, USAGE_SHA } from '../../src/stores/redis-script.ts'
import type { UsageEntry } from '../../src/stores/store.ts'
import { LAW_RUNS } from '../laws/law.ts'
import { DAY, type Event, HOUR, indexOf, keyIds, meteredOf, told, traces, type World, worlds } from '../laws/worlds.ts'
import { type RedisServer, redisServer, sendBy } from './redis-server.ts'

let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await redisServer()
  client = server.connect()
})
afterAll(() => server.stop())

let worldsPlayed = 0
const freshPrefix = (): string => `twin-${++worldsPlayed}:`

function storeOf(
  prefix: string,
  options: { clock?: 'server' | 'host'; batch?: number; cluster?: boolean } = {},
): RedisStore {
  return redisStore({ send: sendBy(client), prefix, clock: 'host', ...options })
}

/** The records under the names that PlainStore gives them. */
const DUMP = `
local out = {}
for i, key in ipairs(KEYS) do
  local raw = redis.call('GET', key)
  local text = ''
  if raw then
    for j, part in ipairs(cmsgpack.unpack(raw)) do
      if type(part) == 'table' then text = text .. string.format('|%s %.0f %.0f', part[1], part[2], part[3])
      else text = text .. string.format(' %.0f', part) end
    end
  end
  out[2 * i - 1] = text
  out[2 * i] = redis.call('PTTL', key)
end
return out`

interface Dumped {
  readonly state: State
  readonly ttl: number
}

async function dump(names: ReadonlyMap<string, string>): Promise<Map<string, Dumped>> {
  const keys = [...names.values()]
  const out = (await client.call('EVAL', DUMP, keys.length, ...keys)) as (string | number)[]
  const dumped = new Map<string, Dumped>()
  for (const [i, name] of [...names.keys()].entries()) {
    const text = out[2 * i] as string
    if (text === '') continue
    const [numbers, ...methods] = text.split('|')
    const [version, at, level, window, used] = numbers!.trim().split(' ').map(Number)
    expect(version).toBe(1)
    dumped.set(name, {
      state: {
        at: at!,
        level: level!,
        window: window!,
        used: used!,
        methods: methods.map(method => {
          const [id, level, at] = method.split(' ')
          return { id: id!, level: Number(level), at: Number(at) }
        }),
      },
      ttl: out[2 * i + 1] as number,
    })
  }
  return dumped
}

const statesOf = (dumped: ReadonlyMap<string, Dumped>) => new Map([...dumped].map(([name, { state }]) => [name, state]))

/** Every record that requests of these could have: its name in PlainStore, and in Redis. */
function namesOf(asked: readonly (Metered | null)[], prefix: string): Map<string, string> {
  const names = new Map(keyIds.map(id => [`plan ${id}`, `${prefix}{plan/${id}}`]))
  for (const metered of asked) {
    for (const { id } of metered?.shared ?? []) names.set(`shared ${id}`, `${prefix}shared:{${id}}`)
  }
  return names
}

/** All of a decision but the machinery; of the record's methods the request's own. */
function seen(decision: MeteredDecision): unknown {
  const { steppedBack, changed, state, sharedStates, metered } = decision
  const methods = state?.methods.filter(({ id }) => id === metered.method?.id) ?? []
  // When something was last given back is in the record alone.
  const shared = sharedStates.map(({ at, level }) => ({ at, level }))
  return { ...(told(decision) as object), steppedBack, changed, state: state && { ...state, methods }, shared }
}

/** What was admitted and not given back, per key and UTC day, by the definition; with a new day, of the last 400. */
function ledger() {
  const used = new Map<string, UsageEntry>()
  const add = ({ metered: { plan, keyId }, at }: MeteredDecision, cost: number): void => {
    if (plan === null || keyId === null || cost === 0) return
    const day = Math.floor(at / DAY) * DAY
    const name = `${keyId} ${day}`
    const before = used.get(name)?.used ?? 0
    if (before === 0 && cost < 0) return
    used.set(name, { keyId, day, used: Math.max(0, before + cost) })
    if (before > 0) return
    for (const [name, entry] of used) if (entry.keyId === keyId && entry.day < day - 400 * DAY) used.delete(name)
  }
  return {
    take: (decision: MeteredDecision) => decision.admitted && add(decision, decision.cost),
    giveBack: (taken: Allowed) => add(taken, -taken.cost),
    entries: (): UsageEntry[] =>
      [...used.values()]
        .filter(({ used }) => used > 0)
        .sort((a, b) => (a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : a.day - b.day)),
  }
}

const plans = fc.oneof(
  { weight: 3, arbitrary: worlds().map(world => [world, world] as const) },
  { weight: 1, arbitrary: fc.tuple(worlds(), worlds()) },
)
/** Where to peek first, to give the last admitted request back, and to change to the other plan. */
const doings = fc.array(fc.constantFrom('take', 'take', 'take', 'peek', 'give back', 'edit'), {
  minLength: 40,
  maxLength: 40,
})

async function twins(
  [one, other]: readonly [World, World],
  trace: readonly Event[],
  doing: readonly string[],
  options: { batch?: number; cluster?: boolean },
): Promise<number> {
  const prefix = freshPrefix()
  const redis = storeOf(prefix, options)
  const plain = plainStore()
  const indexes = [indexOf(one), indexOf(other)] as const
  const counted = ledger()
  const admitted: { here: Allowed; there: Allowed }[] = []
  let inForce = 0
  const asked: (Metered | null)[] = []
  for (const [i, event] of trace.entries()) {
    if (doing[i] === 'edit') inForce = 1 - inForce
    const metered = meteredOf(indexes[inForce]!, event)
    asked.push(metered)
    if (metered === null) continue
    if (doing[i] === 'peek')
      expect(seen(await redis.peek(metered, event.now))).toEqual(seen(plain.peek(metered, event.now)))
    if (doing[i] === 'give back') {
      const back = admitted.pop()
      if (back !== undefined) {
        await redis.giveBack(back.here, event.now)
        plain.giveBack(back.there, event.now)
        counted.giveBack(back.there)
      }
    }
    const here = await redis.take(metered, event.now)
    const there = plain.take(metered, event.now)
    expect(seen(here)).toEqual(seen(there))
    counted.take(there)
    if (here.kind === 'allowed' && there.kind === 'allowed') admitted.push({ here, there })
  }
  const dumped = await dump(namesOf(asked, prefix))
  expect(statesOf(dumped)).toEqual(plain.records)
  const instants = trace.map(({ now }) => now)
  const [from, to] = [Math.min(...instants) - DAY, Math.max(...instants) + DAY]
  expect(await redis.usage({ planId: 'plan', keyIds, from, to })).toEqual(counted.entries())
  return trace.length
}

const runs = (share: number): { numRuns: number } => ({ numRuns: Math.max(10, Math.ceil(LAW_RUNS * share)) })
const patience = { timeout: 60_000 + LAW_RUNS * 200 }

describe('the script', () => {
  it('has the names that a server will give it', () => {
    const sha = (text: string): string => createHash('sha1').update(text).digest('hex')
    expect([TAKE_SHA, GIVE_BACK_SHA, USAGE_SHA]).toEqual([TAKE, GIVE_BACK, USAGE].map(sha))
  })

  it('decides as decide does: decisions and records are equal, whatever the clock', patience, async () => {
    let steps = 0
    await fc.assert(
      fc.asyncProperty(plans, traces(), doings, async (plans, trace, doing) => {
        steps += await twins(plans, trace, doing, {})
      }),
      runs(2),
    )
    if (LAW_RUNS > 1000) console.log(`${steps} steps, 0 differences`)
  })

  it('decides as decide does where every limit is a call of its own, as in a cluster', patience, async () => {
    // What a refused request leaves is another record there, full as before at a later instant: a clock that steps back
    // could tell it from the first.
    await fc.assert(
      fc.asyncProperty(worlds(), traces({ clock: 'steady' }), async (world, trace) => {
        const redis = storeOf(freshPrefix(), { cluster: true })
        const plain = plainStore()
        const index = indexOf(world)
        const counted = ledger()
        for (const event of trace) {
          const metered = meteredOf(index, event)
          if (metered === null) continue
          expect(told(await redis.peek(metered, event.now))).toEqual(told(plain.peek(metered, event.now)))
          const there = plain.take(metered, event.now)
          expect(told(await redis.take(metered, event.now))).toEqual(told(there))
          counted.take(there)
        }
        // A day that only a refused request had, whose charge was given back, may have taken an old one with it.
        const [from, to] = [trace.at(-1)!.now - 400 * DAY, trace.at(-1)!.now + DAY]
        const kept = counted.entries().filter(({ day }) => day >= from)
        expect(await redis.usage({ planId: 'plan', keyIds, from, to })).toEqual(kept)
      }),
      runs(1),
    )
  })

  it(
    'lets a record expire when it cannot be told from none, an hour later, and not a moment before',
    patience,
    async () => {
      await fc.assert(
        fc.asyncProperty(worlds(), traces({ clock: 'jogging', open: false }), async (world, trace) => {
          const prefix = freshPrefix()
          const redis = storeOf(prefix)
          const index = indexOf(world)
          for (const event of trace) {
            const metered = meteredOf(index, event)!
            const asked = performance.now()
            const { changed } = await redis.take(metered, event.now)
            const names = namesOf([metered], prefix)
            names.delete(`plan ${keyIds[1 - event.key]}`)
            const dumped = await dump(names)
            // The server's clock went on for as long as the answers took, and counts in whole ms.
            // Where nothing was written, an expiry that is off by less than a second is left alone.
            const passed = performance.now() - asked + 2 + (changed ? 0 : 1000)
            for (const [name, { state, ttl }] of dumped) {
              const limits = name.startsWith('plan')
                ? metered.plan!
                : metered.shared.find(({ id }) => `shared ${id}` === name)!.limits
              const isNeeded = (inMs: number): boolean => !isForgettable(state, limits, event.now + inMs - HOUR)
              if (ttl === -1) expect(isNeeded(1e15)).toBe(true)
              else expect(isNeeded(ttl + passed)).toBe(false)
              if (ttl !== -1 && changed) expect(isNeeded(ttl - 1)).toBe(true)
            }
          }
        }),
        runs(0.4),
      )
    },
  )

  it('heals the expiry of a record that lost it, and of one whose plan was edited, even where it refuses', async () => {
    const slow = (tokens: number): World => ({ override: false, weekStart: 0, plan: { tokens, ms: HOUR, burst: 1 } })
    const redis = storeOf('heal:')
    const now = Date.UTC(2026, 10, 24)
    const event: Event = { now, key: 0, path: '/b', stage: 's', cost: 1 }
    const take = (world: World) => redis.take(meteredOf(indexOf(world), event)!, now)
    const hours = async (): Promise<number> => Math.ceil((await client.pttl('heal:{plan/key-0}')) / HOUR)
    expect((await take(slow(1))).admitted).toBe(true)
    expect(await hours()).toBe(2)
    await client.persist('heal:{plan/key-0}')
    expect((await take(slow(1))).admitted).toBe(false)
    expect(await hours()).toBe(2)
    // At half the rate it is full in two hours, at none never.
    await take({ ...slow(1), plan: { tokens: 1, ms: 2 * HOUR, burst: 1 } })
    expect(await hours()).toBe(3)
    await take(slow(0))
    expect(await client.pttl('heal:{plan/key-0}')).toBe(-1)
    await take(slow(1))
    expect(await hours()).toBe(2)
  })

  it('goes by its own clock: what it decides is what decide decides at the instant it names', patience, async () => {
    await fc.assert(
      fc.asyncProperty(worlds({ initial: false }), traces({ clock: 'steady' }), async (world, trace) => {
        const redis = storeOf(freshPrefix(), { clock: 'server' })
        const plain = plainStore()
        const index = indexOf(world)
        for (const event of trace) {
          const metered = meteredOf(index, event)
          if (metered === null) continue
          // A host an hour behind or ahead, or most of a day, makes no difference.
          const skewed = Date.now() + (event.now % 3) * 7 * HOUR
          const here = await redis.take(metered, skewed)
          expect(Math.abs(here.at - Date.now())).toBeLessThan(1000)
          expect(seen(here)).toEqual(seen(plain.take(metered, here.at)))
        }
      }),
      runs(0.3),
    )
  })

  it('keeps a record small: bucket and quota in at most 140 bytes', async () => {
    const world: World = {
      override: false,
      weekStart: 0,
      plan: { tokens: 999_983, ms: 1000, burst: 1_000_000 },
      quota: { limit: 2_000_000_000, period: 'MONTH', offset: 0 },
    }
    const metered = meteredOf(indexOf(world), { key: 0, path: '/b', stage: 's', cost: 1_000_000 })!
    const aws = { ...metered, keyId: 'k8s4v2x0qz', plan: { ...metered.plan!, planId: 'p4qx7a' } }
    await storeOf('tollgate:', { clock: 'server' }).take(aws, Date.now())
    expect(await client.memory('USAGE', 'tollgate:{p4qx7a/k8s4v2x0qz}')).toBeLessThanOrEqual(140)
  })
})
