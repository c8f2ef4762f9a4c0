// Numbers of strings, to look for them by. Floor 0: imports nothing. What has the same number is compared in whole.

/** A number of all of a text. */
export function hashOf(text: string): number {
  let hash = text.length
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return scattered(hash)
}

const SAMPLED = 8

/** A number of eight characters spread over a text, and of its length: no more alike than those are. */
export function sampleOf(text: string): number {
  const step = (text.length / SAMPLED) | 0
  let hash = text.length
  for (let i = 0, at = text.length - 1; i < SAMPLED; i++, at -= step) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  }
  return scattered(hash)
}

/** Its low bits, of all of them. */
function scattered(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
