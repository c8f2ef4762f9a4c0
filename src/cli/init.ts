// `tollgate init`: from an empty folder to a gateway with keys. Floor 5: three questions, or their answers as flags.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline/promises'
import { check } from '../core/check.ts'
import type { ShortDocument, ShortPlan } from '../core/document.ts'
import { writeKeyFile } from '../core/key-file.ts'
import type { ApiKey } from '../core/plan.ts'
import { filesOf, shown } from './keys/arguments.ts'
import { newValue } from './keys/generate.ts'
import { argumentsOf, httpUrl } from './options.ts'
import { paintFor, UsageError } from './terminal.ts'

export const INIT_HELP = `tollgate init: a catalog, keys and the command to run, in an empty folder

  tollgate init [DIR] [--upstream URL] [--require-key PATHS] [--plans free,pro] [--yes] [--force]

Asks three questions, or as many as flags do not answer, and writes catalog.json, keys.csv and a README.md.

  --upstream URL         where your service is (http://127.0.0.1:3000), or demo for a pet shop that comes along
  --require-key PATHS    everything, or what needs a key, with commas between: "GET /reports,/admin/{rest+}"
                         without a verb it is every verb; /admin is that path alone, /admin/{rest+} all below it
  --plans PLANS          free, or free,pro
  --yes                  no questions: what no flag says is the default
  --force                replace files of these names

Examples
  tollgate init
  tollgate init gateway --yes
  tollgate init gateway --upstream http://127.0.0.1:3000 --require-key "GET /reports,/admin/{rest+}" --plans free,pro
`

/** What is asked. */
interface Answers {
  readonly upstream: string
  /** Null is everything. */
  readonly requireKey: readonly string[] | null
  readonly plans: readonly ShortPlan[]
}

type Texts = { readonly [Name in keyof Answers]: string }

/** What Enter says, and --yes. */
const DEFAULTS: Texts = { upstream: 'http://127.0.0.1:3000', requireKey: 'everything', plans: 'free' }

const PLANS: readonly ShortPlan[] = [
  { id: 'free', throttle: { rateLimit: 5, burstLimit: 10 }, quota: { limit: 10_000, period: 'MONTH' } },
  { id: 'pro', throttle: { rateLimit: 50, burstLimit: 100 }, quota: { limit: 1_000_000, period: 'MONTH' } },
]

const FILES = ['catalog.json', 'keys.csv', 'README.md'] as const

/** What an answer says. @throws {UsageError} that names what it was expected to be; `name` is the flag's, or nothing */
const READERS: { readonly [Name in keyof Answers]: (text: string, flag: string) => Answers[Name] } = {
  upstream: (text, flag) => (text === 'demo' ? text : httpUrl(flag, text)),
  requireKey: requireKeyOf,
  plans: plansOf,
}

const FLAGS: Texts = { upstream: '--upstream', requireKey: '--require-key', plans: '--plans' }

const QUESTIONS: Texts = {
  upstream: 'Where is your service? A URL, or demo for a pet shop that comes along',
  requireKey: 'What needs a key? everything, or paths as GET /reports,/admin/{rest+}',
  plans: 'Which plans? free, or free,pro',
}

export async function init(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('init', args, {
    upstream: { type: 'string' },
    'require-key': { type: 'string' },
    plans: { type: 'string' },
    yes: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
  })
  const folder = positionals[0] ?? '.'
  filesOf('init', ['DIR'], [folder, ...positionals.slice(1)])
  const there = FILES.filter(file => existsSync(join(folder, file)))
  if (there.length > 0 && !values.force) {
    throw new UsageError(
      `${folder}: expected a folder without ${listOf(FILES)}, found ${listOf(there)}; ` +
        'name another (tollgate init gateway), or replace them with --force',
    )
  }
  const given = { upstream: values.upstream, requireKey: values['require-key'], plans: values.plans }
  const answers = await answersOf(given, values.yes)
  if (answers === null) {
    process.stderr.write('\nnothing was written\n')
    process.exitCode = 130
    return
  }
  write(folder, answers, values.force)
}

// The answers.

