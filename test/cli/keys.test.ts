// `tollgate keys`, run for real: values, key files in and out of catalog files, and no key's value where none belongs.

import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseCatalog } from '../../src/cli/catalog-file.ts'
import { withKeys } from '../../src/cli/keys/catalog-edit.ts'
import { FileChanged, replaceFile } from '../../src/cli/replace-file.ts'
import { check } from '../../src/core/check.ts'
import { isFault, putApiKeys } from '../../src/core/edits.ts'
import { isGenerated, keyValueOf } from '../../src/core/key-value.ts'
import type { ApiKey } from '../../src/core/plan.ts'
import { bundled, newFolder, type Run, type RunOptions } from './command.ts'

const CANARY = keyValueOf('canary', randomBytes(64))
const OTHER = keyValueOf('canary', randomBytes(64))
const TYPO = `${CANARY.slice(0, -1)}${CANARY.endsWith('a') ? 'b' : 'a'}`
let command: Awaited<ReturnType<typeof bundled>>

beforeAll(async () => {
  command = await bundled()
}, 60_000)

/** Runs it. However it ends, no value is on stderr. */
async function keys(args: readonly string[], options?: RunOptions): Promise<Run> {
  const run = await command(['keys', ...args], options)
  holdsNoValue(run.stderr)
  return run
}

function holdsNoValue(text: string): void {
  for (const value of [CANARY, OTHER, TYPO]) expect(text).not.toContain(value.slice(7, 27))
}

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = newFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const SHORT = `{
  "plans": [{ "id": "free" }, { "id": "pro" }],
  "keys": [
    { "id": "one", "value": "${OTHER}", "name": "One", "plan": "free" }
  ]
}
`
const FULL = `{
    "apis": [{ "id": "a", "methods": [], "stages": [{ "stageName": "s" }, { "stageName": "t" }] }],
    "usagePlans": [
        { "id": "free", "apiStages": [{"apiId": "a", "stage": "s"}] },
        { "id": "other", "apiStages": [{"apiId": "a", "stage": "t"}] }
    ],
    "apiKeys": [
        {
            "id":    "one",
            "value": "${OTHER}",
            "customerId": "c-1",
            "description": "old",
            "enabled": true
        }
    ],
    "version": "7"
}
`
const csv = (...rows: string[]): string => ['Name,Key,Description,Enabled,UsagePlanIds', ...rows, ''].join('\n')

