// Who may use the control plane: read from a file, or made at the start. Floor 5.

import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { AuthorizeOptions } from '../../control/authorize.ts'
import { isObject } from '../../core/readers.ts'
import { reading } from '../load.ts'
import { UsageError } from '../terminal.ts'

export type Credentials = Required<Pick<AuthorizeOptions, 'credentials' | 'tokens'>>

const EXAMPLE =
  '{ "credentials": [{ "accessKeyId": "…", "secretAccessKey": "…", "role": "admin" }], "tokens": [{ "name": "…", "token": "…", "role": "read" }] }'

/**
 * The credentials of a file.
 *
 * @param onWarning told when others may read it
 * @throws {UsageError} that names every member which is wrong, never what it holds
 */
export function credentialsOf(path: string, onWarning: (line: string) => void): Credentials {
  const text = reading(path, () => readFileSync(path, 'utf8'))
  if ((statSync(path).mode & 0o077) !== 0 && process.platform !== 'win32') {
    onWarning(`${path}: others than its owner may use it; chmod 600 ${path}`)
  }
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new UsageError(`${path}: expected JSON like ${EXAMPLE}`)
  }
  if (!isObject(document)) throw new UsageError(`${path}: expected an object like ${EXAMPLE}`)
  const wrong: string[] = []
  for (const name of Object.keys(document)) {
    if (name !== 'credentials' && name !== 'tokens')
      wrong.push(`${path}: ${name}: expected credentials and tokens only`)
  }
  const listed = <Name extends string>(list: string, names: readonly Name[], secret: Name) =>
    members(document[list], `${path}: ${list}`, wrong).map((item, i) => {
      const at = `${path}: ${list}[${i}]`
      const { role } = item
      if (role !== 'admin' && role !== 'read') wrong.push(`${at}.role: expected "admin" or "read"`)
      for (const name of Object.keys(item)) {
        if (name !== 'role' && !names.includes(name as Name))
          wrong.push(`${at}: expected ${names.join(', ')} and role only`)
      }
      for (const name of names) {
        const value = item[name]
        const least = name === secret ? 20 : 1
        if (typeof value !== 'string' || value.length < least)
          wrong.push(`${at}.${name}: expected text of ${least} characters or more`)
      }
      return { ...(item as Readonly<Record<Name, string>>), role: role as 'admin' | 'read' }
    })
  const credentials = listed('credentials', ['accessKeyId', 'secretAccessKey'], 'secretAccessKey')
  const tokens = listed('tokens', ['name', 'token'], 'token')
  if (wrong.length > 0) throw new UsageError(wrong.join('\n'))
  if (credentials.length + tokens.length === 0)
    throw new UsageError(`${path}: expected somebody in it, like ${EXAMPLE}`)
  return { credentials, tokens }
}

function members(value: unknown, at: string, wrong: string[]): readonly Readonly<Record<string, unknown>>[] {
  if (value === undefined) return []
  if (Array.isArray(value) && value.every(isObject)) return value
  wrong.push(`${at}: expected a list of objects`)
  return []
}

/** New ones, for as long as the process lives: a pair for AWS's clients and a token for everybody else. */
export function madeCredentials(): Credentials {
  const accessKeyId = `TOLLGATE${randomBytes(6).toString('hex').toUpperCase()}`
  return {
    credentials: [{ accessKeyId, secretAccessKey: randomBytes(30).toString('base64url'), role: 'admin' }],
    tokens: [{ name: 'made-at-start', token: randomBytes(30).toString('base64url'), role: 'admin' }],
  }
}

/** What to type so that clients have them. */
export function exportLines({ credentials, tokens }: Credentials, url: string): string[] {
  return [
    ...credentials.flatMap(({ accessKeyId, secretAccessKey }) => [
      `export AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey}`,
      `export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL_API_GATEWAY=${url}`,
    ]),
    ...tokens.map(({ token }) => `export TOLLGATE_ADMIN=${url} TOLLGATE_ADMIN_TOKEN=${token}`),
  ]
}
