// The gateway's own log, read again by the commands that were given the same catalog and key file, and nothing else.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { bundled, type Command } from '../command.ts'
import { folder, serving, unbundled } from './command.ts'
import { closeAll, upstreamOf } from './gateway-before.ts'

const VALUES = ['mQ2w8Rt5Yp1Lk4Zx7Vb0', 'Hn6Gd3Fs9Aj2Qe5Wu8Io']
const document = (burstLimit: number) =>
  JSON.stringify({ plans: [{ id: 'free', throttle: { rateLimit: 0.001, burstLimit } }] })

let tollgate: Command

beforeAll(async () => {
  tollgate = await bundled()
}, 60_000)
afterEach(closeAll)
afterAll(unbundled)

it('knows the keys of a key file by the same ids in every command', async () => {
  const at = folder()
  const file = (name: string): string => join(at, name)
  writeFileSync(file('catalog.json'), document(5))
  writeFileSync(file('new.json'), document(2))
  writeFileSync(file('keys.csv'), `Name,Key,UsagePlanIds\nOne,${VALUES[0]},free\nTwo,${VALUES[1]},free\n`)
  const store = `sqlite:${file('counters.db')}`
  const files = ['--catalog', file('catalog.json'), '--keys', file('keys.csv')]
  const upstream = await upstreamOf((_, response) => void response.end('served'))
  const gateway = await serving([...files, '--upstream', upstream.url, '--store', store], VALUES)
  for (const key of [VALUES[0], VALUES[0], VALUES[0], VALUES[1]]) {
    const { status } = await fetch(`http://127.0.0.1:${gateway.port}/pets`, { headers: { 'x-api-key': key as string } })
    expect(status).toBe(200)
  }
  await gateway.end()
  const ids = new Set(gateway.log().map(({ keyId }) => keyId))
  expect(ids.size).toBe(2)
  for (const id of ids) expect(id).toMatch(/^[a-z0-9]{16}$/)

  const run = async (verb: string, ...args: string[]) => {
    const { code, stdout, stderr } = await tollgate([verb, '--keys', file('keys.csv'), '--json', ...args])
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }
  const proposed = ['--catalog', file('new.json'), '--against', file('catalog.json'), gateway.logFile]
  const cold = await run('replay', ...proposed)
  expect(cold.trial.proposed).toMatchObject({ admitted: 3, throttled: 1, uncovered: 0, newlyRefused: 1 })
  expect(cold.trial.proposed.keys).toMatchObject([{ name: 'One', refusedShare: 1 / 3 }])
  // The store remembers three of One's five tokens gone.
  const warm = await run('replay', '--state', store, ...proposed)
  expect(warm.trial.against).toMatchObject({ admitted: 3, throttled: 1, uncovered: 0 })
  expect(await run('fit', '--catalog', file('new.json'), gateway.logFile)).toMatchObject({
    uncovered: 0,
    fits: [{ requests: 4, keys: 2 }],
  })
  const imported = await tollgate(['keys', 'import', file('new.json'), file('keys.csv'), '--fail-on-warnings'])
  expect(imported.code).toBe(0)
  const inside = await tollgate(['replay', '--json', '--catalog', file('new.json'), gateway.logFile])
  expect(JSON.parse(inside.stdout).trial.proposed).toMatchObject({ admitted: 3, throttled: 1, uncovered: 0 })
})

it('says why nothing is covered where no key of a log is known', async () => {
  const at = folder()
  const file = (name: string): string => join(at, name)
  writeFileSync(file('catalog.json'), document(5))
  const lines = ['k1', 'k2'].map((keyId, i) =>
    JSON.stringify({ time: 1795509370000 + i, method: 'GET', path: '/pets', keyId }),
  )
  writeFileSync(file('access.ndjson'), `${lines.join('\n')}\n`)
  const { stdout } = await tollgate(['replay', '--catalog', 'catalog.json', 'access.ndjson'], { cwd: at })
  expect(stdout).toContain('2  what came is no id, value or hash of a key')
  expect(stdout.replace(/\s+/g, ' ')).toContain(
    'Most requests came with keys that catalog.json does not have. A key is known by its id, its value or the SHA-256 of ' +
      'its value: is this the catalog that the log is of, and its key file named (--keys)?',
  )
  const fit = await tollgate(['fit', '--catalog', 'catalog.json', 'access.ndjson'], { cwd: at })
  expect(fit.stdout).toContain('its key file named (--keys)?')
})
