// Which of the things a client throws are bugs, and no outage: nobody is let in because of one. Floor 3: imports nothing.

const BUGS = [TypeError, ReferenceError, RangeError, SyntaxError]

/** What fetch of Node (undici) says in a TypeError when the network fails, before the answer and in the midst of it. */
const FETCH = new Set(['fetch failed', 'terminated'])

export function isBug(error: unknown): error is Error {
  if (error instanceof TypeError && FETCH.has(error.message) && error.cause !== undefined) return false
  return BUGS.some(bug => error instanceof bug)
}
