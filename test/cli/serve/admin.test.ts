// The real command with its control plane: the real AWS SDK before it, its own data plane behind it.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import {
  APIGatewayClient,
  CreateApiKeyCommand,
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  DeleteUsagePlanCommand,
  GetApiKeysCommand,
  GetResourcesCommand,
  GetUsageCommand,
  PutMethodCommand,
  UpdateApiKeyCommand,
  UpdateMethodCommand,
  UpdateStageCommand,
  UpdateUsageCommand,
  UpdateUsagePlanCommand,
} from '@aws-sdk/client-api-gateway'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { redisServer } from '../../stores/redis-server.ts'
import { bundled } from '../command.ts'
import { folder, type Serving, serving, unbundled } from './command.ts'
import { behind, closeAll, upstreamOf } from './gateway-before.ts'

afterEach(closeAll)
afterAll(unbundled)

const KEY = 'admin-tests-key-00000000001'
const ADMIN = { accessKeyId: 'AKIDADMIN', secretAccessKey: 'admin-secret-of-forty-characters-0000001', role: 'admin' }
const READER = { accessKeyId: 'AKIDREADER', secretAccessKey: 'reader-secret-of-forty-characters-000001', role: 'read' }
const TOKEN = 'bearer-token-of-the-dashboard-01'

function credentialsIn(path: string): string {
  const file = join(path, 'credentials.json')
  const tokens = [{ name: 'dashboard', token: TOKEN, role: 'read' }]
  writeFileSync(file, JSON.stringify({ credentials: [ADMIN, READER], tokens }), { mode: 0o600 })
  return file
}

function clientOf({ adminUrl }: Serving, { accessKeyId, secretAccessKey } = ADMIN): APIGatewayClient {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new APIGatewayClient({ endpoint: adminUrl, region: 'us-east-1', credentials, maxAttempts: 1 })
  behind(() => client.destroy())
  return client
}

async function call({ port }: Serving, path = '/dev/pets'): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-api-key': KEY } })).status
}

const replace = (path: string, value: string) => ({ patchOperations: [{ op: 'replace' as const, path, value }] })

/** An API with `GET /pets`, deployed to `dev`, and a key that may call it four times a day. */
async function published(client: APIGatewayClient) {
  const { id: restApiId } = await client.send(new CreateRestApiCommand({ name: 'petstore' }))
  const { items } = await client.send(new GetResourcesCommand({ restApiId }))
  const parentId = items?.[0]?.id
  const { id: resourceId } = await client.send(new CreateResourceCommand({ restApiId, parentId, pathPart: 'pets' }))
  const method = { restApiId, resourceId, httpMethod: 'GET' }
  await client.send(new PutMethodCommand({ ...method, authorizationType: 'NONE', apiKeyRequired: true }))
  const { id: deploymentId } = await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'dev' }))
  const { id: usagePlanId } = await client.send(
    new CreateUsagePlanCommand({
      name: 'gold',
      quota: { limit: 4, period: 'DAY' },
      apiStages: [{ apiId: restApiId as string, stage: 'dev' }],
    }),
  )
  const { id: keyId } = await client.send(new CreateApiKeyCommand({ name: 'acme', value: KEY, enabled: true }))
  await client.send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' }))
  return { restApiId, method, deploymentId, usagePlanId, keyId }
}

async function storeNamed(name: string, path: string): Promise<string> {
  if (name === 'memory') return 'memory'
  if (name === 'SQLite') return `sqlite:${join(path, 'counts.db')}`
  const server = await redisServer()
  behind(() => server.stop())
  return `redis://127.0.0.1:${server.port}`
}

