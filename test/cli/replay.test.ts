// `tollgate replay` as it is run: files in, a verdict and an exit code out.

import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { combinedLine, documentFor, jsonLine, sampleFiles, worldOf } from '../replay/traffic.ts'
import { bundled, type Command, newFolder, type Run } from './command.ts'

const LIMITS = { rate: 1, burst: 10, quota: 200 }
const world = worldOf(LIMITS)
const folder = newFolder()
const file = (name: string): string => join(folder, name)
let tollgate: Command
const replay = (...args: string[]): Promise<Run> =>
  tollgate(['replay', '--catalog', file('proposed.json'), ...args], { cwd: folder })

beforeAll(async () => {
  tollgate = await bundled()
  const write = (name: string, data: string | Buffer): void => writeFileSync(file(name), data)
  const log = `${world.requests.map(made => combinedLine(made)).join('\n')}\n`
  write('proposed.json', JSON.stringify(documentFor(LIMITS, world.customers, 'proposed')))
  write('current.json', JSON.stringify(documentFor({ rate: 2, burst: 20, quota: 250 }, world.customers, 'current')))
  write('access.log', log)
  write('access.ndjson', world.requests.map(jsonLine).join('\n'))
  write('access.log.1.gz', Buffer.concat([gzipSync(log.slice(0, 9000)), gzipSync(log.slice(9000))]))
  write('cut.gz', gzipSync(log).subarray(0, 5000))
  write('database.log', 'SQLite format 3\0and more')
  write('binary.log', 'one\ntwo\0three')
  write('other.log', 'what is this\n')
  write('bad.log', `${log}nonsense\x1b[31m\n${log.split('\n')[0]}\nmore nonsense\n`)
  write('empty.log', '')
  write(
    'strangers.log',
    `${log
      .split('\n', 2)
      .join('\n')
      .replaceAll(/ (acorn|birch|cedar|dogwood) \[/g, ' nobody [')}\n`,
  )
}, 30_000)

