// npm run test:laws -- --runs 100000 [--seed N]: the laws, with as many runs each as you have patience for, from a seed of
// their own (npm test has always the same one).
// npm run test:twin -- --runs 100000: those that a real Redis is held to.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const USAGE = 'usage: npm run test:laws -- [--runs N] [--seed N] [decide|memory|… a file of test/laws]'

function fail(message) {
  console.error(`${message}\n${USAGE}`)
  process.exit(2)
}

function read() {
  try {
    return parseArgs({
      options: { runs: { type: 'string', default: '10000' }, seed: { type: 'string' } },
      allowPositionals: true,
    })
  } catch (error) {
    return fail(error.message)
  }
}

function whole(name, text, least, most) {
  const n = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(n >= least && n <= most)) fail(`--${name}: expected a whole number, ${least} to ${most}, received "${text}"`)
  return String(n)
}

const { values, positionals } = read()
// fast-check's seeds are 32 bit.
const seed = values.seed ?? String(randomInt(2 ** 32))
const env = {
  ...process.env,
  LAW_RUNS: whole('runs', values.runs, 1, 1_000_000_000),
  LAW_SEED: whole('seed', seed, -(2 ** 31), 2 ** 32 - 1),
}
console.log(`seed ${env.LAW_SEED}`)

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))
const filters =
  positionals.length === 0 ? ['test/laws/'] : positionals.map(name => (name.includes('/') ? name : `test/laws/${name}`))
const { status } = spawnSync(process.execPath, [vitest, 'run', '--typecheck.enabled=false', ...filters], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exit(status ?? 1)
