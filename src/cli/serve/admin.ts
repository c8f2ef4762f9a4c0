// The admin side: is it alive, is it ready, what has it counted, and the control plane. A listener of its own. Floor 5.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface AdminOptions {
  /** Whether requests are taken: false while the gateway drains. */
  readonly ready: () => boolean
  readonly metrics: () => string
  /** Answers every other path. */
  readonly control: (request: IncomingMessage, response: ServerResponse) => void
}

/** What a client may be slow with: then it is 408. */
const LIMITS = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 5_000 }

/** `/healthz`, `/readyz`, `/metrics`, and the control plane behind its credentials. */
export function adminServer({ ready, metrics, control }: AdminOptions): Server {
  const open: Readonly<Record<string, () => readonly [status: number, text: string, type?: string]>> = {
    '/healthz': () => [200, 'ok\n'],
    '/readyz': () => (ready() ? [200, 'ready\n'] : [503, 'draining\n']),
    '/metrics': () => [200, metrics(), 'text/plain; version=0.0.4; charset=utf-8'],
  }
  return createServer(LIMITS, (request, response) => {
    const { url = '', method } = request
    const answer = Object.hasOwn(open, url) ? open[url] : undefined
    if (answer === undefined) {
      control(request, response)
      return
    }
    const isRead = method === 'GET' || method === 'HEAD'
    const [status, text, type = 'text/plain; charset=utf-8'] = isRead ? answer() : [405, 'GET only\n']
    response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text)
  })
}
