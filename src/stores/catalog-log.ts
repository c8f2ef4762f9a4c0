// The catalog where processes share a store: a log of changes, which each process follows. Floor 3.
// What is published is checked by who publishes it and again by who reads it; nobody serves what does not check. An edit
// is an entry of its own size, also in a catalog of a million keys.

import type { Catalog } from '../core/catalog.ts'
import { CatalogError, catalogOf } from '../core/check.ts'
import type { CatalogDocument } from '../core/document.ts'
import { faultOfBinding, isFault, putSoundKeys, removeApiKeys } from '../core/edits.ts'
import type { ApiKey } from '../core/plan.ts'
import type { Millis } from '../core/units.ts'
import { StoreError } from '../errors.ts'
import type { Gate } from '../gate.ts'
import { type After, timer } from './timer.ts'

/** Of which entry of a log one was made, and which it is: by these a process sees that what it read is not there any more. */
export interface Link {
  readonly id?: string
  readonly after?: string
}

/** What is published: a whole catalog, or an edit of the one before. JSON values both. */
export type CatalogChange =
  | (Link & {
      readonly kind: 'catalog'
      readonly document: CatalogDocument | Catalog
      /** What it was made of, in the publisher's words: by it the publisher knows that it need not publish it again. */
      readonly origin?: string
      /** The entry of which this is the whole: nothing new to who has that one in force. */
      readonly of?: string
    })
  | (Link & {
      readonly kind: 'edit'
      /** Everything but the keys, where something of that changed. */
      readonly rest?: Omit<Catalog, 'apiKeys' | 'version'>
      readonly put: readonly ApiKey[]
      readonly remove: readonly string[]
    })

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
   *
   * @returns `'lost'` where the log ends before that version, which somebody has read of it
   */
  since(version: number): Promise<readonly Published[] | 'lost'>
  /** Adds the entry after `version`, atomically. @returns false, and nothing is added, when somebody has done so before */
  append(version: number, change: CatalogChange): Promise<boolean>
}

export interface SharedCatalog {
  /** The version in force here; 0 when nothing was ever published. */
  readonly version: number
  /** The `origin` of the whole catalog that what is in force came of, and how many edits came after it. */
  readonly origin: string | undefined
  readonly edits: number
  /** Takes over what others have published. @returns whether anything changed. Call it as often as changes must show. */
  poll(): Promise<boolean>
  /**
   * Publishes a change, and puts it in force here. When somebody else was faster it is checked again on top of theirs.
   *
   * @returns its version
   * @throws {CatalogError} when the catalog it would give does not check; then it is published nowhere
   */
  publish(change: CatalogChange): Promise<number>
  /**
   * Publishes what was made of this very catalog.
   *
   * @returns its version; null where another is in force by now, and nothing was published
   * @throws {CatalogError} as `publish` does
   */
  publishOn(catalog: Catalog, change: CatalogChange): Promise<number | null>
  /** Publishes what is in force as a whole, so that whoever starts has no edits to repeat. It keeps its name. */
  compact(): Promise<void>
}

export interface SharedCatalogOptions {
  readonly log: CatalogLog
  readonly gate: Pick<Gate<boolean>, 'catalog' | 'replace'>
  /** Told of an entry that does not check here (another release published it): the catalog in force stays. */
  readonly onRefused?: (error: unknown, version: number) => void
  /**
   * ms the log has for one answer. Then the look or the publication rejects with a `StoreError`, and the next one has its
   * turn; what was published may be in the log, and is in force once it is found there. Default 5000.
   */
  readonly deadline?: Millis
  /** Runs something later, and returns how to call it off. Default: setTimeout. */
  readonly after?: After
  /**
   * Told when the log had lost entries that were in force here (a restart from an older file, a failover, a flush): how
   * many of them are in it again now.
   */
  readonly onLost?: (putBack: number) => void
  /** Told of every change that came into force here, this process's own among them. */
  readonly onChanged?: (from: Catalog, to: Catalog, change: CatalogChange) => void
}

/** Ids that are remembered: more than there are edits before a catalog is made whole again. */
const KNOWN = 10_000

/** How often a publication is tried again when others are faster. */
const TRIES = 20

