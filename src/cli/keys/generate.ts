// `tollgate keys generate`: new values, from the system's randomness. Floor 5.

import { randomBytes } from 'node:crypto'
import { writeKeyFile } from '../../core/key-file.ts'
import { isKeyPrefix, keyValueOf } from '../../core/key-value.ts'
import { isId } from '../../core/plan.ts'
import { argumentsOf, wholeNumber } from '../options.ts'
import { UsageError } from '../terminal.ts'
import { shown } from './arguments.ts'
import { toStdout } from './to-stdout.ts'

const DEFAULT_PREFIX = 'key'

export async function generate(args: string[]): Promise<void> {
  const { values, positionals } = argumentsOf('keys generate', args, {
    count: { type: 'string', default: '1' },
    prefix: { type: 'string' },
    plan: { type: 'string' },
    name: { type: 'string' },
    csv: { type: 'boolean', default: false },
    aws: { type: 'boolean', default: false },
  })
  const [stray] = positionals
  if (stray !== undefined) {
    throw new UsageError(
      `expected options only, since values are made here, received ${shown(stray)}; remove it. If it was a key, replace ` +
        "it: a command line is kept in the shell's history; see tollgate keys generate --help",
    )
  }
  if (values.count.length > 20)
    throw new UsageError(`--count: expected a whole number, received ${shown(values.count)}`)
  const count = wholeNumber('--count', values.count, 1, 10_000_000)
  const { csv, name, plan } = values
  if (plan !== undefined && !csv) throw new UsageError('--plan: plain lines have no place for a plan; add --csv')
  if (name !== undefined && !csv) throw new UsageError('--name: plain lines have no place for a name; add --csv')
  if (plan !== undefined && !isId(plan)) {
    throw new UsageError(
      `--plan: expected the id of a usage plan, 1 to 128 of A-Z a-z 0-9 . _ ~ -, received ${shown(plan)}`,
    )
  }
  if (name === '' || (name !== undefined && name.length > 1000)) {
    throw new UsageError(`--name: expected 1 to 1000 characters, received ${name.length}`)
  }
  const prefix = prefixOf(values)
  if (!csv) return toStdout(lines(count, prefix))
  return toStdout(
    writeKeyFile(
      keys(count, prefix, {
        nameOf: i => (count === 1 && name !== undefined ? name : `${name ?? 'Key'} ${i}`),
        usagePlanIds: plan === undefined ? [] : [plan],
      }),
      { raw: true },
    ),
  )
}

/** A new value: never seen before, and never again. */
export function newValue(prefix: string): string {
  return keyValueOf(prefix, randomBytes(64))
}

function prefixOf({ prefix, aws }: { readonly prefix?: string | undefined; readonly aws: boolean }): string {
  if (aws && prefix !== undefined)
    throw new UsageError('--aws: expected no --prefix, since keys of AWS have none; remove one')
  if (aws) return ''
  if (prefix === undefined) return DEFAULT_PREFIX
  if (prefix !== '' && isKeyPrefix(prefix)) return prefix
  throw new UsageError(
    `--prefix: expected 1 to 23 letters, digits and _, a letter first and no _ last, received ${shown(prefix)}`,
  )
}

function* lines(count: number, prefix: string): Generator<string, void, undefined> {
  for (let i = 0; i < count; i += 1000) {
    yield Array.from({ length: Math.min(1000, count - i) }, () => `${newValue(prefix)}\n`).join('')
  }
}

interface Fields {
  readonly nameOf: (i: number) => string
  readonly usagePlanIds: readonly string[]
}

function* keys(count: number, prefix: string, { nameOf, usagePlanIds }: Fields) {
  for (let i = 1; i <= count; i++) {
    yield { id: String(i), value: newValue(prefix), name: nameOf(i), enabled: true, usagePlanIds }
  }
}
