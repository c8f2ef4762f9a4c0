// `tollgate admin` against a real `tollgate serve`: what each verb does there, in which form it is shown, and that no key's
// value stands where nobody asked for it. A process a verb would cost half a minute: they run in this one, where exit codes
// and stdin do not matter.

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { requestOf } from '../../src/cli/admin/request.ts'
import { cell, tableLines } from '../../src/cli/admin/show.ts'
import { admin as adminVerb } from '../../src/cli/admin.ts'
import { Failure, UsageError } from '../../src/cli/terminal.ts'
import { findRoute, routes } from '../../src/control/routes.ts'
import { bundled, type Command, newFolder, type Run, type RunOptions } from './command.ts'
import { freePort, type Serving, serving, unbundled } from './serve/command.ts'
import { closeAll } from './serve/gateway-before.ts'

const KEY = 'admin-command-key-000000000001'
const OTHER = 'admin-command-key-000000000002'
const TOKEN = 'token-of-the-admin-command-01'
const READER = 'token-of-the-admin-command-02'

const DOCUMENT = {
  apis: [
    {
      id: 'pets',
      name: 'Pet shop',
      methods: [{ path: '/pets', httpMethod: 'GET', apiKeyRequired: true }],
      stages: [{ stageName: 'dev' }],
    },
  ],
  usagePlans: [
    { id: 'gold', name: 'Gold', quota: { limit: 4, period: 'DAY' }, apiStages: [{ apiId: 'pets', stage: 'dev' }] },
    { id: 'free', name: 'Free' },
  ],
  apiKeys: [{ id: 'acme', value: KEY, name: '=HYPERLINK("http://x")', usagePlanIds: ['gold'] }],
}

const path = newFolder()
let gateway: Serving
let command: Command

beforeAll(async () => {
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'catalog.json'), JSON.stringify(DOCUMENT))
  const tokens = [
    { name: 'writer', token: TOKEN, role: 'admin' },
    { name: 'reader', token: READER, role: 'read' },
  ]
  writeFileSync(join(path, 'credentials.json'), JSON.stringify({ tokens }), { mode: 0o600 })
  writeFileSync(join(path, 'token'), `${TOKEN}\n`, { mode: 0o600 })
  const of = (name: string): string => join(path, name)
  const args = ['--catalog', of('catalog.json'), '--upstream', 'demo', '--store', `sqlite:${of('counts.db')}`]
  ;[gateway, command] = await Promise.all([
    serving([...args, '--admin-credentials', of('credentials.json')], [KEY, OTHER, TOKEN]),
    bundled(),
  ])
}, 60_000)

afterAll(async () => {
  await closeAll()
  await unbundled()
})

type Ran = Pick<Run, 'code' | 'stdout' | 'stderr'>

/** Runs it in a process of its own. */
async function admin(args: readonly string[], { env, ...options }: RunOptions = {}): Promise<Ran> {
  const run = await command(['admin', ...args], { ...options, env: { ...connection(), ...env } })
  return looked(args, run)
}

/** Runs it in this process: one at a time. */
async function verb(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  for (const [name, value] of Object.entries({ ...connection(), ...env })) vi.stubEnv(name, value)
  const said = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map(name =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      said[name] += String(text)
      return true
    }),
  )
  let code = 0
  try {
    await adminVerb([...args])
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof Failure)) throw error
    said.stderr += `${error.message}\n`
    code = error instanceof UsageError ? 2 : 1
  } finally {
    for (const spy of spies) spy.mockRestore()
    vi.unstubAllEnvs()
    process.stdout.removeAllListeners('error')
  }
  return looked(args, { code, ...said })
}

const connection = () => ({ TOLLGATE_ADMIN: gateway.adminUrl, TOLLGATE_ADMIN_TOKEN: TOKEN })

/** However it ends, neither a value nor a token is said; on stdout a value only where one is asked for. */
function looked(args: readonly string[], run: Ran): Ran {
  for (const secret of [KEY, OTHER, TOKEN, READER]) {
    expect(run.stderr).not.toContain(secret)
    if (!args.includes('--value') && !args.includes('--value-file')) expect(run.stdout).not.toContain(secret)
  }
  expect(run.stderr).not.toMatch(/^\s+at /m)
  return run
}

