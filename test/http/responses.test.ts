// Gateway responses: what a catalog says of them is what refused callers get, and nothing else gets into their answers.

import { createServer } from 'node:http'
import * as aws from '@aws-sdk/client-api-gateway'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GatewayResponse } from '../../src/core/api.ts'
import { deploy, putApi } from '../../src/core/edits.ts'
import type { AdapterOptions } from '../../src/http/adapter.ts'
import { gateFetch } from '../../src/http/fetch.ts'
import { gateNode } from '../../src/http/node.ts'
import { catalogOf, createGate, isFault } from '../../src/index.ts'
import { answerOf, serve } from '../control/served.ts'
import { closed, listening, requestBytes, send } from './wire.ts'

const KEY = 'responses-key-0000000001'
const OFF = 'responses-key-0000000002'

type Responses = Record<string, GatewayResponse>

function gateWith(gatewayResponses: Responses) {
  const get = (path: `/${string}`) => ({ path, httpMethod: 'GET', apiKeyRequired: true }) as const
  const apiStages = [{ apiId: 'a', stage: 's' }]
  return createGate({
    catalog: catalogOf({
      apis: [
        {
          id: 'a',
          methods: [get('/pets/{petId}/toys/{toyId}'), get('/files/{name+}'), get('/pets')],
          stages: [{ stageName: 's', variables: { colour: 'blue' } }],
          gatewayResponses,
        },
      ],
      usagePlans: [{ id: 'p', apiStages, throttle: { rateLimit: 0, burstLimit: 0 } }],
      apiKeys: [
        { id: 'k', value: KEY, usagePlanIds: ['p'] },
        { id: 'off', value: OFF, usagePlanIds: ['p'], enabled: false },
      ],
    }),
  })
}

/** The answer to a request, over fetch. */
async function told(
  responses: Responses,
  path: string,
  headers: Record<string, string> = {},
  options?: AdapterOptions<Request>,
) {
  const handler = gateFetch(gateWith(responses), () => new Response('served'), options)
  const response = await handler(new Request(`http://api.example${path}`, { headers }))
  return { status: response.status, headers: response.headers, body: await response.text() }
}

const key = { 'x-api-key': KEY }

describe('a template', () => {
  it.each([
    ['$context.error.message', 'Too Many Requests'],
    ['{"m":$context.error.messageString}', '{"m":"Too Many Requests"}'],
    ['$context.error.responseType', 'THROTTLED'],
    ['$context.identity.apiKeyId of $context.apiId/$context.stage.', 'k of a/s.'],
    ['$context.httpMethod $context.resourcePath $context.domainName', 'GET /pets/{petId}/toys/{toyId} api.example'],
    ['$method.request.path.petId/$method.request.path.toyId', '7/9'],
    ['$method.request.path.petId $method.request.path.toyId', '7 9'],
    ['$method.request.querystring.q|$method.request.querystring.r', 'a b\u00e9|'],
    ['$method.request.header.X-Reason, $method.request.header.accept-none', 'because, '],
    ['$stageVariables.colour$stageVariables.none', 'blue'],
    ['$context.none $context.error $input.path', '  '],
    ['$5.00, $x and $', '$5.00, $x and $'],
    ['$method.request.header.x-api-key$context.identity.apiKey', ''],
    ['$method.request.header.constructor$stageVariables.__proto__$context.toString.call', ''],
  ])('%s is %s', async (template, body) => {
    const responses = { THROTTLED: { responseTemplates: { 'text/plain': template } } }
    const answer = await told(responses, '/pets/7/toys/9?q=a+b%C3%A9%0D%0A', { ...key, 'x-reason': 'because' })
    expect(answer.body).toBe(body)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([429, 'text/plain'])
  })

  it('of a greedy parameter has all that it stands for', async () => {
    const responses = { DEFAULT_4XX: { responseTemplates: { 'text/plain': '$method.request.path.name' } } }
    expect((await told(responses, '/files/a/b/c', key)).body).toBe('a/b/c')
  })

  it('gives one id to the whole of an answer, another to the next', async () => {
    const responses = {
      THROTTLED: {
        responseParameters: { 'gatewayresponse.header.x-id': 'context.requestId' },
        responseTemplates: { 'text/plain': '$context.requestId' },
      },
    }
    const [one, other] = [await told(responses, '/pets', key), await told(responses, '/pets', key)]
    expect(one.body).toMatch(/^[0-9a-f-]{36}$/)
    expect(one.headers.get('x-id')).toBe(one.body)
    expect(other.body).not.toBe(one.body)
  })

  it.each([
    ['text/html', 'text/html'],
    ['text/csv, application/xml;q=0.9', 'application/xml'],
    ['image/png', 'application/json'],
    ['*/*', 'application/json'],
  ])('for Accept: %s is the one of %s', async (accept, type) => {
    const responseTemplates = { 'application/xml': '<x/>', 'application/json': '{}', 'text/html': '<p>' }
    const answer = await told({ THROTTLED: { responseTemplates } }, '/pets', { ...key, accept })
    expect(answer.headers.get('content-type')).toBe(type)
  })
})