describe('keys generate', () => {
  it('prints so many different values of the form, one a line', async () => {
    const { stdout, stderr, code } = await keys(['generate', '--count', '2500', '--prefix', 'acme'])
    const values = stdout.trimEnd().split('\n')
    expect([code, stderr, values.length, new Set(values).size]).toEqual([0, '', 2500, 2500])
    expect(values.every(value => isGenerated(value, 'acme'))).toBe(true)
    expect(isGenerated((await keys(['generate', '--aws'])).stdout.trim(), '')).toBe(true)
  })

  it('prints a key file, which an import reads', async () => {
    const folder = folderOf({ 'plans.json': SHORT })
    const made = await keys(['generate', '--count', '2', '--csv', '--plan', 'pro', '--name', 'Acme, Inc.'])
    const done = await keys(['import', 'plans.json', '-', '--fail-on-warnings'], { cwd: folder, input: made.stdout })
    expect(done).toMatchObject({ code: 0, stdout: 'plans.json: 2 imported, 0 updated, 0 unchanged, 0 skipped\n' })
    const loaded = parseCatalog(readFileSync(join(folder, 'plans.json')))
    expect(loaded.ok && [...loaded.catalog.apiKeys].map(({ name }) => name)).toEqual([
      'One',
      'Acme, Inc. 1',
      'Acme, Inc. 2',
    ])
  })

  it.each([
    [['--prefix', 'no-dash'], '--prefix: expected 1 to 23'],
    [['--prefix', 'acme', '--aws'], '--aws: expected no --prefix'],
    [['--count', '0'], '--count: expected a whole number'],
    [['--plan', 'free'], 'add --csv'],
    [['--csv', '--plan', CANARY.replace('_', ',')], '--plan: expected the id'],
    [[`--${CANARY}`], 'expected an option, received (49 characters)'],
    [[CANARY], 'expected options only, since values are made here, received (47 characters)'],
    [['keys.csv'], 'expected options only, since values are made here, received "keys.csv"'],
  ])('refuses %j', async (args, message) => {
    expect(await keys(['generate', ...args])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })
})

describe('keys import', () => {
  it('adds keys in the style of those there are, and touches nothing else', async () => {
    const folder = folderOf({ 'plans.json': FULL, 'keys.csv': csv(`Two,${CANARY},,false,"free,other"`) })
    expect(await keys(['import', 'plans.json', 'keys.csv', '--fail-on-warnings'], { cwd: folder })).toMatchObject({
      code: 0,
      stderr: '',
    })
    const text = readFileSync(join(folder, 'plans.json'), 'utf8')
    const id = /"id": {4}"([a-z0-9]{16})"/.exec(text)?.[1]
    const added = `,
        {
            "id":    "${id}",
            "value":    "${CANARY}",
            "name":    "Two",
            "enabled":    false,
            "usagePlanIds":    ["free", "other"]
        }`
    expect(text).toBe(FULL.replace('true\n        }', `true\n        }${added}`))
  })

  it('changes a key it knows in the fields the file says, and keeps its id and the rest', async () => {
    const folder = folderOf({ 'plans.json': FULL, 'keys.csv': csv(`Uno,${OTHER},,false,free`) })
    const done = await keys(['import', 'plans.json', 'keys.csv', '--fail-on-warnings'], { cwd: folder })
    expect(done.stdout).toBe('plans.json: 0 imported, 1 updated, 0 unchanged, 0 skipped\n')
    expect(readFileSync(join(folder, 'plans.json'), 'utf8')).toBe(
      FULL.replace(',\n            "description": "old"', '').replace(
        '"enabled": true',
        '"enabled": false,\n            "name":    "Uno",\n            "usagePlanIds":    ["free"]',
      ),
    )
  })

  it('says which records it skips, and with --fail-on-warnings leaves the file as it is', async () => {
    const folder = folderOf({
      'plans.json': SHORT,
      'keys.csv': csv(`Good,${CANARY},,,pro`, 'Short,abc,,,pro', `No plan,${TYPO},,,`, `Unknown,${OTHER},,,${CANARY}`),
    })
    const args = ['import', 'plans.json', 'keys.csv']
    const failed = await keys([...args, '--fail-on-warnings'], { cwd: folder })
    expect(failed).toMatchObject({ code: 2, stdout: '' })
    expect(failed.stderr.split('\n').slice(0, 4)).toEqual([
      'keys.csv:3: record 2: expected a key of 20 to 128 of A-Z a-z 0-9 - . _ ~ + / =, received 3 characters',
      expect.stringMatching(/^keys\.csv:4: record 3: a catalog in short form .* has no keys without a plan/),
      'keys.csv:5: record 4, plan not added: usage plan not found: number 1 of 1; the catalog has free and pro',
      'plans.json is as it was: mend the records, or say --ignore-warnings to import the others',
    ])
    expect(readFileSync(join(folder, 'plans.json'), 'utf8')).toBe(SHORT)
    const dry = await keys([...args, '--ignore-warnings', '--dry-run'], { cwd: folder })
    expect(dry.stdout).toBe(
      'plans.json: 1 imported, 1 updated, 0 unchanged, 2 skipped, 1 plan not added (dry run: nothing was written)\n',
    )
    expect(readFileSync(join(folder, 'plans.json'), 'utf8')).toBe(SHORT)
    expect(await keys([...args, '--ignore-warnings'], { cwd: folder })).toMatchObject({ code: 0 })
    expect(readFileSync(join(folder, 'plans.json'), 'utf8')).toContain(
      `"value": "${CANARY}", "name": "Good", "plan": "pro" }`,
    )
  })

  it.each([
    ['neither flag', ['plans.json', 'keys.csv'], 'received neither; say one'],
    ['both flags', ['plans.json', 'keys.csv', '--fail-on-warnings', '--ignore-warnings'], 'received both; say one'],
    ['a value for a file', ['plans.json', CANARY, '--fail-on-warnings'], "look like a key's value"],
    ['no such file', ['plans.json', 'nowhere.csv', '--fail-on-warnings'], 'nowhere.csv: expected a file, found none'],
    ['no key file', ['plans.json', 'plans.json', '--fail-on-warnings'], 'plans.json:1: Missing'],
    ['bytes', ['plans.json', 'latin1.csv', '--fail-on-warnings'], 'latin1.csv: expected UTF-8 text'],
    ['a bad catalog', ['bad.json', 'keys.csv', '--fail-on-warnings'], 'bad.json:1:12: plans[0].id: expected'],
    ['stdin for a catalog', ['-', 'keys.csv', '--fail-on-warnings'], 'CATALOG: expected a file'],
    ['too much', ['plans.json', 'keys.csv', 'x', '--fail-on-warnings'], 'and nothing else, received "x"'],
  ])('refuses %s, and leaves the file as it is', async (_, args, message) => {
    const folder = folderOf({
      'plans.json': SHORT,
      'keys.csv': csv(`Good,${CANARY},,,pro`),
      'bad.json': '{"plans":[{"id":""}]}',
    })
    writeFileSync(join(folder, 'latin1.csv'), Buffer.from(csv(`M\xfcller,${CANARY},,,pro`), 'latin1'))
    const refused = await keys(['import', ...args], { cwd: folder })
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    expect(readFileSync(join(folder, 'plans.json'), 'utf8')).toBe(SHORT)
  })

  it('keeps mode, byte order mark and symbolic link, and leaves nothing beside', async () => {
    const folder = folderOf({ 'real.json': `\ufeff${SHORT}`, 'keys.csv': csv(`Good,${CANARY},,,pro`) })
    chmodSync(join(folder, 'real.json'), 0o640)
    symlinkSync('real.json', join(folder, 'plans.json'))
    expect(await keys(['import', 'plans.json', 'keys.csv', '--fail-on-warnings'], { cwd: folder })).toMatchObject({
      code: 0,
    })
    expect(statSync(join(folder, 'real.json')).mode & 0o777).toBe(0o640)
    expect(readFileSync(join(folder, 'real.json'), 'utf8')).toMatch(/^\ufeff\{[\s\S]*Good/)
    expect(readdirSync(folder).sort()).toEqual(['keys.csv', 'plans.json', 'real.json'])
  })

  it('leaves the old file when it is killed between writing and renaming, and the next one works', async () => {
    const folder = folderOf({ 'plans.json': SHORT, 'keys.csv': csv(`Good,${CANARY},,,pro`) })
    const killer =
      "import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';" +
      "fs.renameSync = () => process.kill(process.pid, 'SIGKILL'); syncBuiltinESMExports()"
    const args = ['import', 'plans.json', 'keys.csv', '--fail-on-warnings']
    const node = ['--import', `data:text/javascript,${encodeURIComponent(killer)}`]
    expect(await keys(args, { cwd: folder, node })).toMatchObject({ code: null, signal: 'SIGKILL' })
    expect(readFileSync(join(folder, 'plans.json'), 'utf8')).toBe(SHORT)
    const left = readdirSync(folder).filter(name => name.endsWith('.tmp'))
    expect(left.length).toBe(1)
    expect(await keys(args, { cwd: folder })).toMatchObject({ code: 0 })
  })

  it('takes a hundred thousand keys in seconds, and back again without a change', async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `Load ${i},${keyValueOf('load', randomBytes(64))},,,free`)
    const folder = folderOf({ 'plans.json': SHORT, 'keys.csv': csv(...rows) })
    const start = Date.now()
    expect(await keys(['import', 'plans.json', 'keys.csv', '--fail-on-warnings'], { cwd: folder })).toMatchObject({
      stdout: 'plans.json: 100000 imported, 0 updated, 0 unchanged, 0 skipped\n',
    })
    expect(Date.now() - start).toBeLessThan(20_000)
    const before = readFileSync(join(folder, 'plans.json'))
    const { stdout } = await keys(['export', 'plans.json'], { cwd: folder })
    const again = await keys(['import', 'plans.json', '-', '--fail-on-warnings'], { cwd: folder, input: stdout })
    expect(again.stdout).toBe('plans.json: 0 imported, 0 updated, 100001 unchanged, 0 skipped\n')
    expect(readFileSync(join(folder, 'plans.json')).equals(before)).toBe(true)
  }, 120_000)
})

