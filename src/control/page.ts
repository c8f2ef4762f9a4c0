// Pages of a list, and the opaque positions between them. Floor 4: pure, no state: a position says where its page
// begins, so that it holds across processes and edits.

import { badRequest } from './fault.ts'
import { textOf } from './input.ts'
import type { Answer, Input } from './operation.ts'

/** AWS's: 25 where nothing is said, 500 at most. Recorded: -1 is as nothing; so is 0 here, and more is 500. */
export function limitOf(input: Input): number {
  const given = input['limit'] ?? undefined
  if (given === undefined) return 25
  const text = String(given)
  if (!/^-?[0-9]{1,10}$/.test(text)) return badRequest('Invalid limit specified: expected a whole number')
  const limit = Number(text)
  return limit <= 0 ? 25 : Math.min(limit, 500)
}

/**
 * The position of a place in a collection.
 *
 * @param collection tells positions of one list from those of another: one of a foreign list is refused
 */
export function positionOf(collection: string, place: readonly string[]): string {
  const text = JSON.stringify([collection, ...place])
  return base64Url(`${checksumOf(text)}${text}`)
}

/** The place that the request's position says; undefined without one. Ends the operation when it is none of ours. */
export function placeOf(input: Input, collection: string): readonly string[] | undefined {
  const position = textOf(input, 'position')
  if (position === undefined || position === '') return undefined
  const invalid = (): never => badRequest('Invalid position parameter specified')
  if (position.length > 2000 || !/^[A-Za-z0-9_-]+$/.test(position)) return invalid()
  const text = fromBase64Url(position)
  const body = text.slice(7)
  if (text.slice(0, 7) !== checksumOf(body)) return invalid()
  const [of, ...place] = JSON.parse(body) as string[]
  return of === collection ? place : invalid()
}

/**
 * A page of a short list, which may be edited between pages: after the item of the position's name, or where that one
 * is gone, at its place.
 */
export function page<T>(
  input: Input,
  collection: string,
  items: readonly T[],
  nameOf: (item: T) => string,
): { readonly items: readonly T[]; readonly position: string | undefined } {
  const limit = limitOf(input)
  const place = placeOf(input, collection)
  let start = 0
  if (place !== undefined) {
    const at = items.findIndex(item => nameOf(item) === place[0])
    start = at === -1 ? Number(place[1]) : at + 1
  }
  const shown = items.slice(start, start + limit)
  const last = shown.at(-1)
  const more = last !== undefined && start + limit < items.length
  return {
    items: shown,
    position: more ? positionOf(collection, [nameOf(last), String(start + limit - 1)]) : undefined,
  }
}

/** A page of a short list as AWS puts it on the wire. */
export function pageAnswer<T>(
  input: Input,
  collection: string,
  items: readonly T[],
  nameOf: (item: T) => string,
  viewOf: (item: T) => unknown,
): Answer {
  const { items: shown, position } = page(input, collection, items, nameOf)
  return { position, item: shown.map(viewOf) }
}

/** FNV-1a, in seven digits: against slips, not against forgery. There is nothing in a position to forge. */
function checksumOf(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(36).padStart(7, '0')
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function base64Url(ascii: string): string {
  let out = ''
  let bits = 0
  let held = 0
  for (const char of ascii) {
    held = (held << 8) | (char.charCodeAt(0) & 255)
    for (bits += 8; bits >= 6; bits -= 6) out += BASE64[(held >> (bits - 6)) & 63]
    held &= 63
  }
  return bits > 0 ? out + BASE64[(held << (6 - bits)) & 63] : out
}

function fromBase64Url(text: string): string {
  let out = ''
  let bits = 0
  let held = 0
  for (const char of text) {
    held = ((held << 6) | BASE64.indexOf(char)) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    out += String.fromCharCode((held >> bits) & 255)
  }
  return out
}
