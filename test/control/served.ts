// A control plane on a port, with the real AWS SDK before it and a gate behind it.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { APIGatewayClient } from '@aws-sdk/client-api-gateway'
import { type ControlOptions, controlHandler, type UsageSource, worldOf } from '../../src/control/index.ts'
import { type Catalog, createGate, emptyCatalog, type Gate, type GateOptions } from '../../src/index.ts'

/** Node's request as a fetch handler sees it: the whole bridge. */
export async function fetchRequest(req: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const headers = new Headers()
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    headers.append(req.rawHeaders[i] as string, req.rawHeaders[i + 1] as string)
  }
  const method = req.method as string
  const body = chunks.length === 0 ? null : Buffer.concat(chunks)
  return new Request(`http://${req.headers.host}${req.url}`, { method, headers, body })
}

export interface Control {
  readonly client: APIGatewayClient
  readonly gate: Gate<boolean>
  readonly handler: (request: Request) => Promise<Response>
  readonly url: string
  readonly errors: unknown[]
  close(): Promise<void>
}

/** Ids, values and the time as they really are. */
export const realWorld = worldOf({ clock: Date.now, random: n => crypto.getRandomValues(new Uint8Array(n)) })

export interface ServeOptions extends Partial<ControlOptions> {
  readonly start?: Catalog
  readonly usage?: UsageSource
  readonly gate?: Omit<GateOptions<false>, 'catalog'>
}

/** A handler whose catalog is a gate's. */
export function controlled({ start = emptyCatalog(), gate: options = {}, ...more }: ServeOptions = {}) {
  const gate = createGate({ ...options, catalog: start })
  const errors: unknown[] = []
  const handler = controlHandler({
    catalog: () => gate.catalog,
    publish: catalog => gate.replace(catalog),
    world: realWorld,
    onError: error => errors.push(error),
    ...more,
  })
  return { gate: gate as Gate<boolean>, handler, errors }
}

export async function serve(options: ServeOptions = {}): Promise<Control> {
  const { gate, handler, errors } = controlled(options)
  const server: Server = createServer(async (req, res) => {
    const response = await handler(await fetchRequest(req))
    res.writeHead(response.status, Object.fromEntries(response.headers))
    res.end(Buffer.from(await response.arrayBuffer()))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new APIGatewayClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    maxAttempts: 1,
  })
  const close = async (): Promise<void> => {
    client.destroy()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { client, gate, handler, url, errors, close }
}

/** Any command of the SDK. */
export interface AnyCommand {
  readonly input: object
}

/** The answer without what the SDK adds, its status among it. */
export async function answerOf(client: APIGatewayClient, command: AnyCommand): Promise<Record<string, unknown>> {
  const { $metadata, ...members } = (await client.send(command as never)) as unknown as Record<string, unknown>
  for (const [name, member] of Object.entries(members)) if (member === undefined) delete members[name]
  return { status: ($metadata as { httpStatusCode: number }).httpStatusCode, ...members }
}

/** The error that the SDK made of a fault: status, code and message. */
export async function faultOf(
  client: APIGatewayClient,
  command: AnyCommand,
): Promise<readonly [status: number, code: string, message: string]> {
  try {
    await client.send(command as never)
  } catch (error) {
    const { name, message, $metadata } = error as {
      name: string
      message: string
      $metadata: { httpStatusCode: number }
    }
    return [$metadata.httpStatusCode, name, message]
  }
  throw new Error('was done')
}
