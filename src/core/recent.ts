// The keys that were asked for lately, found without hashing all of a value. Floor 0: imports a type.
//
// A value comes in as a new string, and hashing its 40 characters is half of what finding it costs. Eight of them say
// where it would lie if it was found lately; whether it does is decided by comparing all of it. So values that are alike
// where nobody looks cost what they would without this, and never find one another.

import type { ApiKey } from './plan.ts'

/** A power of two. */
const SLOTS = 4096
const SAMPLED = 8

/** The keys found lately in what does not change. */
export class RecentKeys {
  /** What was sampled of the value in each slot: most others are told without a look at it. 0 where there is none. */
  readonly #samples = new Int32Array(SLOTS)
  readonly #keys = new Array<ApiKey>(SLOTS)

  /** The key of this value, as `all` has it. Values that no key has leave no trace. */
  find(value: string, all: { get(value: string): ApiKey | undefined }): ApiKey | undefined {
    const sample = sampleOf(value)
    const slot = sample & (SLOTS - 1)
    if (this.#samples[slot] === sample) {
      const recent = this.#keys[slot]!
      if (recent.value === value) return recent
    }
    const key = all.get(value)
    if (key !== undefined) {
      this.#samples[slot] = sample
      this.#keys[slot] = key
    }
    return key
  }
}

/** A number of eight characters spread over the value and of its length; never 0. */
function sampleOf(value: string): number {
  const step = (value.length / SAMPLED) | 0
  let hash = value.length
  for (let i = 0, at = value.length - 1; i < SAMPLED; i++, at -= step) {
    hash = (Math.imul(hash, 31) + value.charCodeAt(at)) | 0
  }
  return (hash ^ (hash >>> 15)) | 1
}
