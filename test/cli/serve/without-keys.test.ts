// Keys that callers put where they are written down.

import { afterEach, expect, it } from 'vitest'
import { logLine } from '../../../src/cli/serve/access-log.ts'
import { expectNoKeyIn } from './canary.ts'
import { closeAll, dial, gatewayBefore, head, KEY, KEY_LINE, POOR, upstreamOf } from './gateway-before.ts'

afterEach(closeAll)

const CLOSE = 'Connection: close'
const STRANGER = 'nobody-knows-this-key-00001'
const escaped = [...KEY].map(c => `%${c.charCodeAt(0).toString(16)}`).join('')

it.each([
  ['its own key in the path', head(`GET /a/${KEY}/b`, KEY_LINE, CLOSE), '/a/key:k1/b'],
  ['its own key escaped', head(`GET /a/${escaped}`, KEY_LINE, CLOSE), '/a/key:k1'],
  ['its own key in a longer word', head(`GET /a/x${KEY}y`, KEY_LINE, CLOSE), '/a/xkey:k1y'],
  ['its own key in a path that has no one spelling', head(`GET /a//${escaped}`, KEY_LINE, CLOSE), '/a//key:k1'],
  ['another’s key', head(`GET /open/${POOR}`, CLOSE), '/open/key:k2'],
  ['what came as a key and is none', head(`GET /a/${STRANGER}`, `x-api-key: ${STRANGER}`, CLOSE), '/a/key'],
  ['a key in the query', head(`GET /a?key=${KEY}`, KEY_LINE, CLOSE), '/a'],
  ['a long word that is no key', head('GET /a/not-a-key-not-a-key-not-a-key', KEY_LINE, CLOSE), undefined],
])('a line of the log has not %s', async (_, request, path) => {
  const upstream = await upstreamOf((_, response) => response.end())
  const { port, told } = await gatewayBefore(upstream.url)
  await dial(port, request).answers()
  const [answered] = await told(1)
  const line = logLine(answered!)
  expect(JSON.parse(line).path).toBe(path ?? '/a/not-a-key-not-a-key-not-a-key')
  expectNoKeyIn({ line, target: answered!.target.split('?', 1)[0]! }, [KEY, POOR, STRANGER])
})

it('a line of the log has no key that came as a host', async () => {
  const upstream = await upstreamOf((_, response) => response.end())
  const { port, told } = await gatewayBefore(upstream.url)
  await dial(port, `GET /a HTTP/1.1\r\nHost: ${KEY}\r\nConnection: close\r\n\r\n`).answers()
  const [answered] = await told(1)
  expect(answered!.host).toBe('key:k1')
})
