// What readers of log formats share: how a line's parts become what was asked and who asked. Floor 4.

import { Interned, textOf } from './interned.ts'
import { Asked, type Caller, type Line, NOBODY } from './line.ts'
import { type Times, timesOf } from './times.ts'

/** Why a line is not replayed; one text for all lines of a kind. Null: it is. */
export type Trouble = string | null

/** Reads the line at `start` … `end` into `line`. What it does not say keeps its value of the line before. */
export type Reader = (bytes: Uint8Array, start: number, end: number, line: Line) => Trouble

/** A line that says nothing, and is not counted: a comment, an empty one. */
export const SILENT: Trouble = ''

/** A line of a request that was none: a client that connected and said nothing, or no HTTP. */
export const NO_REQUEST: Trouble = 'no HTTP request was made (the request is - or unreadable)'

/** A line of a request that tollgate refused before it was judged. */
export const NOT_JUDGED: Trouble = 'refused before it was judged (decision: not-judged)'

/** What lines of a log are taken to say. */
export interface Mapping {
  /** Names of fields, by what they are: `key`, `time`, `method`, `path`, `host`, `cost`, `status`, `apiId`, `stage`. */
  readonly fields?: Readonly<Partial<Record<Meaning, string>>>
  /** The host of lines that name none. */
  readonly host?: string | undefined
  /** `apiId/stage` of every line: then host and base path are not looked at. */
  readonly stage?: string | undefined
}

export const MEANINGS = ['key', 'time', 'method', 'path', 'host', 'cost', 'status', 'apiId', 'stage'] as const
export type Meaning = (typeof MEANINGS)[number]

/** Requests of different paths that are kept apart; with more it begins again. */
const MOST_ASKED = 1 << 16

/** The parts of one log, made into what is replayed. */
export class Reading {
  readonly times: Times = timesOf()
  readonly #callers: Interned<Caller>
  readonly #host: string | null
  readonly #apiId: string | undefined
  readonly #stage: string | undefined
  /** By the text of a request: `GET /pets`. */
  readonly #asked: Interned<Asked>
  /** By stage and host, then by the text of a request. */
  readonly #elsewhere = new Map<string, Map<string, Asked>>()
  #elsewhereSize = 0
  readonly fields: Readonly<Partial<Record<Meaning, string>>>

  constructor(callers: Interned<Caller>, { fields = {}, host, stage }: Mapping) {
    const slash = stage?.lastIndexOf('/') ?? -1
    this.#callers = callers
    this.fields = fields
    this.#host = host ?? null
    this.#apiId = stage?.slice(0, slash)
    this.#stage = stage?.slice(slash + 1)
    this.#asked = new Interned(text => this.#ask(text), MOST_ASKED)
  }

  /** @param start … end  `GET /pets`, without the query */
  asked(bytes: Uint8Array, start: number, end: number): Asked {
    return this.#asked.of(bytes, start, end)
  }

  /** What a line asks for that says more than method and path. */
  askedOf(method: string, path: string, host: string | null, apiId?: string, stage?: string): Asked {
    const where = apiId === undefined ? (host ?? '') : `${apiId}/${stage} ${host}`
    let known = this.#elsewhere.get(where)
    if (known === undefined) this.#elsewhere.set(where, (known = new Map()))
    const text = `${method} ${path}`
    let asked = known.get(text)
    if (asked === undefined) {
      if (++this.#elsewhereSize > MOST_ASKED) {
        this.#elsewhere.clear()
        this.#elsewhereSize = 0
        this.#elsewhere.set(where, (known = new Map()))
      }
      asked = this.#make(method, path, host, apiId, stage)
      known.set(text, asked)
    }
    return asked
  }

  /** Who a field names; nobody, where it is empty or a dash. */
  caller(bytes: Uint8Array, start: number, end: number): Caller {
    if (start >= end || (end === start + 1 && bytes[start] === DASH)) return NOBODY
    return this.#callers.of(bytes, start, end)
  }

  callerOf(text: string | null | undefined): Caller {
    return text === null || text === undefined || text === '' || text === '-' ? NOBODY : this.#callers.ofText(text)
  }

  /** Who a parameter of a query names. @param start the `?` */
  callerInQuery(bytes: Uint8Array, start: number, end: number, name: string): Caller {
    for (const pair of textOf(bytes, start + 1, Math.max(start + 1, end)).split('&')) {
      if (pair.startsWith(name) && pair[name.length] === '=')
        return this.callerOf(unescaped(pair.slice(name.length + 1)))
    }
    return NOBODY
  }

  #ask(text: string): Asked {
    const space = text.indexOf(' ')
    return this.#make(text.slice(0, space), unquoted(text.slice(space + 1)), this.#host)
  }

  #make(method: string, path: string, host: string | null, apiId?: string, stage?: string): Asked {
    if (this.#apiId !== undefined) return new Asked(method, path, host, this.#apiId, this.#stage)
    return new Asked(method, path, host ?? this.#host, apiId, stage)
  }
}

const DASH = 45

/** `query.api_key` → `api_key`; null where the field is none of the query's. */
export function queryParameter(field: string | undefined): string | null {
  return field?.startsWith('query.') ? field.slice('query.'.length) : null
}

/** `%2F` → `/`; what is no escape stays. */
export function unescaped(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What servers write for a quote or a byte that would break their line: `\"`, `\\`, `\x22`. */
export function unquoted(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(?:x([0-9A-Fa-f]{2})|(.))/g, (_, hex: string | undefined, character: string) =>
    hex === undefined ? character : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
