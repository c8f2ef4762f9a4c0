// Keys found by value, lately or not, against plain Maps: of values that are as alike as values can be.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { type ApiKeys, noKeys } from '../../src/core/catalog.ts'
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

describe('recent keys', () => {
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