describe('a parameter', () => {
  const headersOf = async (parameters: Record<string, string>, headers: Record<string, string> = {}) => {
    const responseParameters = Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [`gatewayresponse.header.${name}`, value]),
    )
    const answer = await told({ THROTTLED: { responseParameters } }, '/pets?q=1', { ...key, ...headers })
    expect(answer.status).toBe(429)
    return answer.headers
  }

  it('sets a header, or another value for one that is there', async () => {
    const headers = await headersOf(
      {
        'X-Why': "'it''s full'",
        'retry-after': "'60'",
        'x-q': 'method.request.querystring.q',
        'x-in': 'method.request.header.IN',
      },
      { in: 'out' },
    )
    expect(['x-why', 'retry-after', 'x-q', 'x-in'].map(name => headers.get(name))).toEqual([
      "it''s full",
      '60',
      '1',
      'out',
    ])
    expect(headers.get('ratelimit-policy')).toContain('p-rate')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('that says nothing, or what no header may hold, sets nothing', async () => {
    const headers = await headersOf({
      'x-none': 'method.request.header.none',
      'x-word': 'nothing',
      'x-split': "'a\r\nx-injected: 1'",
      'x-umlaut': "'\u00fc'",
      'cache-control': "''",
      'bad name': "'x'",
    })
    expect([...headers.keys()].filter(name => /^(x-(?!amzn)|bad)/.test(name))).toEqual([])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it.each([
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Content-Encoding',
    'Upgrade',
    'Trailer',
    'Keep-Alive',
  ])('does not set %s', async name => {
    expect((await headersOf({ [name]: "'1'" })).get(name)).toBeNull()
  })
})

describe('the status', () => {
  it.each([
    ['404', 404],
    ['200', 200],
    ['100', 429],
    ['204', 429],
    ['304', 429],
  ])('%s is answered as %i', async (statusCode, status) => {
    expect((await told({ THROTTLED: { statusCode } }, '/pets', key)).status).toBe(status)
  })

  it('and all else is inherited from the class, but not by a type that has a response of its own', async () => {
    const responses = {
      DEFAULT_4XX: { statusCode: '404', responseTemplates: { 'text/plain': '$context.error.responseType' } },
      THROTTLED: { responseParameters: { 'gatewayresponse.header.x': "'y'" } },
    }
    const said = async (path: string, headers?: Record<string, string>) => {
      const { status, body } = await told(responses, path, headers)
      return `${status} ${body}`
    }
    expect(await said('/pets', key)).toBe('429 {"message":"Too Many Requests"}')
    expect(await said('/pets')).toBe('404 INVALID_API_KEY')
    expect(await said('/nowhere', key)).toBe('404 MISSING_AUTHENTICATION_TOKEN')
    // Of no stage.
    expect(await said('/pets//x', key)).toBe('400 {"message":"Bad Request"}')
  })

  it('is that of DEFAULT_5XX where judging fails', async () => {
    const responses = { DEFAULT_5XX: { statusCode: '502', responseTemplates: { 'text/plain': 'sorry' } } }
    const cost = (): number => {
      throw new Error('no cost')
    }
    const { status, body } = await told(responses, '/pets', key, { cost })
    expect([status, body]).toEqual([502, 'sorry'])
  })

  it('is nobody’s in a dry run', async () => {
    expect(await told({ THROTTLED: { statusCode: '404' } }, '/pets', key, { dryRun: true })).toMatchObject({
      body: 'served',
    })
  })
})

describe('node', () => {
  it('answers with them too, and with their length in bytes', async () => {
    const gate = gateWith({
      THROTTLED: {
        statusCode: '420',
        responseParameters: { 'gatewayresponse.header.x-agent': 'method.request.header.User-Agent' },
        responseTemplates: { 'text/plain': 'zu viel, tschüß $method.request.header.Agent' },
      },
    })
    const limit = gateNode(gate)
    const server = createServer((request, response) => void limit(request, response, () => response.end('served')))
    const port = await listening(server)
    try {
      const answer = await send(
        port,
        requestBytes('GET', '/pets', [
          ['x-api-key', KEY],
          ['user-agent', 'test'],
          ['agent', 'x'],
        ]),
      )
      expect(answer.status).toBe(420)
      expect(answer.headers.get('x-agent')).toBe('test')
      expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength('zu viel, tschüß x')))
      expect(Buffer.from(answer.body, 'latin1').toString()).toBe('zu viel, tschüß x')
    } finally {
      await closed(server)
    }
  })
})

