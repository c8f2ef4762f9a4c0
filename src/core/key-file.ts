// AWS's API key file: CSV in, rows and warnings; and keys out again. Floor 0: pure.
// It is read as it comes, in chunks cut anywhere, and everything is linear in its length. What a file says is repeated in
// no message, since a file with its columns mixed up has keys everywhere.

import type { Catalog } from './catalog.ts'
import { type CsvRecord, CsvRecords, csvCell, guardedCell, trim } from './csv.ts'
import { isFault, putSoundKeys } from './edits.ts'
import { type ApiKey, isId, isKeyValue } from './plan.ts'
import { kindOf, Notes, oneOf, type Reader, shape } from './readers.ts'
import { seconds } from './shapes.ts'

/** A record of the file that can be imported. Source: AWS API Gateway, "API key file format". */
export interface KeyRow {
  readonly kind: 'row'
  /** 1 is the first after the header. Blank lines are none. */
  readonly record: number
  /** The line the record begins on, from 1. */
  readonly line: number
  readonly value: string
  readonly name: string
  /** Empty where there is none. */
  readonly description: string
  readonly enabled: boolean
  readonly usagePlanIds: readonly string[]
}

/** A record, or one of its usage plans (`kind` `association`), that is not imported. */
export interface KeyFileWarning {
  readonly kind: 'record' | 'association'
  readonly record: number
  readonly line: number
  /** Never holds anything of the file's cells. */
  readonly reason: string
  /** Of a usage plan that is not there: its id, or null where what stands in the file may be a key in the wrong column. */
  readonly unknownPlan?: string | null
  /** All of it in one line. */
  readonly message: string
}

/** What makes the whole file unreadable: nothing follows it. */
export interface KeyFileFailure {
  readonly kind: 'failure'
  readonly message: string
}

export type KeyFileEntry = KeyRow | KeyFileWarning | KeyFileFailure

export interface ImportOptions {
  /** With any warning import nothing (AWS's `failonwarnings=true`), or whatever is valid. */
  readonly onWarnings: 'fail' | 'ignore'
  /**
   * An id for a new key: random, or made of its value by a one-way function, since ids stand in logs. Asked again, with
   * one attempt more, while it gives one that is taken.
   *
   * @param attempt from 0
   */
  readonly newId: (value: string, attempt: number) => string
  /** Seconds since the Unix epoch, for the dates of what is new or changed. */
  readonly now?: number
}

/** What came of a file. `ids` are of the keys it names, each once, in the order of their first row. */
export type KeyImport =
  | {
      readonly ok: true
      readonly catalog: Catalog
      readonly ids: readonly string[]
      readonly warnings: readonly KeyFileWarning[]
    }
  | { readonly ok: false; readonly message: string; readonly warnings: readonly KeyFileWarning[] }

/** A key file on its way in. */
export interface KeyFileImport {
  /**
   * The next part of the text, cut anywhere.
   *
   * @throws {TypeError} where it is no text
   */
  push(chunk: string): void
  /**
   * Ends the file and imports all of it in one edit.
   *
   * @throws RangeError when `newId` gives no id that can be used
   */
  end(): KeyImport
}

/**
 * An import to push chunks into, for callers that stream: `for await (const chunk of stream) reading.push(chunk)`.
 *
 * @param catalog where it may change while the file comes, a function: it is called at the end, so no edit is lost
 * @throws {TypeError} where an option is not what it has to be
 */
export function keyFileImport(catalog: Catalog | (() => Catalog), options: ImportOptions): KeyFileImport {
  checkOptions(options)
  const reader = new KeyFileReader()
  const rows: KeyRow[] = []
  const warnings: KeyFileWarning[] = []
  let failure: KeyFileFailure | null = null
  const sort = (entry: KeyFileEntry): void => {
    if (entry.kind === 'row') rows.push(entry)
    else if (entry.kind === 'failure') failure = entry
    else warnings.push(entry)
  }
  return {
    push: chunk => {
      for (const part of parts(chunk)) reader.push(part).forEach(sort)
    },
    end: () => {
      reader.end().forEach(sort)
      if (failure !== null) return { ok: false, message: failure.message, warnings }
      return importRows(typeof catalog === 'function' ? catalog() : catalog, rows, warnings, options)
    },
  }
}

/**
 * The catalog with the keys of a key file.
 *
 * A key is known by its value: one the catalog has keeps its id and gets the file's name, description and enabled; its
 * usage plans are only ever added to. Of rows with the same value the last wins.
 *
 * @param file the text, or its chunks
 * @throws {TypeError} where that is neither, or an option is not what it has to be
 * @throws RangeError when `newId` gives no id that can be used
 */
