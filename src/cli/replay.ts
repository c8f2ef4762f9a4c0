// `tollgate replay`: what a catalog would have done to the requests of a log. Floor 5.

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { Catalog } from '../core/catalog.ts'
import { callersOf } from '../replay/callers.ts'
import { FORMATS, type Format, faultOfKey } from '../replay/formats.ts'
import { type Mapping, MEANINGS, type Meaning } from '../replay/reading.ts'
import { Trial } from '../replay/trial.ts'
import { toStdout } from './keys/to-stdout.ts'
import { loadSources } from './load.ts'
import { argumentsOf, duration, wholeNumber } from './options.ts'
import { csvOf } from './replay/csv.ts'
import { FAILED, failOn, nothingJudged } from './replay/fail-on.ts'
import { readLogs } from './replay/log-files.ts'
import { pageOf } from './replay/page.ts'
import { catalogAt, snapshotAt } from './replay/snapshot.ts'
import { verdictText } from './replay/text.ts'
import { type Verdict, verdictOf } from './replay/verdict.ts'
import { paintFor, UsageError } from './terminal.ts'

export const LOG_HELP = `What a log is
  LOG …               files in any order, plain, gzip, or zstd where Node can; - is stdin. Lines are put in order
  --format F          tollgate, apigateway, combined (and common), vhost, alb, cloudfront, ndjson;
                      default: by the first lines
  --map key=FIELD     where the key is: its id, its value, or the SHA-256 of its value in hexadecimal.
                      combined: user (default), client, ident, referer, agent, or the number of a field from 7 on;
                      alb: client, agent, trace, domain; cloudfront: a column; JSON: a field, a.b within a;
                      all: query.NAME, a parameter of the query. JSON also: time=, method=, path=, host=, cost=,
                      status=, apiId=, stage=
  --host NAME         the host of lines that name none
  --stage API/STAGE   what all lines are for; host and base path are not looked at then
  --window T          how late a line may come and still be put in its place (default 60s)
  --spread            set the lines of a whole second apart evenly, where a log knows no better
`

export const REPLAY_HELP = `tollgate replay: what would this catalog have done to last month?

  tollgate replay --catalog proposed.json [--against current.json] LOG …

  --catalog FILE      what is tried
  --against FILE      what it is compared with: who is newly refused, and who is freed
  --keys FILE.csv     keys to add to both, in AWS's API key file format
  --state WHERE       begin where a live store was: a file of its snapshot(), sqlite:FILE or redis://HOST:PORT
  --retries N         refused requests are asked again, up to N times, after the wait they are told if at most a minute

What it shows: what was admitted, throttled and over the quota, over time, per plan and per key; of each key that was
refused when first, by which limit, the burst that did it and the day its quota ran out; what no plan covers; and what
the log cannot tell.
  --html FILE         also as one page that needs nothing else
  --json              one JSON object
  --csv               a row for each key
  --fail-on COND      exit with 3 if it comes to more, for CI: 'throttled>0.1%', 'keys-refused>0'; repeatable.
                      With 2 if no request was judged by any plan: then nothing was tried.
                      throttled, quota-exceeded, never-admitted, refused, not-covered, newly-refused, keys-refused,
                      keys-newly-refused, unreadable

${LOG_HELP}
Ctrl-C shows the report so far. A line that cannot be read is counted, shown once per kind, and stops nothing.
No key's value is ever shown.

Exit codes: 0 done, 1 something failed, 2 what was asked for cannot be done as asked, 3 by --fail-on, 130 after Ctrl-C.

Examples
  tollgate replay --catalog proposed.json --against plans.json access.ndjson
  tollgate replay --catalog proposed.json --html report.html /var/log/nginx/access.log*
  tollgate replay --catalog proposed.json --map key=query.api_key --fail-on 'throttled>0.1%' alb/*.gz
  zstd -dc access.log.zst | tollgate replay --catalog proposed.json -
`

/** The options of every verb that reads logs. */
export const LOG_OPTIONS = {
  format: { type: 'string' },
  map: { type: 'string', multiple: true },
  host: { type: 'string' },
  stage: { type: 'string' },
  window: { type: 'string', default: '60s' },
  spread: { type: 'boolean', default: false },
} as const

export interface LogValues {
  readonly format?: string | undefined
  readonly map?: readonly string[] | undefined
  readonly host?: string | undefined
  readonly stage?: string | undefined
  readonly window: string
  readonly spread: boolean
}

