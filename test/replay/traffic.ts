// Traffic of which it is known what a plan does to it: customers of four shapes, each with its truth in closed form, so
// that no part of the engine is asked. All at whole seconds, as most logs have them, but for the runaway's.

import { type Catalog, catalogOf } from '../../src/index.ts'

export interface Made {
  readonly time: number
  readonly key: string | null
  readonly method: string
  readonly path: string
}

/** What a customer must be found to have met. */
export interface Truth {
  readonly admitted: number
  readonly throttled: number
  readonly quotaExceeded: number
  readonly firstRefused: number | null
  readonly burst: { readonly requests: number; readonly ms: number } | null
  readonly quotaRanOut: { readonly at: number; readonly windows: number } | null
}

export interface Customer {
  readonly id: string
  readonly name: string
  readonly plan: string
  readonly requests: readonly Made[]
  readonly truth: Truth
}

export const START: number = Date.UTC(2026, 10, 2)
const SECOND = 1000
const HOUR = 3_600_000
const DAY = 24 * HOUR

export interface Limits {
  readonly rate: number
  readonly burst: number
  readonly quota: number
}

const made = (key: string, time: number, path: string): Made => ({ time, key, method: 'GET', path })

/** More by day than by night, and never more than one in two seconds: nothing happens to it. */
export function diurnal(id: string, days: number): Customer {
  const requests: Made[] = []
  for (let day = 0; day < days; day++) {
    for (let hour = 0; hour < 24; hour++) {
      const count = Math.round(6 + 5 * Math.sin(((hour - 8) / 24) * 2 * Math.PI))
      for (let i = 0; i < count; i++) {
        const time = START + day * DAY + hour * HOUR + Math.floor(((i + 0.5) / count) * 3600) * SECOND
        requests.push(made(id, time, i % 3 === 0 ? '/v1/pets' : `/v1/pets/${(i * 37) % 500}`))
      }
    }
  }
  const truth = {
    admitted: requests.length,
    throttled: 0,
    quotaExceeded: 0,
    firstRefused: null,
    burst: null,
    quotaRanOut: null,
  }
  return { id, name: 'Acorn Labs', plan: 'free', requests, truth }
}

/** A job at every sixth hour that asks `size` times at once. */
export function bursty(id: string, days: number, size: number, { burst }: Limits): Customer {
  const jobs = Array.from({ length: days * 4 }, (_, i) => START + i * 6 * HOUR + 5 * 60 * SECOND)
  const requests = jobs.flatMap(time => Array.from({ length: size }, (_, i) => made(id, time, `/v1/pets/${i}`)))
  const over = Math.max(0, size - burst)
  const truth = {
    admitted: jobs.length * (size - over),
    throttled: jobs.length * over,
    quotaExceeded: 0,
    firstRefused: over > 0 ? jobs[0]! : null,
    burst: over > 0 ? { requests: burst + 1, ms: 0 } : null,
    quotaRanOut: null,
  }
  return { id, name: 'Birch & Sons', plan: 'free', requests, truth }
}

/** One loop without a pause, once: `count` requests, one every `every` ms. */
export function runaway(id: string, count: number, every: number, { rate, burst }: Limits): Customer {
  const begin = START + DAY + 14 * HOUR
  const requests = Array.from({ length: count }, (_, i) => made(id, begin + i * every, '/v1/pets'))
  // After the nth request at most so many were let through, counted from 0.
  const most = (n: number): number => Math.min(n + 1, Math.floor(burst + (rate * every * n) / 1000 + 1e-9))
  let first = 0
  while (first < count && most(first) === first + 1) first++
  const refused = first < count
  const truth = {
    admitted: most(count - 1),
    throttled: count - most(count - 1),
    quotaExceeded: 0,
    firstRefused: refused ? begin + first * every : null,
    burst: refused ? { requests: first + 1, ms: first * every } : null,
    quotaRanOut: null,
  }
  return { id, name: 'Cedar "Mobile" <app>', plan: 'free', requests, truth }
}

/** The same every day, evenly, and more than its quota. */
export function overQuota(id: string, days: number, perDay: number, { quota }: Limits): Customer {
  const at = (day: number, i: number): number => START + day * DAY + Math.floor((i * 86_400) / perDay) * SECOND
  const requests = Array.from({ length: days }, (_, day) =>
    Array.from({ length: perDay }, (_, i) => made(id, at(day, i), '/v1/orders')),
  ).flat()
  const over = Math.max(0, perDay - quota)
  const truth = {
    admitted: days * (perDay - over),
    throttled: 0,
    quotaExceeded: days * over,
    firstRefused: over > 0 ? at(0, quota) : null,
    burst: null,
    quotaRanOut: over > 0 ? { at: at(0, quota), windows: days } : null,
  }
  return { id, name: '=HYPERLINK("x")', plan: 'free', requests, truth }
}

