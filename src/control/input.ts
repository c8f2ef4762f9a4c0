// Members of an operation's input, read: as AWS's services read them, unknown members are passed over and null is
// nothing. Floor 4: pure.

import { isObject } from '../core/readers.ts'
import { badRequest, refuse } from './fault.ts'
import type { Input } from './operation.ts'

function memberOf(input: Input, name: string): unknown {
  return Object.hasOwn(input, name) ? (input[name] ?? undefined) : undefined
}

function wrongType(name: string, expected: string): never {
  return refuse('SerializationException', `${name}: expected ${expected}`)
}

/** Text, or undefined. */
export function textOf(input: Input, name: string): string | undefined {
  const value = memberOf(input, name)
  return value === undefined || typeof value === 'string' ? value : wrongType(name, 'a string')
}

/** Text that must be there. Source of the words: AWS's model-level validation, by its pattern. */
export function requiredText(input: Input, name: string, operation: string): string {
  const value = textOf(input, name)
  if (value !== undefined) return value
  return refuse(
    'ValidationException',
    `1 validation error detected: Value null at '${operation}Input.${name}' failed to satisfy constraint: Member must not be null`,
  )
}

/** Text of at most so many characters. */
export function boundedText(input: Input, name: string, most: number, message: string): string | undefined {
  const value = textOf(input, name)
  return value === undefined ? undefined : bounded(value, most, message)
}

/** The text, when it is short enough: counted as the catalog counts it, by code points. */
export function bounded(value: string, most: number, message: string): string {
  if (value.length > most && (value.length > 2 * most || [...value].length > most)) badRequest(message)
  return value
}

/** True or false, or undefined. Of a query it is text. */
export function flagOf(input: Input, name: string): boolean | undefined {
  const value = memberOf(input, name)
  if (value === 'true') return true
  if (value === 'false') return false
  return value === undefined || typeof value === 'boolean' ? value : wrongType(name, 'true or false')
}

export function numberOf(input: Input, name: string): number | undefined {
  const value = memberOf(input, name)
  return value === undefined || typeof value === 'number' ? value : wrongType(name, 'a number')
}

export function objectOf(input: Input, name: string): Input | undefined {
  const value = memberOf(input, name)
  return value === undefined || isObject(value) ? value : wrongType(name, 'an object')
}

export function listOf(input: Input, name: string): readonly unknown[] | undefined {
  const value = memberOf(input, name)
  return value === undefined || Array.isArray(value) ? value : wrongType(name, 'a list')
}

/** A list of texts. */
export function textsOf(input: Input, name: string): readonly string[] | undefined {
  return listOf(input, name)?.map(item => (typeof item === 'string' ? item : wrongType(name, 'a list of strings')))
}

/** A map of texts, without a prototype, so that any name may be in it. */
export function mapOf(input: Input, name: string): Readonly<Record<string, string>> | undefined {
  return mapWith(input, name, value => (typeof value === 'string' ? value : wrongType(name, 'a map of strings')))
}

export function mapWith<T>(
  input: Input,
  name: string,
  read: (value: unknown) => T,
): Readonly<Record<string, T>> | undefined {
  const value = objectOf(input, name)
  if (value === undefined) return undefined
  const map: Record<string, T> = Object.create(null)
  for (const key of Object.keys(value)) map[key] = read(value[key])
  return map
}

/** Labels of a thing. Bounds are AWS's quotas: 50, keys of 128, values of 256; `aws:` is AWS's own. */
export function tagsOf(input: Input): Readonly<Record<string, string>> | undefined {
  const tags = mapOf(input, 'tags')
  if (tags === undefined) return undefined
  checkTags(tags)
  return Object.keys(tags).length === 0 ? undefined : tags
}

export function checkTags(tags: Readonly<Record<string, string>>): void {
  const names = Object.keys(tags)
  if (names.length > 50) badRequest('Invalid tags: at most 50 tags are allowed')
  for (const name of names) {
    if (!/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(name)) badRequest('Invalid tags: a tag key is not allowed')
    bounded(tags[name] as string, 256, 'Invalid tags: a tag value can be at most 256 characters')
  }
}

/** The object without its members that are undefined. */
export function given<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): T {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value
  return kept as T
}
