// Takes per second of the SQLite store: one transaction each, and grouped with 64 in flight. README.md says how to read it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite } from '../src/cli/sqlite-file.ts'
import { compile, type Metered, resolve, type Store } from '../src/index.ts'
import { sqliteStore } from '../src/stores/sqlite.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'
import { catalogOf, KeyValues, randomOf, requestOf } from './scene.ts'

const ROUNDS = quick ? 1 : 7
const TAKES = quick ? 1024 : 4096
const IN_FLIGHT = [64, 256]

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-sqlite-'))
try {
  for (const count of [64, 10_000]) await compare(count)
} finally {
  rmSync(folder, { recursive: true })
}

async function compare(count: number): Promise<void> {
  const keys = new KeyValues(count, 5)
  const index = compile(catalogOf(keys, 'roomy'))
  const asked = Array.from({ length: count }, (_, i) => resolve(index, requestOf(keys, i)) as Metered)
  const open = async (name: string) => openSqlite(join(folder, `${name}-${count}.db`))
  const single = sqliteStore({ database: await open('single') })
  const lean = sqliteStore({ database: await open('lean'), usage: false })
  const grouped = sqliteStore({ database: await open('grouped'), grouped: true })
  const tasks: { name: string; run: () => Promise<void>; rates: number[] }[] = [
    { name: 'single', run: () => takes(single, asked, 1), rates: [] },
    { name: 'single, no usage kept', run: () => takes(lean, asked, 1), rates: [] },
    ...IN_FLIGHT.map(n => ({ name: `grouped, ${n} in flight`, run: () => takes(grouped, asked, n), rates: [] })),
  ]
  for (let round = -1; round < ROUNDS; round++) {
    for (let turn = 0; turn < tasks.length; turn++) {
      const task = tasks[(turn + round + 1) % tasks.length]!
      const began = performance.now()
      await task.run()
      if (round >= 0) task.rates.push(TAKES / ((performance.now() - began) / 1000))
    }
  }
  const limit = tasks[0]!.rates
  for (const { name, rates } of tasks) {
    const ratios = rates.map((rate, round) => rate / limit[round]!)
    report({
      bench: 'sqlite',
      group: `${count} keys`,
      name,
      'takes/s': quantile(rates, 0.5),
      ratio: quantile(ratios, 0.5),
      low: quantile(ratios, 0.25),
      high: quantile(ratios, 0.75),
    })
  }
}

/** So many at a time, one group after another as a turn of an event loop brings them. */
async function takes(store: Store, asked: readonly Metered[], inFlight: number): Promise<void> {
  const random = randomOf(7)
  const now = Date.now()
  for (let i = 0; i < TAKES; i += inFlight) {
    const group: unknown[] = []
    for (let n = 0; n < inFlight; n++) group.push(store.take(asked[random() % asked.length]!, now))
    if (group[0] instanceof Promise) await Promise.all(group)
  }
}
