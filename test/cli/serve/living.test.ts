// The command while it lives: reloads, signals, what it logs and counts, and how it ends.

import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { folder, type Serving, serving, unbundled } from './command.ts'
import { CATALOG, closeAll, dial, head, KEY, KEY_LINE, KEYS, POOR, upstreamOf } from './gateway-before.ts'

afterEach(closeAll)
afterAll(unbundled)

const FILE_KEY = 'serve-tests-key-00000000003'
const ALL_KEYS = [...KEYS, FILE_KEY]
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

interface Got {
  readonly status: number
  /** What is left of the quota, by the RateLimit field. */
  readonly left: number
  readonly body: string
}

function get(port: number, { key = KEY as string | null, path = '/a' } = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = key === null ? {} : { 'x-api-key': key }
    request({ port, host: '127.0.0.1', path, headers, agent }, async response => {
      const body = Buffer.concat(await response.toArray()).toString()
      const left = Number(/"(?:rich|poor)";r=(\d+)/.exec(String(response.headers['ratelimit']))?.[1] ?? Number.NaN)
      resolve({ status: response.statusCode ?? 0, left, body })
    })
      .on('error', reject)
      .end()
  })
}

/** A catalog in a file, and how to save another over it. */
function catalogFile() {
  const path = join(folder(), 'catalog.json')
  const textOf = (version: string, changes: object = {}): string =>
    JSON.stringify({ ...CATALOG, version, ...changes }, null, 2)
  /** As editors do: written beside, then renamed over. */
  const replace = (text: string): void => {
    writeFileSync(`${path}~`, text)
    renameSync(`${path}~`, path)
  }
  writeFileSync(path, textOf('v1'))
  return { path, textOf, replace }
}

async function running(args: readonly string[] = []) {
  const reached: string[] = []
  const upstream = await upstreamOf((request, response) => {
    reached.push(request.url!)
    response.end('served')
  })
  const file = catalogFile()
  const serve = await serving(['--catalog', file.path, '--upstream', upstream.url, ...args], ALL_KEYS)
  return { serve, file, upstream, reached }
}

/** Asks until a catalog is in force, and waits for its message. */
const inForce = (serve: Serving, version: string): Promise<string> =>
  serve.said(new RegExp(`catalog ${version} is in force`))

