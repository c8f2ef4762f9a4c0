// `tollgate preview`: what would change at this moment if another catalog went live. Floor 5.

import type { Catalog } from '../core/catalog.ts'
import { callersOf } from '../replay/callers.ts'
import { preview as previewOf } from '../replay/preview.ts'
import { Trial } from '../replay/trial.ts'
import { toStdout } from './keys/to-stdout.ts'
import { loadSources } from './load.ts'
import { duration, optionsOf, withoutCredentials } from './options.ts'
import { type PreviewReport, previewText } from './preview/text.ts'
import { readLogs } from './replay/log-files.ts'
import { catalogAt, snapshotAt } from './replay/snapshot.ts'
import { LOG_HELP, LOG_OPTIONS, logOf, sha256, stageIn } from './replay.ts'
import { paintFor, UsageError } from './terminal.ts'

export const PREVIEW_HELP = `tollgate preview: what would change if this catalog went live now?

  tollgate preview --catalog new.json --store WHERE [--log LOG …]

  --catalog FILE      what would go live
  --store WHERE       the live store, which is only read: sqlite:FILE, redis://HOST:PORT, or a file of its snapshot()
  --against FILE      the catalog in force; default: the one that processes on this store share, if they do
  --keys FILE.csv     keys to add to both, in AWS's API key file format
  --log LOG           also which requests of the last hour would be told something else; repeatable
  --last T            how far back from now its lines are looked at (default 1h)

What it shows: which keys have used more than their new quota, and until when they would be refused; whose quota would
be freed; whose bucket holds more than the new burst and would be clipped; whose use would count from nothing.
  --json              one JSON object

${LOG_HELP}
The log is replayed under both catalogs from full buckets: what the store remembers came after it.
No key's value is ever shown.

Exit codes: 0 done, 1 something failed, 2 what was asked for cannot be done as asked.

Examples
  tollgate preview --catalog new.json --store sqlite:tollgate.db
  tollgate preview --catalog new.json --store redis://127.0.0.1:6379 --log access.ndjson
`

export async function preview(args: string[]): Promise<void> {
  const values = optionsOf('preview', args, {
    ...LOG_OPTIONS,
    catalog: { type: 'string' },
    store: { type: 'string' },
    against: { type: 'string' },
    keys: { type: 'string' },
    'ignore-warnings': { type: 'boolean', default: false },
    log: { type: 'string', multiple: true },
    last: { type: 'string', default: '1h' },
    json: { type: 'boolean', default: false },
  })
  const { store } = values
  if (values.catalog === undefined || store === undefined) {
    const missing =
      values.catalog === undefined ? '--catalog: expected a file' : '--store: expected sqlite:FILE or redis://HOST:PORT'
    throw new UsageError(`${missing}, received nothing; see tollgate preview --help`)
  }
  const last = duration('--last', values.last)
  const log = values.log === undefined ? null : logOf(values, values.log)
  const paint = paintFor(process.stderr)
  const load = (catalog: string, current?: Catalog): Promise<Catalog> =>
    loadSources({
      catalog,
      keys: values.keys,
      ignoreWarnings: values['ignore-warnings'],
      onWarning: line => void process.stderr.write(`${paint('yellow', `note: ${line}`)}\n`),
      ...(current === undefined ? {} : { current }),
    })
  const snapshot = await snapshotAt('--store', store)
  const shared = values.against === undefined ? await catalogAt(store) : null
  const next = await load(values.catalog, shared ?? undefined)
  const current = values.against === undefined ? shared : await load(values.against, next)
  stageIn(next, values.stage)
  const now = Date.now()

  let trial: Trial | null = null
  let lines = { read: 0, bad: 0 }
  if (log !== null) {
    trial = new Trial({ proposed: next, against: current ?? undefined })
    const catalogs = current === null ? [next] : [next, current]
    const callers = callersOf(catalogs, { hash: sha256 })
    const read = await readLogs({
      ...log,
      catalogs,
      callers,
      onLine: line => void (line.time >= now - last && trial?.judge(line)),
    })
    lines = { read: read.lines, bad: read.bad }
  }
  const report: PreviewReport = {
    catalog: values.catalog,
    store: withoutCredentials(store),
    isCompared: current !== null,
    ...previewOf(snapshot, current, next, now),
    log: trial === null ? null : { last, lines: lines.read, bad: lines.bad, trial: trial.report() },
  }
  const { stdout } = process
  await toStdout([
    values.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : previewText(report, { width: Math.max(60, stdout.columns ?? 100), paint: paintFor(stdout) }),
  ])
}