describe('replaceFile', () => {
  it('replaces nothing that is no longer what was read', () => {
    const folder = folderOf({ file: 'newer' })
    expect(() => replaceFile(join(folder, 'file'), Buffer.from('older'), Buffer.from('mine'))).toThrow(FileChanged)
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('newer')
    expect(readdirSync(folder)).toEqual(['file'])
  })
})

describe('withKeys', () => {
  const key = (plans: readonly string[]): fc.Arbitrary<Omit<ApiKey, 'id' | 'value'>> =>
    fc.record(
      {
        name: fc.string({ unit: 'binary', maxLength: 12 }),
        description: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
        enabled: fc.boolean(),
        usagePlanIds: fc.constantFrom(...plans.map(id => [id])),
        lastUpdatedDate: fc.nat(1e9),
      },
      { requiredKeys: ['enabled', 'usagePlanIds', 'name'] },
    )
  const layouts = fc.record({
    indent: fc.constantFrom(0, 1, 2, '\t'),
    eol: fc.constantFrom('\n', '\r\n'),
    listed: fc.boolean(),
  })

  it.each([true, false])(
    'writes what is read back as the edited catalog, whatever the layout (short form: %s)',
    short => {
      fc.assert(
        fc.property(
          fc.array(key(['free', 'pro']), { maxLength: 4 }),
          fc.array(key(['free', 'pro']), { maxLength: 4 }),
          layouts,
          (there, put, { indent, eol, listed }) => {
            const full = (key: Omit<ApiKey, 'id' | 'value'>, i: number): ApiKey => ({
              ...key,
              id: `k${i}`,
              value: `${i}`.padStart(20, 'v'),
            })
            const list = there
              .map(full)
              .map(({ usagePlanIds, ...key }) => (short ? { ...key, plan: usagePlanIds[0] } : { ...key, usagePlanIds }))
            const plans = [{ id: 'free' }, { id: 'pro' }]
            const keys = list.length > 0 || listed ? list : undefined
            const document = short ? { plans, keys, version: '1' } : { apiKeys: keys, usagePlans: plans }
            const text = JSON.stringify(document, null, indent).replaceAll('\n', eol)
            const loaded = parseCatalog(Buffer.from(text))
            if (!loaded.ok) throw new Error(loaded.problems[0]?.message)
            // In the short form a key keeps the plan it has: an import only adds, and there it cannot.
            const changed = put.map((key, i) =>
              full(short && i < there.length ? { ...key, usagePlanIds: there[i]!.usagePlanIds } : key, i),
            )
            const edited = withKeys(loaded, changed)
            const expected = putApiKeys(loaded.catalog, changed)
            const got = check(JSON.parse(edited))
            if (isFault(expected) || !got.ok) throw new Error('no catalog')
            const byId = (keys: Iterable<ApiKey>) => Object.fromEntries([...keys].map(key => [key.id, { ...key }]))
            expect(byId(got.catalog.apiKeys)).toEqual(byId(expected.apiKeys))
            expect({ ...JSON.parse(edited), keys: 0, apiKeys: 0 }).toEqual({ ...JSON.parse(text), keys: 0, apiKeys: 0 })
            if (put.length === 0) expect(edited).toBe(text)
          },
        ),
        { numRuns: 500 },
      )
    },
  )
})

