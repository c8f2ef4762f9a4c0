// The gateway as a proxy: what it passes on, beside the same without it and beside a kept proxy.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { createProxyServer } from 'httpxy'
import { afterEach, describe, expect, it } from 'vitest'
import { gateOf } from '../../gate-of.ts'
import { answersIn, field, type RawAnswer } from './answers.ts'
import {
  behind,
  CATALOG,
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
import { selfSigned } from './pem.ts'

afterEach(closeAll)

const pem = selfSigned()

const CLOSE = 'Connection: close'

/** What arrived of a request. */
interface Arrived {
  readonly line: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** Reads a request off a socket, and tells of it when it is whole. */
function reading(socket: Socket, whole: (request: Arrived) => void): void {
  let bytes = Buffer.alloc(0)
  socket.on('data', part => {
    bytes = Buffer.concat([bytes, part])
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) return
    // A request parses as an answer does, with another first line.
    const [line = ''] = bytes.toString('latin1', 0, end).split('\r\n')
    const lines = bytes.subarray(line.length + 2)
    const framed = /\r\n(content-length|transfer-encoding):/i.test(bytes.toString('latin1', 0, end))
    const fake = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${framed ? '' : 'Content-Length: 0\r\n'}`), lines])
    const [parsed] = answersIn(fake, [], false)
    if (!parsed?.complete) return
    whole({ line, headers: framed ? parsed.headers : parsed.headers.slice(1), body: parsed.body })
    bytes = Buffer.alloc(0)
  })
}

/** An upstream that gives every whole request the same bytes; `close` hangs up behind them. */
async function saying(answer: string | Buffer, close = false) {
  const arrived: Arrived[] = []
  const upstream = await rawUpstream(socket => {
    reading(socket, request => {
      arrived.push(request)
      socket.write(answer)
      if (close) socket.end()
    })
  })
  return { ...upstream, arrived }
}

/** The same proxying without a gate, by a library that many people run. */
async function keptProxy(target: string): Promise<number> {
  const proxy = createProxyServer({ target })
  proxy.on('error', (_error, _request, response) => {
    if (response !== undefined && 'writeHead' in response) response.writeHead(502).end()
  })
  const server = createServer((request, response) => void proxy.web(request, response).catch(() => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  behind(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

// What must or may differ: fields of one connection (RFC 9110, 7.6.1), how a body is framed on it, the clock, and the
// gateway's own fields.
const OF_A_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding']
// A Trailer is told only where trailers can follow.
const OURS_BACK = ['ratelimit', 'ratelimit-policy', 'date', 'trailer']
const OURS_FORTH = ['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-api-key']

function but(
  headers: readonly (readonly [string, string])[],
  ...names: readonly string[]
): (readonly [string, string])[] {
  return headers.filter(([name]) => {
    const lower = name.toLowerCase()
    return !OF_A_CONNECTION.includes(lower) && !names.includes(lower) && !lower.startsWith('x-tollgate-')
  })
}

const text = 'ein Stück Text, '.repeat(999)
const zipped = gzipSync(text)
const chunked = (...parts: (string | Buffer)[]): Buffer =>
  Buffer.concat([
    ...parts.flatMap(part => [
      Buffer.from(`${Buffer.byteLength(part).toString(16)}\r\n`),
      Buffer.from(part),
      Buffer.from('\r\n'),
    ]),
    Buffer.from('0\r\n\r\n'),
  ])
const bytesOf = (first: string, ...rest: (string | Buffer)[]): Buffer =>
  Buffer.concat([Buffer.from(first, 'latin1'), ...rest.map(part => Buffer.from(part))])
const all256 = Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 255))

const CORPUS: readonly {
  readonly what: string
  readonly method?: string
  readonly target?: string
  readonly lines?: readonly string[]
  readonly body?: Buffer
  readonly answer: Buffer
  readonly close?: boolean
  /** False for what the kept proxy does not survive. */
  readonly kept?: false
}[] = [
  { what: 'a body of a length', answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'hello') },
  {
    what: 'a body in chunks',
    answer: bytesOf('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunked('a', text, all256)),
  },
  { what: 'a body that ends with its connection', answer: bytesOf('HTTP/1.1 200 OK\r\n\r\n', text), close: true },
  { what: 'an answer of HTTP/1.0', answer: bytesOf('HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\n', text), close: true },
  {
    what: 'bytes of gzip, untouched',
    lines: ['Accept-Encoding: gzip, br'],
    answer: bytesOf(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n`, zipped),
  },
  { what: 'no body', answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },
  { what: '204', answer: bytesOf('HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n') },
  {
    what: '304 with the length of what it stands for',
    answer: bytesOf('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 99\r\n\r\n'),
  },
  { what: 'HEAD with a length', method: 'HEAD', answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n') },
  {
    what: 'HEAD of what would come in chunks',
    method: 'HEAD',
    answer: bytesOf('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n'),
  },
  {
    what: 'Set-Cookie twice, and odd letter cases',
    answer: bytesOf(
      'HTTP/1.1 200 OK\r\nset-COOKIE: a=1, x\r\nSet-Cookie: b=2\r\nX-oDD: 1\r\nVary: a\r\nvary: b\r\nContent-Length: 0\r\n\r\n',
    ),
  },
  { what: 'a reason of its own', answer: bytesOf('HTTP/1.1 299 Rather Fine\r\nContent-Length: 0\r\n\r\n') },
  {
    what: 'a reason beyond ASCII, and a value',
    answer: bytesOf('HTTP/1.1 200 OK\r\nX-Latin: \xe9\xfc\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'a redirect',
    answer: bytesOf('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n'),
  },
  { what: '404 and its body', answer: bytesOf('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n', 'gone') },
  {
    what: '500 of the upstream',
    answer: bytesOf('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\n', 'oops'),
  },
  {
    what: '401 and what it asks for',
    answer: bytesOf('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'a Trailer field without chunks',
    kept: false,
    answer: bytesOf('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\n', 'ok'),
  },
  {
    what: 'trailers',
    answer: bytesOf(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n',
    ),
  },
  {
    what: '103 before it',
    answer: bytesOf(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
      'ok',
    ),
  },
  {
    what: '103 with two targets and quotes',
    answer: bytesOf(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; title="a b", </b>; rel=preload\r\nX-More: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
      'ok',
    ),
  },
  {
    what: 'a request with a body of a length',
    method: 'POST',
    lines: ['Content-Length: 4096'],
    body: all256,
    answer: bytesOf('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'a request with a body in chunks',
    method: 'POST',
    lines: ['Transfer-Encoding: chunked'],
    body: chunked('x', text, all256),
    answer: bytesOf('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'a request with an empty body in chunks',
    method: 'PUT',
    lines: ['Transfer-Encoding: chunked'],
    body: chunked(),
    answer: bytesOf('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'POST with no body',
    method: 'POST',
    lines: ['Content-Length: 0'],
    answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'GET with a body',
    method: 'GET',
    lines: ['Content-Length: 5'],
    body: Buffer.from('hello'),
    answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'DELETE with a body',
    method: 'DELETE',
    lines: ['Content-Length: 5'],
    body: Buffer.from('hello'),
    answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  },
  { what: 'OPTIONS', method: 'OPTIONS', answer: bytesOf('HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n') },
  {
    what: 'a query with everything in it',
    target: '/a/b?x=/../%2e&y=%zz&&?',
    answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'many fields, twice',
    lines: [...Array(60).keys()].map(i => `X-F${i % 40}: v${i}`),
    answer: bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  },
]

describe('what crosses the gateway is what crosses without it', () => {
  it.each(CORPUS)(
    '$what',
    async ({ method = 'GET', target = '/a', lines = [], body = Buffer.alloc(0), answer, close, kept }) => {
      const upstream = await saying(answer, close)
      const { port } = await gatewayBefore(upstream.url)
      const request = Buffer.concat([Buffer.from(head(`${method} ${target}`, KEY_LINE, ...lines, CLOSE)), body])
      const through = async (to: number): Promise<RawAnswer[]> => {
        const line = dial(to, request)
        // The upstream itself keeps the connection open where it was not told otherwise.
        const bytes = await Promise.race([line.over.then(({ bytes }) => bytes), line.until(isWhole)])
        line.socket.end()
        return answersIn(bytes, [method])
      }
      const isWhole = (bytes: Buffer): boolean => {
        if (close) return false
        try {
          const last = answersIn(bytes, [method], false).at(-1)
          return last !== undefined && last.status >= 200 && last.complete
        } catch {
          return false
        }
      }
      const direct = await through(upstream.port)
      const ours = await through(port)
      const said = (answers: readonly RawAnswer[]) =>
        answers.map(({ status, reason, headers, body, trailers, complete }) => ({
          ...{ status, reason, body: body.toString('latin1'), complete },
          trailers: trailers.map(([name, value]) => [name.toLowerCase(), value]),
          // Lines of one name may move together; their order stays.
          headers: grouped(but(headers, ...OURS_BACK)),
        }))
      expect(said(ours)).toEqual(said(direct).map(answer => ({ ...answer, headers: answer.headers })))
      const [plain, gated] = upstream.arrived as [Arrived, Arrived]
      expect(gated.line).toBe(plain.line)
      expect(gated.body.equals(plain.body)).toBe(true)
      // undici says Host first, it and Content-Length in lower case, and a length of 0 rather than no chunk.
      const lengthless = gated.body.length === 0 ? ['content-length'] : []
      expect(grouped(but(gated.headers, ...OURS_FORTH, ...lengthless))).toEqual(
        grouped(but(plain.headers, ...OURS_FORTH, ...lengthless)),
      )
      const cased = (headers: Arrived['headers']): string[] =>
        headers.map(([name]) => name).filter(name => !/^(host|content-length)$/i.test(name))
      expect(cased(but(gated.headers, ...OURS_FORTH))).toEqual(cased(but(plain.headers, ...OURS_FORTH)))

      // The kept proxy is no judge of interim answers, trailers and what it adds; of the bytes it is.
      if (kept === false) return
      const proxied = await through(await keptProxy(upstream.url))
      expect(proxied.at(-1)?.body.equals(ours.at(-1)!.body)).toBe(true)
      expect(proxied.at(-1)?.status).toBe(ours.at(-1)?.status)
      expect(upstream.arrived[2]?.body.equals(plain.body)).toBe(true)
    },
  )
})

function grouped(headers: readonly (readonly [string, string])[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {}
  for (const [name, value] of headers) (groups[name.toLowerCase()] ??= []).push(value)
  return groups
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const GET = head('GET /a', KEY_LINE, CLOSE)
const statuses = (answers: readonly RawAnswer[]): number[] => answers.map(({ status }) => status)

describe('an upstream', () => {
  it('that answers before it has read the body has its answer arrive', async () => {
    const upstream = await rawUpstream(socket => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig'),
      )
    })
    const { port, errors } = await gatewayBefore(upstream.url)
    const line = dial(port, head('POST /a', KEY_LINE, 'Content-Length: 1000000', CLOSE))
    line.write(Buffer.alloc(400_000))
    const [answer] = await line.answers()
    expect([answer?.status, answer?.body.toString(), errors]).toEqual([413, 'big', []])
  })

  it.each([
    ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('that closes in the middle of a body %s leaves a broken transfer, no clean end', async (_, part) => {
    const upstream = await saying(part, true)
    const { port, errors, told } = await gatewayBefore(upstream.url)
    const { bytes } = await dial(port, GET).over
    const [answer] = answersIn(bytes, [], true)
    expect([answer?.status, answer?.complete, errors.length]).toEqual([200, false, 1])
    expect(await told(1)).toMatchObject([{ status: 200, cut: true }])
  })

  it('that never answers is 504 after its time, and what it has is given up', async () => {
    const upstream = await rawUpstream(() => {})
    const { port, usedBy } = await gatewayBefore(upstream.url, { upstreamTimeout: 100 })
    const [answer] = await dial(port, GET).answers()
    expect([answer?.status, answer?.body.toString()]).toEqual([504, '{"message":"Endpoint request timed out"}'])
    expect(usedBy('k1')).toBe(1)
  })

  it('whose connections are all taken is 504 after its time, too', async () => {
    const upstream = await rawUpstream(() => {})
    const { port } = await gatewayBefore(upstream.url, { upstreamTimeout: 300, upstreamConnections: 1 })
    const began = performance.now()
    const answers = await Promise.all([1, 2, 3, 4].map(() => dial(port, GET).answers()))
    expect(answers.map(statuses)).toEqual([[504], [504], [504], [504]])
    // One after the other they would take four times as long, of undici's coarse clock.
    expect(performance.now() - began).toBeLessThan(2_500)
  })

  it('that stops in the middle of its answer is cut after its time', async () => {
    const upstream = await saying('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    const { port } = await gatewayBefore(upstream.url, { upstreamTimeout: 100 })
    const { bytes } = await dial(port, GET).over
    expect(answersIn(bytes)[0]?.complete).toBe(false)
  })

  it('that is not there is 502', async () => {
    const { url, server } = await rawUpstream(() => {})
    await new Promise(resolve => server.close(resolve))
    const { port, errors } = await gatewayBefore(url)
    const [answer] = await dial(port, GET).answers()
    expect([answer?.status, answer?.body.toString()]).toEqual([502, '{"message":"Bad Gateway"}'])
    expect(errors.map(String)).toEqual([expect.stringMatching(/^Error: upstream: .*ECONNREFUSED/)])
  })

  it.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['nothing', ''],
    ['a status that is none', 'HTTP/1.1 0x200 OK\r\n\r\n'],
    ['status 000', 'HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n'],
    ['status 099', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a switch nobody asked for', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
    ['a control character in a value', 'HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n'],
    ['DEL in a value', 'HTTP/1.1 200 OK\r\nX-A: a\x7fb\r\nContent-Length: 0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['too many headers', `HTTP/1.1 200 OK\r\n${`X-A: ${'a'.repeat(1000)}\r\n`.repeat(40)}\r\n`],
  ])('that says %s is 502, and the next request is served', async (_, garbage) => {
    let first = true
    const upstream = await rawUpstream(socket => {
      reading(socket, () => {
        if (first) socket.end(garbage, 'latin1')
        else socket.write(OK)
        first = false
      })
    })
    const { port, answered } = await gatewayBefore(upstream.url)
    expect(statuses(await dial(port, GET).answers())).toEqual([502])
    expect(statuses(await dial(port, GET).answers())).toEqual([200])
    expect(answered.map(({ status }) => status)).toEqual([502, 200])
  })

  describe('that hangs up on the second request of a connection', () => {
    /** Answers the first request of each connection, and hangs up on the next, politely or not. */
    const tired = async (hangUp: (socket: Socket) => void) => {
      const arrived: string[] = []
      const upstream = await rawUpstream(socket => {
        let served = 0
        reading(socket, ({ line }) => {
          arrived.push(line)
          if (served++ === 0) socket.write(OK)
          else hangUp(socket)
        })
      })
      return { ...upstream, arrived }
    }

    it.each([
      ['with an end', (socket: Socket) => socket.end()],
      ['with a reset', (socket: Socket) => socket.resetAndDestroy()],
    ])('%s is asked again what asks for nothing to be done, and nobody hears of it', async (_, hangUp) => {
      const upstream = await tired(hangUp)
      const { port, errors, usedBy } = await gatewayBefore(upstream.url)
      for (let i = 1; i <= 3; i++) expect(statuses(await dial(port, GET).answers())).toEqual([200])
      expect([errors, usedBy('k1')]).toEqual([[], 3])
      expect(upstream.arrived.length).toBeGreaterThan(3)
    })

    it.each([
      ['POST /a', ''],
      ['DELETE /a', ''],
      ['PUT /a', 'a'],
    ])('is not asked %s again', async (line, body) => {
      const upstream = await tired(socket => socket.end())
      const { port, errors } = await gatewayBefore(upstream.url)
      const request = `${head(line, KEY_LINE, `Content-Length: ${body.length}`, CLOSE)}${body}`
      expect(statuses(await dial(port, request).answers())).toEqual([200])
      expect(statuses(await dial(port, request).answers())).toEqual([502])
      expect([upstream.arrived.length, errors.length]).toEqual([2, 1])
    })

    it('and on every other is 502 after the second', async () => {
      let calls = 0
      const upstream = await rawUpstream(socket => {
        reading(socket, () => {
          if (calls++ === 0) socket.write(OK)
          else socket.end()
        })
      })
      const { port } = await gatewayBefore(upstream.url)
      expect(statuses(await dial(port, GET).answers())).toEqual([200])
      expect(statuses(await dial(port, GET).answers())).toEqual([502])
      expect(calls).toBe(3)
    })
  })

  it('that says half a head is asked once more, and then is 502', async () => {
    const upstream = await saying('HTTP/1.1 200 OK\r\nA: b\r\n', true)
    const { port } = await gatewayBefore(upstream.url)
    expect(statuses(await dial(port, GET).answers())).toEqual([502])
    expect(upstream.arrived.length).toBe(2)
  })

  it('whose trailers are no fields leaves a broken transfer at worst', async () => {
    const upstream = await saying(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: a\x7fb\r\n\r\n',
    )
    const { port } = await gatewayBefore(upstream.url)
    const { bytes } = await dial(port, GET).over
    expect(answersIn(bytes)[0]?.body.toString()).toBe('ok')
  })

  it('learns who is calling, and not with which key', async () => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(upstream.url)
    await dial(port, head('GET /a', KEY_LINE, 'X-Tollgate-Key-Id: k2', 'x_tollgate_plan_id: poor', CLOSE)).over
    await dial(port, head('GET /open/a', KEY_LINE, 'X-Tollgate-Key-Id: k2', CLOSE)).over
    const identity = ({ headers }: Arrived) => headers.filter(([name]) => /tollgate|api.key/i.test(name))
    expect(upstream.arrived.map(identity)).toEqual([
      [
        ['X-Tollgate-Key-Id', 'k1'],
        ['X-Tollgate-Plan-Id', 'rich'],
        ['X-Tollgate-Stage', 'a/s'],
      ],
      [],
    ])
  })

  it('with a path has it before every request’s', async () => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(`${upstream.url}/base/`)
    for (const target of ['/%61/b?c', 'http://localhost/%61/b?c', 'http://localhost'])
      await dial(port, head(`GET ${target}`, KEY_LINE, CLOSE)).over
    expect(upstream.arrived.map(({ line }) => line)).toEqual([
      'GET /base/a/b?c HTTP/1.1',
      'GET /base/a/b?c HTTP/1.1',
      'GET /base/ HTTP/1.1',
    ])
  })

  it('gets the path below the base path where that is asked for, and else the whole', async () => {
    const mapped = [{ basePath: 'v1' }, { basePath: 'v1/deep' }, { domainName: 'bare.test' }]
    const catalog = { ...CATALOG, basePathMappings: mapped.map(at => ({ ...at, apiId: 'a', stage: 's' })) }
    const upstream = await saying(OK)
    const asked = async (stripBasePath: boolean): Promise<string[]> => {
      const { port } = await gatewayBefore(`${upstream.url}/up`, { gate: gateOf({ catalog }), stripBasePath })
      const paths = [
        '/v1/%61/b?c=/v1/',
        '/v1',
        '/v1/',
        '/v1?c',
        '/v1/deep/a',
        'http://localhost/v1/v1',
        'http://bare.test/v1/a',
      ]
      for (const path of paths) await dial(port, head(`GET ${path}`, KEY_LINE, CLOSE)).over
      return upstream.arrived.splice(0).map(({ line }) => line.split(' ')[1] as string)
    }
    const below = ['/a/b?c=/v1/', '/', '/', '/?c', '/a', '/v1', '/v1/a']
    expect(await asked(true)).toEqual(below.map(path => `/up${path}`))
    const whole = ['/v1/a/b?c=/v1/', '/v1', '/v1', '/v1?c', '/v1/deep/a', '/v1/v1', '/v1/a']
    expect(await asked(false)).toEqual(whole.map(path => `/up${path}`))
    // Without mappings there is nothing to take away.
    const { port } = await gatewayBefore(upstream.url, { stripBasePath: true })
    await dial(port, head('GET /v1/a', KEY_LINE, CLOSE)).over
    expect(upstream.arrived.map(({ line }) => line)).toEqual(['GET /v1/a HTTP/1.1'])
  })

  it('of an absolute target hears the host it names, and not the Host line’s', async () => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(upstream.url)
    await dial(port, `GET http://named:81/a HTTP/1.1\r\nHost: other\r\n${KEY_LINE}\r\n${CLOSE}\r\n\r\n`).over
    const [arrived] = upstream.arrived
    expect(grouped(arrived?.headers ?? [])).toMatchObject({ host: ['named:81'], 'x-forwarded-host': ['named:81'] })
  })
})

/** An upstream that reads and says nothing, and knows who is there. */
async function holding() {
  const open = new Set<Socket>()
  const upstream = await rawUpstream(socket => {
    open.add(socket)
    socket.once('end', () => socket.destroy()).resume()
    socket.once('close', () => open.delete(socket))
  })
  return { ...upstream, open }
}

describe('a client', () => {
  it('that goes away before the answer has its upstream request aborted, and is logged as 499', async () => {
    const upstream = await holding()
    const { port, told, gateway } = await gatewayBefore(upstream.url)
    const line = dial(port, head('GET /a', KEY_LINE))
    const [socket] = (await once(upstream.server, 'connection')) as [Socket]
    await once(socket, 'data')
    line.socket.destroy()
    await once(socket, 'close')
    expect((await told(1)).map(({ status }) => status)).toEqual([499])
    expect(gateway.pending).toBe(0)
  })

  it('that ends in the middle of its body has its upstream request aborted, for it is no whole request', async () => {
    const upstream = await holding()
    const { port, told } = await gatewayBefore(upstream.url)
    const line = dial(port, head('POST /a', KEY_LINE, 'Content-Length: 1000'))
    line.write('half')
    const [socket] = (await once(upstream.server, 'connection')) as [Socket]
    await once(socket, 'data')
    line.socket.destroy()
    await once(socket, 'close')
    expect((await told(1)).map(({ status }) => status)).toEqual([400])
  })

  it('that goes away with a pipeline has all of its requests told, and aborted', async () => {
    const upstream = await holding()
    const { port, told, gateway } = await gatewayBefore(upstream.url)
    const line = dial(port, head('GET /a', KEY_LINE).repeat(3))
    while (upstream.open.size < 3) await once(upstream.server, 'connection')
    const closes = [...upstream.open].map(socket => once(socket, 'close'))
    line.socket.destroy()
    await Promise.all(closes)
    expect((await told(3)).map(({ status }) => status)).toEqual([499, 499, 499])
    expect(gateway.pending).toBe(0)
  })

  it('that reads slowly has the upstream wait, and memory stay flat', async () => {
    const whole = 64 << 20
    let sent = 0
    const upstream = await upstreamOf((_, response) => {
      const part = Buffer.alloc(65_536)
      const go = (): void => {
        while (sent < whole) {
          sent += part.length
          if (!response.write(part)) {
            response.once('drain', go)
            return
          }
        }
        response.end()
      }
      go()
    })
    const { port } = await gatewayBefore(upstream.url)
    const line = dial(port, GET)
    await once(line.socket, 'readable')
    line.socket.pause()
    // Until nothing moves: what the kernel and the streams hold, and no more.
    for (let before = -1; before !== sent; ) {
      before = sent
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(24 << 20)
    line.socket.resume()
    const { bytes } = await line.over
    expect(answersIn(bytes)[0]).toMatchObject({ status: 200, complete: true })
    expect(bytes.length).toBeGreaterThan(whole)
  })

  it('that sends slowly to an upstream that does not read has to wait, too', async () => {
    const upstream = await rawUpstream(socket => socket.pause())
    const { port } = await gatewayBefore(upstream.url, { maxBody: 1 << 30 })
    const line = dial(port, head('POST /a', KEY_LINE, `Content-Length: ${1 << 30}`))
    const part = Buffer.alloc(1 << 20)
    let sent = 0
    const pump = (): void => {
      for (; sent < 1 << 30; sent += part.length) {
        if (!line.socket.write(part)) {
          line.socket.once('drain', () => {
            sent += part.length
            pump()
          })
          return
        }
      }
    }
    pump()
    for (let before = -1; before !== sent; ) {
      before = sent
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(32 << 20)
  })
})

describe('limits', () => {
  it('a body announced as too long is 413, unread and uncharged', async () => {
    const upstream = await saying(OK)
    const { port, usedBy, answered } = await gatewayBefore(upstream.url, { maxBody: 10 })
    const answers = await dial(port, `${head('POST /a', KEY_LINE, 'Content-Length: 11')}hello worldGET /a`).answers()
    expect(statuses(answers)).toEqual([413])
    expect(field(answers[0]!, 'connection')).toBe('close')
    expect([usedBy('k1'), upstream.arrived.length, answered[0]?.decision]).toEqual([0, 0, null])
    const exactly = await dial(port, `${head('POST /a', KEY_LINE, 'Content-Length: 10', CLOSE)}hello worl`).answers()
    expect(statuses(exactly)).toEqual([200])
  })

  it('a body in chunks that becomes too long is 413, and its upstream request is aborted', async () => {
    const upstream = await holding()
    const { port, usedBy, errors } = await gatewayBefore(upstream.url, { maxBody: 10 })
    const line = dial(port, head('POST /a', KEY_LINE, 'Transfer-Encoding: chunked'))
    line.write('5\r\nhello\r\n')
    const [socket] = (await once(upstream.server, 'connection')) as [Socket]
    const gone = once(socket, 'close')
    line.write('6\r\n world\r\n')
    const answer = await line.until(bytes => bytes.includes('Too Long'))
    expect(statuses(answersIn(answer, [], false))).toEqual([413])
    expect(errors.map(String)).toEqual(['Error: client: a body of more than 10 bytes'])
    await gone
    expect(usedBy('k1')).toBe(1)
  })

  it('a body in a coding that nobody undoes is 501, uncharged', async () => {
    const upstream = await saying(OK)
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const coded = `${head('POST /a', KEY_LINE, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`
    expect(statuses(await dial(port, coded).answers())).toEqual([501])
    expect([usedBy('k1'), upstream.arrived.length]).toEqual([0, 0])
  })

  it.each([false, true])('too much of headers is 431, over TLS: %s', async tls => {
    const upstream = await saying(OK)
    const { port, usedBy } = await gatewayBefore(upstream.url, { maxHeaders: 2_000, ...(tls ? { tls: pem } : {}) })
    const long = (length: number): string => head('GET /a', KEY_LINE, `X-A: ${'a'.repeat(length)}`, CLOSE)
    expect(statuses(await dial(port, long(2_500), tls).answers())).toEqual([431])
    expect(usedBy('k1')).toBe(0)
    expect(statuses(await dial(port, long(1_500), tls).answers())).toEqual([200])
  })

  it.each([
    ['that stops in its headers', 'GET /a HTTP/1.1\r\nHost: localhost\r\nX-A: ', false],
    ['that stops in its headers, over TLS', 'GET /a HTTP/1.1\r\nHost: localhost\r\nX-A: ', true],
    ['that has a line forever', 'GET /', false],
  ])('a request %s is 408 after its time, however many there are', async (_, part, tls) => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(upstream.url, { headersTimeout: 150, ...(tls ? { tls: pem } : {}) })
    const lines = Array.from({ length: tls ? 5 : 40 }, () => dial(port, part, tls))
    const drip = setInterval(() => {
      for (const line of lines) if (!line.socket.destroyed) line.write('a')
    }, 30)
    behind(() => clearInterval(drip))
    expect(statuses(await dial(port, GET, tls).answers())).toEqual([200])
    for (const line of lines) expect(statuses(await line.answers())).toEqual([408])
  })

  it('a body that stops is 408 after its time, and its upstream request is aborted', async () => {
    const upstream = await holding()
    const { port } = await gatewayBefore(upstream.url, { requestTimeout: 200, headersTimeout: 150 })
    const line = dial(port, `${head('POST /a', KEY_LINE, 'Content-Length: 10')}half`)
    const [socket] = (await once(upstream.server, 'connection')) as [Socket]
    expect(statuses(await line.answers())).toEqual([408])
    if (!socket.destroyed) await once(socket, 'close')
  })

  it('a body that stops behind an answer that is out already gets no other', async () => {
    const upstream = await upstreamOf((request, response) => {
      request.on('error', () => {}).resume()
      response.end('out')
    })
    const { port, told } = await gatewayBefore(upstream.url, { requestTimeout: 200, headersTimeout: 150 })
    const line = dial(port, `${head('POST /a', KEY_LINE, 'Content-Length: 10')}half`)
    expect(statuses(await line.answers())).toEqual([200])
    expect((await told(1)).map(({ status, cut }) => [status, cut])).toEqual([[200, false]])
  })

  it.each([false, true])('a connection on which nothing moves is closed, over TLS: %s', async tls => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(upstream.url, { idleTimeout: 100, ...(tls ? { tls: pem } : {}) })
    const { bytes } = await dial(port, undefined, tls).over
    expect(bytes.length).toBe(0)
  })
})

const refusals = [
  ['no key', '', 403],
  ['an unknown key', 'x-api-key: unknown-key-000000000001', 403],
  ['a key that is spent', `x-api-key: ${POOR}`, 429],
] as const

describe('a refused request', () => {
  it.each(refusals)(
    'with %s that expects 100 gets its answer without, and its body is not read',
    async (_, key, status) => {
      const upstream = await saying(OK)
      const { port } = await gatewayBefore(upstream.url)
      await dial(port, head('GET /a', `x-api-key: ${POOR}`, CLOSE)).over
      const line = dial(port, head('POST /a', ...[key].filter(Boolean), 'Content-Length: 5', 'Expect: 100-continue'))
      const { bytes } = await line.over
      expect(statuses(answersIn(bytes))).toEqual([status])
      expect(upstream.arrived.length).toBe(1)
    },
  )

  it('that is admitted is told to go on, and served', async () => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(upstream.url)
    const line = dial(port, head('POST /a', KEY_LINE, 'Content-Length: 5', 'Expect: 100-continue', CLOSE))
    await line.until(bytes => bytes.includes('100 Continue\r\n\r\n'))
    line.write('hello')
    expect(statuses(await line.answers())).toEqual([100, 200])
    expect(upstream.arrived[0]?.body.toString()).toBe('hello')
  })

  it.each(refusals)('with %s and a body has nothing behind it answered or charged', async (_, key, status) => {
    const upstream = await saying(OK)
    const { port, usedBy, answered } = await gatewayBefore(upstream.url)
    await dial(port, head('GET /a', `x-api-key: ${POOR}`, CLOSE)).over
    const refused = `${head('POST /a', ...[key].filter(Boolean), 'Content-Length: 5')}hello`
    const answers = await dial(port, refused + head('GET /a', KEY_LINE).repeat(2)).answers()
    expect(statuses(answers)).toEqual([status])
    expect([usedBy('k1'), upstream.arrived.length, answered.length]).toEqual([0, 1, 2])
  })

  it.each([
    ['without a Host', `GET /a HTTP/1.1\r\n${KEY_LINE}\r\n\r\n`, 400],
    ['that expected to be told to go on', head('GET /a', 'Expect: 100-continue'), 403],
    ['with an expectation that is none', head('GET /a', KEY_LINE, 'Expect: nothing'), 417],
  ])('%s has nothing behind it answered or charged', async (_, refused, status) => {
    const upstream = await saying(OK)
    const { port, usedBy, answered } = await gatewayBefore(upstream.url)
    expect(statuses(await dial(port, refused + head('GET /a', KEY_LINE)).answers())).toEqual([status])
    expect([usedBy('k1'), upstream.arrived.length, answered.length]).toEqual([0, 0, 1])
  })

  it('without a body leaves the connection for what follows', async () => {
    const upstream = await saying(OK)
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const answers = await dial(port, head('GET /a') + head('GET /a', KEY_LINE) + head('GET /a', CLOSE)).answers()
    expect(statuses(answers)).toEqual([403, 200, 403])
    expect(usedBy('k1')).toBe(1)
  })

  it('has its answer read by a client that is still sending, and the connection ends without a reset', async () => {
    const upstream = await saying(OK)
    const { port } = await gatewayBefore(upstream.url, { maxBody: 1 << 30 })
    for (let i = 0; i < 5; i++) {
      const line = dial(port, head('POST /a', 'Content-Length: 8000000'))
      line.write(Buffer.alloc(8_000_000))
      const { bytes, how } = await line.over
      expect([statuses(answersIn(bytes)), how]).toEqual([[403], 'end'])
    }
  })
})

describe('a connection', () => {
  it('serves what is pipelined in its order, whichever is ready first', async () => {
    const waiting: (() => void)[] = []
    const upstream = await upstreamOf(({ url }, response) => {
      waiting.push(() => response.end(url))
      if (waiting.length === 4) for (const go of waiting.reverse()) go()
    })
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const requests = [1, 2, 3, 4].map(i => head(`GET /${i}`, KEY_LINE, ...(i === 4 ? [CLOSE] : [])))
    const answers = await dial(port, requests.join('')).answers()
    expect(answers.map(({ body }) => body.toString())).toEqual(['/1', '/2', '/3', '/4'])
    expect(usedBy('k1')).toBe(4)
  })

  it.each([
    ['whose next is garbage', 'NONSENSE\r\n\r\n', [200, 400]],
    ['whose next has two lengths', head('POST /a', KEY_LINE, 'Content-Length: 1', 'Content-Length: 2'), [200, 400]],
    ['whose next has headers too long', head('GET /a', KEY_LINE, `X-A: ${'a'.repeat(20_000)}`), [200, 431]],
  ])('%s has the answer before it arrive whole', async (_, next, expected) => {
    const upstream = await upstreamOf((_, response) => {
      response.write('be')
      setImmediate(() => response.end('fore'))
    })
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const answers = await dial(port, head('GET /a', KEY_LINE) + next).answers()
    expect(statuses(answers)).toEqual(expected)
    expect(answers[0]?.body.toString()).toBe('before')
    expect(usedBy('k1')).toBe(1)
  })

  it('whose chunks are garbage is 400 behind what came before it, and the upstream request is aborted', async () => {
    const aborted: string[] = []
    const upstream = await upstreamOf((request, response) => {
      request.resume()
      request.on('error', () => aborted.push(request.url!))
      if (request.method === 'GET') response.end('before')
    })
    const { port, told } = await gatewayBefore(upstream.url)
    const post = head('POST /b', KEY_LINE, 'Transfer-Encoding: chunked')
    const answers = await dial(port, `${head('GET /a', KEY_LINE)}${post}5\r\nhello\r\nzz\r\n`).answers()
    expect(statuses(answers)).toEqual([200, 400])
    expect((await told(2)).map(({ status }) => status)).toEqual([200, 400])
  })

  it.each([0, 100])(
    'whose chunks are garbage behind an answer that is out already has that answer arrive whole, and no other: %i ms',
    async later => {
      const upstream = await upstreamOf((request, response) => {
        request.on('error', () => {}).resume()
        response.end(request.url)
      })
      const { port, told } = await gatewayBefore(upstream.url)
      const post = head('POST /b', KEY_LINE, 'Transfer-Encoding: chunked')
      const line = dial(port, `${head('GET /a', KEY_LINE)}${post}5\r\nhello\r\n`)
      await line.until(bytes => bytes.includes('/b'))
      await new Promise(resolve => setTimeout(resolve, later))
      line.write('zz\r\n')
      expect((await line.answers()).map(({ status, complete }) => [status, complete])).toEqual([
        [200, true],
        [200, true],
      ])
      expect((await told(2)).map(({ status }) => status)).toEqual([200, 200])
    },
  )

  it('that the client closes behind a request with more behind it has no second answer', async () => {
    const upstream = await saying(OK)
    const { port, usedBy } = await gatewayBefore(upstream.url)
    const answers = await dial(port, head('GET /a', KEY_LINE, CLOSE) + head('GET /b', KEY_LINE)).answers()
    expect(statuses(answers)).toEqual([200])
    expect(usedBy('k1')).toBe(1)
  })

  it('goes on after many requests', async () => {
    const upstream = await saying(OK)
    const { port, usedBy, gateway } = await gatewayBefore(upstream.url)
    const answers = await dial(port, head('GET /a', KEY_LINE).repeat(200) + GET).answers()
    expect(statuses(answers)).toEqual(Array(201).fill(200))
    expect([usedBy('k1'), gateway.pending]).toEqual([201, 0])
  })
})

// STREAM_MB=1024 for the gigabyte.
const STREAM_MB = Number(process.env['STREAM_MB'] ?? 200)

describe(`${STREAM_MB} MB`, () => {
  /** A stream of known bytes: each 64 KB part is its own number. */
  const PARTS = STREAM_MB * 16
  function* parts(): Generator<Buffer> {
    for (let i = 0; i < PARTS; i++) yield Buffer.alloc(65_536, i & 255)
  }

  it.each(['down', 'up'])('stream %s byte for byte, and memory stays flat', { timeout: 300_000 }, async way => {
    const sums: string[] = []
    const summed = async (stream: Readable): Promise<string> => {
      const hash = createHash('md5')
      let most = 0
      for await (const part of stream) {
        hash.update(part as Buffer)
        most = Math.max(most, process.memoryUsage.rss())
      }
      expect((most - before) >> 20).toBeLessThan(160)
      return hash.digest('hex')
    }
    const upstream = await upstreamOf(async (request, response) => {
      if (way === 'down') Readable.from(parts()).pipe(response)
      else {
        sums.push(await summed(request))
        response.end()
      }
    })
    const { port } = await gatewayBefore(upstream.url, { maxBody: 2 ** 40, requestTimeout: 0 })
    const expected = createHash('md5')
    for (const part of parts()) expected.update(part)
    const before = process.memoryUsage.rss()
    const headers = { 'x-api-key': KEY }
    const request = httpRequest({ port, host: '127.0.0.1', path: '/a', method: way === 'up' ? 'PUT' : 'GET', headers })
    if (way === 'up') Readable.from(parts()).pipe(request)
    else request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    sums.push(await summed(response))
    expect(sums[0]).toBe(expected.digest('hex'))
  })
})
