// What is thrown: programmers' mistakes, and outages. Refusals of requests are values.

/** A clock that did not give a time. Nothing was decided. */
export class ClockError extends Error {
  override readonly name = 'ClockError'
  readonly code = 'INVALID_TIME'

  constructor(received: unknown) {
    super(`clock: expected milliseconds since the Unix epoch, received ${String(received)}`)
  }
}

/**
 * A store that could not decide, or whose records cannot be read. Bugs are not among it: what else a store throws is
 * thrown on as it is.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code = 'STORE_FAILED'
  /**
   * Whether it may pass by itself: a lock, a network, a full disk. False, which is the default, for what stays until
   * somebody repairs it.
   */
  readonly transient: boolean
  /**
   * `no`: certainly nothing was charged, and asking again is safe. `unknown`, the default: it may have been; asking again
   * may charge twice.
   */
  readonly executed: 'no' | 'unknown'

  constructor(
    message: string,
    {
      transient = false,
      executed = 'unknown',
      cause,
    }: { readonly transient?: boolean; readonly executed?: 'no' | 'unknown'; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.transient = transient
    this.executed = executed
  }
}

/** Every `code` that an error of this package carries. */
export type ErrorCode = 'INVALID_CATALOG' | 'INVALID_TIME' | 'STATE_UNREADABLE' | 'STORE_FAILED'
