// Upgrades by hand: the handshake, frames both ways, refusals, upstreams that do otherwise, halves that close.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { gateOf } from '../../gate-of.ts'
import { answersIn, field } from './answers.ts'
import {
  CATALOG,
  closeAll,
  dial,
  gatewayBefore,
  head,
  KEY_LINE,
  type Line,
  POOR,
  rawUpstream,
  upstreamOf,
} from './gateway-before.ts'
import { selfSigned } from './pem.ts'

afterEach(closeAll)

const NONCE = 'dGhlIHNhbXBsZSBub25jZQ=='
const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${NONCE}`,
  'Sec-WebSocket-Version: 13',
]
const handshake = (...lines: string[]): string => head('GET /socket?room=1', ...WEBSOCKET, ...lines)

/** A frame of text; clients mask theirs (RFC 6455, 5.2). */
function frame(text: string, masked: boolean): Buffer {
  const payload = Buffer.from(text)
  const mask = Buffer.from([1, 2, 3, 4])
  if (!masked) return Buffer.concat([Buffer.from([0x81, payload.length]), payload])
  return Buffer.concat([
    Buffer.from([0x81, 0x80 | payload.length]),
    mask,
    payload.map((byte, i) => byte ^ mask[i & 3]!),
  ])
}

/** The texts of the whole frames in some bytes, shorter than 126. */
function textsIn(bytes: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const masked = (bytes[at + 1]! & 0x80) !== 0
    const length = bytes[at + 1]! & 0x7f
    const start = at + 2 + (masked ? 4 : 0)
    if (start + length > bytes.length) break
    const payload = bytes.subarray(start, start + length)
    const mask = bytes.subarray(at + 2, at + 6)
    texts.push((masked ? payload.map((byte, i) => byte ^ mask[i & 3]!) : payload).toString())
    at = start + length
  }
  return texts
}

/** An upstream that accepts handshakes and repeats each text in capitals. */
async function echoing() {
  const sockets: Socket[] = []
  const heads: string[] = []
  const upstream = await upstreamOf((_, response) => response.end('plain'))
  upstream.server.on('upgrade', (request, socket: Socket, first: Buffer) => {
    sockets.push(socket)
    heads.push(JSON.stringify(request.headers))
    const accept = createHash('sha1').update(
      `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    )
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
    )
    const say = (part: Buffer): void => {
      for (const text of textsIn(part)) socket.write(frame(text.toUpperCase(), false))
    }
    socket
      .on('data', say)
      .on('error', () => {})
      .on('end', () => socket.end())
    if (first.length > 0) say(first)
  })
  return { ...upstream, sockets, heads }
}

const bodyOf = (bytes: Buffer): Buffer => answersIn(bytes, [], false)[0]?.body ?? Buffer.alloc(0)
const says = (line: Line, count: number): Promise<string[]> =>
  line
    .until(bytes => bytes.includes('\r\n\r\n') && textsIn(bodyOf(bytes)).length >= count)
    .then(bytes => textsIn(bodyOf(bytes)))

/** Waits for an end without asking for it by the clock. */
async function connections(server: Server): Promise<number> {
  return promisify(server.getConnections.bind(server))()
}

