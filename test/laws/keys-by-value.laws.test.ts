// Keys found by value against plain Maps: of values that are as alike as values can be, near and far.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ApiKeys, noKeys } from '../../src/core/catalog.ts'
import { hashOf, sampleOf } from '../../src/core/hash.ts'
import { KeysByValue } from '../../src/core/keys-by-value.ts'
import type { ApiKey } from '../../src/core/plan.ts'
import { law } from './law.ts'

/** Of a few lengths, all `a` but in one place, wherever the sampler looks or does not. */
const value = fc
  .tuple(fc.constantFrom(0, 1, 7, 8, 20, 21, 40, 128), fc.nat(127), fc.constantFrom('a', 'b', 'c'))
  .map(([length, at, odd]) => Array.from({ length }, (_, i) => (i === at ? odd : 'a')).join(''))
const step = fc.record({
  version: fc.nat(20),
  put: fc.array(fc.record({ id: fc.constantFrom('one', 'two', 'three'), value }), { maxLength: 2 }),
  remove: fc.array(fc.constantFrom('one', 'two', 'three'), { maxLength: 1 }),
  asked: fc.array(value, { maxLength: 6 }),
})

const extension = { usagePlanId: 'a', windowStart: 0, requests: 1 }
const key = fc.record(
  {
    id: fc.constantFrom('one', 'two', 'three'),
    value,
    enabled: fc.boolean(),
    usagePlanIds: fc.subarray(['a', 'b', 'c']),
    quotaExtensions: fc.constant([extension]),
  },
  { requiredKeys: ['id', 'value', 'enabled', 'usagePlanIds'] },
)

describe('keys by value', () => {
  law(
    'it is a Map that knows what a request asks of a key, however many lie where one is looked for',
    [fc.array(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 60, size: 'max' }), { maxLength: 4 }), fc.nat(40)],
    (batches, count) => {
      const keys = new KeysByValue(count)
      const map = new Map<string, ApiKey>()
      for (const batch of batches) {
        for (const [key, put] of batch) {
          if (put) {
            keys.set(key.value, key)
            map.set(key.value, key)
          } else {
            keys.delete(key.value)
            map.delete(key.value)
          }
        }
        expect(keys.size).toBe(map.size)
        for (const [{ value }] of batches.flat()) {
          const key = map.get(value)
          const place = keys.find(value)
          expect(keys.get(value)).toBe(key)
          if (key === undefined) {
            expect(keys.isNowhere(place)).toBe(true)
            continue
          }
          expect(keys.idAt(keys.find(value))).toBe(key.id)
          expect(keys.idHashAt(place)).toBe(hashOf(key.id))
          expect(keys.isEnabledAt(place)).toBe(key.enabled)
          expect(keys.isExtendedAt(place)).toBe(key.quotaExtensions !== undefined)
          expect(keys.plansOf(keys.listAt(place))).toEqual(key.usagePlanIds)
        }
      }
    },
  )

  it('finds a thousand keys that nothing tells apart where it looks, also when most are gone again', () => {
    const values = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(4, '0').replace(/./g, '$&---------'))
    const alike = values.filter(value => sampleOf(value) === sampleOf(values[0]!))
    expect(alike.length).toBeGreaterThan(90)
    const keys = new KeysByValue()
    for (const value of values) keys.set(value, { id: value, value, enabled: true, usagePlanIds: [] })
    for (const value of values) expect(keys.get(value)?.value).toBe(value)
    const [first, ...rest] = values
    for (const value of rest) keys.delete(value)
    expect(keys.size).toBe(1)
    for (const value of rest) expect(keys.get(value)).toBeUndefined()
    expect(keys.get(first!)?.id).toBe(first)
  })

  law(
    'a value finds the key that has it, in every version of the keys, however often it was asked for',
    [fc.array(step, { maxLength: 20 })],
    steps => {
      const versions: { keys: ApiKeys; ids: Map<string, string> }[] = [{ keys: noKeys(), ids: new Map() }]
      for (const { version, put, remove, asked } of steps) {
        const from = versions[version % versions.length]!
        const edited = from.keys.remove(remove).put(put.map(key => ({ ...key, enabled: true, usagePlanIds: [] })))
        if (!('taken' in edited)) versions.push({ keys: edited, ids: new Map([...edited].map(k => [k.value, k.id])) })
        // Twice, so that each is found again; and of two versions, in which it may be another's or nobody's.
        for (const { keys, ids } of [from, versions.at(-1)!, from]) {
          for (const value of [...asked, ...asked]) expect(keys.withValue(value)?.id).toBe(ids.get(value))
        }
      }
    },
  )
})
