// One file of a program in TypeScript and all that it imports, to be run by node: for scripts, and for tests that start
// processes.

import { build } from 'esbuild'

/** @returns {Promise<string>} `outfile`, an .mjs that is written now */
export async function bundle(entry, outfile, options = {}) {
  await build({
    entryPoints: [entry],
    outfile,
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
