// A catalog file → Catalog, or what is wrong with it, with line and column. Floor 5.
// JSON.parse keeps the last of two equal members and knows no lines; the kept parser walks the text for both.

import { readFileSync } from 'node:fs'
import { type ParseError, printParseErrorCode, visit } from 'jsonc-parser'
import type { Catalog } from '../core/catalog.ts'
import { check } from '../core/check.ts'
import { type At, type Issue, say } from '../core/readers.ts'

/** A place in a text, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** One thing to put right (or, among warnings, to look at) in a file. */
export interface Problem extends Place {
  readonly message: string
  /** What `check` noted; absent where the file is no JSON. */
  readonly issue?: Issue
}

export type Loaded =
  | {
      readonly ok: true
      readonly catalog: Catalog
      readonly warnings: readonly Problem[]
      readonly text: string
      /** The text, parsed. */
      readonly document: unknown
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Objects deeper than this are no catalog, and are not walked into. */
const DEEPEST = 64

/** Reads a catalog file. @throws what reading a file throws */
export function loadCatalog(path: string): Loaded {
  return parseCatalog(readFileSync(path))
}

/** The catalog in a file's bytes. */
export function parseCatalog(bytes: Uint8Array): Loaded {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { ok: false, problems: [{ line: 1, column: 1, message: 'expected UTF-8 text; save the file as UTF-8' }] }
  }
  let document = plain(text)
  if (document === undefined) {
    const found = tooDeep(() => walk(text))
    if (found.length > 0) return { ok: false, problems: found }
    document = JSON.parse(text)
  }
  const checked = check(document)
  const noted = checked.ok ? checked.warnings : checked.issues
  const places = placesOf(
    text,
    noted.map(({ at }) => at),
  )
  const problems = noted.map((issue): Problem => ({ ...places(issue.at), message: issue.message, issue }))
  return checked.ok
    ? { ok: true, catalog: checked.catalog, warnings: problems, text, document }
    : { ok: false, problems }
}

/**
 * The text parsed, if it is JSON that says one thing: as many members came of it as it has colons outside of texts, so none
 * was given twice. Undefined where it is to be walked. A million keys are outlined in a tenth of the time of a walk.
 */
function plain(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text)
    const { members, depth } = outlined(text)
    return depth < DEEPEST && membersOf(document) === members ? document : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}

/** How many members a JSON text has, and how deep it goes. */
function outlined(text: string): { readonly members: number; readonly depth: number } {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 34: // "
        for (i++; text.charCodeAt(i) !== 34; i++) if (text.charCodeAt(i) === 92) i++
        break
      case 58: // :
        members++
        break
      case 91: // [
      case 123: // {
        deepest = Math.max(deepest, ++depth)
        break
      case 93: // ]
      case 125: // }
        depth--
    }
  }
  return { members, depth: deepest }
}

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) for (const item of value) members += membersOf(item)
  else for (const name in value) members += 1 + membersOf((value as Record<string, unknown>)[name])
  return members
}

/** What `walk` finds; a text so deep that no parser's stack reaches its end is no catalog either. */
function tooDeep(walk: () => Problem[]): Problem[] {
  try {
    return walk()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [
      {
        line: 1,
        column: 1,
        message: `expected at most ${DEEPEST} levels, received thousands; a catalog has fewer than 10`,
      },
    ]
  }
}

/**
 * What makes the text no JSON, or JSON that says two things: a member given twice, which parsers settle differently. Nothing
 * after the first thing that is no JSON: from there on the rest is read otherwise than its author meant.
 */
