// Starts that fail: what they say, that they end, and that nobody else is touched by them.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundled, type Command } from '../command.ts'
import { folder, freePort, type Serving, serving, unbundled } from './command.ts'
import { behind, closeAll } from './gateway-before.ts'

let tollgate: Command
beforeAll(async () => {
  tollgate = await bundled()
})
afterEach(closeAll)
afterAll(unbundled)

const KEY = 'start-tests-key-0000000001'

/** A catalog file in a new folder. */
function catalogOf(name: string, path = folder()): string {
  const file = join(path, `${name}.json`)
  writeFileSync(
    file,
    JSON.stringify({ version: name, plans: [{ id: name }], keys: [{ id: 'k', value: KEY, plan: name }] }),
  )
  return file
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  behind(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  return (server.address() as { port: number }).port
}

const call = ({ port }: Serving): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-api-key': KEY } })

describe('a start that cannot listen', () => {
  it.each([
    ['--port', (port: number) => ['--port', `${port}`], /^--port: 127\.0\.0\.1:\d+ is in use; choose another/m],
    ['--admin', (port: number) => ['--port', '0', '--admin', `${port}`], /^--admin: 127\.0\.0\.1:\d+ is in use/m],
    [
      'a name',
      () => ['--port', '0', '--host', 'no.invalid'],
      /^--host: no\.invalid is no name that is known here; say/m,
    ],
    [
      'an address',
      () => ['--port', '0', '--host', '192.0.2.1'],
      /^--host: 192\.0\.2\.1 is no address of this machine/m,
    ],
    ['no address', () => ['--port', '0', '--host', '1.2.3.4.5'], /^--host: 1\.2\.3\.4\.5 is no name/m],
  ])('names what is wrong (%s), and ends, with everything it had opened', async (_, where, said) => {
    const path = folder()
    const admin = where(0).includes('--admin') ? [] : ['--admin', `127.0.0.1:${await freePort()}`]
    const run = await tollgate([
      ...['serve', '--catalog', catalogOf('a', path), '--upstream', 'demo', '--store', 'memory', ...admin],
      ...['--access-log', join(path, 'access.ndjson'), ...where(await takenPort())],
    ])
    // By itself: a timeout would end it with a signal.
    expect([run.code, run.signal, run.stderr]).toEqual([2, null, expect.stringMatching(said)])
    expect(run.stderr).not.toMatch(/^ {4}at |control plane at|tollgate http/m)
  })

  it('publishes nothing to the gateway that runs', async () => {
    const store = ['--store', `sqlite:${join(folder(), 'counts.db')}`]
    const running = await serving(['--catalog', catalogOf('a'), '--upstream', 'demo', ...store], [])
    const failing = ['serve', '--catalog', catalogOf('b'), '--upstream', 'demo', ...store]
    expect((await tollgate([...failing, '--port', `${running.port}`])).code).toBe(2)
    expect((await tollgate([...failing, '--port', '0', '--admin', new URL(running.adminUrl).port])).code).toBe(2)
    // Whoever follows the store would know of it by now, had it been told.
    const follower = await serving(['--upstream', 'demo', ...store], [])
    expect((await call(follower)).status).toBe(200)
    expect((await call(running)).status).toBe(200)
    expect((await follower.end()).code).toBe(0)
    expect((await running.end()).text).not.toContain('catalog b')
    const versions = [...running.log(), ...follower.log()].map(({ version }) => version)
    expect(versions).toEqual(['a', 'a'])
  })
})

describe('a start on a store', () => {
  it('says whose catalog its own takes the place of, where that came of another file', async () => {
    const path = folder()
    const [a, b] = [catalogOf('a', path), catalogOf('b', path)]
    const store = ['--upstream', 'demo', '--store', `sqlite:${join(path, 'counts.db')}`]
    const said = async (file: string): Promise<string> =>
      (await (await serving(['--catalog', file, ...store], [])).end()).text
    expect(await said(a)).not.toContain('takes the place')
    expect(await said(b)).toContain(
      `${b} takes the place of catalog a, which came of ${a}: all gateways on ${path}/counts.db follow; to keep the two apart, --store sqlite:OTHER.db or --store memory\n`,
    )
    // The same file again, and the same one changed: nobody is surprised.
    expect(await said(b)).not.toContain('takes the place')
    writeFileSync(b, readFileSync(b, 'utf8').replace('"b"', '"b2"'))
    expect(await said(b)).not.toContain('takes the place')
    // What it says elsewhere is no other catalog.
    const copy = join(folder(), 'copy.json')
    copyFileSync(b, copy)
    expect(await said(copy)).not.toContain('takes the place')
  })
})

describe('the password of an upstream', () => {
  it('is said nowhere', async () => {
    const args = ['--catalog', catalogOf('a'), '--store', 'memory', '--upstream']
    const refused = await tollgate(['serve', ...args, 'http://user:sesame@127.0.0.1:9/path'])
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/received one with a user, .* remove it$/m),
    ])
    for (const url of ['htp://user:sesame@upstream', 'http://user:sesame@upstream:99999', 'user:sesame@upstream']) {
      const { code, stderr } = await tollgate(['serve', ...args, url])
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^--upstream: expected a URL .* received ".*upstream.*"$/m),
      ])
      expect(stderr).not.toContain('sesame')
    }
  })
})

