// npm run soak -- [--requests N] [--redis | --sqlite] …: bundles test/soak, which is the run, and its gateways.

import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
// Beside the packages they import.
const outdir = join(root, 'node_modules/.cache/tollgate', `soak-${process.pid}`)
mkdirSync(outdir, { recursive: true })
await build({
  entryPoints: ['soak', 'gateway'].map(name => join(root, 'test/soak', `${name}.ts`)),
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'error',
})
const child = spawn(process.execPath, [join(outdir, 'soak.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' })
// It ends by itself, with its servers; a signal is for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', code => {
  rmSync(outdir, { recursive: true, force: true })
  process.exitCode = code ?? 1
})
