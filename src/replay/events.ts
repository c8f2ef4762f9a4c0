// A log's text or bytes → events for `replay`: for tests and notebooks; the command reads files itself. Floor 4.

import { quote } from '../core/readers.ts'
import type { Millis } from '../core/units.ts'
import { FORMATS, type Format, formatOf, readerOf } from './formats.ts'
import { Interned } from './interned.ts'
import { Caller, type Line, type Said } from './line.ts'
import { type Mapping, Reading } from './reading.ts'
import type { ReplayRequest } from './replay.ts'
import { merged, Source } from './source.ts'

/** A line of a log. Its key is in `keyId` and in `apiKey`: which of the two it is, only a catalog can tell. */
export interface LogEvent extends ReplayRequest {
  /** What was answered, 0 where the log does not say. */
  readonly status: number
  /** What tollgate's own log says was decided, and by which catalog. */
  readonly said: Said | null
}

export interface EventsOptions extends Mapping {
  /** Default: by the first lines. */
  readonly format?: Format
  /** ms by which a line may come late and still be put in its place. Default 60 000. */
  readonly window?: Millis
  /** Told of each kind of line that cannot be read, once, with the number of its first line; default: nobody. */
  readonly onTrouble?: (why: string, line: number) => void
}

/**
 * The requests of a log, in the order of their times, lazily.
 *
 * @throws {TypeError} when the format is none there is; or, once it is read, when none is named and the first chunk looks
 * like none
 */
export function eventsOf(
  log: string | Iterable<Uint8Array>,
  options: EventsOptions = {},
): Generator<LogEvent, void, undefined> {
  const { format } = options
  if (format !== undefined && !FORMATS.includes(format)) {
    throw new TypeError(`format: expected one of ${FORMATS.join(', ')}, received ${quote(String(format))}`)
  }
  return eventsIn(log, options)
}

function* eventsIn(
  log: string | Iterable<Uint8Array>,
  { format, window = 60_000, onTrouble = () => {}, ...mapping }: EventsOptions,
): Generator<LogEvent, void, undefined> {
  const chunks = typeof log === 'string' ? [new TextEncoder().encode(log)] : log
  const reading = new Reading(new Interned(text => new Caller(text, text), 1 << 16), mapping)
  let source: Source | null = null
  let ready: LogEvent[] = []
  const told = (line: Line): void => void ready.push(eventOf(line))
  const seen = new Set<string>()

  for (const chunk of chunks) {
    if (source === null) {
      const known = format ?? formatOf(chunk)
      if (known === null) throw new TypeError(`format: expected one of ${FORMATS.join(', ')}; the log looks like none`)
      source = new Source('', readerOf(known, reading), { window, most: 1 << 16, spread: false })
    }
    source.feed(chunk)
    for (const { why, line } of source.troubles.values()) if (!seen.has(why) && seen.add(why)) onTrouble(why, line)
    merged([source], told)
    yield* ready
    ready = []
  }
  if (source === null) return
  source.end()
  for (const { why, line } of source.troubles.values()) if (!seen.has(why)) onTrouble(why, line)
  merged([source], told)
  yield* ready
}

function eventOf({ time, asked, caller, cost, status, said }: Line): LogEvent {
  const { method, path, host, apiId, stage } = asked
  const at = apiId === undefined || stage === undefined ? {} : { apiId, stage }
  return { time, method, path, host, ...at, keyId: caller.id, apiKey: caller.value, cost, status, said }
}
