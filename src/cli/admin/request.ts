// An operation and its input as a request: the control plane's routes (control/routes.ts), read the other way. Floor 5:
// pure.

import { type ControlRoute, routes } from '../../control/routes.ts'
import { nearestOf } from '../../core/readers.ts'
import { shown } from '../keys/arguments.ts'
import { UsageError } from '../terminal.ts'

/** Members as the route names them: labels of the path, names of the query, and the body's in one. */
export type Members = Readonly<Record<string, unknown>>

export interface ControlRequest {
  readonly verb: string
  /** Path and query. */
  readonly target: string
  readonly body: string | null
  readonly contentType: string | null
}

/** The route of that name. @throws {UsageError} that has the nearest one there is */
export function routeOf(name: string): ControlRoute {
  const route = routes.find(({ operation }) => operation === name)
  if (route !== undefined) return route
  const names = routes.map(({ operation }) => operation)
  const remedy = nearestOf(name, names, 'see tollgate admin call --help')
  throw new UsageError(`expected an operation like CreateUsagePlan, received ${shown(name)}; ${remedy}`)
}

/** The labels of a route's path: `restApiId`, `stageName`. */
export function labelsOf({ path }: ControlRoute): string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, label]) => label as string)
}

/** @throws {UsageError} for a label that is missing, or a member that there is no place for */
export function requestOf(route: ControlRoute, input: Members): ControlRequest {
  const { operation, verb } = route
  const rest = new Map(Object.entries(input).filter(([, value]) => value !== undefined))
  const [template = '', search = ''] = route.path.split('?')
  const path = template.replace(/\{(\w+)\}/g, (_, label: string) => {
    const value = rest.get(label)
    rest.delete(label)
    // As a part of a path the dots would be a way up.
    if (typeof value === 'string' && !/^\.{0,2}$/.test(value)) return encodeURIComponent(value)
    throw new UsageError(`${operation}: ${label}: expected text that names one, received ${shownValue(value)}`)
  })
  const query = new URLSearchParams(search)
  for (const [name, member] of Object.entries(route.query)) {
    const value = rest.get(member)
    rest.delete(member)
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) query.append(name, String(one))
  }
  const target = query.size === 0 ? path : `${path}?${query}`
  if (route.body === 'json') {
    return { verb, target, body: JSON.stringify(Object.fromEntries(rest)), contentType: 'application/json' }
  }
  const text = route.body === 'raw' ? rest.get('body') : undefined
  if (route.body === 'raw') rest.delete('body')
  const [extra] = rest.keys()
  if (extra !== undefined) {
    const known = [...labelsOf(route), ...Object.values(route.query), ...(route.body === 'raw' ? ['body'] : [])]
    const remedy = nearestOf(extra, known, `it takes ${known.join(', ') || 'nothing'}`)
    throw new UsageError(`${operation}: expected nothing of that name, received ${shown(extra)}; ${remedy}`)
  }
  if (route.body === 'none') return { verb, target, body: null, contentType: null }
  if (typeof text !== 'string') {
    throw new UsageError(`${operation}: body: expected text, received ${shownValue(text)}; say --body FILE`)
  }
  return { verb, target, body: text, contentType: 'application/octet-stream' }
}

function shownValue(value: unknown): string {
  return value === undefined ? 'nothing' : typeof value === 'string' ? shown(value) : typeof value
}
