// Which headers cross the gateway. Floor 5: lists of names and values in, lists out; RFC 9110 7.6, RFC 7239.
// Raw lists, so that order, letter case and repeated fields arrive as they were sent.

/** Names and values in turn, as node gives and takes them. */
export type RawHeaders = readonly string[]

/** What the upstream learns of a request beside what the client said. */
export interface Forwarding {
  readonly remoteAddress: string | undefined
  readonly protocol: 'http' | 'https'
  /** The version it spoke: `1.1`, `2.0`. */
  readonly httpVersion: string
  /** Whom it asked for: the target's authority, or else the Host line's. */
  readonly host: string | undefined
  /** Go on with what earlier proxies wrote, rather than drop it as anybody's claim. */
  readonly trustForwarded: boolean
  readonly keepKey: boolean
  /** `x-tollgate-key-id` and its like, which clients cannot send. */
  readonly tollgate: RawHeaders
}

/** Meaningful to one connection only (RFC 9110, 7.6.1), beside what `Connection` itself names. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const FORWARDED = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
])

/** A request's headers as the upstream gets them. Without framing: that is the next connection's. */
export function requestHeaders(raw: RawHeaders, forwarding: Forwarding): string[] {
  const { remoteAddress, protocol, httpVersion, host, trustForwarded, keepKey, tollgate } = forwarding
  const dropped = namedBy(raw)
  const kept: string[] = []
  let hosts = 0
  const before: Record<string, string[]> = {}
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    // Servers that put headers into an environment cannot tell `_` from `-`.
    const lower = name.toLowerCase().replaceAll('_', '-')
    if (lower.charCodeAt(0) === 58 /* : */ || HOP_BY_HOP.has(lower) || dropped.has(lower)) continue
    if (lower === 'expect' || lower === 'via' || lower.startsWith('x-tollgate-')) {
      if (lower === 'via') (before['via'] ??= []).push(value)
      continue
    }
    if (lower === 'x-api-key' && !keepKey) continue
    if (FORWARDED.has(lower)) {
      if (trustForwarded) (before[lower] ??= []).push(value)
      continue
    }
    // One Host, and the one that was judged: a target's authority goes before it (RFC 9112, 3.2.2; RFC 9113, 8.3.1).
    if (lower === 'host') {
      if (host !== undefined && hosts++ === 0) kept.push(name, host)
      continue
    }
    kept.push(name, value)
  }
  if (host !== undefined && hosts === 0) kept.unshift('Host', host)
  const list = (name: string, ...values: string[]): string => [...(before[name] ?? []), ...values].join(', ')
  const client = remoteAddress ?? 'unknown'
  kept.push('Via', list('via', `${httpVersion} tollgate`))
  kept.push('X-Forwarded-For', list('x-forwarded-for', client))
  kept.push('X-Forwarded-Proto', before['x-forwarded-proto']?.[0] ?? protocol)
  if (host !== undefined) kept.push('X-Forwarded-Host', before['x-forwarded-host']?.[0] ?? host)
  for (const name of ['X-Forwarded-Port', 'X-Real-IP']) {
    const [value] = before[name.toLowerCase()] ?? []
    if (value !== undefined) kept.push(name, value)
  }
  kept.push('Forwarded', list('forwarded', forwardedItem(client, protocol, host)))
  kept.push(...tollgate)
  return kept
}

/** A response's headers as the client gets them. */
export function responseHeaders(raw: RawHeaders): string[] {
  const dropped = namedBy(raw)
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const lower = (raw[i] as string).toLowerCase().replaceAll('_', '-')
    if (!HOP_BY_HOP.has(lower) && !dropped.has(lower)) kept.push(raw[i] as string, raw[i + 1] as string)
  }
  return kept
}

/** What the Connection fields name: those go no further. */
function namedBy(raw: RawHeaders): ReadonlySet<string> {
  const names = new Set<string>()
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] as string).toLowerCase() !== 'connection') continue
    for (const name of (raw[i + 1] as string).split(',')) names.add(name.trim().toLowerCase().replaceAll('_', '-'))
  }
  // Never framing, or what earlier proxies wrote: a client could otherwise have it dropped behind the gate.
  for (const name of ['host', 'content-length', 'via', ...FORWARDED]) names.delete(name)
  return names
}

/** One element of Forwarded (RFC 7239, 4 and 6): addresses of IPv6 and hosts with ports are quoted. */
function forwardedItem(client: string, protocol: string, host: string | undefined): string {
  const address = client.includes(':') ? `"[${client}]"` : client
  return `for=${address};proto=${protocol}${host === undefined ? '' : `;host="${host.replace(/["\\]/g, '')}"`}`
}
