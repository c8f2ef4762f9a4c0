// One spelling for every path, so that two spellings of one resource cannot have two buckets, or one of them none.
// Floor 1: imports nothing. What could mean two things to two servers is refused rather than guessed.

/** The path of a request target in its one spelling, or null when it has none. */
export type CanonicalPath = string | null

const PLAIN = 1
const ESCAPE = 2
const TAIL = 3

const DOT = 46
const SLASH = 47

/** What each ASCII character may be in a path: plain, the start of an escape, or the end of the path (`?`). 0 is refused. */
const CLASS = new Uint8Array(128).fill(PLAIN, 0x21, 0x7f)
CLASS['#'.charCodeAt(0)] = 0
CLASS['\\'.charCodeAt(0)] = 0
CLASS['%'.charCodeAt(0)] = ESCAPE
CLASS['?'.charCodeAt(0)] = TAIL

const UNRESERVED = /[\w.~-]/

/**
 * The canonical spelling of a request target's path.
 *
 * The query is cut off. Escapes of unreserved characters are decoded, once; other escapes keep their place with upper
 * case digits. One slash at the end is dropped. Refused: a fragment, a backslash, control characters and anything beyond
 * ASCII unescaped; escapes of `/`, `\`, control characters, or of bytes that are not UTF-8; `.` and `..` segments, also
 * escaped or before a `;`; empty segments.
 *
 * @param target `/pets/1?limit=2`, origin form
 * @returns the path, which begins with a slash; null when it is refused. Canonical paths are their own canonical form.
 */
export function canonicalPath(target: string): CanonicalPath {
  if (typeof target !== 'string' || target.charCodeAt(0) !== SLASH) return null
  let end = target.length
  let escaped = false
  let segment = 1
  for (let i = 1; i < end; i++) {
    const code = target.charCodeAt(i)
    if (code === SLASH) {
      if (isBadSegment(target, segment, i)) return null
      segment = i + 1
      continue
    }
    const kind = code < 128 ? CLASS[code] : 0
    if (kind === PLAIN) continue
    if (kind === TAIL) end = i
    else if (kind === ESCAPE) escaped = true
    else return null
  }
  if (segment < end && isBadSegment(target, segment, end)) return null
  if (end > 1 && target.charCodeAt(end - 1) === SLASH) end--
  const path = end === target.length ? target : target.slice(0, end)
  return escaped ? unescapeOnce(path) : path
}

/** Empty, `.`, `..`, or one of those before a `;`. */
function isBadSegment(path: string, start: number, end: number): boolean {
  if (start === end) return true
  if (path.charCodeAt(start) !== DOT) return false
  const next = start + (path.charCodeAt(start + 1) === DOT && start + 1 < end ? 2 : 1)
  return next >= end || path.charCodeAt(next) === 59
}

function unescapeOnce(path: string): CanonicalPath {
  // The platform's decoder says whether the escapes are whole and the bytes UTF-8; what it decodes is not used.
  try {
    decodeURIComponent(path)
  } catch {
    return null
  }
  let bad = false
  const decoded = path.replace(/%[0-9A-Fa-f]{2}/g, hex => {
    const code = Number.parseInt(hex.slice(1), 16)
    if (code < 0x20 || code === 0x7f || code === SLASH || code === 0x5c) bad = true
    const character = String.fromCharCode(code)
    return UNRESERVED.test(character) ? character : hex.toUpperCase()
  })
  if (bad) return null
  // An escaped dot may have made a segment of dots: look again, at what it means.
  return decoded.split('/').some(segment => /^\.\.?(;|%3B|$)/.test(segment)) ? null : decoded
}

/**
 * What a segment may come to mean further on: unescaped, in lower case, and without what follows a `;`.
 *
 * A segment that is not declared but whose folded form is one that is (`/PETS`, `/%70ets`, `/pets;a=1`) would be served
 * as that one by many servers. resolve.ts refuses it.
 */
export function foldSegment(segment: string): string {
  let text = segment
  if (text.includes('%')) {
    try {
      text = decodeURIComponent(text)
    } catch {
      // Not whole: it stays as it is, and matches no declared literal.
    }
  }
  const params = text.indexOf(';')
  if (params !== -1) text = text.slice(0, params)
  return text.toLowerCase()
}
