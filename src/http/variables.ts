// What a gateway response may name: AWS's words for parts of a refused request → their values. Floor 4.
// The names are AWS's mapping expressions; which there are, and what is empty, is in docs/http.md.

import type { ApiRequest, Route } from '../core/resolve.ts'

/** A request that was refused in a stage. */
export interface Asked {
  readonly route: Route
  /** As it was judged: its key is the header's, or who an authorizer said. */
  readonly request: ApiRequest
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>
}

/** What it is refused with, in AWS's words. */
export interface Told {
  readonly error: { readonly message: string; readonly messageString: string; readonly responseType: string }
  /** Whose request it is, where its key is good. */
  readonly identity: { readonly apiKeyId: string | null | undefined }
}

/** No key has less than 20 characters, and of fewer than these nobody makes one. */
const RUN = 8

/** Such names in a text, each after its `$`: `split` puts them at the odd places. */
export const NAMES: RegExp = /\$([a-z]\w*(?:\.[\w-]+)+)/i

/**
 * The value of each name, without control characters; empty where there is none.
 *
 * Never what the request's key is in: answers get into caches and logs.
 */
export function valuesFor({ route, request, headers }: Asked, told: Told): (name: string) => string {
  const { apiId, stage, variables } = route.stage
  const resourcePath = route.served?.method.path ?? ''
  const template = resourcePath.split('/')
  const path = route.path.split('/')
  const values = {
    context: {
      ...told,
      requestId: crypto.randomUUID(),
      apiId,
      stage,
      httpMethod: request.method,
      resourcePath,
      domainName: request.host,
    },
    stageVariables: variables,
    method: {
      request: {
        header: headers,
        querystring: Object.fromEntries(new URLSearchParams(request.path.replace(/^[^?]*/, ''))),
        // The last one may be greedy: it is all that is left.
        path: Object.fromEntries(
          template.map((part, i) => [part.replace(/[{+}]/g, ''), template[i + 1] ? path[i] : path.slice(i).join('/')]),
        ),
      },
    },
  }
  const telling = runsOf([headers['x-api-key'], request.apiKey].join())
  return name => {
    let value: unknown = values
    for (const part of name.split('.')) {
      const at = Object(value)
      // Nothing on the way is called: what objects inherit can only be a word.
      value = at[part] ?? at[part.toLowerCase()]
    }
    const text = typeof value === 'string' ? value.replace(/\p{Cc}/gu, '') : ''
    return telling.size > 0 && [...runsOf(text)].some(run => telling.has(run)) ? '' : text
  }
}

/** Every `RUN` characters in a row: what two texts have to share for one to tell of the other. */
function runsOf(text: string): Set<string> {
  const runs = new Set<string>()
  for (let end = RUN; end <= text.length; end++) runs.add(text.slice(end - RUN, end))
  return runs
}
