// `tollgate fit`: the smallest limits under which a log would hardly have been refused anything. Floor 5.

import { writeFileSync } from 'node:fs'
import type { Period } from '../core/plan.ts'
import { callersOf } from '../replay/callers.ts'
import { type Fit, fitted, Gathering, type GroupBy } from '../replay/fit.ts'
import { fitPage } from './fit/page.ts'
import { type FitReport, fitText } from './fit/text.ts'
import { toStdout } from './keys/to-stdout.ts'
import { loadSources } from './load.ts'
import { argumentsOf } from './options.ts'
import { progress } from './progress.ts'
import { readLogs } from './replay/log-files.ts'
import { count } from './replay/words.ts'
import { LOG_HELP, LOG_OPTIONS, logOf, sha256, stageIn } from './replay.ts'
import { paintFor, UsageError } from './terminal.ts'

export const FIT_HELP = `tollgate fit: the smallest limits that would hardly have refused anything

  tollgate fit --catalog plans.json [--refused 0.1%] LOG …

  --catalog FILE      says which method a line is for, which key, and on which plan; its limits are not looked at
  --keys FILE.csv     keys to add, in AWS's API key file format
  --refused SHARE     of each group's requests, at most so many may be refused (default 0.1%): half of them by the
                      throttle, half by the quota
  --by GROUP          what gets limits of its own: plan (default), key, or all
  --period P          of the quota: DAY, WEEK or MONTH (default DAY)
  --rate N, --burst N this one is given, per second or in tokens: find the other

Of each group: the rate, burst and quota, what would have been refused under them, and the trade-off: for each rate the
smallest burst, the slower the larger. The pair that is proposed is the corner of that curve; any other point of it is as
good, if you would rather have one smaller. Limits are per key, as plans' are.
  --json              one JSON object
  --html FILE         also as one page that needs nothing else

${LOG_HELP}
Requests are kept in memory, 20 bytes each. No key's value is ever shown.

Exit codes: 0 done, 1 something failed, 2 what was asked for cannot be done as asked.

Examples
  tollgate fit --catalog plans.json access.ndjson
  tollgate fit --catalog plans.json --refused 0 --by key --json access.log | jq '.fits[] | [.group, .throttle]'
  tollgate fit --catalog plans.json --rate 10 --period MONTH --html fit.html logs/*.gz
`

export async function fit(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('fit', args, {
    ...LOG_OPTIONS,
    catalog: { type: 'string' },
    keys: { type: 'string' },
    'ignore-warnings': { type: 'boolean', default: false },
    refused: { type: 'string', default: '0.1%' },
    by: { type: 'string', default: 'plan' },
    period: { type: 'string', default: 'DAY' },
    rate: { type: 'string' },
    burst: { type: 'string' },
    json: { type: 'boolean', default: false },
    html: { type: 'string' },
  })
  if (values.catalog === undefined) {
    throw new UsageError('--catalog: expected a file, received nothing; see tollgate fit --help')
  }
  const options = {
    share: shareOf(values.refused),
    period: oneOf('--period', values.period, ['DAY', 'WEEK', 'MONTH'] as const) satisfies Period,
    rateLimit: numberOf('--rate', values.rate, false),
    burstLimit: numberOf('--burst', values.burst, true),
  }
  if (options.rateLimit !== undefined && options.burstLimit !== undefined) {
    throw new UsageError('expected --rate or --burst, received both: nothing would be left to find')
  }
  const by = oneOf('--by', values.by, ['plan', 'key', 'all'] as const) satisfies GroupBy
  const log = logOf(values, positionals)
  const paint = paintFor(process.stderr)
  const catalog = await loadSources({
    catalog: values.catalog,
    keys: values.keys,
    ignoreWarnings: values['ignore-warnings'],
    onWarning: line => void process.stderr.write(`${paint('yellow', `note: ${line}`)}\n`),
  })
  stageIn(catalog, values.stage)
  const gathering = new Gathering(catalog, by)
  const callers = callersOf([catalog], { hash: sha256 })
  const read = await readLogs({ ...log, catalogs: [catalog], callers, onLine: line => gathering.add(line) })
  const { groups } = gathering
  const shown = progress()
  const fits: Fit[] = []
  for (const arrivals of groups) {
    shown.at(`${count(fits.length)} of ${count(groups.length)} groups fitted`)
    fits.push(fitted(arrivals, options))
  }
  shown.end()
  const nameOf = (group: string): string | null =>
    (by === 'plan' ? catalog.usagePlans.find(({ id }) => id === group)?.name : catalog.apiKeys.get(group)?.name) ?? null
  const planOf = (group: string) => (by === 'plan' ? catalog.usagePlans.find(({ id }) => id === group) : undefined)
  const report: FitReport = {
    catalog: values.catalog,
    by,
    share: options.share,
    lines: read.lines,
    unreadable: read.bad,
    uncovered: gathering.uncovered,
    fits: fits.map(fit => {
      const { throttle, quota } = planOf(fit.group) ?? {}
      return {
        ...fit,
        name: nameOf(fit.group),
        now: by === 'plan' ? { throttle: throttle ?? null, quota: quota ?? null } : null,
      }
    }),
    troubles: read.troubles,
  }
  if (values.html !== undefined) {
    try {
      writeFileSync(values.html, fitPage(report))
    } catch (error) {
      throw new UsageError(`--html: ${values.html} cannot be written: ${(error as Error).message}; name another file`)
    }
  }
  const { stdout } = process
  await toStdout([
    values.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : fitText(report, { width: Math.max(60, stdout.columns ?? 100), paint: paintFor(stdout) }),
  ])
  if (fits.length === 0) process.exitCode = 2
  if (read.stopped) {
    process.exitCode = 130
    process.exit()
  }
}

function shareOf(text: string): number {
  const [, digits, sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? []
  const share = Number(digits) / (sign === '%' ? 100 : 1)
  if (share >= 0 && share < 1) return share
  throw new UsageError(
    `--refused: expected a share like 0.1% or 0.001, below all of it, received ${JSON.stringify(text)}`,
  )
}

function numberOf(option: string, text: string | undefined, isWhole: boolean): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && (!isWhole || Number.isSafeInteger(value))) return value
  throw new UsageError(
    `${option}: expected a ${isWhole ? 'whole number' : 'number'} above 0, received ${JSON.stringify(text)}`,
  )
}

function oneOf<const T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find(name => name === text)
  if (found !== undefined) return found
  throw new UsageError(`${option}: expected one of ${known.join(', ')}, received ${JSON.stringify(text)}`)
}
