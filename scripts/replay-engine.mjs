// npm run replay:engine -- [--requests 1000000] [--edits 40]
// A live gateway under every feature, its catalog edited while it runs, and its own access log replayed (test/replay/engine.ts):
// what it said is what the replay says, request by request. Exits 1 if anything differs.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './bundle.mjs'

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '1000000' }, edits: { type: 'string', default: '40' } },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tollgate-engine-'))
try {
  const command = await bundle(join(root, 'src/cli/main.ts'), join(folder, 'cli.mjs'))
  const live = await bundle(join(root, 'test/replay/engine.ts'), join(folder, 'engine.mjs'))
  const { engine } = await import(pathToFileURL(live).href)
  let shown = Date.now()
  const told = await engine({
    command,
    folder,
    requests: Number(values.requests),
    edits: Number(values.edits),
    onProgress(done) {
      if (Date.now() - shown < 10_000) return
      shown = Date.now()
      console.error(`${done.toLocaleString('en')} of ${Number(values.requests).toLocaleString('en')} asked`)
    },
  })
  console.log(`${told.requests.toLocaleString('en')} requests replayed under ${told.versions} catalogs`)
  for (const [kind, count] of Object.entries(told.kinds))
    console.log(`  ${kind.padEnd(30)} ${count.toLocaleString('en').padStart(10)}`)
  console.log(told.differences.length === 0 ? 'every one as it was said' : `differ:\n${told.differences.join('\n')}`)
  process.exitCode = told.differences.length === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}
