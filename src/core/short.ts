// The short form of a catalog, spelled out: one API, one stage, and which of its methods need a key. Floor 0: pure.

import { type HttpMethod, type Method, throttleKey } from './api.ts'
import type { Notes } from './readers.ts'
import type { Parts, ShortParts } from './shapes.ts'

/** The id of the one API and the name of its one stage. */
export const SHORT = 'default'

/**
 * What a short document means.
 *
 * With `requireKey` the methods it names need a key and all else is open; without it, everything needs one. A name
 * without a verb is every verb; GET covers HEAD, since servers answer HEAD with what they do for GET.
 */
export function expand({ requireKey, plans = [], keys = [], ...rest }: ShortParts, notes: Notes): Parts {
  const required = new Set(requireKey?.map(name => (name.startsWith('/') ? `ANY ${name}` : name)))
  for (const name of [...required]) if (name.startsWith('GET ')) required.add(`HEAD ${name.slice(4)}`)
  const all = requireKey === undefined
  const methods = new Map<string, Method>()
  const declare = (name: string, apiKeyRequired: boolean): void => {
    const [httpMethod, path] = split(name)
    methods.set(name, { path, httpMethod, apiKeyRequired })
  }
  for (const name of ['ANY /', 'ANY /{proxy+}']) declare(name, all)
  for (const name of required) declare(name, true)

  plans.forEach((plan, i) => {
    for (const name of Object.keys(plan.methods ?? {})) {
      // A throttle for one verb of a path that needs a key for all: the verb becomes a method of its own.
      if (all || required.has(name) || required.has(`ANY ${split(name)[1]}`)) declare(name, true)
      else
        notes.warn(
          ['plans', i, 'methods', name],
          'reference',
          'a method that needs a key',
          name,
          'add it to requireKey, or it never binds',
        )
    }
  })

  const apiStage = { apiId: SHORT, stage: SHORT }
  return {
    ...rest,
    apis: [
      {
        id: SHORT,
        apiKeySource: 'HEADER',
        methods: [...methods.values()],
        deployments: [],
        stages: [{ stageName: SHORT }],
      },
    ],
    usagePlans: plans.map(({ methods: throttles, ...plan }) => {
      const throttle = Object.entries(throttles ?? {}).map(([name, throttle]) => {
        const [verb, path] = split(name)
        return [throttleKey(path, verb), throttle] as const
      })
      return {
        ...plan,
        apiStages: [throttle.length === 0 ? apiStage : { ...apiStage, throttle: Object.fromEntries(throttle) }],
      }
    }),
    apiKeys: keys.map(({ plan, ...key }) => ({ ...key, usagePlanIds: [plan] })),
  }
}

function split(name: string): [HttpMethod, string] {
  const space = name.indexOf(' ')
  return [name.slice(0, space) as HttpMethod, name.slice(space + 1)]
}
