// The options of a guard, checked when it is made: one that is misspelt or out of range would show in the first outage,
// by what is admitted in it. Floor 3.

import { kindOf, nearestOf, quote } from '../core/readers.ts'
import type { GuardedOptions, OnStoreError } from './guarded.ts'

/** Whole numbers, and from where to where. A timer counts up to 2^31 − 1 ms, and runs at once when it is given more. */
const NUMBERS = {
  deadline: [1, 2 ** 31 - 1],
  failures: [1, Number.MAX_SAFE_INTEGER],
  pause: [0, Number.MAX_SAFE_INTEGER],
  successes: [1, Number.MAX_SAFE_INTEGER],
} as const
const FUNCTIONS = ['onOutage', 'after'] as const
const NAMES: readonly string[] = ['onStoreError', ...Object.keys(NUMBERS), ...FUNCTIONS]
const WORDS: readonly unknown[] = ['refuse', 'allow', 'throw']

/**
 * @throws {TypeError} for an option that there is not, a word that is none, what is no function
 * @throws {RangeError} for a number out of range
 */
export function checkOptions(options: GuardedOptions): void {
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue
    throw new TypeError(`${name}: expected one of ${NAMES.join(', ')}; ${nearestOf(name, NAMES, 'remove it')}`)
  }
  for (const [name, [least, most]] of Object.entries(NUMBERS)) {
    const value: unknown = options[name as keyof typeof NUMBERS]
    if (value === undefined || (Number.isInteger(value) && Number(value) >= least && Number(value) <= most)) continue
    throw new RangeError(`${name}: expected a whole number from ${least} to ${most}, received ${kindOf(value)}`)
  }
  for (const name of FUNCTIONS) {
    const value: unknown = options[name]
    if (value === undefined || typeof value === 'function') continue
    throw new TypeError(`${name}: expected a function, received ${kindOf(value)}`)
  }
}

/** The share that is measured in this process; null where none is. */
export function shareOf(onStoreError: OnStoreError): number | null {
  if (WORDS.includes(onStoreError)) return null
  const local: unknown = (onStoreError as { readonly local?: unknown } | null)?.local
  if (local === undefined) {
    const received = typeof onStoreError === 'string' ? quote(onStoreError) : kindOf(onStoreError)
    throw new TypeError(`onStoreError: expected ${WORDS.join(', ')} or { local: share }, received ${received}`)
  }
  if (typeof local === 'number' && local > 0 && local <= 1) return local
  throw new RangeError(`onStoreError.local: expected a share above 0, at most 1, received ${kindOf(local)}`)
}