describe('keys check', () => {
  it('shows all that a person should see, and no value', async () => {
    const folder = folderOf({
      'plans.json': FULL,
      'keys.csv': csv(
        `Fine,${CANARY},,,free`,
        `Again,${CANARY},,,free`,
        `Typo,${TYPO},,,free`,
        '=SUM(A1),aaaaaaaaaaaaaaaaaaaaaaaa,,,',
        `Holds ${OTHER},${OTHER},,false,gold`,
        'Short,abc,,,free',
      ),
    })
    const alone = await keys(['check', 'keys.csv', '--json'], { cwd: folder })
    holdsNoValue(alone.stdout)
    expect(alone.code).toBe(2)
    const report = JSON.parse(alone.stdout)
    expect(report).toMatchObject({ ok: false, records: 6, keys: 4, disabled: 1, known: null })
    expect(
      report.findings.map(({ severity, code, line }: Record<string, unknown>) => `${line} ${severity} ${code}`),
    ).toEqual([
      '3 note repeated',
      '4 note checksum',
      '5 note no-plan',
      '5 note guessable',
      '5 note formula',
      '6 note value-in-words',
      '7 error skipped',
    ])
    const beside = await keys(['check', 'keys.csv', '--catalog', 'plans.json'], { cwd: folder })
    holdsNoValue(beside.stdout)
    expect(beside.stdout).toContain(
      'keys.csv:6: error: record 5: expected a usage plan, received "gold"; the catalog has free and other\n',
    )
    expect(beside.stdout).toContain('6 records, 4 keys, 1 disabled, 1 in the catalog already, 2 errors, 6 notes\n')
  })

  it('is content with notes, unless it is strict, and reads stdin', async () => {
    const input = csv(`Fine,${CANARY},,,`)
    expect(await keys(['check', '-'], { input })).toMatchObject({ code: 0, stderr: '' })
    expect(await keys(['check', '-', '--strict'], { input })).toMatchObject({ code: 2, stderr: '' })
    expect(await keys(['check', '-'], { input: `Name,${CANARY}\n` })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^stdin:1: Missing required column 'key'; begin the file with a line Name,Key/),
    })
  })

  it('says that no plan was looked for without a catalog', async () => {
    const input = csv(`Fine,${CANARY},,,nowhere`)
    expect((await keys(['check', '-'], { input })).stdout).toBe(
      'stdin: 1 record, 1 key, 0 errors, 0 notes; plans are checked with --catalog CATALOG only\n',
    )
  })
})

