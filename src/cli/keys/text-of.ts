// The text of a file, or of stdin, in chunks as it comes. Floor 5.

import { createReadStream } from 'node:fs'
import { readError } from '../load.ts'
import type { Progress } from '../progress.ts'

/** What to call a file in messages. */
export function nameOf(path: string): string {
  return path === '-' ? 'stdin' : path
}

/** @param path a file, or `-` for stdin @throws {UsageError} when it cannot be read, or is no UTF-8 */
export async function* textOf(path: string, { at }: Progress): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let size = 0
  try {
    for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
      size += (chunk as Buffer).length
      at(`reading ${nameOf(path)}: ${Math.round(size / 1e6)} MB`)
      yield decoder.decode(chunk as Buffer, { stream: true })
    }
    yield decoder.decode()
  } catch (error) {
    throw readError(nameOf(path), error)
  }
}

/** All of it. */
export async function wholeTextOf(path: string, progress: Progress): Promise<string> {
  let text = ''
  for await (const chunk of textOf(path, progress)) text += chunk
  return text
}
