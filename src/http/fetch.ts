// For servers that are a function from Request to Response: Deno, Bun, Workers, srvx, hono … Floor 4.

import type { Decision } from '../core/decision.ts'
import type { Gate } from '../gate.ts'
import { type AdapterOptions, andThen, judge, report, type Seen } from './adapter.ts'
import { admittedHeaders, answer, failure, type Refusing } from './answer.ts'

export { type AdapterOptions, decisionOf } from './adapter.ts'

/** The answer to a refused request; the headers that an admitted one's answer gets. */
type Settled = Response | Refusing['headers']

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
  const { style, dryRun } = options

  function settle(decision: Decision): Settled {
    const refused = answer(decision, style)
    if (refused !== null && dryRun) return []
    return refused === null ? admittedHeaders(decision, style) : responseOf(refused)
  }

  function fail(error: unknown, request: Request): Response {
    report(error, request, options)
    return responseOf(failure(style))
  }

  return (request, ...args) => {
    let settled: Settled | Promise<Settled>
    try {
      settled = andThen(judge(gate, seenOf(request), request, options), settle)
    } catch (error) {
      return fail(error, request)
    }
    const go = (settled: Settled): Response | Promise<Response> => {
      if (settled instanceof Response) return settled
      const response = handler(request, ...args)
      return settled.length === 0 ? response : andThen(response, response => withHeaders(response, settled))
    }
    return settled instanceof Promise ? settled.catch(error => fail(error, request)).then(go) : go(settled)
  }
}

function seenOf(request: Request): Seen {
  // The parts are cut out of the URL rather than parsed again: `http://host/path?query#fragment`.
  const { url, method, headers } = request
  const authority = url.indexOf('//') + 2
  const slash = url.indexOf('/', authority)
  const hash = url.indexOf('#', slash)
  const path = slash === -1 ? '/' : url.slice(slash, hash === -1 ? url.length : hash)
  const host = url.slice(authority, slash === -1 ? url.length : slash)
  return { method, path, host, apiKey: headers.get('x-api-key') }
}

function responseOf({ status, headers, body }: Refusing): Response {
  return new Response(body, { status, headers: headers.map(([name, value]): [string, string] => [name, value]) })
}

function withHeaders(response: Response, headers: Refusing['headers']): Response {
  // A switched protocol (101) and a network error (0) have no headers of ours to carry, and would not survive a copy.
  if (response.status < 200) return response
  try {
    for (const [name, value] of headers) response.headers.set(name, value)
    return response
  } catch {
    // Responses that were fetched are immutable.
    const copy = new Response(response.body, response)
    for (const [name, value] of headers) copy.headers.set(name, value)
    return copy
  }
}
