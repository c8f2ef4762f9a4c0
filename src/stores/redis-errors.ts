// What went wrong between here and Redis, as a StoreError that says whether anything can have been charged. Floor 3.

import { StoreError } from '../errors.ts'
import { isBug } from './bugs.ts'

/** Said by a server that has certainly not executed what it was sent, and may execute it later. */
const NOT_NOW = new Set([
  'NOSCRIPT',
  'MOVED',
  'ASK',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'LOADING',
  'BUSY',
  'READONLY',
  'MASTERDOWN',
  'NOREPLICAS',
  'MISCONF',
  'OOM',
  'NOAUTH',
  'NOPERM',
  'WRONGPASS',
])

/** The same, of a server that has no word for it, and of clients that have no connection: nothing was sent. */
const NOT_SENT = /max number of clients|The client is (?:closed|offline)|Stream isn't writeable/

/** Not executed either, and never will be until somebody repairs it; and how. */
const NOT_EVER: Readonly<Record<string, string>> = {
  CROSSSLOT: 'this is a cluster: redisStore needs `cluster: true`',
  WRONGTYPE: 'a key under the prefix holds something else: give the store a prefix of its own, or delete the key',
  UNREADABLE:
    'a record under the prefix is not one that this release reads: written by a later one, or by something else',
  CLOCK: 'its clock is more than a day from this host’s: set one of them right',
}

/**
 * The first word in capitals of what a server said: its code.
 * Redis 6 puts the place in the script before it, and a minus.
 */
const CODE = /(?:^|[\s:!?-])([A-Z]{3,})(?=\s|$)/

export function codeOf(error: unknown): string | undefined {
  return CODE.exec(messageOf(error))?.[1]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** An error that a client threw, or a server answered to a whole call. A bug of who wrote `send` stays what it is. */
export function failureOf(cause: unknown): Error {
  if (cause instanceof StoreError || isBug(cause)) return cause
  const message = `redis: ${messageOf(cause)}`
  const code = codeOf(cause)
  if (code !== undefined && NOT_NOW.has(code))
    return new StoreError(message, { transient: true, executed: 'no', cause })
  if (code !== undefined && code in NOT_EVER) return broken(code, message, cause)
  if (NOT_SENT.test(message)) return new StoreError(message, { transient: true, executed: 'no', cause })
  // A server that answers anything else ran into a mistake, here or there. What did not come from a server is a network.
  return new StoreError(message, { transient: code !== 'ERR', executed: 'unknown', cause })
}

/** What the script answered of one ask: `!` nothing of it was written, `?` a part of it was. */
export function failureOfAsk(reply: string): StoreError {
  const message = `redis: ${reply.slice(1)}`
  const code = codeOf(reply)
  if (reply.startsWith('!')) {
    if (code !== undefined && code in NOT_EVER) return broken(code, message)
    if (code !== undefined && NOT_NOW.has(code)) return new StoreError(message, { transient: true, executed: 'no' })
    return new StoreError(message, { transient: false, executed: 'no' })
  }
  return new StoreError(message, { transient: code !== undefined && NOT_NOW.has(code), executed: 'unknown' })
}

/** The same failure, where not even what was taken before it is known to have been put back. */
export function uncertain(cause: unknown): Error {
  const failure = failureOf(cause)
  if (!(failure instanceof StoreError)) return failure
  return new StoreError(failure.message, { transient: failure.transient, executed: 'unknown', cause })
}

/** A reply that is not what the script returns: another script, a proxy, a client that makes buffers of strings. */
export function misshapen(reply: unknown): StoreError {
  const seen = typeof reply === 'string' ? JSON.stringify(reply.slice(0, 60)) : Object.prototype.toString.call(reply)
  return new StoreError(`redis: expected the replies of the script, received ${seen}`, { transient: false })
}

/** The reply to another call: after one that it could not parse, a client may hand each to the command before. */
export function misplaced(id: number, received: unknown): StoreError {
  return new StoreError(
    `redis: expected the reply to call ${id}, received that to ${String(received)}: the client has lost count; connect anew`,
    { transient: false },
  )
}

function broken(code: string, message: string, cause?: unknown): StoreError {
  return new StoreError(`${message} (${NOT_EVER[code]})`, { transient: false, executed: 'no', cause })
}
