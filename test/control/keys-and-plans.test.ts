// Keys, plans and what is between them, through the real AWS SDK: cases O01 to O20, O30, O31, O36 to O39, O41.

import {
  CreateApiKeyCommand,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteUsagePlanCommand,
  DeleteUsagePlanKeyCommand,
  GetAccountCommand,
  GetApiKeyCommand,
  GetApiKeysCommand,
  GetTagsCommand,
  GetUsageCommand,
  GetUsagePlanCommand,
  GetUsagePlanKeyCommand,
  GetUsagePlanKeysCommand,
  GetUsagePlansCommand,
  ImportApiKeysCommand,
  type PatchOperation,
  paginateGetApiKeys,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAccountCommand,
  UpdateApiKeyCommand,
  UpdateUsageCommand,
  UpdateUsagePlanCommand,
} from '@aws-sdk/client-api-gateway'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DAY_MS } from '../../src/core/calendar.ts'
import { catalogOf, type Decision, memoryStore, type UsageEntry, withUsage } from '../../src/index.ts'
import { type AnyCommand, answerOf, type Control, faultOf, realWorld, serve } from './served.ts'

let control: Control

const start = catalogOf({
  apis: [
    {
      id: 'petstore',
      methods: [
        { path: '/', httpMethod: 'GET', apiKeyRequired: true },
        { path: '/pets', httpMethod: 'GET', apiKeyRequired: true },
        { path: '/pets/{petId}', httpMethod: 'GET', apiKeyRequired: true },
      ],
      stages: [{ stageName: 'dev' }, { stageName: 'prod' }],
    },
  ],
})

beforeEach(async () => {
  control = await serve({ start })
})

afterEach(async () => {
  await control.close()
  expect(control.errors).toEqual([])
})

const send: Control['client']['send'] = ((command: never) => control.client.send(command)) as never

const answer = (command: AnyCommand) => answerOf(control.client, command)
const fault = (command: AnyCommand) => faultOf(control.client, command)

const key = (more: object = {}) => send(new CreateApiKeyCommand(more))
const plan = (more: object = {}) => send(new CreateUsagePlanCommand({ name: 'p', ...more }))
const patchKey = (apiKey: string | undefined, ...patchOperations: PatchOperation[]) =>
  new UpdateApiKeyCommand({ apiKey, patchOperations })
const patchPlan = (usagePlanId: string | undefined, ...patchOperations: PatchOperation[]) =>
  new UpdateUsagePlanCommand({ usagePlanId, patchOperations })
const dev = { apiStages: [{ apiId: 'petstore', stage: 'dev' }] }

