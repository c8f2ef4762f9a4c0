// `tollgate keys import`: a key file into a catalog file. Floor 5.

import { readFileSync } from 'node:fs'
import { check } from '../../core/check.ts'
import type { ApiKey } from '../../core/plan.ts'
import { parseCatalog, problemLine } from '../catalog-file.ts'
import { countWords } from '../check/words.ts'
import { refusedLines } from '../key-file-words.ts'
import { reading } from '../load.ts'
import { argumentsOf } from '../options.ts'
import { progress } from '../progress.ts'
import { FileChanged, replaceFile } from '../replace-file.ts'
import { paintFor, UsageError } from '../terminal.ts'
import { filesOf } from './arguments.ts'
import { withKeys } from './catalog-edit.ts'
import { type Imported, importInto } from './catalog-import.ts'
import { nameOf, textOf } from './text-of.ts'

export async function importKeys(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('keys import', args, {
    'fail-on-warnings': { type: 'boolean', default: false },
    'ignore-warnings': { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  })
  const [path, file] = filesOf('keys import', ['CATALOG', 'FILE.csv'], positionals) as [string, string]
  if (path === '-') throw new UsageError('CATALOG: expected a file, since it is written; only FILE.csv may be -')
  if (values['fail-on-warnings'] === values['ignore-warnings']) {
    const received = values['ignore-warnings'] ? 'both' : 'neither'
    throw new UsageError(
      `expected --fail-on-warnings (a bad record, and nothing is imported) or --ignore-warnings (the good ones are), received ${received}; say one`,
    )
  }
  const waiting = progress()
  try {
    await run({ path, file, onWarnings: values['fail-on-warnings'] ? 'fail' : 'ignore', dryRun: values['dry-run'] })
  } finally {
    waiting.end()
  }

  async function run({ path, file, onWarnings, dryRun }: Import): Promise<void> {
    const bytes = reading(path, () => readFileSync(path))
    waiting.at(`reading ${path}`)
    const loaded = parseCatalog(bytes)
    if (!loaded.ok) throw new UsageError(loaded.problems.map(problem => problemLine(path, problem)).join('\n'))
    const name = nameOf(file)
    const imported = await importInto(loaded, name, textOf(file, waiting))
    const { added, updated, refused } = imported
    const refusals = refusedLines(name, refused, loaded.catalog)
    if (refused.length > 0 && onWarnings === 'fail') {
      throw new UsageError(
        [...refusals, `${path} is as it was: mend the records, or say --ignore-warnings to import the others`].join(
          '\n',
        ),
      )
    }
    const paint = paintFor(process.stderr)
    for (const line of refusals) process.stderr.write(`${paint('yellow', `note: ${line}`)}\n`)
    const changed = [...added, ...updated]
    if (changed.length > 0) {
      waiting.at(`writing ${path}`)
      const edited = withKeys(loaded, changed)
      verify(edited, imported.catalog.apiKeys.size, changed)
      if (!dryRun) write(path, bytes, edited)
    }
    waiting.end()
    process.stdout.write(`${summary(path, imported, dryRun)}\n`)
  }
}

interface Import {
  readonly path: string
  readonly file: string
  readonly onWarnings: 'fail' | 'ignore'
  readonly dryRun: boolean
}

/** What is about to be written is read first: a file that is not the catalog that was meant is worse than none. */
function verify(text: string, size: number, changed: readonly ApiKey[]): void {
  const checked = check(JSON.parse(text))
  if (!checked.ok) throw new Error(`the edited catalog would be refused: ${checked.issues[0]?.message}`)
  const { apiKeys } = checked.catalog
  const isMeant = changed.every(({ id, value, name, description, enabled, usagePlanIds }) => {
    const got = apiKeys.get(id)
    return (
      got?.value === value &&
      got.name === name &&
      got.description === description &&
      got.enabled === enabled &&
      got.usagePlanIds.join() === usagePlanIds.join()
    )
  })
  if (!isMeant || apiKeys.size !== size) throw new Error('the edited catalog would not be the one that was meant')
}

const BOM = '\ufeff'

function write(path: string, bytes: Buffer, text: string): void {
  const hadBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  try {
    replaceFile(path, bytes, Buffer.from(hadBom ? BOM + text : text))
  } catch (error) {
    if (error instanceof FileChanged) {
      throw new UsageError(
        `${path}: expected what was read of it, found that it has changed since; run the import again`,
      )
    }
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new UsageError(`${path}: expected to write a new file beside it, and may not (${code}); it is as it was`)
    }
    throw error
  }
}

function summary(path: string, { added, updated, unchanged, refused }: Imported, dryRun: boolean): string {
  const records = new Set(refused.filter(({ kind }) => kind === 'record').map(({ record }) => record)).size
  const plans = refused.length - refused.filter(({ kind }) => kind === 'record').length
  const counts = [
    `${added.length} imported`,
    `${updated.length} updated`,
    `${unchanged} unchanged`,
    `${records} skipped`,
    ...(plans === 0 ? [] : [`${countWords(plans, 'plan')} not added`]),
  ]
  return `${path}: ${counts.join(', ')}${dryRun ? ' (dry run: nothing was written)' : ''}`
}
