// A line of a log as a replay sees it: when, what, who. Floor 4.
// What was asked and who asked are made once for all lines that say the same, and what was asked remembers where it led
// (lane.ts), so that a line costs no string, no route and no look-up of its own.

import type { Index } from '../core/compile.ts'
import type { Decision } from '../core/decision.ts'
import type { route } from '../core/resolve.ts'
import type { Millis } from '../core/units.ts'
import { targetOf } from '../http/target.ts'

/** What a lane found of what was asked, under one index. */
export interface AskedSeat {
  readonly index: Index
  readonly found: ReturnType<typeof route>
}
/** What was asked for. */
export class Asked {
  readonly method: string
  readonly path: string
  readonly host: string | null
  /** Said by the log: then host and base path are not looked at. */
  readonly apiId?: string
  readonly stage?: string
  /** By lane. */
  readonly seats: AskedSeat[] = []

  constructor(method: string, target: string, host: string | null, apiId?: string, stage?: string) {
    const { path, host: named } = targetOf(target)
    this.method = method
    this.path = path
    this.host = named ?? host
    if (apiId !== undefined && stage !== undefined) {
      this.apiId = apiId
      this.stage = stage
    }
  }
}

/** Who asked: by id where one is known, else by what came as the key's value; by neither where no key came. */
export class Caller {
  readonly id: string | null
  readonly value: string | null
  /** Its place among the callers of a table; -1 for one that no catalog knows. */
  readonly ordinal: number

  constructor(id: string | null, value: string | null, ordinal: number = -1) {
    this.id = id
    this.value = value
    this.ordinal = ordinal
  }
}

/** No key came. */
export const NOBODY: Caller = new Caller(null, null)

/** What tollgate's own log says came of a request, and under which catalog. */
export interface Said {
  readonly kind: Decision['kind'] | 'not-judged'
  readonly version: string | null
  /** Why it was refused: a limit's name, or what was wrong with the key or the path. */
  readonly why: string | null
}

/** Written over by each line that is read. */
export class Line {
  /** ms since the Unix epoch. */
  time: Millis = 0
  /** Decides between lines of one process and one instant; 0 where the log has none. */
  seq = 0
  asked: Asked = NOTHING
  caller: Caller = NOBODY
  cost = 1
  /** What was answered, 0 where the log does not say. */
  status = 0
  said: Said | null = null
}

const NOTHING: Asked = new Asked('', '/', null)
