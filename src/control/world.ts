// What an operation cannot know by itself: the time, and what nobody can guess. Floor 4: no clock, no chance of its own.

import { keyValueOf } from '../core/key-value.ts'

/** Given to every operation. */
export interface World {
  /** Seconds since the Unix epoch, whole. */
  readonly now: number
  /**
   * An id that is not taken, or most probably not: where it is, it is asked again. Keys are listed newest first by date
   * and then by id, so ids of one second should ascend.
   *
   * @param length AWS's: 10 of keys and APIs, 6 of usage plans, deployments and resources
   */
  newId(length: number): string
  /** A secret value for a key: 20 to 128 of `A-Z a-z 0-9 - . _ ~ + / =`. */
  newValue(): string
}

export interface WorldOptions {
  /** Milliseconds since the Unix epoch: `Date.now`. */
  readonly clock: () => number
  /** So many bytes from a cryptographic source: `n => crypto.getRandomValues(new Uint8Array(n))`. */
  readonly random: (bytes: number) => Uint8Array
  /** What generated values begin with (core/key-value.ts). Default: nothing, which looks as AWS's do. */
  readonly prefix?: string
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

/** Parts of a second that ids tell apart: 36³. */
const TICKS = 46_656

/**
 * A world of a clock and a source of randomness, to be asked for each request anew.
 *
 * Ids of 10 begin with three characters for the part of the second they were made in, and no two of a process with the
 * same, so that a second's keys are listed newest first; the others are random.
 */
export function worldOf({ clock, random, prefix = '' }: WorldOptions): () => World {
  let last = { second: 0, tick: -1 }

  function tickOf(): number {
    const ms = clock()
    const second = Math.floor(ms / 1000)
    const tick = Math.floor(((ms - second * 1000) / 1000) * TICKS)
    // A clock that stands still, or goes back, does not give the same part twice.
    if (second > last.second) last = { second, tick }
    else last = { ...last, tick: Math.min(TICKS - 1, Math.max(tick, last.tick + 1)) }
    return last.tick
  }

  return () => ({
    now: Math.max(0, Math.floor(clock() / 1000)),
    newId(length) {
      let id = length < 10 ? '' : tickOf().toString(36).padStart(3, '0')
      while (id.length < length) {
        // 252 is 7 × 36: of a byte above it no digit is made, so that all are as likely.
        for (const byte of random(length)) if (byte < 252 && id.length < length) id += DIGITS[byte % 36]
      }
      return id
    },
    newValue: () => keyValueOf(prefix, random(128)),
  })
}
