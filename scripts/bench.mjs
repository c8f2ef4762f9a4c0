// npm run bench: bundles bench/<name>.bench.ts and runs each in a process of its own, so that no benchmark inherits
// another's heap. What they print, a JSON value a line, becomes tables, and is held to bench/gates.ts.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const known = readdirSync(join(root, 'bench')).flatMap(file => /^(\w+)\.bench\.ts$/.exec(file)?.[1] ?? [])
const args = process.argv.slice(2)
const OURS = ['--quick', '--json', '--help']
const [quick, json, help] = OURS.map(flag => args.includes(flag))
const forNode = args.filter(arg => arg.startsWith('-') && !OURS.includes(arg))
const asked = args.filter(arg => !arg.startsWith('-'))

if (help) {
  console.log(`npm run bench -- [${known.join('] [')}] [--quick] [--json] [flags for node]

Times tollgate beside the limit of the machine and beside its peers; without a name, everything (under 10 minutes).

  --quick   a smoke test in a minute: that each benchmark verifies and finishes. Its figures are worth nothing.
  --json    a JSON value a line instead of tables. scripts/bench-svg.mjs draws the chart of it.

Peers are a folder of their own: npm ci --prefix bench/peers. Other flags go to node: --cpu-prof.
Exits 1 when a benchmark fails or a gate of bench/gates.ts is missed.`)
  process.exit(0)
}
const unknown = asked.find(name => !known.includes(name))
if (unknown !== undefined) {
  console.error(`bench: no bench/${unknown}.bench.ts; there are: ${known.join(', ')}`)
  process.exit(2)
}

/** A column for each figure, below its name. */
function table(title, rows) {
  const figures = Object.keys(rows[0]).filter(key => !['bench', 'group', 'name'].includes(key))
  const shown = value =>
    typeof value === 'number'
      ? value.toLocaleString('en', { maximumSignificantDigits: value >= 1000 ? 21 : 3 }).replaceAll(',', ' ')
      : `${value ?? ''}`
  const widths = figures.map(figure => Math.max(figure.length, ...rows.map(row => shown(row[figure]).length)) + 2)
  const first = Math.max(title.length, ...rows.map(({ name }) => name.length + 2)) + 1
  console.log(`\n${title.padEnd(first)}${figures.map((figure, i) => figure.padStart(widths[i])).join('')}`)
  for (const row of rows) {
    console.log(
      `  ${row.name.padEnd(first - 2)}${figures.map((figure, i) => shown(row[figure]).padStart(widths[i])).join('')}`,
    )
  }
}

const isOneTable = (a, b) => a.group === b.group && Object.keys(a).join() === Object.keys(b).join()

/** Prints a group as soon as it is whole. @returns all rows, and how the process ended */
async function run(outfile) {
  const flags = ['--expose-gc', '--max-old-space-size=12000', ...forNode]
  const child = spawn(process.execPath, [...flags, outfile, ...(quick ? ['--quick'] : [])], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise(resolve => child.once('close', resolve))
  const rows = []
  let group = []
  const flush = () => {
    if (group.length > 0 && !json) table(`${group[0].bench}: ${group[0].group}`, group)
    group = []
  }
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) {
      if (!json) console.log(line)
      continue
    }
    if (json) console.log(line)
    const row = JSON.parse(line)
    if (group.length > 0 && !isOneTable(group[0], row)) flush()
    group.push(row)
    rows.push(row)
  }
  flush()
  return { rows, status: await ended }
}

const commit = () => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'no checkout'
  }
}
const machine = {
  bench: 'machine',
  group: 'this run',
  name: `${cpus()[0]?.model} × ${cpus().length}`,
  node: process.version,
  commit: commit(),
  date: new Date().toISOString().slice(0, 10),
  load: loadavg()[0],
}
if (json) console.log(JSON.stringify(machine))
else table('machine', [machine])

const installed = [
  ['bench/peers', 'peers'],
  ['test/runtimes', 'Deno and Bun'],
]
for (const [folder, what] of installed) {
  if (existsSync(join(root, folder, 'node_modules'))) continue
  console.error(`${what}: left out, since they are not installed: npm ci --prefix ${folder}`)
}

const out = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
const began = performance.now()
try {
  const { hold } = await import(await bundle(join(root, 'bench/gates.ts'), join(out, 'gates.mjs')))
  const rows = []
  for (const name of asked.length > 0 ? asked : known) {
    if (process.stderr.isTTY) process.stderr.write(`\x1b[2m${name} …\x1b[0m\n`)
    const { rows: own, status } = await run(
      await bundle(join(root, `bench/${name}.bench.ts`), join(out, `${name}.mjs`)),
    )
    rows.push(...own)
    if (status === 0) continue
    console.error(`bench: ${name} failed`)
    process.exitCode = 1
  }
  const held = hold(rows).filter(({ state }) => state !== 'not measured')
  const shown = held.map(({ what, value, atMost, atLeast, state }) => ({
    bench: 'gates',
    group: 'gates',
    name: what,
    value: value >= 1000 ? Math.round(value) : Number(value.toPrecision(3)),
    gate: atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`,
    state: quick ? 'not judged' : state,
  }))
  if (json) for (const row of shown) console.log(JSON.stringify(row))
  else if (shown.length > 0) table('gates', shown)
  if (!quick && held.some(({ state }) => state === 'missed')) process.exitCode = 1
  if (!json) console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s`)
} finally {
  rmSync(out, { recursive: true })
}
