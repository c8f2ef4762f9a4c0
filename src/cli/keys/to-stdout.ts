// Data to stdout, as fast as it is read there and no further than it is. Floor 5.

import { once } from 'node:events'

export async function toStdout(chunks: Iterable<string>): Promise<void> {
  const { stdout } = process
  let closed = false
  // Whoever reads may have read enough: `| head`.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    closed = true
  })
  for (const chunk of chunks) {
    if (closed) return
    if (!stdout.write(chunk)) await once(stdout, 'drain').catch(() => {})
  }
}
