// A catalog file's text with keys added and changed, and everything else in it left as it is written. Floor 5: pure.
// What a new key looks like is copied from the last one there is. One walk finds all keys, so that a hundred thousand of
// them cost what one costs times a hundred thousand, and no more.

import { type Node, parseTree, visit } from 'jsonc-parser'
import type { ApiKey } from '../../core/plan.ts'
import { isObject } from '../../core/readers.ts'

/** A text and what it says, as catalog-file.ts gives them. */
export interface Written {
  readonly text: string
  readonly document: unknown
}

/** Whether a document is in short form (core/check.ts): each of its keys has one plan, there are no others. */
export function isShort(document: unknown): boolean {
  return isObject(document) && ['plans', 'keys', 'requireKey'].some(name => Object.hasOwn(document, name))
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * The text with these keys in it.
 *
 * @param keys what they are to be; those whose id the document has are changed where they stand, in the fields that a key
 * file has, and the others come at the end
 */
export function withKeys({ text, document }: Written, keys: readonly ApiKey[]): string {
  const short = isShort(document)
  const name = short ? 'keys' : 'apiKeys'
  const listed = ((document as Record<string, unknown>)[name] ?? []) as readonly { readonly id: string }[]
  const placeOf = new Map(listed.map(({ id }, i) => [id, i]))
  const places = placesOfKeys(text, name)
  const edits: Edit[] = []
  const added: Field[][] = []
  for (const key of keys) {
    const place = placeOf.get(key.id)
    if (place === undefined) added.push(fieldsOf(key, short))
    else edits.push(...changes(text, places.keys[place] as Span, fieldsOf(key, short)))
  }
  if (added.length > 0) edits.push(addition(text, places, name, added))
  return applied(text, edits)
}

// What a key says.

type Field = readonly [name: string, value: unknown]

/** The fields a key file has, as they are written; undefined is not written. */
function fieldsOf(key: ApiKey, short: boolean): Field[] {
  const { id, value, name, description, enabled, usagePlanIds, createdDate, lastUpdatedDate } = key
  const plans: Field = short
    ? ['plan', usagePlanIds[0]]
    : ['usagePlanIds', usagePlanIds.length === 0 ? undefined : usagePlanIds]
  return [
    ['id', id],
    ['value', value],
    ['name', name],
    ['description', description],
    ['enabled', enabled ? undefined : false],
    plans,
    ['createdDate', createdDate],
    ['lastUpdatedDate', lastUpdatedDate],
  ]
}

function literal(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(item => JSON.stringify(item)).join(', ')}]` : JSON.stringify(value)
}

// Where keys are.

interface Span {
  readonly start: number
  readonly end: number
}

interface Places {
  /** From bracket to bracket; null where the document has no list of keys. */
  readonly list: Span | null
  readonly keys: readonly Span[]
  /** Of the document's closing brace. */
  readonly end: number
}

function placesOfKeys(text: string, list: string): Places {
  const keys: Span[] = []
  let found: Span | null = null
  let depth = 0
  let isNamed = false
  let inList = false
  let start = 0
  let first = 0
  let end = 0
  visit(text, {
    onObjectBegin: offset => {
      if (inList && depth === 2) start = offset
      depth++
    },
    onObjectEnd: offset => {
      depth--
      if (inList && depth === 2) keys.push({ start, end: offset + 1 })
      if (depth === 0) end = offset
    },
    onObjectProperty: name => {
      if (depth === 1) isNamed = name === list
    },
    onArrayBegin: offset => {
      if (isNamed && depth === 1) {
        inList = true
        first = offset
      }
      depth++
    },
    onArrayEnd: offset => {
      depth--
      if (!inList || depth !== 1) return
      inList = false
      found = { start: first, end: offset + 1 }
    },
  })
  return { list: found, keys, end }
}

// How a key is written.

/** The layout of an object: what is before its first member, between two, between name and value, and after the last. */
interface Layout {
  readonly open: string
  readonly gap: string
  readonly colon: string
  readonly close: string
}

interface Member extends Span {
  readonly name: string
  readonly value: Span
}

function membersOf(text: string): { readonly members: readonly Member[]; readonly layout: Layout } {
  const members = ((parseTree(text) as Node).children as Node[]).map(({ offset, length, children }): Member => {
    const [name, value] = children as [Node, Node]
    return {
      start: offset,
      end: offset + length,
      name: name.value as string,
      value: { start: value.offset, end: value.offset + value.length },
    }
  })
  // A key has an id and a value, so there are two.
  const [one, two] = members as [Member, Member]
  const layout = {
    open: text.slice(0, one.start),
    gap: text.slice(one.end, two.start),
    colon: text.slice(one.start + JSON.stringify(one.name).length, one.value.start),
    close: text.slice((members.at(-1) as Member).end),
  }
  return { members, layout }
}

function written(fields: readonly Field[], { open, gap, colon, close }: Layout): string {
  const members = fields.flatMap(([name, value]) => (value === undefined ? [] : `"${name}"${colon}${literal(value)}`))
  return `${open}${members.join(gap)}${close}`
}

/** What to change of a key that is there: only what says something else, and what it leaves out only where it matters. */
function changes(text: string, { start, end }: Span, fields: readonly Field[]): Edit[] {
  const key = text.slice(start, end)
  const said = JSON.parse(key) as Record<string, unknown>
  const { members, layout } = membersOf(key)
  const edits: Edit[] = []
  let added = ''
  for (const [name, value] of fields) {
    const i = members.findIndex(member => member.name === name)
    const member = members[i]
    if (member === undefined) {
      if (value !== undefined) added += `${layout.gap}"${name}"${layout.colon}${literal(value)}`
    } else if (value === undefined) {
      // Left out it is the default; where that is written there it may stay.
      const isDefault = name === 'enabled' ? said[name] === true : name === 'usagePlanIds'
      if (isDefault) continue
      const [from, to] = i === 0 ? [member.start, members[1]!.start] : [members[i - 1]!.end, member.end]
      edits.push({ start: start + from, end: start + to, text: '' })
    } else if (literal(said[name]) !== literal(value)) {
      edits.push({ start: start + member.value.start, end: start + member.value.end, text: literal(value) })
    }
  }
  const last = start + (members.at(-1) as Member).end
  if (added !== '') edits.push({ start: last, end: last, text: added })
  return edits
}

/** New keys, after the last there is. */
function addition(text: string, { list, keys, end }: Places, name: string, added: readonly Field[][]): Edit {
  const last = keys.at(-1)
  if (list !== null && last !== undefined) {
    const { layout } = membersOf(text.slice(last.start, last.end))
    const before = keys.at(-2)
    const between =
      before === undefined ? `,${text.slice(list.start + 1, last.start)}` : text.slice(before.end, last.start)
    return { start: last.end, end: last.end, text: added.map(fields => between + written(fields, layout)).join('') }
  }
  const eol = text.includes('\r\n') ? '\r\n' : text.includes('\n') ? '\n' : ''
  const unit = eol === '' ? '' : (/^([ \t]+)"/m.exec(text)?.[1] ?? '  ')
  const layout = { open: '{ ', gap: ', ', colon: ': ', close: ' }' }
  const lines = added.map(fields => `${eol}${unit}${unit}${written(fields, layout)}`)
  const all = `[${lines.join(',')}${eol}${unit}]`
  if (list !== null) return { ...list, text: all }
  const body = text.slice(0, end).trimEnd()
  const comma = body.endsWith('{') ? '' : ','
  return { start: body.length, end, text: `${comma}${eol}${unit}"${name}": ${all}${eol}` }
}

function applied(text: string, edits: readonly Edit[]): string {
  const parts: string[] = []
  let at = 0
  // Equal starts stay in their order: what is taken away before what is put in its place.
  for (const { start, end, text: put } of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, start), put)
    at = end
  }
  return parts.join('') + text.slice(at)
}
