// What a gate throws: programmers' mistakes. Refusals of requests are values.

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
