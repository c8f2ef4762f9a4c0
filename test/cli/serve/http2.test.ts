// Clients of HTTP/2 over TLS, which the upstream hears in HTTP/1.1.

import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayOptions } from '../../../src/cli/serve/gateway.ts'
import {
  behind,
  closeAll,
  dial,
  gatewayBefore,
  head,
  KEY,
  KEY_LINE,
  POOR,
  rawUpstream,
  upstreamOf,
} from './gateway-before.ts'
import { ask, sessionOf } from './http2.ts'
import { selfSigned } from './pem.ts'

afterEach(closeAll)

const tls = selfSigned()

const CLOSE = 'Connection: close'

async function gated(handler: RequestListener, options: Partial<GatewayOptions> = {}) {
  const upstream = await upstreamOf(handler)
  const running = await gatewayBefore(upstream.url, { tls, ...options })
  return { ...running, session: sessionOf(running.port) }
}

describe('HTTP/2', () => {
  it('is served on one connection, many at once, each charged once', async () => {
    const { session, usedBy, gateway } = await gated(({ url }, response) => response.end(url))
    const all = await Promise.all([...Array(50).keys()].map(i => ask(session, { ':path': `/a/${i}` })))
    expect(all.map(({ body }) => body)).toEqual([...Array(50).keys()].map(i => `/a/${i}`))
    expect([usedBy('k1'), gateway.pending]).toEqual([50, 0])
  })

  it('has its host, its version and its key arrive as HTTP/1.1 says them', async () => {
    const { session } = await gated(({ headers }, response) => response.end(JSON.stringify(headers)))
    const { body } = await ask(session, {
      ':authority': 'named.example',
      cookie: ['a=1', 'b=2'],
      'x-tollgate-stage': 'forged',
    })
    const headers = JSON.parse(body)
    expect(headers).toMatchObject({
      host: 'named.example',
      via: '2.0 tollgate',
      forwarded: 'for=127.0.0.1;proto=https;host="named.example"',
      'x-forwarded-proto': 'https',
      'x-tollgate-stage': 'a/s',
      cookie: 'a=1; b=2',
    })
    expect(headers['x-api-key']).toBeUndefined()
  })

  it('sends bodies, whether or not it says how long they are, and answers of every kind', async () => {
    const { session } = await gated(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString()
      response.writeEarlyHints({ link: ['</a>; rel=preload', '</b>; rel=preload'] })
      response.writeHead(201, {
        ...(request.method === 'HEAD' ? {} : { Trailer: 'X-Sum' }),
        'Set-Cookie': ['a=1', 'b=2'],
      })
      response.write(`${request.method} ${body}`)
      response.addTrailers({ 'X-Sum': '42' })
      response.end()
    })
    for (const length of [{}, { 'content-length': 5 }]) {
      const { headers, interim, trailers, body } = await ask(session, { ':method': 'POST', ...length }, 'hello')
      expect([headers[':status'], body, headers['set-cookie']]).toEqual([201, 'POST hello', ['a=1', 'b=2']])
      expect(interim.map(hint => [hint[':status'], hint['link']])).toEqual([
        [103, '</a>; rel=preload, </b>; rel=preload'],
      ])
      expect(trailers['x-sum']).toBe('42')
    }
    const head = await ask(session, { ':method': 'HEAD' })
    expect([head.headers[':status'], head.body, head.code]).toEqual([201, '', 0])
  })

  it('is refused as HTTP/1.1 is, and the connection goes on', async () => {
    const { session, usedBy } = await gated((_, response) => response.end('served'))
    await ask(session, { 'x-api-key': POOR })
    const key = (value: string | undefined): OutgoingHttpHeaders => ({ ':method': 'POST', 'x-api-key': value })
    const refused = await Promise.all([
      ask(session, key(undefined), 'body'),
      ask(session, key('unknown-key-000000000001'), Buffer.alloc(500_000)),
      ask(session, key(POOR), 'body'),
    ])
    expect(refused.map(({ headers }) => headers[':status'])).toEqual([403, 403, 429])
    expect((await ask(session, {})).body).toBe('served')
    expect(usedBy('k1')).toBe(1)
  })

  it('has a body that becomes too long refused', async () => {
    const { session } = await gated(request => request.resume(), { maxBody: 1000 })
    const announced = await ask(session, { ':method': 'POST', 'content-length': 2000 }, Buffer.alloc(2000))
    const streamed = await ask(session, { ':method': 'POST' }, Buffer.alloc(2000))
    expect([announced.headers[':status'], streamed.headers[':status']]).toEqual([413, 413])
  })

  it('has headers held to the same size as HTTP/1.1, uncharged, from its first stream on', async () => {
    const { port, session, usedBy, told } = await gated((_, response) => response.end('served'), { maxHeaders: 8_000 })
    const long = (length: number): OutgoingHttpHeaders => ({ 'x-a': 'a'.repeat(length) })
    const statuses: unknown[] = []
    // The first comes before the client knows of any limit; node would reset the others.
    for (const length of [20_000, 20_000, 60_000]) statuses.push((await ask(session, long(length))).headers[':status'])
    const many = Object.fromEntries([...Array(700).keys()].map(i => [`x-${i}`, 'a'.repeat(20)]))
    statuses.push((await ask(session, many)).headers[':status'])
    expect([statuses, usedBy('k1')]).toEqual([[431, 431, 431, 431], 0])
    expect((await told(4)).map(({ status, decision }) => [status, decision])).toEqual(Array(4).fill([431, null]))
    // The same names and values are within it, however each version writes them.
    const most = 8_000 - 150
    const [plain] = await dial(port, head('GET /a', KEY_LINE, `X-A: ${'a'.repeat(most)}`, CLOSE), true).answers()
    expect([plain?.status, (await ask(session, long(most))).headers[':status']]).toEqual([200, 200])
  })

  it('that trickles its body, or stops in it, is 408 after its time, and its upstream request is aborted', async () => {
    const aborted: Promise<void>[] = []
    const { session, told, usedBy, errors } = await gated(
      request => aborted.push(new Promise(resolve => request.once('close', resolve))),
      { requestTimeout: 300 },
    )
    const upload = (): ClientHttp2Stream =>
      session.request({ ':method': 'POST', ':path': '/a', 'x-api-key': KEY }, { endStream: false })
    const [trickling, stopping] = [upload(), upload()]
    const drip = setInterval(() => trickling.write('a'), 30)
    behind(() => clearInterval(drip))
    stopping.write('a')
    const ends = await Promise.all(
      [trickling, stopping].map(async stream => {
        const closed = once(stream, 'close')
        const [headers] = (await once(
          stream.resume().on('error', () => {}),
          'response',
        )) as [IncomingHttpHeaders]
        clearInterval(drip)
        await closed
        return [headers[':status'], stream.rstCode]
      }),
    )
    expect(ends).toEqual([
      [408, 0],
      [408, 0],
    ])
    await Promise.all(aborted)
    expect((await told(2)).map(({ status, cut }) => [status, cut])).toEqual([
      [408, false],
      [408, false],
    ])
    expect([aborted.length, usedBy('k1'), errors]).toEqual([2, 2, []])
  })

  it('whose answer has begun is reset when it is not whole in time, or closed where its answer is out', async () => {
    const { session, told, gateway } = await gated(
      ({ url }, response) => (url === '/whole' ? response.end('out') : response.write('begun')),
      { requestTimeout: 300 },
    )
    const ends: unknown[] = []
    for (const path of ['/begun', '/whole']) {
      const stream = session.request({ ':method': 'POST', ':path': path, 'x-api-key': KEY }, { endStream: false })
      stream
        .on('error', () => {})
        .resume()
        .write('a')
      await once(stream, 'close')
      ends.push(stream.rstCode)
    }
    expect(ends).toEqual([8, 0])
    expect((await told(2)).map(({ status, cut }) => [status, cut])).toEqual([
      [200, true],
      [200, false],
    ])
    expect(gateway.pending).toBe(0)
  })

  it('that is whole in time is not hurried', async () => {
    const { session } = await gated((_, response) => setTimeout(() => response.end('late'), 300), {
      requestTimeout: 150,
    })
    expect((await ask(session, { ':method': 'POST' }, 'hello')).body).toBe('late')
  })

  it('is told to go on, or not', async () => {
    const { session } = await gated(async (request, response) => response.end(String((await request.toArray()).length)))
    const stream = session.request({ ':method': 'POST', ':path': '/a', 'x-api-key': KEY, expect: '100-continue' })
    await once(stream, 'continue')
    stream.end('hello')
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('1')
    const refused = session.request({ ':method': 'POST', ':path': '/a', expect: '100-continue' }, { endStream: false })
    let told = false
    refused.once('continue', () => (told = true))
    const [headers] = (await once(refused, 'response')) as [IncomingHttpHeaders]
    refused.close()
    expect([headers[':status'], told]).toEqual([403, false])
  })

  it('sees a transfer that the upstream broke as broken', async () => {
    const upstream = await rawUpstream(socket => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'))
    })
    const { port, told } = await gatewayBefore(upstream.url, { tls })
    const { body, code } = await ask(sessionOf(port), {})
    expect([body, code]).toEqual(['half', 2])
    expect(await told(1)).toMatchObject([{ status: 200, cut: true }])
  })

  it.each<[string, RequestListener, number]>([
    ['of which nothing waits to be sent', (_, response) => response.write('half'), 65_535],
    ['of which much waits to be sent', (_, response) => response.write(Buffer.alloc(1 << 22)), 65_535],
    ['that is written, and does not fit its window', (_, response) => response.end('Served to the end'), 5],
  ])('that leaves in the middle of an answer %s has it told as cut', async (_, answer, initialWindowSize) => {
    const { port, told } = await gated(answer)
    const session = sessionOf(port, { initialWindowSize })
    const stream = session.request({ ':path': '/a', 'x-api-key': KEY }).on('error', () => {})
    await once(stream, 'data')
    stream.close(8)
    expect(await told(1)).toMatchObject([{ status: 200, cut: true }])
    const other = session.request({ ':path': '/a', 'x-api-key': KEY }).on('error', () => {})
    await once(other, 'data')
    session.destroy()
    expect((await told(2))[1]).toMatchObject({ status: 200, cut: true })
  })

  it('that has had the whole answer has it told as whole, of every kind', async () => {
    const { session, told } = await gated(({ url }, response) => {
      response.statusCode = Number(url?.slice(1, 4))
      response.end(url === '/200' ? Buffer.alloc(1 << 20) : undefined)
    })
    for (const status of [200, 204, 304]) await ask(session, { ':path': `/${status}` })
    await ask(session, { ':path': '/200', ':method': 'HEAD' })
    await ask(session, { ':path': '/200', 'x-api-key': 'no-key' })
    const told5 = (await told(5)).map(({ status, cut }) => [status, cut])
    expect(told5).toEqual([200, 204, 304, 200, 403].map(status => [status, false]))
  })

  it('that resets a stream has its upstream request aborted, and is told', async () => {
    const aborted = withResolvers()
    const { session, told, gateway, errors } = await gated((_, response) => response.once('close', aborted.resolve))
    const stream = session.request({ ':path': '/a', 'x-api-key': KEY })
    stream.on('error', () => {})
    while (gateway.pending === 0) await new Promise(setImmediate)
    stream.close(8)
    await aborted.promise
    expect(await told(1)).toMatchObject([{ status: 499, cut: true }])
    expect([gateway.pending, errors]).toEqual([0, []])
  })

  it('is 504 and 502 as HTTP/1.1 is', async () => {
    const silent = await gated(() => {}, { upstreamTimeout: 100 })
    expect((await ask(silent.session, {})).headers[':status']).toBe(504)
    const { url, server } = await rawUpstream(() => {})
    await new Promise(resolve => server.close(resolve))
    const { port } = await gatewayBefore(url, { tls })
    expect((await ask(sessionOf(port), {})).headers[':status']).toBe(502)
  })

  it('cannot tunnel, nor name a method that nobody has', async () => {
    const { session, usedBy } = await gated((_, response) => response.end('served'))
    const connect = session.request({ ':method': 'CONNECT', ':authority': 'x:80', 'x-api-key': KEY })
    const [headers] = (await once(connect, 'response')) as [IncomingHttpHeaders]
    expect(headers[':status']).toBe(405)
    expect((await ask(session, { ':method': 'BREW' })).headers[':status']).toBe(403)
    expect(usedBy('k1')).toBe(0)
  })

  it('shares its port with HTTP/1.1', async () => {
    const { port, usedBy } = await gated(({ httpVersion }, response) => response.end(httpVersion))
    const [answer] = await dial(port, head('GET /a', KEY_LINE, CLOSE), true).answers()
    expect([answer?.status, answer?.body.toString(), usedBy('k1')]).toEqual([200, '1.1', 1])
  })

  it('ends what is under way when it drains, and takes no more', async () => {
    const asked = withResolvers()
    const { session, gateway } = await gated((_, response) => {
      asked.resolve()
      setTimeout(() => response.end('late'), 50)
    })
    const late = ask(session, {})
    await asked.promise
    const drained = gateway.drain(5_000)
    expect((await late).body).toBe('late')
    await drained
    expect(session.closed || session.destroyed).toBe(true)
  })
})

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>(go => (resolve = go))
  return { promise, resolve }
}
