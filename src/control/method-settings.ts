// A stage's settings for its methods, and how PATCH changes them. Floor 4: pure.
// Source: AWS API Gateway, API_MethodSetting; defaults, copying and messages as recorded on AWS.

import type { MethodSetting, Stage } from '../core/api.ts'
import { segmentsOf } from '../core/template.ts'
import { MAX_BURST, MIN_RATE } from '../core/units.ts'
import { badRequest } from './fault.ts'
import type { Answer } from './operation.ts'
import { decimalIn, flagIn, type Patch, unescaped, valueIn, wholeIn } from './patch.ts'

type Settings = Readonly<Record<string, MethodSetting>>

/** What an entry has when it is made of nothing. */
const DEFAULTS: MethodSetting = {
  metricsEnabled: false,
  dataTraceEnabled: false,
  throttlingBurstLimit: 5000,
  throttlingRateLimit: 10_000,
  cachingEnabled: false,
  cacheTtlInSeconds: 300,
  cacheDataEncrypted: false,
  requireAuthorizationForCacheControl: true,
  unauthorizedCacheControlHeaderStrategy: 'SUCCEED_WITH_RESPONSE_HEADER',
}

/** As AWS shows them: whole entries. Limits only where there are any. */
export function settingsView(settings: Settings | undefined): Answer {
  const view: Record<string, unknown> = Object.create(null)
  for (const [name, setting] of Object.entries(settings ?? {})) {
    const isLimited = setting.throttlingBurstLimit !== undefined || setting.throttlingRateLimit !== undefined
    const none = isLimited ? {} : { throttlingBurstLimit: undefined, throttlingRateLimit: undefined }
    view[name] = { ...DEFAULTS, ...setting, ...none }
  }
  return view
}

const LEVELS = ['OFF', 'ERROR', 'INFO']
const STRATEGIES = ['FAIL_WITH_403', 'SUCCEED_WITH_RESPONSE_HEADER', 'SUCCEED_WITHOUT_RESPONSE_HEADER']

function oneOf(patch: Patch, values: readonly string[]): string {
  const value = valueIn(patch)
  return values.includes(value)
    ? value
    : badRequest(`Invalid value for ${patch.path}. Must be one of: [${values.join(', ')}]`)
}

/** Tokens per second; -1 is no limit. */
function rateIn(patch: Patch): number {
  const rate = decimalIn(patch)
  if (rate === -1 || rate === 0 || (rate >= MIN_RATE && rate <= 1e9)) return rate
  return badRequest(`Invalid value specified for ${patch.path}: expected -1, 0, or 0.0000024 to 1000000000`)
}

/** By what follows the method in the path. */
const MEMBERS: Readonly<Record<string, (patch: Patch) => MethodSetting>> = {
  'metrics/enabled': patch => ({ metricsEnabled: flagIn(patch) }),
  'logging/dataTrace': patch => ({ dataTraceEnabled: flagIn(patch) }),
  'logging/loglevel': patch => ({ loggingLevel: oneOf(patch, LEVELS) }),
  'throttling/burstLimit': patch => ({ throttlingBurstLimit: wholeIn(patch, -1, MAX_BURST) }),
  'throttling/rateLimit': patch => ({ throttlingRateLimit: rateIn(patch) }),
  'caching/ttlInSeconds': patch => ({ cacheTtlInSeconds: wholeIn(patch, 0, 3600) }),
  'caching/enabled': patch => ({ cachingEnabled: flagIn(patch) }),
  'caching/dataEncrypted': patch => ({ cacheDataEncrypted: flagIn(patch) }),
  'caching/requireAuthorizationForCacheControl': patch => ({ requireAuthorizationForCacheControl: flagIn(patch) }),
  'caching/unauthorizedCacheControlHeaderStrategy': patch => ({
    unauthorizedCacheControlHeaderStrategy: oneOf(patch, STRATEGIES),
  }),
}

const VERB = '(GET|PUT|POST|DELETE|PATCH|OPTIONS|HEAD|ANY)'
const MEMBER = new RegExp(`^/(?:\\*/\\*|(.*)/${VERB})/(${Object.keys(MEMBERS).join('|')})$`, 's')
const ENTRY = new RegExp(`^/(?:\\*/\\*|(.*)/${VERB})$`, 's')

/**
 * The entry that a path is about, by the name under which it is served: `pets/{petId}/GET`, `/GET` for the root.
 *
 * @param path what stands for the resource: its path without the first slash, with slashes as they are or as `~1`
 * @returns null when there can be no such resource
 */
function nameOf(path: string | undefined, verb: string | undefined): string | null {
  if (verb === undefined) return '*/*'
  const plain = unescaped(path ?? '').replace(/^\//, '')
  return typeof segmentsOf(`/${plain}`) === 'string' ? null : `${plain}/${verb}`
}

/** The stage with a setting changed, or an entry removed; null when the path is not about settings. */
export function settingPatched(stage: Stage, patch: Patch): Stage | null {
  const settings = stage.methodSettings ?? {}
  if (patch.op === 'remove') {
    const [, path, verb] = ENTRY.exec(patch.path) ?? []
    if (!ENTRY.test(patch.path)) return null
    const name = nameOf(path, verb)
    if (name === null) return null
    if (!Object.hasOwn(settings, name)) {
      badRequest(`Cannot remove method setting ${name} because there is no method setting for this method `)
    }
    const { [name]: _, ...others } = settings
    return { ...stage, methodSettings: others }
  }
  const [, path, verb, member = ''] = MEMBER.exec(patch.path) ?? []
  const name = nameOf(path, verb)
  const read = MEMBERS[member]
  if (patch.op !== 'replace' || read === undefined || name === null) return null
  // A new entry is a copy of `*/*` as it is now.
  const own = Object.hasOwn(settings, name) ? settings[name] : Object.hasOwn(settings, '*/*') ? settings['*/*'] : {}
  return { ...stage, methodSettings: { ...settings, [name]: { ...DEFAULTS, ...own, ...read(patch) } } }
}
