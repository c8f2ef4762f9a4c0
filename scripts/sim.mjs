// npm run test:sim -- [--seeds N | --seed N]: histories of the stores in simulated time (docs/simulation.md).

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'

const out = mkdtempSync(join(tmpdir(), 'tollgate-sim-'))
try {
  const entry = fileURLToPath(new URL('../test/sim/command.ts', import.meta.url))
  const outfile = await bundle(entry, join(out, 'sim.mjs'))
  process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(out, { recursive: true })
}
