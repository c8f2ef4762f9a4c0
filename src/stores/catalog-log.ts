// The catalog where processes share a store: a log of changes, which each process follows. Floor 3.
// What is published is checked by who publishes it and again by who reads it; nobody serves what does not check. A key's
// change is an entry of a key's size, also in a catalog of a million.

import { type Catalog, isFault, putApiKeys, removeApiKeys } from '../core/catalog.ts'
import { CatalogError, catalogOf } from '../core/check.ts'
import type { CatalogDocument } from '../core/document.ts'
import type { ApiKey } from '../core/plan.ts'
import type { Gate } from '../gate.ts'

/** What is published: a whole catalog, or what became of some of its keys. JSON values both. */
export type CatalogChange =
  | { readonly kind: 'catalog'; readonly document: CatalogDocument }
  | { readonly kind: 'keys'; readonly put: readonly ApiKey[]; readonly remove: readonly string[] }

/** An entry of the log. Versions are 1, 2, 3 … without a gap. */
export interface Published {
  readonly version: number
  readonly change: CatalogChange
}

/** Where entries are kept: by SQLite, by Redis, or by you. */
export interface CatalogLog {
  /**
   * What came after `version`, in order. Where a whole catalog came after it, the entries before that one may be left
   * out. Version 0 is before everything.
   */
  since(version: number): Promise<readonly Published[]>
  /** Adds the entry after `version`, atomically. @returns false, and nothing is added, when somebody has done so before */
  append(version: number, change: CatalogChange): Promise<boolean>
}

export interface SharedCatalog {
  /** The version in force here; 0 when nothing was ever published. */
  readonly version: number
  /** Takes over what others have published. @returns whether anything changed. Call it as often as changes must show. */
  poll(): Promise<boolean>
  /**
   * Publishes a change, and puts it in force here. When somebody else was faster it is checked again on top of theirs.
   *
   * @returns its version
   * @throws {CatalogError} when the catalog it would give does not check; then it is published nowhere
   */
  publish(change: CatalogChange): Promise<number>
}

export interface SharedCatalogOptions {
  readonly log: CatalogLog
  readonly gate: Pick<Gate<boolean>, 'catalog' | 'replace'>
  /** Told of an entry that does not check here (another release published it): the catalog in force stays. */
  readonly onRefused?: (error: unknown, version: number) => void
}

/** How often a publication is tried again when others are faster. */
const TRIES = 20

/** The catalog of a gate, kept the same as that of every other process on the same log. */
export function sharedCatalog({ log, gate, onRefused }: SharedCatalogOptions): SharedCatalog {
  let version = 0
  /** The last entry that was looked at; ahead of `version` where entries were refused. */
  let seen = 0

  /** One thing after the other: a look that overtook a publication would be undone by it. */
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function look(): Promise<boolean> {
    let changed = false
    for (const entry of await log.since(seen)) {
      seen = entry.version
      try {
        gate.replace(changedBy(gate.catalog, entry))
        version = entry.version
        changed = true
      } catch (error) {
        onRefused?.(error, entry.version)
      }
    }
    return changed
  }

  async function publish(change: CatalogChange): Promise<number> {
    for (let i = 0; i < TRIES; i++) {
      await look()
      const next = { version: seen + 1, change }
      const catalog = changedBy(gate.catalog, next)
      if (!(await log.append(seen, change))) continue
      seen = version = next.version
      gate.replace(catalog)
      return version
    }
    throw new Error(`others published ${TRIES} times while this was tried; try again`)
  }

  return {
    get version() {
      return version
    },
    poll: () => inTurn(look),
    publish: change => inTurn(() => publish(change)),
  }
}

/**
 * The catalog after an entry. A whole one has its own version, or else `#` and the entry's; one with keys changed has that
 * of the whole one with `+` and the entry's.
 *
 * @throws {CatalogError} when that does not check
 */
export function changedBy(catalog: Catalog, { version, change }: Published): Catalog {
  if (change.kind === 'catalog') {
    const whole = catalogOf(change.document)
    return { ...whole, version: whole.version ?? `#${version}` }
  }
  // The keys are read as unknown JSON is, against the plans they name.
  const { apiKeys: put } = catalogOf({ ...catalog, apiKeys: change.put } as unknown as CatalogDocument)
  const edited = putApiKeys(removeApiKeys(catalog, change.remove), put)
  if (isFault(edited)) throw new CatalogError([faultIssue(edited.message)])
  return { ...edited, version: `${(catalog.version ?? '').replace(/\+\d+$/, '')}+${version}` }
}

function faultIssue(message: string): CatalogError['issues'][number] {
  return {
    path: 'apiKeys',
    at: ['apiKeys'],
    code: 'conflict',
    expected: 'keys that fit',
    received: message,
    remedy: 'publish others',
    message,
  }
}

/** A log in this process's memory: for tests, and for gates that share a process. */
export function memoryCatalogLog(): CatalogLog {
  const entries: Published[] = []
  return {
    since: async version => entries.slice(version),
    append: async (version, change) => {
      if (version !== entries.length) return false
      // What others read is what was written, as from any other log: a copy, and JSON.
      entries.push(JSON.parse(JSON.stringify({ version: version + 1, change })) as Published)
      return true
    },
  }
}

/** The whole of a catalog, to publish. */
export function wholeOf(catalog: Catalog): CatalogChange {
  return { kind: 'catalog', document: JSON.parse(JSON.stringify(catalog)) as CatalogDocument }
}
