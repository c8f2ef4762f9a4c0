// A gateway of a soak: node gateway.mjs redis|sqlite <socket|file> <requests>. It tells its port to the process that forked
// it, and in a header of each answer what was decided.

import { createServer, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { openSqlite } from '../../src/cli/sqlite-file.ts'
import { decisionOf, gateNode } from '../../src/http/node.ts'
import { createGate, guarded } from '../../src/index.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import type { Store } from '../../src/stores/store.ts'
import { NO_REPEATS, sendBy } from '../stores/redis-server.ts'
import { sceneOf } from './scene.ts'

const [kind, where = '', requests = ''] = process.argv.slice(2)

async function storeOf(): Promise<Store<true>> {
  if (kind === 'sqlite') return sqliteStore({ database: await openSqlite(where), grouped: true, busyTimeout: 250 })
  const client = new Redis({ path: where, ...NO_REPEATS, enableOfflineQueue: false, retryStrategy: () => 20 })
  client.on('error', () => {})
  return redisStore({ send: sendBy(client) })
}

/** Says what was decided, and when by the store's clock. */
class Telling extends ServerResponse {
  override writeHead(...head: unknown[]): this {
    const decision = decisionOf(this.req)
    if (decision !== undefined && 'at' in decision) {
      const detail = decision.kind === 'store-unavailable' ? decision.reason : decision.at
      this.setHeader('x-said', `${decision.kind} ${detail}`)
    }
    return super.writeHead(...(head as [number]))
  }
}

const gate = createGate({ catalog: sceneOf(Number(requests)).catalog, store: guarded(await storeOf()) })
const middleware = gateNode(gate)
const server = createServer({ ServerResponse: Telling }, (request, response) => {
  void middleware(request, response, () => void response.setHeader('Content-Length', 0).end())
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
