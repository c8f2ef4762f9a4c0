// A catalog and, on top of it, a key file, read from disk. Floor 5. Everything that is wrong is said before it gives up.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Catalog } from '../core/catalog.ts'
import { isFault, putSoundKeys } from '../core/edits.ts'
import { type ImportOptions, type KeyImport, keyFileImport } from '../core/key-file.ts'
import type { ApiKey } from '../core/plan.ts'
import { loadCatalog, problemLine } from './catalog-file.ts'
import { refusedLines, unreadableLine } from './key-file-words.ts'
import { UsageError } from './terminal.ts'

export interface Sources {
  readonly catalog: string
  readonly keys: string | undefined
  readonly ignoreWarnings: boolean
  /** Told what is not as it seems, a line each. */
  readonly onWarning: (line: string) => void
  /** What is in force: its keys keep their ids, however they came by them, so that their counters go on. */
  readonly current?: Catalog
}

/** The catalog of a file with the keys of another in it. @throws {UsageError} that lists everything that is wrong */
export async function loadSources({ catalog, keys, ignoreWarnings, onWarning, current }: Sources): Promise<Catalog> {
  const loaded = reading(catalog, () => loadCatalog(catalog))
  if (!loaded.ok) throw new UsageError(loaded.problems.map(problem => problemLine(catalog, problem)).join('\n'))
  for (const warning of loaded.warnings) onWarning(problemLine(catalog, warning))
  if (keys === undefined) return loaded.catalog
  const imported = await importKeys(loaded.catalog, keys, {
    onWarnings: ignoreWarnings ? 'ignore' : 'fail',
    newId: idOf,
  })
  const refused = refusedLines(keys, imported.warnings, loaded.catalog)
  if (!imported.ok) {
    const remedy = 'mend the records, or say --ignore-warnings to go on without them'
    throw new UsageError(
      refused.length === 0 ? unreadableLine(keys, imported.message) : [...refused, remedy].join('\n'),
    )
  }
  refused.forEach(onWarning)
  return current === undefined ? imported.catalog : withIdsOf(current, imported.catalog, new Set(imported.ids))
}

/**
 * The catalog with the keys of a key file in it, read as it comes.
 *
 * @throws {UsageError} when the file cannot be read, or is no UTF-8
 */
export async function importKeys(catalog: Catalog, path: string, options: ImportOptions): Promise<KeyImport> {
  const importing = keyFileImport(catalog, options)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(path)) importing.push(decoder.decode(chunk as Buffer, { stream: true }))
    importing.push(decoder.decode())
  } catch (error) {
    throw readError(path, error)
  }
  return importing.end()
}

/** A key of the key file that is in force has the id it has there: a file of values names no ids. */
function withIdsOf(current: Catalog, catalog: Catalog, imported: ReadonlySet<string>): Catalog {
  const renamed: ApiKey[] = []
  const gone: string[] = []
  for (const key of catalog.apiKeys) {
    const known = imported.has(key.id) ? current.apiKeys.withValue(key.value) : undefined
    if (known === undefined || known.id === key.id || catalog.apiKeys.get(known.id) !== undefined) continue
    gone.push(key.id)
    renamed.push({ ...key, id: known.id })
  }
  if (renamed.length === 0) return catalog
  const apiKeys = catalog.apiKeys.remove(gone)
  const edited = putSoundKeys({ ...catalog, apiKeys }, renamed)
  return isFault(edited) ? catalog : edited
}

/** Of a–z and 0–9 as AWS's, and longer: two of a million keys meet once in 10¹³ files. */
const ID_LENGTH = 16

/**
 * The id of a key of a key file, which names none: made of its value, so that every command that reads the file knows the
 * key by the same one. It is a part of a hash of its own, so it tells neither the value nor its SHA-256.
 */
export function idOf(value: string, attempt: number): string {
  const hash = createHash('sha256').update(`tollgate key id ${attempt}\0${value}`).digest()
  return Array.from(hash.subarray(0, ID_LENGTH), byte => (byte % 36).toString(36)).join('')
}

/** What reading a file gives, or a `UsageError` in the words of who named it. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw readError(path, error)
  }
}

export function readError(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return new UsageError(`${path}: expected a file, found none there; check the path`)
  if (code === 'EISDIR') return new UsageError(`${path}: expected a file, found a folder; name the file in it`)
  if (code === 'EACCES')
    return new UsageError(`${path}: expected a file that may be read, found one that may not; check its permissions`)
  if (error instanceof TypeError)
    return new UsageError(`${path}: expected UTF-8 text, received other bytes; save the file as UTF-8`)
  return error
}

/** What opening a file to write to gives, or a `UsageError` that names the option, and the folder where that is missing. */
export function writing<T>(option: string, path: string, open: () => T, remedy: string = 'name another'): T {
  try {
    return open()
  } catch (error) {
    throw writeError(option, path, error, remedy)
  }
}

export function writeError(option: string, path: string, error: unknown, remedy: string = 'name another'): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException
  if (syscall === undefined) return error
  const reasons: Partial<Record<string, string>> = {
    ENOENT: `there is no folder ${dirname(path)} for ${basename(path)}; make it, or ${remedy}`,
    ENOTDIR: `${dirname(path)} is no folder; ${remedy}`,
    EISDIR: `${path}: expected a file, found a folder; ${remedy}`,
    EACCES: `${path}: expected a file that may be written, found one that may not; ${remedy}`,
  }
  return new UsageError(`${option}: ${reasons[code ?? ''] ?? `${path} does not open: ${message}; ${remedy}`}`)
}
