// A catalog file and a key file → all there is to say of them, each with its place: what text.ts and json.ts show. Floor 5.

import { accessSync, constants } from 'node:fs'
import type { Catalog } from '../../core/catalog.ts'
import { type At, pathOf } from '../../core/readers.ts'
import type { Millis } from '../../core/units.ts'
import { type Loaded, loadCatalog, type Place, type Problem, placesOf } from '../catalog-file.ts'
import { HEADER_REMEDY, reasonOf } from '../key-file-words.ts'
import { idOf, importKeys, reading } from '../load.ts'
import { UsageError } from '../terminal.ts'
import { censusOf } from './census.ts'
import { type Explanation, explain } from './explain.ts'
import type { Finding, Severity } from './finding.ts'
import { findingsOf, sorted } from './findings.ts'
import { linesOfValues } from './key-lines.ts'
import { layoutOf } from './layout.ts'
import { type Naming, namingOf } from './naming.ts'
import { errorOf } from './of-issues.ts'

/** A finding in its file. */
export interface Placed extends Place {
  readonly severity: Severity
  readonly code: string
  readonly file: string
  /** `usagePlans[0].throttle`; empty for the whole document, and in a key file. */
  readonly path: string
  readonly message: string
  readonly remedy: string
}

export type Counted = Readonly<Record<'errors' | 'warnings' | 'notes', number>>

export interface Report {
  readonly file: string
  /** null: the document does not check. */
  readonly explanation: Explanation | null
  readonly findings: readonly Placed[]
  readonly counts: Counted
}

export interface Sources {
  readonly catalog: string
  readonly keys: string | undefined
  readonly now: Millis
}

/** @throws {UsageError} when a file cannot be read */
export async function reportOf({ catalog: file, keys, now }: Sources): Promise<Report> {
  const loaded = reading(file, () => loadCatalog(file))
  if (!loaded.ok) {
    const problems = loaded.problems.map(problem => placedProblem(file, problem))
    return counted(file, null, keys === undefined ? problems : [...problems, ...unread(keys)])
  }
  const { catalog, rows } = keys === undefined ? { catalog: loaded.catalog, rows: [] } : await withKeys(loaded, keys)
  const layout = layoutOf(catalog)
  const naming = namingOf(loaded.document)
  // A key of the key file is known there by its name: its id is made up here.
  const known = loaded.catalog.apiKeys
  const census = censusOf(catalog, ({ id, name }) => (known.get(id) === undefined ? (name ?? id) : id))
  const warnings = loaded.warnings.flatMap(({ issue }) => issue ?? [])
  const findings = findingsOf({ layout, census, naming, warnings })
  const placed = placedFindings(findings, { file, keys, loaded, catalog, naming })
  return counted(file, explain(layout, census.counts, now), sorted([...rows, ...placed]))
}

type Read = Extract<Loaded, { ok: true }>

/** The catalog with the valid rows of a key file, and what is wrong with the others: `serve` would not start with them. */
async function withKeys({ catalog }: Read, file: string): Promise<{ catalog: Catalog; rows: Placed[] }> {
  const imported = await importKeys(catalog, file, { onWarnings: 'ignore', newId: idOf })
  const place = { file, path: '', column: 1, severity: 'error', code: 'key-file' } as const
  const rows = imported.warnings.map(
    (refused): Placed => ({
      ...place,
      line: refused.line,
      message: `record ${refused.record}: ${reasonOf(refused, catalog)}`,
      remedy: 'mend the record, or start serve with --ignore-warnings to go on without it',
    }),
  )
  if (imported.ok) return { catalog: imported.catalog, rows }
  return { catalog, rows: [...rows, { ...place, line: 1, message: imported.message, remedy: HEADER_REMEDY }] }
}

/** A key file is read on top of a catalog that checks; that it cannot be read is said in any case. */
function unread(file: string): Placed[] {
  try {
    reading(file, () => accessSync(file, constants.R_OK))
    return []
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const [message = '', remedy = ''] = error.message.slice(`${file}: `.length).split('; ')
    return [{ file, line: 1, column: 1, path: '', severity: 'error', code: 'key-file', message, remedy }]
  }
}

function placedProblem(file: string, { line, column, message, issue }: Problem): Placed {
  const place = { file, line, column }
  if (issue === undefined) {
    const [what, remedy = 'mend the file'] = message.split('; ')
    return { severity: 'error', code: 'json', ...place, path: '', message: what as string, remedy }
  }
  const { where: _, ...said } = errorOf(issue)
  return { ...said, ...place, path: issue.path }
}

interface Where {
  readonly file: string
  readonly keys: string | undefined
  readonly loaded: Read
  /** With the keys of the key file. */
  readonly catalog: Catalog
  readonly naming: Naming
}

/** Findings with their places: each file is walked once for all of them. */
function placedFindings(findings: readonly Finding[], { file, keys, loaded, catalog, naming }: Where): Placed[] {
  const ids = new Set(findings.flatMap(({ where }) => ('keyId' in where ? [where.keyId] : [])))
  const places = placesOfKeys(loaded.catalog, ids)
  const strangers = [...ids].filter(id => !places.has(id))
  const values = new Set(strangers.flatMap(id => catalog.apiKeys.get(id)?.value ?? []))
  const lines = keys === undefined || values.size === 0 ? new Map<string, number>() : linesOfValues(keys, values)
  const atOf = ({ where }: Finding): At | null => {
    if ('at' in where) return where.at
    const place = places.get(where.keyId)
    return place === undefined ? null : [...naming.key(place), ...(where.field === undefined ? [] : [where.field])]
  }
  const placeOf = placesOf(
    loaded.text,
    findings.flatMap(finding => {
      const at = atOf(finding)
      return at === null ? [] : [at]
    }),
  )
  return findings.map(finding => {
    const { severity, code, message, remedy, where } = finding
    const said = { severity, code, message, remedy }
    const at = atOf(finding)
    if (at !== null) return { ...said, file, path: pathOf(at), ...placeOf(at) }
    const value = 'keyId' in where ? catalog.apiKeys.get(where.keyId)?.value : undefined
    return { ...said, file: keys ?? file, path: '', line: lines.get(value ?? '') ?? 1, column: 1 }
  })
}

/** Where in the document's list of keys these are; none for those of a key file. */
function placesOfKeys({ apiKeys }: Pick<Catalog, 'apiKeys'>, ids: ReadonlySet<string>): Map<string, number> {
  const places = new Map<string, number>()
  const wanted = [...ids].filter(id => apiKeys.get(id) !== undefined).length
  let place = 0
  for (const { id } of apiKeys) {
    if (places.size === wanted) break
    if (ids.has(id)) places.set(id, place)
    place++
  }
  return places
}

function counted(file: string, explanation: Explanation | null, findings: readonly Placed[]): Report {
  const of = (severity: Severity): number => findings.filter(finding => finding.severity === severity).length
  return { file, explanation, findings, counts: { errors: of('error'), warnings: of('warning'), notes: of('note') } }
}
