// What a verb of `tollgate admin` is, and how one is run: arguments in, an operation or a few, what came of it out. Floor 5.

import { shown } from '../keys/arguments.ts'
import { argumentsOf, type Options } from '../options.ts'
import { type Progress, progress } from '../progress.ts'
import { paintFor, UsageError } from '../terminal.ts'
import { type Client, client } from './client.ts'
import { CONNECTION, connectionOf } from './connection.ts'
import { type Form, type Shown, show } from './show.ts'

/** A verb as it stands in the table. */
export interface AdminVerb {
  /** `keys show KEY [--value]` */
  readonly usage: string
  readonly help: string
  readonly run: (args: string[]) => Promise<void>
}

interface Definition<O extends Options> {
  readonly usage: string
  readonly help: string
  /** What stands there without an option, by name: all of it must, but for names in brackets. */
  readonly takes: readonly string[]
  readonly options: O
  /** Whether it changes anything: then it has `--if-match`. */
  readonly changes: boolean
  /** Whether it gives a list: then it has `--csv` and `--limit`. */
  readonly lists: boolean
  readonly run: (asked: Asked<O>) => Promise<Shown>
}

export interface Asked<O extends Options> {
  readonly client: Client
  readonly waiting: Progress
  /** What `takes` names, in its order. */
  readonly named: readonly string[]
  readonly values: ReturnType<typeof argumentsOf<O>>['values']
  /** How many things at most. */
  readonly limit: number | undefined
}

export function verb<const O extends Options>(definition: Definition<O>): AdminVerb {
  const { usage, help, takes, options, changes, lists } = definition
  const all = {
    ...CONNECTION,
    json: { type: 'boolean', default: false },
    ...(lists ? ({ csv: { type: 'boolean', default: false }, limit: { type: 'string' } } as const) : {}),
    ...(changes ? ({ 'if-match': { type: 'string' } } as const) : {}),
    ...options,
  } as const
  const name = `admin ${wordsOf(usage)}`
  return {
    usage,
    help,
    async run(args) {
      const { values, positionals } = argumentsOf(name, args, all as Options)
      const given = values as Readonly<Record<string, string | boolean | undefined>>
      const text = (name: string): string | undefined => given[name] as string | undefined
      const named = namesOf(usage, takes, positionals)
      const limit = limitOf(text('limit'))
      if (given['csv'] === true && given['json'] === true)
        throw new UsageError('--csv: expected no --json beside it; say one')
      const form: Form = given['json'] ? 'json' : given['csv'] ? 'csv' : process.stdout.isTTY ? 'table' : 'plain'
      const connection = connectionOf({ url: text('url'), 'token-file': text('token-file') })
      const waiting = progress()
      const asked = takes[0] === 'OPERATION' ? undefined : wordsOf(usage)
      const asking = client({ asked, ...connection, ifMatch: text('if-match'), waiting })
      const came = await definition
        .run({ client: asking, waiting, named, values: values as Asked<O>['values'], limit })
        .finally(() => waiting.end())
      await show(came, form)
      const paint = paintFor(process.stderr)
      for (const note of came.notes ?? []) process.stderr.write(`${paint('yellow', `note: ${note}`)}\n`)
      if (asking.changedTo !== undefined) process.stderr.write(`${paint('dim', `catalog ${asking.changedTo}`)}\n`)
      if (came.failed === undefined) return
      process.stderr.write(`${paint('red', came.failed)}\n`)
      process.exitCode = 1
    },
  }
}

/** Of a usage the words that are typed as they stand: `keys list`. */
function wordsOf(usage: string): string {
  return /^[a-z]+(?: [a-z]+)?/.exec(usage)?.[0] ?? usage
}

function namesOf(usage: string, takes: readonly string[], positionals: readonly string[]): string[] {
  takes.forEach((name, i) => {
    if (positionals[i] !== undefined || name.startsWith('[')) return
    throw new UsageError(`${name}: expected one, received nothing; tollgate admin ${usage}`)
  })
  const extra = positionals[takes.length]
  if (extra === undefined) return [...positionals]
  const what = takes.length === 0 ? 'no more' : `${takes.join(' ')} and no more`
  throw new UsageError(`expected ${what}, received ${shown(extra)}, too; tollgate admin ${usage}`)
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`--limit: expected a whole number from 1, received ${shown(text)}`)
}
