// Refusals said again without the store: what it would have said, and how seldom it is asked.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { withRefusals } from '../../src/stores/refusals.ts'
import type { Store } from '../../src/stores/store.ts'
import { indexOf, meteredOf, traces, type World, worlds } from '../laws/worlds.ts'

/** A store in memory behind promises, as one over a network is, and how often it was asked. */
function remote() {
  const store = memoryStore()
  let asked = 0
  const far: Store<true> = {
    take: async (metered, now) => {
      asked++
      return store.take(metered, now)
    },
    peek: async (metered, now) => store.peek(metered, now),
    giveBack: async (taken, now) => store.giveBack(taken, now),
  }
  return { store, far, asked: () => asked }
}

const QUOTA: World = { override: false, weekStart: 0, quota: { limit: 2, period: 'DAY', offset: 0 } }
const NOW = Date.UTC(2024, 0, 2, 12)

describe('a refusal', () => {
  it('law: is what the store would have said, whoever else takes from it meanwhile', async () => {
    let spared = 0
    await fc.assert(
      fc.asyncProperty(
        worlds(),
        traces({ clock: 'steady' }),
        fc.infiniteStream(fc.boolean()),
        async (world, trace, whose) => {
          const index = indexOf(world)
          const [near, truth] = [remote(), memoryStore()]
          const here = withRefusals(near.far)
          for (const event of trace) {
            const { now } = event
            const isHere = whose.next().value
            const metered = meteredOf(index, event)
            if (metered === null) continue
            const said = await (isHere ? here : near.far).take(metered, now)
            const would = truth.take(metered, now)
            expect(said.kind === 'allowed').toBe(would.kind === 'allowed')
            if ('retryAfter' in said && 'retryAfter' in would) {
              expect(said.retryAfter).toBeLessThanOrEqual(would.retryAfter as number)
            }
          }
          expect(near.store.snapshot()).toEqual(truth.snapshot())
          spared += here.spared
        },
      ),
      { numRuns: Number(process.env['LAW_RUNS'] ?? 300) },
    )
    expect(spared).toBeGreaterThan(10)
  })

  it('costs the store one question a second, however often it is said', async () => {
    const { far, asked } = remote()
    const store = withRefusals(far)
    const metered = meteredOf(indexOf(QUOTA), { key: 0, path: '/b', stage: 's', cost: 1 })!
    for (let i = 0; i < 2; i++) await store.take(metered, NOW)
    for (let ms = 0; ms < 10_000; ms += 10) {
      expect(await store.take(metered, NOW + ms)).toMatchObject({
        kind: 'quota-exceeded',
        retryAfter: 12 * 3_600_000 - ms,
      })
    }
    expect(asked()).toBe(2 + 10)
    expect(store.spared).toBe(1000 - 10)
  })

  it('ends with what is given back here, at once, and elsewhere, within a second', async () => {
    const { far } = remote()
    const [here, there] = [withRefusals(far), withRefusals(far)]
    const metered = meteredOf(indexOf(QUOTA), { key: 0, path: '/b', stage: 's', cost: 1 })!
    const taken = await here.take(metered, NOW)
    await here.take(metered, NOW)
    for (const store of [here, there]) expect((await store.take(metered, NOW)).kind).toBe('quota-exceeded')
    if (taken.kind !== 'allowed') throw new Error('was not admitted')
    await here.giveBack(taken, NOW)
    expect((await there.take(metered, NOW + 999)).kind).toBe('quota-exceeded')
    const again = await here.take(metered, NOW + 999)
    if (again.kind !== 'allowed') throw new Error('was not admitted')
    await here.giveBack(again, NOW + 999)
    expect((await there.take(metered, NOW + 1000)).kind).toBe('allowed')
  })

  it('is remembered of so many keys and no more, and of none that was never refused', async () => {
    const { far, asked } = remote()
    const store = withRefusals(far, { most: 1 })
    const index = indexOf({ ...QUOTA, quota: { limit: 1, period: 'DAY', offset: 0 } })
    const [one, two] = [0, 1].map(key => meteredOf(index, { key: key as 0 | 1, path: '/b', stage: 's', cost: 1 })!)
    for (const metered of [one!, one!, two!, two!]) await store.take(metered, NOW)
    expect(asked()).toBe(4)
    await store.take(two!, NOW)
    expect(asked()).toBe(4)
    await store.take(one!, NOW)
    expect(asked()).toBe(5)
  })

  it.each([0, -1, 1.5, Number.NaN])('is not remembered for %s', value => {
    expect(() => withRefusals(remote().far, { recheck: value })).toThrow(RangeError)
    expect(() => withRefusals(remote().far, { most: value })).toThrow(RangeError)
  })
})
