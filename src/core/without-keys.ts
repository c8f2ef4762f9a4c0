// What callers sent as it may be written down: a key that somebody put into a path, a host or a line is not. Floor 0.

import type { ApiKeys } from './catalog.ts'

/** What may spell a key. Of its alphabet a slash parts paths, and `=`, but at an end, a name from a value. */
const PIECE = /(?:[\w\-.~+]|%[0-9A-Fa-f]{2}){20,}={0,2}/g

/**
 * The text with `key:ID` in place of each key's value, and `key` in place of what came as a key and is none.
 *
 * @param sent what came in `x-api-key`
 */
export function withoutKeys(text: string, keys: ApiKeys, sent: unknown = null): string {
  const hidden = (value: string): string => {
    const key = keys.withValue(value)
    return key === undefined ? 'key' : `key:${key.id}`
  }
  const came = typeof sent === 'string' && sent.length >= 20 ? sent : null
  const whole = came === null ? text : text.replaceAll(came, hidden(came))
  return whole.replace(PIECE, piece => {
    const value = unescaped(piece)
    if (keys.withValue(value) !== undefined) return hidden(value)
    return came !== null && value.includes(came) ? hidden(came) : piece
  })
}

function unescaped(piece: string): string {
  try {
    return decodeURIComponent(piece)
  } catch {
    return piece
  }
}
