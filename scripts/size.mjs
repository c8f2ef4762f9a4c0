// npm run size [-- --json]: what importing tollgate costs, minified and gzipped, and whether that is within its budget.

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const BUDGETS = [
  {
    what: 'the front door with a memory gate',
    most: 10_100,
    from: "import { createGate, memoryStore } from './src/index.ts'; console.log(createGate)",
  },
  {
    what: 'the same behind a fetch handler',
    most: 12_600,
    from: "import { createGate, memoryStore } from './src/index.ts'; import { gateFetch } from './src/http/fetch.ts'; console.log(createGate, gateFetch)",
  },
  {
    what: 'decide and what is below it',
    most: 2000,
    from: "import { decide } from './src/core/decide.ts'; console.log(decide)",
  },
]

const json = process.argv.includes('--json')
let over = false
for (const { what, most, from } of BUDGETS) {
  const { outputFiles } = await build({
    stdin: { contents: from, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  const { length } = gzipSync(outputFiles[0].contents, { level: 9 })
  over ||= length > most
  if (json) console.log(JSON.stringify({ what, most, gzipped: length, minified: outputFiles[0].contents.length }))
  else
    console.log(
      `${length > most ? '✗' : '✓'} ${what}: ${length} B of ${most} B gzipped (${outputFiles[0].contents.length} B minified)`,
    )
}
process.exitCode = over ? 1 : 0