describe('a reload', () => {
  it('comes of saving, by rename and in place, and keeps the counters; each decision names its version', async () => {
    const { serve, file } = await running()
    expect(await get(serve.port)).toMatchObject({ status: 200, left: 999_999 })
    file.replace(file.textOf('v2'))
    await inForce(serve, 'v2')
    expect(await get(serve.port)).toMatchObject({ status: 200, left: 999_998 })
    // In place, in two parts with time between: what is read of the first is refused, and explained.
    const text = file.textOf('v3')
    writeFileSync(file.path, text.slice(0, 100))
    await serve.said(/catalog\.json:\d+:\d+: expected JSON.*\n(.*\n)*the catalog in force stays: v2/)
    expect(await get(serve.port)).toMatchObject({ status: 200, left: 999_997 })
    writeFileSync(file.path, text)
    await inForce(serve, 'v3')
    expect(await get(serve.port)).toMatchObject({ status: 200, left: 999_996 })
    expect((await serve.end()).code).toBe(0)
    expect(serve.log().map(({ version }) => version)).toEqual(['v1', 'v2', 'v2', 'v3'])
  })

  it('of a wrong catalog is explained by file, line and column, and changes nothing', async () => {
    const { serve, file } = await running()
    file.replace(file.textOf('v2', { usagePlans: [{ id: 'rich', quota: { limit: 0, period: 'MONTH' } }] }))
    await serve.said(/catalog\.json:\d+:\d+: usagePlans\[0\]\.quota\.limit.*\n(.*\n)*the catalog in force stays: v1/)
    file.replace(file.textOf('v3', { apiKeys: [{ id: 'k1', value: KEY, usagePlanIds: ['nothing'] }] }))
    await serve.said(/catalog\.json:\d+:\d+: apiKeys\[0\]\.usagePlanIds/)
    expect(await get(serve.port)).toMatchObject({ status: 200, left: 999_999 })
    expect((await serve.end()).code).toBe(0)
  })

  it('comes of SIGHUP, and keys of a key file keep their ids and counters', async () => {
    const keys = join(folder(), 'keys.csv')
    const row = (name: string, value: string): string => `${name},${value},,TRUE,rich\n`
    const csv = (...rows: string[]): string => `Name,Key,Description,Enabled,UsagePlanIds\n${rows.join('')}`
    writeFileSync(keys, csv(row('file', FILE_KEY)))
    const { serve } = await running(['--keys', keys])
    expect(await get(serve.port, { key: FILE_KEY })).toMatchObject({ status: 200, left: 999_999 })
    writeFileSync(keys, csv(row('other', 'serve-tests-key-00000000004'), row('renamed', FILE_KEY)))
    serve.process.kill('SIGHUP')
    await inForce(serve, 'v1')
    expect(await get(serve.port, { key: FILE_KEY })).toMatchObject({ status: 200, left: 999_998 })
    writeFileSync(keys, csv(row('broken', 'short')))
    serve.process.kill('SIGHUP')
    await serve.said(/keys\.csv:2: (.*\n)*the catalog in force stays: v1/)
    expect(await get(serve.port, { key: FILE_KEY })).toMatchObject({ status: 200, left: 999_997 })
    expect((await serve.end()).code).toBe(0)
    expect(new Set(serve.log().map(({ keyId }) => keyId)).size).toBe(1)
  })

  it('twenty times a second loses and mistakes no answer', async () => {
    const { serve, file, reached } = await running(['--quiet'])
    let saved = 0
    const reloads = setInterval(() => {
      file.replace(file.textOf(`r${++saved}`))
      serve.process.kill('SIGHUP')
    }, 50)
    const counts: Record<string, number> = {}
    const until = Date.now() + 2_000
    const client = async (key: string | null, path: string): Promise<void> => {
      while (Date.now() < until) {
        const { status } = await get(serve.port, { key, path })
        const name = `${key} ${status}`
        counts[name] = (counts[name] ?? 0) + 1
      }
    }
    await Promise.all([client(KEY, '/a'), client(KEY, '/b'), client(POOR, '/a'), client(null, '/a')])
    clearInterval(reloads)
    const served = counts[`${KEY} 200`]!
    expect(counts).toEqual({
      [`${KEY} 200`]: served,
      [`${POOR} 200`]: 1,
      [`${POOR} 429`]: expect.any(Number),
      'null 403': expect.any(Number),
    })
    expect(reached.length).toBe(served + 1)
    expect(await get(serve.port)).toMatchObject({ left: 1_000_000 - served - 1 })
    expect((await serve.end()).code).toBe(0)
    const versions = serve
      .log()
      .flatMap(({ version }) => (version === undefined ? [] : [Number(String(version).slice(1))]))
    expect(new Set(versions).size).toBeGreaterThan(5)
    expect(Math.max(...versions)).toBeLessThanOrEqual(saved)
    // Requests overtake each other in the log, by what is under way at once.
    for (const [i, version] of versions.entries()) expect(version).toBeGreaterThanOrEqual((versions[i - 8] ?? 0) - 1)
  })
})

