// `tollgate init`, run for real: what it writes is what the gateway needs.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadCatalog } from '../../src/cli/catalog-file.ts'
import { importKeyFile } from '../../src/core/key-file.ts'
import { isGenerated } from '../../src/core/key-value.ts'
import { createGate } from '../../src/index.ts'
import { bundled, newFolder } from './command.ts'

let command: Awaited<ReturnType<typeof bundled>>

beforeAll(async () => {
  command = await bundled()
}, 60_000)

/** The gate that what was written makes, and its keys' values. */
function gateIn(folder: string) {
  const loaded = loadCatalog(join(folder, 'catalog.json'))
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message)
  expect(loaded.warnings).toEqual([])
  let id = 0
  const file = readFileSync(join(folder, 'keys.csv'), 'utf8')
  const imported = importKeyFile(loaded.catalog, file, { onWarnings: 'fail', newId: () => `k${++id}` })
  if (!imported.ok) throw new Error(imported.message)
  return { gate: createGate({ catalog: imported.catalog }), keys: [...imported.catalog.apiKeys] }
}

describe('init', () => {
  it('writes a catalog, a key and a README, and prints what to run and to try', async () => {
    const folder = newFolder()
    const { code, stdout, stderr } = await command(['init', '--yes'], { cwd: folder })
    expect(code).toBe(0)
    expect(readdirSync(folder).sort()).toEqual(['README.md', 'catalog.json', 'keys.csv'])
    expect(statSync(join(folder, 'keys.csv')).mode & 0o777).toBe(0o600)
    const { gate, keys } = gateIn(folder)
    expect(keys.map(({ usagePlanIds, value }) => [usagePlanIds, isGenerated(value, 'key')])).toEqual([[['free'], true]])
    expect(gate.admit({ method: 'GET', path: '/any/thing' }).kind).toBe('invalid-api-key')
    expect(gate.admit({ method: 'GET', path: '/any/thing', apiKey: keys[0]?.value }).kind).toBe('allowed')
    const serve = 'npx tollgate serve --catalog catalog.json --keys keys.csv --upstream http://127.0.0.1:3000'
    const curl = 'curl -i -H "x-api-key: $(sed -n 2p keys.csv | cut -d, -f2)" http://127.0.0.1:8080/'
    expect(stdout).toBe(`# run it\n${serve}\n# and in another terminal\n${curl}\n`)
    const readme = readFileSync(join(folder, 'README.md'), 'utf8')
    expect(readme).toContain(serve)
    for (const text of [stdout, stderr, readme]) expect(text).not.toContain(keys[0]?.value)
  })

  it('takes answers from flags, and makes the folder', async () => {
    const folder = newFolder()
    const flags = ['--upstream', "http://10.0.0.7/it's", '--require-key', 'get /x, /y/{rest+}', '--plans', 'free,pro']
    const { code, stdout, stderr } = await command(['init', 'a/gateway', ...flags], { cwd: folder })
    expect(code).toBe(0)
    expect(stderr).toContain('GET /x is that path alone: what is below it is open')
    expect(stderr).toContain('/y itself is open')
    expect(stdout).toContain(
      "cd a/gateway\nnpx tollgate serve --catalog catalog.json --keys keys.csv --upstream 'http://10.0.0.7/it'\\''s'\n",
    )
    const { gate, keys } = gateIn(join(folder, 'a/gateway'))
    expect(keys.map(({ usagePlanIds }) => usagePlanIds)).toEqual([['free'], ['pro']])
    const kinds = ['/x', '/y/1/2', '/y', '/'].map(path => gate.admit({ method: 'GET', path }).kind)
    expect(kinds).toEqual(['invalid-api-key', 'invalid-api-key', 'open', 'open'])
  })

  it('writes over nothing, unless it is forced', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'README.md'), 'mine')
    const refused = await command(['init', '--yes'], { cwd: folder })
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('found README.md; name another'),
    })
    expect(readdirSync(folder)).toEqual(['README.md'])
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('mine')
    expect(await command(['init', '--yes', '--force'], { cwd: folder })).toMatchObject({ code: 0 })
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('# The gateway')
  })

  it.each([
    [[], 'say --upstream URL --require-key everything --plans free, or --yes'],
    [['--upstream', 'demo'], 'say --require-key everything --plans free, or --yes'],
    [['--yes', '--upstream', 'localhost:3000'], '--upstream: expected a URL'],
    [['--yes', '--require-key', '/x/*'], 'write {id} for one segment, {rest+} for all below'],
    [['--yes', '--require-key', '/x/:id'], 'write {id} for one segment, {rest+} for all below'],
    [['--yes', '--require-key', 'x'], '--require-key: expected a verb and a path template'],
    [['--yes', '--require-key', ' , '], '--require-key: expected everything, or paths'],
    [['--yes', '--plans', 'gold'], '--plans: expected free or free,pro, received "gold"'],
    [['--yes', 'a', 'b'], 'received "b", too'],
  ])('with %j writes nothing, and says what to say', async (args, message) => {
    const folder = newFolder()
    const { code, stdout, stderr } = await command(['init', ...args], { cwd: folder })
    expect([code, stdout, existsSync(join(folder, 'catalog.json'))]).toEqual([2, '', false])
    expect(stderr).toContain(message)
  })
})

describe('from an empty folder to a gateway', () => {
  it('is two commands: the one, and the line it prints', async () => {
    const folder = newFolder()
    const upstream = createServer((request, response) => response.end(`hello ${request.url}`))
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const { port } = upstream.address() as AddressInfo
    const flags = ['--upstream', `http://127.0.0.1:${port}`, '--require-key', 'GET /reports']
    const start = Date.now()
    const { stdout } = await command(['init', '--yes', ...flags], { cwd: folder })
    const line = stdout.split('\n')[1]!.split(' ')
    expect(line.slice(0, 3)).toEqual(['npx', 'tollgate', 'serve'])
    const gateway = spawn(process.execPath, [command.file, ...line.slice(2), '--port', '0'], { cwd: folder })
    try {
      const origin = await new Promise<string>((resolve, reject) => {
        let said = ''
        gateway.stderr.on('data', text => {
          said += text
          const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? []
          if (found !== undefined) resolve(found)
        })
        gateway.on('close', () => reject(new Error(said)))
      })
      const value = gateIn(folder).keys[0]!.value
      const ask = async (path: string, headers: Record<string, string> = {}) => {
        const response = await fetch(origin + path, { headers })
        return [response.status, response.status === 200 ? await response.text() : '']
      }
      expect(await ask('/reports', { 'x-api-key': value })).toEqual([200, 'hello /reports'])
      expect(await ask('/reports')).toEqual([403, ''])
      expect(await ask('/')).toEqual([200, 'hello /'])
      expect(Date.now() - start).toBeLessThan(60_000)
    } finally {
      gateway.kill('SIGKILL')
      upstream.close()
      upstream.closeAllConnections()
    }
  })
})
