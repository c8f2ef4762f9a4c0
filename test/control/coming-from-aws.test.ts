// The script that copies from AWS, run for real between two control planes: one of them in AWS's place.

import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { authorizer } from '../../src/control/index.ts'
import { catalogOf } from '../../src/index.ts'
import { type Control, serve } from './served.ts'

const ROOT = join(import.meta.dirname, '../..')
const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const SECRET = 'a-secret-of-more-than-twenty'
async function started(options: Parameters<typeof serve>[0]): Promise<Control> {
  const credentials = [{ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET, role: 'admin' }] as const
  const control = await serve({ ...options, authorize: authorizer({ credentials, now: () => Date.now() / 1000 }) })
  open.push(() => control.close())
  return control
}

it('copies APIs, plans and keys, and their callers notice nothing', async () => {
  const throttle = { rateLimit: 1, burstLimit: 2 }
  const aws = await started({
    start: catalogOf({
      apis: [
        {
          id: 'theirs',
          name: 'petstore',
          methods: [
            { path: '/pets', httpMethod: 'GET', apiKeyRequired: true },
            { path: '/pets/{petId}', httpMethod: 'ANY' },
          ],
          stages: [{ stageName: 'dev' }],
        },
        { id: 'other', name: 'other', methods: [], stages: [{ stageName: 'dev' }] },
      ],
      usagePlans: [
        {
          id: 'gold',
          name: 'gold',
          throttle,
          quota: { limit: 3, period: 'DAY' },
          apiStages: [
            { apiId: 'theirs', stage: 'dev', throttle: { '/pets/GET': { rateLimit: 5, burstLimit: 5 } } },
            { apiId: 'other', stage: 'dev' },
          ],
        },
      ],
      apiKeys: [
        { id: 'k1', name: 'acme', value: 'acme-key-000000000000001', usagePlanIds: ['gold'], customerId: 'c1' },
        { id: 'k2', name: 'bolt', value: 'bolt-key-000000000000002', enabled: false },
      ],
    }),
  })
  const ours = await started({})
  // As somebody has it who took the script and installed the SDK beside it.
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-copy-'))
  open.push(() => rmSync(folder, { recursive: true }))
  cpSync(join(ROOT, 'examples/coming-from-aws/copy.mjs'), join(folder, 'copy.mjs'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const env = {
    PATH: process.env['PATH'],
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: SECRET,
    TOLLGATE: ours.url,
    TOLLGATE_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    TOLLGATE_SECRET_ACCESS_KEY: SECRET,
  }
  const before = JSON.stringify(aws.gate.catalog)
  const { stdout } = await promisify(execFile)(process.execPath, ['copy.mjs', 'petstore'], { cwd: folder, env })
  expect(stdout).toMatch(
    /^API {4}petstore dev: \S+ has it as \w+\nkeys {3}2, each with its value\nplan {3}gold: 1 keys, 1 stages; 1 of its stages were not copied\n$/,
  )
  expect(stdout).not.toContain('acme-key')
  expect(JSON.stringify(aws.gate.catalog)).toBe(before)

  const { catalog } = ours.gate
  expect(catalog.usagePlans).toMatchObject([
    { name: 'gold', throttle, quota: { limit: 3, period: 'DAY' }, apiStages: [{ throttle: { '/pets/GET': {} } }] },
  ])
  expect(catalog.apiKeys.withValue('bolt-key-000000000000002')).toMatchObject({ name: 'bolt', enabled: false })
  const ask = (path: string, apiKey?: string) => ours.gate.admit({ method: 'GET', path, apiKey })
  expect(ask('/dev/pets')).toMatchObject({ kind: 'invalid-api-key' })
  expect(ask('/dev/pets', 'acme-key-000000000000001')).toMatchObject({ kind: 'allowed' })
  expect(ask('/dev/pets/7')).toMatchObject({ kind: 'open' })
})