/** What it says on stdout, when all is well. */
async function done(args: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await (options === undefined ? verb(args) : admin(args, options))
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^(note: .*\n)*(catalog #\d\S*\n)?$/)])
  return stdout
}

const lines = (text: string): string[][] =>
  text
    .split('\n')
    .slice(0, -1)
    .map(line => line.split('\t'))

async function call(value: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${gateway.port}/pets`, { headers: { 'x-api-key': value } })).status
}

describe('tollgate admin', { timeout: 30_000 }, () => {
  it('makes a key that is good at once, disables, enables, moves and deletes it', async () => {
    const made = JSON.parse(
      await done(['keys', 'create', '--name', 'Other', '--plan', 'gold', '--value-file', '-', '--json'], {
        input: `${OTHER}\n`,
      }),
    )
    expect(made).toMatchObject({ name: 'Other', enabled: true, value: OTHER })
    expect(await call(OTHER)).toBe(200)
    expect(await done(['keys', 'show', made.id])).toContain(`id\t${made.id}\nname\tOther\nenabled\ttrue\n`)
    expect(await done(['keys', 'show', made.id, '--value'])).toContain(`value\t${OTHER}\n`)
    expect(await done(['keys', 'disable', made.id])).toContain('enabled\tfalse\n')
    expect(await call(OTHER)).toBe(403)
    await done(['keys', 'enable', made.id])
    expect(await call(OTHER)).toBe(200)
    await done(['unbind', made.id, 'gold'])
    expect(await call(OTHER)).toBe(403)
    expect(await done(['bind', made.id, 'gold', '--json'])).not.toContain('value')
    expect(await call(OTHER)).toBe(200)
    expect(await done(['keys', 'delete', made.id])).toBe('')
    expect(await call(OTHER)).toBe(403)
  })

  it('makes no key for a plan that is not there', async () => {
    const { code, stdout, stderr } = await verb(['keys', 'create', '--name', 'Half', '--plan', 'nothing'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^keys create at .*: 404 NotFoundException: .*; tollgate admin plans list/)
    expect(await done(['keys', 'list', '--name', 'Half'])).toBe('')
  })

  it('prints the value of a key whose plan went away meanwhile, and says so', async () => {
    const server = createServer((request, response) => {
      const isBinding = request.url?.endsWith('/keys')
      const headers = {
        'content-type': 'application/json',
        ...(isBinding ? { 'x-amzn-errortype': 'NotFoundException' } : {}),
      }
      const made = { id: 'half', value: 'value-of-a-key-of-no-plan', name: 'Half' }
      response
        .writeHead(isBinding ? 404 : 200, headers)
        .end(JSON.stringify(isBinding ? { message: 'Invalid Usage Plan ID specified' } : made))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { stdout, stderr } = await verb(['keys', 'create', '--name', 'Half', '--plan', 'gone', '--url', url])
    server.close()
    expect(process.exitCode).toBe(1)
    process.exitCode = undefined
    expect(stdout).toBe('id\thalf\nvalue\tvalue-of-a-key-of-no-plan\nname\tHalf\n')
    expect(stderr).toMatch(
      /the key was made, and is in no plan: keys create at .*: 404 .*tollgate admin bind half PLAN/,
    )
  })

  it('lists keys in every form, a spreadsheet among them, and never their values', async () => {
    const [list, json, csv, ofPlan, ofPlanJson] = [
      await done(['keys', 'list', '--name', '=']),
      await done(['keys', 'list', '--name', '=', '--json']),
      await done(['keys', 'list', '--name', '=', '--csv']),
      await done(['keys', 'list', '--plan', 'gold']),
      await done(['keys', 'list', '--plan', 'gold', '--json']),
    ]
    expect(lines(list)).toEqual([['acme', '=HYPERLINK("http://x")', 'true', '', '', '']])
    expect(JSON.parse(json)).toMatchObject({ item: [{ id: 'acme', enabled: true }] })
    expect(csv).toBe(`id,name,enabled,created,customer,description\r\nacme,"'=HYPERLINK(""http://x"")",true,,,\r\n`)
    expect(lines(ofPlan)).toEqual([['acme', '=HYPERLINK("http://x")']])
    expect(JSON.parse(ofPlanJson)).toEqual({ item: [{ id: 'acme', type: 'API_KEY', name: '=HYPERLINK("http://x")' }] })
  })

  it('imports a key file both ways, and follows pages', async () => {
    const rows = Array.from({ length: 1001 }, (_, i) => `many ${i},imported-key-of-many-${1e6 + i},true,free`)
    const file = join(path, 'many.csv')
    writeFileSync(file, ['name,key,enabled,usageplanids', ...rows, 'bad,short,true,free', ''].join('\n'))
    const refused = await verb(['keys', 'import', file, '--fail-on-warnings'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(
      /^keys import at http:\S+: 400 BadRequestException: Warnings found during import:\n {2}Skipped invalid record: 1002\. .*\nnothing was changed; mend it/,
    )
    expect(await done(['keys', 'list', '--name', 'many'])).toBe('')
    expect(await done(['keys', 'import', file, '--ignore-warnings'])).toBe(
      'imported\t1001\nupdated\t0\nunchanged\t0\nskipped\t1\n',
    )
    const version = JSON.parse(await done(['status', '--json'])).version
    const again = await verb(['keys', 'import', file, '--ignore-warnings'])
    expect(again.stdout).toBe('imported\t0\nupdated\t0\nunchanged\t1001\nskipped\t1\n')
    expect(again.stderr).toContain(`catalog ${version}\n`)
    writeFileSync(file, `name,key,enabled,usageplanids\nmany 0,imported-key-of-many-${1e6},false,free\n`)
    expect(await done(['keys', 'import', file, '--fail-on-warnings'])).toBe(
      'imported\t0\nupdated\t1\nunchanged\t0\nskipped\t0\n',
    )
    const [all, some] = [
      await done(['keys', 'list', '--name', 'many']),
      await done(['keys', 'list', '--plan', 'free', '--limit', '501']),
    ]
    expect(new Set(lines(all).map(([id]) => id)).size).toBe(1001)
    expect(lines(some)).toHaveLength(501)
  })

  it('makes, changes and deletes a plan, of the catalog that is meant', async () => {
    const limits = ['--rate', '0.5', '--burst', '2', '--quota', '9/week', '--quota-offset', '1']
    const made = await verb(['plans', 'create', '--name', 'New', ...limits, '--stage', 'pets:dev', '--json'])
    const { id } = JSON.parse(made.stdout)
    const [, version = ''] = /^catalog (\S+)$/m.exec(made.stderr) ?? []
    expect(await done(['plans', 'show', id])).toBe(
      `id\t${id}\nname\tNew\nrate\t0.5\nburst\t2\nquota\t9/WEEK\nquota offset\t1\nstage\tpets:dev\n`,
    )
    const set = ['plans', 'set', id, '--rate', '3', '--no-quota', '--no-stage', 'pets:dev', '--if-match', version]
    expect(await done(set)).toBe(`id\t${id}\nname\tNew\nrate\t3\nburst\t2\n`)
    for (const both of [
      ['--no-quota', '--quota', '4/DAY'],
      ['--no-throttle', '--burst', '4'],
    ]) {
      const refused = await admin(['plans', 'set', id, ...both], {})
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/^expected --no-.*, received both$/m)])
    }
    const again = await admin(set, {})
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/^plans set at .*: 412 PreconditionFailedException: /)
    expect(again.stderr).toContain(`somebody changed the catalog since ${version}; tollgate admin status`)
    const now = /^catalog\t(\S+)$/m.exec(await done(['status']))?.[1] as string
    await done(['plans', 'delete', id, '--if-match', now])
    const list = lines(await done(['plans', 'list', '--csv']))
    expect(list.flat()).toEqual([
      'id,name,rate,burst,quota,stages\r',
      'free,Free,,,,\r',
      'gold,Gold,,,4/DAY,pets:dev (Pet shop)\r',
    ])
  })

  it('shows use by key and day, extends it, and gives it to a spreadsheet', async () => {
    for (const status of [200, 200, 200, 200, 429]) expect(await call(KEY)).toBe(status)
    const today = new Date().toISOString().slice(0, 10)
    const name = '=HYPERLINK("http://x")'
    expect(lines(await done(['usage', 'gold']))).toEqual([['acme', name, today, '4', '0']])
    expect(lines(await done(['remaining', 'gold', 'acme', '2']))).toEqual([['acme', name, today, '4', '2']])
    for (const status of [200, 200, 429]) expect(await call(KEY)).toBe(status)
    const from = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
    const range = ['usage', 'gold', '--key', 'acme', '--from', from]
    const [csv, json] = [await done([...range, '--csv']), await done([...range, '--json'])]
    expect(csv).toBe(
      `key,name,day,used,remaining\r\nacme,"'=HYPERLINK(""http://x"")",${from},0,4\r\nacme,"'=HYPERLINK(""http://x"")",${today},6,0\r\n`,
    )
    expect(JSON.parse(json)).toEqual({
      usagePlanId: 'gold',
      startDate: from,
      endDate: today,
      values: {
        acme: [
          [0, 4],
          [6, 0],
        ],
      },
    })
  })

  it('shows what is served, deploys, and calls any operation', async () => {
    const [status, apis, stages] = [
      await done(['status', '--json']),
      await done(['apis', 'list']),
      await done(['stages', 'list', '--json']),
    ]
    expect(JSON.parse(status)).toMatchObject({ url: gateway.adminUrl, ready: true, apis: 1, stages: 1, plans: 2 })
    expect(JSON.parse(status).keys).toBeGreaterThan(0)
    expect(await call('nobody')).toBe(403)
    expect(await done(['status'])).toMatch(/^keys\t\d+\n(requests [a-z-]+\t\d+\n)+$/m)
    expect(lines(apis)).toEqual([['pets', 'Pet shop', '', '']])
    expect(JSON.parse(stages)).toMatchObject({ item: [{ stageName: 'dev' }] })
    const deployed = await done(['deploy', 'pets', 'beta', '--description', 'as it stands'])
    const id = /^deployment\t(\S+)$/m.exec(deployed)?.[1] as string
    expect(lines(await done(['stages', 'list', 'pets'])).map(stage => stage.slice(0, 5))).toEqual([
      ['pets', 'Pet shop', 'dev', '/', expect.any(String)],
      ['pets', 'Pet shop', 'beta', '/beta', id],
    ])
    const input = JSON.stringify({ restApiId: 'pets', deploymentId: id })
    const [inline, piped] = [
      await done(['call', 'GetDeployment', '--input', input]),
      await done(['call', 'GetDeployment', '--input', '-'], { input }),
    ]
    expect(JSON.parse(inline)).toMatchObject({ id, description: 'as it stands' })
    expect(piped).toBe(inline)
    expect((await verb(['call', 'GetDeployment', '--input', input])).stderr).toBe('')
    expect(await done(['call', 'DeleteStage', '--input', '{ "restApiId": "pets", "stageName": "beta" }'])).toBe('')
    await done(['call', 'ImportApiKeys', '--input', '{ "format": "csv" }', '--body', '-'], {
      input: 'name,key\ncalled,imported-key-of-a-call-01\n',
    })
    expect(lines(await done(['keys', 'list', '--name', 'called']))).toHaveLength(1)
  })

  it('is let in with a token of the environment or a file, to what it may', async () => {
    const file = join(path, 'token')
    expect(
      lines(await done(['keys', 'list', '--limit', '1', '--token-file', file], { env: { TOLLGATE_ADMIN_TOKEN: '' } })),
    ).toHaveLength(1)
    const reader = { TOLLGATE_ADMIN_TOKEN: READER }
    const [reads, changes, stranger, nobody] = [
      await verb(['plans', 'list'], reader),
      await verb(['plans', 'delete', 'free'], reader),
      await verb(['plans', 'list'], { TOLLGATE_ADMIN_TOKEN: 'of-somebody-else-altogether' }),
      await admin(['plans', 'list'], { env: { TOLLGATE_ADMIN_TOKEN: '' } }),
    ]
    expect(reads.code).toBe(0)
    expect([changes.code, changes.stderr]).toEqual([
      1,
      expect.stringMatching(/^plans delete at .*: 403 AccessDeniedException: reader may only read; a token whose role/),
    ])
    expect([stranger.code, stranger.stderr]).toEqual([
      1,
      expect.stringMatching(/403 .*not valid; TOLLGATE_ADMIN_TOKEN/),
    ])
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringMatching(/^TOLLGATE_ADMIN_TOKEN: expected a token/)])
  })

  it.each([
    [['keys', 'show', 'nobody'], 1, /^keys show at .*: 404 NotFoundException: .*; tollgate admin keys list/],
    [['keys', 'show', KEY], 1, /^keys show at .*: 404 NotFoundException: /],
    [['keys', 'list', '--plan', 'nothing'], 1, /^keys list at .*: 404 .*; tollgate admin plans list/],
    [
      ['call', 'GetUsagePlan', '--input', '{"usagePlanId":"no"}'],
      1,
      /^GetUsagePlan at .*: 404 .*; tollgate admin plans/,
    ],
    [['bind', 'acme', 'gold'], 1, /^bind at .*: 409 ConflictException: .*; nothing was changed/],
    [
      ['plans', 'delete', 'gold'],
      1,
      /^plans delete at .*: 400 .*; nothing was changed; take its stages out first: tollgate admin plans set gold --no-stage pets:dev\n$/,
    ],
    [['keys', 'list', '--url', 'NOBODY'], 1, /^keys list at http:\S+: the connection was refused: .*--admin/],
    [['status', '--url', 'NOBODY'], 1, /^status at http:\S+: the connection was refused: .*--admin/],
    [
      ['status', '--url', 'http://127.0.0.1:1'],
      1,
      /^status at http:\S+: no client of HTTP's connects to that port; --url is/,
    ],
    [['keys', 'list', '--url', 'GATEWAY'], 1, /^keys list at .*: received 403 \S+.*; it is no control plane/],
    [['keys', 'list', '--url', 'PAGE'], 1, /^keys list at .*: received 200, text\/html; it is no control plane/],
    [['keys', 'list', '--url', 'http://a:b@c'], 2, /^--url: expected a URL like .*a user/],
    [['keys', 'list', '--csv', '--json'], 2, /^--csv: expected no --json/],
    [['keys', 'show'], 2, /^KEY: expected one, received nothing; tollgate admin keys show KEY/],
    [['keys', 'show', '..'], 2, /^GetApiKey: apiKey: expected text that names one, received ".."/],
    [['key', 'list'], 2, /^tollgate admin: expected a verb like keys list, received "key"/],
    [['keys', 'lsit'], 2, /received "keys lsit"; did you mean "keys list"\?/],
    [['call', 'GetUsagePlam'], 2, /received "GetUsagePlam"; did you mean "GetUsagePlan"\?/],
    [['call', 'GetStage', '--input', '{"restApiId":"pets"}'], 2, /^GetStage: stageName: expected/],
    [['call', 'GetApiKeys', '--input', '{"limt":1}'], 2, /received "limt"; did you mean "limit"\?/],
    [['call', 'CreateApiKey', '--input', `{"value":"${KEY}"}`], 2, /^--input: value: expected it in a file/],
    [['remaining', 'gold', 'acme', 'lots'], 2, /^REQUESTS: expected a whole number/],
    [['usage', 'gold', '--from', '2026-02-30'], 2, /^--from: expected a day like/],
    [
      ['usage', 'gold', '--from', '2026-02-03', '--to', '2026-02-01'],
      2,
      /^--from: expected a day up to 2026-02-01, received 2026-02-03/,
    ],
    [
      ['usage', 'gold', '--from', '2025-01-01', '--to', '2026-02-05'],
      2,
      /^--from, --to: expected at most 400 days, received 401; /,
    ],
    [
      ['call', 'GetUsage', '--input', '{"usagePlanId":"gold"}'],
      1,
      /^GetUsage at .*: 400 [^;]*; mend it and try again\n$/,
    ],
    [['plans', 'create', '--name', 'x', '--rate', '1'], 2, /^--rate, --burst: expected both/],
    [['plans', 'set', 'gold', '--quota', '5/YEAR'], 2, /^--quota: expected requests and a period like/],
    [['keys', 'list', '--token', TOKEN], 2, /^expected an option, received "--token"/],
  ])('says of %j what came, and the remedy', async (args, code, said) => {
    const page = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>')
    })
    if (args.includes('PAGE')) await new Promise<void>(resolve => page.listen(0, '127.0.0.1', resolve))
    const places: Record<string, string> = {
      NOBODY: `http://127.0.0.1:${await freePort()}`,
      GATEWAY: `http://127.0.0.1:${gateway.port}`,
      PAGE: `http://127.0.0.1:${(page.address() as AddressInfo | null)?.port}`,
    }
    const run = await verb(args.map(arg => places[arg] ?? arg))
    page.close()
    expect([run.code, run.stdout, run.stderr]).toEqual([code, '', expect.stringMatching(said)])
  })

  it('waits as it is told to, a few times', async () => {
    let asked = 0
    const server = createServer((_, response) => {
      asked++
      const isBusy = asked !== 3
      const headers = isBusy
        ? { 'retry-after': '0.01', 'x-amzn-errortype': 'TooManyRequestsException' }
        : { 'content-type': 'application/json', etag: '"%237"' }
      response.writeHead(isBusy ? 429 : 200, headers).end(isBusy ? '{"message":"Too Many Requests"}' : '{"item":[]}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect((await verb(['plans', 'list', '--url', url])).code).toBe(0)
    expect(asked).toBe(3)
    const { code, stderr } = await verb(['plans', 'list', '--url', url])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/429 .*it was asked 5 times; try again later/)])
    expect(asked).toBe(8)
    server.close()
  })

  it('teaches each verb', async () => {
    const [all, keys, one] = [
      await done(['--help'], {}),
      await done(['keys', '--help'], {}),
      await done(['keys', 'create', '--help'], {}),
    ]
    expect(all).toContain('tollgate admin keys create --name NAME')
    expect(keys).toContain('tollgate admin keys import FILE.csv')
    expect(one).toMatch(/^tollgate admin keys create .*Examples.*--value-file -/s)
    for (const text of [all, keys, one]) for (const line of text.split('\n')) expect(line.length).toBeLessThan(121)
  })
})