describe.each([false, true])('a WebSocket, over TLS: %s', tls => {
  const pem = tls ? { tls: selfSigned() } : {}

  it('is judged once, at its handshake, and carries frames both ways', async () => {
    const upstream = await echoing()
    const { port, usedBy, told, gateway } = await gatewayBefore(upstream.url, pem)
    const line = dial(port, Buffer.concat([Buffer.from(handshake(KEY_LINE)), frame('early', true)]), tls)
    expect(await says(line, 1)).toEqual(['EARLY'])
    const [answer] = answersIn(await line.until(() => true), [], false)
    expect(answer?.status).toBe(101)
    expect(field(answer!, 'sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    for (let i = 0; i < 20; i++) line.write(frame(`text ${i}`, true))
    expect((await says(line, 21)).at(-1)).toBe('TEXT 19')
    expect([usedBy('k1'), gateway.pending]).toEqual([1, 1])
    expect((await told(1)).map(({ status, decision }) => [status, decision?.kind])).toEqual([[101, 'allowed']])
    expect(JSON.parse(upstream.heads[0]!)).toMatchObject({ 'x-tollgate-key-id': 'k1', upgrade: 'websocket' })
    expect(upstream.heads[0]).not.toContain('x-api-key')
    line.socket.destroy()
    await once(upstream.sockets[0]!, 'close')
    while (gateway.pending > 0) await new Promise(setImmediate)
    expect(usedBy('k1')).toBe(1)
  })

  it('asks for the path below its base path where that is asked for', async () => {
    const upstream = await echoing()
    const paths: (string | undefined)[] = []
    upstream.server.on('upgrade', ({ url }) => paths.push(url))
    const catalog = { ...CATALOG, basePathMappings: [{ basePath: 'socket', apiId: 'a', stage: 's' }] }
    const { port } = await gatewayBefore(upstream.url, { ...pem, gate: gateOf({ catalog }), stripBasePath: true })
    const line = dial(port, Buffer.concat([Buffer.from(handshake(KEY_LINE)), frame('early', true)]), tls)
    expect(await says(line, 1)).toEqual(['EARLY'])
    expect(paths).toEqual(['/?room=1'])
  })

  it('that is refused gets its answer, and the upstream hears nothing', async () => {
    const upstream = await echoing()
    const { port, told, gateway } = await gatewayBefore(upstream.url, pem)
    dial(port, handshake(`x-api-key: ${POOR}`), tls)
    await told(1)
    for (const [lines, status] of [
      [[], 403],
      [['x-api-key: unknown-key-000000000001'], 403],
      [[`x-api-key: ${POOR}`], 429],
    ] as const) {
      const line = dial(port, handshake(...lines), tls)
      const [answer] = answersIn((await line.over).bytes)
      expect([answer?.status, answer?.complete, field(answer!, 'connection')]).toEqual([status, true, 'close'])
      if (!line.socket.closed) await once(line.socket.end(), 'close')
    }
    expect(upstream.sockets.length).toBe(1)
    expect((await told(4)).map(({ status }) => status)).toEqual([101, 403, 403, 429])
    upstream.sockets[0]!.destroy()
    while ((await connections(gateway.server as Server)) > 0 || gateway.pending > 0) await new Promise(setImmediate)
  })
})

describe('an upgrade', () => {
  it('that the upstream declines has its answer arrive as it is', async () => {
    const upstream = await rawUpstream(socket => {
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
        ),
      )
    })
    const { port, told, gateway } = await gatewayBefore(upstream.url)
    const line = dial(port, handshake(KEY_LINE))
    const [answer] = answersIn((await line.over).bytes)
    expect([answer?.status, answer?.body.toString(), field(answer!, 'upgrade')]).toEqual([426, 'no', 'other'])
    line.socket.end()
    expect((await told(1)).map(({ status }) => status)).toEqual([426])
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  it('whose declining answer is cut leaves a broken transfer', async () => {
    const upstream = await rawUpstream(socket => {
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nhalf'))
    })
    const { port, gateway } = await gatewayBefore(upstream.url)
    const [answer] = answersIn((await dial(port, handshake(KEY_LINE)).over).bytes)
    expect([answer?.status, answer?.complete]).toEqual([400, false])
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  it.each([
    ['is not there', 502, undefined],
    ['says garbage', 502, 'garbage\r\n\r\n'],
    ['never answers', 504, ''],
  ])('whose upstream %s is %i', async (_, status, says) => {
    const upstream = await rawUpstream(socket => socket.once('data', () => socket.write(says ?? '')))
    if (says === undefined) await new Promise(resolve => upstream.server.close(resolve))
    const { port, told, gateway, errors } = await gatewayBefore(upstream.url, { upstreamTimeout: 150 })
    const line = dial(port, handshake(KEY_LINE))
    expect(answersIn((await line.over).bytes).map(answer => answer.status)).toEqual([status])
    line.socket.end()
    expect((await told(1)).map(answered => answered.status)).toEqual([status])
    expect(errors.map(String)).toEqual([expect.stringMatching(/^Error: upstream: \S/)])
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  it('whose client goes away during the handshake is told, and takes its upstream connection with it', async () => {
    const upstream = await rawUpstream(() => {})
    const { port, told, gateway } = await gatewayBefore(upstream.url)
    const line = dial(port, handshake(KEY_LINE))
    const [socket] = (await once(upstream.server, 'connection')) as [Socket]
    await once(socket, 'data')
    line.socket.destroy()
    await once(socket, 'end')
    expect((await told(1)).map(({ status }) => status)).toEqual([499])
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  const tunnel = async () => {
    const upstream = await rawUpstream(socket => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n'),
      )
    })
    const running = await gatewayBefore(upstream.url)
    const line = dial(running.port, head('GET /raw', KEY_LINE, 'Connection: upgrade', 'Upgrade: raw'))
    line.socket.allowHalfOpen = true
    const [far] = (await once(upstream.server, 'connection')) as [Socket]
    await line.until(bytes => bytes.includes('\r\n\r\n'))
    return { ...running, line, far }
  }
  const rest = async (stream: Duplex): Promise<string> => {
    const parts: Buffer[] = []
    stream.on('data', part => parts.push(part))
    await once(stream, 'end')
    return Buffer.concat(parts).toString()
  }

  it('whose client closes its half still hears the rest', async () => {
    const { line, far, gateway } = await tunnel()
    const heard = rest(far)
    line.socket.end('last words')
    expect(await heard).toBe('last words')
    far.end('the rest')
    expect(bodyOf((await line.over).bytes).toString()).toBe('the rest')
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  it('whose upstream closes its half still hears the rest', async () => {
    const { line, far, gateway } = await tunnel()
    far.end('last words')
    expect(bodyOf((await line.over).bytes).toString()).toBe('last words')
    const heard = rest(far)
    line.socket.end('the rest')
    expect(await heard).toBe('the rest')
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  it('that breaks at one end breaks at the other', async () => {
    const { line, far, gateway } = await tunnel()
    far.resetAndDestroy()
    await line.over
    line.socket.end()
    while (gateway.pending > 0) await new Promise(setImmediate)
  })

  it('to HTTP/2, or with a body, is declined: its request is served as any other', async () => {
    const upstream = await echoing()
    const bodies: string[] = []
    upstream.server.removeAllListeners('request')
    upstream.server.on('request', async (request, response) => {
      bodies.push(Buffer.concat(await request.toArray()).toString())
      response.end(String(request.headers.upgrade))
    })
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const h2c = [
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
      KEY_LINE,
    ]
    const requests = [
      head('GET /a', ...h2c),
      `${head('POST /a', ...h2c, 'Content-Length: 5')}hello`,
      `${head('POST /a', ...WEBSOCKET, KEY_LINE, 'Transfer-Encoding: chunked')}5\r\nworld\r\n0\r\n\r\n`,
      head('GET /a', KEY_LINE, 'Connection: close'),
    ]
    const answers = await dial(port, requests.join('')).answers()
    expect(answers.map(({ status, body }) => [status, body.toString()])).toEqual(Array(4).fill([200, 'undefined']))
    expect(bodies).toEqual(['', 'hello', 'world', ''])
    expect(usedBy('k1')).toBe(4)
  })

  it('declined again and again leaves nothing behind on its connection', async () => {
    const upstream = await upstreamOf((_, response) => response.end('plain'))
    const { port, gateway } = await gatewayBefore(upstream.url)
    const line = dial(port)
    const [socket] = (await once(gateway.server, 'connection')) as [Socket]
    const counted = async (count: number): Promise<number> => {
      for (let i = 1; i <= count; i++) {
        line.write(head('GET /a', KEY_LINE, 'Connection: Upgrade', 'Upgrade: h2c'))
        await line.until(bytes => bytes.toString('latin1').split('plain').length > i)
      }
      return socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
    }
    const few = await counted(3)
    expect(await counted(30)).toBeLessThanOrEqual(few + 3)
  })

  it('behind a request that is not answered yet waits for its turn', async () => {
    const upstream = await echoing()
    let go = (): void => {}
    upstream.server.removeAllListeners('request')
    upstream.server.on('request', (_, response) => {
      go = () => response.end(Buffer.alloc(1 << 20))
    })
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const line = dial(port, head('GET /a', KEY_LINE) + handshake(KEY_LINE))
    await once(upstream.server, 'request')
    expect([upstream.sockets.length, usedBy('k1')]).toEqual([0, 1])
    go()
    const bytes = await line.until(bytes => bytes.includes('Sec-WebSocket-Accept'))
    expect(answersIn(bytes, [], false).map(({ status }) => status)).toEqual([200, 101])
    expect(usedBy('k1')).toBe(2)
  })
})
