// A client of HTTP/2 over TLS, and what came of a request.

import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Settings,
} from 'node:http2'
import { behind, KEY } from './gateway-before.ts'

export interface Stream {
  readonly headers: IncomingHttpHeaders
  readonly interim: readonly IncomingHttpHeaders[]
  readonly trailers: IncomingHttpHeaders
  readonly body: string
  /** 0 where it ended well. */
  readonly code: number
}

export function sessionOf(port: number, settings: Settings = {}): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings })
  session.on('error', () => {})
  behind(() => session.destroy())
  return session
}

export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Stream> {
  const stream = session.request({ ':path': '/a', 'x-api-key': KEY, ...headers }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  let got: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  const interim: IncomingHttpHeaders[] = []
  const parts: Buffer[] = []
  stream.on('response', headers => (got = headers)).on('headers', headers => interim.push(headers))
  stream
    .on('trailers', headers => (trailers = headers))
    .on('data', part => parts.push(part))
    .on('error', () => {})
  await new Promise(resolve => stream.once('close', resolve))
  return { headers: got, interim, trailers, body: Buffer.concat(parts).toString(), code: stream.rstCode ?? -1 }
}