/** From flags, from defaults, or from a person; null when that one goes away. */
async function answersOf(
  given: { readonly [Name in keyof Answers]: string | undefined },
  takeDefaults: boolean,
): Promise<Answers | null> {
  const names = Object.keys(READERS) as (keyof Answers)[]
  const read: Partial<Record<keyof Answers, unknown>> = {}
  for (const name of names) {
    const text = given[name] ?? (takeDefaults ? DEFAULTS[name] : undefined)
    if (text !== undefined) read[name] = READERS[name](text, FLAGS[name])
  }
  const open = names.filter(name => read[name] === undefined)
  if (open.length > 0 && !process.stdin.isTTY) {
    const flags = open.map(name => `${FLAGS[name]} ${name === 'upstream' ? 'URL' : quoted(DEFAULTS[name])}`)
    throw new UsageError(
      `expected answers, and there is no terminal to ask in; say ${flags.join(' ')}, or --yes for the defaults`,
    )
  }
  if (open.length > 0) {
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    try {
      for (const name of open) {
        const answer = await ask(lines, name)
        if (answer === null) return null
        read[name] = answer.value
      }
    } finally {
      lines.close()
    }
  }
  return read as unknown as Answers
}

/** Asks until the answer can be read. @returns null when there is nobody to answer */
async function ask(lines: Interface, name: keyof Answers): Promise<{ readonly value: unknown } | null> {
  const paint = paintFor(process.stderr)
  for (;;) {
    const gone = new Promise<null>(resolve => lines.once('close', () => resolve(null)))
    const question = lines.question(`${paint('bold', QUESTIONS[name])} ${paint('dim', `[${DEFAULTS[name]}]`)}\n> `)
    const answer = await Promise.race([question.catch(() => null), gone])
    if (answer === null) return null
    try {
      return { value: READERS[name](answer.trim() || DEFAULTS[name], 'the answer') }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      process.stderr.write(`${paint('red', error.message)}\n`)
    }
  }
}

