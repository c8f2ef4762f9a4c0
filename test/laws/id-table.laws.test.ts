// Whose number is which, against plain Maps: of ids whose hashes are as alike as hashes can be.

import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { IdTable } from '../../src/core/id-table.ts'
import { law } from './law.ts'

/** Numbers that fall in one slot of small tables, in neighbours, or at the end; and ids that share one. */
const hashes = [0, 7, 8, 15, -1, 1 << 30, 2 ** 31 - 1]
const owner = fc.tuple(fc.nat(60), fc.constantFrom(...hashes)).map(([n, hash]) => ({ id: `${n}/${hash}`, hash }))

describe('id table', () => {
  law(
    'tables over one list are Maps from ids to numbers, and a round of one looks at each that stays',
    [fc.array(fc.tuple(owner, fc.boolean(), fc.nat(1)), { maxLength: 200, size: 'max' }), fc.array(fc.nat(3))],
    (steps, drops) => {
      const ids: string[] = []
      const tables = [new IdTable(ids), new IdTable(ids)] as const
      const maps = [new Map<string, number>(), new Map<string, number>()] as const
      const hashOf = new Map(steps.map(([{ id, hash }]) => [id, hash]))
      let rows = 0
      const agree = (): void => {
        tables.forEach((table, t) => {
          const map = maps[t]!
          expect(table.size).toBe(map.size)
          expect(table.numbers()).toEqual([...map.values()].sort((a, b) => a - b))
          for (const [id, hash] of hashOf) expect(table.find(id, hash)).toBe(map.get(id) ?? -1)
          for (const [id, row] of map) expect(ids[row]).toBe(id)
        })
      }
      for (const [{ id, hash }, put, t] of steps) {
        const row = tables[t]!.find(id, hash)
        expect(row).toBe(maps[t]!.get(id) ?? -1)
        if (put && row === -1) {
          maps[t]!.set(id, rows)
          tables[t]!.add(id, hash, rows++)
        } else if (!put && row !== -1) {
          maps[t]!.delete(id)
          tables[t]!.delete(row, hash)
        }
      }
      agree()
      // A round, in which some rows are dropped as they are looked at, and others may move and be looked at again.
      const seen = new Set<number>()
      const [table] = tables
      const [map] = maps
      for (let i = 2 * map.size; i > 0 && map.size > 0; i--) {
        const row = table.next()
        seen.add(row)
        if (drops.length === 0 || drops[i % drops.length] !== 0) continue
        const id = ids[row]!
        table.delete(row, hashOf.get(id)!)
        map.delete(id)
      }
      for (const row of map.values()) expect(seen).toContain(row)
      if (map.size === 0) expect(table.next()).toBe(-1)
      agree()
    },
  )
})
