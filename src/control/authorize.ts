// Who may do what: signatures of AWS's clients, or a bearer token for people and scripts. Floor 4.

import type { Fault } from './fault.ts'
import type { Asked } from './handler.ts'
import { type Credential, isSame, type SignatureOptions, verifySignature } from './sigv4.ts'

export interface AuthorizeOptions extends Omit<SignatureOptions, 'credentials'> {
  readonly credentials?: readonly Credential[]
  /** Tokens for `Authorization: Bearer …`: 20 characters or more. */
  readonly tokens?: readonly { readonly token: string; readonly role: Credential['role']; readonly name: string }[]
  /** Told who asked for what, before it is done. */
  readonly onAllowed?: (who: string, asked: Asked) => void
}

/**
 * An `authorize` for `controlHandler`.
 *
 * A signature is good once: within its time it is not taken again for anything but reading. AWS's clients sign two
 * equal requests of one second alike; they are told to try again, and do, with the next second's signature.
 *
 * @throws {RangeError} when there is nobody who could be let in, or a secret of less than 20 characters
 */
export function authorizer(options: AuthorizeOptions): (asked: Asked) => Promise<Fault | null> {
  const { credentials = [], tokens = [], now, onAllowed } = options
  const secrets = [...credentials.map(({ secretAccessKey }) => secretAccessKey), ...tokens.map(({ token }) => token)]
  if (secrets.length === 0) throw new RangeError('authorizer: expected credentials or tokens, received none')
  if (secrets.some(secret => secret.length < 20)) {
    throw new RangeError('authorizer: expected secrets of 20 characters or more')
  }
  /** Signatures of changes, and when they are too old to be taken anyway. */
  const used = new Map<string, number>()

  function isReplay(header: string): boolean {
    // Of the header only that: its blanks may differ and sign the same.
    const signature = header.slice(-64)
    const time = now()
    for (const [old, until] of used) {
      if (until >= time) break
      used.delete(old)
    }
    if (used.has(signature)) return true
    // Twice the window: a signature may be of the future by one.
    used.set(signature, time + 601)
    return false
  }

  return async asked => {
    const { request, body, route } = asked
    const header = request.headers.get('authorization') ?? ''
    let who: { readonly role: Credential['role']; readonly name: string }
    if (/^Bearer /i.test(header)) {
      const given = header.slice(7).trim()
      // All of them are compared, so that the time it takes tells nothing.
      const known = tokens.filter(({ token }) => isSame(token, given))[0]
      if (known === undefined) return { fault: 'AccessDeniedException', message: 'The token is not valid' }
      who = known
    } else {
      const verified = await verifySignature(request, body, { ...options, credentials })
      if ('fault' in verified) return verified
      if (!(route?.reads ?? true) && isReplay(header)) {
        return { fault: 'TooManyRequestsException', message: 'This signature was used before; sign again' }
      }
      who = { role: verified.role, name: verified.accessKeyId }
    }
    if (route !== null && !route.reads && who.role !== 'admin') {
      return { fault: 'AccessDeniedException', message: `${who.name} may only read` }
    }
    onAllowed?.(who.name, asked)
    return null
  }
}
