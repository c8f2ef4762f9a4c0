// npm run soak -- [--requests N] [--redis | --sqlite]: clients, gateways in processes of their own, one store, and something
// breaking every few seconds. All the while, and at the end, what clients were told is held against what is counted.

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { audit, copyOf, ledger, pace, type Said } from '../stores/audit.ts'
import { type Client, clientOf } from './client.ts'
import { PACE, sceneOf, secretOf } from './scene.ts'
import { redisTarget, sqliteTarget, type Target } from './target.ts'

const HELP = `npm run soak -- [options]: gateways that share a store while both are killed, and an audit of what they said

  --requests N       how many (default 10000000)
  --redis            gateways share a Redis, started here (default); redis-server has to be on the path
  --appendfsync P    its policy: always (default) or everysec
  --sqlite           gateways share an SQLite file
  --gateways N       processes (default 4)
  --connections N    of clients, one request at a time on each (default 64)
  --every S          seconds between two faults, about (default 3)
  --seed N           which faults (default 1)
  --json             the result as JSON

Progress goes to stderr. Ends with a table, and with 1 where more was admitted than the bound that is printed beside it.
`
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000000' },
    redis: { type: 'boolean' },
    sqlite: { type: 'boolean' },
    appendfsync: { type: 'string', default: 'always' },
    gateways: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    every: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit()
}
const number = (name: 'requests' | 'gateways' | 'connections' | 'every' | 'seed', least: number): number => {
  const value = Number(values[name])
  if (value >= least) return value
  console.error(`--${name}: expected a number ≥ ${least}, received ${values[name]}`)
  process.exit(2)
}
const requests = number('requests', 1)
const gateways = number('gateways', 1)
const connections = number('connections', 1)
const every = number('every', 0.05)
const { appendfsync } = values
if (appendfsync !== 'always' && appendfsync !== 'everysec') {
  console.error(`--appendfsync: expected always or everysec, received ${appendfsync}`)
  process.exit(2)
}

const scene = sceneOf(requests)
const target = values.sqlite ? await sqliteTarget() : await redisTarget(scene, appendfsync)
const told = ledger()
const started = performance.now()
const seed = number('seed', 0)
// Of each its own: which faults there are does not depend on how fast clients are.
const random = randomOf(seed)
const randomKey = randomOf(seed + 1)
let isOver = false

// ── Gateways ──

interface Gateway {
  child: ChildProcess
  port: Promise<number>
}

function gatewayOf(): Gateway {
  const args = [target.kind, target.where, String(requests)]
  const child = fork(join(import.meta.dirname, 'gateway.mjs'), args)
  return { child, port: new Promise(resolve => child.once('message', port => resolve(port as number))) }
}

const processes = Array.from({ length: gateways }, gatewayOf)

async function killGateway(): Promise<void> {
  const i = Math.floor(random() * gateways)
  const { child } = processes[i] as Gateway
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  await sleep(random() * 300)
  processes[i] = gatewayOf()
  await processes[i].port
}

async function pauseGateway(): Promise<void> {
  const { child } = processes[Math.floor(random() * gateways)] as Gateway
  child.kill('SIGSTOP')
  await sleep(300 + random() * 1200)
  child.kill('SIGCONT')
}

// ── Clients ──

let sent = 0
/** When the store last decided something, and the longest that it did not. */
let decidedAt = performance.now()
let longestOutage = 0
/** Admissions of the paced keys, instants of the store's clock, not yet in order. */
const instants = new Map(scene.keys.filter(scene.isPaced).map(key => [key, [] as number[]]))

function saidOf(key: string, status: number, said: string): Said {
  const [kind, detail = ''] = said.split(' ')
  if (status === 503) return detail === 'not-asked' ? 'unasked' : 'unknown'
  if (status !== 200 && status !== 429) throw new Error(`an answer of ${status}: ${said}`)
  const now = performance.now()
  longestOutage = Math.max(longestOutage, now - decidedAt)
  decidedAt = now
  if (status === 429) return 'refused'
  if (kind !== 'allowed') throw new Error(`200 for ${said}`)
  instants.get(key)?.push(Number(detail))
  return 'admitted'
}

