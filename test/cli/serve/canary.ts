// A key's value is written nowhere: what was said anywhere is searched for it, in every spelling that gives it away.

import { expect } from 'vitest'

/** The spellings of a value that give it away. */
export function spellings(value: string): string[] {
  const bytes = Buffer.from(value)
  // Base64 of three alignments: a value within a longer text is spelled in one of them.
  const base64 = [0, 1, 2].map(offset => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return text.slice(Math.ceil((offset * 4) / 3), text.length - 4)
  })
  return [
    value,
    ...base64,
    ...base64.map(text => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(value),
    [...bytes].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    JSON.stringify(value).slice(1, -1),
  ]
}

/** Holds that none of the values is in any of the texts. */
export function expectNoKeyIn(texts: Readonly<Record<string, string>>, values: readonly string[]): void {
  for (const [name, text] of Object.entries(texts)) {
    for (const value of values) {
      const at = spellings(value).findIndex(spelling => text.includes(spelling))
      expect(at, `spelling ${at} of a key's value in ${name}`).toBe(-1)
    }
  }
}
