// What an operation is: a pure function from a catalog and its input to a catalog and an answer. Floor 4.

import { type ApiKeys, type Catalog, type EditFault, isFault } from '../core/catalog.ts'
import { attempt, type Fault, type FaultCode, refuse } from './fault.ts'
import type { World } from './world.ts'

/** An operation's input as AWS's clients have it: labels of the path, the query and the body in one. Unknown JSON. */
export type Input = Readonly<Record<string, unknown>>

/** An answer's members in their order on the wire. A member that is undefined is left out. */
export type Answer = Readonly<Record<string, unknown>>

export interface Done {
  /** The catalog after it: the very one that was given when nothing changed. */
  readonly catalog: Catalog
  /** Null where AWS answers without a body. */
  readonly answer: Answer | null
}

export type Outcome = Done | Fault

/** Never throws but for a bug. */
export type Operation = (catalog: Catalog, input: Input, world: World) => Outcome

/** The operation of a function that may `refuse`. */
export function operation(work: (catalog: Catalog, input: Input, world: World) => Done): Operation {
  return (catalog, input, world) => attempt(() => work(catalog, input, world))
}

/** An operation that only reads. */
export function reading(work: (catalog: Catalog, input: Input) => Answer): Operation {
  return operation((catalog, input) => ({ catalog, answer: work(catalog, input) }))
}

const CODES: Readonly<Record<EditFault['fault'], FaultCode>> = {
  'value-taken': 'ConflictException',
  'plan-unknown': 'NotFoundException',
  'stages-overlap': 'ConflictException',
  'stage-unknown': 'NotFoundException',
  'plan-in-use': 'ConflictException',
  'api-in-use': 'ConflictException',
  'deployment-exists': 'ConflictException',
}

/** The edited catalog; an edit that was not possible ends the operation. */
export function edited(result: Catalog | EditFault): Catalog {
  if (!isFault(result)) return result
  return refuse(CODES[result.fault], result.fault === 'value-taken' ? 'API Key already exists' : result.message)
}

/** What became of a catalog's keys in one edit, for whoever keeps them elsewhere: JSON values. */
export interface KeyChange {
  readonly put: readonly string[]
  readonly remove: readonly string[]
}

const changes = new WeakMap<ApiKeys, { readonly from: ApiKeys; readonly change: KeyChange }>()

/** Notes by which edit these keys came of those. */
export function noteKeyChange(from: ApiKeys, to: ApiKeys, change: KeyChange): void {
  if (from !== to) changes.set(to, { from, change })
}

/**
 * The ids of the keys that differ, where only keys differ and they were edited once; undefined otherwise.
 *
 * @param from the catalog an operation was given
 * @param to the one it gave
 */
export function keyChangeBetween(from: Catalog, to: Catalog): KeyChange | undefined {
  const noted = changes.get(to.apiKeys)
  const others = ['account', 'semantics', 'apis', 'basePathMappings', 'usagePlans', 'version'] as const
  if (noted?.from !== from.apiKeys || others.some(part => from[part] !== to[part])) return undefined
  return noted.change
}
