// The access log: one JSON object a line, which replay reads. Floor 5. docs/cli.md has the fields. Never a key's value.

import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import type { Decision } from '../../core/decision.ts'
import { canonicalPath } from '../../core/path.ts'
import { targetOf } from '../../http/target.ts'

/** A request that was answered. */
export interface Answered {
  /** When it was judged, ms since the Unix epoch. */
  readonly at: number
  /** Counts the requests of this process in the order they were judged: lines come in the order of their answers. */
  readonly seq?: number
  /** The catalog in force when it was judged. */
  readonly version?: string
  /** ms from then until its answer was out. */
  readonly duration: number
  /** Empty, as the target, where nobody could read the request. */
  readonly method: string
  /** The path that was judged, or what came where it has no one spelling; without keys (without-keys.ts), as the host. */
  readonly target: string
  readonly host: string | undefined
  readonly status: number
  /** Whether the answer ended before it was whole: its client left, or the upstream broke off. */
  readonly cut?: boolean
  /** Null for one that was refused before it was judged: a body announced as too long. */
  readonly decision: Decision | null
  /** Whether it was refused and passed on all the same. */
  readonly dryRun: boolean
}

export interface AccessLog {
  /** Whether the last attempt to write failed. */
  readonly failing: boolean
  write(answered: Answered): void
  /** Goes on in a new file of the same name, after the old one was renamed. */
  reopen(): void
  /** Everything written is in the file when the promise resolves. */
  close(): Promise<void>
}

/** A line of the log, without its end. */
export function logLine(answered: Answered): string {
  const { at, seq, version, duration, method, target, host, status, cut, decision, dryRun } = answered
  const said = (decision ?? {}) as Partial<Record<'reason' | 'limitedBy' | 'retryAfter' | 'keyId', unknown>>
  const metered = decision !== null && 'metered' in decision ? decision.metered : undefined
  const { path } = targetOf(target)
  return JSON.stringify({
    // The instant it was judged at, so that a replay of the log decides the same.
    time: new Date(at).toISOString(),
    seq,
    method: method || undefined,
    // Without the query: what is not judged is not kept, and people put secrets there.
    path: canonicalPath(path) ?? ((path.split('?', 1)[0] as string).slice(0, 2048) || undefined),
    host,
    status,
    cut: cut || undefined,
    duration,
    decision: decision?.kind ?? 'not-judged',
    reason: said.reason,
    limitedBy: said.limitedBy,
    retryAfter: said.retryAfter ?? undefined,
    apiId: metered?.apiId,
    stage: metered?.stage,
    resource: metered === undefined ? undefined : `${metered.httpMethod} ${metered.path}`,
    keyId: said.keyId ?? undefined,
    planId: metered?.plan?.planId,
    cost: metered?.cost,
    version: version ?? metered?.version,
    degraded: decision !== null && 'degraded' in decision ? decision.degraded : undefined,
    dryRun: dryRun || undefined,
  })
}

/** ms after which a file that could not be written to is tried again. */
const AGAIN = 5_000

/**
 * A log in a file, appended to. Errors (a full disk) are told once until it works again, and never stop a request; but
 * for that of a file which does not open, which is thrown.
 */
export async function accessLog(path: string, onError: (error: Error) => void): Promise<AccessLog> {
  let failing = true
  let triedAt = 0
  /** Those that have not put everything into their files yet. */
  const open = new Set<WriteStream>()
  const opened = (): WriteStream => {
    triedAt = performance.now()
    const stream = createWriteStream(path, { flags: 'a', mode: 0o640, highWaterMark: 1 << 20 })
    open.add(stream)
    stream.once('close', () => open.delete(stream))
    stream.on('error', error => {
      if (!failing) onError(error)
      failing = true
    })
    return stream
  }
  let stream = opened()
  await once(stream, 'open')
  failing = false
  return {
    get failing() {
      return failing
    },
    write(answered) {
      if (stream.destroyed && performance.now() - triedAt > AGAIN) stream = opened()
      if (stream.destroyed) return
      stream.write(`${logLine(answered)}\n`, error => {
        if (!error) failing = false
      })
    },
    reopen() {
      stream.end()
      stream = opened()
    },
    async close() {
      stream.end()
      await Promise.all([...open].map(stream => new Promise<void>(resolve => stream.once('close', resolve))))
    },
  }
}
