// Whether something is a snapshot: its version, its lists, whose records they are. What is in a record, `decodeState` says.
// Floor 3.

import { StateError } from '../core/state.ts'
import type { Snapshot } from './memory.ts'

/** @throws {StateError} which says what came instead */
export function checkedSnapshot(snapshot: unknown): Snapshot {
  const { version, records, shared } = Object(snapshot)
  if (version !== 1) {
    throw new StateError(`snapshot: expected version 1, received ${version ?? (snapshot && typeof snapshot)}`)
  }
  if (!areRecords(records, 2) || !areRecords(shared, 1)) throw new StateError('a broken snapshot: no lists of records')
  return snapshot as Snapshot
}

/** Each is so many ids, and then what is no text. */
function areRecords(list: unknown, ids: number): boolean {
  return (
    Array.isArray(list) && list.every(entry => entry?.findIndex?.((part: unknown) => typeof part !== 'string') === ids)
  )
}
