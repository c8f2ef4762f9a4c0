// APIs, what is deployed of them and what refused callers are told, through the real AWS SDK: cases O29, O32 to O35,
// O40, and the messages of AWS.md that were recorded.

import * as aws from '@aws-sdk/client-api-gateway'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { catalogOf } from '../../src/index.ts'
import { manualClock } from '../../src/testing.ts'
import { type AnyCommand, answerOf, type Control, faultOf, serve } from './served.ts'

let control: Control
let clock: ReturnType<typeof manualClock>

beforeEach(async () => {
  clock = manualClock(Date.UTC(2024, 0, 1))
  control = await serve({ gate: { clock } })
})

afterEach(async () => {
  await control.close()
  expect(control.errors).toEqual([])
})

const answer = (command: AnyCommand) => answerOf(control.client, command)
const fault = (command: AnyCommand) => faultOf(control.client, command)

/** An API with GET on /pets. */
async function petstore(apiKeyRequired = true) {
  const { client } = control
  const { id: restApiId = '', rootResourceId = '' } = await client.send(
    new aws.CreateRestApiCommand({ name: 'petstore' }),
  )
  const { id: resourceId = '' } = await client.send(
    new aws.CreateResourceCommand({ restApiId, parentId: rootResourceId, pathPart: 'pets' }),
  )
  const method = { restApiId, resourceId, httpMethod: 'GET' }
  await client.send(new aws.PutMethodCommand({ ...method, authorizationType: 'NONE', apiKeyRequired }))
  return { restApiId, rootResourceId, resourceId, method }
}

const deploy = async (restApiId: string, stageName?: string) =>
  (await control.client.send(new aws.CreateDeploymentCommand({ restApiId, stageName }))).id ?? ''

const call = (apiId: string, { stage = 'dev', path = '/pets', apiKey = '' } = {}) =>
  (control.gate.admit({ apiId, stage, method: 'GET', path, ...(apiKey === '' ? {} : { apiKey }) }) as { kind: string })
    .kind

