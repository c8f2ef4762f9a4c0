// Many histories: which of them fail, and which states they reached.

import { type History, historyOf } from './history.ts'
import { MARKERS } from './markers.ts'

export interface Reached {
  /** How many histories were there. */
  times: number
  /** The first of them. */
  readonly seed: number
}

export interface Run {
  readonly failed: readonly History[]
  readonly reached: ReadonlyMap<string, Reached>
  readonly missed: readonly string[]
  readonly seeds: number
  readonly requests: number
  /** Of all their hashes. */
  readonly hash: string
}

/** Side by side, they share the turns of the event loop and nothing else. */
const WIDTH = 4
const FAILED_AT_MOST = 20

/** @param onProgress told after every few, with those that have failed so far */
export async function run(
  seeds: readonly number[],
  onProgress?: (done: number, failed: readonly History[]) => void,
): Promise<Run> {
  const failed: History[] = []
  const reached = new Map<string, Reached>()
  let [done, requests, hash] = [0, 0, 0]
  const unhandled: unknown[] = []
  const heard = (reason: unknown): void => void unhandled.push(reason)
  const { stackTraceLimit } = Error
  // An error of the network is part of the play; its stack costs more than the rest of it.
  Error.stackTraceLimit = 0
  process.on('unhandledRejection', heard)
  try {
    for (; done < seeds.length && failed.length < FAILED_AT_MOST; ) {
      const some = seeds.slice(done, done + WIDTH)
      const histories = await Promise.all(some.map(seed => historyOf(seed)))
      done += some.length
      for (const history of histories) {
        requests += history.requests
        hash = (Math.imul(hash, 31) + Number.parseInt(history.hash, 16)) >>> 0
        for (const mark of history.marks) {
          const seen = reached.get(mark)
          if (seen === undefined) reached.set(mark, { times: 1, seed: history.seed })
          else seen.times++
        }
        if (history.failures.length > 0) failed.push(history)
      }
      if (unhandled.length > 0) {
        const failures = unhandled
          .splice(0)
          .map(reason => `one of ${some.join(', ')}: nobody handled ${String(reason)}`)
        failed.push({ ...histories[0]!, failures })
      }
      onProgress?.(done, failed)
    }
  } finally {
    process.off('unhandledRejection', heard)
    Error.stackTraceLimit = stackTraceLimit
  }
  const missed = MARKERS.filter(mark => !reached.has(mark))
  return { failed, reached, missed, seeds: done, requests, hash: hash.toString(16).padStart(8, '0') }
}
