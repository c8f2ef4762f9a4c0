// When a record may be forgotten, said in two ways: as a question about an instant, and as the instant.

import { describe, expect } from 'vitest'
import { forgettableFrom, isForgettable } from '../../src/core/state.ts'
import { plainStore } from '../../src/stores/plain.ts'
import { law } from './law.ts'
import { DAY, END_OF_TIME, meteredOf, play, traces, worlds } from './worlds.ts'

describe('forgetting', () => {
  law(
    'a record cannot be told from none from `forgettableFrom` on, and not a millisecond before',
    [worlds({ initial: false }), traces({ clock: 'jogging' })],
    (world, trace) => {
      const { take, store, index } = play(world, plainStore())
      for (const event of trace) take(event)
      for (const event of trace) {
        const metered = meteredOf(index, event)
        if (metered === null) continue
        const held = [
          { state: store.records.get(`plan ${metered.keyId}`), limits: metered.plan },
          ...metered.shared.map(({ id, limits }) => ({ state: store.records.get(`shared ${id}`), limits })),
        ]
        for (const { state, limits } of held) {
          if (state === undefined || limits === null) continue
          const from = forgettableFrom(state, limits)
          if (from === Infinity) expect(isForgettable(state, limits, END_OF_TIME)).toBe(false)
          else expect(isForgettable(state, limits, from)).toBe(true)
          if (from <= END_OF_TIME && from > state.at) expect(isForgettable(state, limits, from - 1)).toBe(false)
        }
      }
    },
    {
      examples: [
        // Full beyond 2^53 ms, where a millisecond before is the same number.
        [
          { account: { tokens: 1, ms: 5 * DAY, burst: 20_849_998 }, override: false, weekStart: 0 },
          [
            { key: 0, path: '/a', stage: 's', cost: 20_849_998, now: 1000 },
            { key: 0, path: '/a', stage: 's', cost: 1, now: 400 * DAY + 1000 },
          ],
        ],
      ],
    },
  )
})
