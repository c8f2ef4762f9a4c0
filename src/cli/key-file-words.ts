// What is wrong with a key file, in the same words in every command. Floor 5. Never a key's value.

import type { Catalog } from '../core/catalog.ts'
import type { KeyFileWarning } from '../core/key-file.ts'
import { nearestOf } from '../core/readers.ts'
import { listWords } from './check/words.ts'

/** A record, or one of its plans, that is not taken. */
export type Refused = Omit<KeyFileWarning, 'message'>

/** Refusals that are listed one by one. */
const LISTED = 100

/** `keys.csv:3: record 2: expected a key …`, a line each; of very many the first. @param name what the file is called */
export function refusedLines(name: string, refused: readonly Refused[], catalog: Catalog): string[] {
  const lines = refused.slice(0, LISTED).map(one => {
    const plan = one.kind === 'record' ? '' : ', plan not added'
    return `${name}:${one.line}: record ${one.record}${plan}: ${reasonOf(one, catalog)}`
  })
  if (refused.length > LISTED) lines.push(`and ${refused.length - LISTED} more; tollgate keys check lists them all`)
  return lines
}

/** Why it is not taken, and of a plan that is not there which are. */
export function reasonOf({ reason, unknownPlan }: Refused, { usagePlans }: Catalog): string {
  if (unknownPlan === undefined) return reason
  const ids = usagePlans.map(({ id }) => id)
  const known = ids.length === 0 ? 'the catalog has no plans' : `the catalog has ${listWords(ids)}`
  return unknownPlan === null
    ? `${reason}; ${known}`
    : `expected a usage plan, received ${JSON.stringify(unknownPlan)}; ${nearestOf(unknownPlan, ids, known)}`
}

export const HEADER_REMEDY =
  'begin the file with a line Name,Key,Description,Enabled,UsagePlanIds, of which the last three may be left out'

/** Of a file that cannot be read at all. */
export function unreadableLine(name: string, message: string): string {
  return `${name}:1: ${message}; ${HEADER_REMEDY}`
}
