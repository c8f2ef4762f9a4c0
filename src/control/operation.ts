// What an operation is: a pure function from a catalog and its input to a catalog and an answer. Floor 4.

import type { Catalog } from '../core/catalog.ts'
import { type EditFault, isFault } from '../core/edits.ts'
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
  /** What AWS's answer has no place for: said in a header (wire.ts). */
  readonly counts?: Readonly<Record<string, number>>
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
  malformed: 'BadRequestException',
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
