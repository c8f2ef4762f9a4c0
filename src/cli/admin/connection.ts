// Which control plane, and as whom: from the environment or options. Floor 5. A token is never an argument.

import { readFileSync, statSync } from 'node:fs'
import { reading } from '../load.ts'
import { placeUrl } from '../options.ts'
import { paintFor, UsageError } from '../terminal.ts'

export const CONNECTION = {
  url: { type: 'string' },
  'token-file': { type: 'string' },
} as const

/** Where serve's examples put it. */
const USUAL = 'http://127.0.0.1:9090'

export interface Connection {
  readonly url: string
  readonly token: string
}

/** @throws {UsageError} where there is no token, or none that can be one; never with what it is */
export function connectionOf(
  { url, 'token-file': file }: { readonly url?: string | undefined; readonly 'token-file'?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Connection {
  const isOption = url !== undefined
  return {
    url: placeOf(isOption ? '--url' : 'TOLLGATE_ADMIN', url ?? (env['TOLLGATE_ADMIN'] || USUAL)),
    token: tokenOf(file, env),
  }
}

function placeOf(option: string, text: string): string {
  const { origin, pathname } = placeUrl(option, text, USUAL)
  return `${origin}${pathname.replace(/\/+$/, '')}`
}

function tokenOf(file: string | undefined, env: NodeJS.ProcessEnv): string {
  if (file !== undefined) return checked(file, readToken(file))
  const token = env['TOLLGATE_ADMIN_TOKEN'] ?? ''
  if (token !== '') return checked('TOLLGATE_ADMIN_TOKEN', token)
  throw new UsageError(
    "TOLLGATE_ADMIN_TOKEN: expected a token of the control plane, received nothing; it is one of serve's --admin-credentials, " +
      'or the one that serve prints at its start. Export it, or put it into a file and say --token-file FILE',
  )
}

function readToken(file: string): string {
  const text = reading(file, () => readFileSync(file, 'utf8'))
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    const line = `note: ${file}: others than its owner may use it; chmod 600 ${file}`
    process.stderr.write(`${paintFor(process.stderr)('yellow', line)}\n`)
  }
  return text.trim()
}

function checked(from: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new UsageError(`${from}: expected a token and nothing else, received ${token.length} characters that are none`)
}
