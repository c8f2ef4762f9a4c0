// Log files → lines in the order of their times: opened, unpacked, told apart, merged. Floor 5.
// Unpacking goes on in a thread of its own while lines are read.

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Catalog } from '../../core/catalog.ts'
import { withoutKeys } from '../../core/without-keys.ts'
import { FORMATS, type Format, formatOf, readerOf } from '../../replay/formats.ts'
import type { Interned } from '../../replay/interned.ts'
import type { Caller, Line } from '../../replay/line.ts'
import { type Mapping, NOT_JUDGED, Reading } from '../../replay/reading.ts'
import { merged, SAMPLE, Source } from '../../replay/source.ts'
import { readError } from '../load.ts'
import { progress } from '../progress.ts'
import { UsageError } from '../terminal.ts'
import { counted } from './words.ts'

export interface LogOptions {
  /** Files; `-` is stdin. */
  readonly names: readonly string[]
  readonly format: Format | undefined
  readonly mapping: Mapping
  readonly callers: Interned<Caller>
  /** ms by which a line may come late and still be put in its place. */
  readonly window: number
  readonly spread: boolean
  /** Whose keys are not shown where lines are. */
  readonly catalogs: readonly Catalog[]
  /** Called with each line, in the order of their times; it is written over afterwards. */
  readonly onLine: (line: Line) => void
}

/** Lines of one kind that could not be read. */
export interface BadLines {
  readonly file: string
  readonly line: number
  readonly why: string
  readonly count: number
  /** The beginning of the first of them. */
  readonly sample: string
}

export interface LogReport {
  readonly files: readonly { readonly name: string; readonly format: Format | null; readonly lines: number }[]
  readonly lines: number
  /** Of `lines`, those that could not be read. */
  readonly bad: number
  /** Of `lines`, those of requests that a gateway refused before it judged them. */
  readonly notJudged: number
  readonly troubles: readonly BadLines[]
  /** Lines that came later than the window allows: judged where they stood. */
  readonly late: number
  /** Files that ended in the middle. */
  readonly cut: readonly string[]
  /** Whether it was told to stop before the end. */
  readonly stopped: boolean
  /** ms it took. */
  readonly elapsed: number
}

const CHUNK = 1 << 20
/** Lines that wait at most for earlier ones, in each file. */
const MOST_WAITING = 1 << 16

/** A log that is being read. */
class LogFile {
  readonly name: string
  readonly format: Format | null
  readonly source: Source
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #read: () => number
  #head: Uint8Array | null
  cut: string | null = null

  constructor(name: string, format: Format | null, source: Source, opened: Opened) {
    this.name = name
    this.format = format
    this.source = source
    this.#chunks = opened.chunks
    this.#read = opened.read
    this.#head = opened.head
  }

  /** Bytes read of the file as it lies there. */
  get read(): number {
    return this.#read()
  }

  async feed(): Promise<void> {
    const head = this.#head
    this.#head = null
    if (head !== null && head.length > 0) return this.source.feed(head)
    try {
      const { done, value } = await this.#chunks.next()
      if (done) this.source.end()
      else this.source.feed(value)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!code?.startsWith('Z') && !code?.startsWith('ERR_') && !code?.startsWith('E')) throw error
      this.cut = `${this.name}: ends in the middle (${message}), after ${counted(this.source.lines, 'line')}`
      this.source.end()
    }
  }
}

