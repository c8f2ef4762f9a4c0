// `tollgate serve`: a gateway before an upstream. Floor 5: catalog, gate and adapter put together.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import type { Catalog } from '../core/catalog.ts'
import { canonicalPath } from '../core/path.ts'
import { createGate } from '../gate.ts'
import { decisionOf, gateNode } from '../http/node.ts'
import { demoUpstream } from './demo-upstream.ts'
import { loadSources } from './load.ts'
import { proxyTo } from './proxy.ts'
import { requestLine } from './request-line.ts'
import { paintFor, UsageError } from './terminal.ts'
import { tryLines } from './try-lines.ts'

export const SERVE_HELP = `tollgate serve: a gateway that enforces a catalog before an upstream

  tollgate serve --catalog FILE --upstream URL [--keys FILE.csv] [--port N]

  --catalog FILE     the catalog: APIs, stages, usage plans, keys (JSON; schema.json describes it)
  --upstream URL     where admitted requests go: http://127.0.0.1:3000, or the word demo for a small
                     pet shop that comes with tollgate
  --keys FILE.csv    keys to add, in AWS's API key file format (Name,Key,Description,Enabled,UsagePlanIds)
  --ignore-warnings  take the valid rows of a key file that has bad ones; without it such a file stops the start
  --port N           where to listen (default 8080; 0 takes a free one)
  --host HOST        on which address (default 127.0.0.1)
  --aws-answers      answer refusals as bare as AWS does: no Retry-After, no RateLimit fields
  --quiet            no line per request

Counters are kept in memory: they end with the process.

Examples
  tollgate serve --catalog plans.json --upstream http://127.0.0.1:3000
  tollgate serve --catalog plans.json --keys customers.csv --upstream http://127.0.0.1:3000 --port 80
  tollgate serve --catalog examples/petstore/catalog.json --keys examples/petstore/keys.csv --upstream demo
`

/** Runs until the process is told to stop. @returns the server, listening */
export async function serve(args: string[]): Promise<Server> {
  const options = serveOptions(args)
  const catalog = await loadSources({
    catalog: options.catalog,
    keys: options.keys,
    ignoreWarnings: options['ignore-warnings'],
    onWarning: line => warn(`note: ${line}`),
  })
  const demo = options.upstream === 'demo' ? await demoUpstream() : null
  const upstream = demo?.url ?? upstreamOf(options.upstream)

  const gate = createGate({ catalog })
  const guard = gateNode(gate, { style: options['aws-answers'] ? 'aws' : 'standard', onError: warn })
  const forward = proxyTo(upstream, error => warn(`upstream ${upstream}: ${error.message}`))
  const out = paintFor(process.stdout)

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const at = Date.now()
    const target = request.url ?? ''
    if (!options.quiet) {
      response.once('close', () => {
        const decision = decisionOf(request)
        if (decision === undefined) return
        const judged = { at, method: request.method ?? '', target, status: response.statusCode, decision }
        process.stdout.write(`${requestLine(judged, gate.catalog, out)}\n`)
      })
    }
    if (guard(request, response) !== true) return
    const query = target.indexOf('?')
    request.url = `${canonicalPath(target) ?? target}${query === -1 ? '' : target.slice(query)}`
    if (request.headers.expect !== undefined) {
      response.writeContinue()
      delete request.headers.expect
    }
    forward(request, response)
  }
  const server = createServer(handle)
  // Judged before the client is told to go on: the body of a refused request is never sent.
  server.on('checkContinue', handle)
  await listen(server, options.port, options.host)
  if (demo !== null) server.on('close', () => demo.server.close())
  greet(catalog, server.address() as AddressInfo, upstream, demo !== null)
  return server
}

interface ServeOptions {
  readonly catalog: string
  readonly upstream: string
  readonly keys: string | undefined
  readonly 'ignore-warnings': boolean
  readonly port: number
  readonly host: string
  readonly 'aws-answers': boolean
  readonly quiet: boolean
}

function serveOptions(args: string[]): ServeOptions {
  const { values } = parseArgs({
    args,
    options: {
      catalog: { type: 'string' },
      upstream: { type: 'string' },
      keys: { type: 'string' },
      'ignore-warnings': { type: 'boolean', default: false },
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
      'aws-answers': { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
    },
  })
  const { catalog, upstream } = values
  if (catalog === undefined)
    throw new UsageError('--catalog: expected a file, received nothing; see tollgate serve --help')
  if (upstream === undefined)
    throw new UsageError('--upstream: expected a URL or the word demo, received nothing; see tollgate serve --help')
  const port = Number(values.port)
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new UsageError(`--port: expected a whole number from 0 to 65535, received ${JSON.stringify(values.port)}`)
  }
  return { ...values, catalog, upstream, keys: values.keys, port }
}

function upstreamOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  throw new UsageError(
    `--upstream: expected a URL that begins with http:// or https://, received ${JSON.stringify(text)}`,
  )
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(taken ? new UsageError(`--port: ${host}:${port} is in use; choose another, or 0 for a free one`) : error)
    })
    server.listen(port, host, resolve)
  })
}

function greet(catalog: Catalog, { address, port }: AddressInfo, upstream: string, isDemo: boolean): void {
  const paint = paintFor(process.stderr)
  const origin = `http://${address.includes(':') ? `[${address}]` : address}:${port}`
  const stages = catalog.apis.reduce((sum, api) => sum + api.stages.length, 0)
  const counted = `${catalog.apis.length} APIs, ${stages} stages, ${catalog.usagePlans.length} plans, ${catalog.apiKeys.size} keys`
  process.stderr.write(`${paint('bold', 'tollgate')} ${origin} → ${upstream}  (${counted})\n`)
  // Key values are shown where showing them is the point: the sample keys of the demo.
  for (const { shows, command } of isDemo ? tryLines(catalog, origin) : []) {
    process.stderr.write(`\n${paint('dim', `# ${shows}`)}\n${command}\n`)
  }
  if (isDemo) process.stderr.write('\n')
}

function warn(message: unknown): void {
  const paint = paintFor(process.stderr)
  process.stderr.write(`${paint('yellow', message instanceof Error ? message.message : String(message))}\n`)
}