export async function replay(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('replay', args, {
    ...LOG_OPTIONS,
    catalog: { type: 'string' },
    against: { type: 'string' },
    keys: { type: 'string' },
    'ignore-warnings': { type: 'boolean', default: false },
    state: { type: 'string' },
    retries: { type: 'string', default: '0' },
    html: { type: 'string' },
    json: { type: 'boolean', default: false },
    csv: { type: 'boolean', default: false },
    'fail-on': { type: 'string', multiple: true },
  })
  if (values.catalog === undefined) {
    throw new UsageError('--catalog: expected a file, received nothing; see tollgate replay --help')
  }
  if (values.json && values.csv) throw new UsageError('expected --json or --csv, received both')
  const retries = wholeNumber('--retries', values.retries, 0, 100)
  const conditions = (values['fail-on'] ?? []).map(text => failOn(text, values.against !== undefined))
  const log = logOf(values, positionals)
  const paintErrors = paintFor(process.stderr)
  const say = (line: string): void => void process.stderr.write(`${paintErrors('yellow', `note: ${line}`)}\n`)
  const load = (catalog: string, current?: Catalog): Promise<Catalog> =>
    loadSources({
      catalog,
      keys: values.keys,
      ignoreWarnings: values['ignore-warnings'],
      onWarning: say,
      ...(current === undefined ? {} : { current }),
    })
  const state = values.state === undefined ? undefined : await snapshotAt('--state', values.state)
  const live = values.state === undefined ? null : await catalogAt(values.state)
  const proposed = await load(values.catalog, live ?? undefined)
  const against = values.against === undefined ? undefined : await load(values.against, proposed)
  stageIn(proposed, values.stage)

  const trial = new Trial({ proposed, against, state, retries })
  const catalogs = against === undefined ? [proposed] : [proposed, against]
  const callers = callersOf(catalogs, { hash: sha256 })
  const read = await readLogs({ ...log, catalogs, callers, onLine: line => trial.judge(line) })
  trial.end()
  const verdict = verdictOf(read, trial.report(), {
    proposed: values.catalog,
    against: values.against ?? null,
    retries,
    spread: values.spread,
    warm: state !== undefined,
    window: log.window,
  })
  if (values.html !== undefined) writePage(values.html, pageOf(verdict))
  if (values.csv) await toStdout(csvOf(trial.keys()))
  else await toStdout([values.json ? `${JSON.stringify(verdict, null, 2)}\n` : textFor(verdict)])

  const failed = conditions.flatMap(condition => condition(verdict) ?? [])
  for (const words of failed) process.stderr.write(`${paintErrors('red', words)}\n`)
  process.exitCode = read.stopped ? 130 : failed.length > 0 ? FAILED : 0
  const idle = conditions.length > 0 && process.exitCode === 0 ? nothingJudged(verdict) : null
  if (idle !== null) throw new UsageError(idle)
  // What is not read to its end would keep the process alive.
  if (read.stopped) process.exit()
}

function textFor(verdict: Verdict): string {
  const { stdout } = process
  return verdictText(verdict, { width: Math.max(60, stdout.columns ?? 100), paint: paintFor(stdout) })
}

function writePage(path: string, page: string): void {
  try {
    writeFileSync(path, page)
  } catch (error) {
    throw new UsageError(`--html: ${path} cannot be written: ${(error as Error).message}; name another file`)
  }
}

export function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

/** What was said about logs. @throws {UsageError} for what no log can be */
/** @throws {UsageError} for a stage that the catalog does not have */
export function stageIn(catalog: Catalog, stage: string | undefined): void {
  const known = catalog.apis.flatMap(({ id, stages }) => stages.map(({ stageName }) => `${id}/${stageName}`))
  if (stage !== undefined && !known.includes(stage)) {
    const there = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
    throw new UsageError(`--stage: expected a stage of the catalog, received ${JSON.stringify(stage)}; ${there}`)
  }
}

export function logOf({ format, map = [], host, stage, window, spread }: LogValues, names: readonly string[]) {
  if (names.length === 0) {
    throw new UsageError('expected a log, received nothing; name its files, or - for stdin; see --help')
  }
  if (names.filter(name => name === '-').length > 1) throw new UsageError('expected stdin (-) once, received it twice')
  if (format !== undefined && !FORMATS.some(known => known === format)) {
    throw new UsageError(`--format: expected one of ${FORMATS.join(', ')}, received ${JSON.stringify(format)}`)
  }
  if (stage !== undefined && !/^[^/]+\/[^/]+$/.test(stage)) {
    throw new UsageError(`--stage: expected API/STAGE like petstore/prod, received ${JSON.stringify(stage)}`)
  }
  const fields: Partial<Record<Meaning, string>> = {}
  for (const pair of map.flatMap(text => text.split(','))) {
    const [, meaning, field] = /^([A-Za-z]+)=(.+)$/.exec(pair) ?? []
    const known = MEANINGS.find(known => known === meaning)
    if (known === undefined || field === undefined) {
      throw new UsageError(
        `--map: expected ${MEANINGS.map(name => `${name}=FIELD`).join(', ')}, received ${JSON.stringify(pair)}`,
      )
    }
    fields[known] = field
  }
  const mapping: Mapping = { fields, host, stage }
  if (format !== undefined) {
    const fault = faultOfKey(format as Format, mapping)
    if (fault !== null) throw new UsageError(`--map key=${fields.key}: ${fault}`)
  }
  return { names, format: format as Format | undefined, mapping, window: duration('--window', window), spread }
}
