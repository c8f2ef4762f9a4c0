// JSON in and out of the control plane. Floor 4: pure.
// In: no member twice, since two readers of one body must not see two different requests, and no nest that could exhaust
// whoever walks it. Out: as AWS writes it, rates with a decimal point.

/** Levels of a body. AWS's own inputs have five. */
const DEPTH = 64

/** A body's value, or why it is none. */
export type ReadJson = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string }

/** The value of JSON text in which no object has a member twice. */
export function readJson(text: string): ReadJson {
  // What each level has named so far; null for a list.
  const levels: (Set<string> | null)[] = []
  let key: string | null = null
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/gs)) {
    if (token === '{' || token === '[') {
      if (levels.length === DEPTH) return { ok: false, message: `The body is nested more than ${DEPTH} levels deep` }
      levels.push(token === '{' ? new Set() : null)
    } else if (token === '}' || token === ']') {
      levels.pop()
    } else if (token === ':') {
      const names = levels.at(-1)
      const name = key === null ? null : nameOf(key)
      if (names != null && name !== null) {
        if (names.has(name)) return { ok: false, message: 'The body has a member twice' }
        names.add(name)
      }
    }
    key = token.startsWith('"') ? token : null
  }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, message: 'The body is not JSON' }
  }
}

/** Of text that is no JSON string, null: JSON.parse will say so. */
function nameOf(quoted: string): string | null {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return null
  }
}

/** Numbers that AWS writes as doubles. */
const DOUBLES = ['rateLimit', 'throttlingRateLimit']

/** JSON as AWS writes it: members that are undefined left out, and `"rateLimit": 10.0`. */
export function writeJson(value: unknown, name = ''): string {
  if (typeof value === 'number' && Number.isInteger(value) && DOUBLES.includes(name) && Math.abs(value) < 1e21) {
    return `${value}.0`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => writeJson(item)).join(',')}]`
  const members = Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : [`${JSON.stringify(name)}:${writeJson(member, name)}`],
  )
  return `{${members.join(',')}}`
}
