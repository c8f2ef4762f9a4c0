// What is thrown: by programmers' mistakes and by catalogs that cannot be served. Refusals of requests are values.

import type { Issue } from './core/readers.ts'

/** A catalog that `check` refuses. The gate that was given it goes on with the one it had. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
  readonly code = 'INVALID_CATALOG'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    const more = issues.length > 1 ? `\n(and ${issues.length - 1} more: see .issues)` : ''
    super(`${issues[0]?.message ?? 'not a catalog'}${more}`)
    this.issues = issues
  }
}

/** A clock that did not give a time. Nothing was decided. */
export class ClockError extends Error {
  override readonly name = 'ClockError'
  readonly code = 'INVALID_TIME'

  constructor(received: unknown) {
    super(`clock: expected milliseconds since the Unix epoch, received ${String(received)}`)
  }
}

/** Every `code` that an error of this package carries. */
export type ErrorCode = 'INVALID_CATALOG' | 'INVALID_TIME' | 'STATE_UNREADABLE'
