// The short form of a catalog, spelled out: one API, one stage, and which of its methods need a key. Floor 0: pure.

import { type HttpMethod, type Method, throttleKey } from './api.ts'
import { type At, type Notes, quote } from './readers.ts'
import { compact, type Parts, type ShortParts } from './shapes.ts'

/** The id of the one API and the name of its one stage. */
export const SHORT = 'default'

/** A short document spelled out, and where in it each method of the API is named. */
export interface Expanded {
  readonly parts: Parts
  readonly methodsAt: readonly At[]
}

/**
 * What a short document means.
 *
 * With `requireKey` the methods it names need a key and all else is open; without it, everything needs one. A name
 * without a verb is `ANY`, as is all else; GET covers HEAD, since servers answer HEAD with what they do for GET.
 */
export function expand({ requireKey, plans = [], keys = [], ...rest }: ShortParts, notes: Notes): Expanded {
  const required = new Map<string, At>()
  requireKey?.forEach((name, i) => {
    required.set(name.startsWith('/') ? `ANY ${name}` : name, ['requireKey', i])
  })
  for (const [name, at] of [...required]) if (name.startsWith('GET ')) required.set(`HEAD ${name.slice(4)}`, at)
  const all = requireKey === undefined
  const methods = new Map<string, Method>()
  const places = new Map<string, At>()
  const declare = (name: string, apiKeyRequired: boolean, at: At): void => {
    const [httpMethod, path] = split(name)
    methods.set(name, { path, httpMethod, apiKeyRequired })
    if (!places.has(name)) places.set(name, at)
  }
  // In one place of the tree a parameter has one name: theirs, where they name what stands for every path.
  const named = [...required.keys(), ...plans.flatMap(plan => Object.keys(plan.methods ?? {}))]
  const everyPath = named.map(name => split(name)[1]).find(path => /^\/\{[^/]+\+\}$/.test(path)) ?? '/{proxy+}'
  for (const path of ['/', everyPath]) declare(`ANY ${path}`, all, [])
  for (const [name, at] of required) declare(name, true, at)

  plans.forEach((plan, i) => {
    for (const name of Object.keys(plan.methods ?? {})) {
      const at = ['plans', i, 'methods', name]
      // A throttle for one verb of a path that needs a key for all: the verb becomes a method of its own.
      if (all || required.has(name) || required.has(`ANY ${split(name)[1]}`)) declare(name, true, at)
      else
        notes.warn(at, 'reference', 'a method that needs a key', quote(name), 'add it to requireKey, or it never binds')
    }
  })

  const apiStage = { apiId: SHORT, stage: SHORT }
  const parts = {
    ...rest,
    apis: [
      {
        id: SHORT,
        apiKeySource: 'HEADER' as const,
        methods: [...methods.values()],
        deployments: [],
        stages: [{ stageName: SHORT }],
      },
    ],
    usagePlans: plans.map(({ methods: throttles, ...plan }) => {
      const throttle = Object.entries(throttles ?? {}).flatMap(([name, throttle]) => {
        const [verb, path] = split(name)
        return methods.get(name)?.apiKeyRequired ? [[throttleKey(path, verb), throttle] as const] : []
      })
      return {
        ...plan,
        apiStages: [throttle.length === 0 ? apiStage : { ...apiStage, throttle: Object.fromEntries(throttle) }],
      }
    }),
    apiKeys: keys.map(({ plan, ...key }) => compact({ ...key, usagePlanIds: [plan] }, notes.lists)),
  }
  return { parts, methodsAt: [...places.values()] }
}

function split(name: string): [HttpMethod, string] {
  const space = name.indexOf(' ')
  return [name.slice(0, space) as HttpMethod, name.slice(space + 1)]
}
