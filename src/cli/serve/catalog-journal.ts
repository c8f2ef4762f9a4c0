// The log of a catalog in a plain file, for one process whose store is its memory. Floor 5.
// A line an entry, on disk before it is answered. A whole catalog begins a new file, put in place of the old one at once.

import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs'
import { StoreError } from '../../errors.ts'
import type { CatalogLog, Published } from '../../stores/catalog-log.ts'
import { putFile } from '../replace-file.ts'

/**
 * A log in this file, which is made where it is missing. Its owner alone may read it: there are keys in it.
 *
 * @throws {StoreError} when the file is no such log. A last line that is cut off was never answered for, and is dropped.
 */
export function catalogJournal(path: string): CatalogLog & { close(): void } {
  let fd = openSync(path, 'a+', 0o600)
  let { last, size } = ended(path, fd)

  function entries(): Published[] {
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.map((line, i) => parsed(path, line, i + 1))
  }

  /** Another process's lines would be lost in ours, or ours in theirs. */
  function checkAlone(): void {
    const mine = fstatSync(fd)
    const there = statSync(path)
    if (mine.ino === there.ino && there.size === size) return
    throw new StoreError(`${path} was written by somebody else; it is for one process`, { transient: false })
  }

  return {
    async since(version) {
      return version >= last ? [] : entries().filter(entry => entry.version > version)
    },

    async append(version, change) {
      if (version !== last) return false
      checkAlone()
      const line = Buffer.from(`${JSON.stringify({ version: version + 1, change } satisfies Published)}\n`)
      if (change.kind === 'catalog') {
        putFile(path, line)
        closeSync(fd)
        fd = openSync(path, 'a+', 0o600)
        size = 0
      } else {
        try {
          for (let at = 0; at < line.length; ) at += writeSync(fd, line, at)
          fdatasyncSync(fd)
        } catch (cause) {
          // Not half of it: what comes next would be on its line.
          ftruncateSync(fd, size)
          throw new StoreError(`${path}: ${(cause as Error).message}`, { transient: true, cause })
        }
      }
      size += line.length
      last = version + 1
      return true
    },

    close: () => closeSync(fd),
  }
}

/** The last version in the file and its size, without a line that was cut off. */
function ended(path: string, fd: number): { last: number; size: number } {
  const bytes = readFileSync(path)
  const size = bytes.lastIndexOf(10) + 1
  if (size < bytes.length) ftruncateSync(fd, size)
  if (size === 0) return { last: 0, size }
  const from = bytes.lastIndexOf(10, size - 2) + 1
  return { last: parsed(path, bytes.toString('utf8', from, size - 1), 'last').version, size }
}

function parsed(path: string, line: string, where: number | 'last'): Published {
  try {
    const entry = JSON.parse(line) as Published
    if (Number.isSafeInteger(entry.version) && typeof entry.change === 'object') return entry
  } catch {
    // Said below.
  }
  throw new StoreError(`${path}: line ${where} is no entry of a catalog's log; move the file away to begin anew`, {
    transient: false,
  })
}