/** Reads logs to their end, or until it is interrupted. @throws {UsageError} for what is no log, before anything is read */
export async function readLogs(options: LogOptions): Promise<LogReport> {
  const began = performance.now()
  const { names, onLine } = options
  const files = await Promise.all(names.map(name => openLog(name, options)))
  const total = await sizeOf(names)
  const shown = progress()
  const sources = files.map(({ source }) => source)
  let stopped = false
  // A second signal ends it, as it would have without this.
  let stop = (): void => {}
  const told = new Promise<void>(resolve => {
    stop = () => {
      stopped = true
      resolve()
    }
  })
  process.once('SIGINT', stop)
  try {
    while (!stopped) {
      const hungry = merged(sources, onLine)
      if (hungry === null) break
      // A pipe may say nothing for long.
      await Promise.race([files[sources.indexOf(hungry)]!.feed(), told])
      shown.at(progressWords(files, total, performance.now() - began))
    }
  } finally {
    process.off('SIGINT', stop)
    shown.end()
  }
  const troubles = files.flatMap(({ name, source }) =>
    [...source.troubles.values()].map(
      ({ why, line, count, sample }): BadLines => ({
        file: name,
        line,
        why,
        count,
        sample: shownOf(sample, options.catalogs),
      }),
    ),
  )
  const [notJudged, unread] = [true, false].map(is => troubles.filter(({ why }) => (why === NOT_JUDGED) === is)) as [
    BadLines[],
    BadLines[],
  ]
  const sum = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0)
  return {
    files: files.map(({ name, format, source }) => ({ name, format, lines: source.lines })),
    lines: sum(sources.map(({ lines }) => lines)),
    bad: sum(unread.map(({ count }) => count)),
    notJudged: sum(notJudged.map(({ count }) => count)),
    troubles: unread,
    late: sum(sources.map(({ late }) => late)),
    cut: files.flatMap(({ cut }) => cut ?? []),
    stopped,
    elapsed: Math.round(performance.now() - began),
  }
}

/** The beginning of a line. Cut in the middle of a word it ends before that: half a key is not known for one. */
function shownOf(sample: Uint8Array, catalogs: readonly Catalog[]): string {
  const text = new TextDecoder().decode(sample)
  const whole = sample.length < SAMPLE ? text : text.replace(/[\w\-.~+%]*$/, '')
  return catalogs.reduce((shown, { apiKeys }) => withoutKeys(shown, apiKeys), whole)
}

/** `12,345,678 lines, 1,100,000 a second, 43 %, 12 s left` */
function progressWords(files: readonly LogFile[], total: number | null, elapsed: number): string {
  const lines = files.reduce((sum, { source }) => sum + source.lines, 0)
  const rate = Math.round((lines / elapsed) * 1000)
  const words = `${counted(lines, 'line')}, ${rate.toLocaleString('en')} a second`
  const read = files.reduce((sum, { read }) => sum + read, 0)
  if (total === null || total === 0 || read === 0) return words
  const left = Math.ceil((elapsed * (total - read)) / read / 1000)
  return `${words}, ${Math.floor((100 * read) / total)} %, ${left < 90 ? `${left} s` : `${Math.round(left / 60)} min`} left`
}

/** Bytes of all files together; null where one is a pipe. */
async function sizeOf(names: readonly string[]): Promise<number | null> {
  let total = 0
  for (const name of names) {
    const found = name === '-' ? null : await stat(name)
    if (!found?.isFile()) return null
    total += found.size
  }
  return total
}

interface Opened {
  readonly head: Uint8Array
  readonly chunks: AsyncIterator<Uint8Array>
  readonly read: () => number
}

async function openLog(name: string, { format, mapping, callers, window, spread }: LogOptions): Promise<LogFile> {
  const opened = await open(name)
  const found = opened.head.length === 0 ? null : (format ?? formatOf(opened.head))
  if (opened.head.length > 0) refuseOther(name, opened.head, found)
  const reader = readerOf(found ?? 'ndjson', new Reading(callers, mapping))
  const source = new Source(name, reader, { window, most: MOST_WAITING, spread })
  return new LogFile(name, found, source, opened)
}

async function open(name: string): Promise<Opened> {
  const raw: Readable = name === '-' ? process.stdin : createReadStream(name, { highWaterMark: CHUNK })
  let read = 0
  const bytes = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const result = await bytes.next()
    if (!result.done) read += result.value.length
    return result
  }
  let first: IteratorResult<Uint8Array>
  try {
    first = await next()
  } catch (error) {
    throw readError(name, error)
  }
  if (first.done) return { head: new Uint8Array(0), chunks: { next }, read: () => read }
  const unpack = unpacker(name, first.value)
  if (unpack === null) return { head: first.value, chunks: { next }, read: () => read }
  const chunks = unpacked(first.value, next, unpack)
  try {
    const { done, value } = await chunks.next()
    return { head: done ? new Uint8Array(0) : value, chunks, read: () => read }
  } catch (error) {
    throw new UsageError(`${name}: expected what its first bytes say, gzip or zstd, but ${(error as Error).message}`)
  }
}

