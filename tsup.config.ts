import { defineConfig, type Options } from 'tsup'

// The library: what `exports` in package.json names, nothing bundled in from outside (there is nothing to bundle).
const library: Options = {
  entry: {
    index: 'src/index.ts',
    fetch: 'src/http/fetch.ts',
    node: 'src/http/node.ts',
    deno: 'src/http/deno.ts',
    'key-file': 'src/core/key-file.ts',
    control: 'src/control/index.ts',
    testing: 'src/testing.ts',
    redis: 'src/stores/redis.ts',
    sqlite: 'src/stores/sqlite.ts',
    cas: 'src/stores/cas.ts',
    replay: 'src/replay/index.ts',
  },
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  external: [/^node:/],
  splitting: true,
  clean: true,
}

// The command: its kept libraries are bundled, so that installing tollgate installs one package.
const command: Options = {
  entry: { cli: 'src/cli/main.ts' },
  format: 'esm',
  target: 'node20',
  platform: 'node',
  noExternal: [/.*/],
  // undici is CommonJS and asks for node's modules by require.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  treeshake: true,
  splitting: true,
  clean: false,
}

export default defineConfig([library, command])
