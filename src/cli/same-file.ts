// Whether a path still leads to the file that was opened there. Floor 5. Who goes on in a file that was removed or replaced
// counts where nobody else looks.

import { statSync } from 'node:fs'

/** @returns a function that looks again */
export function sameFile(path: string): () => boolean {
  const opened = identityOf(path)
  return () => identityOf(path) === opened
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}/${ino}`
  } catch {
    return null
  }
}
