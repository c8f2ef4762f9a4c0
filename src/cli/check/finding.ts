// What a check finds. Floor 5: types, and nothing else.

import type { At } from '../../core/readers.ts'

/** An error makes the catalog unfit to serve; a warning is probably not meant so; a note is worth knowing. */
export type Severity = 'error' | 'warning' | 'note'

export interface Finding {
  readonly severity: Severity
  /** Stable, for programs. */
  readonly code: string
  readonly where: Where
  /** What is so, in one sentence without its end. Never holds a key's value. */
  readonly message: string
  /** What to do, or why to leave it. */
  readonly remedy: string
}

/** A place in the catalog's document, or a key, wherever it came from. */
export type Where = { readonly at: At } | { readonly keyId: string; readonly field?: string }
