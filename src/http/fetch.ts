// For servers that are a function from Request to Response: Deno, Bun, Workers, srvx, hono … Floor 4.

import type { Decision } from '../core/decision.ts'
import type { Gate } from '../gate.ts'
import { type AdapterOptions, judge, report, type Seen } from './adapter.ts'
import { admittedHeaders, answer, failure, type Refusing } from './answer.ts'

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
  const { style } = options

  function pass(decision: Decision, request: Request, args: Args): Response | Promise<Response> {
    const refused = answer(decision, style)
    if (refused !== null) return responseOf(refused)
    const headers = admittedHeaders(decision, style)
    const response = handler(request, ...args)
    if (headers.length === 0) return response
    return response instanceof Promise ? response.then(r => withHeaders(r, headers)) : withHeaders(response, headers)
  }

  function fail(error: unknown, request: Request): Response {
    report(error, request, options)
    return responseOf(failure(style))
  }

  return (request, ...args) => {
    let decision: Decision | Promise<Decision>
    try {
      decision = judge(gate, seenOf(request), request, options)
    } catch (error) {
      return fail(error, request)
    }
    if (!(decision instanceof Promise)) return pass(decision, request, args)
    return decision.then(
      decision => pass(decision, request, args),
      error => fail(error, request),
    )
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

function withHeaders(response: Response, headers: readonly (readonly [string, string])[]): Response {
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