describe('API keys', () => {
  it('O01: are made disabled, with exactly these members', async () => {
    const made = await answer(new CreateApiKeyCommand({ name: 'n1' }))
    expect(Object.keys(made).sort()).toEqual(
      ['status', 'createdDate', 'enabled', 'id', 'lastUpdatedDate', 'name', 'stageKeys', 'value'].sort(),
    )
    expect(made).toMatchObject({ status: 201, name: 'n1', enabled: false, stageKeys: [] })
    expect(made['id']).toMatch(/^[a-z0-9]{10}$/)
    expect(made['value']).toMatch(/^[A-Za-z0-9]{40}$/)
    expect(made['createdDate']).toBeInstanceOf(Date)
  })

  it.each([
    ['O02', { name: 'n'.repeat(1025) }, 'Invalid API Key name, can be at most 1024 characters.'],
    ['O03', { value: 'short' }, 'API Key value should be at least 20 characters'],
    ['O03', { value: 'a'.repeat(19) }, 'API Key value should be at least 20 characters'],
    ['1.1', { value: 'a'.repeat(129) }, 'API Key value exceeds maximum size of 128 characters'],
    ['O04', { description: 'd'.repeat(125_001) }, 'Invalid API Key description specified.'],
    [
      'ours',
      { stageKeys: [{ restApiId: 'petstore', stageName: 'dev' }] },
      'stageKeys is not supported: add the key to a usage plan of the stage',
    ],
  ])('%s: %o is refused', async (_, input, message) => {
    expect(await fault(new CreateApiKeyCommand(input))).toEqual([400, 'BadRequestException', message])
    expect(control.gate.catalog.apiKeys.size).toBe(0)
  })

  it('has no name where it is empty, and a value of its own where that is', async () => {
    expect(await answer(new CreateApiKeyCommand({ name: '', value: '' }))).not.toHaveProperty('name')
  })

  it('refuses a value that another key has, and does not repeat it', async () => {
    const { value } = await key()
    const refused = await fault(new CreateApiKeyCommand({ value }))
    expect(refused).toEqual([409, 'ConflictException', 'API Key already exists'])
  })

  it('O05: takes whatever is not true for false, shows no value and always tags', async () => {
    const { id } = await key()
    const patch = { op: 'replace', path: '/enabled', value: 'not-a-boolean' } as const
    const patched = await answer(patchKey(id, patch))
    expect(patched).toMatchObject({ status: 200, enabled: false, tags: {} })
    expect(patched).not.toHaveProperty('value')
    expect(await answer(patchKey(id, { ...patch, value: 'TRUE' }))).toMatchObject({ enabled: true })
    expect(await answer(patchKey(id, { ...patch, value: '1' }))).toMatchObject({ enabled: false })
  })

  it('O06: says what may be patched', async () => {
    const { id } = await key()
    expect(await fault(patchKey(id, { op: 'replace', path: '/id', value: 'x' }))).toEqual([
      400,
      'BadRequestException',
      "Invalid patch path  '/id' specified for op 'replace'. Must be one of: [/description, /enabled, /name, /customerId]",
    ])
  })

  it('does all of a patch or none', async () => {
    const { id } = await key({ name: 'before' })
    const before = control.gate.catalog
    await fault(
      patchKey(id, { op: 'replace', path: '/name', value: 'after' }, { op: 'replace', path: '/id', value: 'x' }),
    )
    expect(control.gate.catalog).toBe(before)
  })

  it('O07: are listed newest first, without values', async () => {
    const one = await key()
    const two = await key()
    const list = await answer(new GetApiKeysCommand({}))
    expect((list['items'] as { id: string }[]).map(({ id }) => id)).toEqual([two.id, one.id])
    expect(list).not.toHaveProperty('position')
    expect(JSON.stringify(list)).not.toContain(one.value)
    const full = await send(new GetApiKeysCommand({ includeValues: true }))
    expect(full.items?.map(({ value }) => value)).toEqual([two.value, one.value])
  })

  it('O08: are filtered by a literal prefix of their name, with its case', async () => {
    await key({ name: 'test-key-a' })
    await key()
    const named = async (nameQuery: string) =>
      (await send(new GetApiKeysCommand({ nameQuery }))).items?.map(({ name }) => name)
    expect(await named('test')).toEqual(['test-key-a'])
    for (const none of ['TEST', 'key', '%', '_', '*', '\\', "'"]) expect(await named(none)).toEqual([])
  })

  it('O09: come in pages', async () => {
    const one = await key()
    const two = await key()
    const first = await send(new GetApiKeysCommand({ limit: 1 }))
    expect(first.items?.map(({ id }) => id)).toEqual([two.id])
    const second = await send(new GetApiKeysCommand({ limit: 1, position: first.position }))
    expect(second.items?.map(({ id }) => id)).toEqual([one.id])
    expect(second.position).toBeUndefined()
  })

  it('come in pages of which none is missing and none twice, while others come and go', async () => {
    const made = []
    for (let i = 0; i < 30; i++) made.push((await key()).id as string)
    const seen: string[] = []
    for await (const { items } of paginateGetApiKeys({ client: control.client, pageSize: 7 }, {})) {
      seen.push(...(items ?? []).map(({ id }) => id as string))
      await send(new DeleteApiKeyCommand({ apiKey: items?.at(-1)?.id }))
      await key()
    }
    expect(seen).toEqual(made.reverse())
  })

  it.each([
    [-1, 25],
    [0, 25],
    [501, 26],
    [26, 26],
  ])('limit %i gives %i of 26', async (limit, count) => {
    for (let i = 0; i < 26; i++) await key()
    expect((await send(new GetApiKeysCommand({ limit }))).items).toHaveLength(count)
  })

  it('refuses positions that are none', async () => {
    await key()
    await key()
    const { position = '' } = await send(new GetApiKeysCommand({ limit: 1 }))
    for (const bad of [position.slice(1), position.slice(0, -2), `${position}A`, "' OR 1=1", 'x']) {
      expect((await fault(new GetApiKeysCommand({ position: bad })))[0]).toBe(400)
    }
    expect((await fault(new GetUsagePlansCommand({ position })))[0]).toBe(400)
  })

  it('O22: takes effect at the next request', async () => {
    const { id, value } = await key({ enabled: true })
    const { id: usagePlanId } = await plan(dev)
    const call = () =>
      (
        control.gate.admit({ apiId: 'petstore', stage: 'dev', method: 'GET', path: '/pets', apiKey: value ?? '' }) as {
          kind: string
        }
      ).kind
    expect(call()).toBe('invalid-api-key')
    await send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId: id, keyType: 'API_KEY' }))
    expect(call()).toBe('allowed')
    await send(patchKey(id, { op: 'replace', path: '/enabled', value: 'false' }))
    expect(call()).toBe('invalid-api-key')
  })

  it('O39: may share a name', async () => {
    const one = await key({ name: 'same' })
    const two = await key({ name: 'same' })
    expect(one.id).not.toBe(two.id)
    expect(one.value).not.toBe(two.value)
  })

  it('are gone once deleted, from their plans too', async () => {
    const { id } = await key()
    const { id: usagePlanId } = await plan()
    await send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId: id, keyType: 'API_KEY' }))
    expect(await answer(new DeleteApiKeyCommand({ apiKey: id }))).toEqual({ status: 202 })
    expect((await send(new GetUsagePlanKeysCommand({ usagePlanId }))).items).toEqual([])
    const gone = [404, 'NotFoundException', 'Invalid API Key identifier specified']
    expect(await fault(new GetApiKeyCommand({ apiKey: id }))).toEqual(gone)
    expect(await fault(new DeleteApiKeyCommand({ apiKey: id }))).toEqual(gone)
  })
})