function requireKeyOf(text: string, flag: string): readonly string[] | null {
  if (/^(everything|all|\*)$/i.test(text.trim())) return null
  const names = text
    .split(',')
    .map(name => name.trim().replace(/^([A-Za-z]+) +\//, (_, verb: string) => `${verb.toUpperCase()} /`))
    .filter(name => name !== '')
  if (names.length === 0) throw new UsageError(`${flag}: expected everything, or paths as GET /reports, received none`)
  // Servers' routers have wildcards and parameters that a template would take for text, and leave open what they mean.
  const foreign = names.find(name => /\*|\/:/.test(name))
  if (foreign !== undefined) {
    throw new UsageError(
      `${flag}: expected paths as GET /orders/{id}, received ${shown(foreign)}; write {id} for one segment, {rest+} for all below`,
    )
  }
  const checked = check({ plans: [], requireKey: names })
  if (checked.ok) return names
  const { expected, received, remedy } = checked.issues[0]!
  throw new UsageError(`${flag}: expected ${expected}, received ${received}; ${remedy}`)
}

function plansOf(text: string, flag: string): readonly ShortPlan[] {
  const ids = new Set(text.split(/[,+\s]+/).filter(Boolean))
  const plans = PLANS.filter(({ id }) => ids.delete(id))
  if (plans.length > 0 && ids.size === 0) return plans
  throw new UsageError(
    `${flag}: expected free or free,pro, received ${shown(text)}; others are for you to write into the catalog`,
  )
}

// The files.

function write(folder: string, { upstream, requireKey, plans }: Answers, force: boolean): void {
  const document = {
    ...schemaOf(folder),
    ...(requireKey === null ? {} : { requireKey }),
    plans,
  } as ShortDocument
  const keys = plans.map(({ id }): ApiKey => {
    return { id, value: newValue('key'), name: `First ${id} customer`, enabled: true, usagePlanIds: [id] }
  })
  const serve = `npx tollgate serve --catalog catalog.json --keys keys.csv --upstream ${quoted(upstream)}`
  const curl = `curl -i -H "x-api-key: $(sed -n 2p keys.csv | cut -d, -f2)" ${exampleOf(requireKey)}`
  const readme = [
    '# The gateway',
    '',
    `Run it: \`${serve}\``,
    `Try it: \`${curl}\``,
    'catalog.json says what needs a key and what the plans allow; `npx tollgate check catalog.json --keys keys.csv` explains it.',
    'keys.csv holds the keys, which are secrets: keep it out of version control. More: `npx tollgate keys generate --csv`.',
    '',
  ].join('\n')
  try {
    mkdirSync(folder, { recursive: true })
    const flag = force ? 'w' : 'wx'
    writeFileSync(join(folder, 'catalog.json'), catalogText(document), { flag })
    writeFileSync(join(folder, 'keys.csv'), [...writeKeyFile(keys, { raw: true })].join(''), { flag, mode: 0o600 })
    writeFileSync(join(folder, 'README.md'), readme, { flag })
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === undefined || !['EEXIST', 'ENOTDIR', 'EACCES', 'EROFS', 'EPERM'].includes(code)) throw error
    throw new UsageError(`${path ?? folder}: expected to make a new file, and could not (${code}); name another folder`)
  }
  const paint = paintFor(process.stdout)
  const open = requireKey === null ? 'everything needs a key' : `${requireKey.join(', ')} need a key, all else is open`
  const enter = folder === '.' ? '' : `cd ${quoted(folder)}\n`
  process.stderr.write(`wrote ${listOf(FILES)}${folder === '.' ? '' : ` in ${folder}`}: ${open}\n`)
  for (const note of gapsOf(requireKey ?? [])) process.stderr.write(`${paintFor(process.stderr)('yellow', note)}\n`)
  if (!('$schema' in document)) {
    process.stderr.write(
      'for completion in your editor: npm install --save-dev tollgate, and ' +
        '"$schema": "./node_modules/tollgate/schema.json" in catalog.json\n',
    )
  }
  process.stdout.write(
    `${paint('dim', '# run it')}\n${enter}${serve}\n${paint('dim', '# and in another terminal')}\n${enter}${curl}\n`,
  )
}

/** Where the package is installed editors find its schema; npx leaves none to point at. */
function schemaOf(folder: string): { readonly $schema?: string } {
  const path = './node_modules/tollgate/schema.json'
  return existsSync(join(folder, path)) ? { $schema: path } : {}
}

/** JSON as people write it: objects of a list on a line each. */
function catalogText(document: object): string {
  const members = Object.entries(document).map(([name, value]) => {
    const isList = Array.isArray(value) && typeof value[0] === 'object'
    const text = isList ? `[\n${value.map(item => `    ${oneLine(item)}`).join(',\n')}\n  ]` : oneLine(value)
    return `  ${JSON.stringify(name)}: ${text}`
  })
  return `{\n${members.join(',\n')}\n}\n`
}

function oneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  const members = Object.entries(value).map(([name, value]) => `${JSON.stringify(name)}: ${oneLine(value)}`)
  return `{ ${members.join(', ')} }`
}

/** What is open and may not be meant to be: a path is itself alone, and what is below it is not the path itself. */
function gapsOf(requireKey: readonly string[]): string[] {
  const names = new Set(requireKey)
  return requireKey.flatMap(name => {
    const [, base, below] = /^(.*?)(\/\{[^/}]+\+\})?$/.exec(name) as unknown as [string, string, string | undefined]
    if (below !== undefined)
      return names.has(base) || !base.includes('/')
        ? []
        : `${base} itself is open: add it to requireKey if it is not meant to be`
    const hasBelow = requireKey.some(other => other.startsWith(`${name}/{`) && other.endsWith('+}'))
    return hasBelow || name.endsWith('/')
      ? []
      : `${name} is that path alone: what is below it is open, unless ${name}/{rest+} is in requireKey too`
  })
}

/** A request that needs a key, for curl. */
function exampleOf(requireKey: readonly string[] | null): string {
  const name = requireKey?.find(name => /^(GET |ANY )?\//.test(name)) ?? requireKey?.[0] ?? '/'
  const verb = name.slice(0, name.indexOf('/')).trim()
  const path = name.slice(name.indexOf('/')).replace(/\{[^}]*\}/g, '1')
  return `${/^(GET|ANY)?$/.test(verb) ? '' : `-X ${verb} `}${quoted(`http://127.0.0.1:8080${path}`)}`
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
