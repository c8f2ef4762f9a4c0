// What the gateway itself says, in the words of a stage: HTTP/1.1 and HTTP/2.

import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayOptions } from '../../../src/cli/serve/gateway.ts'
import type { GatewayResponse } from '../../../src/core/api.ts'
import { gateOf } from '../../gate-of.ts'
import { CATALOG, closeAll, gatewayBefore, KEY, rawUpstream } from './gateway-before.ts'
import { ask, sessionOf } from './http2.ts'
import { selfSigned } from './pem.ts'

afterEach(closeAll)

const [api] = CATALOG.apis!
const template =
  '{"type":"$context.error.responseType","said":$context.error.messageString,"who":"$context.identity.apiKeyId"}'
const gateWith = (gatewayResponses: Readonly<Record<string, GatewayResponse>>) =>
  gateOf({ catalog: { ...CATALOG, apis: [{ ...api!, gatewayResponses }] } })
const OWN = {
  REQUEST_TOO_LARGE: { responseTemplates: { 'application/json': template } },
  INTEGRATION_TIMEOUT: { statusCode: '503', responseParameters: { 'gatewayresponse.header.Retry-After': "'7'" } },
  DEFAULT_5XX: { responseTemplates: { 'application/json': template } },
}

/** A gateway before an upstream that takes requests and says nothing, or that is not there. */
async function silent(
  gatewayResponses: Readonly<Record<string, GatewayResponse>>,
  options: Partial<GatewayOptions> = {},
  isThere = true,
) {
  const { url, server } = await rawUpstream(() => {})
  if (!isThere) await new Promise(resolve => server.close(resolve))
  return gatewayBefore(url, { gate: gateWith(gatewayResponses), upstreamTimeout: 100, maxBody: 4, ...options })
}

async function get(port: number, path = '/a', body?: string) {
  const init = body === undefined ? {} : { method: 'POST', body }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-api-key': KEY }, ...init })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

describe('the gateway says in the words of the stage', () => {
  it('that a body is announced as too long, before anything is charged', async () => {
    const { port, decisions } = await silent(OWN)
    const { status, headers, body } = await get(port, '/a', 'hello')
    expect([status, body]).toEqual([413, '{"type":"REQUEST_TOO_LARGE","said":"Request Too Long","who":""}'])
    expect([headers.get('connection'), decisions]).toEqual(['close', []])
  })

  it('that the upstream is not there, whose request it was, and what is left', async () => {
    const { port } = await silent(OWN, {}, false)
    const { status, headers, body } = await get(port)
    expect([status, body]).toEqual([502, '{"type":"INTEGRATION_FAILURE","said":"Bad Gateway","who":"k1"}'])
    expect(headers.get('ratelimit')).toMatch(/^"rich"/)
  })

  it('that the upstream is not in time, with a status and a header of its own and the plain body', async () => {
    const { port } = await silent(OWN)
    const { status, headers, body } = await get(port)
    expect([status, headers.get('retry-after'), body]).toEqual([503, '7', '{"message":"Endpoint request timed out"}'])
  })

  it('plainly where the stage has no words for it, or there is no stage', async () => {
    const { port } = await silent({ THROTTLED: { statusCode: '420' } }, {}, false)
    expect(await get(port)).toMatchObject({ status: 502, body: '{"message":"Bad Gateway"}' })
    const dry = await silent(OWN, { dryRun: true }, false)
    expect(await get(dry.port, '/a%2Fb')).toMatchObject({ status: 502, body: '{"message":"Bad Gateway"}' })
  })

  it('over HTTP/2, too', async () => {
    const { port } = await silent(OWN, { tls: selfSigned() }, false)
    const session = sessionOf(port)
    const late = await ask(session, {})
    expect([late.headers[':status'], JSON.parse(late.body).who]).toEqual([502, 'k1'])
    const long = await ask(session, { ':method': 'POST', 'content-length': 5 }, 'hello')
    expect([long.headers[':status'], JSON.parse(long.body).type]).toEqual([413, 'REQUEST_TOO_LARGE'])
  })
})
