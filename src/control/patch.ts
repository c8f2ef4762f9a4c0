// PATCH as AWS does it: operations with paths and text values, all of them or none. Floor 4: pure.
// It is no JSON Patch: paths name what may be changed, each entity has its own list, and every value is text.

import { isObject } from '../core/readers.ts'
import { badRequest, refuse } from './fault.ts'
import { listOf } from './input.ts'
import type { Input } from './operation.ts'

const OPS = ['add', 'remove', 'move', 'test', 'replace', 'copy'] as const
export type PatchOp = (typeof OPS)[number]

export interface Patch {
  readonly op: PatchOp
  readonly path: string
  readonly value: string | undefined
}

/**
 * The operations of a request, in their order. Source: AWS API Gateway, API_PatchOperation; the words as recorded.
 *
 * @param operation `updateApiKey`, as AWS's validation names the input
 */
export function patchesOf(input: Input, operation: string): readonly Patch[] {
  const list = listOf(input, 'patchOperations') ?? []
  if (list.length > 1000) badRequest('At most 1000 patch operations are allowed in one request')
  const faults: string[] = []
  const patches = list.map((item, i): Patch => {
    if (!isObject(item)) return refuse('SerializationException', `patchOperations[${i}]: expected an object`)
    const { op = null, path = null, value = null } = item
    if (!OPS.includes(op as PatchOp)) {
      faults.push(
        `Value '${String(op)}' at '${operation}Input.patchOperations.${i + 1}.member.op' failed to satisfy constraint: ` +
          `Member must satisfy enum value set: [${OPS.join(', ')}]`,
      )
    }
    if (value !== null && typeof value !== 'string') {
      refuse('SerializationException', `patchOperations[${i}].value: expected a string`)
    }
    if (path !== null && typeof path !== 'string') {
      refuse('SerializationException', `patchOperations[${i}].path: expected a string`)
    }
    return { op: op as PatchOp, path: (path ?? '') as string, value: (value ?? undefined) as string | undefined }
  })
  if (faults.length > 0) {
    const errors = faults.length === 1 ? '1 validation error' : `${faults.length} validation errors`
    refuse('ValidationException', `${errors} detected: ${faults.join('; ')}`)
  }
  if (list.some(item => ((item as Input)['path'] ?? null) === null)) badRequest('Invalid patch path null')
  return patches
}

/** Ends the operation: that path is none of those, for this op. Two spaces, as AWS has them. */
export function invalidPath({ op, path }: Patch, allowed: readonly string[]): never {
  return badRequest(`Invalid patch path  '${path}' specified for op '${op}'. Must be one of: [${allowed.join(', ')}]`)
}

/** Applies every operation in turn to what the last one left. */
export function applied<T>(patches: readonly Patch[], start: T, apply: (value: T, patch: Patch) => T): T {
  return patches.reduce(apply, start)
}

/** As Java's Boolean.parseBoolean: `true` in any case, all else is false. Recorded on AWS: nothing fails. */
export function flagIn({ value = '' }: Patch): boolean {
  return value.toLowerCase() === 'true'
}

/** A whole number as people write it: no sign but of `-1` where it is allowed, no exponent, no blanks. */
export function wholeIn(patch: Patch, least: number, most: number): number {
  const { value = '', path } = patch
  const number = /^(0|-?[1-9][0-9]{0,15})$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  return badRequest(`Invalid value specified for ${path}: expected a whole number from ${least} to ${most}`)
}

/** A number as JSON has them, not below 0 but for `-1` where it is allowed. */
export function decimalIn(patch: Patch): number {
  const { value = '', path } = patch
  if (/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$/.test(value) && value.length <= 400) {
    const number = Number(value)
    if (Number.isFinite(number)) return number + 0
  }
  return badRequest(`Invalid value specified for ${path}: expected a number`)
}

/** The value, which must be there. */
export function valueIn({ value, path }: Patch): string {
  return value ?? badRequest(`Invalid patch value null for path ${path}`)
}

/** A part of a JSON pointer as it was meant: `~1` is a slash, `~0` a tilde. */
export function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}
