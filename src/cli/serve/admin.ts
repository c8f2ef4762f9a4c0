// The admin side: is it alive, is it ready, what has it counted. A listener of its own. Floor 5.

import { createServer, type Server } from 'node:http'

export interface AdminOptions {
  /** Whether requests are taken: false while the gateway drains. */
  readonly ready: () => boolean
  readonly metrics: () => string
}

/** `/healthz`, `/readyz`, `/metrics`. */
export function adminServer({ ready, metrics }: AdminOptions): Server {
  return createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'GET only\n')
    else if (request.url === '/healthz') answer(200, 'ok\n')
    else if (request.url === '/readyz') answer(ready() ? 200 : 503, ready() ? 'ready\n' : 'draining\n')
    else if (request.url === '/metrics') answer(200, metrics(), 'text/plain; version=0.0.4; charset=utf-8')
    else answer(404, 'there are /healthz, /readyz and /metrics\n')
  })
}
