// npm run fuzz -- --seconds 30 [--seed N]: raw requests of every kind against a gateway. test/cli/serve/fuzz.ts says what
// they must not do.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.mjs'

const out = mkdtempSync(join(tmpdir(), 'tollgate-fuzz-'))
try {
  const entry = fileURLToPath(new URL('../test/cli/serve/fuzz.ts', import.meta.url))
  const outfile = await bundle(entry, join(out, 'fuzz.mjs'), { sourcemap: 'inline' })
  const args = ['--enable-source-maps', outfile, ...process.argv.slice(2)]
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(out, { recursive: true })
}