describe('the key file', () => {
  const file = (csv: string, more: object = {}) =>
    new ImportApiKeysCommand({ format: 'csv', body: new TextEncoder().encode(csv), ...more })

  it('O30: is imported, with its plan', async () => {
    const { id: usagePlanId } = await plan()
    const csv = `Name,key,description,Enabled,usageplanIds\nMyFirstApiKey,apikey1234abcdefghij0123456789,An imported key,TRUE,${usagePlanId}`
    const imported = await answer(file(csv))
    expect(imported).toMatchObject({ status: 201, warnings: [] })
    const [id] = imported['ids'] as string[]
    expect(await answer(new GetApiKeyCommand({ apiKey: id }))).toMatchObject({
      name: 'MyFirstApiKey',
      description: 'An imported key',
      enabled: true,
    })
    expect((await send(new GetUsagePlanKeysCommand({ usagePlanId }))).items).toEqual([
      { id, name: 'MyFirstApiKey', type: 'API_KEY', value: 'apikey1234abcdefghij0123456789' },
    ])
  })

  it('O31: binds a key to several plans', async () => {
    const one = await plan(dev)
    const two = await plan({ apiStages: [{ apiId: 'petstore', stage: 'prod' }] })
    await send(
      file(`Enabled,Name,key,UsageplanIds\ntrue,MyFirstApiKey,apikey1234abcdefghij0123456789,"${one.id},${two.id}"`),
    )
    for (const { id: usagePlanId } of [one, two]) {
      expect((await send(new GetUsagePlanKeysCommand({ usagePlanId }))).items).toHaveLength(1)
    }
  })

  it('imports nothing where it fails on warnings, else what is valid', async () => {
    const csv = 'Key,name\napikey1234abcdefghij0123456789,MyFirstApiKey\nshort,Second'
    const refused = await fault(file(csv, { failOnWarnings: true }))
    expect(refused).toMatchObject([400, 'BadRequestException', expect.stringContaining('Warnings found during import')])
    expect(control.gate.catalog.apiKeys.size).toBe(0)
    expect((await send(file(csv))).warnings).toHaveLength(1)
    expect((await send(file(csv))).ids).toHaveLength(1)
    expect(control.gate.catalog.apiKeys.size).toBe(1)
  })
})