describe('tollgate replay', () => {
  it('teaches', async () => {
    const { stdout, code } = await tollgate(['replay', '--help'])
    expect(stdout).toContain('tollgate replay: what would this catalog have done to last month?')
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(125)
  })

  it('says the same of a log plain, packed, and from stdin', async () => {
    const { stdout, code, stderr } = await replay('access.log')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/1,827 requests, 2026-11-02 00:00:00 to 2026-11-04 23:54:27 UTC/)
    expect(stdout).toMatch(/throttled +303 +16\.6 %/)
    expect(stdout).toMatch(
      /Birch & Sons +free +72 \(37\.5 %\) +2026-11-02 00:05:00 by the plan's throttle; the burst:\s+11/,
    )
    expect((await replay('access.log.1.gz')).stdout).toBe(stdout)
    const piped = await tollgate(['replay', '--catalog', file('proposed.json'), '-'], {
      input: `${world.requests.map(made => combinedLine(made)).join('\n')}\n`,
    })
    expect(piped.stdout.split('\n').slice(1)).toEqual(stdout.split('\n').slice(1))
  })

  it('is data for programs', async () => {
    const { stdout } = await replay('--against', 'current.json', '--json', 'access.ndjson')
    const verdict = JSON.parse(stdout)
    expect(verdict.trial.proposed).toMatchObject({
      admitted: 1224,
      throttled: 303,
      quotaExceeded: 180,
      newlyRefused: 292,
    })
    expect(verdict.log.files).toEqual([{ name: 'access.ndjson', format: 'ndjson', lines: 1827 }])
    expect(Number.isSafeInteger(verdict.log.elapsed)).toBe(true)
    const csv = (await replay('--csv', 'access.ndjson')).stdout.split('\n')
    expect(csv[0]).toMatch(/^planId,keyId,name,/)
    // No formula, whatever a customer is called.
    expect(csv.find(row => row.startsWith('free,dogwood'))).toContain(`"'=HYPERLINK(""x"")"`)
    expect(stdout + csv).not.toContain('value-of-the-key')
  })

  it('fails a build that asks for it, with a code of its own', async () => {
    const fails = async (...conditions: string[]): Promise<[number | null, string]> => {
      const { code, stderr } = await replay(
        ...conditions.flatMap(text => ['--fail-on', text]),
        '--against',
        'current.json',
        'access.log',
      )
      return [code, stderr]
    }
    expect(await fails('throttled>0.1%')).toEqual([3, 'throttled>0.1%: it is 16.6 % (303)\n'])
    expect(await fails('throttled>17%', 'keys-newly-refused>3', 'unreadable>0')).toEqual([0, ''])
    expect(await fails('refused > 482', 'keys-refused>2')).toEqual([
      3,
      'refused > 482: it is 483\nkeys-refused>2: it is 3\n',
    ])
    expect((await replay('--fail-on', 'newly-refused>0', 'access.log')).code).toBe(2)
    expect((await fails('throtled>0'))[1]).toContain(
      "--fail-on: expected a measure and the most that may be, like 'throttled>0.1%'",
    )
  })

  it('does not call a proposal good that was not tried', async () => {
    const words = async (name: string, condition: string): Promise<[number | null, string]> => {
      const { code, stderr, stdout } = await replay('--fail-on', condition, '--format', 'combined', name)
      expect(stdout).toContain('proposed.json: ')
      return [code, stderr]
    }
    const idle = '--fail-on: expected a request that a plan is asked about, received none: '
    expect(await words('empty.log', 'throttled>0')).toEqual([
      2,
      `${idle}the log is empty; nothing was tried, see the report\n`,
    ])
    expect(await words('other.log', 'throttled>0')).toEqual([
      2,
      expect.stringContaining(`${idle}none of 1 line could be read`),
    ])
    expect(await words('strangers.log', 'refused>0')).toEqual([
      2,
      expect.stringContaining(`${idle}all 2 were not covered`),
    ])
    expect(await words('other.log', 'unreadable>0')).toEqual([3, 'unreadable>0: it is 1\n'])
    expect((await replay('empty.log')).code).toBe(0)
  })

  it('counts one as one', async () => {
    const run = await tollgate(['replay', '--catalog', file('proposed.json'), '-'], {
      input: combinedLine(world.requests[0]!),
    })
    expect(run.stdout).toMatch(/proposed\.json: 1 request, .*\n1 line\n/)
  })

  it('shows what could not be read once per kind, and goes on', async () => {
    const { stdout, code } = await replay('bad.log')
    expect(code).toBe(0)
    expect(stdout).toContain('1,830 lines, 2 of them unreadable')
    expect(stdout).toContain('2 × expected a time like [24/Nov/2026:08:36:10 +0000]')
    expect(stdout).toContain('bad.log:1828: nonsense\\u001b[31m')
    expect(stdout).toContain('1 line came more than 1 min late, judged where they stood')
  })

  it('reads what is there of a file that was cut off, and says so', async () => {
    const { stdout, code } = await replay('cut.gz')
    expect(code).toBe(0)
    const [, read] = /cut\.gz: ends in the middle \(unexpected end of file\), after ([\d,]+) lines/.exec(stdout) ?? []
    expect(Number(read?.replace(',', ''))).toBeGreaterThan(800)
    expect((await replay('empty.log')).stdout).toMatch(/: 0 requests\n0 lines/)
  })

  it.each([
    ['database.log', 'database.log:1: expected a log, lines of text, received an SQLite database'],
    ['binary.log', 'binary.log:2: expected a log, lines of text, received binary data'],
    ['other.log', 'other.log:1: looks like none of the formats tollgate, apigateway, combined'],
    ['nowhere.log', 'nowhere.log: expected a file, found none there; check the path'],
  ])('refuses %s with a word of what it is', async (name, words) => {
    const { stderr, code, stdout } = await replay('access.log', name)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(words)
  })

  it('names the remedy for what was asked wrongly', async () => {
    const words = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await replay(...args)
      expect(code).toBe(2)
      return stderr
    }
    expect(await words()).toContain('expected a log, received nothing')
    expect(await words('--format', 'clf', 'access.log')).toContain('--format: expected one of tollgate, apigateway')
    expect(await words('--map', 'who=user', 'access.log')).toContain('--map: expected key=FIELD, time=FIELD')
    expect(await words('--format', 'alb', '--map', 'key=user', 'access.log')).toContain(
      'expected client, agent, trace, domain, or',
    )
    expect(await words('--state', 'proposed.json', 'access.log')).toContain(
      "--state: expected a file of a store's snapshot()",
    )
  })

  it('shows the report so far when it is interrupted', async () => {
    const child = spawn(process.execPath, [tollgate.file, 'replay', '--catalog', file('proposed.json'), '-'], {
      stdio: 'pipe',
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
    const ended = new Promise<number | null>(resolve => child.once('close', resolve))
    // Hours apart, so that none waits for another.
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      combinedLine({ time: i * 3_600_000, key: 'acorn', method: 'GET', path: '/v1/pets' }),
    )
    // Once all of it is in the pipe, most of it was read.
    await new Promise(resolve => child.stdin.write(`${lines.join('\n')}\n`, resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(stdout).toMatch(/: [12]\d,\d{3} requests/)
    expect(stdout).toContain('Interrupted: this is the log up to the last time shown')
  })
})

describe('a log with keys in it', () => {
  const [customer] = world.customers
  const value = `${customer!.id}-value-of-the-key-0000`
  const at = (path: string): string => `1.2.3.4 - - [24/Nov/2026:10:00:00 +0000] "${path}" 200 12`
  const lines = [
    at(`GET /secret/${value} HTTP/1.1`),
    `nonsense ${value}`,
    `{"time":"yesterday","keyId":"${value}"}`,
    at(`GET /a?${'x'.repeat(115)}&key=${value} HTTP`).replace('200', 'nonsense'),
  ]

  it.each([
    ['replay', []],
    ['replay', ['--json']],
    ['replay', ['--html', 'of-keys.html']],
    ['fit', []],
    ['fit', ['--json']],
  ])('%s %j shows none of them', async (verb, args) => {
    writeFileSync(file('keys.log'), lines.join('\n'))
    const { stdout, stderr } = await tollgate([verb, '--catalog', file('proposed.json'), ...args, file('keys.log')], {
      cwd: folder,
    })
    const page = args.includes('--html') ? readFileSync(file('of-keys.html'), 'utf8') : ''
    const all = stdout + stderr + page
    expect(all).not.toContain(value.slice(0, 12))
    expect(all).toContain(`key:${customer!.id}`)
  })
})

describe('tollgate fit', () => {
  it('proposes limits per plan or per key, draws what they are traded for, and is data', async () => {
    const run = (...args: string[]): Promise<Run> =>
      tollgate(['fit', '--catalog', file('proposed.json'), ...args, file('access.ndjson')])
    const { stdout, code } = await run('--html', file('fit.html'))
    expect(code).toBe(0)
    expect(stdout).toContain('plan free (Free): 1,707 requests of 4 keys\n  4.75/s, burst 16, quota 299 a DAY')
    expect(stdout).toMatch(/^ {2}▸ +4\.75 +16 {2}█+/m)
    expect(readFileSync(file('fit.html'), 'utf8')).toContain('data-measure="burstLimit" data-value="16"')
    const { fits } = JSON.parse((await run('--by', 'key', '--refused', '0', '--json')).stdout)
    const cedar = fits.find(({ group }: { group: string }) => group === 'cedar')
    expect(cedar).toMatchObject({ throttle: { rateLimit: 5, burstLimit: 1 }, quota: { limit: 300, period: 'DAY' } })
    expect((await run('--refused', '100%')).stderr).toContain('--refused: expected a share like 0.1%')
    expect((await run('--rate', '1', '--burst', '2')).stderr).toContain('expected --rate or --burst, received both')
  })
})

describe('what cannot be replayed', () => {
  const judged = (decision: string): string =>
    `${JSON.stringify({ time: '2026-11-02T00:00:00.000Z', method: 'GET', path: '/', status: 413, decision })}\n`

  it('is no unreadable line where the gateway did not judge it', async () => {
    writeFileSync(file('own.ndjson'), judged('not-judged') + world.requests.slice(0, 5).map(jsonLine).join('\n'))
    const { stdout, stderr, code } = await replay('--fail-on', 'unreadable>0', 'own.ndjson')
    expect([stderr, code]).toEqual(['', 0])
    expect(stdout).toContain('1 line is of a request that the gateway refused before it judged anything')
    expect(stdout).not.toContain('unreadable')
  })

  it.each(['replay', 'fit'])('by %s is what is for a stage that there is not', async verb => {
    const { stderr, code } = await tollgate([verb, '--catalog', 'proposed.json', '--stage', 'nope/x', 'access.log'], {
      cwd: folder,
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/--stage: expected a stage of the catalog, received "nope\/x"; it has \w+\/\w+/)
  })

  it('is nothing that fits', async () => {
    const { stdout, code } = await tollgate(['fit', '--catalog', 'proposed.json', 'empty.log'], { cwd: folder })
    expect([stdout.includes('nothing to fit'), code]).toEqual([true, 2])
  })
})

describe('the sample', () => {
  const examples = join(import.meta.dirname, '../../examples/replay')

  it('is what the generator makes', () => {
    for (const [name, text] of Object.entries(sampleFiles())) {
      const shipped =
        name === 'access.log'
          ? gunzipSync(readFileSync(join(examples, `${name}.gz`)))
          : readFileSync(join(examples, name))
      expect(shipped.toString()).toBe(text)
    }
  })

  it('gives what docs/replay.md shows', async () => {
    const docs = readFileSync(join(examples, '../../docs/replay.md'), 'utf8')
    for (const [, line = '', shown = ''] of docs.matchAll(/^npx tollgate ([^\n]*)\n```\n\n```\n(.*?)\n```$/gms)) {
      const { stdout } = await tollgate(line.replace('report.html', file('sample.html')).split(' '), { cwd: examples })
      expect(stdout.trimEnd()).toBe(shown)
    }
    expect(docs.match(/^npx tollgate .*\n```\n\n```\n/gm)).toHaveLength(2)
  })
})
