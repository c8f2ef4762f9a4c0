// npm run soak:gateway -- [--seconds 60] [--connections 64] [--keys 1000]
// The real command under traffic that is not nice: reloads every second, slow and aborting clients, wrong keys and paths.
// Afterwards the access log is held to an oracle that shares nothing with the gateway: token buckets in BigInt fractions,
// quotas by counting. Prints a table, exits 1 if anything is off.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    connections: { type: 'string', default: '64' },
    keys: { type: 'string', default: '1000' },
  },
})
const SECONDS = Number(values.seconds)
const CONNECTIONS = Number(values.connections)
const KEYS = Number(values.keys)
const PLANS = {
  slow: { rateLimit: 0.5, burstLimit: 3, quota: 40 },
  fast: { rateLimit: 20, burstLimit: 40, quota: 5000 },
}
const secretOf = i => `soak-customer-key-${String(i).padStart(12, '0')}`
const planOf = i => (i % 3 === 0 ? 'slow' : 'fast')

const folder = mkdtempSync(join(tmpdir(), 'tollgate-soak-'))
const catalogFile = join(folder, 'catalog.json')
const logFile = join(folder, 'access.ndjson')
function writeCatalog(version) {
  const plans = Object.entries(PLANS).map(([id, { quota, ...throttle }]) => ({
    id,
    throttle,
    quota: { limit: quota, period: 'MONTH' },
  }))
  const keys = Array.from({ length: KEYS }, (_, i) => ({ id: `k${i}`, value: secretOf(i), plan: planOf(i) }))
  // As editors save: written beside it, then put in its place.
  writeFileSync(`${catalogFile}.new`, JSON.stringify({ version, requireKey: ['/pets/{petId}'], plans, keys }))
  renameSync(`${catalogFile}.new`, catalogFile)
}

const upstream = createServer((incoming, response) => {
  incoming.resume()
  if (incoming.url.endsWith('/large')) response.writeHead(200).end(Buffer.alloc(300_000, 'x'))
  else setTimeout(() => response.writeHead(200).end('ok'), incoming.url.endsWith('/late') ? 50 : 0)
})
await new Promise(resolve => upstream.listen(0, '127.0.0.1', resolve))

writeCatalog('v0')
const gateway = spawn(
  process.execPath,
  [
    'dist/cli.js',
    'serve',
    '--catalog',
    catalogFile,
    '--upstream',
    `http://127.0.0.1:${upstream.address().port}`,
    '--port',
    '0',
    '--access-log',
    logFile,
    '--quiet',
  ],
  { stdio: ['ignore', 'pipe', 'pipe'] },
)
let said = ''
gateway.stdout.on('data', text => (said += text))
gateway.stderr.on('data', text => (said += text))
const port = await new Promise((resolve, reject) => {
  gateway.once('exit', () => reject(new Error(said)))
  gateway.stderr.on('data', () => {
    const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said)
    if (found !== null) resolve(Number(found[1]))
  })
})

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
const statuses = new Map()
const times = []
/** One request; `manner` is how its client behaves. */
function ask(path, key, manner) {
  return new Promise(resolve => {
    const at = performance.now()
    const outgoing = request({
      agent,
      port,
      host: '127.0.0.1',
      path,
      headers: key === null ? {} : { 'x-api-key': key },
    })
    outgoing.on('error', () => resolve('aborted'))
    outgoing.on('response', response => {
      statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
      if (manner === 'abort') {
        outgoing.destroy()
        resolve('aborted')
        return
      }
      response.on('error', () => resolve('aborted'))
      response.on('end', () => {
        if (manner === 'plain' && path.endsWith('/7')) times.push(performance.now() - at)
        resolve(response.statusCode)
      })
      if (manner === 'slow') {
        response.pause()
        setTimeout(() => response.resume(), 200)
      } else response.resume()
    })
    outgoing.end()
    if (manner === 'hasty') setTimeout(() => outgoing.destroy(), 5)
  })
}

const rss = []
const fds = []
const sample = () => {
  rss.push(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))[1]) / 1024)
  fds.push(readdirSync(`/proc/${gateway.pid}/fd`).length)
}
let reloads = 0
const end = Date.now() + SECONDS * 1000
const everySecond = setInterval(() => {
  writeCatalog(`v${++reloads}`)
  sample()
  if (process.stderr.isTTY)
    process.stderr.write(
      `\r${Math.ceil((end - Date.now()) / 1000)} s to go, ${[...statuses.values()].reduce((a, b) => a + b, 0)} answers `,
    )
}, 1000)
await Promise.all(
  Array.from({ length: CONNECTIONS }, async () => {
    while (Date.now() < end) {
      const dice = Math.random()
      const key =
        dice < 0.02 ? null : dice < 0.05 ? 'no-such-key-0000000000000' : secretOf(Math.floor(Math.random() ** 2 * KEYS))
      const where = Math.random()
      const path =
        where < 0.04
          ? '/pets/../x'
          : where < 0.06
            ? '/PETS/7'
            : where < 0.1
              ? '/pets/large'
              : where < 0.13
                ? '/pets/late'
                : where < 0.15
                  ? '/open'
                  : '/pets/7'
      const manner = dice > 0.98 ? 'abort' : dice > 0.96 ? 'hasty' : dice > 0.94 ? 'slow' : 'plain'
      await ask(path, key, manner)
    }
  }),
)
clearInterval(everySecond)
sample()
agent.destroy()
const exited = new Promise(resolve => gateway.once('exit', resolve))
gateway.kill('SIGTERM')
const code = await exited
upstream.close()
upstream.closeAllConnections()

