// npm run test:runtimes: program.mjs, unmodified, on Node, Deno, Bun and workerd, and the twelve checks against each.
// The runtimes are installed into this folder by the first run.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checks } from './checks.mjs'

const here = import.meta.dirname
const bin = name => join(here, 'node_modules', '.bin', name)
const only = process.argv.slice(2)

if (!['srvx', 'deno', 'bun', 'workerd'].every(name => existsSync(bin(name)))) {
  console.error('installing the runtimes (once, some 400 MB) …')
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** workerd loads one file: the program and what it imports. */
function bundled() {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-workerd-'))
  execFileSync(
    bin('esbuild'),
    ['program.mjs', '--bundle', '--format=esm', `--outfile=${folder}/worker.mjs`, '--log-level=error'],
    { cwd: here },
  )
  cpSync(join(here, 'workerd.capnp'), join(folder, 'workerd.capnp'))
  return folder
}

const RUNTIMES = {
  node: {
    version: [process.execPath, '--version'],
    command: port => [
      bin('srvx'),
      'serve',
      '--prod',
      '--host',
      '127.0.0.1',
      '--port',
      `${port}`,
      '--entry',
      'program.mjs',
    ],
  },
  deno: {
    version: [bin('deno'), '--version'],
    command: port => [
      bin('deno'),
      'serve',
      '--no-remote',
      '--node-modules-dir=manual',
      '-A',
      '--host',
      '127.0.0.1',
      '--port',
      `${port}`,
      'program.mjs',
    ],
  },
  bun: { version: [bin('bun'), '--version'], command: () => [bin('bun'), 'run', 'program.mjs'] },
  workerd: {
    version: [bin('workerd'), '--version'],
    command: port => [
      bin('workerd'),
      'serve',
      `${bundled()}/workerd.capnp`,
      'config',
      `--socket-addr=http=127.0.0.1:${port}`,
    ],
  },
}

/** The stores that a runtime brings, held to the contract by stores.mjs. workerd brings none. */
const STORES = {
  node: [process.execPath, 'stores.mjs'],
  deno: [bin('deno'), 'run', '--no-remote', '--node-modules-dir=manual', '--unstable-kv', '-A', 'stores.mjs'],
  bun: [bin('bun'), 'run', 'stores.mjs'],
}

function freePort() {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function answers(origin, child) {
  for (let i = 0; i < 150; i++) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`)
    const up = await fetch(`${origin}/health`).then(
      () => true,
      () => false,
    )
    if (up) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('it did not answer within 15 s')
}

/** A Redis server, where one is on the path. */
const redisPort = `${await freePort()}`
const redis = spawn('redis-server', ['--port', redisPort, '--save', ''], { cwd: tmpdir(), stdio: 'ignore' })
const hasRedis = await new Promise(resolve => {
  redis.once('error', () => resolve(false))
  redis.once('spawn', () => resolve(true))
})
const storesEnv = { ...process.env, ...(hasRedis ? { REDIS_PORT: redisPort } : {}) }

let failed = 0
let passed = 0
for (const [name, { version, command }] of Object.entries(RUNTIMES)) {
  if (only.length > 0 && !only.includes(name)) continue
  const port = await freePort()
  const [file, ...args] = command(port)
  const env = { ...process.env, PORT: `${port}`, HOST: '127.0.0.1', NO_COLOR: '1' }
  const child = spawn(file, args, { cwd: here, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (said += text))
  const origin = `http://127.0.0.1:${port}`
  console.log(execFileSync(version[0], version.slice(1), { encoding: 'utf8' }).split('\n')[0].replace(/^v/, 'node v'))
  try {
    await answers(origin, child)
    for await (const check of checks(origin)) {
      passed++
      console.log(`  ✓ ${check}`)
    }
  } catch (error) {
    failed++
    console.log(`  ✗ ${error.message}\n${said}`)
  }
  child.kill('SIGKILL')
  if (name in STORES) {
    const [file, ...args] = STORES[name]
    const { status, stdout, stderr } = spawnSync(file, args, { cwd: here, env: storesEnv, encoding: 'utf8' })
    if (status === 0) passed++
    else failed++
    console.log(`${stdout}${status === 0 ? '' : stderr}`.trimEnd().replaceAll(/^/gm, '  '))
  }
  const folder = args.find(arg => arg.includes('tollgate-workerd-'))
  if (folder !== undefined) rmSync(join(folder, '..'), { recursive: true, force: true })
}
redis.kill('SIGKILL')
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
