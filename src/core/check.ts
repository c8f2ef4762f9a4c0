// Unknown JSON → Catalog, or everything that is wrong with it. Floor 0: pure.
// First the shape (shapes.ts), then what needs the whole (relations.ts).

import { type Catalog, isCatalog } from './catalog.ts'
import type { CatalogDocument, ShortDocument } from './document.ts'
import { type At, type Issue, isObject, Notes } from './readers.ts'
import { type Naming, relate } from './relations.ts'
import { fullDocument, shortDocument } from './shapes.ts'
import { expand } from './short.ts'

/** What came of a document. Warnings are for its author: things that hold, but perhaps not as meant. */
export type Checked =
  | { readonly ok: true; readonly catalog: Catalog; readonly warnings: readonly Issue[] }
  | { readonly ok: false; readonly issues: readonly Issue[]; readonly warnings: readonly Issue[] }

const FULL: Naming = {
  plans: 'usagePlans',
  keys: 'apiKeys',
  planOfKey: i => ['apiKeys', i, 'usagePlanIds'],
  pathOfMethod: (api, i) => ['apis', api, 'methods', i, 'path'],
}

/**
 * A catalog read from a document, in full or in short form (document.ts).
 *
 * @param document parsed JSON, or the same built in code
 * @returns the catalog, or all issues at once, but for those that may be gone with others (`tell`). Never throws,
 * whatever comes.
 */
export function check(document: unknown): Checked {
  const notes = new Notes()
  const isShort = isObject(document) && ['plans', 'keys', 'requireKey'].some(name => Object.hasOwn(document, name))
  const catalog = isShort ? readShort(notes, document) : readFull(notes, document)
  const { issues, warnings } = notes
  if (catalog === undefined || issues.length > 0) return { ok: false, issues, warnings }
  return { ok: true, catalog, warnings }
}

/**
 * A catalog of a document, in full or in short form; a catalog is its own.
 *
 * @throws {CatalogError} with every issue, when there is one
 */
export function catalogOf(input: CatalogDocument | ShortDocument | Catalog): Catalog {
  if (isCatalog(input)) return input
  const checked = check(input)
  if (!checked.ok) throw new CatalogError(checked.issues)
  return checked.catalog
}

/** A document that `check` refuses. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
  readonly code = 'INVALID_CATALOG'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    const more = issues.length > 1 ? `\n(and ${issues.length - 1} more: see .issues)` : ''
    super(`${issues[0]?.message ?? 'not a catalog'}${more}`)
    this.issues = issues
  }
}

function readShort(notes: Notes, document: unknown): Catalog | undefined {
  const read = shortDocument(notes, document)
  if (read === undefined) return undefined
  const found = new Notes()
  const { parts, methodsAt } = expand(read, found)
  const catalog = relate(parts, shortNaming(methodsAt), found)
  tell(found, notes)
  return catalog
}

function shortNaming(methodsAt: readonly At[]): Naming {
  return {
    plans: 'plans',
    keys: 'keys',
    planOfKey: i => ['keys', i, 'plan'],
    pathOfMethod: (_, i) => methodsAt[i] ?? [],
  }
}

function readFull(notes: Notes, document: unknown): Catalog | undefined {
  const read = fullDocument(notes, document)
  if (read === undefined) return undefined
  const found = new Notes()
  const catalog = relate(read, FULL, found)
  tell(found, notes)
  return catalog
}

/** What names in these lists lead into; all others lead into APIs. */
const LEADS_INTO: Readonly<Record<string, string>> = { apiKeys: 'usagePlans', keys: 'plans', plans: 'requireKey' }

/**
 * Notes on what was read become notes on the document, each once. Where pieces of a list could not be read, or a list is not
 * where it should be, names that seem to lead nowhere may lead there: nothing is said of those.
 */
function tell(found: Notes, notes: Notes): void {
  const faulty = new Set(notes.issues.map(({ at: [list] }) => list))
  const isWhole = notes.issues.every(({ at, code }) => at.length > (code === 'unknown-field' ? 1 : 0))
  const isSure = ({ at: [list = ''] }: Issue): boolean => isWhole && !faulty.has(LEADS_INTO[list] ?? 'apis')
  const said = new Set<string>()
  const isNews = (issue: Issue): boolean => {
    const { code, message } = issue
    if (said.has(message) || (code === 'reference' && !isSure(issue))) return false
    said.add(message)
    return true
  }
  for (const issue of found.issues.filter(isNews)) {
    notes.add(notes.inDocument(issue.at), issue.code, issue.expected, issue.received, issue.remedy)
  }
  for (const issue of found.warnings.filter(isNews)) {
    notes.warn(notes.inDocument(issue.at), issue.code, issue.expected, issue.received, issue.remedy)
  }
}
