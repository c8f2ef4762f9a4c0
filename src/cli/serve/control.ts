// The control plane on node's HTTP: who may, how often, what is kept before it is answered. Floor 5.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { authorizer } from '../../control/authorize.ts'
import { controlHandler } from '../../control/handler.ts'
import type { UsageSource } from '../../control/usage.ts'
import { faultResponse } from '../../control/wire.ts'
import { worldOf } from '../../control/world.ts'
import { catalogOf } from '../../core/check.ts'
import { createGate, type Gate } from '../../gate.ts'
import type { SharedCatalog } from '../../stores/catalog-log.ts'
import type { AuditTrail } from './audit.ts'
import type { Credentials } from './credentials.ts'

export interface ControlPlaneOptions {
  readonly gate: Gate<boolean>
  readonly shared: SharedCatalog
  readonly usage: UsageSource | undefined
  readonly audit: AuditTrail
  readonly credentials: Credentials
  /** What values of new keys begin with. */
  readonly keyPrefix: string | undefined
  readonly onError: (error: unknown) => void
}

export interface ControlPlane {
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Lets others in from now on. */
  admit(credentials: Credentials): void
}

/** Requests a second of everybody together, and at once. AWS has 10 and 40 an account. */
const RATE = { rateLimit: 100, burstLimit: 200 }

export function controlPlane(options: ControlPlaneOptions): ControlPlane {
  const { gate, shared, usage, audit, keyPrefix, onError } = options
  /** Who asked, until it is answered. */
  const asking = new WeakMap<Request, string>()
  const door = (credentials: Credentials) =>
    authorizer({
      ...credentials,
      now: () => Date.now() / 1000,
      onAllowed: (who, { request }) => asking.set(request, who),
    })
  let authorize = door(options.credentials)
  // What others' data planes are for is good enough for this one.
  const limit = createGate({
    catalog: catalogOf({
      account: { throttleSettings: RATE },
      apis: [{ id: 'control', methods: [{ path: '/', httpMethod: 'ANY' }], stages: [{ stageName: 'all' }] }],
    }),
  })

  const handler = controlHandler({
    catalog: () => gate.catalog,
    version: () => gate.version,
    async publish(catalog, published) {
      const undo = audit.begin(asking.get(published.request) ?? '', catalog, published)
      try {
        if ((await shared.publishOn(published.previous, published.change)) !== null) return true
      } catch (error) {
        undo()
        throw error
      }
      undo()
      return false
    },
    world: worldOf({
      clock: Date.now,
      random: n => crypto.getRandomValues(new Uint8Array(n)),
      ...(keyPrefix === undefined ? {} : { prefix: keyPrefix }),
    }),
    ...(usage === undefined ? {} : { usage }),
    authorize: asked => authorize(asked),
    onError,
  })

  async function respond(request: IncomingMessage): Promise<Response> {
    if (limit.admit({ method: 'GET', path: '/' }).kind === 'throttled') {
      return faultResponse({ fault: 'TooManyRequestsException', message: 'Too Many Requests' })
    }
    const asked = fetched(request)
    return asked === null
      ? faultResponse({ fault: 'BadRequestException', message: 'The request is no HTTP that is understood here' })
      : handler(asked)
  }

  return {
    handle(request, response) {
      respond(request)
        .then(async answer => {
          const body = Buffer.from(await answer.arrayBuffer())
          // What was not read of a body is not waited for.
          const rest = request.complete ? {} : { connection: 'close' }
          response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...rest }).end(body)
        })
        .catch((error: unknown) => {
          onError(error)
          response.destroy()
        })
    },
    admit(credentials) {
      authorize = door(credentials)
    },
  }
}

/** Node's request as fetch has it, its URL as it came; null for one that fetch cannot have. */
function fetched(request: IncomingMessage): Request | null {
  const { method = 'GET', url, rawHeaders } = request
  const hasBody = method !== 'GET' && method !== 'HEAD'
  try {
    const headers = new Headers()
    for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string)
    return new Request(`http://${request.headers.host}${url}`, {
      method,
      headers,
      ...(hasBody ? { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' } : {}),
    } as RequestInit)
  } catch {
    return null
  }
}
