import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    // The snippets of the docs import the package by its name.
    alias: [
      { find: /^tollgate$/, replacement: src('index.ts') },
      { find: /^tollgate\/key-file$/, replacement: src('core/key-file.ts') },
      { find: /^tollgate\/(redis|sqlite|cas)$/, replacement: src('stores/$1.ts') },
      { find: /^tollgate\/control$/, replacement: src('control/index.ts') },
      { find: /^tollgate\/replay$/, replacement: src('replay/index.ts') },
      { find: /^tollgate\/testing$/, replacement: src('testing.ts') },
      { find: /^tollgate\/(fetch|node|deno)$/, replacement: src('http/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/types/*.test-d.ts'] },
    setupFiles: ['test/seed.ts'],
    testTimeout: 20_000,
  },
})