describe('a request of the admin command', () => {
  it('leads back to its operation and its input, for every route', () => {
    for (const route of routes) {
      const input: Record<string, unknown> = {}
      for (const [, label = ''] of route.path.matchAll(/\{(\w+)\}/g)) input[label] = `a/b ?#%${label}`
      for (const [name, member] of Object.entries(route.query)) {
        input[member] = name === 'tagKeys' || name === 'embed' ? ['x&', 'y='] : 'x&=y z'
      }
      if (route.body === 'raw') input['body'] = 'raw'
      const { verb, target } = requestOf(route, route.body === 'json' ? { ...input, more: 1 } : input)
      const found = findRoute(verb, new URL(`http://localhost${target}`))
      expect(found).not.toBeTypeOf('string')
      const { body: _, ...members } = input
      expect(found).toEqual({ route, members })
    }
  })
})

describe('a table of the admin command', () => {
  it('is aligned, has a bar where there is one to draw, and lets nothing through that is no text', () => {
    const paint = (_: string, text: string): string => text
    const rows = [
      [cell('a'), cell('one\x1b[2J\u202e')],
      [cell('abc'), cell('Žluťoučký')],
      [cell('b'), cell('long '.repeat(20))],
    ]
    const drawn = (row: number) => cell(['██░░', '░░░░', '████'][row])
    const table = { names: ['id', 'name'], rows, drawn }
    const shown = [...tableLines(table, { width: 80, indent: 0, paint })]
    expect(shown).toEqual([
      'id   name\n',
      `a    ${'one\\u001b[2J\\u202e'.padEnd(42)}██░░\n`,
      `abc  ${'Žluťoučký'.padEnd(42)}░░░░\n`,
      `b    ${'long '.repeat(7)}long…  ████\n`,
    ])
  })
})
