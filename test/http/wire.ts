// How tests talk to servers: bytes as they are on a socket, and streams of HTTP/2. No client that tidies up.

import type { Server } from 'node:http'
import { connect as connectHttp2, type Http2Server, type OutgoingHttpHeaders } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'

/** What came back; status 0 when there was no answer at all. */
export interface Answered {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const NOTHING: Answered = { status: 0, headers: new Map(), body: '' }

/** Listens on a free port of this machine. */
export async function listening(server: Server | Http2Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Closes a server and what still hangs on it. */
export async function closed(server: Server | Http2Server): Promise<void> {
  if ('closeAllConnections' in server) server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
}

/**
 * Writes bytes, and reads until the server hangs up: say `Connection: close` in the last request.
 *
 * @returns every answer there was, the interim ones (100) too; `NOTHING` for none
 */
export async function exchange(port: number, bytes: string | Buffer): Promise<Answered[]> {
  const text = await new Promise<string>(resolve => {
    const parts: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', part => parts.push(part))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(parts).toString('latin1')))
    socket.write(bytes)
  })
  const answers = text.split(/(?=HTTP\/1\.1 \d{3} )/).map(parse)
  return answers.length === 0 ? [NOTHING] : answers
}

/** Sends one request and gives its answer. */
export async function send(port: number, bytes: string | Buffer): Promise<Answered> {
  return (await exchange(port, bytes)).at(-1)!
}

/** A request's bytes, each part exactly as given. */
export function requestBytes(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[] = [],
  body = '',
): Buffer {
  const lines = [['Host', 'localhost'], ...headers, ['Connection', 'close']].map(([name, value]) => `${name}: ${value}`)
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}

function parse(text: string): Answered {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const whole = rest.join('\r\n\r\n')
  const isChunked = headers.some(([name, value]) => name === 'transfer-encoding' && value === 'chunked')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0),
    headers: new Map(headers),
    body: isChunked ? whole.replaceAll(/(^|\r\n)[0-9a-f]+\r\n/gi, '').replace(/\r\n$/, '') : whole,
  }
}

/** Sends one request over HTTP/2 without TLS. Throws what the client refuses to send. */
export async function sendHttp2(port: number, headers: OutgoingHttpHeaders, body?: string): Promise<Answered> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  try {
    const stream = session.request(headers, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    return await new Promise<Answered>(resolve => {
      let answered = NOTHING
      stream.setEncoding('utf8')
      stream.on('response', got => {
        const { ':status': status = 0, ...others } = got
        answered = { status, headers: new Map(Object.entries(others).map(([k, v]) => [k, String(v)])), body: '' }
      })
      stream.on('data', part => (answered = { ...answered, body: answered.body + part }))
      stream.on('error', () => {})
      stream.on('close', () => resolve(answered))
    })
  } finally {
    session.destroy()
  }
}

export async function answered(response: Response): Promise<Answered> {
  return { status: response.status, headers: new Map(response.headers), body: await response.text() }
}