describe('APIs and resources', () => {
  it('are made with a root, and listed with their methods', async () => {
    const { restApiId, rootResourceId, resourceId } = await petstore()
    expect(await answer(new aws.GetRestApiCommand({ restApiId }))).toEqual({
      status: 200,
      id: restApiId,
      name: 'petstore',
      createdDate: expect.any(Date),
      apiKeySource: 'HEADER',
      endpointConfiguration: { types: ['EDGE'] },
      tags: {},
      disableExecuteApiEndpoint: false,
      rootResourceId,
    })
    const { items } = await answer(new aws.GetResourcesCommand({ restApiId }))
    expect(items).toEqual([
      { id: rootResourceId, path: '/' },
      { id: resourceId, parentId: rootResourceId, pathPart: 'pets', path: '/pets', resourceMethods: { GET: {} } },
    ])
    const full = await answer(new aws.GetResourceCommand({ restApiId, resourceId, embed: ['methods'] }))
    expect(full['resourceMethods']).toEqual({
      GET: { httpMethod: 'GET', authorizationType: 'NONE', apiKeyRequired: true },
    })
  })

  it('are refused in the recorded words', async () => {
    const { restApiId, rootResourceId, resourceId, method } = await petstore()
    const patch = (op: string, path: string, value = 'x', id = resourceId) =>
      new aws.UpdateResourceCommand({ restApiId, resourceId: id, patchOperations: [{ op: op as 'add', path, value }] })
    const child = (pathPart: string, parentId = rootResourceId) =>
      new aws.CreateResourceCommand({ restApiId, parentId, pathPart })
    const bad = async (command: AnyCommand) => (await fault(command))[2]
    expect(await fault(child('pets'))).toEqual([
      409,
      'ConflictException',
      'Another resource with the same parent already has this name: pets',
    ])
    expect(await fault(child('a', 'nope'))).toEqual([404, 'NotFoundException', 'Invalid Resource identifier specified'])
    expect(await bad(new aws.GetResourcesCommand({ restApiId: 'nope' }))).toBe(
      'Invalid API identifier specified 000000000000:nope',
    )
    expect(await bad(child('a/b'))).toBe(
      "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.",
    )
    expect(await bad(patch('remove', '/pathPart'))).toBe(
      "Invalid patch path  '/pathPart' specified for op 'remove'. Please choose supported operations",
    )
    expect(await bad(patch('replace', '/invalid'))).toBe(
      "Invalid patch path  '/invalid' specified for op 'replace'. Must be one of: [/parentId, /pathPart]",
    )
    expect(await bad(patch('replace', '/pathPart', 'x', rootResourceId))).toBe(
      'Root resource cannot update its pathPart.',
    )
    expect(await bad(new aws.GetMethodCommand({ ...method, httpMethod: 'POST' }))).toBe(
      'Invalid Method identifier specified',
    )
    expect(await bad(new aws.PutMethodCommand({ ...method, httpMethod: 'FETCH', authorizationType: 'NONE' }))).toBe(
      'Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY',
    )
    const patchMethod = (op: string, path: string) =>
      new aws.UpdateMethodCommand({ ...method, patchOperations: [{ op: op as 'add', path, value: 'true' }] })
    expect(await bad(patchMethod('add', '/apiKeyRequired'))).toBe(
      'Invalid patch operation specified. Must be one of: [replace]',
    )
    expect(await bad(patchMethod('replace', '/httpMethod'))).toBe('Invalid patch path /httpMethod')
    expect(await fault(patchMethod('wrong', '/x'))).toEqual([
      400,
      'ValidationException',
      "1 validation error detected: Value 'wrong' at 'updateMethodInput.patchOperations.1.member.op' failed to satisfy constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]",
    ])
    const noPath = new aws.UpdateMethodCommand({ ...method, patchOperations: [{ op: 'replace', value: 'x' }] })
    expect(await bad(noPath)).toBe('Invalid patch path null')
    expect(await fault(new aws.CreateRestApiCommand({ name: 'a', apiKeySource: 'X' as 'HEADER' }))).toEqual([
      400,
      'ValidationException',
      "1 validation error detected: Value 'X' at 'createRestApiInput.apiKeySource' failed to satisfy constraint: Member must satisfy enum value set: [AUTHORIZER, HEADER]",
    ])
  })

  it('keep integrations and responses as they were put', async () => {
    const { method } = await petstore()
    const uri = 'http://backend.example/pets'
    const put = new aws.PutIntegrationCommand({ ...method, type: 'HTTP', integrationHttpMethod: 'POST', uri })
    const integration = {
      type: 'HTTP',
      httpMethod: 'POST',
      uri,
      passthroughBehavior: 'WHEN_NO_MATCH',
      timeoutInMillis: 29_000,
      cacheNamespace: method.resourceId,
      cacheKeyParameters: [],
    }
    expect(await answer(put)).toEqual({ status: 201, ...integration })
    const status = { ...method, statusCode: '200' }
    await answer(new aws.PutMethodResponseCommand(status))
    await answer(new aws.PutIntegrationResponseCommand({ ...status, responseTemplates: { 'application/json': '' } }))
    const integrationResponses = { 200: { statusCode: '200', responseTemplates: { 'application/json': '' } } }
    expect(await answer(new aws.GetIntegrationCommand(method))).toEqual({
      status: 200,
      ...integration,
      integrationResponses,
    })
    expect(await answer(new aws.GetMethodCommand(method))).toMatchObject({
      httpMethod: 'GET',
      methodResponses: { 200: { statusCode: '200' } },
      methodIntegration: { ...integration, integrationResponses },
    })
    expect(await answer(new aws.DeleteIntegrationCommand(method))).toEqual({ status: 204 })
    expect((await fault(new aws.GetIntegrationCommand(method)))[0]).toBe(404)
    expect((await fault(new aws.GetMethodResponseCommand({ ...method, statusCode: '404' })))[0]).toBe(404)
  })

  it('move with their methods, and go with all below them', async () => {
    const { restApiId, rootResourceId, resourceId } = await petstore()
    const { id: child = '' } = await control.client.send(
      new aws.CreateResourceCommand({ restApiId, parentId: resourceId, pathPart: '{petId}' }),
    )
    await answer(
      new aws.PutMethodCommand({ restApiId, resourceId: child, httpMethod: 'ANY', authorizationType: 'NONE' }),
    )
    const rename = [{ op: 'replace', path: '/pathPart', value: 'animals' } as const]
    await answer(new aws.UpdateResourceCommand({ restApiId, resourceId, patchOperations: rename }))
    expect(await answer(new aws.GetResourceCommand({ restApiId, resourceId: child }))).toMatchObject({
      path: '/animals/{petId}',
    })
    const into = [{ op: 'replace', path: '/parentId', value: child } as const]
    expect((await fault(new aws.UpdateResourceCommand({ restApiId, resourceId, patchOperations: into })))[0]).toBe(400)
    expect(await answer(new aws.DeleteResourceCommand({ restApiId, resourceId }))).toEqual({ status: 202 })
    const { items } = await answer(new aws.GetResourcesCommand({ restApiId }))
    expect(items).toEqual([{ id: rootResourceId, path: '/' }])
  })

  it('have ids also where a catalog was written by hand', async () => {
    control.gate.replace(
      catalogOf({
        apis: [{ id: 'hand', methods: [{ path: '/a/{b}', httpMethod: 'GET' }], stages: [{ stageName: 's' }] }],
      }),
    )
    const { items } = (await answer(new aws.GetResourcesCommand({ restApiId: 'hand' }))) as { items: aws.Resource[] }
    expect(items.map(({ path }) => path)).toEqual(['/', '/a', '/a/{b}'])
    const method = { restApiId: 'hand', resourceId: items[2]?.id, httpMethod: 'GET' }
    const patchOperations = [{ op: 'replace', path: '/apiKeyRequired', value: 'true' } as const]
    expect(await answer(new aws.UpdateMethodCommand({ ...method, patchOperations }))).toMatchObject({
      apiKeyRequired: true,
    })
  })

  it('have no date where a catalog was written by hand, nor has what belongs to them', async () => {
    control.gate.replace(
      catalogOf({
        apis: [{ id: 'hand', methods: [{ path: '/a', httpMethod: 'GET' }], stages: [{ stageName: 's' }] }],
        apiKeys: [{ id: 'k', value: 'key-of-a-hand-000000001' }],
      }),
    )
    for (const command of [
      new aws.GetRestApisCommand({}),
      new aws.GetRestApiCommand({ restApiId: 'hand' }),
      new aws.GetStagesCommand({ restApiId: 'hand' }),
      new aws.GetDeploymentsCommand({ restApiId: 'hand' }),
      new aws.GetApiKeysCommand({}),
    ]) {
      const said = JSON.stringify(await answer(command))
      expect([said, /Date/.test(said)]).toEqual([said, false])
    }
  })
})

