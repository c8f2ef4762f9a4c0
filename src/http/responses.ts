// Gateway responses as refused callers get them: the status, headers and body that a stage's API was deployed with, in
// place of the plain answer's. Floor 4. Compiled once each, when first asked for; most stages have none.

import { type GatewayResponse, HEADER, STATUS } from '../core/api.ts'
import type { Refusing } from './answer.ts'
import { type Asked, NAMES, type Told, valuesFor } from './variables.ts'

type Compiled = (plain: Refusing, asked: Asked, told: Told) => Refusing

const COMPILED = new WeakMap<GatewayResponse, Compiled>()

/** The plain answer as the stage's API would have it. A type's own response wins over that of its class, whole. */
export function customised(plain: Refusing, asked: Asked, told: Told): Refusing {
  const all = asked.route.stage.gatewayResponses
  const response = all?.[told.error.responseType] ?? all?.[`DEFAULT_${Math.floor(plain.status / 100)}XX`]
  if (response === undefined) return plain
  const compiled = COMPILED.get(response) ?? compile(response)
  COMPILED.set(response, compiled)
  return compiled(plain, asked, told)
}

function compile({ statusCode = '', responseParameters = {}, responseTemplates = {} }: GatewayResponse): Compiled {
  // Texts, and between them names of values.
  const parameters = Object.entries(responseParameters).flatMap(([parameter, value]) => {
    const name = HEADER.exec(parameter)?.[1]
    return name === undefined ? [] : [[name, value.startsWith("'") ? [value.slice(1, -1)] : ['', value]] as const]
  })
  const bodies = new Map(Object.entries(responseTemplates).map(([type, text]) => [type, text.split(NAMES)]))
  const status = Number(STATUS.exec(statusCode))

  return (plain, asked, told) => {
    const values = valuesFor(asked, told)
    const textOf = (parts: readonly string[]): string => parts.map((part, i) => (i % 2 ? values(part) : part)).join('')
    const headers = new Headers(plain.headers as [string, string][])
    const accepted = `${asked.headers['accept']}`.split(/[\s,;]+/)
    const type = [...accepted, 'application/json', ...bodies.keys()].find(type => bodies.has(type)) ?? ''
    for (const [name, parts] of [['Content-Type', [type]] as const, ...parameters]) {
      const value = textOf(parts)
      // What is empty, and what no header may hold, leaves things as they are.
      if (/^[ -~]+$/.test(value)) headers.set(name, value)
    }
    return { status: status || plain.status, headers: [...headers], body: textOf(bodies.get(type) ?? [plain.body]) }
  }
}