describe('what it says', () => {
  it('the access log goes on in a new file after a rename and SIGHUP, and no line is lost', async () => {
    const { serve, file } = await running(['--quiet'])
    let sent = 0
    let going = true
    const client = async (): Promise<void> => {
      while (going) {
        sent++
        await get(serve.port, { path: `/a/${sent}` })
      }
    }
    const clients = [client(), client(), client()]
    for (let i = 1; i <= 3; i++) {
      renameSync(serve.logFile, `${serve.logFile}.${i}`)
      file.replace(file.textOf(`l${i}`))
      serve.process.kill('SIGHUP')
      await inForce(serve, `l${i}`)
    }
    going = false
    await Promise.all(clients)
    expect((await serve.end()).code).toBe(0)
    const names = [1, 2, 3].map(i => `${serve.logFile}.${i}`)
    const lines = [...names, serve.logFile].flatMap(name => serve.log(name))
    expect(new Set(lines.map(({ path }) => path)).size).toBe(sent)
    expect(lines.length).toBe(sent)
  })

  it('every request is a line that parses, with what was decided and no query', async () => {
    const { serve } = await running()
    await get(serve.port, { path: `/a?x-api-key=${KEY}` })
    await get(serve.port, { path: '/a', key: null })
    await get(serve.port, { path: '/open/a', key: null })
    await get(serve.port, { path: '/a%2fb' })
    const { text, code } = await serve.end()
    expect(code).toBe(0)
    expect(serve.log()).toMatchObject([
      {
        method: 'GET',
        path: '/a',
        status: 200,
        decision: 'allowed',
        keyId: 'k1',
        planId: 'rich',
        stage: 's',
        version: 'v1',
      },
      { path: '/a', status: 403, decision: 'invalid-api-key', reason: 'missing' },
      { path: '/open/a', status: 200, decision: 'open' },
      { path: '/a%2fb', status: 400, decision: 'bad-request', reason: 'path' },
    ])
    expect(text.split('\n').filter(line => /^\d\d:\d\d:/.test(line))).toHaveLength(4)
  })

  it('its metrics are of the exposition format, and add up to what was sent', async () => {
    const { serve } = await running(['--max-body', '10'])
    for (let i = 0; i < 7; i++) await get(serve.port)
    for (let i = 0; i < 4; i++) await get(serve.port, { key: POOR })
    for (let i = 0; i < 3; i++) await get(serve.port, { key: 'unknown-key-000000000001' })
    await dial(serve.port, head('POST /a', KEY_LINE, 'Content-Length: 11')).over
    const { text } = await serve.admin('/metrics')
    const { samples, types } = exposition(text)
    const sum = (name: string, labels = ''): number =>
      samples
        .filter(sample => sample.name === name && sample.labels.includes(labels))
        .reduce((n, { value }) => n + value, 0)
    expect(sum('tollgate_requests_total')).toBe(15)
    expect(sum('tollgate_requests_total', 'decision="allowed"')).toBe(8)
    expect(sum('tollgate_requests_total', 'decision="not-judged"')).toBe(1)
    expect(sum('tollgate_responses_total')).toBe(15)
    expect(sum('tollgate_responses_total', 'status="429"')).toBe(3)
    expect(sum('tollgate_request_duration_seconds_count')).toBe(15)
    const buckets = samples.filter(({ name }) => name === 'tollgate_request_duration_seconds_bucket')
    expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b))
    expect(buckets.at(-1)).toMatchObject({ labels: 'le="+Inf"', value: 15 })
    expect(types['tollgate_request_duration_seconds']).toBe('histogram')
    expect((await serve.admin('/healthz')).status).toBe(200)
    expect((await serve.admin('/readyz')).status).toBe(200)
    expect((await serve.admin('/apikeys')).status).toBe(403)
    expect((await serve.end()).code).toBe(0)
  })

  it('a dry run refuses nobody, and logs whom it would have', async () => {
    const { serve, reached } = await running(['--dry-run'])
    const sent = [
      {},
      { key: null },
      { key: 'unknown-key-000000000001' },
      { key: POOR },
      { key: POOR },
      { path: '/a%2fb' },
    ]
    for (const options of sent) expect(await get(serve.port, options)).toMatchObject({ status: 200, body: 'served' })
    // What cannot be passed on is refused all the same.
    const [star] = await dial(serve.port, head('OPTIONS *', KEY_LINE, 'Connection: close')).answers()
    expect(star?.status).toBe(400)
    expect(reached).toEqual(['/a', '/a', '/a', '/a', '/a', '/a%2fb'])
    expect((await serve.end()).code).toBe(0)
    expect(serve.log().map(({ decision, status, dryRun }) => [decision, status, dryRun])).toEqual([
      ['allowed', 200, undefined],
      ['invalid-api-key', 200, true],
      ['invalid-api-key', 200, true],
      ['allowed', 200, undefined],
      ['quota-exceeded', 200, true],
      ['bad-request', 200, true],
      ['bad-request', 400, undefined],
    ])
  })
})

