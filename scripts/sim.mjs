// npm run test:sim -- [--seeds N | --seed N]: histories of the stores in simulated time (docs/simulation.md).

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const out = mkdtempSync(join(tmpdir(), 'tollgate-sim-'))
try {
  const outfile = join(out, 'sim.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('../test/sim/command.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  })
  process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(out, { recursive: true })
}
