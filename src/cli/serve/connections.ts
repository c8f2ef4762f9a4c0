// The connections of HTTP/1, and the answers that each of them owes. Floor 5.
// node answers pipelined requests in order; what it leaves to us: which request is behind a last answer and must not be
// looked at, how a refusal of its parser takes its turn, and closing so that the last answer arrives.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

export interface Connections {
  /**
   * Notes a request that is to be answered.
   *
   * @returns false for one behind the last answer of its connection (RFC 9112, 9.6): it gets none and costs nothing
   */
  owes(request: IncomingMessage, response: ServerResponse): boolean
  /** Calls `go` when a socket that was upgraded has had the answers to what came before; never if it is closed by then. */
  afterOwed(socket: Duplex, go: () => void): void
  /** Answers what node's parser refused, after what came before it, and closes. */
  refuse(error: NodeJS.ErrnoException, socket: Duplex): void
  /** From here on every answer is the last of its connection. */
  closeIdle(): void
  /** Closes all of them now. */
  cut(): void
}

/** ms in which what is on its way may arrive: a last answer, which a reset would overtake; a first request. */
const LINGER = 1_000

/**
 * Follows the connections of a server.
 *
 * @param onRefused told of the status of what node's parser refused, where it is no request that was taken before
 */
export function connectionsOf(server: Server | Http2SecureServer, onRefused: (status: number) => void): Connections {
  const open = new Set<Duplex>()
  const owed = new Map<Duplex, Set<ServerResponse>>()
  /** The request that each of them is about, until node has read another. */
  const newest = new WeakMap<Duplex, IncomingMessage>()
  /** Those of HTTP/1 that have not asked for anything yet. */
  const fresh = new Set<Duplex>()
  let closing = false

  server.on('connection', (socket: Duplex) => {
    // Some come twice: back from an upgrade that was declined.
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  const isTls = 'setSecureContext' in server
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Duplex) => {
    if (owed.has(socket) || (isTls && (socket as TLSSocket).alpnProtocol === 'h2')) return
    fresh.add(socket)
    socket.once('close', () => fresh.delete(socket))
  })

  function owedBy(socket: Duplex): Set<ServerResponse> {
    const known = owed.get(socket)
    if (known !== undefined) return known
    const responses = new Set<ServerResponse>()
    owed.set(socket, responses)
    // node closes behind its last answer at once, which resets the connection of a client that still sends.
    Object.assign(socket, { destroySoon: () => lastWords(socket) })
    socket.once('close', () => {
      owed.delete(socket)
      // node tells the answer that is on the socket, and not those that wait for it.
      for (const response of responses) {
        response.destroy()
        response.emit('close')
      }
    })
    return responses
  }

  const lastOwed = (socket: Duplex): ServerResponse | undefined => [...(owed.get(socket) ?? [])].at(-1)

  return {
    owes(request, response) {
      const { socket } = request
      fresh.delete(socket)
      const responses = owedBy(socket)
      if (socket.writableEnded) return false
      for (const before of responses) if (isLast(before)) return false
      responses.add(response)
      newest.set(socket, request)
      response.once('close', () => {
        responses.delete(response)
        if (closing && responses.size === 0 && !socket.destroyed) lastWords(socket)
      })
      if (closing) response.setHeader('Connection', 'close')
      return true
    },
    afterOwed(socket, go) {
      fresh.delete(socket)
      if (socket.listenerCount('error', destroyed) === 0) socket.on('error', destroyed)
      const last = lastOwed(socket)
      if (last === undefined) {
        if (!socket.writableEnded) go()
        return
      }
      // An upgrade took the socket from node, which passed this on.
      const drain = (): void => {
        for (const response of owed.get(socket) ?? []) response.emit('drain')
      }
      socket.on('drain', drain)
      last.once('close', () => {
        socket.off('drain', drain)
        if (!socket.writableEnded && !socket.destroyed) go()
      })
    },
    refuse(error, socket) {
      // Everything that comes behind what was refused is refused again.
      if (socket.writableEnded) return
      if (!socket.writable || error.code === 'ECONNRESET') {
        socket.destroy()
        return
      }
      const status = statusOf(error)
      const [last, ...before] = [...(owed.get(socket) ?? [])].reverse()
      // The rest of a request that has had its answer.
      if (last === undefined && newest.get(socket)?.complete === false) lastWords(socket)
      else if (last === undefined) {
        lastWords(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
        onRefused(Number.parseInt(status, 10))
      } else if (last.req.complete) last.once('close', () => this.refuse(error, socket))
      // What follows is about its body.
      else if (!last.headersSent) answerEmpty(last, Number.parseInt(status, 10))
      else if (last.writableEnded) last.once('close', () => lastWords(socket))
      else if (before[0] === undefined) socket.destroy()
      else before[0].once('close', () => socket.destroy())
    },
    closeIdle() {
      closing = true
      for (const socket of owed.keys()) {
        const last = lastOwed(socket)
        if (last?.headersSent === false) last.setHeader('Connection', 'close')
      }
      // node closes those that have been used. One that never was may have a request on its way.
      setTimeout(() => {
        for (const socket of fresh) socket.destroy()
      }, LINGER).unref()
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** Ends a connection: a last answer, if any, then what the client still sends is read and thrown away for a moment. */
export function lastWords(socket: Duplex, text?: string): void {
  if (socket.writable) socket.end(text, 'latin1')
  socket.resume()
  const cut = setTimeout(() => socket.destroy(), LINGER)
  socket.once('close', () => clearTimeout(cut))
}

function answerEmpty(response: ServerResponse, status: number): void {
  response.statusCode = status
  response.setHeader('Connection', 'close')
  response.setHeader('Content-Length', 0)
  response.end()
}

/** In place of node's, which leaves with the socket. */
function destroyed(this: Duplex): void {
  this.destroy()
}

function isLast(response: ServerResponse): boolean {
  // node's word, too: behind a refusal without the 100 that was expected there may be the body, or not.
  return !response.shouldKeepAlive || response.getHeader('connection') === 'close'
}

function statusOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout'
  return '400 Bad Request'
}