it('no key’s value and no line break gets into an answer, whatever is sent and whatever is said', async () => {
  const names = ['header.X-Api-Key', 'header.x-other', 'querystring.q', 'path.petId', 'path.toyId', 'path.name']
  const template = names.map(name => `$method.request.${name}`).join('|')
  const responses: Responses = {
    DEFAULT_4XX: {
      responseTemplates: { 'text/plain': `${template}|$context.identity.apiKey` },
      responseParameters: Object.fromEntries(
        names.map((name, i) => [`gatewayresponse.header.x-${i}`, `method.request.${name}`]),
      ),
    },
  }
  const value = fc.constantFrom(KEY, OFF, `${KEY}, ${OFF}`, `${KEY} `)
  const text = fc.oneof(
    fc.constantFrom('%0D%0Ax-evil:%201', 'x', '%00', '"<'),
    fc.constantFrom('', '.', 'y').map(y => y),
  )
  await fc.assert(
    fc.asyncProperty(value, text, fc.boolean(), async (sent, around, beside) => {
      const hidden = beside ? sent : 'nothing'
      const query = encodeURIComponent(hidden)
      for (const path of [`/pets/${KEY}/toys/${query}`, '/files/x', '/nowhere']) {
        const { body, headers } = await told(responses, `${path}?q=${around}${query}`, {
          'x-api-key': sent,
          'x-other': `Bearer ${hidden}`,
        })
        const all = `${body}\n${[...headers].map(([, value]) => value).join('\n')}`
        for (const part of sent.split(/[\s,]+/).filter(part => part !== '')) expect(all).not.toContain(part)
        expect(body).not.toMatch(/[\r\n\0]/)
        expect(headers.get('x-evil')).toBeNull()
      }
    }),
    { numRuns: 60 },
  )
})

it.each([
  ['most of the key', KEY.slice(1)],
  ['eight characters of it', `x${KEY.slice(5, 13)}y`],
  ['the key with a control character in it', `${KEY.slice(0, 7)}%01${KEY.slice(7)}`],
])('%s is not said, and less of it is', async (_, q) => {
  const responses = { THROTTLED: { responseTemplates: { 'text/plain': '<$method.request.querystring.q>' } } }
  expect((await told(responses, `/pets?q=${q}`, key)).body).toBe('<>')
  expect((await told(responses, `/pets?q=${KEY.slice(5, 12)}`, key)).body).toBe(`<${KEY.slice(5, 12)}>`)
})

