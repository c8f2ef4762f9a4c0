// Whether a key's value looks typed rather than drawn. Floor 5: pure. Says yes or no, and repeats no part of the value.

/** Below this many bits, by how often each character occurs, a value is one that people make up. Random hex has 65 and more. */
const LEAST_BITS = 50

/** Whether someone could guess it: a few characters over and over, or a run like abcdef or 123456 for most of it. */
export function isGuessable(value: string): boolean {
  const times = new Map<number, number>()
  let runs = 0
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    times.set(code, (times.get(code) ?? 0) + 1)
    if (i > 0 && Math.abs(code - value.charCodeAt(i - 1)) <= 1) runs++
  }
  if (runs > value.length / 2) return true
  let bits = 0
  for (const n of times.values()) bits += n * Math.log2(value.length / n)
  return bits < LEAST_BITS
}
