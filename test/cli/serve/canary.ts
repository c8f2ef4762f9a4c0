// A key's value is written nowhere: what was said anywhere is searched for it, in every spelling that gives it away.

import { expect } from 'vitest'
import { spellings } from './spellings.ts'

/** Holds that none of the values is in any of the texts. */
export function expectNoKeyIn(texts: Readonly<Record<string, string>>, values: readonly string[]): void {
  for (const [name, text] of Object.entries(texts)) {
    for (const value of values) {
      const at = spellings(value).findIndex(spelling => text.includes(spelling))
      expect(at, `spelling ${at} of a key's value in ${name}`).toBe(-1)
    }
  }
}
