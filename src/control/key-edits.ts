// Edits of keys, each noted, so that what is derived of a million keys is not derived anew for one. Floor 4: pure.

import type { Catalog } from '../core/catalog.ts'
import { putApiKeys, removeApiKeys } from '../core/edits.ts'
import type { ApiKey } from '../core/plan.ts'
import { noteKeyChange } from './change.ts'
import { followOrder } from './key-order.ts'
import { edited } from './operation.ts'

/** The catalog with these keys put. @param added those of them that are new */
export function withKeys(catalog: Catalog, put: readonly ApiKey[], added: readonly ApiKey[]): Catalog {
  const next = edited(putApiKeys(catalog, put))
  noteKeyChange(catalog.apiKeys, next.apiKeys, { put: put.map(({ id }) => id), remove: [] })
  followOrder(catalog.apiKeys, next.apiKeys, added)
  return next
}

/** The catalog without this key. */
export function withoutKey(catalog: Catalog, id: string): Catalog {
  const next = removeApiKeys(catalog, [id])
  noteKeyChange(catalog.apiKeys, next.apiKeys, { put: [], remove: [id] })
  followOrder(catalog.apiKeys, next.apiKeys, [])
  return next
}
