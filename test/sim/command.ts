// npm run test:sim -- --seeds 100000: as many histories as you have patience for; or --seed N: one, told line by line.

import { parseArgs } from 'node:util'
import { historyOf } from './history.ts'
import { MARKERS } from './markers.ts'
import { run } from './run.ts'
import { KEPT } from './seeds.ts'

const HELP = `Simulates gates on one store, where the network loses, servers crash and clocks are wrong (docs/simulation.md).

usage: npm run test:sim -- [--seeds N] [--from N] [--json]
       npm run test:sim -- --seed N

  --seeds N   how many histories, after those that once failed (default 2000)
  --from N    the first seed (default 1)
  --seed N    that one alone: what happened, line by line, in ms since it began
  --json      the result as JSON

Ends with 1 where a history fails, or a state that must be reached is not.`

function fail(message: string): never {
  console.error(`${message}\n\n${HELP}`)
  process.exit(2)
}

function read() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '2000' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return fail((error as Error).message)
  }
}

function whole(name: string, text: string, most: number): number {
  const n = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(n >= 1 && n <= most)) fail(`--${name}: expected a whole number, 1 to ${most}, received "${text}"`)
  return n
}

async function one(seed: number): Promise<number> {
  const { lines, failures, hash } = await historyOf(seed, true)
  console.log(lines.join('\n'))
  for (const failure of failures) console.log(`FAILED  ${failure}`)
  console.log(`seed ${seed}: ${failures.length === 0 ? 'nothing wrong' : `${failures.length} wrong`}, history ${hash}`)
  return failures.length === 0 ? 0 : 1
}

async function many(from: number, count: number, isJson: boolean): Promise<number> {
  const seeds = [...new Set([...KEPT, ...Array.from({ length: count }, (_, i) => from + i)])]
  const started = Date.now()
  let told = started
  let named = 0
  const done = await run(seeds, (done, failed) => {
    for (; named < failed.length; named++)
      console.error(`seed ${failed[named]!.seed} failed: ${failed[named]!.failures[0]}`)
    if (isJson || Date.now() - told < 2000) return
    told = Date.now()
    console.error(`${done} of ${seeds.length} seeds, ${failed.length} failed, ${Math.round((told - started) / 1000)} s`)
  })
  const { failed, missed, reached, requests, hash } = done
  const status = failed.length + missed.length === 0 ? 0 : 1
  const seconds = (Date.now() - started) / 1000
  if (isJson) {
    const wrong = failed.map(({ seed, failures }) => ({ seed, failures }))
    console.log(
      JSON.stringify({
        seeds: done.seeds,
        requests,
        seconds,
        hash,
        failed: wrong,
        missed,
        reached: Object.fromEntries(reached),
      }),
    )
    return status
  }
  const width = Math.max(...MARKERS.map(({ length }) => length))
  console.log(`${'reached'.padEnd(width)}  histories  first`)
  for (const mark of MARKERS) {
    const { times, seed } = reached.get(mark) ?? { times: 0, seed: '-' }
    console.log(`${mark.padEnd(width)}  ${String(times).padStart(9)}  ${String(seed).padStart(5)}`)
  }
  for (const mark of missed) console.log(`NOT REACHED  ${mark}`)
  for (const { seed, failures } of failed) {
    console.log(`FAILED  seed ${seed}: npm run test:sim -- --seed ${seed}`)
    for (const failure of failures) console.log(`        ${failure}`)
  }
  console.log(
    `${done.seeds} histories, ${requests} requests, ${seconds.toFixed(1)} s, ${failed.length} failed; all of it: ${hash}`,
  )
  return status
}

const values = read()
if (values.help) console.log(HELP)
else if (values.seed !== undefined) process.exitCode = await one(whole('seed', values.seed, 2 ** 31))
else process.exitCode = await many(whole('from', values.from, 2 ** 31), whole('seeds', values.seeds, 1e9), values.json)
