// A request → what it is measured against, or a refusal. Floor 2: looks up, and touches no clock, no store, no state.
// In two steps, so that an authorizer can say whose key it is once the method is known: `route`, then `meter`.

import type { Index, Mappings, Served, StageIndex } from './compile.ts'
import { type BadRequest, type InvalidApiKey, type MissingAuthenticationToken, OPEN, type Open } from './decision.ts'
import { extended, type Metered, MeteredRequest } from './limits.ts'
import { canonicalPath, foldSegment } from './path.ts'
import { isKeyValue } from './plan.ts'
import type { Place } from './slots.ts'

/** A request as an adapter sees it. */
export interface ApiRequest {
  /** `GET`, as it came. */
  readonly method: string
  /** The request target, origin form: `/v1/pets/7?limit=2`. The query is not looked at. */
  readonly path: string
  /** The value of `x-api-key`, or what an authorizer said. */
  readonly apiKey?: string | null | undefined
  /** The `Host` header or `:authority`. Read only to find the stage. */
  readonly host?: string | null | undefined
  /** Say which stage it is for, and host and base path are not looked at. */
  readonly apiId?: string
  readonly stage?: string
  /** What it costs, default 1: a whole number ≥ 0. */
  readonly cost?: number
}

/** A request whose stage is known. Made by `route` from an index, and to be used with that index. */
export interface Route {
  readonly kind: 'route'
  readonly index: Index
  readonly stage: StageIndex
  /** Null where the stage has no such method. */
  readonly served: Served | null
  /** The path that was matched, canonical and below the base path: hand this one on, not the spelling that came. */
  readonly path: string
}

const NO_STAGE: MissingAuthenticationToken = refusal('missing-authentication-token', 'no-stage')
const NO_METHOD: MissingAuthenticationToken = refusal('missing-authentication-token', 'no-method')
const BAD_PATH: BadRequest = refusal('bad-request', 'path')
const BAD_HOST: BadRequest = refusal('bad-request', 'host')
const MISSING: InvalidApiKey = invalid('missing')
const MALFORMED: InvalidApiKey = invalid('malformed')
const UNKNOWN: InvalidApiKey = invalid('unknown')

/** The stage a request is for, and which of its methods. */
export function route(index: Index, request: ApiRequest): Route | MissingAuthenticationToken | BadRequest {
  const whole = canonicalPath(request.path)
  if (whole === null) return BAD_PATH
  let path = whole
  let stage: StageIndex | undefined
  if (request.apiId !== undefined) {
    stage = index.stages.get(`${request.apiId}/${request.stage}`)
  } else {
    const mappings = mappingsOf(index, request.host)
    if (mappings === null) return BAD_HOST
    for (let i = 0; i < mappings.length && stage === undefined; i++) {
      const { basePath, stage: mapped } = mappings[i]!
      if (basePath === '') stage = mapped
      else if (isUnder(whole, basePath)) {
        stage = mapped
        path = whole.slice(basePath.length) || '/'
      }
      // The longest are first, so most requests are under the first or under none.
      if (i > 0 && stage !== undefined && spellsLonger(whole, basePath, mappings)) return BAD_PATH
    }
  }
  if (stage === undefined) return NO_STAGE
  const served = stage.routes.find(path, request.method) ?? null
  if (served === 'ambiguous') return BAD_PATH
  return { kind: 'route', index, stage, served, path }
}

/**
 * A routed request → what it is measured against, by its key.
 *
 * @param couldBeKey where it is false of a value, that one is not looked up. What it throws, this throws.
 * @param found where the key lies, for who has looked for it
 */
export function meter(
  { index, stage, served }: Route,
  apiKey: string | null | undefined,
  cost: number = 1,
  couldBeKey?: (value: string) => boolean,
  found?: Place,
): Metered | Open | InvalidApiKey | MissingAuthenticationToken {
  if (served === null) return NO_METHOD
  if (!Number.isSafeInteger(cost) || cost < 0)
    throw new RangeError(`cost: expected a whole number ≥ 0, received ${typeof cost} ${cost}`)
  const { method, ordinal, shared } = served
  if (!method.apiKeyRequired) {
    if (shared.length === 0) return OPEN
    return new MeteredRequest(index.version, stage, method, null, 0, null, null, null, shared, cost)
  }
  if (!apiKey) return MISSING
  // A value that could not be one (two header lines joined, a megabyte) is not even looked at.
  if (apiKey.length < 20 || apiKey.length > 128 || (couldBeKey && !couldBeKey(apiKey))) return MALFORMED
  const keys = index.apiKeys.byValue
  const place = found ?? keys.find(apiKey)
  if (keys.isNowhere(place)) return isKeyValue(apiKey) ? UNKNOWN : MALFORMED
  const keyId = keys.idAt(place)
  if (!keys.isEnabledAt(place)) return invalid('disabled', keyId)
  const at = stage.planOfKey.at(keys, place)
  if (at === null) return invalid('no-plan', keyId)
  const plan = keys.isExtendedAt(place) ? extended(at.plan, keys.keyAt(place).quotaExtensions ?? []) : at.plan
  const own = at.methods[ordinal] ?? null
  const bucket = own !== null && index.overrides ? null : at.plan.bucket
  return new MeteredRequest(index.version, stage, method, keyId, keys.idHashAt(place), plan, bucket, own, shared, cost)
}

/** A request → what it is measured against, or why it is not: `route`, then `meter`. */
export function resolve(
  index: Index,
  request: ApiRequest,
): Metered | Open | InvalidApiKey | MissingAuthenticationToken | BadRequest {
  const found = route(index, request)
  return found.kind === 'route' ? meter(found, request.apiKey, request.cost) : found
}

function isUnder(path: string, basePath: string): boolean {
  return path.startsWith(basePath) && (basePath === '' || (path[basePath.length] ?? '/') === '/')
}

/** Whether a path that is under one mapping spells the base path of a longer one some other way. */
function spellsLonger(path: string, found: string, mappings: Mappings): boolean {
  // The longest are first, so most requests look at none.
  if (mappings[0]!.basePath.length <= found.length) return false
  const segments = path.slice(1).split('/').map(foldSegment)
  return mappings.some(({ basePath }) => {
    if (basePath.length <= found.length) return false
    return basePath
      .slice(1)
      .split('/')
      .every((part, i) => part.toLowerCase() === segments[i])
  })
}

/** `name`, `name.`, `name:port` or `[::1]:port`; two joined hosts are none of them. */
const HOST = /^([\w.-]*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/

/** The mappings of a host, of any host where it has none, null when what came is no host at all. */
function mappingsOf({ hosts, anyHost }: Index, host: string | null | undefined): Mappings | null {
  if (!host) return anyHost
  const [, name] = HOST.exec(host) ?? []
  if (name === undefined) return null
  return hosts.size === 0 ? anyHost : (hosts.get(name.replace(/\.$/, '').toLowerCase()) ?? anyHost)
}

function refusal<K extends string, R extends string>(kind: K, reason: R): { kind: K; admitted: false; reason: R } {
  return Object.freeze({ kind, admitted: false, reason })
}

function invalid(reason: InvalidApiKey['reason'], keyId: string | null = null): InvalidApiKey {
  return Object.freeze({ kind: 'invalid-api-key', admitted: false, reason, keyId })
}