function walk(text: string): Problem[] {
  if (text.trim() === '') {
    const remedy = 'write a catalog there, or let tollgate init make one'
    return [{ line: 1, column: 1, message: `expected JSON, received nothing: the file is empty; ${remedy}` }]
  }
  const problems: Problem[] = []
  let isJson = true
  const note = (line: number, column: number, message: string): void => {
    if (isJson) problems.push({ line: line + 1, column: column + 1, message })
  }
  const names: Set<string>[] = []
  let depth = 0
  const enter = (line: number, column: number): boolean => {
    if (++depth === DEEPEST)
      note(line, column, `expected at most ${DEEPEST} levels, received more; a catalog has fewer than 10`)
    return depth < DEEPEST
  }
  visit(
    text,
    {
      onObjectBegin: (_, __, line, column) => {
        names.push(new Set())
        return enter(line, column)
      },
      onObjectEnd: () => {
        names.pop()
        depth--
      },
      onArrayBegin: (_, __, line, column) => enter(line, column),
      onArrayEnd: () => {
        depth--
      },
      onObjectProperty: (name, _, __, line, column, path) => {
        const seen = names.at(-1)
        if (seen?.has(name))
          note(line, column, `expected each member once, received ${say(path(), name)} again; remove one of the two`)
        seen?.add(name)
      },
      onError: (error: ParseError['error'], _, __, line, column) => {
        const code = printParseErrorCode(error)
        const remedy = REMEDIES[code] ?? 'mend it'
        note(line, column, `expected JSON, received something else (${sentence(code)}); ${remedy}`)
        isJson = false
      },
    },
    { disallowComments: true },
  )
  return problems.slice(0, 20)
}

/** What to do where there is no JSON, by the parser's codes. */
const REMEDIES: Readonly<Record<string, string>> = {
  PropertyNameExpected: 'put a name in double quotes there, or remove the comma before it',
  ValueExpected: 'put a value there, or remove the comma before it',
  ColonExpected: 'put a colon before it',
  CommaExpected: 'put a comma before it',
  CloseBraceExpected: 'close the object with } there',
  CloseBracketExpected: 'close the list with ] there',
  EndOfFileExpected: 'remove what comes after the end',
  InvalidSymbol: 'put text in double quotes',
  InvalidCommentToken: 'remove the comment, since JSON has none',
  UnexpectedEndOfComment: 'remove the comment, since JSON has none',
  UnexpectedEndOfString: 'close the text with a double quote',
}

/** `CloseBraceExpected` → `close brace expected`. */
function sentence(code: string): string {
  return code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
}

/**
 * Where in a text the values of a document are: each its own place, or that of the nearest thing around it.
 *
 * @param text JSON that was parsed
 * @param wanted every path that will be asked for: what leads to none of them is not walked into
 */
export function placesOf(text: string, wanted: readonly At[]): (at: At) => Place {
  const names = new Set(wanted.flatMap(at => at.map((_, i) => JSON.stringify(at.slice(0, i + 1)))))
  const places = new Map<string, Place>()
  const note = (line: number, column: number, path: At): boolean => {
    const name = JSON.stringify(path)
    const isWanted = names.has(name)
    if (isWanted && !places.has(name)) places.set(name, { line: line + 1, column: column + 1 })
    return isWanted || path.length === 0
  }
  if (names.size > 0) {
    visit(text, {
      onObjectBegin: (_, __, line, column, path) => note(line, column, path()),
      onArrayBegin: (_, __, line, column, path) => note(line, column, path()),
      // The parser walks on after what was not walked into only where somebody asks for ends.
      onObjectEnd: () => {},
      onArrayEnd: () => {},
      onObjectProperty: (name, _, __, line, column, path) => {
        note(line, column, [...path(), name])
      },
      onLiteralValue: (_, __, ___, line, column, path) => {
        note(line, column, path())
      },
    })
  }
  return at => {
    for (let length = at.length; length > 0; length--) {
      const place = places.get(JSON.stringify(at.slice(0, length)))
      if (place !== undefined) return place
    }
    return { line: 1, column: 1 }
  }
}

/** `catalog.json:12:7: usagePlans[0]…` */
export function problemLine(path: string, { line, column, message }: Problem): string {
  return `${path}:${line}:${column}: ${message}`
}
