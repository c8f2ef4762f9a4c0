// Numbers, times and shares as people read them. Floor 5. The same in the terminal and on the page.

import type { LimitName } from '../../core/decision.ts'
import type { Millis } from '../../core/units.ts'

/** `1,234,567` */
export function count(n: number): string {
  return n.toLocaleString('en-US')
}

/** `1 line`, `1,234 lines` */
export function counted(n: number, one: string, many: string = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** `0.12 %`: two digits, but never 0 or 100 of what is neither. */
export function percent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %'
  if (part === whole) return '100 %'
  const share = (100 * part) / whole
  if (share < 0.01) return '< 0.01 %'
  if (share > 99.99) return '> 99.99 %'
  return `${share < 10 || share > 99 ? share.toFixed(2) : share.toFixed(1)} %`
}

/** `2026-11-24 08:36:10` */
export function instant(at: Millis): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

/** `2026-11-24` */
export function day(at: Millis): string {
  return new Date(at).toISOString().slice(0, 10)
}

const SPANS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** `240 ms`, `3.2 s`, `5 min`, `2 h`, `3 d` */
export function span(ms: Millis): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const [unit, length] = SPANS.find(([, length]) => ms >= length) as (typeof SPANS)[number]
  const n = ms / length
  return `${n < 10 && n % 1 !== 0 ? n.toFixed(1) : Math.round(n)} ${unit}`
}

/** What a limit is called: `the plan's throttle`. */
export const LIMIT_WORDS: Readonly<Record<LimitName, string>> = {
  method: "the method's throttle",
  plan: "the plan's throttle",
  quota: 'the quota',
  stage: "the stage's throttle",
  account: "the account's throttle",
}

export const UNCOVERED_WORDS: Readonly<Record<string, string>> = {
  missing: 'no key came',
  malformed: 'what came is no id, value or hash of a key',
  unknown: 'a key that the catalog does not know',
  disabled: 'a disabled key',
  'no-plan': 'a key whose plans do not have this stage',
  'no-stage': 'no stage answers for the host and path',
  'no-method': 'no such method in its stage',
  path: 'a path that could mean two things',
  host: 'a host that is none',
}