/** The catalog of a gate, kept the same as that of every other process on the same log. */
export function sharedCatalog(options: SharedCatalogOptions): SharedCatalog {
  const { log, gate, onRefused, onLost, onChanged, deadline = 5000, after = timer } = options
  let version = 0
  let origin: string | undefined
  /** The last entry that was looked at; ahead of `version` where entries were refused. */
  let seen = 0
  let seenId: string | undefined
  /** The last whole catalog in force, and the edits of it: what a log that has lost them is told again. */
  let trail: readonly CatalogChange[] = []
  /** Ids of entries that were read here, the last `KNOWN` of them. */
  const known = new Set<string>()

  /** One thing after the other: a look that overtook a publication would be undone by it. */
  let turn: Promise<unknown> = Promise.resolve()
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  /** Without a deadline an answer that never comes would keep everything that follows waiting. */
  function inTime<T>(asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const callOff = after(deadline, () => {
        reject(new StoreError(`the catalog's log did not answer within ${deadline} ms`, { transient: true }))
      })
      asked.then(resolve, reject).finally(callOff)
    })
  }

  function putInForce(catalog: Catalog, entry: Published): void {
    const from = gate.catalog
    gate.replace(catalog)
    follow([entry])
    onChanged?.(from, gate.catalog, entry.change)
  }

  /** These are in force by now. */
  function follow(entries: readonly Published[]): void {
    for (const { version: its, change } of entries) {
      version = its
      if (change.id !== undefined) known.add(change.id)
      if (known.size > KNOWN) known.delete(known.values().next().value as string)
      if (change.kind === 'edit') trail = [...trail, change]
      else {
        origin = change.origin
        trail = [{ ...change, document: {} }]
      }
    }
  }

  function catalogOfEntry(entry: Published): Catalog {
    const { change } = entry
    const isKnown = change.kind === 'catalog' && change.of !== undefined && change.of === trail.at(-1)?.id
    return isKnown ? gate.catalog : changedBy(gate.catalog, entry)
  }

  async function look(): Promise<boolean> {
    const found = await inTime(log.since(seen))
    if (found === 'lost' || isElsewhere(found[0])) return rejoin()
    let changed = false
    for (const entry of found) {
      seen = entry.version
      seenId = entry.change.id
      try {
        putInForce(catalogOfEntry(entry), entry)
        changed = true
      } catch (error) {
        onRefused?.(error, entry.version)
      }
    }
    return changed
  }

  /** Whether an edit was made of another entry than the one that was read last. */
  function isElsewhere(first: Published | undefined): boolean {
    const before = first?.change.kind === 'edit' ? first.change.after : undefined
    return before !== undefined && seenId !== undefined && before !== seenId
  }

  /**
   * What was read of the log is not there any more. What it has now holds, and of what is missing there, which may have
   * been answered for, this process tells it again: all of it where nothing is there, else the edits of what it has.
   */
  async function rejoin(): Promise<true> {
    for (let i = 0; i < TRIES; i++) {
      const entries = [...((await inTime(log.since(0))) as readonly Published[])]
      const missing = missingIn(entries, trail, known, { ...wholeOf(gate.catalog, origin), ...of(seenId) })
      let catalog = gate.catalog
      let isLate = false
      const add = (entry: Published): void => {
        try {
          catalog = changedBy(catalog, entry)
        } catch (error) {
          onRefused?.(error, entry.version)
        }
      }
      for (const entry of entries) add(entry)
      for (const change of missing) {
        const last = entries.at(-1)
        const entry = { version: (last?.version ?? 0) + 1, change: linked(change, last?.change.id) }
        isLate = !(await inTime(log.append(entry.version - 1, entry.change)))
        if (isLate) break
        entries.push(entry)
        add(entry)
      }
      if (isLate) continue
      const from = gate.catalog
      gate.replace(catalog)
      trail = []
      follow(entries)
      seen = entries.at(-1)?.version ?? 0
      seenId = entries.at(-1)?.change.id
      onChanged?.(from, gate.catalog, wholeOf(gate.catalog, origin))
      onLost?.(missing.length)
      return true
    }
    throw tooMany()
  }

  async function publish(change: CatalogChange, on?: Catalog): Promise<number | null> {
    const own = linked(change)
    for (let i = 0; i < TRIES; i++) {
      await look()
      if (on !== undefined && gate.catalog !== on) return null
      const next = { version: seen + 1, change: linked(on === undefined ? own : withOrigin(own, origin), seenId) }
      const catalog = catalogOfEntry(next)
      if (!(await inTime(log.append(seen, next.change)))) continue
      seen = next.version
      seenId = next.change.id
      putInForce(catalog, next)
      return version
    }
    throw tooMany()
  }

  return {
    get version() {
      return version
    },
    get origin() {
      return origin
    },
    get edits() {
      return editsIn(trail)
    },
    poll: () => inTurn(look),
    publish: change => inTurn(() => publish(change)) as Promise<number>,
    publishOn: (catalog, change) => inTurn(() => publish(change, catalog)),
    // Where others publish meanwhile, they do so on edits that are still there: it is done another time.
    compact: () =>
      inTurn(async () => {
        await look()
        if (editsIn(trail) > 0)
          await publish({ ...wholeOf(gate.catalog, origin), ...of(trail.at(-1)?.id) }, gate.catalog)
      }),
  }
}

