// Which headers cross the gateway: RFC 9110 7.6, RFC 7239, and what clients must not be able to say.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Forwarding, type RawHeaders, requestHeaders, responseHeaders } from '../../../src/cli/serve/headers.ts'
import { law } from '../../laws/law.ts'

const FORWARDING: Forwarding = {
  remoteAddress: '192.0.2.7',
  protocol: 'http',
  httpVersion: '1.1',
  host: 'api.example',
  trustForwarded: false,
  keepKey: false,
  tollgate: ['X-Tollgate-Key-Id', 'k1'],
}

/** What is added behind what the client sent, with these options. */
const OURS = [
  ['Via', '1.1 tollgate'],
  ['X-Forwarded-For', '192.0.2.7'],
  ['X-Forwarded-Proto', 'http'],
  ['X-Forwarded-Host', 'api.example'],
  ['Forwarded', 'for=192.0.2.7;proto=http;host="api.example"'],
  ['X-Tollgate-Key-Id', 'k1'],
]

function pairs(raw: RawHeaders): (readonly [string, string])[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] as string] as const] : []))
}

/** A request's headers as the upstream gets them, in pairs. */
function passed(sent: readonly (readonly [string, string])[], options: Partial<Forwarding> = {}) {
  return pairs(requestHeaders(sent.flat(), { ...FORWARDING, ...options }))
}

/** The values a name has among them. */
function valuesOf(list: readonly (readonly [string, string])[], name: string): string[] {
  return list.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value)
}

describe('a request', () => {
  it('arrives with its names, letter case, order and repeated fields, and what the gateway adds behind them', () => {
    const sent = [
      ['Host', 'api.example'],
      ['ACCEPT', 'a'],
      ['x-Custom', '1'],
      ['Accept', 'b'],
      ['X-Custom', '1'],
      ['Cookie', 'a=1'],
      ['Authorization', 'Bearer x'],
      ['Content-Length', '3'],
    ] as const
    expect(passed(sent)).toEqual([...sent, ...OURS])
  })

  it('loses what is meant for one connection, and what Connection names, in any case and list', () => {
    const sent = [
      ['Connection', 'close, X-One'],
      ['connection', ' x-two ,, X-THREE'],
      ['X-One', '1'],
      ['x-TWO', '2'],
      ['x_three', '3'],
      ['Keep-Alive', 'timeout=5'],
      ['Proxy-Connection', 'keep-alive'],
      ['Proxy-Authorization', 'Basic x'],
      ['TE', 'trailers'],
      ['Trailer', 'X-Sum'],
      ['Transfer-Encoding', 'chunked'],
      ['Transfer_Encoding', 'chunked'],
      ['Upgrade', 'h2c'],
      ['Expect', '100-continue'],
      ['X-Kept', '4'],
    ] as const
    expect(passed(sent)).toEqual([['Host', 'api.example'], ['X-Kept', '4'], ...OURS])
  })

  it('cannot have its framing, its host or the trace of earlier proxies dropped by Connection', () => {
    const names = ['Host', 'Content-Length', 'Via', 'X-Forwarded-For', 'Forwarded']
    const sent = [
      ['Connection', names.join(', ')],
      ['Host', 'api.example'],
      ['Content-Length', '3'],
      ['Via', '1.0 edge'],
      ['X-Forwarded-For', '203.0.113.9'],
      ['Forwarded', 'for=203.0.113.9'],
    ] as const
    const got = passed(sent, { trustForwarded: true })
    expect(names.map(name => valuesOf(got, name.toLowerCase()))).toEqual([
      ['api.example'],
      ['3'],
      ['1.0 edge, 1.1 tollgate'],
      ['203.0.113.9, 192.0.2.7'],
      ['for=203.0.113.9, for=192.0.2.7;proto=http;host="api.example"'],
    ])
  })

  it('has one Host, the one that was judged, where there was another, none or two', () => {
    for (const hosts of [[], ['other'], ['api.example', 'other']]) {
      expect(valuesOf(passed(hosts.map(host => ['host', host] as const)), 'host')).toEqual(['api.example'])
    }
    expect(valuesOf(passed([], { host: undefined }), 'host')).toEqual([])
  })

  it('says in Via by which version it came, behind the proxies before', () => {
    expect(valuesOf(passed([], { httpVersion: '2.0' }), 'via')).toEqual(['2.0 tollgate'])
    const sent = [
      ['via', '1.1 a'],
      ['Via', '1.0 b'],
    ] as const
    expect(valuesOf(passed(sent), 'via')).toEqual(['1.1 a, 1.0 b, 1.1 tollgate'])
  })

  it.each([
    ['192.0.2.7', 'http', 'h', 'for=192.0.2.7;proto=http;host="h"'],
    ['2001:db8::1', 'https', 'h:8443', 'for="[2001:db8::1]";proto=https;host="h:8443"'],
    ['::ffff:192.0.2.7', 'http', undefined, 'for="[::ffff:192.0.2.7]";proto=http'],
    [undefined, 'http', 'a"b\\c', 'for=unknown;proto=http;host="abc"'],
  ] as const)('from %s over %s for %s is Forwarded as %s', (remoteAddress, protocol, host, expected) => {
    const got = passed([], { remoteAddress, protocol, host })
    expect(valuesOf(got, 'forwarded')).toEqual([expected])
    expect(valuesOf(got, 'x-forwarded-for')).toEqual([remoteAddress ?? 'unknown'])
  })

  it('cannot claim an identity, however it spells the name', () => {
    const forged = [
      'X-Tollgate-Key-Id',
      'x-tollgate-plan-id',
      'X_Tollgate_Stage',
      'x-tollgate_key-id',
      'X-TOLLGATE-NEW',
    ]
    const got = passed(forged.map(name => [name, 'forged'] as const))
    expect(got.filter(([, value]) => value === 'forged')).toEqual([])
    expect(valuesOf(got, 'x-tollgate-key-id')).toEqual(['k1'])
  })

  const claims = [
    ['X-Forwarded-For', '203.0.113.9'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'edge.example'],
    ['X-Forwarded-Port', '8443'],
    ['X-Real-IP', '203.0.113.9'],
    ['Forwarded', 'for=203.0.113.9'],
    ['X_Forwarded_For', '203.0.113.10'],
  ] as const

  it('is not believed about where it comes from', () => {
    expect(passed(claims)).toEqual([['Host', 'api.example'], ...OURS])
  })

  it('is believed where the client is a proxy of ours, and the trace goes on', () => {
    expect(passed(claims, { trustForwarded: true })).toEqual([
      ['Host', 'api.example'],
      ['Via', '1.1 tollgate'],
      ['X-Forwarded-For', '203.0.113.9, 203.0.113.10, 192.0.2.7'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'edge.example'],
      ['X-Forwarded-Port', '8443'],
      ['X-Real-IP', '203.0.113.9'],
      ['Forwarded', 'for=203.0.113.9, for=192.0.2.7;proto=http;host="api.example"'],
      ['X-Tollgate-Key-Id', 'k1'],
    ])
  })

  it('leaves its key at the gateway, or takes it along', () => {
    const sent = [
      ['X-API-Key', 'value'],
      ['x_api_key', 'value'],
    ] as const
    expect(passed(sent).filter(([, value]) => value === 'value')).toEqual([])
    expect(passed(sent, { keepKey: true }).filter(([, value]) => value === 'value')).toEqual(sent)
  })

  it('of HTTP/2 leaves its pseudo-fields', () => {
    const sent = [
      [':method', 'GET'],
      [':authority', 'api.example'],
      ['accept', '*/*'],
    ] as const
    expect(passed(sent)).toEqual([['Host', 'api.example'], ['accept', '*/*'], ...OURS])
  })
})