describe('its end', () => {
  it('by SIGTERM under load lets every request that it took end, refuses new connections, and is 0', async () => {
    const upstream = await upstreamOf((_, response) => setTimeout(() => response.end('served'), 30))
    const file = catalogFile()
    const serve = await serving(['--catalog', file.path, '--upstream', upstream.url, '--quiet'], ALL_KEYS)
    const over: string[] = []
    let going = true
    const client = async (): Promise<void> => {
      while (going) {
        const answers = await dial(serve.port, head('GET /a', KEY_LINE, 'Connection: close')).answers()
        over.push(answers.map(({ status, body, complete }) => `${status} ${body} ${complete}`).join())
        if (answers.length === 0) going = false
      }
    }
    const clients = [1, 2, 3, 4, 5, 6].map(client)
    while (over.length < 30) await new Promise(resolve => setTimeout(resolve, 10))
    const { code } = await serve.end('SIGTERM')
    await Promise.all(clients)
    expect(code).toBe(0)
    // Served whole, or not taken at all.
    expect(new Set(over)).toEqual(new Set(['200 served true', '']))
    expect(serve.log().length).toBe(over.filter(text => text !== '').length)
  })

  const stuck = async (...args: string[]) => {
    const upstream = await upstreamOf(() => {})
    const file = catalogFile()
    const serve = await serving(['--catalog', file.path, '--upstream', upstream.url, ...args], ALL_KEYS)
    dial(serve.port, head('GET /a', KEY_LINE))
    await once(upstream.server, 'request')
    return serve
  }

  it('waits no longer than it was told, is not ready meanwhile, and is 0', async () => {
    const serve = await stuck('--drain', '700ms')
    const began = performance.now()
    const ended = serve.end('SIGTERM')
    await serve.said(/stopping: 1 under way/)
    expect((await serve.admin('/readyz')).status).toBe(503)
    expect((await ended).code).toBe(0)
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(serve.log()).toMatchObject([{ status: 499, decision: 'allowed' }])
  })

  it('by a second signal comes at once', async () => {
    const serve = await stuck('--drain', '60s')
    serve.process.kill('SIGTERM')
    await serve.said(/stopping/)
    expect((await serve.end('SIGINT')).code).toBe(1)
  })
})

interface Sample {
  readonly name: string
  readonly labels: string
  readonly value: number
}

/** The samples of a text in Prometheus's exposition format 0.0.4. Throws what is none. */
function exposition(text: string): { samples: Sample[]; types: Record<string, string> } {
  expect(text.endsWith('\n')).toBe(true)
  const samples: Sample[] = []
  const types: Record<string, string> = {}
  const seen = new Set<string>()
  for (const line of text.slice(0, -1).split('\n')) {
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      expect(types[type[1]!]).toBeUndefined()
      types[type[1]!] = type[2]!
    }
    if (line.startsWith('# HELP ') || type !== null) continue
    const sample = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\d+(?:\.\d+)?(?:e-\d+)?)$/.exec(line)
    if (sample === null) throw new Error(`no sample: ${line}`)
    const [, name = '', labels = '', value] = sample
    expect(seen.has(`${name}{${labels}}`), `twice: ${name}{${labels}}`).toBe(false)
    seen.add(`${name}{${labels}}`)
    expect(types[name] ?? types[name.replace(/_(bucket|sum|count)$/, '')], name).toBeDefined()
    samples.push({ name, labels, value: Number(value) })
  }
  return { samples, types }
}
