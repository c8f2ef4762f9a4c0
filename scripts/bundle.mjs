// A program in TypeScript and all that it imports, to be run by node: for scripts, and for tests that start processes.

import { basename, dirname } from 'node:path'
import { build } from 'esbuild'

/** @returns {Promise<string>} `outfile`, an .mjs that is written now; what it may import later lies beside it */
export async function bundle(entry, outfile, options = {}) {
  await build({
    entryPoints: [entry],
    outdir: dirname(outfile),
    entryNames: basename(outfile, '.mjs'),
    outExtension: { '.js': '.mjs' },
    splitting: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    // What is CommonJS among the kept libraries asks for node's own modules by require.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    ...options,
  })
  return outfile
}
