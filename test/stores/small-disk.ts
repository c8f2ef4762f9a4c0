// A disk of 2 MB that can be filled, where this user may mount one.

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'

const mounted: string[] = []
afterEach(() => {
  for (const folder of mounted.splice(0)) unmount(folder)
})

/** Whether there can be one: it takes Linux, and root. */
export function canMount(): boolean {
  try {
    unmount(mount())
    return true
  } catch {
    return false
  }
}

/** Its folder; gone after the test. */
export function smallDisk(): string {
  const folder = mount()
  mounted.push(folder)
  return folder
}

/** Appends to a file until there is no room. */
export function fill(file: string): void {
  for (let size = 65_536; size > 0; size >>= 1) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size))
    } catch {
      // Less may still fit.
    }
  }
}

function mount(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', folder], { stdio: 'ignore' })
  } catch (error) {
    rmdirSync(folder)
    throw error
  }
  return folder
}

function unmount(folder: string): void {
  // What is still open there is closed behind it.
  execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' })
  rmdirSync(folder)
}
