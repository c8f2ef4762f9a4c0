// A process of races.test.ts: node sqlite-process.mjs <file> single|grouped|flood <takes>. Says what it was told.

import { writeSync } from 'node:fs'
import { openSqlite } from '../../src/cli/sqlite-file.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { indexOf, meteredOf } from '../laws/worlds.ts'

const [path = '', mode, takes] = process.argv.slice(2)
const limit = mode === 'flood' ? 2_000_000_000 : 50
const index = indexOf({ override: false, weekStart: 0, quota: { limit, period: 'DAY', offset: 0 } })
const metered = meteredOf(index, { key: 0, path: '/b', stage: 's', cost: 1 })!
const database = await openSqlite(path)
const now = Date.UTC(2024, 1, 29)
// Written at once, not when the pipe has time: a line that is out was decided, and a kill leaves no line half known.
const say = (line: string): void => void writeSync(1, `${line}\n`)

if (mode === 'grouped') {
  const store = sqliteStore({ database, grouped: true })
  process.stdin.once('data', async () => {
    const decisions = await Promise.all(Array.from({ length: Number(takes) }, () => store.take(metered, now)))
    for (const { kind } of decisions) say(kind)
    process.exit()
  })
} else {
  const store = sqliteStore({ database })
  process.stdin.once('data', () => {
    for (let i = 0; mode === 'flood' || i < Number(takes); i++) say(store.take(metered, now).kind)
    process.exit()
  })
}
say('ready')
