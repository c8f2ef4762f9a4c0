// Who a text in a log names: a key of the catalogs, by its id, its value, or a hash of its value. Floor 4.

import type { Catalog } from '../core/catalog.ts'
import { Interned } from './interned.ts'
import { Caller } from './line.ts'

export interface CallersOptions {
  /** What a log may have in place of a key's value, in lower case; SHA-256 in hexadecimal, by the command. */
  readonly hash?: (value: string) => string
  /** Whether texts that name no key are kept apart, too: each is a caller then, in memory for good. */
  readonly keepUnknown?: boolean
}

/** The keys of catalogs as callers; the same key in several of them, by id or else by value, is one. */
export function callersOf(
  catalogs: readonly Catalog[],
  { hash, keepUnknown = false }: CallersOptions = {},
): Interned<Caller> {
  let count = 0
  const callers = new Interned<Caller>(
    text => new Caller(null, text, keepUnknown ? count++ : -1),
    keepUnknown ? Infinity : 0,
  )
  const byId = new Map<string, Caller>()
  const byValue = new Map<string, Caller>()
  for (const { apiKeys } of catalogs) {
    for (const { id, value } of apiKeys) {
      const caller = byId.get(id) ?? byValue.get(value) ?? new Caller(id, value, count++)
      byId.set(id, caller)
      byValue.set(value, caller)
    }
  }
  for (const [id, caller] of byId) callers.put(id, caller)
  for (const [value, caller] of byValue) callers.put(value, caller)
  if (hash !== undefined) for (const [value, caller] of byValue) callers.put(hash(value).toLowerCase(), caller)
  return callers
}
