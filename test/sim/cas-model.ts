// A storage with compare-and-swap on a server, asked by whatever way there is to it.

import type { CasStorage } from '../../src/stores/cas.ts'
import type { Server } from './server.ts'

/** @param ask has something executed by the server  @param inVain hears of a swap of what had changed */
export function casModel(
  server: Server,
  ask: <T>(execute: () => T) => Promise<T>,
  inVain: () => void,
): CasStorage<number> {
  return {
    get: key =>
      ask(() => {
        const entry = server.get(key)
        return entry === undefined ? null : { value: entry.value as string, version: entry.version }
      }),
    set: (key, value, expected, expireIn = Infinity) =>
      ask(() => {
        if ((server.get(key)?.version ?? null) !== expected) {
          inVain()
          return false
        }
        server.step(() => server.set(key, value, server.clock + expireIn))
        return true
      }),
  }
}
