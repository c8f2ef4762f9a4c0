// What the benchmarks judge: catalogs of n keys, and requests as a server makes them, every string new.

import type { ApiRequest } from '../src/core/resolve.ts'
import { type Catalog, type CatalogDocument, check } from '../src/index.ts'

/** `roomy` admits whatever a benchmark asks; the others have admitted one request of each key when they are full. */
export type PlanName = 'roomy' | 'slow' | 'spent'

const KEY_LENGTH = 40

const ROOMY = { rateLimit: 50_000_000, burstLimit: 20_000_000 }
const ONE_TOKEN = { rateLimit: 1 / 432_000, burstLimit: 1 }

/** A small API as they are: four resources, ten methods, each with a key. */
const METHODS = ['/', '/pets', '/pets/{petId}', '/pets/{petId}/photos', '/owners/{ownerId}'].flatMap(path => [
  { path: path as `/${string}`, httpMethod: 'GET' as const, apiKeyRequired: true },
  { path: path as `/${string}`, httpMethod: 'POST' as const, apiKeyRequired: true },
])

/** Key values side by side in one buffer, as the bytes of a socket are. Cut fresh: a string that was used has its hash. */
export class KeyValues {
  readonly count: number
  readonly #bytes: Buffer

  /** @param seed keys of different seeds have nothing in common */
  constructor(count: number, seed: number) {
    const random = randomOf(seed)
    const letters = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
    this.count = count
    this.#bytes = Buffer.alloc(count * KEY_LENGTH)
    for (let i = 0; i < this.#bytes.length; i++) this.#bytes[i] = letters[random() & 63] as number
  }

  fresh(i: number): string {
    return this.#bytes.latin1Slice(i * KEY_LENGTH, (i + 1) * KEY_LENGTH)
  }
}

declare global {
  interface Buffer {
    /** In Node since always, in its types not yet. */
    latin1Slice(start: number, end: number): string
  }
}

/** The catalog: one API with one stage, the three plans, and the keys on one of them. */
export function catalogOf(keys: KeyValues, plan: PlanName, mapped = false): Catalog {
  const document = documentOf(keys, plan, mapped)
  const checked = check(document)
  if (!checked.ok) throw new Error(checked.issues[0]?.message)
  return checked.catalog
}

export function documentOf(keys: KeyValues, plan: PlanName, mapped = false): CatalogDocument {
  const apiStages = [{ apiId: 'petstore', stage: 'prod', throttle: { '/pets/{petId}/GET': ROOMY } as const }]
  const quota = { limit: 2_147_483_647, period: 'MONTH' } as const
  return {
    apis: [{ id: 'petstore', methods: METHODS, stages: [{ stageName: 'prod' }] }],
    basePathMappings: mapped
      ? [
          { domainName: 'api.example.com', basePath: 'v1', apiId: 'petstore', stage: 'prod' },
          { domainName: 'api.example.org', apiId: 'petstore', stage: 'prod' },
        ]
      : [],
    usagePlans: [
      { id: 'roomy', apiStages, throttle: ROOMY, quota },
      { id: 'slow', apiStages, throttle: ONE_TOKEN, quota },
      { id: 'spent', apiStages, throttle: ROOMY, quota: { ...quota, limit: 1 } },
    ],
    apiKeys: Array.from({ length: keys.count }, (_, i) => ({
      id: `key-${i}`,
      value: keys.fresh(i),
      usagePlanIds: [plan],
    })),
  }
}

/** A request for a method with a throttle of its own. The path and the host are new strings, as the key is. */
export function requestOf(keys: KeyValues, key: number, mapped = false): ApiRequest {
  const pet = key % 10_000
  return mapped
    ? { method: 'GET', path: fresh(`/v1/pets/${pet}?limit=2`), host: fresh('api.example.com'), apiKey: keys.fresh(key) }
    : { method: 'GET', path: fresh(`/pets/${pet}`), apiKey: keys.fresh(key) }
}

const scratch = Buffer.alloc(256)

/** The same text as a new string, without a hash. */
export function fresh(text: string): string {
  return scratch.latin1Slice(0, scratch.write(text, 'latin1'))
}

/**
 * Keys as they are asked for.
 *
 * @param zipf the nth most asked for is asked for 1/n as often as the first; where it stands in the catalog is scattered
 * @returns what gives the number of a key, 0 … count - 1
 */
export function keysAsked(count: number, zipf: boolean): () => number {
  const random = randomOf(count)
  if (!zipf) return () => random() % count
  return () => (Math.floor((count + 1) ** (random() / 2 ** 32) - 1) * 7919) % count
}

/** xorshift32: the same requests in every run. @returns 0 … 2^32 - 1 */
export function randomOf(seed: number): () => number {
  let x = seed | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}
