// Something that runs later, and can be called off. Floor 3: the clock of deadlines, which no decision reads.

import type { Millis } from '../core/units.ts'

/** Runs something in so many ms. @returns how to call it off */
export type After = (ms: Millis, run: () => void) => () => void

export const timer: After = (ms, run) => {
  const started = setTimeout(run, ms)
  return () => clearTimeout(started)
}
