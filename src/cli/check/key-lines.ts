// On which lines of a key file some keys are: read a second time, and only when there is something to say of them. Floor 5.

import { closeSync, openSync, readSync } from 'node:fs'
import { readKeyFile } from '../../core/key-file.ts'

/** By value, the line of its last row: that is the one that counts. */
export function linesOfValues(path: string, values: ReadonlySet<string>): Map<string, number> {
  const lines = new Map<string, number>()
  for (const entry of readKeyFile(chunksOf(path))) {
    if (entry.kind === 'row' && values.has(entry.value)) lines.set(entry.value, entry.line)
  }
  return lines
}

function* chunksOf(path: string): Generator<string> {
  const decoder = new TextDecoder()
  const buffer = Buffer.alloc(65_536)
  const file = openSync(path, 'r')
  try {
    for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer)) {
      yield decoder.decode(buffer.subarray(0, size), { stream: true })
    }
    yield decoder.decode()
  } finally {
    closeSync(file)
  }
}