/** A change with an id of its own, or the one it has, made of the entry of that id. */
function linked<C extends CatalogChange>(change: C, after?: string): C {
  return { id: crypto.randomUUID(), ...change, ...(after === undefined ? {} : { after }) }
}

function editsIn(trail: readonly CatalogChange[]): number {
  return trail.filter(({ kind }) => kind === 'edit').length
}

function of(id: string | undefined): { of?: string } {
  return id === undefined ? {} : { of: id }
}

/**
 * What a log has to be told again: the edits of a trail after what it has of it; all that is in force where it has nothing,
 * or an older whole catalog than the trail's, then followed by edits of others that it has. Nothing where it begins with a
 * whole catalog that nobody here knows of: that took the place of all of it.
 */
function missingIn(
  entries: readonly Published[],
  trail: readonly CatalogChange[],
  known: ReadonlySet<string>,
  inForce: CatalogChange,
): readonly CatalogChange[] {
  if (entries.length === 0) return [inForce]
  const changes = entries.map(({ change }) => change)
  const base = changes.map(({ kind }) => kind).lastIndexOf('catalog')
  const whole = changes[base]
  if (whole?.kind !== 'catalog' || whole.id === undefined) return []
  const from = trail.findIndex(({ id }) => id !== undefined && (id === whole.id || id === whole.of))
  const there = new Set(changes.map(({ id }) => id))
  if (from !== -1) return trail.slice(from + 1).filter(({ id }) => !there.has(id))
  if (!known.has(whole.id)) return []
  return [inForce, ...changes.slice(base + 1).filter(({ id }) => id !== undefined && !known.has(id))]
}

function tooMany(): Error {
  return new Error(`others published ${TRIES} times while this was tried; try again`)
}

/** A whole catalog that was made of the one in force comes from where that came from. */
function withOrigin(change: CatalogChange, origin: string | undefined): CatalogChange {
  return change.kind === 'catalog' && origin !== undefined ? { origin, ...change } : change
}

/**
 * The catalog after an entry. A whole one has its own version, or else `#` and the entry's; an edited one has that of the
 * whole one with `+` and the entry's.
 *
 * @throws {CatalogError} when that does not check
 */
export function changedBy(catalog: Catalog, { version, change }: Published): Catalog {
  if (change.kind === 'catalog') {
    const whole = catalogOf(change.document)
    return { ...whole, version: whole.version ?? `#${version}` }
  }
  // Read as unknown JSON is: the keys against the plans they name, which are those of the edit if it has any.
  const { rest, put, remove } = change
  const read = catalogOf({ ...(rest ?? catalog), apiKeys: put } as unknown as CatalogDocument)
  const base = rest === undefined ? catalog : { ...read, apiKeys: catalog.apiKeys }
  const edited = putSoundKeys(removeApiKeys(base, remove), read.apiKeys)
  if (isFault(edited)) throw new CatalogError([faultIssue(edited.message)])
  if (rest !== undefined) checkBindings(edited)
  return { ...edited, version: `${(catalog.version ?? '').replace(/\+\d+$/, '')}+${version}` }
}

/** That every key's plans are there and share no stage. @throws {CatalogError} */
function checkBindings(catalog: Catalog): void {
  const sound = new Set<string>()
  for (const key of catalog.apiKeys) {
    const plans = key.usagePlanIds.join()
    if (sound.has(plans)) continue
    const fault = faultOfBinding(catalog, key)
    if (fault !== null) throw new CatalogError([faultIssue(fault.message)])
    sound.add(plans)
  }
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
    since: async version => (version > entries.length ? 'lost' : entries.slice(version)),
    append: async (version, change) => {
      if (version !== entries.length) return false
      // What others read is what was written, as from any other log: a copy, and JSON.
      entries.push(JSON.parse(JSON.stringify({ version: version + 1, change })) as Published)
      return true
    },
  }
}

/** The whole of a catalog, to publish: checked once, it is not checked again here, and its JSON is what others read. */
export function wholeOf(catalog: Catalog, origin?: string): CatalogChange & { readonly kind: 'catalog' } {
  return { kind: 'catalog', document: catalog, ...(origin === undefined ? {} : { origin }) }
}
