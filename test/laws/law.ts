// A law: a sentence that holds for everything the generators can think of.
// LAW_RUNS says how many things, LAW_SEED which (seed.ts); a law that fails prints the seed and path that led there.

import fc from 'fast-check'
import { it } from 'vitest'

export const LAW_RUNS = Number(process.env['LAW_RUNS'] ?? 150)

/**
 * @param examples what once broke the law, tried first and for ever
 * @param share of LAW_RUNS that this law gets: below 1 for one whose single run is long
 */
export function law<Ts extends [unknown, ...unknown[]]>(
  title: string,
  arbitraries: { readonly [K in keyof Ts]: fc.Arbitrary<Ts[K]> },
  predicate: (...args: Ts) => void,
  { examples = [], share = 1 }: { readonly examples?: NoInfer<Ts>[]; readonly share?: number } = {},
): void {
  const numRuns = Math.max(10, Math.ceil(LAW_RUNS * share))
  const property = fc.property(...(arbitraries as unknown as [fc.Arbitrary<unknown>]), (...args: unknown[]) =>
    predicate(...(args as Ts)),
  ) as unknown as fc.IProperty<Ts>
  it(title, { timeout: 20_000 + numRuns * 50 }, () => {
    fc.assert(property, { numRuns, examples })
  })
}

/** Frozen all the way down, so that who changes an argument throws. Maps and functions are left: they have no fields. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
