// Arguments of `tollgate keys`. Floor 5. A key's value may have slipped in anywhere, so no argument that could be one is
// ever repeated: what stands on a command line is in the shell's history and in everybody's `ps`.

import { existsSync } from 'node:fs'
import { isKeyValue } from '../../core/plan.ts'
import { UsageError } from '../terminal.ts'

/** An argument, to be named in an error. */
export function shown(text: string): string {
  return text.length < 20 ? JSON.stringify(text) : lengthOf(text)
}

function lengthOf(text: string): string {
  return `(${text.length} characters)`
}

/** Files, as many as are named here; `-`, where it may be, is what comes on stdin. */
export function filesOf(verb: string, names: readonly string[], positionals: readonly string[]): string[] {
  for (const positional of positionals) refuseValue(positional)
  names.forEach((name, i) => {
    if (positionals[i] !== undefined) return
    throw new UsageError(`${name}: expected a file, received nothing; tollgate ${verb} ${names.join(' ')}`)
  })
  const extra = positionals[names.length]
  if (extra !== undefined) {
    throw new UsageError(`expected ${names.join(' ')} and nothing else, received ${shown(extra)}, too; remove it`)
  }
  return [...positionals]
}

/** A value, unless there is a file of that name, or it ends as files do. */
function refuseValue(argument: string): void {
  if (!isKeyValue(argument) || /\.[A-Za-z]\w{1,5}$/.test(argument) || existsSync(argument)) return
  throw new UsageError(
    `expected a file, received ${lengthOf(argument)} that look like a key's value, and there is no such file. ` +
      "Values come in a file or, with -, on stdin: a command line is kept in the shell's history and seen by everyone " +
      'on the machine. If it was a key, replace it',
  )
}