async function clients(i: number): Promise<void> {
  let client: Client | null = null
  while (sent < requests && !isOver) {
    if (!client?.isOpen) {
      const { port } = processes[i % gateways] as Gateway
      client = await port.then(clientOf).catch(() => null)
      if (client === null) await sleep(10)
      continue
    }
    const key = scene.keys[Math.floor(randomKey() * scene.keys.length)] as string
    sent++
    told.ask(key)
    const said = await client.ask(secretOf(key)).then(
      ({ status, said }) => saidOf(key, status, said),
      () => 'unknown' as const,
    )
    told.tell(key, said)
    // Who is told to come back later does.
    if (said === 'unknown' || said === 'unasked') await sleep(20)
  }
  client?.close()
}

// ── The audit ──

/** Admissions of each key that faults may have taken back, and of each fault at most a burst. */
const mayBeLost = new Map<string, number>()
const mayOutpace = new Map<string, number>()
const paces = new Map([...instants.keys()].map(key => [key, pace(PACE)]))
const broken = new Set<string>()
let audits = 0
let verdict = audit({ scenario: '', before: new Map(), counted: new Map(), bound: { lost: () => 0, because: '' } })

/** What was admitted per key, some times ago: enough of them for the longest that a fault takes back. */
const past: { readonly at: number; readonly admitted: ReadonlyMap<string, number> }[] = []
const LOOK_BACK = target.loses
const remembering = setInterval(() => {
  if (LOOK_BACK === 0) return
  past.push({ at: performance.now(), admitted: new Map([...told.keys].map(([key, { admitted }]) => [key, admitted])) })
  while (past.length > 1 && (past[1]?.at ?? 0) < performance.now() - LOOK_BACK) past.shift()
}, 50)

/** `past[0]` is the newest that is old enough. */
function loseWhatWasRecent(): void {
  for (const [key, { admitted }] of told.keys) {
    const lost = admitted - (past[0]?.admitted.get(key) ?? 0)
    mayBeLost.set(key, (mayBeLost.get(key) ?? 0) + lost)
    mayOutpace.set(key, (mayOutpace.get(key) ?? 0) + Math.min(lost, PACE.burstLimit))
  }
}

/** @param until admissions judged before it are all known; ms since the Unix epoch */
function holdPaces(until: number): void {
  for (const [key, list] of instants) {
    list.sort((a, b) => a - b)
    const known = list.findIndex(at => at >= until)
    for (const at of list.splice(0, known < 0 ? list.length : known)) paces.get(key)?.admitted(at)
  }
}

/** One after the other, so that the last verdict is of the newest counts. @returns whether they could be read */
function look(): Promise<boolean> {
  looked = looked.then(lookNow)
  return looked
}
let looked = Promise.resolve(true)

async function lookNow(): Promise<boolean> {
  const before = copyOf(told.keys)
  const counted = await target.counted().catch(() => null)
  // It is broken just now.
  if (counted === null) return false
  const bound = { lost: (key: string) => mayBeLost.get(key) ?? 0, because: target.because }
  verdict = audit({ scenario: target.name, before, after: copyOf(told.keys), counted, limit: scene.limitOf, bound })
  for (const problem of verdict.broken) broken.add(problem)
  audits++
  holdPaces(Date.now() - 15_000)
  return true
}

// ── Faults ──

const faults = new Map<string, number>()
const recoveries: number[] = []
const kinds: Target['faults'] = { ...target.faults, 'gateway kill -9': killGateway, 'gateway paused': pauseGateway }
const lost = (): void => void (LOOK_BACK > 0 && loseWhatWasRecent())

async function breakThings(): Promise<void> {
  while (!isOver) {
    await sleep(every * (500 + random() * 1000), undefined, { signal: stopping.signal }).catch(() => {})
    if (isOver) return
    const names = Object.keys(kinds)
    const name = names[Math.floor(random() * names.length)] as string
    await kinds[name]?.({ random, lost })
    faults.set(name, (faults.get(name) ?? 0) + 1)
    const mended = performance.now()
    while (decidedAt <= mended && !isOver) await sleep(5)
    recoveries.push(performance.now() - mended)
    await look()
  }
}

// ── The run ──

const memory = { gateways: 0, last: [] as number[], target: 0 }
async function weigh(): Promise<void> {
  memory.last = processes.map(({ child }) => rssOf(child.pid))
  memory.gateways = Math.max(memory.gateways, ...memory.last)
  memory.target = Math.max(memory.target, await target.size().catch(() => 0))
}

