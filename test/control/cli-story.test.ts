// The story of an API's owner: the real AWS CLI before the real `tollgate serve`, where there is one.

import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, expect, it } from 'vitest'
import { catalogOf } from '../../src/index.ts'
import { folder, serving, unbundled } from '../cli/serve/command.ts'
import { behind, closeAll, upstreamOf } from '../cli/serve/gateway-before.ts'
import { serve } from './served.ts'

afterEach(closeAll)
afterAll(unbundled)

function saysOfItself(command: string): string {
  try {
    return execFileSync(command, ['--version'], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
const hasCli = saysOfItself('aws').startsWith('aws-cli')

// Each command is a process of its own, of a second or more: run by `AWS_CLI=1 npx vitest run test/control`, and in CI.
const isAsked = process.env['AWS_CLI'] !== undefined

const ADMIN = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-of-more-than-twenty', role: 'admin' }

it.runIf(hasCli && isAsked)(
  'the AWS CLI drives it all, signed',
  async () => {
    const path = folder()
    writeFileSync(join(path, 'catalog.json'), '{}')
    writeFileSync(join(path, 'credentials.json'), JSON.stringify({ credentials: [ADMIN] }), { mode: 0o600 })
    const upstream = await upstreamOf((_, response) => response.end('served'))
    const audit = join(path, 'audit.ndjson')
    const of = ['--catalog', join(path, 'catalog.json'), '--store', `sqlite:${join(path, 'counts.db')}`]
    const how = ['--admin-credentials', join(path, 'credentials.json'), '--audit', audit]
    const values = ['acme-key-0123456789abcdef', 'imported-key-0123456789', ADMIN.secretAccessKey]
    const gateway = await serving([...of, '--upstream', upstream.url, ...how], values)
    const { stdout } = await promisify(execFile)('sh', [join(import.meta.dirname, 'cli-story.sh')], {
      env: {
        ...process.env,
        ENDPOINT: gateway.adminUrl,
        DATA: `http://127.0.0.1:${gateway.port}`,
        AWS_ACCESS_KEY_ID: ADMIN.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ADMIN.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_PAGER: '',
      },
    })
    expect(stdout.split('\n').map(line => line.replaceAll('\t', ' '))).toEqual([
      'method: GET True',
      'before it is deployed: {"message":"Missing Authentication Token"} 403',
      'stages: dev',
      'without a key: {"message":"Forbidden"} 403',
      'plan: gold 2 0.01 4 MONTH',
      'without a plan: {"message":"Forbidden"} 403',
      'keys after a failed import: 1',
      'warnings: 1',
      'keys, newest first: imported acme',
      'without the stage: {"message":"Forbidden"} 403',
      'stage: dev',
      '1: served 200',
      '2: served 200',
      '3: {"message":"Too Many Requests"} 429',
      'another key: served 200',
      'throttle: None',
      '4: served 200',
      '5: served 200',
      '6: {"message":"Limit Exceeded"} 429',
      'remaining: 1',
      '7: served 200',
      '8: {"message":"Limit Exceeded"} 429',
      'usage: 5 0',
      'enabled: False',
      'disabled: {"message":"Forbidden"} 403',
      'An error occurred (NotFoundException) when calling the GetUsagePlan operation: Invalid Usage Plan ID specified',
      'An error occurred (BadRequestException) when calling the DeleteUsagePlan operation: Cannot delete Usage Plan PLAN because there are API Stages associated with it, including API:dev',
      'left: 0 0 imported',
      '',
    ])
    const { code } = await gateway.end()
    expect(code).toBe(0)
    for (const value of values) expect(readFileSync(audit, 'utf8')).not.toContain(value)
  },
  600_000,
)

it.runIf(hasCli && isAsked && saysOfItself('jq') !== '')(
  'the lines of coming-from-aws.md carry the keys of a plan over, enabled or not',
  async () => {
    const value = (name: string) => `${name}-key-000000000000001`
    const keyOf = (name: string, more: object) => ({ id: name, name, value: value(name), ...more })
    const theirs = await serve({
      start: catalogOf({
        usagePlans: [{ id: 'gold', name: 'gold' }],
        apiKeys: [
          keyOf('acme, "Inc."', { id: 'k1', value: value('acme'), usagePlanIds: ['gold'], description: 'of old' }),
          keyOf('bolt', { usagePlanIds: ['gold'], enabled: false }),
          keyOf('cord', {}),
        ],
      }),
    })
    const ours = await serve({ start: catalogOf({ usagePlans: [{ id: 'p1', name: 'gold' }] }) })
    for (const control of [theirs, ours]) behind(control.close)
    const page = readFileSync(join(import.meta.dirname, '../../docs/coming-from-aws.md'), 'utf8')
    const [, lines = ''] = /```sh\n(aws apigateway get-usage-plan-keys .*?)```/s.exec(page) ?? []
    const asked = lines
      .replace('http://127.0.0.1:9090', ours.url)
      // By a flag: the variable for it is younger than the CLI that Debian has.
      .replaceAll('aws apigateway get-', `aws --endpoint-url ${theirs.url} apigateway get-`)
    await promisify(execFile)('sh', ['-euc', asked], {
      cwd: folder(),
      env: {
        ...process.env,
        OLD_PLAN: 'gold',
        NEW_PLAN: 'p1',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: ADMIN.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ADMIN.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_PAGER: '',
      },
    })
    const { apiKeys } = ours.gate.catalog
    expect(apiKeys.size).toBe(2)
    expect(apiKeys.withValue(value('acme'))).toMatchObject({
      name: 'acme, "Inc."',
      description: 'of old',
      enabled: true,
      usagePlanIds: ['p1'],
    })
    expect(apiKeys.withValue(value('bolt'))).toMatchObject({ enabled: false, usagePlanIds: ['p1'] })
  },
  60_000,
)
