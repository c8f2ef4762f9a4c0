// npm run fuzz -- --seconds 30 [--seed N]: raw requests of every kind against a gateway. test/cli/serve/fuzz.ts says what
// they must not do.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const out = mkdtempSync(join(tmpdir(), 'tollgate-fuzz-'))
try {
  const outfile = join(out, 'fuzz.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('../test/cli/serve/fuzz.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    // undici is CommonJS and asks for node's modules by require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  const args = ['--enable-source-maps', outfile, ...process.argv.slice(2)]
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(out, { recursive: true })
}
