// From nothing to a first decision: ms to import and to decide in a new process, and the bytes that are imported.
// What is imported is one bundled file each, so that no disk is measured.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peersInstalled } from './peers.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'

const ROUNDS = quick ? 2 : 15
const { buildSync } = createRequire(join(process.cwd(), 'package.json'))('esbuild') as typeof import('esbuild')

/** Programs that say `admitted` once they have decided. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'nothing imported': 'admitted = true',
  'tollgate: catalog, gate, admit': `
    const { catalogOf, createGate } = await import('./src/index.ts')
    const gate = createGate({
      catalog: catalogOf({
        requireKey: ['GET /hello'],
        plans: [{ id: 'free', throttle: { rateLimit: 1, burstLimit: 2 }, quota: { limit: 5, period: 'DAY' } }],
        keys: [{ id: 'alice', value: 'alice-key-0000000000000000001', plan: 'free' }],
      }),
    })
    admitted = gate.admit({ method: 'GET', path: '/hello', apiKey: 'alice-key-0000000000000000001' }).admitted`,
}

const PEERS: Readonly<Record<string, string>> = {
  'rate-limiter-flexible: consume': `
    const { RateLimiterMemory } = await import('./bench/peers/node_modules/rate-limiter-flexible')
    admitted = (await new RateLimiterMemory({ points: 2, duration: 1 }).consume('alice')).remainingPoints === 1`,
  'express-rate-limit: increment': `
    const { MemoryStore } = await import('./bench/peers/node_modules/express-rate-limit')
    const store = new MemoryStore()
    store.init({ windowMs: 1000 })
    admitted = (await store.increment('alice')).totalHits === 1`,
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-start-'))
try {
  const programs = Object.entries({ ...PROGRAMS, ...(peersInstalled() ? PEERS : {}) })
  const files = programs.map(([, code], i) => {
    const contents = `const began = performance.now()\nlet admitted = false\n{${code}\n}\n
      console.log(JSON.stringify({ ms: performance.now() - began, admitted }))\nprocess.exit(0)`
    const file = join(folder, `${i}.mjs`)
    const { outputFiles } = buildSync({
      stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      write: false,
      logLevel: 'error',
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
    })
    writeFileSync(file, outputFiles[0]!.contents)
    return file
  })
  const times = programs.map((): { decided: number[]; whole: number[] } => ({ decided: [], whole: [] }))
  for (let round = -1; round < ROUNDS; round++) {
    for (let turn = 0; turn < programs.length; turn++) {
      const i = (turn + round + 1) % programs.length
      const began = performance.now()
      const { ms, admitted } = JSON.parse(execFileSync(process.execPath, [files[i]!], { encoding: 'utf8' }))
      if (!admitted) throw new Error(`${programs[i]![0]}: did not decide`)
      if (round < 0) continue
      times[i]!.decided.push(ms)
      times[i]!.whole.push(performance.now() - began)
    }
  }
  for (const [i, [name]] of programs.entries()) {
    const { decided, whole } = times[i]!
    report({
      bench: 'start',
      group: 'a first decision',
      name,
      'ms in the process': quantile(decided, 0.5),
      'ms of the process': quantile(whole, 0.5),
    })
  }
} finally {
  rmSync(folder, { recursive: true })
}

for (const line of execFileSync(process.execPath, ['scripts/size.mjs', '--json'], { encoding: 'utf8' })
  .trim()
  .split('\n')) {
  const { what, gzipped, minified } = JSON.parse(line)
  report({ bench: 'start', group: 'size', name: what, 'B gzipped': gzipped, 'B minified': minified })
}
process.exit(0)
