// When a record may be forgotten, said in two ways: as a question about an instant, and as the instant.

import { describe, expect } from 'vitest'
import { forgettableFrom, isForgettable } from '../../src/core/state.ts'
import { plainStore } from '../../src/stores/plain.ts'
import { law } from './law.ts'
import { meteredOf, play, traces, worlds } from './worlds.ts'

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
          if (from === Infinity) expect(isForgettable(state, limits, 8.64e15)).toBe(false)
          else expect(isForgettable(state, limits, from)).toBe(true)
          if (from < Infinity && from > state.at) expect(isForgettable(state, limits, from - 1)).toBe(false)
        }
      }
    },
  )
})
