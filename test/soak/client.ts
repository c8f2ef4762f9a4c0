// One connection of HTTP/1.1, one request at a time, as cheap as can be: the load is not what is measured.

import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** The header `x-said`: what was decided, and its detail. */
  readonly said: string
}

export interface Client {
  readonly isOpen: boolean
  /** Rejects where the connection breaks before the whole answer came. */
  ask(apiKey: string): Promise<Answer>
  close(): void
}

/** ms after which an answer is given up. */
const PATIENCE = 10_000

export async function clientOf(port: number): Promise<Client> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null
  const broken = (): void => {
    socket.destroy()
    waiting?.reject(new Error('the connection broke'))
    waiting = null
  }
  socket.setEncoding('latin1')
  socket.setTimeout(PATIENCE, broken)
  socket.on('close', broken)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.on('error', reject)
  })
  socket.on('data', (part: unknown) => {
    text += part
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0)
    if (text.length < end + 4 + length) return
    const answer = { status: Number(text.slice(9, 12)), said: /\r\nx-said: ([^\r]*)/i.exec(text)?.[1] ?? '' }
    text = ''
    const { resolve } = waiting ?? { resolve: () => {} }
    waiting = null
    resolve(answer)
  })
  return {
    get isOpen() {
      return !socket.destroyed
    },
    ask: apiKey =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(`GET / HTTP/1.1\r\nHost: soak\r\nx-api-key: ${apiKey}\r\n\r\n`)
      }),
    close: () => socket.destroy(),
  }
}
