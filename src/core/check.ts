// Unknown JSON → Catalog, or everything that is wrong with it. Floor 0: pure.
// First the shape (shapes.ts), then what needs the whole (relations.ts).

import type { Catalog } from './catalog.ts'
import { type Issue, isObject, Notes } from './readers.ts'
import { type Naming, relate } from './relations.ts'
import { fullDocument, type Parts, shortDocument } from './shapes.ts'
import { expand } from './short.ts'

/** What came of a document. Warnings are for its author: things that hold, but perhaps not as meant. */
export type Checked =
  | { readonly ok: true; readonly catalog: Catalog; readonly warnings: readonly Issue[] }
  | { readonly ok: false; readonly issues: readonly Issue[]; readonly warnings: readonly Issue[] }

const FULL: Naming = { plans: 'usagePlans', keys: 'apiKeys', planOfKey: i => ['apiKeys', i, 'usagePlanIds'] }
const SHORT: Naming = { plans: 'plans', keys: 'keys', planOfKey: i => ['keys', i, 'plan'] }

/**
 * A catalog read from a document, in full or in short form (document.ts).
 *
 * @param document parsed JSON, or the same built in code
 * @returns the catalog, or every issue at once. Never throws, whatever comes.
 */
export function check(document: unknown): Checked {
  const notes = new Notes()
  const isShort = isObject(document) && ['plans', 'keys', 'requireKey'].some(name => Object.hasOwn(document, name))
  const catalog = isShort ? readShort(notes, document) : readFull(notes, document)
  const { issues, warnings } = notes
  if (catalog === undefined || issues.length > 0) return { ok: false, issues, warnings }
  return { ok: true, catalog, warnings }
}

function readShort(notes: Notes, document: unknown): Catalog | undefined {
  const read = shortDocument(notes, document, [])
  return read && relateRead(expand(read, notes), SHORT, notes)
}

function readFull(notes: Notes, document: unknown): Catalog | undefined {
  const read = fullDocument(notes, document, [])
  return read && relateRead(read, FULL, notes)
}

/** Where pieces could not be read, names that seem to lead nowhere may lead to them: nothing is said of those. */
function relateRead(parts: Parts, naming: Naming, notes: Notes): Catalog {
  if (notes.issues.length === 0) return relate(parts, naming, notes)
  const found = new Notes()
  const catalog = relate(parts, naming, found)
  notes.issues.push(...found.issues.filter(({ code }) => code !== 'reference'))
  return catalog
}
