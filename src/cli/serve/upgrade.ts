// Upgrades (WebSocket and its like): judged once, at the handshake; then two sockets, joined. Floor 5.
// node's own client carries them: it is the one that shows an upstream's answer when that is not the switch asked for.

import { request as httpRequest, type IncomingMessage, type RequestOptions, ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { lastWords } from './connections.ts'
import { ofUpstream } from './forward.ts'
import type { RawHeaders } from './headers.ts'

/** A response to a handshake, on its socket, which closes behind it. */
export function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as never)
  response.once('finish', () => {
    response.detachSocket(socket as never)
    lastWords(socket)
  })
  return response
}

export interface Handshake {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What the client sent after its handshake already. */
  readonly head: Buffer
  readonly url: string
  readonly path: string
  /** What the upstream gets, with Connection and Upgrade as they came. */
  readonly headers: RawHeaders
  readonly timeout: number
  readonly onError: (error: Error) => void
  /** Told of the status that the handshake ended with. */
  readonly onAnswer: (status: number) => void
}

/** Passes a handshake on, and joins the two sockets when the upstream switches. */
export function upgradeTo({ request, socket, head, url, path, headers, timeout, onError, onAnswer }: Handshake): void {
  const { protocol, hostname, port, pathname } = new URL(url)
  const options: RequestOptions = {
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    method: request.method,
    path: pathname.replace(/\/$/, '') + path,
    headers: headers as never,
    agent: false,
    timeout,
  }
  const outgoing = (protocol === 'https:' ? httpsRequest : httpRequest)(options)
  let answered = false
  const answer = (status: number): void => {
    if (!answered) onAnswer(status)
    answered = true
  }
  const fail = (status: string, error: Error): void => {
    outgoing.destroy()
    if (answered || socket.destroyed) return
    onError(ofUpstream(error))
    settle(Number.parseInt(status, 10))
    lastWords(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
  const gone = (): void => {
    outgoing.destroy()
    socket.destroy()
    answer(499)
  }
  // Nobody reads it yet, and only who reads hears of an end.
  const listening = (): void => {}
  const settle = (status: number): void => {
    answer(status)
    socket.off('readable', listening).off('end', gone).off('close', gone)
  }
  socket.on('readable', listening).once('end', gone).once('close', gone)
  outgoing.once('timeout', () => {
    // One that stops in the middle of an answer that is no switch: its client has to see that it is not whole.
    if (answered) socket.destroy()
    else fail('504 Gateway Timeout', new Error('no answer to the handshake in time'))
  })
  outgoing.on('error', error => fail('502 Bad Gateway', error))
  outgoing.once('response', response => {
    // Not the switch that was asked for: the client gets the answer as it is.
    settle(response.statusCode ?? 502)
    socket.once('close', () => outgoing.destroy())
    socket.write(headOf(response, 'close'), 'latin1')
    response.on('error', () => socket.destroy())
    response.once('end', () => lastWords(socket))
    response.pipe(socket, { end: false })
  })
  outgoing.once('upgrade', (response, upstream, first) => {
    settle(101)
    upstream.setTimeout(0)
    upstream.allowHalfOpen = true
    socket.write(headOf(response, null), 'latin1')
    if (first.length > 0) socket.write(first)
    if (head.length > 0) upstream.write(head)
    join(socket, upstream, timeout)
    join(upstream, socket as Socket, timeout)
  })
  outgoing.end()
}

/** Each end that breaks takes the other with it; a half that ends leaves the other open, while something moves there. */
function join(from: Duplex, to: Socket, timeout: number): void {
  from.pipe(to)
  from.once('end', () => to.setTimeout(timeout, () => to.destroy()))
  from.once('error', () => to.destroy())
  from.once('close', () => {
    if (!from.readableEnded) to.destroy()
  })
}

function headOf(answer: IncomingMessage, connection: string | null): string {
  let head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`
  const { rawHeaders } = answer
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    // Framing that is undone here, by reading the answer, is not repeated.
    if (connection !== null && /^(connection|transfer-encoding|keep-alive)$/i.test(name)) continue
    head += `${name}: ${rawHeaders[i + 1]}\r\n`
  }
  return `${head}${connection === null ? '' : `Connection: ${connection}\r\n`}\r\n`
}