export function importKeyFile(catalog: Catalog, file: string | Iterable<string>, options: ImportOptions): KeyImport {
  const reading = keyFileImport(catalog, options)
  for (const chunk of chunksOf(file)) reading.push(chunk)
  return reading.end()
}

/** The rows of a key file and the warnings for the others, in their order, while it is read. */
export function* readKeyFile(file: string | Iterable<string>): Generator<KeyFileEntry, void, undefined> {
  const reader = new KeyFileReader()
  for (const chunk of chunksOf(file)) {
    for (const part of parts(chunk)) yield* reader.push(part)
  }
  yield* reader.end()
}

/**
 * Keys as a key file, in chunks, which `importKeyFile` reads back.
 *
 * Cells that a spreadsheet would take for a formula get an apostrophe before them, or with `raw` stay verbatim. The
 * import knows that apostrophe from a key or a plan's id, but not from a name or a description. The file has no place for
 * ids, customer ids, dates and tags, nor for a key without a name: that one is named by its id.
 */
export function* writeKeyFile(
  keys: Iterable<ApiKey>,
  { raw = false }: { readonly raw?: boolean } = {},
): Generator<string, void, undefined> {
  const write = raw ? csvCell : guardedCell
  let chunk = 'Name,Key,Description,Enabled,UsagePlanIds\r\n'
  for (const { id, value, name, description = '', enabled, usagePlanIds } of keys) {
    const cells = [name || id, value, description, String(enabled), usagePlanIds.join(',')]
    chunk += `${cells.map(write).join(',')}\r\n`
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

/** The apostrophe that `writeKeyFile` puts is in no key's value and in no plan's id, so there it means nothing else. */
function withoutGuard(text: string): string {
  return /^'[=+-]/.test(text) ? text.slice(1) : text
}

/** UTF-16 code units in a chunk, of those written and of those read at a time. */
const CHUNK = 65_536

const DECODE = 'decode bytes with TextDecoder'

function chunksOf(file: unknown): Iterable<string> {
  if (typeof file === 'string') return [file]
  // Bytes can be gone through too, as numbers.
  if (
    typeof (file as Partial<Iterable<string>> | null)?.[Symbol.iterator] === 'function' &&
    !ArrayBuffer.isView(file)
  ) {
    return file as Iterable<string>
  }
  throw new TypeError(`file: expected text, or its chunks, received ${kindOf(file)}; ${DECODE}`)
}

/** A chunk in pieces, so that the entries of a whole file given at once are not held at once. */
function* parts(chunk: string): Generator<string, void, undefined> {
  if (typeof chunk !== 'string') throw new TypeError(`chunk: expected text, received ${kindOf(chunk)}; ${DECODE}`)
  for (let i = 0; i < chunk.length; i += CHUNK) yield chunk.slice(i, i + CHUNK)
}

// The import.

const newId: Reader<ImportOptions['newId']> = (notes, value) =>
  typeof value === 'function'
    ? (value as ImportOptions['newId'])
    : notes.add(notes.here(), 'type', 'a function that gives ids', kindOf(value), 'give one')
const options = shape<ImportOptions>({ 'onWarnings!': oneOf('fail', 'ignore'), 'newId!': newId, now: seconds })

/** With another word for `fail` bad records would be passed over, and with another clock no key would be read again. */
function checkOptions(given: ImportOptions): void {
  const notes = new Notes()
  notes.at.push('options')
  options(notes, { ...given })
  const [issue] = notes.issues
  if (issue !== undefined) throw new TypeError(issue.message)
}

/** Warnings in a failure's message; its `warnings` are all there. */
const LISTED = 1000

function importRows(
  catalog: Catalog,
  rows: readonly KeyRow[],
  unread: readonly KeyFileWarning[],
  options: ImportOptions,
): KeyImport {
  const unbound: KeyFileWarning[] = []
  const bind = binder(catalog)
  const keys = new Map<string, ApiKey>()
  const newIds = new Set<string>()
  for (const row of rows) {
    const known = keys.get(row.value) ?? catalog.apiKeys.withValue(row.value)
    const isTaken = (id: string): boolean => newIds.has(id) || catalog.apiKeys.get(id) !== undefined
    const id = known?.id ?? freshId(attempt => options.newId(row.value, attempt), isTaken)
    if (known === undefined) newIds.add(id)
    const { ids, refused } = bind(known?.usagePlanIds ?? NONE, row.usagePlanIds)
    for (const { reason, ...of } of refused) unbound.push({ ...warningOf('association', row, reason), ...of })
    keys.set(row.value, keyOf(row, id, known, ids, options.now))
  }
  const warnings = [...unread, ...unbound].sort((a, b) => a.record - b.record)
  if (warnings.length > 0 && options.onWarnings === 'fail') return { ok: false, message: found(warnings), warnings }
  const edited = putSoundKeys(catalog, keys.values())
  if (isFault(edited)) return { ok: false, message: edited.message, warnings }
  return { ok: true, catalog: edited, ids: Array.from(keys.values(), ({ id }) => id), warnings }
}

const NONE: readonly string[] = []

/** The key that a row makes of the one that has its value. When it changes nothing, that very one: plans are only added. */
function keyOf(
  row: KeyRow,
  id: string,
  known: ApiKey | undefined,
  usagePlanIds: readonly string[],
  now: number | undefined,
): ApiKey {
  const { value, name, description, enabled } = row
  if (
    known !== undefined &&
    known.name === name &&
    (known.description ?? '') === description &&
    known.enabled === enabled &&
    known.usagePlanIds.length === usagePlanIds.length
  ) {
    return known
  }
  const { description: _, ...kept }: Partial<ApiKey> = known ?? (now === undefined ? {} : { createdDate: now })
  return {
    ...kept,
    id,
    value,
    name,
    ...(description === '' ? {} : { description }),
    enabled,
    usagePlanIds,
    ...(now === undefined ? {} : { lastUpdatedDate: now }),
  }
}

/** How often `newId` is asked for one key. Random ids meet once in a lifetime; a counter that starts anew, each time. */
const TRIES = 16

function freshId(newId: (attempt: number) => string, isTaken: (id: string) => boolean): string {
  for (let i = 0; i < TRIES; i++) {
    const id = newId(i)
    if (isId(id) && !isTaken(id)) return id
  }
  throw new RangeError(
    `newId: expected an id that no key has, 1 to 128 of A-Z a-z 0-9 . _ ~ -, received none in ${TRIES} tries`,
  )
}

/** A key's plans, and why others could not be added. */
interface Binding {
  readonly ids: readonly string[]
  readonly refused: readonly Pick<KeyFileWarning, 'reason' | 'unknownPlan'>[]
}

/** A shorter text is no key's value (plan.ts, `isKeyValue`). */
const SHORTEST_KEY = 20

/** Adds usage plans to those of a key, where they can be. */
function binder({ usagePlans }: Catalog): (bound: readonly string[], asked: readonly string[]) => Binding {
  const stagesOf = new Map(
    usagePlans.map(({ id, apiStages }) => [id, apiStages.map(({ apiId, stage }) => `${apiId}:${stage}`)]),
  )
  const add = (bound: readonly string[], asked: readonly string[]): Binding => {
    const ids = new Set(bound)
    const planOfStage = new Map(bound.flatMap(id => (stagesOf.get(id) ?? []).map(stage => [stage, id])))
    const refused: Pick<KeyFileWarning, 'reason' | 'unknownPlan'>[] = []
    asked.forEach((id, i) => {
      if (ids.has(id)) return
      const stages = stagesOf.get(id)
      const shared = stages?.find(stage => planOfStage.has(stage))
      if (stages === undefined) {
        refused.push({
          reason: `usage plan not found: number ${i + 1} of ${asked.length}`,
          unknownPlan: isId(id) && id.length < SHORTEST_KEY ? id : null,
        })
      } else if (shared !== undefined) {
        const other = planOfStage.get(shared)
        refused.push({ reason: `usage plan ${id} shares API stage ${shared} with ${other}, which the key has` })
      } else {
        ids.add(id)
        for (const stage of stages) planOfStage.set(stage, id)
      }
    })
    return { ids: [...ids], refused }
  }
  // New keys of one file mostly ask for the same few lists: then they share what comes of them too.
  const fresh = new Map<readonly string[], Binding>()
  return (bound, asked) => {
    if (bound.length > 0) return add(bound, asked)
    const binding = fresh.get(asked) ?? add(NONE, asked)
    fresh.set(asked, binding)
    return binding
  }
}

function found(warnings: readonly KeyFileWarning[]): string {
  const lines = warnings.slice(0, LISTED).map(({ message }) => message)
  if (warnings.length > LISTED) lines.push(`and ${warnings.length - LISTED} more`)
  return `Warnings found during import:\n\t${lines.join('\n\t')}`
}

type Place = Pick<KeyRow, 'record' | 'line'>

function warningOf(kind: KeyFileWarning['kind'], { record, line }: Place, reason: string): KeyFileWarning {
  const skipped = kind === 'record' ? 'Skipped invalid record' : 'Skipped usage plan association for record'
  return { kind, record, line, reason, message: `${skipped}: ${record}. ${reason}` }
}

// Records to rows.

const COLUMNS = ['name', 'key', 'description', 'enabled', 'usageplanids'] as const
type Column = (typeof COLUMNS)[number]

/** Lists of plan ids that rows share: most files name few of them many times. */
const LISTS = 1000

class KeyFileReader {
  readonly #records = new CsvRecords(record => this.#take(record))
  readonly #lists = new Map<string, readonly string[]>()
  #entries: KeyFileEntry[] = []
  #columns: ReadonlyMap<Column, number> | null = null
  #width = 0
  #record = 0
  #failed = false

  /** What a chunk completes. */
  push(chunk: string): KeyFileEntry[] {
    if (!this.#failed) this.#records.push(chunk)
    return this.#given()
  }

  /** What the end completes. */
  end(): KeyFileEntry[] {
    if (!this.#failed) this.#records.end()
    if (!this.#failed && this.#columns === null) this.#fail('The file is empty: expected columns Name and Key')
    return this.#given()
  }

  #given(): KeyFileEntry[] {
    const entries = this.#entries
    this.#entries = []
    return entries
  }

  #fail(message: string): void {
    this.#failed = true
    this.#entries.push({ kind: 'failure', message })
  }

  #take(record: CsvRecord): void {
    if (this.#failed) return
    if (this.#columns === null) {
      this.#readHeader(record)
      return
    }
    const place = { record: ++this.#record, line: record.line }
    const row = this.#rowOf(record, this.#columns, place)
    this.#entries.push(typeof row === 'string' ? warningOf('record', place, row) : row)
  }

  #readHeader({ cells, fields, fault }: CsvRecord): void {
    if (fault !== null) {
      this.#fail(`The header cannot be read: ${fault}`)
      return
    }
    const columns = new Map<Column, number>()
    for (let i = 0; i < fields; i++) {
      const column = foldAscii(trim(cells[i] as string)) as Column
      if (!COLUMNS.includes(column)) continue
      if (columns.has(column)) {
        this.#fail(`Column '${column}' is there twice`)
        return
      }
      columns.set(column, i)
    }
    for (const column of ['name', 'key'] as const) {
      if (columns.has(column)) continue
      this.#fail(`Missing required column '${column}'`)
      return
    }
    this.#columns = columns
    this.#width = fields
    this.#records.apostrophes = columns.get('usageplanids') ?? -1
  }

  /** The row, or why it is none. */
  #rowOf({ cells, fields, fault }: CsvRecord, columns: ReadonlyMap<Column, number>, place: Place): KeyRow | string {
    if (fault !== null) return fault
    if (fields !== this.#width) {
      const remedy = fields > this.#width ? '; put cells with commas in quotes' : ''
      return `expected ${this.#width} fields, received ${fields}${remedy}`
    }
    const cell = (column: Column): string => cells[columns.get(column) ?? -1] ?? ''
    const value = withoutGuard(trim(cell('key')))
    if (!isKeyValue(value)) return `expected a key of 20 to 128 of A-Z a-z 0-9 - . _ ~ + / =, received ${sizeOf(value)}`
    const name = cell('name')
    if (name === '') return 'expected a name, received an empty cell'
    if (!isUpTo(1024, name)) return `expected a name of up to 1024 characters, received ${sizeOf(name)}`
    const description = cell('description')
    if (!isUpTo(125_000, description)) {
      return `expected a description of up to 125000 characters, received ${sizeOf(description)}`
    }
    const enabled = foldAscii(trim(cell('enabled')))
    // Not taken for false: a key that its owner believes to be enabled must not be dead without a word, nor the reverse.
    if (enabled !== '' && enabled !== 'true' && enabled !== 'false') {
      return 'expected true or false as Enabled, received something else'
    }
    return {
      kind: 'row',
      record: place.record,
      line: place.line,
      value: copyOf(value),
      name: copyOf(name),
      description: copyOf(description),
      enabled: enabled !== 'false',
      usagePlanIds: this.#listOf(withoutGuard(trim(cell('usageplanids')))),
    }
  }

  #listOf(cell: string): readonly string[] {
    if (cell === '') return NONE
    let list = this.#lists.get(cell)
    if (list === undefined) {
      const key = copyOf(cell)
      list = key.split(',').map(trim).filter(Boolean)
      if (this.#lists.size === LISTS) this.#lists.clear()
      this.#lists.set(key, list)
    }
    return list
  }
}

/** A to Z in lower case and nothing else: to `toLowerCase` the Kelvin sign (U+212A) would be a k. */
function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, letter => letter.toLowerCase())
}

/** Counted as people count: a pair of surrogates is one. */
function isUpTo(most: number, text: string): boolean {
  return text.length <= most || (text.length <= 2 * most && [...text].length <= most)
}

function sizeOf(text: string): string {
  return `${[...text].length} characters`
}

/** The text in memory of its own: a slice would keep the whole chunk it was cut from. Joining is what copies in V8. */
function copyOf(text: string): string {
  return [text.slice(0, 1), text.slice(1)].join('')
}
