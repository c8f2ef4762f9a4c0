// The keys of a catalog, counted in one pass: how many each plan has, and which are not as they should be. Floor 5: pure.
// Of a million only the first few are named.

import type { ApiKeys, Catalog } from '../../core/catalog.ts'
import type { ApiKey } from '../../core/plan.ts'
import { printable } from '../terminal.ts'
import { isGuessable } from './guessable.ts'

/** By plan id. */
export type KeyCounts = ReadonlyMap<string, { readonly keys: number; readonly disabled: number }>

/** Keys that have something in common. */
export interface Group {
  readonly count: number
  /** The first few, by a name that is safe to show. */
  readonly names: readonly string[]
  /** The id of the first. */
  readonly first: string
}

export interface Census {
  readonly counts: KeyCounts
  readonly groups: ReadonlyMap<GroupName, Group>
}

export type GroupName = 'disabled' | 'without-plans' | 'nowhere' | 'id-is-value' | 'value-in-words' | 'guessable'

const MOST_NAMES = 5

/** @param nameOf what to call a key whose own words may be shown */
export function censusOf(catalog: Catalog, nameOf: (key: ApiKey) => string = ({ id }) => id): Census {
  const counts = new Map<string, { keys: number; disabled: number }>()
  const groups = new Map<GroupName, { count: number; names: string[]; first: string }>()
  const empty = new Set(catalog.usagePlans.filter(({ apiStages }) => apiStages.length === 0).map(({ id }) => id))
  for (const { id } of catalog.usagePlans) counts.set(id, { keys: 0, disabled: 0 })
  const note = (name: GroupName, key: ApiKey): void => {
    let group = groups.get(name)
    if (group === undefined) groups.set(name, (group = { count: 0, names: [], first: key.id }))
    if (group.count++ < MOST_NAMES) group.names.push(shownName(key, catalog.apiKeys, nameOf))
  }
  for (const key of catalog.apiKeys) {
    const { id, value, enabled, usagePlanIds } = key
    for (const planId of usagePlanIds) {
      const count = counts.get(planId)
      if (count === undefined) continue
      count.keys++
      if (!enabled) count.disabled++
    }
    if (!enabled) note('disabled', key)
    if (usagePlanIds.length === 0) note('without-plans', key)
    else if (empty.size > 0 && usagePlanIds.every(id => empty.has(id))) note('nowhere', key)
    if (id === value) note('id-is-value', key)
    else if (wordsOf(key).some(word => word.includes(value))) note('value-in-words', key)
    if (isGuessable(value)) note('guessable', key)
  }
  return { counts, groups }
}

/** What of a key is shown in logs and answers of the control plane. */
function wordsOf({ id, name, description, customerId }: ApiKey): string[] {
  return [id, name, description, customerId].filter(word => word !== undefined)
}

/** A key's name, unless a key's value is in it. */
function shownName(key: ApiKey, keys: ApiKeys, nameOf: (key: ApiKey) => string): string {
  const name = nameOf(key)
  return name.includes(key.value) || keys.withValue(name) !== undefined
    ? '(a name that holds a key)'
    : printable(name, 40)
}
