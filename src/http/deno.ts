// For Deno: Deno.serve behind a gate. Floor 4. The few types of Deno that are used are declared here.

import type { Gate } from '../gate.ts'
import type { AdapterOptions } from './adapter.ts'
import { gateFetch } from './fetch.ts'

export { type AdapterOptions, decisionOf } from './adapter.ts'

/** What Deno tells a handler of the connection. */
export interface ServeHandlerInfo {
  readonly remoteAddr: { readonly transport: string; readonly hostname?: string; readonly port?: number }
}

/** Options of Deno.serve that are passed on. */
export interface ServeOptions extends AdapterOptions<Request> {
  readonly port?: number
  readonly hostname?: string
  readonly signal?: AbortSignal
  readonly onListen?: (address: { readonly hostname: string; readonly port: number }) => void
}

/** What Deno.serve gives back. */
export interface HttpServer {
  readonly finished: Promise<void>
  shutdown(): Promise<void>
}

interface DenoNamespace {
  serve(
    options: object,
    handler: (request: Request, info: ServeHandlerInfo) => Response | Promise<Response>,
  ): HttpServer
}

/**
 * Serves `handler` behind a gate with Deno.serve.
 *
 * @throws {TypeError} where there is no Deno; `gateFetch` gives the handler alone, for any host
 */
export function serve(
  gate: Gate<boolean>,
  handler: (request: Request, info: ServeHandlerInfo) => Response | Promise<Response>,
  options: ServeOptions = {},
): HttpServer {
  const { port, hostname, signal, onListen, ...adapter } = options
  const host = Object.fromEntries(
    Object.entries({ port, hostname, signal, onListen }).filter(([, value]) => value !== undefined),
  )
  const { Deno } = globalThis as { Deno?: DenoNamespace }
  if (Deno === undefined)
    throw new TypeError('tollgate/deno: expected to run on Deno; elsewhere use gateFetch of tollgate/fetch')
  return Deno.serve(host, gateFetch(gate, handler, adapter))
}