/** Packed chunks at most that are on their way to being unpacked. */
const AHEAD = 4

/** What packed bytes say. All that could be unpacked comes before the error that says where no more could. */
function unpacked(
  first: Uint8Array,
  next: () => Promise<IteratorResult<Uint8Array>>,
  unpack: zlib.Gunzip,
): AsyncIterator<Uint8Array> {
  const ready: Uint8Array[] = []
  let error: Error | null = null
  let ended = false
  let wake = (): void => {}
  unpack.on('data', chunk => {
    ready.push(chunk)
    if (ready.length >= AHEAD) unpack.pause()
    wake()
  })
  unpack.on('end', () => {
    ended = true
    wake()
  })
  unpack.on('error', failed => {
    error = failed
    wake()
  })
  const fill = async (): Promise<void> => {
    for (
      let chunk: IteratorResult<Uint8Array> = { value: first };
      !chunk.done && error === null;
      chunk = await next()
    ) {
      if (!unpack.write(chunk.value))
        await new Promise<void>(resolve => unpack.once('drain', resolve).once('error', () => resolve()))
    }
    unpack.end()
  }
  fill().catch(failed => unpack.destroy(failed))
  return {
    async next() {
      while (ready.length === 0) {
        if (error !== null) throw error
        if (ended) return { done: true, value: undefined }
        const woken = new Promise<void>(resolve => {
          wake = resolve
        })
        unpack.resume()
        await woken
      }
      return { done: false, value: ready.shift() as Uint8Array }
    },
  }
}

function unpacker(name: string, head: Uint8Array): zlib.Gunzip | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return zlib.createGunzip({ chunkSize: 1 << 18 })
  if (head[0] !== 0x28 || head[1] !== 0xb5 || head[2] !== 0x2f || head[3] !== 0xfd) return null
  const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: (options: object) => zlib.Gunzip }
  if (createZstdDecompress !== undefined) return createZstdDecompress({ chunkSize: 1 << 18 })
  throw new UsageError(
    `${name}: is packed with zstd, which this Node (${process.version}) cannot unpack; use Node ≥ 22.15, or pipe it: zstd -dc ${name} | tollgate replay … -`,
  )
}

const KINDS: readonly (readonly [string, readonly number[]])[] = [
  ['an SQLite database', [...Buffer.from('SQLite format 3')]],
  ['a zip archive', [0x50, 0x4b, 3, 4]],
  ['a PDF', [...Buffer.from('%PDF')]],
  ['bzip2', [...Buffer.from('BZh')]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['a picture', [0x89, 0x50, 0x4e, 0x47]],
  ['a program', [0x7f, 0x45, 0x4c, 0x46]],
  ['Parquet', [...Buffer.from('PAR1')]],
]

/** @throws {UsageError} for a file that is no log: binary by mistake, or of no known format */
function refuseOther(name: string, head: Uint8Array, format: Format | null): void {
  const start = head.subarray(0, 4096)
  const kind = KINDS.find(([, magic]) => magic.every((byte, i) => start[i] === byte))?.[0]
  if (kind !== undefined) throw new UsageError(`${name}:1: expected a log, lines of text, received ${kind}`)
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) {
    throw new UsageError(`${name}:1: expected text in UTF-8, received UTF-16; convert it: iconv -f UTF-16 -t UTF-8`)
  }
  const zero = start.indexOf(0)
  if (format === null && zero >= 0) {
    const line = 1 + start.subarray(0, zero).reduce((lines, byte) => lines + (byte === 10 ? 1 : 0), 0)
    throw new UsageError(`${name}:${line}: expected a log, lines of text, received binary data`)
  }
  if (format !== null) return
  throw new UsageError(
    `${name}:1: looks like none of the formats ${FORMATS.join(', ')}; say which it is with --format, or convert it to a JSON object a line`,
  )
}
