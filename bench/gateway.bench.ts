// What the gateway costs beside the same proxy without it: requests a second through each, in turns, over one upstream.
// Three processes beside this one (upstream, bare proxy, gateway) share the machine with the load, so read the ratio.

import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { upstreamAt } from '../src/cli/serve/forward.ts'
import { createGateway } from '../src/cli/serve/gateway.ts'
import { requestHeaders } from '../src/cli/serve/headers.ts'
import { catalogOf, createGate } from '../src/index.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'

const KEYS = 1000
const CONNECTIONS = 64
const BODY = Buffer.alloc(1024, 'x')
const keyOf = (i: number): string => `customer-key-${String(i).padStart(26, '0')}`
const role = process.argv[2]

const listening = (server: { address(): AddressInfo | string | null }): void => {
  process.send?.((server.address() as AddressInfo).port)
}

if (role === 'upstream') {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': BODY.length }).end(BODY)
  })
  server.listen(0, '127.0.0.1', () => listening(server))
} else if (role === 'bare') {
  const upstream = upstreamAt({
    url: process.argv[3]!,
    timeout: 30_000,
    connections: 128,
    maxBody: 1e7,
    onError: console.error,
    onFailure: (_, response) => response.destroy(),
  })
  const forwarding = {
    remoteAddress: '127.0.0.1',
    protocol: 'http',
    httpVersion: '1.1',
    host: undefined,
    trustForwarded: false,
    stripBasePath: false,
    keepKey: true,
    tollgate: [],
  } as const
  const server = createServer((request, response) => {
    upstream.forward(
      request,
      response,
      request.url!,
      requestHeaders(request.rawHeaders, { ...forwarding, host: request.headers.host }),
    )
  })
  server.listen(0, '127.0.0.1', () => listening(server))
} else if (role === 'gateway') {
  const gate = createGate({
    catalog: catalogOf({
      requireKey: ['GET /pets/{petId}'],
      plans: [
        {
          id: 'pro',
          throttle: { rateLimit: 100_000, burstLimit: 100_000 },
          quota: { limit: 2_000_000_000, period: 'MONTH' },
        },
      ],
      keys: Array.from({ length: KEYS }, (_, i) => ({ id: `k${i}`, value: keyOf(i), plan: 'pro' })),
    }),
  })
  const { server } = createGateway({
    gate,
    upstream: process.argv[3]!,
    style: 'standard',
    dryRun: false,
    keepKey: false,
    trustForwarded: false,
    stripBasePath: false,
    tls: null,
    upstreamTimeout: 30_000,
    upstreamConnections: 128,
    maxBody: 1e7,
    maxHeaders: 16_384,
    headersTimeout: 30_000,
    requestTimeout: 300_000,
    idleTimeout: 120_000,
    onAnswered: () => undefined,
    onError: console.error,
  })
  server.listen(0, '127.0.0.1', () => listening(server as never))
} else {
  await measure()
}

async function start(...args: string[]): Promise<{ port: number; stop: () => void }> {
  const child = fork(process.argv[1]!, args, { stdio: 'inherit', execArgv: [] })
  const port = await new Promise<number>(resolve => child.once('message', message => resolve(message as number)))
  return { port, stop: () => child.kill('SIGKILL') }
}

/** Requests a second with every connection busy, for some ms; each answer is looked at. */
async function load(port: number, ms: number): Promise<{ perSecond: number; p99: number }> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS })
  const end = performance.now() + ms
  const times: number[] = []
  let key = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < end) {
        const at = performance.now()
        const { statusCode, body } = await pool.request({
          method: 'GET',
          path: '/pets/7',
          headers: { 'x-api-key': keyOf(key++ % KEYS) },
        })
        const bytes = await body.arrayBuffer()
        if (statusCode !== 200 || bytes.byteLength !== BODY.length)
          throw new Error(`expected 200, received ${statusCode}`)
        times.push(performance.now() - at)
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  await pool.close()
  times.sort((a, b) => a - b)
  return { perSecond: times.length / seconds, p99: times[Math.floor(times.length * 0.99)]! }
}

async function measure(): Promise<void> {
  const rounds = quick ? 1 : 9
  const ms = quick ? 200 : 1500
  const upstream = await start('upstream')
  const url = `http://127.0.0.1:${upstream.port}`
  const bare = await start('bare', url)
  const gateway = await start('gateway', url)
  await Promise.all([load(bare.port, ms), load(gateway.port, ms)])
  const ratios: number[] = []
  const seen: Record<'bare' | 'gateway', { perSecond: number; p99: number }[]> = { bare: [], gateway: [] }
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? (['bare', 'gateway'] as const) : (['gateway', 'bare'] as const)
    for (const name of order) seen[name].push(await load(name === 'bare' ? bare.port : gateway.port, ms))
    ratios.push(seen.gateway.at(-1)!.perSecond / seen.bare.at(-1)!.perSecond)
  }
  for (const { stop } of [gateway, bare, upstream]) stop()
  for (const name of ['bare', 'gateway'] as const) {
    const median = (of: (run: { perSecond: number; p99: number }) => number): number =>
      quantile(seen[name].map(of), 0.5)
    const ratio = (q: number): number => (name === 'bare' ? 1 : quantile(ratios, q))
    report({
      bench: 'gateway',
      group: `${CONNECTIONS} connections`,
      name: name === 'bare' ? 'the proxy alone' : 'the gateway',
      'requests/s': median(({ perSecond }) => perSecond),
      'p99 ms': median(({ p99 }) => p99),
      ratio: ratio(0.5),
      low: ratio(0.25),
      high: ratio(0.75),
    })
  }
  process.exit(0)
}