const stopping = new AbortController()
const stop = (): void => {
  isOver = true
  stopping.abort()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
const looking = setInterval(() => void look(), 5000)
const weighing = setInterval(() => void weigh(), 2000)
const progressing = setInterval(progress, process.stderr.isTTY ? 1000 : 30_000)

await Promise.all(processes.map(({ port }) => port))
const breaking = breakThings()
await Promise.all(Array.from({ length: connections }, (_, i) => clients(i)))
const seconds = (performance.now() - started) / 1000
stop()
for (const timer of [looking, weighing, progressing, remembering]) clearInterval(timer)
await breaking
await weigh()
// What was late is given back before it is counted.
await sleep(1000)
for (let tries = 1; !(await look()); tries++) {
  await sleep(500)
  if (tries < 30) continue
  broken.add('the last counts could not be read')
  break
}
holdPaces(Infinity)
let [outpaced, mostOutpaced] = [0, 0]
for (const [key, { over }] of paces) {
  const most = mayOutpace.get(key) ?? 0
  outpaced += over
  mostOutpaced += most
  if (over > most) broken.add(`${key}: ${over} admitted beyond its throttle, ${most} may be`)
}
for (const { child } of processes) child.kill('SIGKILL')
await target.stop()
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')

const { admitted, refused, unknown, unasked, degraded } = verdict.told
const ms = (value: number | undefined): string => `${Math.round(value ?? 0).toLocaleString('en')} ms`
recoveries.sort((a, b) => a - b)
const rows: Record<string, string | number> = {
  requests: verdict.told.asked,
  admitted,
  'refused (429)': refused,
  'unknown (503 or cut off; may be charged)': unknown,
  'not asked (503; not charged)': unasked,
  'degraded (served without the store)': degraded,
  counted: verdict.counted,
  'charged and not served · at most': `${verdict.counted - admitted} · ${unknown}`,
  'over-admission, seen · bound': `${verdict.over} · ${verdict.most.toLocaleString('en')} (${verdict.because})`,
  'beyond a throttle, seen · bound': `${outpaced} · ${mostOutpaced}`,
  faults: [...faults].map(([name, n]) => `${name}: ${n}`).join(', '),
  audits,
  'requests a second': `${Math.round(verdict.told.asked / seconds).toLocaleString('en')} for ${Math.round(seconds)} s`,
  'longest without a decision': ms(longestOutage),
  'from mended to the next decision, median · longest': `${ms(recoveries[recoveries.length >> 1])} · ${ms(recoveries.at(-1))}`,
  'memory of a gateway, most · last': `${Math.round(memory.gateways)} MB · ${memory.last.map(Math.round).join(', ')} MB`,
  [values.sqlite ? 'file, most' : 'memory of the server, most']: `${memory.target.toFixed(1)} MB`,
}
if (values.json) console.log(JSON.stringify({ target: target.name, ...rows, broken: [...broken] }, null, 2))
else {
  console.log(`${target.name}, ${gateways} gateways, ${connections} connections\n\n| | |\n| --- | ---: |`)
  for (const [name, value] of Object.entries(rows)) {
    console.log(`| ${name} | ${typeof value === 'number' ? value.toLocaleString('en') : value} |`)
  }
  for (const problem of [...broken].slice(0, 20)) console.log(`✗ ${problem}`)
}
process.exit(broken.size === 0 ? 0 : 1)

function progress(): void {
  const passed = (performance.now() - started) / 1000
  const left = Math.max(0, ((requests - sent) * passed) / Math.max(1, sent))
  const line = [
    `${((100 * sent) / requests).toFixed(1)} % of ${requests.toLocaleString('en')}`,
    `${Math.round(sent / passed)}/s`,
    `${Math.ceil(left / 60)} min left`,
    `${[...faults.values()].reduce((sum, n) => sum + n, 0)} faults`,
    `over-admission ${verdict.over}, bound ${verdict.most}`,
    ...(broken.size === 0 ? [] : [`${broken.size} BROKEN`]),
  ].join(' · ')
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
}

/** MB. */
function rssOf(pid: number | undefined): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** xorshift32: the same faults in every run. @returns 0 … 1 */
function randomOf(seed: number): () => number {
  let x = (seed * 2_654_435_761) | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 2 ** 32
  }
}
