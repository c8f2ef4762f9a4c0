// The configuration while it lives: read at the start, watched, read again. Floor 5.
// A wrong one is explained and the one in force stays; counters and requests under way are not touched.

import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

export interface Living {
  /** Reads again now. @returns whether what was read is in force */
  reload(): Promise<boolean>
  close(): void
}

export interface LivingOptions {
  /** The files it is read from. */
  readonly files: readonly string[]
  /** Reads them and puts what they say in force. Throws with an explanation. @returns whether that is new */
  readonly apply: () => Promise<boolean>
  readonly onRead: (isNew: boolean) => void
  readonly onRefused: (error: unknown) => void
}

/** ms in which the many events of one saving of a file are taken for one. */
const SETTLED = 100

/** Watches the files, by their folders: editors replace a file rather than write into it. */
export function living({ files, apply, onRead, onRefused }: LivingOptions): Living {
  let timer: NodeJS.Timeout | undefined
  let reading: Promise<boolean> = Promise.resolve(true)

  async function once(): Promise<boolean> {
    try {
      onRead(await apply())
      return true
    } catch (error) {
      onRefused(error)
      return false
    }
  }
  // One after the other: the last that was saved is the last that is put in force.
  const reload = (): Promise<boolean> => (reading = reading.then(once))

  const folders = new Map<string, Set<string>>()
  for (const file of files) {
    const folder = dirname(file)
    folders.set(folder, (folders.get(folder) ?? new Set()).add(basename(file)))
  }
  const watchers = [...folders].map(([folder, names]): FSWatcher => {
    const watcher = watch(folder, (_, name) => {
      if (name !== null && !names.has(name)) return
      clearTimeout(timer)
      timer = setTimeout(() => void reload(), SETTLED)
      timer.unref()
    })
    // A folder that goes away is no longer watched; SIGHUP still reads.
    watcher.on('error', onRefused)
    watcher.unref()
    return watcher
  })

  return {
    reload,
    close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
    },
  }
}
