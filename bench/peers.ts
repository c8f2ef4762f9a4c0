// What others do for the same question: count one for a key, and say whether it was within the limit. One limit each,
// in the smallest call that the package has for it. Versions: bench/peers/package.json.
// Each has its loop written out, so that none is called through a place that has seen the others.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ApiRequest } from '../src/core/resolve.ts'

/** A package of bench/peers. */
export const requirePeer: NodeJS.Require = createRequire(join(process.cwd(), 'bench/peers/package.json'))

/** Asks for the key of each request. @returns how many were within the limit */
export type Run = (requests: readonly ApiRequest[]) => number | Promise<number>

const HOUR = 3_600_000
/** Keys that a cache of fixed size is to hold. */
const MOST_KEYS = 2_000_000

const PEERS: Readonly<Record<string, (limit: number) => Run>> = {
  'rate-limiter-flexible': limit => flexible({ points: limit, duration: 3600 }),
  'rate-limiter-flexible, no window': limit => flexible({ points: limit, duration: 0, keyPrefix: '' }),
  'express-rate-limit': limit => {
    const { MemoryStore } = requirePeer('express-rate-limit')
    const store = new MemoryStore()
    store.init({ windowMs: HOUR })
    return async requests => {
      let within = 0
      for (let i = 0; i < requests.length; i++) {
        if ((await store.increment(requests[i]!.apiKey)).totalHits <= limit) within++
      }
      return within
    }
  },
  '@fastify/rate-limit': limit => {
    const LocalStore = requirePeer('@fastify/rate-limit/store/LocalStore.js')
    const store = new LocalStore(false, false, MOST_KEYS)
    return requests => {
      let within = 0
      const seen = (_: null, { current }: { current: number }): void => {
        if (current <= limit) within++
      }
      for (let i = 0; i < requests.length; i++) store.incr(requests[i]!.apiKey, seen, HOUR, limit)
      return within
    }
  },
  'hono-rate-limiter': limit => {
    const { MemoryStore } = requirePeer('hono-rate-limiter')
    const store = new MemoryStore()
    store.init({ windowMs: HOUR })
    return requests => {
      let within = 0
      for (let i = 0; i < requests.length; i++) {
        if (store.increment(requests[i]!.apiKey).totalHits <= limit) within++
      }
      return within
    }
  },
  'koa-ratelimit': limit => {
    const Limiter = requirePeer('koa-ratelimit/limiter/memory.js')
    const db = new Map()
    return async requests => {
      let within = 0
      for (let i = 0; i < requests.length; i++) {
        if ((await new Limiter({ db, id: requests[i]!.apiKey, max: limit, duration: HOUR }).get()).remaining) within++
      }
      return within
    }
  },
  limiter: limit => {
    const { RateLimiter } = requirePeer('limiter')
    const limiters = new Map()
    return requests => {
      let within = 0
      for (let i = 0; i < requests.length; i++) {
        const key = requests[i]!.apiKey
        let limiter = limiters.get(key)
        if (limiter === undefined) {
          limiter = new RateLimiter({ tokensPerInterval: limit, interval: HOUR })
          limiters.set(key, limiter)
        }
        if (limiter.tryRemoveTokens(1)) within++
      }
      return within
    }
  },
}

function flexible(options: object): Run {
  const { RateLimiterMemory } = requirePeer('rate-limiter-flexible')
  const limiter = new RateLimiterMemory(options)
  return async requests => {
    let within = 0
    for (let i = 0; i < requests.length; i++) {
      try {
        await limiter.consume(requests[i]!.apiKey)
        within++
      } catch (refused) {
        if (refused instanceof Error) throw refused
      }
    }
    return within
  }
}

/** Whether they are there to be compared with. */
export function peersInstalled(): boolean {
  try {
    requirePeer.resolve('rate-limiter-flexible')
    return true
  } catch {
    return false
  }
}

/**
 * The peers, each seen to count before it is handed out.
 *
 * @returns by name, what makes a fresh one with a limit no benchmark comes to
 */
export async function countingPeers(): Promise<ReadonlyMap<string, () => Run>> {
  const peers = new Map<string, () => Run>()
  if (!peersInstalled()) return peers
  const asked = ['a', 'a', 'b', 'a', 'a'].map(apiKey => ({ method: 'GET', path: '/', apiKey }))
  for (const [name, make] of Object.entries(PEERS)) {
    const within = await make(3)(asked)
    if (within !== 4)
      throw new Error(`${name}: let ${within} of 5 pass, where a limit of 3 has 3 of one key and 1 of another`)
    peers.set(name, () => make(2_000_000_000))
  }
  return peers
}
