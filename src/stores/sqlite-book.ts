// What one transaction of many decisions reads and writes: each record is read once and written once, however many of
// the decisions are about it. Floor 3. It lives as long as its transaction: outside of one, other processes write.

import { DAY_MS } from '../core/calendar.ts'
import type { State } from '../core/state.ts'
import type { Millis } from '../core/units.ts'
import type { Tables } from './sqlite-tables.ts'

/** Records as decisions see them: the tables themselves, or a book of them. */
export interface Records {
  read(plan: string, key: string): State | null
  /** @param before what was read */
  write(plan: string, key: string, before: State | null, after: State): void
  count(plan: string, key: string, at: Millis, used: number): void
  /** Whether a record was read in this transaction, and is not to be dropped behind its back. */
  holds(plan: string, key: string): boolean
}

export interface Book extends Records {
  /** Writes to the tables what has changed. */
  settle(): void
  /** Forgets everything, for the next transaction. */
  clear(): void
}

export function directly(tables: Tables): Records {
  return {
    read: tables.read,
    write(plan, key, before, after) {
      if (before === null) tables.insert(plan, key, after)
      else tables.update(plan, key, after)
    },
    count: tables.count,
    holds: () => false,
  }
}

interface Page {
  readonly plan: string
  readonly key: string
  /** Whether the table has a row of it. */
  isThere: boolean
  state: State | null
  changed: boolean
}

interface Count {
  readonly plan: string
  readonly key: string
  readonly at: Millis
  used: number
}

export function bookOf(tables: Tables): Book {
  const pages = new Map<string, Page>()
  const counts = new Map<string, Count>()

  function pageOf(plan: string, key: string): Page {
    const name = `${plan}/${key}`
    let page = pages.get(name)
    if (page === undefined) {
      const state = tables.read(plan, key)
      pages.set(name, (page = { plan, key, isThere: state !== null, state, changed: false }))
    }
    return page
  }

  return {
    read: (plan, key) => pageOf(plan, key).state,
    write(plan, key, _, after) {
      const page = pageOf(plan, key)
      page.state = after
      page.changed = true
    },
    count(plan, key, at, used) {
      const name = `${plan}/${key}/${Math.floor(at / DAY_MS)}`
      const held = counts.get(name)
      if (held === undefined) counts.set(name, { plan, key, at, used })
      else held.used += used
    },
    holds: (plan, key) => pages.has(`${plan}/${key}`),
    settle() {
      for (const page of pages.values()) {
        const { plan, key, isThere, state, changed } = page
        if (!changed || state === null) continue
        if (isThere) tables.update(plan, key, state)
        else tables.insert(plan, key, state)
        page.isThere = true
        page.changed = false
      }
      for (const { plan, key, at, used } of counts.values()) if (used !== 0) tables.count(plan, key, at, used)
      counts.clear()
    },
    clear() {
      pages.clear()
      counts.clear()
    },
  }
}
