// The script that copies from AWS, run for real between two control planes: one of them in AWS's place, with what AWS has
// and tollgate has not (exports, domain names) put before it.

import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { authorizer } from '../../src/control/index.ts'
import { type CatalogDocument, catalogOf } from '../../src/index.ts'
import { type Control, fetchRequest, serve } from './served.ts'

const ROOT = join(import.meta.dirname, '../..')
const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const SECRET = 'a-secret-of-more-than-twenty'
async function started(options: Parameters<typeof serve>[0] = {}): Promise<Control> {
  const credentials = [{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET, role: 'admin' }] as const
  const control = await serve({ ...options, authorize: authorizer({ credentials, now: () => Date.now() / 1000 }) })
  open.push(() => control.close())
  return control
}

/** What AWS answers at these paths; at all others the control plane does. */
async function behind(control: Control, answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer(async (req, res) => {
    const path = decodeURIComponent(new URL(req.url ?? '', 'http://localhost').pathname)
    const answer = answers[path]
    const response =
      answer === undefined ? await control.handler(await fetchRequest(req)) : new Response(JSON.stringify(answer))
    res.writeHead(response.status, Object.fromEntries(response.headers))
    res.end(Buffer.from(await response.arrayBuffer()))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Copied {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs it as somebody has it who took the script and installed the SDK beside it. */
async function copy(from: string, to: string, ...names: readonly string[]): Promise<Copied> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-copy-'))
  open.push(() => rmSync(folder, { recursive: true }))
  cpSync(join(ROOT, 'examples/coming-from-aws/copy.mjs'), join(folder, 'copy.mjs'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const env = {
    PATH: process.env['PATH'],
    NODE_NO_WARNINGS: '1',
    AWS_ENDPOINT_URL_API_GATEWAY: from,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: SECRET,
    TOLLGATE: to,
    TOLLGATE_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    TOLLGATE_SECRET_ACCESS_KEY: SECRET,
  }
  const copied = await new Promise<Copied>(resolve => {
    execFile(process.execPath, ['copy.mjs', ...names], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
  for (const secret of [ACME, BOLT, SECRET]) expect(copied.stdout + copied.stderr).not.toContain(secret)
  expect(copied.stderr).not.toMatch(/^\s+at /m)
  return copied
}

const ACME = 'acme-key-000000000000001'
const BOLT = 'bolt-key-000000000000002'
const throttle = { rateLimit: 1, burstLimit: 2 }

/** Two APIs with a stage of one name, a plan of both, one of the second alone, and a key in none. */
const THEIRS: CatalogDocument = {
  account: { throttleSettings: { rateLimit: 100, burstLimit: 50 } },
  apis: [
    {
      id: 'orders',
      name: 'orders',
      methods: [{ path: '/orders', httpMethod: 'GET', apiKeyRequired: true }],
      stages: [{ stageName: 'dev' }],
    },
    {
      id: 'pets',
      name: 'petstore',
      methods: [
        { path: '/pets', httpMethod: 'GET', apiKeyRequired: true },
        { path: '/pets/{petId}', httpMethod: 'ANY', authorizationType: 'AWS_IAM' },
      ],
      stages: [
        {
          stageName: 'dev',
          description: 'to try',
          variables: { colour: 'blue' },
          tracingEnabled: true,
          methodSettings: {
            '*/*': { throttlingRateLimit: 3, throttlingBurstLimit: 4 },
            'pets/{petId}/ANY': { throttlingRateLimit: 0.5, throttlingBurstLimit: 1 },
          },
        },
      ],
    },
  ],
  basePathMappings: [
    { apiId: 'orders', stage: 'dev', basePath: 'orders' },
    { apiId: 'pets', stage: 'dev', domainName: 'api.example.com', basePath: 'v1' },
  ],
  usagePlans: [
    {
      id: 'gold',
      name: 'gold',
      throttle,
      quota: { limit: 3, period: 'DAY' },
      apiStages: [
        { apiId: 'pets', stage: 'dev', throttle: { '/pets/GET': { rateLimit: 5, burstLimit: 5 } } },
        { apiId: 'orders', stage: 'dev' },
      ],
    },
    { id: 'silver', name: 'silver', apiStages: [{ apiId: 'orders', stage: 'dev' }] },
  ],
  apiKeys: [
    { id: 'k1', name: 'acme', value: ACME, usagePlanIds: ['gold'], customerId: 'c1', tags: { team: 'a' } },
    { id: 'k2', name: 'bolt', value: BOLT, enabled: false, usagePlanIds: ['silver'] },
    { id: 'k3', name: 'cord', value: 'cord-key-000000000000003' },
  ],
}

it('copies APIs with their plans and keys, which are called as before, and says what it did not copy', async () => {
  const [aws, ours] = [await started({ start: catalogOf(THEIRS) }), await started()]
  const before = JSON.stringify(aws.gate.catalog)
  const source = await behind(aws, { '/domainnames': { item: [{ domainName: 'api.example.com' }] } })
  const { code, stdout, stderr } = await copy(source, ours.url, 'petstore')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.replace(/copied as \w+/g, 'copied as ID').split('\n')).toEqual([
    'API    petstore dev: copied as ID; called at /dev',
    'domain api.example.com/v1: copied',
    'keys   1 copied, each with its value; 0 are here already',
    'plan   gold: copied as ID, 1 keys, 1 stages',
    '',
    'not copied',
    '  petstore dev: tracing',
    '  petstore dev: authorizers (AWS_IAM): a method that needs no key is open to everybody here',
    '  plan gold: orders dev, which was not copied',
    "  account throttle, rate 100 burst 50: no operation sets it; serve's --catalog can begin with it",
    '  of all: where requests go (integrations; serve has --upstream), models, what was used of quotas',
    '',
  ])
  expect(JSON.stringify(aws.gate.catalog)).toBe(before)

  const { catalog } = ours.gate
  expect(catalog.apis).toMatchObject([
    {
      name: 'petstore',
      stages: [
        {
          stageName: 'dev',
          description: 'to try',
          variables: { colour: 'blue' },
          methodSettings: {
            '*/*': { throttlingRateLimit: 3, throttlingBurstLimit: 4 },
            'pets/{petId}/ANY': { throttlingRateLimit: 0.5, throttlingBurstLimit: 1 },
          },
        },
      ],
    },
  ])
  expect(catalog.usagePlans).toMatchObject([
    { name: 'gold', throttle, quota: { limit: 3, period: 'DAY' }, apiStages: [{ throttle: { '/pets/GET': {} } }] },
  ])
  expect(catalog.apiKeys.size).toBe(1)
  expect(catalog.apiKeys.withValue(ACME)).toMatchObject({ name: 'acme', customerId: 'c1', tags: { team: 'a' } })
  const ask = (path: string, more: object = {}) => ours.gate.admit({ method: 'GET', path, ...more })
  expect(ask('/dev/pets')).toMatchObject({ kind: 'invalid-api-key' })
  expect(ask('/dev/pets', { apiKey: ACME })).toMatchObject({ kind: 'allowed' })
  expect(ask('/v1/pets', { apiKey: ACME, host: 'api.example.com' })).toMatchObject({ kind: 'allowed' })
  // The stage's throttle of the method: one at once.
  expect(ask('/dev/pets/7')).toMatchObject({ kind: 'allowed' })
  expect(ask('/dev/pets/7')).toMatchObject({ kind: 'throttled' })
})

it('takes everything up where it ended, and gives the first API that is named the short address', async () => {
  const [aws, ours] = [await started({ start: catalogOf(THEIRS) }), await started()]
  await copy(aws.url, ours.url, 'petstore')
  const orders = { catalog: ours.gate.catalog, run: await copy(aws.url, ours.url, 'orders', 'petstore') }
  expect([orders.run.code, orders.run.stderr]).toEqual([0, ''])
  expect(orders.run.stdout).toMatch(
    /^API {4}orders dev: copied as (\w+); called at \/\1\/dev\nAPI {4}petstore dev: is here already as \w+, and stays as it is; called at \/dev\n/,
  )
  expect(orders.run.stdout).toContain('keys   1 copied, each with its value; 1 are here already\n')
  expect(orders.run.stdout).toMatch(/^plan {3}gold: is here already as \w+, 1 keys, 2 stages$/m)
  expect(orders.run.stdout).toMatch(/^plan {3}silver: copied as \w+, 1 keys, 1 stages$/m)

  const all = await copy(aws.url, ours.url)
  expect([all.code, all.stderr]).toEqual([0, ''])
  expect(all.stdout).toContain('keys   1 copied, each with its value; 2 are here already\n')
  const { catalog } = ours.gate
  const again = await copy(aws.url, ours.url)
  expect([again.code, again.stdout]).toEqual([0, expect.not.stringMatching(/copied as/)])
  expect(ours.gate.catalog).toBe(catalog)
  expect([catalog.apis.length, catalog.usagePlans.length, catalog.apiKeys.size]).toEqual([2, 2, 3])
})

it('copies what a stage serves by its export, and begins anew what was interrupted', async () => {
  const [aws, ours] = [await started({ start: catalogOf(THEIRS) }), await started()]
  const definition = {
    openapi: '3.0.1',
    info: { title: 'petstore' },
    paths: { '/old': { get: { security: [{ key: [] }] } }, '/mine': { get: { security: [{ mine: [] }] } } },
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        mine: { type: 'apiKey', in: 'header', name: 'x', 'x-amazon-apigateway-authtype': 'cognito_user_pools' },
      },
    },
  }
  const source = await behind(aws, { '/restapis/pets/stages/dev/exports/oas30': definition })
  // A run that ended before its stage was made.
  const tags = { 'copied-from': 'pets:dev' }
  ours.gate.replace(catalogOf({ apis: [{ id: 'half', name: 'petstore', methods: [], stages: [], tags }] }))
  const { code, stdout } = await copy(source, ours.url, 'pets')
  expect([code, stdout]).toEqual([0, expect.stringContaining('petstore dev: authorizers (mine): a method that needs')])
  expect(ours.gate.catalog.apis.map(({ name }) => name)).toEqual(['petstore'])
  expect(ours.gate.catalog.apis[0]?.methods.map(({ path }) => path)).toEqual(['/old', '/mine'])
})

it('writes nothing where an API is unknown, or where both are the same', async () => {
  const [aws, ours] = [await started({ start: catalogOf(THEIRS) }), await started()]
  const before = ours.gate.catalog
  expect(await copy(aws.url, ours.url, 'petstore', 'petsore')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'petsore: expected names or ids of APIs in us-east-1; there are petstore, orders. Nothing was copied\n',
  })
  expect(await copy(ours.url.replace('127.0.0.1', 'localhost'), ours.url)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('expected AWS as the source; unset AWS_ENDPOINT_URL_API_GATEWAY'),
  })
  expect(await copy(aws.url, 'nowhere')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('TOLLGATE: expected'),
  })
  expect(ours.gate.catalog).toBe(before)
})

it('says what failed in a line, and what to do', async () => {
  const aws = await started({ start: catalogOf(THEIRS) })
  const closed = await started()
  await closed.close()
  const { code, stderr } = await copy(aws.url, closed.url)
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/^GetRestApis at http:\S+: .*ECONNREFUSED.*\nwhat was copied stays; .*\n$/),
  ])
})
