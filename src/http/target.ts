// A request target's path and the authority it names. Floor 4: imports nothing.

/** What a target says: `host` is null where it names none, and a header does. */
export interface Target {
  readonly path: string
  readonly host: string | null
}

/**
 * The parts of a request target.
 *
 * Absolute form: its authority is the host, whatever the header says (RFC 9112, 3.2.2). Where it ends must be beyond
 * doubt: routers cut `http://h;x/pets` and `http://h?x/pets` in different places. What is none is no path either.
 */
export function targetOf(target: string): Target {
  const absolute = target.startsWith('/')
    ? null
    : /^https?:\/\/((?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?)(\/.*)?$/is.exec(target)
  return absolute === null ? { path: target, host: null } : { path: absolute[2] ?? '/', host: absolute[1] as string }
}