describe('a fault in a key file', () => {
  const commands = (keyFile: string): Record<string, string[]> => ({
    import: ['keys', 'import', 'plans.json', keyFile, '--fail-on-warnings'],
    check: ['keys', 'check', keyFile, '--catalog', 'plans.json'],
    serve: ['serve', '--catalog', 'plans.json', '--keys', keyFile, '--upstream', 'demo', '--store', 'memory'],
    replay: ['replay', '--catalog', 'plans.json', '--keys', keyFile, 'plans.json'],
    'tollgate check': ['check', 'plans.json', '--keys', keyFile],
  })

  it.each([
    [
      'short',
      csv('Short,abc,,,free'),
      /keys\.csv:2:.* record 1: expected a key of 20 to 128 of .* received 3 characters/,
    ],
    [
      'a plan almost',
      csv(`Fine,${CANARY},,,fre`),
      /:2:.* expected a usage plan, received "fre"; did you mean "free"\?/,
    ],
    [
      'a plan at all',
      csv(`Fine,${CANARY},,,x9`),
      /:2:.* expected a usage plan, received "x9"; the catalog has free and pro/,
    ],
    ['a key as plan', csv(`Fine,${CANARY},,,${TYPO}`), /:2:.* not found: number 1 of 1; the catalog has free and pro/],
    ['no header', `Fine,${CANARY}\n`, /:1.* Missing required column 'name'.* begin the file with a line Name,Key/],
    ['nothing', '', /:1.* The file is empty: expected columns Name and Key.* begin the file with/],
  ])('has the same words in every command: %s', async (_, text, words) => {
    const folder = folderOf({ 'plans.json': SHORT, 'keys.csv': text })
    for (const args of Object.values(commands('keys.csv'))) {
      const { code, stdout, stderr } = await command(args, { cwd: folder })
      expect([args[0], code]).toEqual([args[0], 2])
      holdsNoValue(stdout + stderr)
      // A report is wrapped.
      expect((stdout + stderr).replace(/\s+/g, ' ')).toMatch(words)
    }
  })
})

describe('keys export', () => {
  it('puts an apostrophe before a formula, or with --raw nothing', async () => {
    const folder = folderOf({ 'plans.json': SHORT.replace('One', '=1+1') })
    const safe = await keys(['export', 'plans.json'], { cwd: folder })
    expect(safe.stdout).toContain(`\r\n"'=1+1",${OTHER},,true,free\r\n`)
    expect(safe.stderr).toContain('--raw leaves it out')
    const raw = await keys(['export', 'plans.json', '--raw'], { cwd: folder })
    expect(raw).toMatchObject({ stdout: expect.stringContaining(`\r\n=1+1,${OTHER},,true,free\r\n`), stderr: '' })
    const again = await keys(['import', 'plans.json', '-', '--fail-on-warnings'], { cwd: folder, input: raw.stdout })
    expect(again.stdout).toBe('plans.json: 0 imported, 0 updated, 1 unchanged, 0 skipped\n')
  })
})

describe('keys', () => {
  it.each([[[]], [['genrate']], [[CANARY]], [['export']], [['export', CANARY]], [['check', 'no', 'more']]])(
    'refuses %j',
    async args => {
      expect(await keys(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('expected') })
    },
  )

  it('teaches by example', async () => {
    const { stdout, code } = await keys(['--help'])
    expect(code).toBe(0)
    for (const verb of ['generate', 'import', 'check', 'export'])
      expect(stdout).toMatch(new RegExp(`Examples[^]*tollgate keys ${verb}`))
  })
})
