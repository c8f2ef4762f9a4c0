// The keys of a catalog in the order they are listed: newest first, by date and then by id. Floor 4: pure; what it
// remembers is derived.
// A catalog has no order of its own (core/table.ts). The first page sorts its keys: some 1 s for a million, so `prepare`
// does it when nobody waits. From then on an edit adds its keys to a short list beside the sorted one, and keys that are
// gone are passed over; after a thousand edits they are sorted anew. A page costs what it shows
// (`CONTROL_KEYS=1000000 npx vitest run test/control/million.test.ts` measures it).

import type { ApiKeys } from '../core/catalog.ts'
import type { ApiKey } from '../core/plan.ts'

/** What keys are sorted by. */
interface Place {
  readonly date: number
  readonly id: string
}

interface Order {
  /** Sorted, newest first. Holds every key but for the recent ones, and perhaps some that are gone. */
  readonly base: readonly Place[]
  /** Sorted, newest first, and short. */
  readonly recent: readonly Place[]
  readonly edits: number
}

const orders = new WeakMap<ApiKeys, Order>()

/** Edits after which what is beside the sorted list goes into it. */
export const MOST_FOLLOWED = 1000

/** Newest first. */
function compare(a: Place, b: Place): number {
  if (a.date !== b.date) return b.date - a.date
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0
}

const placeOf = ({ id, createdDate = 0 }: ApiKey): Place => ({ date: createdDate, id })

function orderOf(keys: ApiKeys): Order {
  const known = orders.get(keys)
  if (known !== undefined) return known
  const base = Array.from(keys, placeOf).reverse().sort(compare)
  const order = { base, recent: [], edits: 0 }
  orders.set(keys, order)
  return order
}

/** Sorts a catalog's keys now, so that the first page of them does not. */
export function prepare(catalog: { readonly apiKeys: ApiKeys }): void {
  orderOf(catalog.apiKeys)
}

/** Notes that `to` came of `from` by adding these keys, and by removing or changing any that do not change place. */
export function followOrder(from: ApiKeys, to: ApiKeys, added: readonly ApiKey[]): void {
  const known = orders.get(from)
  if (known === undefined || from === to) return
  if (known.edits + added.length >= MOST_FOLLOWED) return
  const recent = [...known.recent, ...added.map(placeOf)].sort(compare)
  orders.set(to, { base: known.base, recent, edits: known.edits + Math.max(1, added.length) })
}

/** The first place of a sorted list that comes after this one. */
function after(list: readonly Place[], place: Place): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(list[middle] as Place, place) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The keys, newest first, after that place.
 *
 * @param place date and id of the last key that was shown; it need not be there any more
 */
export function* keysAfter(keys: ApiKeys, place?: readonly string[]): Generator<ApiKey, void, undefined> {
  const { base, recent } = orderOf(keys)
  const from = place === undefined ? undefined : { date: Number(place[0]), id: place[1] ?? '' }
  let i = from === undefined ? 0 : after(base, from)
  let j = from === undefined ? 0 : after(recent, from)
  let last: Place | undefined
  while (i < base.length || j < recent.length) {
    const a = base[i]
    const b = recent[j]
    const next = (a === undefined ? b : b === undefined || compare(a, b) <= 0 ? a : b) as Place
    if (next === a) i++
    else j++
    // A key that was removed and made again with its id and second is there twice.
    if (last !== undefined && compare(last, next) === 0) continue
    last = next
    const key = keys.get(next.id)
    if (key !== undefined && (key.createdDate ?? 0) === next.date) yield key
  }
}