describe('a response', () => {
  it('arrives as it is but for what is meant for one connection', () => {
    const sent = [
      ['Connection', 'X-Inner'],
      ['Keep-Alive', 'timeout=5'],
      ['Transfer-Encoding', 'chunked'],
      ['X-Inner', '1'],
      ['Set-Cookie', 'a=1'],
      ['SET-COOKIE', 'b=2'],
      ['Via', '1.1 inner'],
      ['X-Tollgate-Thing', 'its own'],
      ['Content-Length', '5'],
    ]
    expect(pairs(responseHeaders(sent.flat()))).toEqual(sent.slice(4))
  })
})

// Names that mean something here, and names that do not.
const name = fc.oneof(
  fc.constantFrom(
    ...['Connection', 'Keep-Alive', 'TE', 'Upgrade', 'Transfer-Encoding', 'Host', 'Via', 'Forwarded', 'Expect'],
    ...['X-Forwarded-For', 'X-Real-IP', 'x-api-key', 'X_API_KEY', 'X-Tollgate-Key-Id', 'x_tollgate_stage'],
    ...['Content-Length', 'X-A', 'x-b', 'X_C'],
  ),
  fc.stringMatching(/^[A-Za-z][\w-]{0,12}$/),
)
const value = fc.oneof(fc.constantFrom('X-A', 'x-a, X-B', 'close', 'x-c', ''), fc.stringMatching(/^[!-~]{0,12}$/))
const headers = fc.array(fc.tuple(name, value), { maxLength: 12 })
const forwarding = fc.record({ trustForwarded: fc.boolean(), keepKey: fc.boolean() })

law<[[string, string][], { trustForwarded: boolean; keepKey: boolean }]>(
  'what arrives is what was sent less what must not, in order, and nothing of ours is the client’s',
  [headers, forwarding],
  (sent, options) => {
    const got = passed(sent, options)
    const folded = (text: string): string => text.trim().toLowerCase().replaceAll('_', '-')
    const named = sent.flatMap(([n, v]) => (n.toLowerCase() === 'connection' ? v.split(',').map(folded) : []))
    const ours = /^(host|via|forwarded|x-forwarded-\w+|x-real-ip|x-tollgate-.*)$/
    const hop = /^(connection|keep-alive|proxy-\w+|te|trailer|transfer-encoding|upgrade|expect)$/
    const plain = sent.filter(([n]) => {
      const lower = folded(n)
      if (ours.test(lower) || hop.test(lower)) return false
      if (lower === 'x-api-key' && !options.keepKey) return false
      return lower === 'content-length' || !named.includes(lower)
    })
    expect(got.filter(([n]) => !ours.test(folded(n)))).toEqual(plain)
    for (const once of ['host', 'via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-tollgate-key-id'])
      expect(got.filter(([n]) => folded(n) === once)).toHaveLength(1)
    expect(valuesOf(got, 'x-tollgate-key-id')).toEqual(['k1'])
    if (!options.trustForwarded) expect(valuesOf(got, 'x-forwarded-for')).toEqual(['192.0.2.7'])
  },
)