/** Somebody who tries keys and paths: no plan covers it. */
export function abusive(days: number): Made[] {
  return Array.from({ length: days * 40 }, (_, i): Made => {
    const time = START + Math.floor((i * 86_400) / 40 + 17) * SECOND
    return i % 2 === 0
      ? { time, key: 'guessed-key-00000000000000', method: 'GET', path: '/v1/pets' }
      : { time, key: null, method: 'POST', path: `/wp-login.php` }
  })
}

export interface World {
  readonly customers: readonly Customer[]
  readonly abusive: readonly Made[]
  /** All of it, in time order. */
  readonly requests: readonly Made[]
  readonly days: number
}

export function worldOf(limits: Limits, days = 3): World {
  const customers = [
    diurnal('acorn', days),
    bursty('birch', days, 16, limits),
    runaway('cedar', 300, 200, limits),
    overQuota('dogwood', days, 260, limits),
  ]
  const bad = abusive(days)
  const requests = [...customers.flatMap(({ requests }) => requests), ...bad].sort((a, b) => a.time - b.time)
  return { customers, abusive: bad, requests, days }
}

/** A catalog whose plan `free` has these limits, with the customers' keys. */
export function catalogFor(
  { rate, burst, quota }: Limits,
  customers: readonly Customer[],
  version = 'proposed',
): Catalog {
  return catalogOf(documentFor({ rate, burst, quota }, customers, version) as Parameters<typeof catalogOf>[0])
}

export function documentFor({ rate, burst, quota }: Limits, customers: readonly Customer[], version: string): object {
  const method = (httpMethod: string, path: string) => ({ httpMethod, path, apiKeyRequired: true })
  return {
    version,
    apis: [
      {
        id: 'petstore',
        methods: [
          method('GET', '/pets'),
          method('POST', '/pets'),
          method('GET', '/pets/{petId}'),
          method('GET', '/orders'),
        ],
        stages: [{ stageName: 'prod' }],
      },
    ],
    basePathMappings: [{ basePath: 'v1', apiId: 'petstore', stage: 'prod' }],
    usagePlans: [
      {
        id: 'free',
        name: 'Free',
        apiStages: [{ apiId: 'petstore', stage: 'prod' }],
        throttle: { rateLimit: rate, burstLimit: burst },
        quota: { limit: quota, period: 'DAY' },
      },
    ],
    apiKeys: customers.map(({ id, name, plan }) => ({
      id,
      name,
      value: `${id}-value-of-the-key-0000`,
      enabled: true,
      usagePlanIds: [plan],
    })),
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As nginx writes it. */
export function combinedLine({ time, key, method, path }: Made, status = 200): string {
  const date = new Date(time)
  const iso = date.toISOString()
  const stamp = `${iso.slice(8, 10)}/${MONTHS[date.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
  return `203.0.113.7 - ${key ?? '-'} [${stamp}] "${method} ${path} HTTP/1.1" ${status} 512 "-" "curl/8.5.0"`
}

/** As a service of one's own might. */
export function jsonLine({ time, key, method, path }: Made): string {
  return JSON.stringify({ time: new Date(time).toISOString(), method, path, apiKeyId: key ?? '-' })
}

/** What ships in examples/replay: three days, a plan as it is and as it might be. */
export const SAMPLE = {
  current: { rate: 5, burst: 20, quota: 1000 },
  proposed: { rate: 1, burst: 10, quota: 200 },
} as const satisfies Record<string, Limits>

/** The sample's files, by name. */
export function sampleFiles(): Record<string, string> {
  const world = worldOf(SAMPLE.proposed)
  const names: Record<string, string> = { cedar: 'Cedar Mobile', dogwood: 'Dogwood, Inc.' }
  const customers = world.customers.map(customer => ({ ...customer, name: names[customer.id] ?? customer.name }))
  const catalog = (limits: Limits, version: string): string =>
    `${JSON.stringify(documentFor(limits, customers, version), null, 2)}\n`
  return {
    'current.json': catalog(SAMPLE.current, 'current'),
    'proposed.json': catalog(SAMPLE.proposed, 'proposed'),
    'access.log': `${world.requests.map(made => combinedLine(made, made.path.startsWith('/v1') ? 200 : 404)).join('\n')}\n`,
  }
}
