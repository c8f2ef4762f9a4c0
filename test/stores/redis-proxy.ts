// A network that misbehaves, between a client and a Redis server: what it does to the server's replies.

import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisServer } from './redis-server.ts'

/**
 * `whole`, as they came; `late` by some ms; `sliced`, byte by byte; `cut`: the connection breaks instead; `truncated`: it
 * breaks after half of one; `foreign`: something else says something else.
 */
export type Manner = 'whole' | 'late' | 'sliced' | 'cut' | 'truncated' | 'foreign'

export const MANNERS: readonly Manner[] = ['whole', 'late', 'sliced', 'cut', 'truncated', 'foreign']

export interface Misbehaving {
  readonly port: number
  /** How the next replies fare; `cut` and `truncated` break the connections that have one. */
  behave(manner: Manner): void
  close(): void
}

const FOREIGN = 'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>502</html>\r\n'

export async function proxyTo(server: RedisServer): Promise<Misbehaving> {
  let manner: Manner = 'whole'
  const sockets = new Set<Socket>()

  async function pass(reply: Buffer, client: Socket): Promise<void> {
    if (client.destroyed) return
    if (manner === 'cut') client.resetAndDestroy()
    else if (manner === 'truncated') client.end(reply.subarray(0, reply.length >> 1))
    else if (manner === 'foreign') client.write(FOREIGN)
    else if (manner === 'sliced') {
      for (const byte of reply) client.write(Buffer.of(byte))
    } else {
      if (manner === 'late') await sleep(20)
      client.write(reply)
    }
  }

  const proxy = createServer({ noDelay: true }, client => {
    const upstream = dial(server.socket)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    let passed = Promise.resolve()
    upstream.on('data', reply => {
      passed = passed.then(() => pass(reply, client))
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    behave(next) {
      manner = next
    },
    close() {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  }
}
