// Limits and counts in words, the same in the explanation and in the findings. Floor 5.

import type { Method } from '../../core/api.ts'
import type { Bucket } from '../../core/limits.ts'
import type { Throttle } from '../../core/plan.ts'
import { type Millis, TOKEN } from '../../core/units.ts'
import { printable } from '../terminal.ts'

/** A compiled bucket as its author would write it: what is in force, after rounding. */
export function throttleOf({ rate, capacity }: Bucket): Throttle {
  return { rateLimit: rate / (TOKEN / 1000), burstLimit: capacity / TOKEN }
}

/** `10/s, burst 20` */
export function throttleWords({ rateLimit, burstLimit }: Throttle): string {
  return `${rateWords(rateLimit)}, burst ${burstLimit}`
}

const UNITS = [
  ['s', 1],
  ['min', 60],
  ['h', 3600],
  ['day', 86_400],
] as const

/** `10/s`, `1/min`: in the first unit in which the rate is a short number, else `≈0.3333/s`. */
export function rateWords(rateLimit: number): string {
  for (const [unit, seconds] of UNITS) {
    const rate = rateLimit * seconds
    const short = unit === 's' ? Number(rate.toPrecision(6)) : Math.round(rate)
    if (Math.abs(rate - short) <= short * 1e-12 && (unit === 's' || short < 1000)) return `${short}/${unit}`
  }
  return `≈${Number(rateLimit.toPrecision(4))}/s`
}

/** `2026-12-01`: windows end at midnight UTC. */
export function dayWords(at: Millis): string {
  return new Date(at).toISOString().slice(0, 10)
}

export function methodWords({ httpMethod, path }: Pick<Method, 'httpMethod' | 'path'>): string {
  return `${httpMethod} ${path}`
}

/** `1 key`, `22 keys` */
export function countWords(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The first few, and how many more. */
export function listWords(names: readonly string[], count: number = names.length, most: number = 5): string {
  const shown = names.slice(0, most)
  const rest = count - shown.length
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** Text of the author's, safe to show in quotes. */
export function quoted(text: string): string {
  return `"${printable(text, 60)}"`
}