describe('usage plans', () => {
  it('O10: have exactly what was said', async () => {
    expect(await answer(new CreateUsagePlanCommand({ name: 'p' }))).toEqual({
      status: 201,
      id: expect.stringMatching(/^[a-z0-9]{6}$/),
      name: 'p',
      apiStages: [],
    })
  })

  it('O11: write a rate with a decimal point', async () => {
    const request = new Request(`${control.url}/usageplans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"p","throttle":{"burstLimit":20,"rateLimit":10}}',
    })
    expect(await (await control.handler(request)).text()).toContain('"throttle":{"burstLimit":20,"rateLimit":10.0}')
  })

  it('O12: are known by their id', async () => {
    const { id } = await plan()
    const unknown = [404, 'NotFoundException', 'Invalid Usage Plan ID specified']
    expect(await fault(patchPlan(`${id}1`, { op: 'replace', path: '/name', value: 'x' }))).toEqual(unknown)
    expect(await fault(new GetUsagePlanCommand({ usagePlanId: `${id}1` }))).toEqual(unknown)
    expect(await fault(new DeleteUsagePlanCommand({ usagePlanId: `${id}1` }))).toEqual(unknown)
  })

  it('O13, O14: say which stage is none of theirs', async () => {
    const { id } = await plan(dev)
    const remove = (value?: string) => fault(patchPlan(id, { op: 'remove', path: '/apiStages', value }))
    expect(await remove()).toEqual([400, 'BadRequestException', 'Invalid API Stage specified'])
    expect(await remove('petstore')).toEqual([400, 'BadRequestException', 'Invalid API Stage specified'])
    expect(await remove('petstore:fakestagename')).toEqual([
      404,
      'NotFoundException',
      `Invalid API Stage {api: petstore, stage: fakestagename} specified for usageplan ${id}`,
    ])
    expect(await fault(patchPlan(id, { op: 'remove', path: '/apiStages/petstore:dev' }))).toEqual([
      400,
      'BadRequestException',
      "Invalid patch path  '/apiStages/petstore:dev' specified for op 'remove'. Must be one of: [/apiStages, /quota, /throttle, /productCode, /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>, /apiStages/<apidId:stageName>/throttle]",
    ])
  })

  it('O17, O41: are not deleted while a stage is associated', async () => {
    const { id } = await plan(dev)
    expect(await fault(new DeleteUsagePlanCommand({ usagePlanId: id }))).toEqual([
      400,
      'BadRequestException',
      `Cannot delete Usage Plan ${id} because there are API Stages associated with it, including petstore:dev`,
    ])
    await send(patchPlan(id, { op: 'remove', path: '/apiStages', value: 'petstore:dev' }))
    expect(await answer(new DeleteUsagePlanCommand({ usagePlanId: id }))).toEqual({ status: 202 })
  })

  it.each([
    [
      'O18',
      { limit: 10, period: 'WEEK', offset: 7 },
      'Usage Plan quota offset must be between 0 and 6 inclusive in the WEEK period',
    ],
    ['2.4', { limit: 10, period: 'DAY', offset: 1 }, 'Usage Plan quota offset must be zero in the DAY period'],
    [
      '2.4',
      { limit: 10, period: 'MONTH', offset: 28 },
      'Usage Plan quota offset must be between 0 and 27 inclusive in the MONTH period',
    ],
    ['O19', { limit: 0, period: 'DAY' }, 'Usage Plan quota limit must be a non-negative numeric'],
    ['2.3', { period: 'DAY' }, 'Usage Plan quota limit must be a non-negative numeric'],
    ['2.3', { limit: 10 }, 'Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]'],
    [
      '2.3',
      { limit: 10, period: 'YEAR' },
      'Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]',
    ],
  ])('%s: quota %o is refused', async (_, quota, message) => {
    expect(await fault(new CreateUsagePlanCommand({ name: 'p', quota: quota as never }))).toEqual([
      400,
      'BadRequestException',
      message,
    ])
  })

  it('O20: names a method that there is not', async () => {
    const withMethod = (name: string) =>
      fault(
        new CreateUsagePlanCommand({
          name: 'p',
          apiStages: [{ apiId: 'petstore', stage: 'dev', throttle: { [name]: { rateLimit: 1, burstLimit: 1 } } }],
        }),
      )
    expect(await withMethod('badkey')).toEqual([
      400,
      'BadRequestException',
      'Invalid method {resourcePath: badkey,method: } specified',
    ])
    expect(await withMethod('/pets/POST')).toEqual([
      400,
      'BadRequestException',
      'Invalid method {resourcePath: /pets,method: POST} specified',
    ])
  })

  it('names a stage that there is not', async () => {
    expect(
      await fault(new CreateUsagePlanCommand({ name: 'p', apiStages: [{ apiId: 'petstore', stage: 'no' }] })),
    ).toEqual([404, 'NotFoundException', 'API Stage not found: petstore:no'])
    const { id } = await plan()
    expect(await fault(patchPlan(id, { op: 'add', path: '/apiStages', value: 'petstore:no:x' }))).toEqual([
      404,
      'NotFoundException',
      'API Stage not found: petstore:no',
    ])
  })

  it('makes throttle and quota by replacing what is in them', async () => {
    const { id } = await plan()
    const patched = await answer(
      patchPlan(
        id,
        { op: 'replace', path: '/throttle/burstLimit', value: '100' },
        { op: 'replace', path: '/throttle/rateLimit', value: '200' },
        { op: 'replace', path: '/quota/limit', value: '5000' },
        { op: 'replace', path: '/quota/period', value: 'MONTH' },
        { op: 'replace', path: '/name', value: 'newName' },
        { op: 'replace', path: '/description', value: 'words' },
        { op: 'add', path: '/productCode', value: 'code' },
      ),
    )
    expect(patched).toEqual({
      status: 200,
      id,
      name: 'newName',
      description: 'words',
      apiStages: [],
      throttle: { burstLimit: 100, rateLimit: 200 },
      quota: { limit: 5000, offset: 0, period: 'MONTH' },
      productCode: 'code',
      tags: {},
    })
    const bare = await answer(
      patchPlan(
        id,
        { op: 'remove', path: '/throttle' },
        { op: 'remove', path: '/quota' },
        { op: 'remove', path: '/productCode' },
      ),
    )
    expect(bare).toEqual({ status: 200, id, name: 'newName', description: 'words', apiStages: [], tags: {} })
  })

  it.each(['NaN', 'Infinity', '1e3', '0x10', ' 5', '+5', '1_0', '１２', '', '-0', '1.5', '99999999999999999999'])(
    'refuses %j for a whole number',
    async value => {
      const { id } = await plan({ throttle: { rateLimit: 1, burstLimit: 1 }, quota: { limit: 5, period: 'DAY' } })
      const before = control.gate.catalog
      for (const path of ['/throttle/burstLimit', '/quota/limit', '/quota/offset']) {
        expect((await fault(patchPlan(id, { op: 'replace', path, value })))[0]).toBe(400)
      }
      expect(control.gate.catalog).toBe(before)
    },
  )

  it('throttles single methods, with their slashes and without', async () => {
    const { id } = await plan(dev)
    const at = '/apiStages/petstore:dev/throttle'
    const limits = async (...patches: PatchOperation[]) =>
      (await send(patchPlan(id, ...patches))).apiStages?.[0]?.throttle
    const set = (path: string) => [
      { op: 'replace', path: `${at}/${path}/rateLimit`, value: '2' } as const,
      { op: 'add', path: `${at}/${path}/burstLimit`, value: '3' } as const,
    ]
    const limit = { rateLimit: 2, burstLimit: 3 }
    expect(await limits(...set('/pets/GET'))).toEqual({ '/pets/GET': limit })
    expect(await limits(...set('/pets/{petId}/GET'), ...set('//GET'))).toEqual({
      '/pets/GET': limit,
      '/pets/{petId}/GET': limit,
      '//GET': limit,
    })
    expect(
      await limits({ op: 'remove', path: `${at}//pets/GET` }, { op: 'remove', path: `${at}/~1pets~1{petId}/GET` }),
    ).toEqual({
      '//GET': limit,
    })
    const value = '{"/pets/GET":{"rateLimit":1.0,"burstLimit":1},"//GET":{"rateLimit":1.0,"burstLimit":1}}'
    expect(await limits({ op: 'replace', path: at, value })).toEqual(JSON.parse(value))
    expect(await limits({ op: 'remove', path: at })).toBeUndefined()
    expect((await fault(patchPlan(id, ...set('/none/GET'))))[2]).toBe(
      'Invalid method {resourcePath: /none,method: GET} specified',
    )
  })

  it('are listed newest first, and by key', async () => {
    const one = await plan()
    const two = await plan({ tags: { a: 'b' } })
    const { id: keyId } = await key()
    await send(new CreateUsagePlanKeyCommand({ usagePlanId: one.id, keyId, keyType: 'API_KEY' }))
    const list = await send(new GetUsagePlansCommand({}))
    expect(list.items).toEqual([
      { id: two.id, name: 'p', apiStages: [], tags: { a: 'b' } },
      { id: one.id, name: 'p', apiStages: [] },
    ])
    expect((await send(new GetUsagePlansCommand({ keyId }))).items?.map(({ id }) => id)).toEqual([one.id])
    const first = await send(new GetUsagePlansCommand({ limit: 1 }))
    const second = await send(new GetUsagePlansCommand({ limit: 1, position: first.position }))
    expect([first, second].map(({ items }) => items?.[0]?.id)).toEqual([two.id, one.id])
    expect(second.position).toBeUndefined()
  })
})

