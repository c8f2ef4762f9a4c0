// A key file → what it makes of a catalog, and what of it cannot be taken. Floor 5: what `keys import` does and `keys
// check` foretells.

import type { Catalog } from '../../core/catalog.ts'
import { removeApiKeys } from '../../core/edits.ts'
import { keyFileImport, readKeyFile } from '../../core/key-file.ts'
import type { ApiKey } from '../../core/plan.ts'
import type { Loaded } from '../catalog-file.ts'
import { type Refused, unreadableLine } from '../key-file-words.ts'
import { idOf } from '../load.ts'
import { UsageError } from '../terminal.ts'
import { isShort } from './catalog-edit.ts'

export interface Imported {
  readonly catalog: Catalog
  readonly added: readonly ApiKey[]
  readonly updated: readonly ApiKey[]
  readonly unchanged: number
  readonly refused: readonly Refused[]
}

/**
 * Imports the text of a key file, as far as it can be.
 *
 * @param name what to call the file in messages
 * @throws {UsageError} when nothing can be made of it
 */
export async function importInto(
  loaded: Loaded & { readonly ok: true },
  name: string,
  chunks: AsyncIterable<string>,
): Promise<Imported> {
  const importing = keyFileImport(loaded.catalog, { onWarnings: 'ignore', newId: idOf })
  const short = isShort(loaded.document)
  // To say which records have no plan the text is read again.
  const kept: string[] = []
  for await (const chunk of chunks) {
    importing.push(chunk)
    if (short) kept.push(chunk)
  }
  const done = importing.end()
  if (!done.ok) throw new UsageError(unreadableLine(name, done.message))
  const planless = short ? done.ids.filter(id => done.catalog.apiKeys.get(id)?.usagePlanIds.length === 0) : []
  const values = new Set(planless.map(id => done.catalog.apiKeys.get(id)?.value))
  const unplanned = values.size === 0 ? [] : [...recordsOf(kept, values)]
  const catalog = removeApiKeys(done.catalog, planless)
  const added: ApiKey[] = []
  const updated: ApiKey[] = []
  let unchanged = 0
  // First all of the old table, then all of the new: by turns, each would be made out of the other again and again.
  const before = done.ids.map(id => loaded.catalog.apiKeys.get(id))
  done.ids.forEach((id, i) => {
    const key = catalog.apiKeys.get(id)
    if (key === undefined) return
    if (before[i] === undefined) added.push(key)
    else if (key === before[i]) unchanged++
    else updated.push(dated(key))
  })
  const refused = [...done.warnings, ...unplanned].sort((a, b) => a.record - b.record)
  return { catalog, added, updated, unchanged, refused }
}

/** Whoever keeps dates keeps them true. */
function dated(key: ApiKey): ApiKey {
  return key.lastUpdatedDate === undefined ? key : { ...key, lastUpdatedDate: Math.floor(Date.now() / 1000) }
}

function* recordsOf(chunks: readonly string[], values: ReadonlySet<string | undefined>): Generator<Refused> {
  for (const entry of readKeyFile(chunks)) {
    if (entry.kind !== 'row' || !values.has(entry.value)) continue
    const { record, line } = entry
    const reason =
      'a catalog in short form ("plans", "keys") has no keys without a plan; name one in the UsagePlanIds column, ' +
      'or write the catalog in full ("usagePlans", "apiKeys")'
    yield { kind: 'record', record, line, reason }
  }
}
