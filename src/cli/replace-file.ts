// A file's content, replaced all at once: whoever reads it sees the old or the new one, whatever happens. Floor 5.

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** The file is no longer what was read of it: someone else has written it. */
export class FileChanged extends Error {
  override readonly name = 'FileChanged'
}

/**
 * Replaces what was read of a file by something else: written beside it, forced to disk, renamed over it. Mode and, where
 * that is allowed, owner stay; a symbolic link stays one. Where anything fails the file is as it was.
 *
 * @throws {FileChanged} when the file no longer holds `before`
 */
export function replaceFile(path: string, before: Uint8Array, after: Uint8Array): void {
  const file = realpathSync(path)
  const { mode, uid, gid } = statSync(file)
  put(
    file,
    after,
    fd => {
      keepOwner(fd, uid, gid)
      fchmodSync(fd, mode & 0o7777)
    },
    () => {
      if (!readFileSync(file).equals(before)) throw new FileChanged(`${path} was changed in the meantime`)
    },
  )
}

/** Puts a file in place, for its owner's eyes: forced to disk, renamed over what was there. */
export function putFile(path: string, content: Uint8Array): void {
  put(path, content)
}

function put(file: string, content: Uint8Array, own?: (fd: number) => void, check?: () => void): void {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  // Nobody else's until it is known whose it is to be: there are keys in it.
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    try {
      writeFileSync(fd, content)
      own?.(fd)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    check?.()
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(dirname(file))
}

/** Only the superuser may give files away; for others it is theirs or stays as new files are. */
function keepOwner(fd: number, uid: number, gid: number): void {
  try {
    fchownSync(fd, uid, gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}

/** Makes the new name last; where folders cannot be opened, as on Windows, the system sees to that. */
function syncFolder(path: string): void {
  try {
    const fd = openSync(path, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    // The rename is done, and the file is the new one.
  }
}
