// `tollgate keys check`: everything about a key file that a person should see before it is used. Floor 5.

import { isFormula } from '../../core/csv.ts'
import { type KeyRow, readKeyFile } from '../../core/key-file.ts'
import { isGenerated } from '../../core/key-value.ts'
import { loadCatalog, problemLine } from '../catalog-file.ts'
import { isGuessable } from '../check/guessable.ts'
import { countWords } from '../check/words.ts'
import { reasonOf, unreadableLine } from '../key-file-words.ts'
import { reading } from '../load.ts'
import { argumentsOf } from '../options.ts'
import { type Progress, progress } from '../progress.ts'
import { paintFor, UsageError } from '../terminal.ts'
import { filesOf } from './arguments.ts'
import { importInto } from './catalog-import.ts'
import { nameOf, textOf } from './text-of.ts'
import { toStdout } from './to-stdout.ts'

/** An error is what an import refuses; a note is worth a look. */
export interface KeyFileFinding {
  readonly severity: 'error' | 'note'
  readonly code: string
  readonly record: number
  readonly line: number
  /** Never holds anything of the file's cells. */
  readonly message: string
}

interface Report {
  readonly records: number
  readonly keys: number
  readonly disabled: number
  /** Keys that the catalog has; null without one. */
  readonly known: number | null
  readonly findings: readonly KeyFileFinding[]
}

export async function checkKeys(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('keys check', args, {
    catalog: { type: 'string' },
    json: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  })
  const [file] = filesOf('keys check', ['FILE.csv'], positionals) as [string]
  const waiting = progress()
  const report = await reportOf(file, values.catalog, waiting).finally(() => waiting.end())
  const errors = report.findings.filter(({ severity }) => severity === 'error').length
  const ok = errors === 0 && (!values.strict || report.findings.length === 0)
  await toStdout(values.json ? [`${JSON.stringify({ ok, ...report }, null, 2)}\n`] : lines(nameOf(file), report))
  if (!ok) process.exitCode = 2
}

async function reportOf(file: string, catalog: string | undefined, waiting: Progress): Promise<Report> {
  const chunks: string[] = []
  for await (const chunk of textOf(file, waiting)) chunks.push(chunk)
  const findings: KeyFileFinding[] = []
  const rows = new Map<string, number>()
  let records = 0
  let disabled = 0
  for (const entry of readKeyFile(chunks)) {
    if (entry.kind === 'failure') throw new UsageError(unreadableLine(nameOf(file), entry.message))
    records++
    if (entry.kind !== 'row') {
      const { record, line, reason } = entry
      findings.push({ severity: 'error', code: 'skipped', record, line, message: reason })
      continue
    }
    if (!entry.enabled) disabled++
    const before = rows.get(entry.value)
    if (before !== undefined)
      findings.push(note(entry, 'repeated', `record ${before} has this value too, and the last one wins`))
    rows.set(entry.value, entry.record)
    findings.push(...notesOf(entry))
  }
  if (catalog === undefined) return { records, keys: rows.size, disabled, known: null, findings }
  const loaded = reading(catalog, () => loadCatalog(catalog))
  if (!loaded.ok) throw new UsageError(loaded.problems.map(problem => problemLine(catalog, problem)).join('\n'))
  waiting.at(`comparing with ${catalog}`)
  const { refused, updated, unchanged } = await importInto(loaded, nameOf(file), chunksOf(chunks))
  const said = new Set(findings.filter(({ code }) => code === 'skipped').map(({ record }) => record))
  for (const one of refused) {
    const { kind, record, line } = one
    if (kind === 'record' && said.has(record)) continue
    const code = kind === 'record' ? 'skipped' : 'plan'
    findings.push({ severity: 'error', code, record, line, message: reasonOf(one, loaded.catalog) })
  }
  findings.sort((a, b) => a.record - b.record)
  return { records, keys: rows.size, disabled, known: updated.length + unchanged, findings }
}

async function* chunksOf(chunks: readonly string[]): AsyncGenerator<string, void, undefined> {
  yield* chunks
}

/** The form of a generated value, with any prefix. */
const GENERATED = /^([A-Za-z](?:\w{0,21}[A-Za-z0-9])?)_[0-9A-Za-z]{40}$/

function* notesOf(row: KeyRow): Generator<KeyFileFinding> {
  const { value, name, description, usagePlanIds } = row
  if (usagePlanIds.length === 0) yield note(row, 'no-plan', 'no usage plan, so this key may call nothing yet')
  const prefix = GENERATED.exec(value)?.[1]
  if (prefix !== undefined && !isGenerated(value, prefix)) {
    yield note(row, 'checksum', 'the key has the form of a generated one, and not its checksum: was it mistyped?')
  }
  if (isGuessable(value))
    yield note(row, 'guessable', 'the key looks made up, not drawn: someone could guess it; generate one')
  if (name.includes(value) || description.includes(value)) {
    yield note(row, 'value-in-words', "the name or description has the key's value in it, and those are shown")
  }
  if ([name, description].some(isFormula)) {
    yield note(row, 'formula', 'the name or description begins like a formula to a spreadsheet')
  }
}

function note({ record, line }: KeyRow, code: string, message: string): KeyFileFinding {
  return { severity: 'note', code, record, line, message }
}

function* lines(name: string, report: Report): Generator<string> {
  const { records, keys, disabled, known, findings } = report
  const paint = paintFor(process.stdout)
  let errors = 0
  for (const { severity, record, line, message } of findings) {
    if (severity === 'error') errors++
    const label = severity === 'error' ? paint('red', 'error') : paint('yellow', 'note')
    yield `${name}:${line}: ${label}: record ${record}: ${message}\n`
  }
  const counts = [
    countWords(records, 'record'),
    countWords(keys, 'key'),
    ...(disabled === 0 ? [] : [`${disabled} disabled`]),
    ...(known === null ? [] : [`${known} in the catalog already`]),
    countWords(errors, 'error'),
    countWords(findings.length - errors, 'note'),
  ]
  const unchecked = known === null ? '; plans are checked with --catalog CATALOG only' : ''
  yield `${name}: ${counts.join(', ')}${unchecked}\n`
}
