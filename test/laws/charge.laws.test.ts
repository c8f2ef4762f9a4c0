// The short way beside the plain one: what a memory store charges where the record lies (stores/rows.ts) is what
// `decide` says of that record, to the last number of it. LAW_RUNS=100000 by hand.

import { expect, it } from 'vitest'
import { decide } from '../../src/core/decide.ts'
import type { Metered } from '../../src/core/limits.ts'
import { decodeState, type State } from '../../src/core/state.ts'
import { FULL, TOKEN } from '../../src/core/units.ts'
import { type MemoryStore, memoryStore } from '../../src/stores/memory.ts'
import { law } from './law.ts'
import { type Clock, indexOf, meteredOf, told, traces, worlds } from './worlds.ts'

for (const clock of ['jogging', 'leaping'] satisfies Clock[]) {
  law(
    `the decision, the record in it and the record behind it are those of decide, by a ${clock} clock`,
    [worlds({ shared: false }), traces({ clock })],
    (world, trace) => {
      const index = indexOf(world)
      const memory = memoryStore()
      for (const event of trace) {
        const metered = meteredOf(index, event)
        if (metered !== null) takeBeside(memory, metered, event.now)
      }
    },
    { share: 3 },
  )
}

it('what is used stays a whole number where nothing bounds it', () => {
  const metered = meteredOf(indexOf({ override: false, weekStart: 0 }), { key: 0, path: '/b', stage: 's', cost: FULL })!
  const memory = memoryStore()
  for (let i = 0; i < 3; i++) takeBeside(memory, metered, i)
})

it('a method that was charged after its record, as no store writes it, earns nothing before that', () => {
  const method = { tokens: 1, ms: 1, burst: 9 }
  const metered = meteredOf(indexOf({ override: false, weekStart: 0, method }), {
    key: 0,
    path: '/a',
    stage: 's',
    cost: 1,
  })!
  const memory = memoryStore()
  const record = [1, 1000, FULL, 0, 0, [metered.method!.id, 5 * TOKEN, 5000]] as const
  memory.restore({ version: 1, records: [[metered.plan!.planId, metered.keyId!, record]], shared: [] })
  takeBeside(memory, metered, 4999)
})

function takeBeside(memory: MemoryStore, metered: Metered, now: number): void {
  const before = recordOf(memory, metered)
  const expected = decide(metered, before, now)
  const decision = memory.take(metered, now)
  expect(told(decision)).toEqual(told(expected))
  expect(decision.changed).toBe(expected.changed)
  expect(decision.steppedBack).toBe(expected.steppedBack)
  // Plain data: whoever copies it has all of it.
  expect({ ...decision.state }).toEqual(expected.state)
  expect(recordOf(memory, metered)).toEqual(expected.changed ? expected.state : before)
}

function recordOf(memory: MemoryStore, { keyId }: Metered): State | null {
  const record = memory.snapshot().records.find(([, id]) => id === keyId)
  return record === undefined ? null : decodeState(record[2])
}
