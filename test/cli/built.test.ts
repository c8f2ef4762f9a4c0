// The command as it is published: dist/cli.js and the files beside it, which `npm run build` made.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort, type RedisServer, redisServer } from '../stores/redis-server.ts'
import { newFolder } from './command.ts'
import { serving } from './serve/command.ts'
import { closeAll } from './serve/gateway-before.ts'

const CLI = join(import.meta.dirname, '../../dist/cli.js')
const CATALOG = join(import.meta.dirname, '../../examples/petstore/catalog.json')
const KEYS = join(import.meta.dirname, '../../examples/petstore/keys.csv')
const KEY = 'petstore-03nbqnsGpWLuqIA1id6Vw5DQL05HA0'

function tollgate(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise(resolve =>
    execFile(process.execPath, [CLI, ...args], { timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    ),
  )
}

// Bundled otherwise than the other tests bundle it: in several files, where the client of Redis had lost its names.
describe.runIf(existsSync(CLI))('the built command over Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await redisServer()
    await redis.cli('CONFIG', 'SET', 'requirepass', 'sesame')
  })
  afterAll(() => redis.stop())
  afterEach(closeAll)

  it('serves, previews and replays', { timeout: 60_000 }, async () => {
    const store = `redis://:sesame@127.0.0.1:${redis.port}`
    const args = ['--catalog', CATALOG, '--keys', KEYS]
    const serve = await serving([...args, '--upstream', 'demo', '--store', store], [], CLI)
    const answer = await fetch(`http://127.0.0.1:${serve.port}/v1/pets`, { headers: { 'x-api-key': KEY } })
    expect(answer.status).toBe(200)
    await answer.text()
    const { code, text } = await serve.end()
    expect([code, text]).toEqual([0, expect.stringContaining(`counters in redis://127.0.0.1:${redis.port})`)])

    const preview = await tollgate('preview', ...args, '--store', store, '--json')
    expect(preview).toMatchObject({ code: 0, stderr: '' })
    const replay = await tollgate('replay', ...args, '--state', store, '--json', serve.logFile)
    expect(replay.code).toBe(0)
    expect(JSON.parse(replay.stdout)).toMatchObject({ log: { lines: 1 } })
    expect(preview.stdout + replay.stdout + replay.stderr + text).not.toContain('sesame')
  })

  it.each([
    ['a server that is not there', (port: number) => `redis://:sesame@127.0.0.1:${port}`],
    ['what is no address', () => 'redis://:sesame@127.0.0.1:99999'],
  ])('names %s, not its password, and the option', async (_, url) => {
    const where = url(await freePort())
    const empty = newFolder()
    const runs = await Promise.all([
      tollgate('serve', '--catalog', CATALOG, '--upstream', 'demo', '--store', where, '--port', '0'),
      tollgate('preview', '--catalog', CATALOG, '--store', where),
      tollgate('replay', '--catalog', CATALOG, '--state', where, join(empty, 'none.ndjson')),
    ])
    for (const [i, { code, stderr }] of runs.entries()) {
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${i < 2 ? '--store' : '--state'}: `)])
      expect(stderr).toContain(where.replace(':sesame@', ''))
      expect(stderr).not.toMatch(/sesame|^ {4}at /m)
    }
  })
})
