// One definition, every store: the same random traces through a store that never forgets, memory, SQLite (one by one and
// grouped) and compare-and-swap. Decisions are equal, and so is what is remembered. LAW_RUNS says how many traces.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Allowed, MeteredDecision } from '../../src/core/decision.ts'
import { encodeState } from '../../src/core/state.ts'
import { casStore } from '../../src/stores/cas.ts'
import { memoryStore, type Snapshot } from '../../src/stores/memory.ts'
import { plainStore } from '../../src/stores/plain.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import type { Store } from '../../src/stores/store.ts'
import { LAW_RUNS } from '../laws/law.ts'
import { type Clock, indexOf, keyIds, meteredOf, steps, told, traces, worlds } from '../laws/worlds.ts'
import { opened } from './files.ts'
import { mapStorage, type Values } from './map-storage.ts'

const EMPTY: Snapshot = { version: 1, records: [], shared: [] }

/** Worlds one after another with the same plan and keys: what changes from one to the next is an edit of the plan. */
const scripts = fc.constantFrom<Clock>('jogging', 'leaping').chain(clock =>
  fc.record({
    clock: fc.constant(clock),
    eras: fc.array(worlds(), { minLength: 1, maxLength: 3 }),
    trace: traces({ clock }),
    /** After which step what an earlier one took is given back, and how many steps later. */
    gifts: fc.array(fc.tuple(fc.nat(40), fc.nat(6)), { maxLength: 10 }),
    /** Before which steps everything is swept, by which clock. */
    sweeps: fc.array(fc.tuple(fc.nat(40), steps('jogging')), { maxLength: 6 }),
  }),
)

interface Remembering {
  readonly sweep: (now: number) => number
  readonly snapshot: () => Snapshot
  readonly restore: (snapshot: Snapshot) => void
}

it('decides alike and remembers alike, whatever the store', { timeout: 60_000 + LAW_RUNS * 500 }, async () => {
  const single = sqliteStore({ database: await opened(), usage: false })
  const grouped = sqliteStore({ database: await opened(), grouped: true })
  await fc.assert(
    fc.asyncProperty(scripts, async ({ clock, eras, trace, gifts, sweeps }) => {
      const memory = memoryStore()
      const reference = plainStore()
      const stores: readonly (Store & Remembering)[] = [memory, single, grouped]
      // Its storage drops nothing, so it is the same as the reference whatever happens.
      const values: Values = new Map()
      const swapping = casStore({ storage: mapStorage(values) })
      for (const store of stores) store.restore(EMPTY)
      const indices = eras.map(indexOf)
      const lag = new Map(gifts)
      // What was forgotten cannot be told, but by a clock that steps back further than it may and by an edit of the plan.
      const cannotBeTold = clock === 'jogging' && eras.length === 1
      let forgotten = false
      const due: { at: number; there: Allowed; here: readonly Allowed[]; swapped: Allowed }[] = []
      for (const [i, event] of trace.entries()) {
        const metered = meteredOf(indices[Math.floor((i * indices.length) / trace.length)]!, event)
        if (metered === null) continue
        for (const [, jog] of sweeps.filter(([at]) => at === i)) {
          const dropped = stores.map(store => store.sweep(event.now - Math.abs(jog)))
          expect(dropped).toEqual(dropped.map(() => dropped[0]))
          // What is swept may be there again when this step is done.
          forgotten ||= dropped[0]! > 0
        }
        const there = reference.take(metered, event.now)
        const here = (await Promise.all(stores.map(store => store.take(metered, event.now)))) as MeteredDecision[]
        forgotten ||= memory.size < reference.records.size
        for (const decision of here) {
          expect(told(decision)).toEqual(told(cannotBeTold || !forgotten ? there : here[0]!))
        }
        const swapped = await swapping.take(metered, event.now)
        expect(told(swapped)).toEqual(told(there))
        const ago = lag.get(i)
        if (ago !== undefined && there.kind === 'allowed' && here[0]!.kind === 'allowed')
          due.push({ at: i + ago, there, here: here as Allowed[], swapped: swapped as Allowed })
        for (const { there, here, swapped } of due.filter(({ at }) => at === i)) {
          reference.giveBack(there, event.now)
          await swapping.giveBack(swapped, event.now)
          await Promise.all(stores.map((store, s) => store.giveBack(here[s]!, event.now)))
        }
      }
      const [first, ...others] = stores.map(store => sorted(store.snapshot()))
      for (const other of others) expect(other).toEqual(first)
      const kept = [...reference.records].map(([name, state]) => [
        name.startsWith('shared ') ? name.replace(' ', '/') : `record/${name.replace(' ', '/')}`,
        encodeState(state),
      ])
      expect(Object.fromEntries([...values].map(([key, { value }]) => [key, JSON.parse(value)]))).toEqual(
        Object.fromEntries(kept),
      )
    }),
    { numRuns: Math.max(10, Math.ceil(LAW_RUNS / 5)) },
  )
})

it('decides a whole trace in one transaction as one by one', { timeout: 60_000 + LAW_RUNS * 500 }, async () => {
  const databases = [await opened(), await opened()] as const
  const single = sqliteStore({ database: databases[0] })
  const grouped = sqliteStore({ database: databases[1], grouped: true })
  await fc.assert(
    fc.asyncProperty(worlds(), traces({ clock: 'jogging' }), fc.nat(3), async (world, trace, kept) => {
      const index = indexOf(world)
      for (const store of [single, grouped]) store.restore(EMPTY)
      for (const database of databases) database.exec('DELETE FROM tollgate_usage')
      const asked = trace.flatMap(event => {
        const metered = meteredOf(index, event)
        return metered === null ? [] : [{ metered, now: event.now }]
      })
      const alone = asked.map(({ metered, now }) => single.take(metered, now))
      const together = await Promise.all(asked.map(({ metered, now }) => grouped.take(metered, now)))
      expect(together.map(told)).toEqual(alone.map(told))
      const back = together.flatMap((decision, i) => (decision.kind === 'allowed' && i % 4 >= kept ? [i] : []))
      for (const i of back) single.giveBack(alone[i] as Allowed, asked[i]!.now)
      await Promise.all(back.map(i => grouped.giveBack(together[i] as Allowed, asked[i]!.now)))
      // One by one, more is dropped on the way; which cannot be told.
      const last = asked.at(-1)?.now ?? 0
      for (const { metered } of asked) {
        expect(told(await grouped.peek(metered, last))).toEqual(told(single.peek(metered, last)))
      }
      const query = { planId: 'plan', keyIds, from: -1e16, to: 1e16 }
      expect(await grouped.usage(query)).toEqual(single.usage(query))
    }),
    { numRuns: Math.max(10, Math.ceil(LAW_RUNS / 3)) },
  )
})

function sorted({ version, records, shared }: Snapshot): unknown {
  const byName = (a: readonly unknown[], b: readonly unknown[]): number =>
    `${a[0]} ${a[1]}` < `${b[0]} ${b[1]}` ? -1 : 1
  return { version, records: [...records].sort(byName), shared: [...shared].sort(byName) }
}
