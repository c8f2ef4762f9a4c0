// A storage with compare-and-swap in a Map, each step a turn later, as over a network.

import type { CasStorage } from '../../src/stores/cas.ts'

export type Values = Map<string, { readonly value: string; readonly version: number }>

/** @param turn what each step waits for: by default the next microtask */
export function mapStorage(
  values: Values = new Map(),
  turn: (what: string) => Promise<unknown> = () => Promise.resolve(),
): CasStorage<number> {
  return {
    async get(key) {
      await turn(`get ${key}`)
      return values.get(key) ?? null
    },
    async set(key, value, expected) {
      await turn(`set ${key}`)
      const version = values.get(key)?.version ?? null
      if (version !== expected) return false
      values.set(key, { value, version: (version ?? 0) + 1 })
      return true
    },
  }
}
