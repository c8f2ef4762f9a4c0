// Bytes of a connection → the answers of HTTP/1 in them, strictly: what does not parse is a failure of whoever wrote it.

export interface RawAnswer {
  readonly status: number
  readonly reason: string
  /** Names and values as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  readonly trailers: readonly (readonly [name: string, value: string])[]
  /** Whether its end is there: by its length, its last chunk, or (`ended`) the end of the connection. */
  readonly complete: boolean
}

/**
 * Every answer in `bytes`, the interim ones among them.
 *
 * @param methods of the requests, in order: an answer to HEAD has no body
 * @param ended whether the connection ended cleanly behind the bytes
 * @throws {Error} what is no answer
 */
export function answersIn(bytes: Buffer, methods: readonly string[] = [], ended = true): RawAnswer[] {
  const answers: RawAnswer[] = []
  let asked = 0
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end === -1) throw new Error(`a head without an end: ${quoted(bytes.subarray(at))}`)
    const [first = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const line = /^HTTP\/1\.[01] ([1-9]\d\d) ([\t -~\x80-\xff]*)$/.exec(first)
    if (line === null) throw new Error(`no status line: ${quoted(Buffer.from(first, 'latin1'))}`)
    const status = Number(line[1])
    const headers = lines.map(fieldOf)
    at = end + 4
    const interim = status < 200 && status !== 101
    const method = interim ? '' : methods[asked++]
    const framed = bodyAt(bytes, at, ended, status, method, headers)
    answers.push({ status, reason: line[2] as string, headers, ...framed })
    at = framed.end
  }
  return answers
}

/** The value of a field, all of its lines joined; undefined when there is none. */
export function field(answer: RawAnswer, name: string): string | undefined {
  const values = answer.headers.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

function fieldOf(line: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*$/.exec(line)
  if (match === null) throw new Error(`no field line: ${JSON.stringify(line)}`)
  return [match[1] as string, match[2] as string]
}

function bodyAt(
  bytes: Buffer,
  at: number,
  ended: boolean,
  status: number,
  method: string | undefined,
  headers: readonly (readonly [string, string])[],
): { body: Buffer; trailers: (readonly [string, string])[]; complete: boolean; end: number } {
  const valuesOf = (name: string): string[] => headers.filter(([n]) => n.toLowerCase() === name).map(([, v]) => v)
  const coding = valuesOf('transfer-encoding')
  const lengths = valuesOf('content-length')
  if (status === 101) return { body: bytes.subarray(at), trailers: [], complete: true, end: bytes.length }
  if (coding.length > 0 && lengths.length > 0) throw new Error('Transfer-Encoding and Content-Length')
  if (lengths.length > 1 || lengths.some(length => !/^\d+$/.test(length))) throw new Error(`lengths ${lengths}`)
  const none = { body: Buffer.alloc(0), trailers: [], complete: true, end: at }
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return none
  if (coding.length > 0) {
    if (coding.join() !== 'chunked') throw new Error(`coding ${coding}`)
    return chunksAt(bytes, at)
  }
  const length = lengths.length === 0 ? Number.POSITIVE_INFINITY : Number(lengths[0])
  const end = Math.min(at + length, bytes.length)
  const complete = length === Number.POSITIVE_INFINITY ? ended : end === at + length
  return { body: bytes.subarray(at, end), trailers: [], complete, end }
}

function chunksAt(
  bytes: Buffer,
  at: number,
): { body: Buffer; trailers: (readonly [string, string])[]; complete: boolean; end: number } {
  const chunks: Buffer[] = []
  const cut = { trailers: [], complete: false, end: bytes.length }
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return { body: Buffer.concat(chunks), ...cut }
    const text = bytes.toString('latin1', at, line)
    if (!/^[\da-f]+$/i.test(text)) throw new Error(`no chunk size: ${JSON.stringify(text)}`)
    const size = Number.parseInt(text, 16)
    at = line + 2
    if (size === 0) break
    chunks.push(bytes.subarray(at, at + size))
    if (at + size + 2 > bytes.length) return { body: Buffer.concat(chunks), ...cut }
    if (bytes.toString('latin1', at + size, at + size + 2) !== '\r\n') throw new Error('a chunk without its end')
    at += size + 2
  }
  const trailers: (readonly [string, string])[] = []
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return { body: Buffer.concat(chunks), ...cut }
    const text = bytes.toString('latin1', at, line)
    at = line + 2
    if (text === '') return { body: Buffer.concat(chunks), trailers, complete: true, end: at }
    trailers.push(fieldOf(text))
  }
}

function quoted(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 120).toString('latin1'))
}
