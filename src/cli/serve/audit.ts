// The audit trail of the control plane: who changed what, before and after. Floor 5. A JSON line a change, written before
// it is done: what is not in it was not done. A change that came to nothing has a second line. No key's value, ever.

import { closeSync, openSync, writeSync } from 'node:fs'
import type { Published } from '../../control/handler.ts'
import type { Catalog } from '../../core/catalog.ts'
import type { ApiKey } from '../../core/plan.ts'

export interface AuditTrail {
  /** Writes what is about to be done. @returns what writes that it was not. @throws where it cannot be written */
  begin(who: string, catalog: Catalog, published: Pick<Published, 'operation' | 'previous' | 'change'>): () => void
  /** Opens the file anew: it was moved away. */
  reopen(): void
  close(): void
}

/** Keys of one change that are listed with all they have; of the others their number is said. */
const LISTED = 1000

export function auditTrail(path: string, clock: () => number): AuditTrail {
  const open = (): number => openSync(path, 'a', 0o600)
  let fd = open()
  let changes = 0
  const write = (record: object): void => {
    writeSync(fd, `${JSON.stringify({ time: new Date(clock()).toISOString(), ...record })}\n`)
  }
  return {
    begin(who, catalog, published) {
      const change = `${process.pid}-${++changes}`
      write({ change, who, operation: published.operation, ...differences(published, catalog) })
      return () => write({ change, notDone: true })
    },
    reopen() {
      closeSync(fd)
      fd = open()
    },
    close: () => closeSync(fd),
  }
}

interface Difference {
  readonly what: string
  readonly id?: string
  readonly before: unknown
  readonly after: unknown
}

/** What differs between a catalog and the one it was made of; absent is null. */
function differences({ previous, change }: Pick<Published, 'previous' | 'change'>, catalog: Catalog): object {
  const found: Difference[] = []
  for (const part of ['account', 'semantics', 'basePathMappings'] as const) {
    if (!isSame(previous[part], catalog[part])) found.push({ what: part, before: previous[part], after: catalog[part] })
  }
  for (const part of ['apis', 'usagePlans'] as const) {
    const before = new Map<string, object>(previous[part].map(item => [item.id, item]))
    const after = new Map<string, object>(catalog[part].map(item => [item.id, item]))
    for (const id of new Set([...before.keys(), ...after.keys()])) {
      if (isSame(before.get(id), after.get(id))) continue
      found.push({ what: part, id, before: before.get(id) ?? null, after: after.get(id) ?? null })
    }
  }
  const ids =
    change.kind === 'edit'
      ? [...change.put.map(({ id }) => id), ...change.remove]
      : [...missingIn(previous, catalog), ...missingIn(catalog, previous)]
  const listed = ids.slice(0, LISTED)
  const before = listed.map(id => shown(previous.apiKeys.get(id)))
  const after = listed.map(id => shown(catalog.apiKeys.get(id)))
  found.push(...listed.map((id, i) => ({ what: 'apiKeys', id, before: before[i], after: after[i] })))
  return {
    from: previous.version,
    changes: found,
    ...(ids.length > LISTED ? { moreKeys: ids.length - LISTED } : {}),
  }
}

/** Edits leave what they do not touch as it is; what is read of a file anew says the same at best. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** Ids of the keys that one catalog has and another has not. */
function missingIn({ apiKeys }: Catalog, other: Catalog): string[] {
  return Array.from(apiKeys).flatMap(({ id }) => (other.apiKeys.get(id) === undefined ? [id] : []))
}

function shown(key: ApiKey | undefined): Omit<ApiKey, 'value'> | null {
  if (key === undefined) return null
  const { value: _, ...rest } = key
  return rest
}
