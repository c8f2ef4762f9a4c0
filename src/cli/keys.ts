// `tollgate keys`: values made, and key files read, looked at and written. Floor 5: finds the verb.

import { nearestOf } from '../core/readers.ts'
import { shown } from './keys/arguments.ts'
import { checkKeys } from './keys/check.ts'
import { exportKeys } from './keys/export.ts'
import { generate } from './keys/generate.ts'
import { importKeys } from './keys/import.ts'
import { UsageError } from './terminal.ts'

export const KEYS_HELP = `tollgate keys: API keys, made, imported, looked at and exported

  tollgate keys generate [--count N] [--prefix acme | --aws] [--csv [--plan ID] [--name TEXT]]
  tollgate keys import CATALOG FILE.csv --fail-on-warnings | --ignore-warnings [--dry-run]
  tollgate keys check FILE.csv [--catalog CATALOG] [--json] [--strict]
  tollgate keys export CATALOG [--raw]

Key files are AWS's: CSV with Name,Key and optionally Description,Enabled,UsagePlanIds. FILE.csv may be -, which is
stdin. A key's value is never an argument, and stands in no message.

generate: new values on stdout, from the system's randomness: acme_ and 40 letters and digits, the last six of them
a checksum, so that a mistyped one can be refused without a lookup (isKeyValue in docs/concepts.md)
  --count N           how many (default 1)
  --prefix acme       what they begin with, so that scanners find a leaked one (default key)
  --aws               40 letters and digits, as AWS's look
  --csv               as a key file; --plan ID and --name TEXT fill its columns

import: the keys of a file into the catalog file, which keeps its formatting and is replaced in one step, or stays as
it is. A value the catalog has keeps its id; new ones get one made of them by a one-way hash. A record is skipped with its
reason
  --fail-on-warnings  if any record or plan cannot be taken, nothing is imported (exit code 2)
  --ignore-warnings   what can be taken is
  --dry-run           say what would be done, and write nothing

check: every record an import would skip, and what else deserves a look: values that can be guessed, that have a wrong
checksum or come twice, keys without a plan
  --catalog CATALOG   and whether its plans are there
  --json              one JSON object: { ok, records, keys, findings … }
  --strict            notes count as errors

export: the catalog's keys as a key file on stdout, safe to open in a spreadsheet
  --raw               verbatim: to be read by a program, never by a spreadsheet

Exit codes: 0 done, 1 something failed, 2 what was asked for cannot be done as asked, or check found errors.

Examples
  tollgate keys generate --prefix acme
  tollgate keys generate --prefix acme --count 50 --csv --plan free --name Beta > customers.csv
  tollgate keys check customers.csv --catalog plans.json
  tollgate keys import plans.json customers.csv --fail-on-warnings
  tollgate keys generate --csv --plan pro --name 'Acme Inc.' | tollgate keys import plans.json - --fail-on-warnings
  tollgate keys export plans.json > keys.csv
`

const VERBS: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  generate,
  import: importKeys,
  check: checkKeys,
  export: exportKeys,
}

export async function keys([name, ...args]: string[]): Promise<void> {
  const names = Object.keys(VERBS)
  const verb = name !== undefined && Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (verb !== undefined) return verb(args)
  const received = name === undefined ? 'nothing' : shown(name)
  const remedy = nearestOf(name ?? '', names, 'see tollgate keys --help')
  throw new UsageError(`tollgate keys: expected one of ${names.join(', ')}, received ${received}; ${remedy}`)
}