// The audit.
const problems = []
const expect = (holds, text) => {
  if (!holds) problems.push(text)
}
const lines = readFileSync(logFile, 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))
const byKey = new Map()
for (const line of lines) {
  expect(line.decision !== 'not-judged', `not judged: ${JSON.stringify(line)}`)
  if (line.status >= 400 && line.status !== 499)
    expect(line.reason ?? line.limitedBy, `a refusal that says nothing: ${JSON.stringify(line)}`)
  if (line.planId === undefined) continue
  const list = byKey.get(line.keyId) ?? []
  byKey.set(line.keyId, list)
  list.push({ at: Date.parse(line.time), admitted: line.decision === 'allowed' })
}
let admitted = 0
for (const [keyId, events] of byKey) {
  const { rateLimit, burstLimit, quota } = PLANS[planOf(Number(keyId.slice(1)))]
  // Thousandths of a token: rateLimit per second is that many per ms.
  const [rate, capacity] = [BigInt(rateLimit * 1000), BigInt(burstLimit) * 1_000_000n]
  const instants = Map.groupBy?.(events, ({ at }) => at) ?? groupBy(events)
  let [level, last, used] = [capacity, null, 0]
  for (const [at, group] of [...instants].sort(([a], [b]) => a - b)) {
    level = last === null ? capacity : min(capacity, level + rate * BigInt(at - last))
    last = at
    const due = Math.min(group.length, Number(level / 1_000_000n), quota - used)
    const got = group.filter(event => event.admitted).length
    expect(got === due, `${keyId} at ${at}: ${got} of ${group.length} admitted, expected ${due}`)
    level -= BigInt(got) * 1_000_000n
    used += got
    admitted += got
  }
}
function min(a, b) {
  return a < b ? a : b
}
function groupBy(events) {
  const groups = new Map()
  for (const event of events) groups.set(event.at, [...(groups.get(event.at) ?? []), event])
  return groups
}
times.sort((a, b) => a - b)
const half = Math.floor(rss.length / 2)
const mean = list => list.reduce((a, b) => a + b, 0) / Math.max(1, list.length)
const growth = mean(rss.slice(-5)) / mean(rss.slice(half, half + 5))
const total = [...statuses.values()].reduce((a, b) => a + b, 0)
expect(code === 0, `the gateway ended with ${code}:\n${said}`)
expect(
  [...statuses.keys()].every(status => status < 500),
  `an answer of 5xx: ${JSON.stringify([...statuses])}`,
)
expect(growth < 1.15, `memory grew by ${Math.round((growth - 1) * 100)} % in the second half`)
expect(Math.max(...fds) <= CONNECTIONS * 3 + 60, `${Math.max(...fds)} descriptors`)
expect(
  !new RegExp(secretOf(0).slice(0, -1)).test(said) && !readFileSync(logFile, 'utf8').includes('soak-customer-key'),
  'a key value was said',
)
console.log(`\nsoak: ${SECONDS} s, ${CONNECTIONS} connections, ${KEYS} keys, ${reloads} reloads`)
console.table({
  answers: total,
  'answers/s': Math.round(total / SECONDS),
  statuses: [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, n]) => `${status}: ${n}`)
    .join(', '),
  'log lines': lines.length,
  'keys seen': byKey.size,
  'admitted, as the oracle says': admitted,
  'p50 · p99 ms': `${times[Math.floor(times.length / 2)]?.toFixed(1)} · ${times[Math.floor(times.length * 0.99)]?.toFixed(1)}`,
  'memory MB, middle · end': `${Math.round(mean(rss.slice(half, half + 5)))} · ${Math.round(mean(rss.slice(-5)))}`,
  'descriptors, most': Math.max(...fds),
})
for (const problem of problems.slice(0, 10)) console.log(`✗ ${problem}`)
console.log(
  problems.length === 0 ? '✓ every decision is the oracle’s, and nothing leaked' : `${problems.length} problems`,
)
rmSync(folder, { recursive: true, force: true })
process.exit(problems.length === 0 ? 0 : 1)
