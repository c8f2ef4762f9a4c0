// The write-ahead log of an SQLite file, before it is opened. Floor 5. SQLite goes by it up to the first frame whose
// checksum does not hold, and says nothing of what follows: where that is not a torn end, transactions are lost.
// The format: sqlite.org/fileformat2.html#walformat.

import { readFileSync } from 'node:fs'

const HEADER = 32
const FRAME = 24

/**
 * How many transactions of the log beside a file SQLite will leave out, though they were committed: 0 where it is sound.
 * At least: the one that is damaged is counted where its end can be told.
 */
export function lostTransactions(path: string): number {
  for (;;) {
    const log = read(`${path}-wal`)
    if (log.length < HEADER) return 0
    const lost = lostIn(log)
    // Another process may have begun the log anew while it was read.
    if (lost === 0 || log.subarray(0, HEADER).equals(read(`${path}-wal`).subarray(0, HEADER))) return lost
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

function lostIn(log: Buffer): number {
  const size = FRAME + log.readUInt32BE(8)
  const salts = log.subarray(16, 24)
  // The magic number's last bit says in which order of bytes sums are made.
  const word = (log.readUInt32BE(0) & 1) === 1 ? 'readUInt32BE' : 'readUInt32LE'
  let [a, b] = [log.readUInt32BE(24), log.readUInt32BE(28)]
  const sum = (from: number, to: number): void => {
    for (let i = from; i < to; i += 8) {
      a = (a + log[word](i) + b) >>> 0
      b = (b + log[word](i + 4) + a) >>> 0
    }
  }
  const [startA, startB] = [a, b]
  a = b = 0
  sum(0, 24)
  // Without its head none of it is gone by.
  if (a !== startA || b !== startB) return log.length > HEADER ? 1 : 0
  let isSound = true
  let lost = 0
  for (let at = HEADER; at + size <= log.length; at += size) {
    if (isSound) {
      sum(at, at + 8)
      sum(at + FRAME, at + size)
      isSound = log.readUInt32BE(at + 16) === a && log.readUInt32BE(at + 20) === b
    }
    const isOfThisLog = log.subarray(at + 8, at + 16).equals(salts)
    // Frames of an older log lie behind this one's end.
    isSound &&= isOfThisLog
    const commits = log.readUInt32BE(at + 4) > 0
    if (!isSound && isOfThisLog && commits) lost++
  }
  return lost
}
