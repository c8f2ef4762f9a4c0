// npm run replay:scale -- [--lines 20000000] [--keys 100000]
// Lines of a combined log, made on the fly, piped into the real command: how many a second, and how much memory at most.
// Needs dist (npm run build). Exits 1 if it is more than 400 MB.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { lines: { type: 'string', default: '20000000' }, keys: { type: 'string', default: '100000' } },
})
const [LINES, KEYS] = [Number(values.lines), Number(values.keys)]
const MOST_MB = 400
/** Lines of a block, which is made once; only its times are written over. */
const BLOCK = 100_000

const folder = mkdtempSync(join(tmpdir(), 'tollgate-scale-'))
const catalog = join(folder, 'catalog.json')
writeFileSync(
  catalog,
  JSON.stringify({
    requireKey: ['GET /v1/pets', 'GET /v1/pets/{petId}', 'GET /v1/orders'],
    plans: [
      { id: 'free', throttle: { rateLimit: 1, burstLimit: 5 }, quota: { limit: 500, period: 'DAY' } },
      { id: 'pro', throttle: { rateLimit: 10, burstLimit: 20 }, quota: { limit: 10_000, period: 'MONTH' } },
    ],
    keys: Array.from({ length: KEYS }, (_, i) => ({
      id: `key${i}`,
      value: `scale-key-value-${String(i).padStart(10, '0')}`,
      plan: i % 3 === 0 ? 'pro' : 'free',
    })),
  }),
)

let seed = 987_654_321
const random = () => {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) / 2 ** 32
}
const STAMP = '01/Nov/2026:00:00:00 +0000'
const targets = ['GET /v1/pets?limit=10', 'GET /v1/orders']
const lines = Array.from({ length: BLOCK }, (_, i) => {
  const target = i % 3 === 0 ? `GET /v1/pets/${Math.floor(random() * 20_000)}` : targets[i & 1]
  return `203.0.113.${i & 255} - key${Math.floor(random() ** 2 * KEYS)} [${STAMP}] "${target} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"\n`
})
const offsets = new Float64Array(BLOCK)
lines.reduce((at, line, i) => {
  offsets[i] = at + line.indexOf('[') + 1
  return at + line.length
}, 0)
const text = lines.join('')
const MONTH = 30 * 86_400

/** The block with its lines at their place in a month. */
function blockAt(first) {
  const block = Buffer.from(text, 'latin1')
  const put = (at, number) => {
    block[at] = 48 + Math.floor(number / 10)
    block[at + 1] = 48 + (number % 10)
  }
  for (let i = 0; i < BLOCK; i++) {
    const second = Math.floor(((first + i) / LINES) * MONTH)
    const at = offsets[i]
    put(at, 1 + Math.floor(second / 86_400))
    put(at + 12, Math.floor(second / 3600) % 24)
    put(at + 15, Math.floor(second / 60) % 60)
    put(at + 18, second % 60)
  }
  return block
}

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const child = spawn(process.execPath, [cli, 'replay', '--catalog', catalog, '--json', '-'], {
  stdio: ['pipe', 'pipe', 'inherit'],
})
let said = ''
child.stdout.setEncoding('utf8').on('data', part => (said += part))
const ended = once(child, 'close')
let most = 0
let cpu = 0
const look = () => {
  try {
    most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0))
    // Of the main thread alone: unpacking and collecting have threads of their own.
    const fields = readFileSync(`/proc/${child.pid}/task/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ')
    cpu = (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    // It has ended.
  }
}
const timer = setInterval(look, 200)
const began = performance.now()
let written = 0
for (; written < LINES; written += BLOCK) {
  if (!child.stdin.write(blockAt(written))) await once(child.stdin, 'drain')
  if (written % 5_000_000 === 0) console.error(`${written.toLocaleString('en')} lines, ${Math.round(most / 1024)} MB`)
}
child.stdin.end()
const [code] = await ended
clearInterval(timer)
rmSync(folder, { recursive: true })
const seconds = (performance.now() - began) / 1000
if (code !== 0) throw new Error(`it ended with ${code}`)
const { log, trial } = JSON.parse(said)
console.log(
  [
    `${log.lines.toLocaleString('en')} lines of ${KEYS.toLocaleString('en')} keys, ${trial.proposed.throttled.toLocaleString('en')} throttled, ${trial.proposed.quotaExceeded.toLocaleString('en')} over the quota`,
    `${Math.round(log.lines / seconds).toLocaleString('en')} lines a second on the wall, ${Math.round(log.lines / cpu).toLocaleString('en')} a second of the main thread's CPU time`,
    `${Math.round(most / 1024)} MB at most`,
  ].join('\n'),
)
process.exitCode = most / 1024 > MOST_MB ? 1 : 0
