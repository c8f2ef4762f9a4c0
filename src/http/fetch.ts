// For servers that are a function from Request to Response: Deno, Bun, Workers, srvx, hono … Floor 4.

import type { Gate } from '../gate.ts'
import { type AdapterOptions, andThen, judge, type Seen } from './adapter.ts'
import type { Refusing } from './answer.ts'

export { type AdapterOptions, decisionOf } from './adapter.ts'

type Handler<Args extends unknown[]> = (request: Request, ...args: Args) => Response | Promise<Response>

/**
 * A fetch handler behind a gate: what is admitted goes to `handler`, all else is answered here.
 *
 * @param handler called with everything the host passes (env, context, connection info)
 * @returns a handler, which answers at once where the gate and `handler` do. `decisionOf(request)` says who is calling.
 */
export function gateFetch<Args extends unknown[]>(
  gate: Gate<boolean>,
  handler: Handler<Args>,
  options: AdapterOptions<Request> = {},
): Handler<Args> {
  return (request, ...args) =>
    andThen(judge(gate, request, options, seenOf, headersOf), settled => {
      if ('body' in settled) return responseOf(settled)
      const response = handler(request, ...args)
      return settled.length === 0 ? response : andThen(response, response => withHeaders(response, settled))
    })
}

function seenOf(request: Request): Seen {
  // The parts are cut out of the URL rather than parsed again: `http://host/path?query#fragment`.
  const { url, method, headers } = request
  const [, host, path] = /\/\/([^/#]*)([^#]*)/.exec(url) as RegExpExecArray
  return { method, path: path || '/', host, apiKey: headers.get('x-api-key') }
}

function headersOf({ headers }: Request): Record<string, string> {
  return Object.fromEntries(headers)
}

function responseOf({ status, headers, body }: Refusing): Response {
  return new Response(body, { status, headers: headers as [string, string][] })
}

function withHeaders(response: Response, headers: Refusing['headers']): Response {
  // A switched protocol (101) and a network error (0) have no headers of ours to carry, and would not survive a copy.
  if (response.status < 200) return response
  try {
    for (const [name, value] of headers) response.headers.set(name, value)
    return response
  } catch {
    // Responses that were fetched are immutable; their copies are not.
    return withHeaders(new Response(response.body, response), headers)
  }
}
