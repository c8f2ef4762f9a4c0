// What is going on, for a person who has been waiting: one line on stderr, after two seconds, in a terminal. Floor 5.

const PATIENCE = 2000
const BETWEEN = 200

export interface Progress {
  /** What is going on now. */
  at(what: string): void
  /** Done: the line goes away. */
  end(): void
}

export function progress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { at: () => {}, end: () => {} }
  const start = Date.now()
  let shown = 0
  return {
    at(what) {
      const now = Date.now()
      if (now - start < PATIENCE || now - shown < BETWEEN) return
      shown = now
      stream.write(`\r\x1b[K${what} …`)
    },
    end() {
      if (shown > 0) stream.write('\r\x1b[K')
      shown = 0
    },
  }
}
