// A verdict as CSV: a row for each key. Floor 5. Names are for a spreadsheet: none of them is a formula there.

import type { KeyReport } from '../../replay/tally.ts'

const COLUMNS: readonly (readonly [string, (key: KeyReport) => string | number | null])[] = [
  ['planId', ({ planId }) => planId],
  ['keyId', ({ keyId }) => keyId],
  ['name', ({ name }) => name],
  ['customerId', ({ customerId }) => customerId],
  ['admitted', ({ admitted }) => admitted],
  ['throttled', ({ throttled }) => throttled],
  ['quotaExceeded', ({ quotaExceeded }) => quotaExceeded],
  ['neverAdmitted', ({ neverAdmitted }) => neverAdmitted],
  ['refusedShare', ({ refusedShare }) => Number(refusedShare.toPrecision(6))],
  ['firstRefusedAt', ({ firstRefused }) => iso(firstRefused?.at)],
  ['firstRefusedBy', ({ firstRefused }) => firstRefused?.by ?? null],
  ['burstRequests', ({ burst }) => burst?.requests ?? null],
  ['burstMs', ({ burst }) => burst?.ms ?? null],
  ['quotaRanOutAt', ({ quotaRanOut }) => iso(quotaRanOut?.at)],
  ['quotaRanOutWindows', ({ quotaRanOut }) => quotaRanOut?.windows ?? null],
  ['newlyRefused', ({ newlyRefused }) => newlyRefused],
  ['freed', ({ freed }) => freed],
  ['firstNewlyRefusedAt', ({ firstNewlyRefused }) => iso(firstNewlyRefused)],
]

export function* csvOf(keys: Iterable<KeyReport>): Generator<string, void, undefined> {
  yield `${COLUMNS.map(([name]) => name).join(',')}\n`
  for (const key of keys) yield `${COLUMNS.map(([, of]) => cell(of(key))).join(',')}\n`
}

function cell(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function iso(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : new Date(at).toISOString()
}