describe('usage plan keys', () => {
  const bind = (usagePlanId?: string, keyId?: string) =>
    new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' })

  it('O15: show the value', async () => {
    const { id, value } = await key({ name: 'n' })
    const { id: usagePlanId } = await plan()
    expect(await answer(bind(usagePlanId, id))).toEqual({ status: 201, id, name: 'n', type: 'API_KEY', value })
    expect(await answer(new GetUsagePlanKeyCommand({ usagePlanId, keyId: id }))).toMatchObject({ status: 200, id })
  })

  it('O16: of an unknown plan are none', async () => {
    expect(await answer(new GetUsagePlanKeysCommand({ usagePlanId: 'bad-id' }))).toEqual({ status: 200, items: [] })
  })

  it('refuses a key twice, and two plans on one stage', async () => {
    const { id } = await key()
    const one = await plan(dev)
    const two = await plan(dev)
    await send(bind(one.id, id))
    expect((await fault(bind(one.id, id))).slice(0, 2)).toEqual([409, 'ConflictException'])
    expect((await fault(bind(two.id, id))).slice(0, 2)).toEqual([409, 'ConflictException'])
    const third = await plan()
    await send(bind(third.id, id))
    const overlap = patchPlan(third.id, { op: 'add', path: '/apiStages', value: 'petstore:dev' })
    expect((await fault(overlap)).slice(0, 2)).toEqual([409, 'ConflictException'])
    expect(await fault(bind('nope', id))).toEqual([404, 'NotFoundException', 'Invalid Usage Plan ID specified'])
    expect(await fault(bind(two.id, 'nope'))).toEqual([
      404,
      'NotFoundException',
      'Invalid API Key identifier specified',
    ])
    expect((await fault(new CreateUsagePlanKeyCommand({ usagePlanId: two.id, keyId: id, keyType: 'X' })))[0]).toBe(400)
  })

  it('leave the key when they are deleted', async () => {
    const { id, value } = await key()
    const { id: usagePlanId } = await plan()
    await send(bind(usagePlanId, id))
    expect(await answer(new DeleteUsagePlanKeyCommand({ usagePlanId, keyId: id }))).toEqual({ status: 202 })
    expect(await send(new GetApiKeyCommand({ apiKey: id, includeValue: true }))).toMatchObject({ value })
    expect((await fault(new GetUsagePlanKeyCommand({ usagePlanId, keyId: id })))[0]).toBe(404)
  })
})