describe('the control plane of serve', () => {
  it.each(['memory', 'SQLite', 'Redis'])('is served at once, and survives kill -9 (%s)', async name => {
    const path = folder()
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const audit = join(path, 'audit.ndjson')
    const args = ['--upstream', upstream.url, '--store', await storeNamed(name, path), '--audit', audit]
    // The journal of a catalog whose store is memory lies in the folder it runs in.
    const place = name === 'memory' ? ['--catalog', join(path, 'catalog.json')] : []
    if (name === 'memory') writeFileSync(join(path, 'catalog.json'), '{}')
    const all = [...args, ...place, '--admin-credentials', credentialsIn(path)]
    const first = await serving(all, [KEY, ADMIN.secretAccessKey, TOKEN])
    const client = clientOf(first)
    expect(await call(first)).toBe(403)
    const { restApiId, method, deploymentId, usagePlanId, keyId } = await published(client)

    // What is answered is in force, here at once.
    expect([await call(first), await call(first), await call(first), await call(first), await call(first)]).toEqual([
      200, 200, 200, 200, 429,
    ])
    const today = new Date().toISOString().slice(0, 10)
    const range = { usagePlanId, keyId, startDate: today, endDate: today }
    expect((await client.send(new GetUsageCommand(range))).items).toEqual({ [keyId as string]: [[4, 0]] })
    await client.send(new UpdateUsageCommand({ usagePlanId, keyId, ...replace('/remaining', '2') }))
    expect([await call(first), await call(first), await call(first)]).toEqual([200, 200, 429])
    expect((await client.send(new GetUsageCommand(range))).items).toEqual({ [keyId as string]: [[6, 0]] })

    // A method's need of a key waits for its deployment, and goes back with the stage.
    await client.send(new UpdateMethodCommand({ ...method, ...replace('/apiKeyRequired', 'false') }))
    expect(await call(first)).toBe(429)
    const next = await client.send(new CreateDeploymentCommand({ restApiId, stageName: 'dev' }))
    expect(next.id).not.toBe(deploymentId)
    expect(await call(first)).toBe(200)
    const stage = { restApiId, stageName: 'dev' }
    await client.send(new UpdateStageCommand({ ...stage, ...replace('/deploymentId', deploymentId as string) }))
    expect(await call(first)).toBe(429)

    // Others on the store follow within a second.
    const others = name === 'memory' ? [] : [await serving(args, [KEY])]
    await client.send(new UpdateApiKeyCommand({ apiKey: keyId, ...replace('/enabled', 'false') }))
    const changed = Date.now()
    expect(await call(first)).toBe(403)
    for (const other of others) {
      while ((await call(other)) !== 403) expect(Date.now() - changed).toBeLessThan(1000)
    }

    // What was acknowledged is kept, and a file that was read before does not take it back.
    await first.end('SIGKILL')
    const again = await serving(all, [KEY, ADMIN.secretAccessKey, TOKEN])
    const after = clientOf(again)
    expect((await after.send(new GetApiKeysCommand({}))).items).toMatchObject([{ name: 'acme', enabled: false }])
    await after.send(new UpdateApiKeyCommand({ apiKey: keyId, ...replace('/enabled', 'true') }))
    // Counters in memory ended with it.
    expect(await call(again)).toBe(name === 'memory' ? 200 : 429)

    const trail = readFileSync(audit, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
      .filter(({ operation }) => operation !== 'Publish')
    expect(trail.map(({ operation }) => operation)).toEqual([
      'CreateRestApi',
      'CreateResource',
      'PutMethod',
      'CreateDeployment',
      'CreateUsagePlan',
      'CreateApiKey',
      'CreateUsagePlanKey',
      'UpdateUsage',
      'UpdateMethod',
      'CreateDeployment',
      'UpdateStage',
      'UpdateApiKey',
      'UpdateApiKey',
    ])
    expect(trail.every(({ who, time }) => who === ADMIN.accessKeyId && Date.parse(time) <= Date.now())).toBe(true)
    expect(trail.at(-1)).toMatchObject({
      changes: [{ what: 'apiKeys', id: keyId, before: { enabled: false }, after: { enabled: true } }],
    })
    expect(readFileSync(audit, 'utf8')).not.toContain(KEY)
    expect(statSync(audit).mode & 0o077).toBe(0)
  })

  it('gives way to a file that was changed, and says what that cost', async () => {
    const path = folder()
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const file = join(path, 'catalog.json')
    writeFileSync(file, JSON.stringify({ usagePlans: [{ id: 'a' }] }))
    const serve = await serving(
      ['--upstream', upstream.url, '--catalog', file, '--admin-credentials', credentialsIn(path)],
      [],
    )
    const client = clientOf(serve)
    await client.send(new CreateUsagePlanCommand({ name: 'edited' }))
    await client.send(new CreateApiKeyCommand({ name: 'acme', value: KEY, enabled: true }))
    serve.process.kill('SIGHUP')
    await serve.said(/the files say nothing new: catalog \S+ stays in force/)
    await client.send(new UpdateUsagePlanCommand({ usagePlanId: 'a', ...replace('/name', 'renamed') }))
    writeFileSync(file, JSON.stringify({ usagePlans: [{ id: 'b' }] }))
    await serve.said(/catalog\.json takes the place of 3 edits made since: 1 key that is not in it is gone$/m)
    await serve.said(/catalog #\d+ is in force: 0 APIs, 0 stages, 1 plan/)
    await expect(client.send(new DeleteUsagePlanCommand({ usagePlanId: 'a' }))).rejects.toMatchObject({
      name: 'NotFoundException',
    })
    await client.send(new CreateUsagePlanCommand({ name: 'edited again' }))
    writeFileSync(file, JSON.stringify({ usagePlans: [{ id: 'c' }] }))
    await serve.said(/catalog\.json takes the place of 1 edit made since$/m)
    expect((await serve.end()).text).not.toContain('which came of')
    // In the trail, too: what a file puts in force, and the key that it did away with.
    const published = readFileSync(join(serve.logFile, '../audit.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
      .filter(({ operation }) => operation === 'Publish')
    expect(published.map(({ who, changes }) => [who, changes.map(({ id }: { id: string }) => id)])).toEqual([
      [`file ${file}`, ['a']],
      [`file ${file}`, expect.arrayContaining(['a', 'b'])],
      [`file ${file}`, expect.arrayContaining(['b', 'c'])],
    ])
    const gone = published[1].changes.find(({ what }: { what: string }) => what === 'apiKeys')
    expect(gone).toMatchObject({ before: { name: 'acme' }, after: null })
    expect(JSON.stringify(published)).not.toContain(KEY)
  })

  it('lets nobody in who may not, gives nothing away, and bears floods and giants', { timeout: 60_000 }, async () => {
    const path = folder()
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const document = { plans: [{ id: 'p' }], keys: [{ id: 'k', value: KEY, plan: 'p' }] }
    writeFileSync(join(path, 'catalog.json'), JSON.stringify(document))
    const serve = await serving(
      ['--upstream', upstream.url, '--catalog', join(path, 'catalog.json'), '--admin-credentials', credentialsIn(path)],
      [KEY, TOKEN],
    )
    const ask = async (headers: Record<string, string>, method = 'GET', at = '/apikeys'): Promise<number> => {
      const response = await fetch(`${serve.adminUrl}${at}`, { method, headers })
      const text = await response.text()
      if (response.status !== 200) expect(text.length).toBeLessThan(300)
      return response.status
    }
    // CTL-01, CTL-03: each path, known or not, and a key of the data plane, which opens nothing here.
    for (const at of ['/apikeys', '/apikeys/', '//apikeys', '/APIKEYS', '/%61pikeys', '/nothing', '/']) {
      for (const headers of [{}, { authorization: `Bearer ${KEY}` }, { 'x-api-key': TOKEN }, { 'x-api-key': KEY }]) {
        expect(await ask(headers as Record<string, string>, 'GET', at)).toBe(403)
      }
    }
    expect(await call(serve, '/')).toBe(200)
    expect(await fetch(`http://127.0.0.1:${serve.port}/`, { headers: { 'x-api-key': TOKEN } })).toMatchObject({
      status: 403,
    })
    // Who may read reads.
    expect(await ask({ authorization: `Bearer ${TOKEN}` })).toBe(200)
    expect(await ask({ authorization: `Bearer ${TOKEN}` }, 'DELETE', '/apikeys/k')).toBe(403)
    await expect(clientOf(serve, READER).send(new CreateApiKeyCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'AKIDREADER may only read',
    })
    const stranger = { ...ADMIN, secretAccessKey: 'another-secret-of-forty-characters-00001' }
    await expect(clientOf(serve, stranger).send(new GetApiKeysCommand({}))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    })

    // CTL-23: what is too large is not waited for.
    const sent = (bytes: number | 'endless', headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = httpRequest(`${serve.adminUrl}/apikeys`, { method: 'POST', headers }, response => {
          resolve(response.statusCode)
          response.resume()
          request.destroy()
        })
        // Cut while it still writes: it was answered.
        request.on('error', error => ('code' in error && error.code === 'EPIPE' ? undefined : reject(error)))
        const chunk = Buffer.alloc(1 << 16, ' ')
        let left = bytes === 'endless' ? Infinity : bytes
        const write = (): void => {
          while (left > 0 && !request.destroyed) {
            left -= chunk.length
            if (!request.write(chunk)) {
              request.once('drain', write)
              return
            }
          }
          request.end()
        }
        write()
      })
    const json = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    expect(await sent(7 << 20, json)).toBe(413)
    expect(await sent('endless', json)).toBe(413)

    // CTL-25: a flood is told so, and the data plane does not notice.
    const flood = await Promise.all(Array.from({ length: 1000 }, () => fetch(`${serve.adminUrl}/apikeys`)))
    const refused = flood.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(50)
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect(await call(serve, '/')).toBe(200)
    expect((await serve.admin('/healthz')).status).toBe(200)
  })

  it('makes credentials where none are given, and says them once', async () => {
    const path = folder()
    const upstream = await upstreamOf((_, response) => response.end('served'))
    writeFileSync(join(path, 'catalog.json'), '{}')
    const serve = await serving(['--upstream', upstream.url, '--catalog', join(path, 'catalog.json')], [])
    const text = await serve.said(/TOLLGATE_ADMIN_TOKEN=\S+/)
    // Pasted, these lines are all that AWS's clients need.
    const exported = Object.fromEntries(
      Array.from(text.matchAll(/([A-Z_]+)=(\S+)/g), ([, name, value]) => [name, value]),
    )
    const { AWS_SECRET_ACCESS_KEY: secretAccessKey = '', TOLLGATE_ADMIN_TOKEN: token = '' } = exported
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined)
    for (const [name, value] of Object.entries(exported)) vi.stubEnv(name, String(value))
    const client = new APIGatewayClient({})
    await client.send(new CreateApiKeyCommand({ name: 'one' })).finally(() => vi.unstubAllEnvs())
    client.destroy()
    const answer = await fetch(`${serve.adminUrl}/apikeys`, { headers: { authorization: `Bearer ${token}` } })
    expect(await answer.json()).toMatchObject({ item: [{ name: 'one' }] })
    const { text: all } = await serve.end()
    expect(all.split(secretAccessKey)).toHaveLength(2)
    expect(all.split(token)).toHaveLength(2)
  })

  it.each([
    [['--admin', '0.0.0.0:0'], '--admin-credentials FILE'],
    [['--admin', '[::]:0', '--admin-remote'], '--admin-credentials FILE'],
    [['--admin', '0.0.0.0:0', '--admin-credentials', 'CREDENTIALS'], '--admin-remote'],
    [['--admin-remote'], '--admin HOST:PORT'],
    [['--admin', '127.0.0.1:0', '--admin-credentials', 'BROKEN'], 'tokens[0].token: expected text of 20 characters'],
  ])('does not start with %j: it says what is missing', async (args, missing) => {
    const path = folder()
    writeFileSync(join(path, 'catalog.json'), '{}')
    writeFileSync(join(path, 'broken.json'), '{"tokens":[{"name":"x","token":"short","role":"read"}]}')
    const files: Record<string, string> = { CREDENTIALS: credentialsIn(path), BROKEN: join(path, 'broken.json') }
    const all = ['serve', '--catalog', join(path, 'catalog.json'), '--upstream', 'demo', '--store', 'memory']
    const { code, stderr } = await (await bundled())([...all, '--port', '0', ...args.map(arg => files[arg] ?? arg)])
    expect(code).toBe(2)
    expect(stderr).toContain(missing)
    expect(stderr).not.toContain('short')
  })
})
