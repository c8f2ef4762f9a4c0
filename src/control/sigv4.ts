// AWS Signature Version 4, verified. Floor 4: WebCrypto, and the time of the world it is given.
// Source: AWS, "Signature Version 4 signing process"; proved by AWS's published example and by its SDK.
//
// Everything a signature covers is computed from the request as it came; what it does not cover is refused: a body
// whose hash is not signed, a host that is not signed, an AWS header that is not signed, a presigned URL.

import type { Fault } from './fault.ts'

/** Whose key it is, and what they may do. */
export interface Credential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** `read`: operations that change nothing. */
  readonly role: 'admin' | 'read'
}

export interface SignatureOptions {
  readonly credentials: readonly Credential[]
  /** Seconds since the Unix epoch. */
  readonly now: () => number
  /** Service of the scope. Default `apigateway`. */
  readonly service?: string
  /** Region of the scope. Default: any. */
  readonly region?: string
}

/** Seconds by which a signature's time may differ from ours. Source: AWS, "Troubleshooting signing": 5 minutes. */
const WINDOW = 300

/** Who signed, or why that is not to be believed. Nothing of it says which part was wrong of a wrong signature. */
export type Verified = Credential | Fault

const denied = (message: string): Fault => ({ fault: 'AccessDeniedException', message })
const MISMATCH = denied('The request signature we calculated does not match the signature you provided')

/**
 * The credential that signed a request.
 *
 * @param request as it came: its URL is not to be rewritten on the way
 * @param body its bytes
 */
export async function verifySignature(
  request: Request,
  body: Uint8Array,
  { credentials, now, service = 'apigateway', region }: SignatureOptions,
): Promise<Verified> {
  const url = new URL(request.url)
  if ([...url.searchParams.keys()].some(name => /^x-amz-/i.test(name))) return denied('Presigned URLs are not accepted')
  const header = request.headers.get('authorization') ?? ''
  const parsed =
    /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request,\s*SignedHeaders=([a-z0-9;_-]{1,4096}),\s*Signature=([0-9a-f]{64})$/.exec(
      header,
    )
  if (parsed === null) return denied('Missing or incomplete signature')
  const [, accessKeyId = '', day = '', scopeRegion = '', scopeService = '', signed = '', signature = ''] = parsed
  const names = signed.split(';')
  const date = request.headers.get('x-amz-date') ?? ''
  if (!/^\d{8}T\d{6}Z$/.test(date) || date.slice(0, 8) !== day) return denied('Missing or invalid x-amz-date')
  // Asked so that a time that is no number is refused.
  if (!(Math.abs(secondsOf(date) - now()) <= WINDOW)) return denied('Signature expired or not yet valid')
  if (scopeService !== service || (region !== undefined && scopeRegion !== region)) {
    return denied('Credential should be scoped to a valid region and service')
  }
  const fault = unsignedFault(request, names)
  if (fault !== null) return fault
  const credential = credentials.find(credential => credential.accessKeyId === accessKeyId)
  const canonical = canonicalOf(request, url, names, await hexOf(sha256(body)))
  const scope = `${day}/${scopeRegion}/${scopeService}/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${await hexOf(sha256(utf8(canonical)))}`
  // Of an unknown key too, so that the time it takes does not tell that it is one.
  let key: Uint8Array = utf8(`AWS4${credential?.secretAccessKey ?? 'unknown'}`)
  for (const part of [day, scopeRegion, scopeService, 'aws4_request']) key = await hmac(key, utf8(part))
  const expected = await hexOf(hmac(key, utf8(text)))
  return credential !== undefined && isSame(expected, signature) ? credential : MISMATCH
}

/** What is not signed and should be. */
function unsignedFault(request: Request, names: readonly string[]): Fault | null {
  const isSorted = names.every((name, i) => i === 0 || (names[i - 1] as string) < name)
  if (!isSorted || !names.includes('host') || !names.includes('x-amz-date')) {
    return denied('Signed headers must include host and x-amz-date, in order')
  }
  for (const [name] of request.headers) {
    const mustBeSigned = name.startsWith('x-amz-') || name === 'content-type'
    if (mustBeSigned && !names.includes(name)) return denied(`Header ${name} must be signed`)
  }
  for (const name of names) if (!request.headers.has(name)) return denied(`Signed header ${name} is missing`)
  const said = request.headers.get('x-amz-content-sha256')
  if (said !== null && !/^[0-9a-f]{64}$/.test(said)) return denied('The body must be signed')
  return null
}

function canonicalOf(request: Request, url: URL, names: readonly string[], hash: string): string {
  const said = request.headers.get('x-amz-content-sha256')
  // A stated hash that is not the body's makes a request that nobody signed.
  const payload = said === null || said === hash ? hash : 'mismatch'
  const path = url.pathname.split('/').map(encoded).join('/')
  const query = queryOf(url.search)
  const headers = names
    .map(name => `${name}:${(request.headers.get(name) ?? '').trim().replace(/ +/g, ' ')}\n`)
    .join('')
  return [request.method, path, query, headers, names.join(';'), payload].join('\n')
}

/** Sorted by name and then value, each as it was written, decoded and encoded anew. */
function queryOf(search: string): string {
  const pairs = search
    .slice(1)
    .split('&')
    .filter(pair => pair !== '')
    .map((pair): readonly [string, string] => {
      const at = pair.indexOf('=')
      const [name, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
      return [encoded(decoded(name)), encoded(decoded(value))]
    })
  return pairs
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** What cannot be decoded stays as it is: then nobody signed it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    return text
  }
}

/** RFC 3986: all but the unreserved. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function secondsOf(date: string): number {
  const at = (start: number, end: number): number => Number(date.slice(start, end))
  return Date.UTC(at(0, 4), at(4, 6) - 1, at(6, 8), at(9, 11), at(11, 13), at(13, 15)) / 1000
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as BufferSource))
}

async function hmac(secret: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', secret as BufferSource, algorithm, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes as BufferSource))
}

async function hexOf(bytes: Promise<Uint8Array>): Promise<string> {
  return Array.from(await bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function isSame(a: string, b: string): boolean {
  let differs = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differs |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length))
  return differs === 0
}