it('all bad keys are told the same', async () => {
  const responses = { INVALID_API_KEY: { responseTemplates: { 'text/plain': '<$context.identity.apiKeyId>' } } }
  for (const value of [OFF, 'unknown-key-000000000001', '']) {
    expect((await told(responses, '/pets', { 'x-api-key': value })).body).toBe('<>')
  }
})

it('deploy snapshots them, and going back brings the old ones back', async () => {
  const status = async (catalog: Parameters<typeof createGate>[0]['catalog']) => {
    const handler = gateFetch(createGate({ catalog }), () => new Response())
    return (await handler(new Request('http://h/pets'))).status
  }
  const first = deploy(gateWith({ INVALID_API_KEY: { statusCode: '401' } }).catalog, 'a', { id: 'd1', stageName: 's' })
  if (isFault(first)) throw new Error(first.message)
  const edited = putApi(first, { ...first.apis[0]!, gatewayResponses: {} })
  if (isFault(edited)) throw new Error(edited.message)
  expect(await status(edited)).toBe(401)
  const second = deploy(edited, 'a', { id: 'd2', stageName: 's' })
  if (isFault(second)) throw new Error(second.message)
  expect(await status(second)).toBe(403)
})

it('through AWS’s SDK: put, deployed, seen; rolled back, gone', async () => {
  const control = await serve()
  try {
    const { client, gate } = control
    const { id: restApiId = '', rootResourceId } = await client.send(new aws.CreateRestApiCommand({ name: 'pets' }))
    const method = { resourceId: rootResourceId, httpMethod: 'GET', authorizationType: 'NONE', apiKeyRequired: true }
    await client.send(new aws.PutMethodCommand({ restApiId, ...method }))
    const deployed = () => client.send(new aws.CreateDeploymentCommand({ restApiId, stageName: 'dev' }))
    const handler = gateFetch(gate, () => new Response('served'), { stage: { apiId: restApiId, stage: 'dev' } })
    const seen = async (path = '/') => {
      const response = await handler(new Request(`http://h${path}`))
      return [response.status, response.headers.get('x-why'), await response.text()]
    }
    const plain = [403, null, '{"message":"Forbidden"}']
    const { id: before } = await deployed()
    const put = new aws.PutGatewayResponseCommand({
      restApiId,
      responseType: 'INVALID_API_KEY',
      statusCode: '401',
      responseParameters: { 'gatewayresponse.header.x-why': "'no key'" },
      responseTemplates: { 'application/json': '{"error":$context.error.messageString,"stage":"$context.stage"}' },
    })
    await client.send(put)
    expect(await seen()).toEqual(plain)
    await deployed()
    const customised = [401, 'no key', '{"error":"Forbidden","stage":"dev"}']
    expect(await seen()).toEqual(customised)
    expect((await seen('/none'))[0]).toBe(403)

    // What the control plane shows of a type is what its callers get.
    await client.send(new aws.PutGatewayResponseCommand({ restApiId, responseType: 'DEFAULT_4XX', statusCode: '418' }))
    await deployed()
    const shown = new aws.GetGatewayResponseCommand({ restApiId, responseType: 'MISSING_AUTHENTICATION_TOKEN' })
    expect((await answerOf(client, shown))['statusCode']).toBe('418')
    expect((await seen('/none'))[0]).toBe(418)
    expect(await seen()).toEqual(customised)

    const back = [{ op: 'replace', path: '/deploymentId', value: before } as const]
    await client.send(new aws.UpdateStageCommand({ restApiId, stageName: 'dev', patchOperations: back }))
    expect(await seen()).toEqual(plain)
    await client.send(new aws.DeleteGatewayResponseCommand({ restApiId, responseType: 'INVALID_API_KEY' }))
    await deployed()
    expect((await seen())[0]).toBe(418)
  } finally {
    await control.close()
  }
})
