// What an operation made of a catalog, as an entry of the log that processes share. Floor 4: pure.
// A change of keys is noted where it is made, so that it costs its own size among a million keys.

import type { ApiKeys, Catalog } from '../core/catalog.ts'
import type { ApiKey } from '../core/plan.ts'
import { type CatalogChange, wholeOf } from '../stores/catalog-log.ts'
import { followOrder, MOST_FOLLOWED } from './key-order.ts'

/** The ids of the keys that differ. */
interface KeyChange {
  readonly put: readonly string[]
  readonly remove: readonly string[]
}

const changes = new WeakMap<ApiKeys, { readonly from: ApiKeys; readonly change: KeyChange }>()

/** Notes by which edit these keys came of those. */
export function noteKeyChange(from: ApiKeys, to: ApiKeys, change: KeyChange): void {
  if (from !== to) changes.set(to, { from, change })
}

/** Everything of a catalog but its keys and its name. */
const REST = ['account', 'semantics', 'apis', 'basePathMappings', 'usagePlans'] as const

/**
 * What became of one catalog in one operation: an edit of its own size, or the whole where nobody noted which keys.
 *
 * @param from the catalog an operation was given
 * @param to the one it gave
 */
export function changeBetween(from: Catalog, to: Catalog): CatalogChange {
  const noted = changes.get(to.apiKeys)
  const keys =
    to.apiKeys === from.apiKeys ? { put: [], remove: [] } : noted?.from === from.apiKeys ? noted.change : null
  if (keys === null) return wholeOf(to)
  const { version: _, apiKeys, ...rest } = to
  return {
    kind: 'edit',
    ...(REST.some(part => from[part] !== to[part]) ? { rest } : {}),
    put: keys.put.flatMap(id => apiKeys.get(id) ?? []),
    remove: keys.remove,
  }
}

/** The order keys are listed in, taken over where a change of another process came into force. */
export function followChange(from: Catalog, to: Catalog, change: CatalogChange): void {
  if (change.kind !== 'edit' || change.put.length > MOST_FOLLOWED) return
  const added = change.put.filter(({ id }: ApiKey) => from.apiKeys.get(id) === undefined)
  followOrder(from.apiKeys, to.apiKeys, added)
}
