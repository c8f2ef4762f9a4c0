// What is admitted goes on to the upstream. Floor 5: a kept library does it; here is only what is ours to say.

import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { createProxyServer } from 'httpxy'

export type Forward = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Forwards requests to `upstream`, streaming both ways.
 *
 * The path is sent as the gate read it (canonical), so that upstream and gate cannot differ over what was asked. The key
 * stays here. An upstream that does not answer gives 502.
 *
 * @param onError told of upstream failures
 */
export function proxyTo(upstream: string, onError: (error: Error) => void): Forward {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 })
  const proxy = createProxyServer({ target: upstream, agent, xfwd: true })
  proxy.on('error', (error, _, response) => {
    onError(error)
    if (response === undefined || !('headersSent' in response)) return
    if (response.headersSent) {
      response.destroy()
      return
    }
    response.writeHead(502, { 'Content-Type': 'application/json' }).end('{"message":"Bad Gateway"}')
  })
  return (request, response) => {
    delete request.headers['x-api-key']
    void proxy.web(request, response)
  }
}