describe('the lines to try', () => {
  it('keep the values of keys out of what is no terminal, unless they are asked for', async () => {
    const args = ['--catalog', catalogOf('a'), '--store', 'memory', '--upstream', 'demo']
    // Ending it looks for the value in all that was said.
    expect((await (await serving(args, [KEY])).end()).text).not.toContain('curl')
    const shown = await serving([...args, '--show-keys'], [])
    expect((await shown.end()).text).toContain(`curl -i -H 'x-api-key: ${KEY}' http://127.0.0.1:${shown.port}/\n`)
    const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))
    expect(scripts.start).toMatch(/--keys examples\/petstore\/keys\.csv .*--show-keys/)
  })
})

describe('a file that cannot be written', () => {
  it.each([
    [
      ['--store', 'sqlite:PATH/a.json'],
      /^--store: PATH\/a\.json: .*not a database; name another, or say --store memory$/m,
    ],
    [['--store', 'sqlite:'], /^--store: expected memory, sqlite:FILE or redis:.*received "sqlite:"$/m],
    [['--store', 'sqlite:PATH/no/x.db'], /^--store: there is no folder PATH\/no for x\.db; make it, or name another/m],
    [['--store', 'sqlite:PATH'], /^--store: PATH: expected a file, found a folder; name another/m],
    [
      ['--admin', '0', '--audit', 'PATH/no/a'],
      /^--audit: there is no folder PATH\/no for a; make it, or name another$/m,
    ],
    [
      ['--access-log', 'PATH/no/x.log'],
      /^--access-log: there is no folder PATH\/no for x\.log; make it, or name another$/m,
    ],
    [['--access-log', 'PATH'], /^--access-log: PATH: expected a file, found a folder; name another$/m],
  ])('is named with its option before anything is served (%j)', async (args, said) => {
    const path = folder()
    const file = catalogOf('a', path)
    const text = readFileSync(file)
    const here = args.map(arg => arg.replace('PATH', path))
    const all = ['serve', '--catalog', file, '--upstream', 'demo', '--port', '0', ...here]
    const { code, stderr } = await tollgate(all)
    expect([code, stderr.replaceAll(path, 'PATH')]).toEqual([2, expect.stringMatching(said)])
    expect(stderr).not.toMatch(/^ {4}at |tollgate http/m)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(readFileSync(file)).toEqual(text)
  })
})

it('a certificate that is none is an error of its options', async () => {
  const file = catalogOf('a')
  const all = ['serve', '--catalog', file, '--upstream', 'demo', '--tls-cert', file, '--tls-key', file]
  const { code, stderr } = await tollgate(all)
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^--tls-cert, --tls-key: expected the PEM of .*\n$/)])
})