describe('usage', () => {
  const day = (n: number) => Date.UTC(2024, 0, n)

  it('O36, O37: shows each day and lets the rest of a period be set', async () => {
    const days: UsageEntry[] = []
    await control.close()
    control = await serve({
      start,
      usage: ({ from, to }) => days.filter(({ day }) => day >= from && day < to),
      world: () => ({ ...realWorld(), now: day(10) / 1000 + 60 }),
    })
    const { id: keyId } = await key()
    const { id: usagePlanId } = await plan({ quota: { limit: 5000, period: 'MONTH' } })
    await send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' }))
    days.push({ keyId: keyId as string, day: day(9), used: 7 }, { keyId: keyId as string, day: day(10), used: 3 })
    const range = { usagePlanId, startDate: '2024-01-08', endDate: '2024-01-10' }
    expect(await answer(new GetUsageCommand(range))).toEqual({
      status: 200,
      usagePlanId,
      startDate: '2024-01-08',
      endDate: '2024-01-10',
      items: {
        [keyId as string]: [
          [0, 5000],
          [7, 4993],
          [3, 4990],
        ],
      },
    })
    const update = (patch: PatchOperation) => new UpdateUsageCommand({ usagePlanId, keyId, patchOperations: [patch] })
    expect(await answer(update({ op: 'replace', path: '/remaining', value: '10' }))).toMatchObject({
      status: 200,
      usagePlanId,
      items: { [keyId as string]: [[3, 10]] },
    })
    // Shown from then on; in another period the quota is the plan's again.
    days.push({ keyId: keyId as string, day: day(11), used: 2 })
    const later = { usagePlanId, startDate: '2024-01-11', endDate: '2024-02-01', keyId }
    expect(await answer(new GetUsageCommand(later))).toMatchObject({
      items: { [keyId as string]: [[2, 8], ...Array(20).fill([0, 8]), [0, 5000]] },
    })
    expect(await answer(update({ op: 'replace', path: '/remaining', value: '6000' }))).toMatchObject({
      items: { [keyId as string]: [[3, 6002]] },
    })
    expect((await fault(update({ op: 'add', path: '/remaining', value: '10' })))[2]).toBe(
      "Invalid patch path  '/remaining' specified for op 'add'. Must be one of: []",
    )
    for (const value of ['-1', '1.5', 'abc', '2147483648']) {
      expect((await fault(update({ op: 'replace', path: '/remaining', value })))[0]).toBe(400)
    }
    for (const bad of [{ endDate: '2024-01-07' }, { startDate: '2024-02-30' }, { startDate: 'x' }]) {
      expect((await fault(new GetUsageCommand({ ...range, ...bad })))[0]).toBe(400)
    }
  })

  it('is shown of each key in the plan, used or not, in pages', async () => {
    const asked: (readonly string[])[] = []
    await control.close()
    control = await serve({
      start,
      usage: ({ keyIds }) => {
        asked.push(keyIds)
        return keyIds.slice(0, 1).map(keyId => ({ keyId, day: day(8), used: 3 }))
      },
    })
    const { id: usagePlanId } = await plan()
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      const { id: keyId } = await key()
      ids.unshift(keyId as string)
      await send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' }))
    }
    await key()
    const range = { usagePlanId, startDate: '2024-01-08', endDate: '2024-01-08', limit: 2 }
    const first = await send(new GetUsageCommand(range))
    const second = await send(new GetUsageCommand({ ...range, position: first.position }))
    expect(asked).toEqual([ids.slice(0, 2), ids.slice(2)])
    expect([first.items, second.items]).toEqual([{ [ids[0]!]: [[3, 0]], [ids[1]!]: [[0, 0]] }, { [ids[2]!]: [[3, 0]] }])
    expect(second.position).toBeUndefined()
  })

  it('lets exactly so many more through at once, in this period only', async () => {
    let now = Date.UTC(2024, 0, 10, 12)
    const store = withUsage(memoryStore())
    await control.close()
    control = await serve({
      start: catalogOf({
        plans: [{ id: 'p', quota: { limit: 3, period: 'DAY' } }],
        keys: [{ id: 'k', value: 'extended-key-0000000001', plan: 'p' }],
      }),
      gate: { store, clock: () => now },
      usage: query => store.usage(query),
      world: () => ({ ...realWorld(), now: now / 1000 }),
    })
    const call = () => control.gate.admit({ method: 'GET', path: '/', apiKey: 'extended-key-0000000001' }) as Decision
    const untilRefused = (): number => {
      let count = 0
      while (call().kind === 'allowed') count++
      return count
    }
    const remaining = (value: string) =>
      send(
        new UpdateUsageCommand({
          usagePlanId: 'p',
          keyId: 'k',
          patchOperations: [{ op: 'replace', path: '/remaining', value }],
        }),
      )
    expect(untilRefused()).toBe(3)
    expect((await remaining('5')).items).toEqual({ k: [[3, 5]] })
    expect(call()).toMatchObject({ kind: 'allowed', quota: { limit: 8, used: 4, remaining: 4 } })
    expect(untilRefused()).toBe(4)
    await remaining('0')
    expect(call()).toMatchObject({ kind: 'quota-exceeded', quota: { limit: 8, remaining: 0 } })
    now += DAY_MS
    expect(untilRefused()).toBe(3)
    expect((await remaining('1')).items).toEqual({ k: [[3, 1]] })
    expect(untilRefused()).toBe(1)
  })

  it('says so where nothing counts it', async () => {
    expect(
      (await fault(new GetUsageCommand({ usagePlanId: 'p', startDate: '2024-01-01', endDate: '2024-01-01' })))[2],
    ).toBe('Usage is not counted by this gateway')
  })
})

