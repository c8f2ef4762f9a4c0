// What the command says, and where: data to stdout, everything else to stderr. Floor 5.

import type { WriteStream } from 'node:tty'

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

export type Paint = (colour: Colour, text: string) => string

/** Colours for a stream: none when it is no terminal, when NO_COLOR is set, or on a dumb one; FORCE_COLOR overrules. */
export function paintFor(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv = process.env): Paint {
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0'
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb' || !stream.isTTY
  if (plain && !forced) return (_, text) => text
  return (colour, text) => {
    const [on, off] = CODES[colour]
    return `\x1b[${on}m${text}\x1b[${off}m`
  }
}

/** Text of a client's, safe to show: control characters and what is beyond ASCII are escaped, long text is cut. */
export function printable(text: string, most = 80): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text
  return cut.replace(/[^\x20-\x7e…]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Text of others on one line, in any script: what is no character of one, or turns the line around, is escaped. */
export function plain(text: string, most = Number.POSITIVE_INFINITY): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, c => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}

/** Something that the person at the keyboard can put right: shown without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Something that was refused or failed elsewhere, and is no bug of ours: shown without a stack, exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure'
}
