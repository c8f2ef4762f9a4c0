// Events → decisions: what a catalog would have said to requests that were made. Floor 4: a fold over the engine, with no
// clock but the events' own.

import type { Catalog } from '../core/catalog.ts'
import type { Decision } from '../core/decision.ts'
import { kindOf } from '../core/readers.ts'
import type { ApiRequest } from '../core/resolve.ts'
import type { Millis } from '../core/units.ts'
import type { Snapshot } from '../stores/memory.ts'
import { Lane } from './lane.ts'
import { Asked, Caller, NOBODY } from './line.ts'
import { againAt, Due } from './retries.ts'

/** A request that was made. */
export interface ReplayRequest extends ApiRequest {
  /** ms since the Unix epoch. */
  readonly time: Millis
  /** Who asked, where the log names keys by their ids. `apiKey` is looked at where the catalog has no such id. */
  readonly keyId?: string | null | undefined
}

/** Another catalog, in force for what comes after it. */
export interface ReplayEdit {
  readonly catalog: Catalog
}

export interface ReplayOptions {
  /** What a store remembered when the log began: `snapshot()`. Default: buckets are full, nothing is used. */
  readonly state?: Snapshot
  /** How often a refused request is asked again, after the wait it is told (at most a minute). Default 0. */
  readonly retries?: number
}

export interface Replayed<Event> {
  readonly event: Event
  readonly decision: Decision
  /** When it was asked: the event's time, or that of a later attempt. */
  readonly time: Millis
  /** 0 for the request itself, 1 … for its retries. */
  readonly attempt: number
}

/**
 * What each request is told, in order, lazily.
 *
 * @param events requests in the order they were judged, and edits of the catalog among them
 * @returns a decision for each request, and for each retry of it at its time; they are those of a gate with a memory store
 * @throws {TypeError} when the catalog is none, or that of an edit once it comes
 * @throws {RangeError} when `retries` is not a whole number ≥ 0, or a cost, once it comes
 * @throws {StateError} when the state is none
 */
export function replay<Event extends ReplayRequest>(
  catalog: Catalog,
  events: Iterable<Event | ReplayEdit>,
  { state, retries = 0 }: ReplayOptions = {},
): Generator<Replayed<Event>, void, undefined> {
  if (!Number.isSafeInteger(retries) || retries < 0) {
    throw new RangeError(`retries: expected a whole number ≥ 0, received ${kindOf(retries)}`)
  }
  return replayed(new Lane(0, catalog, state), events, retries)
}

function* replayed<Event extends ReplayRequest>(
  lane: Lane,
  events: Iterable<Event | ReplayEdit>,
  retries: number,
): Generator<Replayed<Event>, void, undefined> {
  const due = new Due<{ readonly event: Event; readonly attempt: number }>()

  function ask(event: Event, time: Millis, attempt: number): Replayed<Event> {
    const decision = lane.judge(askedOf(event), callerOf(event), event.cost ?? 1, time)
    const again = againAt(decision, time, retries - attempt)
    if (again !== null) due.put(again, { event, attempt: attempt + 1 })
    return { event, decision, time, attempt }
  }

  for (const event of events) {
    if (!('time' in event)) {
      lane.replace(event.catalog)
      continue
    }
    for (let { at } = due; at <= event.time; at = due.at) {
      const { event, attempt } = due.take()
      yield ask(event, at, attempt)
    }
    yield ask(event, event.time, 0)
  }
  while (due.size > 0) {
    const { at } = due
    const { event, attempt } = due.take()
    yield ask(event, at, attempt)
  }
}

function askedOf({ method, path, host, apiId, stage }: ReplayRequest): Asked {
  return new Asked(method, path, host ?? null, apiId, stage)
}

function callerOf({ keyId, apiKey }: ReplayRequest): Caller {
  return keyId || apiKey ? new Caller(keyId || null, apiKey || null) : NOBODY
}
