// Gateway responses: put, get, list, update, delete. Floor 4: pure. They are served once they are deployed.

import { type Api, DEFAULT_STATUS, type GatewayResponse } from '../core/api.ts'
import { putApi } from '../core/edits.ts'
import { badRequest, notFound } from './fault.ts'
import { bounded } from './input.ts'
import { edited, type Operation, operation, reading } from './operation.ts'
import { apiOf } from './operations-apis.ts'
import { pageAnswer } from './page.ts'
import { applied, type Patch, patchesOf, unescaped, valueIn } from './patch.ts'
import { gatewayResponseOf, responseTypeOf, responseView, statusOf } from './responses.ts'

function withResponse(api: Api, type: string, response: GatewayResponse | undefined): Api {
  const { gatewayResponses, ...rest } = api
  const { [type]: _, ...others } = gatewayResponses ?? {}
  const all = response === undefined ? others : { ...others, [type]: response }
  return Object.keys(all).length === 0 ? rest : { ...rest, gatewayResponses: all }
}

export const putGatewayResponse: Operation = operation((catalog, input) => {
  const type = responseTypeOf(input)
  const api = withResponse(apiOf(catalog, input), type, gatewayResponseOf(input))
  return { catalog: edited(putApi(catalog, api)), answer: responseView(api.gatewayResponses ?? {}, type) }
})

export const getGatewayResponse: Operation = reading((catalog, input) => {
  const type = responseTypeOf(input)
  return responseView(apiOf(catalog, input).gatewayResponses ?? {}, type)
})

export const getGatewayResponses: Operation = reading((catalog, input) => {
  const { id, gatewayResponses = {} } = apiOf(catalog, input)
  return pageAnswer(
    input,
    `restapis/${id}/gatewayresponses`,
    Object.keys(DEFAULT_STATUS),
    type => type,
    type => responseView(gatewayResponses, type),
  )
})

type Maps = Pick<GatewayResponse, 'responseParameters' | 'responseTemplates'>

function patched(response: GatewayResponse, patch: Patch): GatewayResponse {
  const { op, path } = patch
  if (path === '/statusCode' && op === 'replace') return { ...response, statusCode: statusOf(valueIn(patch)) }
  const [, map, name = ''] = /^\/(responseParameters|responseTemplates)\/([^/]+)$/.exec(path) ?? []
  if (map === undefined || !['add', 'replace', 'remove'].includes(op)) return badRequest(`Invalid patch path ${path}`)
  const { [unescaped(name)]: old, ...others } = response[map as keyof Maps] ?? {}
  if (op === 'remove') {
    return old === undefined ? badRequest(`Invalid patch path ${path}`) : { ...response, [map]: others }
  }
  const value = bounded(valueIn(patch), 125_000, 'Invalid gateway response specified')
  return { ...response, [map]: { ...others, [unescaped(name)]: value } }
}

export const updateGatewayResponse: Operation = operation((catalog, input) => {
  const type = responseTypeOf(input)
  const old = apiOf(catalog, input)
  const { statusCode, responseParameters, responseTemplates } = responseView(old.gatewayResponses ?? {}, type)
  const start = { ...(statusCode === undefined ? {} : { statusCode }), responseParameters, responseTemplates }
  const response = applied(patchesOf(input, 'updateGatewayResponse'), start as GatewayResponse, patched)
  const api = response === start ? old : withResponse(old, type, response)
  return { catalog: edited(putApi(catalog, api)), answer: responseView(api.gatewayResponses ?? {}, type) }
})

export const deleteGatewayResponse: Operation = operation((catalog, input) => {
  const type = responseTypeOf(input)
  const api = apiOf(catalog, input)
  if (!Object.hasOwn(api.gatewayResponses ?? {}, type)) notFound('Gateway response type not defined on api')
  return { catalog: edited(putApi(catalog, withResponse(api, type, undefined))), answer: null }
})
