// Requests that are answered before anything is judged: told as any other, wherever requests are told.

import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { folder, serving, unbundled } from './command.ts'
import {
  behind,
  CATALOG,
  closeAll,
  dial,
  gatewayBefore,
  head,
  KEY_LINE,
  KEYS,
  POOR,
  upstreamOf,
} from './gateway-before.ts'
import { selfSigned } from './pem.ts'

afterEach(closeAll)
afterAll(unbundled)

const tls = selfSigned()
const CLOSE = 'Connection: close'
const GET = head('GET /a', KEY_LINE, CLOSE)
const LONG = head('GET /a', KEY_LINE, `X-A: ${'a'.repeat(3_000)}`)
const NO_FIELD = head('GET /a', 'nonsense')
const LIMITS = { maxHeaders: 2_000, headersTimeout: 150 }

it.each([
  ['with too much of headers', LONG, 431],
  ['that is malformed', NO_FIELD, 400],
  ['that stops in its headers', 'GET /a HTTP/1.1\r\n', 408],
])('a request %s is told once, by its status alone', async (_, bytes, status) => {
  const upstream = await upstreamOf((_, response) => response.end())
  for (const over of [null, tls]) {
    const { port, told, answered, usedBy } = await gatewayBefore(upstream.url, { ...LIMITS, tls: over })
    expect((await dial(port, bytes, over !== null).answers()).map(answer => answer.status)).toEqual([status])
    await dial(port, GET, over !== null).answers()
    await told(2)
    expect(answered.map(({ status }) => status)).toEqual([status, 200])
    expect(answered[0]).toMatchObject({ seq: 0, method: '', target: '', host: undefined, decision: null })
    expect(usedBy('k1')).toBe(1)
  }
})

it('what follows a whole request is told behind it, what spoils its body with it', async () => {
  const upstream = await upstreamOf((request, response) => request.resume().once('end', () => response.end()))
  const { port, told, answered } = await gatewayBefore(upstream.url, LIMITS)
  await dial(port, `${head('GET /a', KEY_LINE)}NONSENSE\r\n\r\n`).over
  await told(2)
  await dial(port, `${head('POST /a', KEY_LINE, 'Transfer-Encoding: chunked')}nonsense`).over
  await told(3)
  expect(answered.map(({ target, status }) => [target, status])).toEqual([
    ['/a', 200],
    ['', 400],
    ['/a', 400],
  ])
})

it('what is no request gets no answer, and is not told', async () => {
  const { port, answered } = await gatewayBefore('http://127.0.0.1:1', { tls })
  const plain = dial(port, head('GET /a', KEY_LINE))
  await plain.over
  const gone = connect(port, '127.0.0.1').on('error', () => {})
  behind(() => gone.destroy())
  await new Promise(resolve => gone.once('connect', resolve))
  gone.resetAndDestroy()
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(answered).toEqual([])
})

it('a line, the access log and the metrics have each of them, and one instant until which', async () => {
  const upstream = await upstreamOf((_, response) => response.end('served'))
  const path = join(folder(), 'catalog.json')
  writeFileSync(path, JSON.stringify(CATALOG))
  const args = ['--catalog', path, '--upstream', upstream.url, '--max-headers', '2KB', '--max-body', '10', '--log']
  const serve = await serving(args, KEYS)
  const sent = [
    LONG,
    NO_FIELD,
    'GET /a HTTP/1.1\r\n\r\n',
    head('POST /a', KEY_LINE, 'Content-Length: 11'),
    head('GET /a', KEY_LINE, 'Expect: nothing'),
    ...Array(3).fill(head('GET /a', `x-api-key: ${POOR}`, CLOSE)),
  ]
  for (const bytes of sent) await dial(serve.port, bytes).answers()
  const { text: metrics } = await serve.admin('/metrics')
  expect(metrics).toContain('tollgate_requests_total{decision="not-judged",plan="",detail=""} 5')
  for (const [status, n] of [
    [400, 2],
    [413, 1],
    [417, 1],
    [431, 1],
  ] as const) {
    expect(metrics).toContain(`tollgate_responses_total{status="${status}"} ${n}`)
  }
  const { text } = await serve.end()
  const lines = text.split('\n').filter(line => /^\d\d:\d\d:\d\d\.\d{3} /.test(line))
  expect(lines.slice(0, 5).map(line => line.slice(14).split(/ {2,}/))).toEqual([
    ['431 - -', '-', 'not judged: more headers than --max-headers'],
    ['400 - -', '-', 'not judged: no request as HTTP has it'],
    ['400 GET /a', '-', 'not judged: no request as HTTP has it'],
    ['413 POST /a', '-', 'not judged: a body announced as longer than --max-body'],
    ['417 GET /a', '-', 'not judged: an Expect that nobody knows'],
  ])
  const log = serve.log()
  expect(log.slice(0, 2).map(({ time, seq, duration, ...said }) => said)).toEqual([
    { status: 431, decision: 'not-judged', version: 'v1' },
    { status: 400, decision: 'not-judged', version: 'v1' },
  ])
  expect(lines.length).toBe(log.length)
  for (const [i, { time, retryAfter }] of log.entries()) {
    const said = lines[i] as string
    expect(said.slice(0, 12)).toBe(String(time).slice(11, 23))
    if (retryAfter === undefined) continue
    const until = new Date(Date.parse(String(time)) + Number(retryAfter)).toISOString()
    expect(said).toContain(`until ${until.slice(0, 10)} ${until.slice(11, 23)}`)
  }
})