describe('account and tags', () => {
  it('has usage plans, and cannot be without', async () => {
    expect(await answer(new GetAccountCommand({}))).toEqual({
      status: 200,
      features: ['UsagePlans'],
      apiKeyVersion: '1',
    })
    const remove = new UpdateAccountCommand({
      patchOperations: [{ op: 'remove', path: '/features', value: 'UsagePlans' }],
    })
    expect((await fault(remove))[2]).toBe('Usage Plans cannot be disabled once enabled')
    const role = 'arn:aws:iam::123456789012:role/logs'
    const patch = new UpdateAccountCommand({
      patchOperations: [{ op: 'replace', path: '/cloudwatchRoleArn', value: role }],
    })
    expect(await answer(patch)).toMatchObject({ cloudwatchRoleArn: role })
  })

  it('are of keys, plans, APIs and stages', async () => {
    const { id } = await key()
    const { id: planId } = await plan()
    const stage = '/restapis/petstore/stages/dev'
    for (const path of [`/apikeys/${id}`, `/usageplans/${planId}`, '/restapis/petstore', stage]) {
      const resourceArn = `arn:aws:apigateway:us-east-1::${path}`
      expect(await answer(new TagResourceCommand({ resourceArn, tags: { a: '1', b: '2' } }))).toEqual({ status: 204 })
      expect(await answer(new UntagResourceCommand({ resourceArn, tagKeys: ['a', 'c'] }))).toEqual({ status: 204 })
      expect(await answer(new GetTagsCommand({ resourceArn }))).toEqual({ status: 200, tags: { b: '2' } })
    }
    expect((await fault(new GetTagsCommand({ resourceArn: 'arn:aws:apigateway:us-east-1::/apikeys/no' })))[0]).toBe(404)
    expect((await fault(new GetTagsCommand({ resourceArn: 'x' })))[0]).toBe(400)
  })
})
