// The gate as it is made, and what its hook may do.

import { describe, expect, it } from 'vitest'
import { createGate } from '../src/gate.ts'
import { catalogOf } from '../src/index.ts'
import { memoryStore } from '../src/stores/memory.ts'

const KEY = 'gate-tests-key-0000000001'
const catalog = catalogOf({
  plans: [{ id: 'free', throttle: { rateLimit: 1, burstLimit: 2 } }],
  keys: [{ id: 'acorn', value: KEY, plan: 'free' }],
})
const request = { method: 'GET', path: '/', apiKey: KEY }
const boom = (): never => {
  throw new Error('the log server is down')
}

describe('onDecision', () => {
  it.each([
    ['throws', boom],
    ['rejects', async () => boom()],
    ['rejects with nothing', () => Promise.reject()],
  ])('that %s is counted, and changes nothing', async (_, onDecision) => {
    const gate = createGate({ catalog, onDecision })
    expect([gate.admit(request).kind, gate.admit({ ...request, apiKey: 'x' }).kind]).toEqual([
      'allowed',
      'invalid-api-key',
    ])
    await new Promise(resolve => setImmediate(resolve))
    expect(gate.hookErrors).toBe(2)
  })

  it('that goes well, at once or later, is not counted', async () => {
    const gate = createGate({ catalog, onDecision: async () => {} })
    gate.admit(request)
    await new Promise(resolve => setImmediate(resolve))
    expect(gate.hookErrors).toBe(0)
  })
})

describe('createGate', () => {
  it.each([
    [{ clock: 5 }, 'clock: expected a function'],
    [{ isKeyValue: /x/ }, 'isKeyValue: expected a function'],
    [{ onDecision: 'x' }, 'onDecision: expected a function'],
    [{ store: {} }, 'store: expected a store, as memoryStore() gives one'],
    [{ store: memoryStore }, 'store: expected a store, as memoryStore() gives one'],
  ])('refuses %o', (options, message) => {
    expect(() => createGate({ catalog, ...(options as object) })).toThrow(new TypeError(message))
  })
})

describe('a request that is none', () => {
  it('of no path is a bad request', () => {
    expect(createGate({ catalog }).admit({} as never)).toMatchObject({ kind: 'bad-request', reason: 'path' })
  })

  it.each([
    ['5', 'string 5'],
    [Number.NaN, 'number NaN'],
    [null, 'object null'],
  ])('of a cost that is %o is thrown back', (cost, received) => {
    expect(() => createGate({ catalog }).admit({ ...request, cost: cost as never })).toThrow(
      new RangeError(`cost: expected a whole number ≥ 0, received ${received}`),
    )
  })
})
