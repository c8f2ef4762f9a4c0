// Gateway responses that say nothing: a type nobody knows is an issue, and what is passed over when it is told a warning.

import { describe, expect, it } from 'vitest'
import { gateFetch } from '../../src/http/fetch.ts'
import { type CatalogDocument, check, createGate } from '../../src/index.ts'

const documentOf = (gatewayResponses: Record<string, object>): CatalogDocument => ({
  apis: [
    {
      id: 'pets',
      methods: [{ path: '/pets', httpMethod: 'GET', apiKeyRequired: true }],
      stages: [{ stageName: 'live' }],
      gatewayResponses,
    },
  ],
})

/** What its author is told of one response, and what its callers get. */
async function toldOf(response: object) {
  const checked = check(documentOf({ INVALID_API_KEY: response }))
  if (!checked.ok) throw new Error(checked.issues[0]?.message)
  const handler = gateFetch(createGate({ catalog: checked.catalog }), () => new Response())
  return { warnings: checked.warnings, told: await handler(new Request('http://api.example/pets')) }
}

describe('a gateway response', () => {
  it('is of a type that there is', () => {
    const checked = check(documentOf({ THROTLED: { statusCode: '430' } }))
    expect(checked.ok ? [] : checked.issues.map(({ path, code, remedy }) => [path, code, remedy])).toEqual([
      ['apis[0].gatewayResponses.THROTLED', 'unknown-field', 'did you mean "THROTTLED"?'],
    ])
  })

  it.each([
    ['401', 401],
    ['599', 599],
    ['100', 403],
    ['204', 403],
    ['205', 403],
    ['304', 403],
  ])('with the status %s is told with %d, and its author is warned where that differs', async (statusCode, status) => {
    const { warnings, told } = await toldOf({ statusCode })
    expect(told.status).toBe(status)
    expect(warnings.map(({ message }) => message)).toEqual(
      String(status) === statusCode
        ? []
        : [
            `apis[0].gatewayResponses.INVALID_API_KEY.statusCode: expected 200 to 599, but not 204, 205 or 304, which have no body, received "${statusCode}"; the status stays as it is without it`,
          ],
    )
  })

  it.each([
    ['gatewayresponse.header.X', "'a'", 'a'],
    ['gatewayresponse.header.X', 'context.stage', 'live'],
    ['GatewayResponse.Header.X', "'it''s'", "it''s"],
    ['header.X', "'a'", null],
    ['gatewayresponse.header.X Y', "'a'", null],
    ['gatewayresponse.header.Content-Length', "'7'", null],
    ['gatewayresponse.header.Upgrade', "'a'", null],
    ['gatewayresponse.header.X', 'a', null],
    ['gatewayresponse.header.X', "''", null],
    ['gatewayresponse.header.X', "'é'", null],
    ['gatewayresponse.header.X', 'contexts.stage', null],
  ])('with the parameter %s of %s sets what it says, or its author is warned', async (name, value, set) => {
    const { warnings, told } = await toldOf({ responseParameters: { [name]: value } })
    expect(told.headers.get(name.slice('gatewayresponse.header.'.length).replace(' ', '') || 'x')).toBe(set)
    expect(warnings.map(({ code, at }) => [code, at.at(-1)])).toEqual(set === null ? [['value', name]] : [])
  })

  it('says how a parameter is to be written', () => {
    const checked = check(
      documentOf({ DEFAULT_4XX: { responseParameters: { 'header.X': "'a'", 'gatewayresponse.header.X': 'a' } } }),
    )
    const at = 'apis[0].gatewayResponses.DEFAULT_4XX.responseParameters'
    expect(checked.warnings.map(({ message }) => message)).toEqual([
      `${at}["header.X"]: expected gatewayresponse.header. and the name of a header that may be set, received "header.X"; it sets nothing`,
      `${at}["gatewayresponse.header.X"]: expected printable ASCII in single quotes, or the name of a value, "context.stage", received "a"; it sets nothing; write a text as "'text'"`,
    ])
  })
})