describe('deployments and stages', () => {
  it('O29: a method needs a key once it is deployed, and no more once that is rolled back', async () => {
    const { restApiId, method } = await petstore(false)
    const first = await deploy(restApiId, 'dev')
    const patchOperations = [{ op: 'replace', path: '/apiKeyRequired', value: 'true' } as const]
    await answer(new aws.UpdateMethodCommand({ ...method, patchOperations }))
    expect(call(restApiId)).toBe('open')
    await deploy(restApiId, 'dev')
    expect(call(restApiId)).toBe('invalid-api-key')
    const back = [{ op: 'replace', path: '/deploymentId', value: first } as const]
    await answer(new aws.UpdateStageCommand({ restApiId, stageName: 'dev', patchOperations: back }))
    expect(call(restApiId)).toBe('open')
  })

  it('O33: are not deleted while a stage points to them', async () => {
    const { restApiId } = await petstore()
    const deploymentId = await deploy(restApiId, 'dev')
    const remove = new aws.DeleteDeploymentCommand({ restApiId, deploymentId })
    expect(await fault(remove)).toEqual([
      400,
      'BadRequestException',
      'Active stages pointing to this deployment must be moved or deleted',
    ])
    expect(await answer(new aws.DeleteStageCommand({ restApiId, stageName: 'dev' }))).toEqual({ status: 202 })
    expect(await answer(remove)).toEqual({ status: 202 })
  })

  it('are listed newest first, and summed up', async () => {
    const { restApiId } = await petstore()
    const one = await deploy(restApiId)
    const two = await deploy(restApiId)
    const { items } = (await answer(new aws.GetDeploymentsCommand({ restApiId }))) as { items: aws.Deployment[] }
    expect(items.map(({ id }) => id)).toEqual([two, one])
    const embed = ['apisummary']
    expect(await answer(new aws.GetDeploymentCommand({ restApiId, deploymentId: one, embed }))).toMatchObject({
      apiSummary: { '/pets': { GET: { authorizationType: 'NONE', apiKeyRequired: true } } },
    })
    const { id: empty = '' } = await control.client.send(new aws.CreateRestApiCommand({ name: 'empty' }))
    expect((await fault(new aws.CreateDeploymentCommand({ restApiId: empty })))[2]).toBe(
      "The REST API doesn't contain any methods",
    )
  })

  it('are made with exactly these members', async () => {
    const { restApiId } = await petstore()
    const deploymentId = await deploy(restApiId)
    const stage = { restApiId, stageName: 's1', deploymentId }
    expect(await answer(new aws.CreateStageCommand({ ...stage, variables: { a: 'b' } }))).toEqual({
      status: 201,
      deploymentId,
      stageName: 's1',
      cacheClusterEnabled: false,
      cacheClusterStatus: 'NOT_AVAILABLE',
      methodSettings: {},
      variables: { a: 'b' },
      tracingEnabled: false,
      createdDate: expect.any(Date),
      lastUpdatedDate: expect.any(Date),
    })
    expect((await fault(new aws.CreateStageCommand(stage))).slice(0, 2)).toEqual([409, 'ConflictException'])
    expect((await fault(new aws.CreateStageCommand({ ...stage, stageName: 'a b' })))[2]).toBe(
      'Stage name only allows a-zA-Z0-9_',
    )
    expect((await fault(new aws.GetStageCommand({ restApiId, stageName: 'no' })))[2]).toBe(
      'Invalid stage identifier specified',
    )
    const { item } = (await answer(new aws.GetStagesCommand({ restApiId, deploymentId }))) as { item: aws.Stage[] }
    expect(item.map(({ stageName }) => stageName)).toEqual(['s1'])
  })

  it("O32: a method's settings begin as a copy of the stage's", async () => {
    const { restApiId } = await petstore()
    await deploy(restApiId, 'dev')
    const stage = { restApiId, stageName: 'dev' }
    const patch = async (...patches: [string, string][]) =>
      (
        await control.client.send(
          new aws.UpdateStageCommand({
            ...stage,
            patchOperations: patches.map(([path, value]) => ({ op: 'replace', path, value })),
          }),
        )
      ).methodSettings
    const all = {
      throttlingBurstLimit: 123,
      throttlingRateLimit: 10_000,
      cachingEnabled: true,
      cacheTtlInSeconds: 300,
      requireAuthorizationForCacheControl: true,
      unauthorizedCacheControlHeaderStrategy: 'SUCCEED_WITH_RESPONSE_HEADER',
      cacheDataEncrypted: false,
      dataTraceEnabled: false,
      metricsEnabled: false,
    }
    expect(
      await patch(
        ['/*/*/throttling/burstLimit', '123'],
        ['/*/*/caching/enabled', 'true'],
        ['/test/GET/throttling/burstLimit', '124'],
      ),
    ).toEqual({ '*/*': all, 'test/GET': { ...all, throttlingBurstLimit: 124 } })
    expect(await patch(['/*/*/throttling/burstLimit', '100'])).toMatchObject({
      'test/GET': { throttlingBurstLimit: 124 },
    })
    expect(await patch(['/~1pets~1{petId}/GET/throttling/rateLimit', '-1'])).toMatchObject({
      'pets/{petId}/GET': { throttlingRateLimit: -1 },
    })
    const remove = (path: string) => new aws.UpdateStageCommand({ ...stage, patchOperations: [{ op: 'remove', path }] })
    const left = (await answer(remove('/*/*'))) as { methodSettings: object }
    expect(Object.keys(left.methodSettings)).toEqual(['test/GET', 'pets/{petId}/GET'])
    expect(await fault(remove('/*/*'))).toEqual([
      400,
      'BadRequestException',
      'Cannot remove method setting */* because there is no method setting for this method ',
    ])
    expect((await fault(remove('/nope')))[2]).toMatch(
      /^Invalid method setting path: \/nope\. Must be one of: \[\/deploymentId, /,
    )
  })

  it('leave their plans when they are deleted, and do not come back with their name', async () => {
    const { restApiId } = await petstore()
    await deploy(restApiId, 'dev')
    const { id: usagePlanId } = await control.client.send(
      new aws.CreateUsagePlanCommand({ name: 'p', apiStages: [{ apiId: restApiId, stage: 'dev' }] }),
    )
    await answer(new aws.DeleteStageCommand({ restApiId, stageName: 'dev' }))
    await deploy(restApiId, 'dev')
    expect(await answer(new aws.GetUsagePlanCommand({ usagePlanId }))).toMatchObject({ apiStages: [] })
    const patchOperations = [{ op: 'add', path: '/apiStages', value: `${restApiId}:dev` } as const]
    await answer(new aws.UpdateUsagePlanCommand({ usagePlanId, patchOperations }))
    expect(await answer(new aws.DeleteRestApiCommand({ restApiId }))).toEqual({ status: 202 })
    expect(await answer(new aws.DeleteUsagePlanCommand({ usagePlanId }))).toEqual({ status: 202 })
  })

  it("O40: a method's throttle is asked beside its plan's", async () => {
    const { restApiId, rootResourceId } = await petstore()
    const { id: resourceId } = await control.client.send(
      new aws.CreateResourceCommand({ restApiId, parentId: rootResourceId, pathPart: 'other' }),
    )
    await answer(
      new aws.PutMethodCommand({
        restApiId,
        resourceId,
        httpMethod: 'GET',
        authorizationType: 'NONE',
        apiKeyRequired: true,
      }),
    )
    await deploy(restApiId, 'dev')
    const throttle = { '/pets/GET': { rateLimit: 1, burstLimit: 1 } }
    const { id: usagePlanId } = await control.client.send(
      new aws.CreateUsagePlanCommand({
        name: 'p',
        throttle: { rateLimit: 1, burstLimit: 10 },
        apiStages: [{ apiId: restApiId, stage: 'dev', throttle }],
      }),
    )
    const { id: keyId, value: apiKey = '' } = await control.client.send(new aws.CreateApiKeyCommand({ enabled: true }))
    await answer(new aws.CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' }))
    expect([call(restApiId, { apiKey }), call(restApiId, { apiKey })]).toEqual(['allowed', 'throttled'])
    const others = Array.from({ length: 10 }, () => call(restApiId, { apiKey, path: '/other' }))
    expect(others).toEqual([...Array(9).fill('allowed'), 'throttled'])
  })
})

describe('base path mappings', () => {
  const anywhere = { domainName: '*' }
  const served = (path: string, host = 'localhost') =>
    (control.gate.admit({ method: 'GET', path, host }) as { kind: string }).kind

  it('come with a stage, and a second stage of a name has its API before it', async () => {
    const [first, second] = [(await petstore(false)).restApiId, (await petstore(false)).restApiId]
    await deploy(first, 'dev')
    await deploy(second, 'dev')
    expect(await answer(new aws.GetBasePathMappingsCommand(anywhere))).toEqual({
      status: 200,
      items: [
        { basePath: 'dev', restApiId: first, stage: 'dev' },
        { basePath: `${second}/dev`, restApiId: second, stage: 'dev' },
      ],
    })
    expect([served('/dev/pets'), served(`/${second}/dev/pets`)]).toEqual(['open', 'open'])
  })

  it('are chosen, for every host or for one', async () => {
    const { restApiId } = await petstore(false)
    await deploy(restApiId, 'dev')
    const place = { restApiId, stage: 'dev' }
    const pets = { ...anywhere, basePath: 'v1/pets' }
    expect(await answer(new aws.CreateBasePathMappingCommand({ ...pets, ...place }))).toEqual({
      status: 201,
      basePath: 'v1/pets',
      ...place,
    })
    await answer(new aws.CreateBasePathMappingCommand({ domainName: 'pets.example.com', ...place }))
    expect(await answer(new aws.GetBasePathMappingsCommand({ domainName: 'Pets.example.com' }))).toEqual({
      status: 200,
      items: [{ basePath: '(none)', ...place }],
    })
    expect([served('/v1/pets/pets'), served('/pets', 'pets.example.com'), served('/pets')]).toEqual([
      'open',
      'open',
      'missing-authentication-token',
    ])
    expect(await answer(new aws.GetBasePathMappingCommand(pets))).toEqual({
      status: 200,
      basePath: 'v1/pets',
      ...place,
    })
    expect(await answer(new aws.DeleteBasePathMappingCommand(pets))).toEqual({ status: 202 })
    expect(served('/v1/pets/pets')).toBe('missing-authentication-token')
    await answer(new aws.DeleteStageCommand({ restApiId, stageName: 'dev' }))
    expect(control.gate.catalog.basePathMappings).toEqual([])
  })

  it('of a stage that was alone begin at the root, and the last one stays', async () => {
    const { restApiId } = await petstore(false)
    await deploy(restApiId, 'dev')
    control.gate.replace({ ...control.gate.catalog, basePathMappings: [] })
    const root = { ...anywhere, basePath: '(none)' }
    const place = { restApiId, stage: 'dev' }
    expect(await answer(new aws.GetBasePathMappingCommand(root))).toEqual({ status: 200, basePath: '(none)', ...place })
    expect(await fault(new aws.DeleteBasePathMappingCommand(root))).toEqual([
      400,
      'BadRequestException',
      'The last base path mapping stays: create another one first',
    ])
    await answer(new aws.CreateBasePathMappingCommand({ ...anywhere, basePath: 'shop', ...place }))
    expect([served('/pets'), served('/shop/pets')]).toEqual(['open', 'open'])
    await answer(new aws.DeleteBasePathMappingCommand(root))
    expect([served('/pets'), served('/shop/pets')]).toEqual(['missing-authentication-token', 'open'])
  })

  it('are refused where they cannot be', async () => {
    const { restApiId } = await petstore(false)
    await deploy(restApiId, 'dev')
    const make = (more: object) =>
      fault(
        new aws.CreateBasePathMappingCommand({
          ...anywhere,
          basePath: 'pets',
          restApiId,
          stage: 'dev',
          ...more,
        } as never),
      )
    expect(await make({ basePath: 'dev' })).toEqual([
      409,
      'ConflictException',
      'Base path already exists for this domain name',
    ])
    expect(await make({ stage: 'nope' })).toMatchObject({ 0: 404, 1: 'NotFoundException' })
    expect(await make({ basePath: '/pets' })).toMatchObject({ 0: 400, 1: 'BadRequestException' })
    expect(await make({ basePath: '{all+}' })).toMatchObject({ 0: 400, 1: 'BadRequestException' })
    expect(await make({ domainName: 'no host' })).toMatchObject({ 0: 400, 1: 'BadRequestException' })
    expect(await fault(new aws.GetBasePathMappingCommand({ ...anywhere, basePath: 'pets' }))).toMatchObject({ 0: 404 })
    const patchOperations = [{ op: 'replace', path: '/stage', value: 'beta' }] as const
    expect(
      await fault(
        new aws.UpdateBasePathMappingCommand({ ...anywhere, basePath: 'dev', patchOperations: [...patchOperations] }),
      ),
    ).toEqual([404, 'UnknownOperationException', 'changes of base path mappings are not supported by tollgate'])
  })
})

describe('gateway responses', () => {
  const isDefault = { defaultResponse: true, responseParameters: {} }
  const responseTemplates = { 'application/json': '{"message":$context.error.messageString}' }

  it('O34: are as AWS has them by default', async () => {
    const { restApiId } = await petstore()
    expect(await answer(new aws.GetGatewayResponseCommand({ restApiId, responseType: 'QUOTA_EXCEEDED' }))).toEqual({
      status: 200,
      ...isDefault,
      responseTemplates,
      responseType: 'QUOTA_EXCEEDED',
      statusCode: '429',
    })
    const { items } = (await answer(new aws.GetGatewayResponsesCommand({ restApiId }))) as {
      items: aws.GatewayResponse[]
    }
    expect(items).toHaveLength(21)
    expect(items.map(({ responseType }) => responseType)).toEqual(items.map(({ responseType }) => responseType).sort())
  })

  it('inherit from their class until they are customised', async () => {
    const { restApiId } = await petstore()
    const put = (responseType: aws.GatewayResponseType, more: object) =>
      answer(new aws.PutGatewayResponseCommand({ restApiId, responseType, ...more }))
    const get = (responseType: aws.GatewayResponseType) =>
      answer(new aws.GetGatewayResponseCommand({ restApiId, responseType }))
    expect(await put('THROTTLED', { responseParameters: { 'gatewayresponse.header.x': "'y'" } })).toEqual({
      status: 201,
      responseType: 'THROTTLED',
      statusCode: '429',
      responseParameters: { 'gatewayresponse.header.x': "'y'" },
      responseTemplates,
      defaultResponse: false,
    })
    await put('DEFAULT_4XX', { statusCode: '404' })
    expect(await get('QUOTA_EXCEEDED')).toMatchObject({ ...isDefault, statusCode: '404' })
    expect(await get('THROTTLED')).toMatchObject({ statusCode: '429' })
    const patch = (op: 'add' | 'replace', path: string, value: string) =>
      new aws.UpdateGatewayResponseCommand({
        restApiId,
        responseType: 'THROTTLED',
        patchOperations: [{ op, path, value }],
      })
    expect(await answer(patch('add', '/responseTemplates/application~1xml', '<x/>'))).toMatchObject({
      responseTemplates: { ...responseTemplates, 'application/xml': '<x/>' },
    })
    expect((await fault(patch('add', '/statusCode', '500')))[2]).toBe('Invalid patch path /statusCode')
    const remove = new aws.DeleteGatewayResponseCommand({ restApiId, responseType: 'THROTTLED' })
    expect(await answer(remove)).toEqual({ status: 202 })
    expect(await fault(remove)).toEqual([404, 'NotFoundException', 'Gateway response type not defined on api'])
    expect(
      (await fault(new aws.PutGatewayResponseCommand({ restApiId, responseType: 'THROTTLED', statusCode: '999' })))[2],
    ).toBe(
      "1 validation error detected: Value '999' at 'putGatewayResponseInput.statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\\d\\d",
    )
  })
})

describe('OpenAPI', () => {
  const definition = (more: object = {}) => ({
    openapi: '3.0.1',
    info: { title: 'petstore', version: '1' },
    'x-amazon-apigateway-api-key-source': 'AUTHORIZER',
    paths: {
      '/pets': { get: { security: [{ api_key: [] }] }, post: {} },
      '/pets/{petId}': { 'x-amazon-apigateway-any-method': { security: [{ lambda: [] }] } },
    },
    components: {
      securitySchemes: {
        api_key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
        lambda: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Api-Key',
          'x-amazon-apigateway-authtype': 'custom',
          'x-amazon-apigateway-authorizer': {},
        },
      },
    },
    ...more,
  })
  const body = (document: object) => new TextEncoder().encode(JSON.stringify(document))

  it('O35: says which methods need a key', async () => {
    const imported = await answer(new aws.ImportRestApiCommand({ body: body(definition()) }))
    expect(imported).toMatchObject({ status: 201, name: 'petstore', version: '1', apiKeySource: 'AUTHORIZER' })
    const { items } = await answer(
      new aws.GetResourcesCommand({ restApiId: imported['id'] as string, embed: ['methods'] }),
    )
    const none = { authorizationType: 'NONE' }
    expect((items as aws.Resource[]).map(({ path, resourceMethods }) => [path, resourceMethods])).toEqual([
      ['/', undefined],
      [
        '/pets',
        {
          GET: { ...none, httpMethod: 'GET', apiKeyRequired: true },
          POST: { ...none, httpMethod: 'POST', apiKeyRequired: false },
        },
      ],
      ['/pets/{petId}', { ANY: { httpMethod: 'ANY', authorizationType: 'CUSTOM', apiKeyRequired: false } }],
    ])
  })

  it('applies security of the whole, and is merged or put in place', async () => {
    const { restApiId, resourceId } = await petstore(false)
    const more = { security: [{ api_key: [] }], paths: { '/other': { get: {} } } }
    const put = async (mode: 'merge' | 'overwrite') => {
      await answer(new aws.PutRestApiCommand({ restApiId, mode, body: body(definition(more)) }))
      const { items } = await answer(new aws.GetResourcesCommand({ restApiId, embed: ['methods'] }))
      return (items as aws.Resource[]).map(({ path, id }) => [path, id === resourceId])
    }
    expect(await put('merge')).toEqual([
      ['/', false],
      ['/pets', true],
      ['/other', false],
    ])
    expect(await put('overwrite')).toEqual([
      ['/', false],
      ['/other', false],
    ])
    await deploy(restApiId, 'dev')
    expect(call(restApiId, { path: '/other' })).toBe('invalid-api-key')
  })

  it.each(['openapi: 3.0.1', '{}', '[]', '{"openapi":"3.0.1","paths":{"pets":{"get":{}}}}'])(
    'refuses %s',
    async text => {
      expect((await fault(new aws.ImportRestApiCommand({ body: new TextEncoder().encode(text) })))[0]).toBe(400)
    },
  )
})
