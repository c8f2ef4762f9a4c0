// The persistent map against plain Maps, with every version that ever was still alive.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { Table } from '../../src/core/table.ts'
import { law } from './law.ts'

const name = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', '1', '0', '')
const change = fc.tuple(name, fc.option(fc.nat(3), { nil: undefined, freq: 3 }))
/** An edit of any version so far, or a look at one. */
const step = fc.record({ version: fc.nat(50), changes: fc.array(change, { maxLength: 4 }), look: fc.nat(50) })

const sorted = (entries: Iterable<readonly [string, number]>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1))

describe('table', () => {
  law(
    'a table stays as it was made, whatever is made of it',
    [fc.array(change, { maxLength: 5 }), fc.array(step, { maxLength: 40, size: 'max' })],
    (first, steps) => {
      const initial = first.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
      const versions: { table: Table<number>; map: Map<string, number> }[] = [
        { table: new Table(new Map(initial)), map: new Map(initial) },
      ]
      const isAsWas = ({ table, map }: (typeof versions)[number]): void => {
        expect(table.map.size).toBe(map.size)
        for (const key of ['a', 'b', 'c', 'd', '__proto__', '1', '0', '', 'toString']) {
          expect(table.map.get(key)).toBe(map.get(key))
          expect(table.map.has(key)).toBe(map.has(key))
        }
        expect([...table.map.values()].sort()).toEqual([...map.values()].sort())
      }
      for (const { version, changes, look } of steps) {
        const from = versions[version % versions.length]!
        const map = new Map(from.map)
        for (const [key, value] of changes) {
          if (value === undefined) map.delete(key)
          else map.set(key, value)
        }
        const table = from.table.edit(changes)
        // Identity tells: an edit that changes nothing gives the table itself, one that does never.
        const same = JSON.stringify(sorted(map)) === JSON.stringify(sorted(from.map))
        if (table === from.table) expect(same).toBe(true)
        if (changes.every(([key, value]) => from.map.get(key) === value)) expect(table).toBe(from.table)
        versions.push({ table, map })
        isAsWas(versions[look % versions.length]!)
      }
      for (const version of versions) isAsWas(version)
      for (const version of [...versions].reverse()) isAsWas(version)
    },
  )
})
