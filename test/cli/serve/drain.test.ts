// Stopping: what is under way ends, nothing new begins, and what does not end is cut. In this process; command.test.ts
// has the signals.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { answersIn, field } from './answers.ts'
import { closeAll, dial, gatewayBefore, head, KEY_LINE, rawUpstream, upstreamOf } from './gateway-before.ts'
import { selfSigned } from './pem.ts'

afterEach(closeAll)

const pem = selfSigned()

/** An upstream whose answers are given by hand. */
async function held() {
  const waiting: ServerResponse[] = []
  const upstream = await upstreamOf((_, response) => waiting.push(response))
  const asked = async (count: number): Promise<void> => {
    while (waiting.length < count) await once(upstream.server, 'request')
  }
  return { ...upstream, waiting, asked }
}

describe.each([false, true])('a gateway that drains, over TLS: %s', tls => {
  const options = tls ? { tls: pem } : {}

  it('lets answers end, closes behind them, and takes no connection', async () => {
    const upstream = await held()
    const { port, gateway, usedBy } = await gatewayBefore(upstream.url, options)
    const idle = dial(port, head('GET /open/a'), tls)
    await upstream.asked(1)
    upstream.waiting[0]!.end('first')
    await idle.until(bytes => bytes.includes('first'))
    const silent = dial(port, undefined, tls)
    await once(silent.socket, tls ? 'secureConnect' : 'connect')
    const begun = dial(port, head('GET /a', KEY_LINE), tls)
    await upstream.asked(2)
    upstream.waiting[1]!.write('be')
    await begun.until(bytes => bytes.includes('be'))
    const waiting = dial(port, head('GET /b', KEY_LINE).repeat(2), tls)
    await upstream.asked(4)

    const drained = gateway.drain(10_000)
    expect((await idle.over).how).toBe('end')
    expect((await silent.over).bytes.length).toBe(0)
    const [late] = [dial(port, head('GET /c', KEY_LINE), tls)]
    expect((await late!.over).bytes.length).toBe(0)
    // One more on a connection whose answer has begun without saying that it is the last: it is served, and the last.
    begun.write(head('GET /d', KEY_LINE).repeat(2))
    await upstream.asked(5)
    for (const response of upstream.waiting.slice(1)) response.end('gun')
    const answers = await begun.answers()
    expect(answers.map(({ status, body }) => [status, body.toString()])).toEqual([
      [200, 'begun'],
      [200, 'gun'],
    ])
    const both = await waiting.answers()
    expect(both.map(({ status, body }) => [status, body.toString()])).toEqual([
      [200, 'gun'],
      [200, 'gun'],
    ])
    expect(field(both[1]!, 'connection')).toBe('close')
    await drained
    expect([usedBy('k1'), gateway.pending, upstream.waiting.length]).toEqual([4, 0, 5])
  })

  it('cuts what has not ended in time: an answer, a WebSocket, half a request, a connection', async () => {
    const upstream = await rawUpstream(socket => {
      socket.once('data', part => {
        if (part.includes('Upgrade'))
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
      })
    })
    const { port, gateway, told } = await gatewayBefore(upstream.url, options)
    const tunnel = dial(port, head('GET /socket', KEY_LINE, 'Connection: upgrade', 'Upgrade: x'), tls)
    await tunnel.until(bytes => bytes.includes('101'))
    const answer = dial(port, head('GET /a', KEY_LINE), tls)
    await answer.until(bytes => bytes.includes('half'))
    const part = dial(port, 'GET /a HTTP/1.1\r\nHost:', tls)
    await once(part.socket, tls ? 'secureConnect' : 'connect')
    const began = performance.now()
    const over = [tunnel, answer, part].map(line => line.over)
    await gateway.drain(200)
    const took = performance.now() - began
    expect(took).toBeGreaterThan(190)
    expect(took).toBeLessThan(1_500)
    const [, cut] = await Promise.all(over)
    expect(answersIn(cut!.bytes, [], true)[0]?.complete).toBe(false)
    expect((await told(2)).map(({ status }) => status)).toEqual([101, 200])
    while (gateway.pending > 0) await new Promise(setImmediate)
  })
})

it('a WebSocket that ends by itself ends a drain before its time', async () => {
  const upstream = await rawUpstream(socket => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    )
  })
  const { port, gateway } = await gatewayBefore(upstream.url)
  const tunnel = dial(port, head('GET /socket', KEY_LINE, 'Connection: upgrade', 'Upgrade: x'))
  const [far] = (await once(upstream.server, 'connection')) as [Socket]
  await tunnel.until(bytes => bytes.includes('101'))
  const drained = gateway.drain(60_000)
  far.end()
  await drained
})
