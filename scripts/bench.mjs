// npm run bench -- [admit] [memory] [--quick] [--json] [--cpu-prof …]: bundles bench/<name>.bench.ts and runs each in a
// process of its own, so that no benchmark inherits another's heap. Flags that are not ours go to node.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const OURS = ['--quick', '--json']

const root = fileURLToPath(new URL('..', import.meta.url))
const known = readdirSync(join(root, 'bench')).flatMap(file => /^(\w+)\.bench\.ts$/.exec(file)?.[1] ?? [])
const args = process.argv.slice(2)
const asked = args.filter(arg => !arg.startsWith('-'))
const unknown = asked.find(name => !known.includes(name))
if (unknown !== undefined) {
  console.error(`bench: no bench/${unknown}.bench.ts; there are: ${known.join(', ')}`)
  process.exit(2)
}

const out = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
try {
  for (const name of asked.length > 0 ? asked : known) {
    const outfile = join(out, `${name}.mjs`)
    await build({
      entryPoints: [join(root, 'bench', `${name}.bench.ts`)],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      logLevel: 'error',
      // undici is CommonJS and asks for node's modules by require.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    })
    const forNode = args.filter(arg => arg.startsWith('-') && !OURS.includes(arg))
    const forBench = args.filter(arg => OURS.includes(arg))
    const { status } = spawnSync(process.execPath, ['--expose-gc', ...forNode, outfile, ...forBench], {
      stdio: 'inherit',
    })
    if (status !== 0) process.exitCode = status ?? 1
  }
} finally {
  rmSync(out, { recursive: true })
}
