// `tollgate check`: a catalog, explained to its author. Floor 5.

import { jsonOf } from './check/json.ts'
import { reportOf } from './check/report.ts'
import { textOf } from './check/text.ts'
import { argumentsOf } from './options.ts'
import { paintFor, UsageError } from './terminal.ts'

export const CHECK_HELP = `tollgate check: who may call what, under which limits, and what is not as it seems

  tollgate check CATALOG [--keys FILE.csv] [--json] [--strict]

  CATALOG            the catalog: APIs, stages, usage plans, keys (JSON; schema.json describes it)
  --keys FILE.csv    keys to add, in AWS's API key file format (Name,Key,Description,Enabled,UsagePlanIds)
  --json             one JSON object: { ok, stages, findings, counts … }
  --strict           warnings count as errors

For each stage it shows the plans whose keys may call it, their throttle and quota until when, and for each
method who may call it and the limits of its own. Then what it found: errors (the catalog cannot be served),
warnings (probably not meant so) and notes, each with file, line and column, and what to do. No key's value is
ever shown.

Exit codes: 0 no errors, 2 errors, or warnings with --strict.

Examples
  tollgate check plans.json
  tollgate check plans.json --keys customers.csv --strict
  tollgate check plans.json --json | jq -r '.findings[] | "\\(.line): \\(.message)"'
`

/** Shows the report on stdout, and leaves the exit code that says how it came out. */
export async function check(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('check', args, {
    keys: { type: 'string' },
    json: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  })
  const [catalog, another] = positionals
  if (catalog === undefined) {
    throw new UsageError(
      'expected a catalog file, received nothing; tollgate check plans.json, or see tollgate check --help',
    )
  }
  if (another !== undefined) {
    throw new UsageError(
      `expected one catalog file, received ${JSON.stringify(another)}, too; a key file comes after --keys`,
    )
  }
  const report = await reportOf({ catalog, keys: values.keys, now: Date.now() })
  const { stdout } = process
  // Whoever reads may have read enough: `| head`.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  stdout.write(
    values.json
      ? `${JSON.stringify(jsonOf(report), null, 2)}\n`
      : textOf(report, { width: Math.max(40, stdout.columns ?? 80), paint: paintFor(stdout) }),
  )
  const { errors, warnings } = report.counts
  if (errors > 0 || (values.strict && warnings > 0)) process.exitCode = 2
}
