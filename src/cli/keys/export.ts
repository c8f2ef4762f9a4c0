// `tollgate keys export`: a catalog's keys as a key file. Floor 5.

import { isFormula } from '../../core/csv.ts'
import { writeKeyFile } from '../../core/key-file.ts'
import { loadCatalog, problemLine } from '../catalog-file.ts'
import { countWords } from '../check/words.ts'
import { reading } from '../load.ts'
import { argumentsOf } from '../options.ts'
import { paintFor, UsageError } from '../terminal.ts'
import { filesOf } from './arguments.ts'
import { toStdout } from './to-stdout.ts'

export async function exportKeys(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('keys export', args, { raw: { type: 'boolean', default: false } })
  const [path] = filesOf('keys export', ['CATALOG'], positionals) as [string]
  const loaded = reading(path, () => loadCatalog(path))
  if (!loaded.ok) throw new UsageError(loaded.problems.map(problem => problemLine(path, problem)).join('\n'))
  const { apiKeys } = loaded.catalog
  if (process.stdout.isTTY) note('these are secrets: send them to a file that only you can read')
  const guarded = values.raw
    ? 0
    : count(apiKeys, ({ name, id, description = '' }) => isFormula(name || id) || isFormula(description))
  if (guarded > 0) {
    note(
      `of ${countWords(guarded, 'key')} the name or description begins like a spreadsheet's formula and has an apostrophe before it; --raw leaves it out`,
    )
  }
  const cut = count(apiKeys, ({ customerId, tags }) => customerId !== undefined || tags !== undefined)
  if (cut > 0)
    note(`of ${countWords(cut, 'key')} the customerId or tags are left out: a key file has no place for them`)
  await toStdout(writeKeyFile(apiKeys, { raw: values.raw }))
}

function count<T>(items: Iterable<T>, holds: (item: T) => boolean): number {
  let n = 0
  for (const item of items) if (holds(item)) n++
  return n
}

function note(text: string): void {
  process.stderr.write(`${paintFor(process.stderr)('yellow', `note: ${text}`)}\n`)
}
