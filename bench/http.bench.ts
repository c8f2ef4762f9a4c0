// What an adapter adds to a server that says hello: processor time per request, and requests a second beside the bare one.
// The load and one server at a time share the machine; the µs are the server's own, which neighbours hardly change.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { peersInstalled } from './peers.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'
import { clients, HELLO, PATH, SERVERS, serve } from './servers.ts'

const CONNECTIONS = 64
// Many and short: neighbours slow a server for seconds at a time.
const ROUNDS = quick ? 1 : 31
const MS = quick ? 50 : 120
const WARM_UP_MS = quick ? 50 : 800

const runtime = (name: string): string => join(process.cwd(), 'test/runtimes/node_modules/.bin', name)

/** How a group's servers are run, where not by this Node. */
const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  'fetch, Deno': [runtime('deno'), 'run', '-A', '--no-remote', '--node-modules-dir=manual'],
  'fetch, Bun': [runtime('bun'), 'run'],
}

/** Groups that need nothing of bench/peers. */
const ALONE = new Set(['node:http', 'fetch, Deno', 'fetch, Bun'])

interface Running {
  readonly name: string
  readonly port: number
  readonly child: ChildProcess
  /** µs of processor time since it began. */
  readonly cpu: () => Promise<number>
}

interface Sample {
  readonly perSecond: number
  readonly micros: number
}

async function start(group: string, name: string): Promise<Running> {
  const [command, ...flags] = RUNTIMES[group] ?? [process.execPath]
  const child = spawn(command!, [...flags, process.argv[1]!, 'serve', group, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const number = async (): Promise<number> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`http: ${name} of ${group} ended`)
    return Number(value)
  }
  const cpu = (): Promise<number> => {
    child.stdin!.write('\n')
    return number()
  }
  return { name, port: await number(), child, cpu }
}

/** So many connections, each asking again as soon as it is answered, for some ms. Each answer is looked at. */
async function load(port: number, ms: number): Promise<{ readonly answers: number; readonly perSecond: number }> {
  const began = performance.now()
  const until = began + ms
  let answers = 0
  let key = 0
  const ask = (): Buffer => requests[key++ % requests.length]!
  const connection = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(ask()))
      let seen = ''
      socket.on('data', bytes => {
        seen += bytes.latin1Slice(0, bytes.length)
        // The whole body, plain or as the last chunk but one.
        if (!seen.endsWith(HELLO) && !seen.endsWith('0\r\n\r\n')) return
        if (!seen.startsWith('HTTP/1.1 200') || !seen.includes(HELLO)) {
          socket.destroy()
          reject(new Error(`http: expected 200 and ${HELLO}, received ${seen.slice(0, 200)}`))
          return
        }
        seen = ''
        answers++
        if (performance.now() < until) socket.write(ask())
        else socket.destroy()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve())
    })
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  return { answers, perSecond: answers / ((performance.now() - began) / 1000) }
}

const requests = Array.from({ length: clients.count }, (_, i) =>
  Buffer.from(`GET ${PATH} HTTP/1.1\r\nHost: api.example.com\r\nx-api-key: ${clients.fresh(i)}\r\n\r\n`),
)

/** Before anything is timed: whoever has no key is refused behind tollgate, and told what is left with all fields. */
async function verify(group: string, { name, port }: Running): Promise<void> {
  const url = `http://127.0.0.1:${port}${PATH}`
  const known = await fetch(url, { headers: { 'x-api-key': clients.fresh(0) } })
  if (known.status !== 200 || (await known.text()) !== HELLO) throw new Error(`http: ${name} of ${group} serves nobody`)
  const counted = [...known.headers.keys()].some(header => /ratelimit/i.test(header))
  const counts = name !== 'bare' && name !== 'tollgate, bare'
  if (counted !== counts)
    throw new Error(`http: ${name} of ${group}: RateLimit fields ${counted ? 'are' : 'are not'} there`)
  if (!name.startsWith('tollgate')) return
  const { status } = await fetch(url)
  if (status !== 403) throw new Error(`http: ${name} of ${group} answers ${status} to nobody`)
}

async function sample({ port, cpu }: Running, ms: number): Promise<Sample> {
  const before = await cpu()
  const { answers, perSecond } = await load(port, ms)
  return { perSecond, micros: ((await cpu()) - before) / answers }
}

async function compare(group: string, names: readonly string[]): Promise<void> {
  const servers: Running[] = []
  try {
    for (const name of names) servers.push(await start(group, name))
    for (const server of servers) {
      await verify(group, server)
      await load(server.port, WARM_UP_MS)
    }
    const samples = servers.map((): Sample[] => [])
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < servers.length; turn++) {
        const i = (turn + round) % servers.length
        samples[i]!.push(await sample(servers[i]!, MS))
      }
    }
    const bare = samples[0]!
    for (const [i, { name }] of servers.entries()) {
      const of = (value: (sample: Sample, round: number) => number, q = 0.5): number =>
        quantile(samples[i]!.map(value), q)
      const added = ({ micros }: Sample, round: number): number => micros - bare[round]!.micros
      report({
        bench: 'http',
        group,
        name,
        'requests/s': of(({ perSecond }) => perSecond),
        ratio: of(({ perSecond }, round) => perSecond / bare[round]!.perSecond),
        'CPU µs': of(({ micros }) => micros),
        'added µs': of(added),
        low: of(added, 0.25),
        high: of(added, 0.75),
      })
    }
  } finally {
    for (const { child } of servers) child.kill('SIGKILL')
  }
}

const [role, group, name] = process.argv.slice(2)
if (role === 'serve') await serve(group!, name!)
else {
  const peers = peersInstalled()
  for (const [group, servers] of Object.entries(SERVERS)) {
    const command = RUNTIMES[group]?.[0]
    if (command !== undefined && !existsSync(command)) continue
    if (!peers && !ALONE.has(group)) continue
    const names = servers.map(({ name }) => name)
    await compare(group, peers ? names : names.filter(name => name !== 'rate-limiter-flexible, by hand'))
  }
  process.exit(0)
}
