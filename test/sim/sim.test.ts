// The stores in simulated time: 2 000 histories, and those that once failed. npm run test:sim runs more (docs/simulation.md).

import { describe, expect, it } from 'vitest'
import { historyOf } from './history.ts'
import { run } from './run.ts'
import { KEPT } from './seeds.ts'

const SEEDS = 2000

describe('simulated histories', () => {
  it('end with all promises kept, and reach every state that they must', { timeout: 180_000 }, async () => {
    const { failed, missed } = await run([...new Set([...KEPT, ...Array.from({ length: SEEDS }, (_, i) => i + 1)])])
    const wrong = failed.map(({ seed, failures }) => `npm run test:sim -- --seed ${seed}: ${failures[0]}`)
    expect(wrong).toEqual([])
    expect(missed).toEqual([])
  })

  it('are the same whenever a seed is the same, alone and beside others, and differ where it is not', async () => {
    const seeds = Array.from({ length: 12 }, (_, i) => 1000 + i)
    const beside = await Promise.all(seeds.map(seed => historyOf(seed)))
    const alone: string[] = []
    for (const seed of seeds) alone.push((await historyOf(seed, true)).hash)
    expect(beside.map(({ hash }) => hash)).toEqual(alone)
    expect(new Set(alone).size).toBe(seeds.length)
  })
})
