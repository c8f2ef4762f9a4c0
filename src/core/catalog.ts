// The catalog: APIs, plans and keys as one immutable value. Floor 0: imports the data it is made of.
// JSON.stringify(catalog) is the document that `check` reads back; edits.ts has the edits that give a new one.

import type { Account, Api, BasePathMapping } from './api.ts'
import { KeysById } from './keys-by-id.ts'
import { KeysByValue } from './keys-by-value.ts'
import type { ApiKey, UsagePlan } from './plan.ts'
import { Table } from './table.ts'

/** Where AWS can be read two ways, or leaves a choice, the catalog says which one it means. */
export interface Semantics {
  /** A method's throttle in a plan is asked beside the plan's (`additional`, the default) or in its place. */
  readonly methodThrottle?: 'additional' | 'override'
  /** The day a WEEK quota begins. Default `SUNDAY`. */
  readonly weekStart?: WeekDay
  /** `quota.offset` shifts the window's first day (`start-day`, the default), or is subtracted from the first window. */
  readonly quotaOffset?: 'start-day' | 'initial-requests'
}

export type WeekDay = 'SUNDAY' | 'MONDAY' | 'TUESDAY' | 'WEDNESDAY' | 'THURSDAY' | 'FRIDAY' | 'SATURDAY'

/** The days of the week in the order that `Semantics.weekStart` counts them. */
export const WEEK_DAYS: readonly WeekDay[] = [
  'SUNDAY',
  'MONDAY',
  'TUESDAY',
  'WEDNESDAY',
  'THURSDAY',
  'FRIDAY',
  'SATURDAY',
]

/** Everything a gate decides by. Made by `check`, changed by edits (edits.ts), never in place. */
export interface Catalog {
  /** Your name for this state of the catalog; decisions repeat it. */
  readonly version?: string
  readonly account: Account
  readonly semantics: Semantics
  readonly apis: readonly Api[]
  readonly basePathMappings: readonly BasePathMapping[]
  readonly usagePlans: readonly UsagePlan[]
  readonly apiKeys: ApiKeys
}

/** Whether this is a catalog, not the document of one: a document's keys are a list, a catalog's can be asked by value. */
export function isCatalog(value: unknown): value is Catalog {
  const { apiKeys } = (value ?? {}) as { readonly apiKeys?: { readonly withValue?: unknown } | null }
  return typeof apiKeys?.withValue === 'function'
}

/** The keys of a catalog, found by id and by value. One key's edit costs the same among ten and among a million. */
export class ApiKeys {
  readonly #byId: Table<ApiKey, KeysById>
  readonly #byValue: Table<ApiKey, KeysByValue>

  /** @internal */
  constructor(byId: Table<ApiKey, KeysById>, byValue: Table<ApiKey, KeysByValue>) {
    this.#byId = byId
    this.#byValue = byValue
  }

  get size(): number {
    return this.#byId.map.size
  }

  /** What is no string is no key's id. */
  get(id: string): ApiKey | undefined {
    return typeof id === 'string' ? this.#byId.map.get(id) : undefined
  }

  /** What is no string is no key's value. */
  withValue(value: string): ApiKey | undefined {
    return typeof value === 'string' ? this.#byValue.map.get(value) : undefined
  }

  /** @internal */
  get byValue(): KeysByValue {
    return this.#byValue.map
  }

  /** Edits made while going through them do not show. */
  [Symbol.iterator](): IterableIterator<ApiKey> {
    return this.toJSON()[Symbol.iterator]()
  }

  /** The keys in a list, so that a catalog is its own JSON document. */
  toJSON(): ApiKey[] {
    return this.#byId.map.values()
  }

  /**
   * These keys put, by id, in their order.
   * @returns the new keys, or the first of them whose value another key has
   */
  put(keys: Iterable<ApiKey>): ApiKeys | { readonly taken: ApiKey } {
    const list = [...keys]
    // Values that these keys give up are free before any is claimed, so two keys may swap theirs. Looked up before the
    // edit: afterwards the Map is the newer table's, and reading the older one would undo all of it and do it again.
    const given: (readonly [string, undefined])[] = []
    for (const { id, value } of list) {
      const old = this.get(id)
      if (old !== undefined && old.value !== value) given.push([old.value, undefined])
    }
    const byId = this.#byId.edit(list.map(key => [key.id, key] as const))
    if (byId === this.#byId) return this
    const freed = this.#byValue.edit(given)
    const claims = new Map<string, ApiKey>()
    for (const { id } of list) {
      const key = byId.map.get(id) as ApiKey
      const holder = claims.get(key.value) ?? freed.map.get(key.value)
      if (holder !== undefined && holder.id !== id) return { taken: key }
      claims.set(key.value, key)
    }
    return new ApiKeys(byId, freed.edit(claims))
  }

  /** Without the keys of these ids; ids that name no key change nothing. */
  remove(ids: Iterable<string>): ApiKeys {
    const keys = [...ids].flatMap(id => this.get(id) ?? [])
    if (keys.length === 0) return this
    return new ApiKeys(
      this.#byId.edit(keys.map(key => [key.id, undefined] as const)),
      this.#byValue.edit(keys.map(key => [key.value, undefined] as const)),
    )
  }
}

/** No keys. */
export function noKeys(): ApiKeys {
  return new ApiKeys(new Table(new KeysById()), new Table(new KeysByValue()))
}

/** A catalog of nothing, to edit upwards from. */
export const emptyCatalog = (): Catalog => ({
  account: {},
  semantics: {},
  apis: [],
  basePathMappings: [],
  usagePlans: [],
  apiKeys: noKeys(),
})

/** The stage of that name, if the catalog has it. */
export function stageOf(catalog: Catalog, apiId: string, stage: string): Api['stages'][number] | undefined {
  return catalog.apis.find(api => api.id === apiId)?.stages.find(other => other.stageName === stage)
}
