// The story of an API's owner through the real AWS CLI, where there is one.

import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { authorizer } from '../../src/control/index.ts'
import { serve } from './served.ts'

const hasCli = (() => {
  try {
    return /^aws-cli/.test(execFileSync('aws', ['--version'], { encoding: 'utf8' }))
  } catch {
    return false
  }
})()

// Each command is a process of its own, of a second or more: run by `AWS_CLI=1 npx vitest run test/control`, and in CI.
const isAsked = process.env['AWS_CLI'] !== undefined

it.runIf(hasCli && isAsked)(
  'the AWS CLI drives it all, signed',
  async () => {
    const credential = {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'a-secret-of-more-than-twenty',
      role: 'admin',
    } as const
    const control = await serve({
      authorize: authorizer({ credentials: [credential], now: () => Date.now() / 1000 }),
      usage: ({ keyIds, from }) => keyIds.map(keyId => ({ keyId, day: from, used: 3 })),
    })
    try {
      const { stdout } = await promisify(execFile)('sh', [join(import.meta.dirname, 'cli-story.sh')], {
        env: {
          ...process.env,
          ENDPOINT: control.url,
          AWS_ACCESS_KEY_ID: credential.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
          AWS_EC2_METADATA_DISABLED: 'true',
          AWS_PAGER: '',
        },
      })
      expect(stdout.split('\n').map(line => line.replaceAll('\t', ' '))).toEqual([
        'method: GET True',
        'stages: dev',
        'plan: gold 2 4 DAY',
        'keys after a failed import: 1',
        'warnings: 1',
        'keys, newest first: imported acme',
        'throttle: 5',
        'remaining: 3 10',
        'usage: 3 10',
        'enabled: False',
        'An error occurred (NotFoundException) when calling the GetUsagePlan operation: Invalid Usage Plan ID specified',
        'An error occurred (BadRequestException) when calling the DeleteUsagePlan operation: Cannot delete Usage Plan PLAN because there are API Stages associated with it, including API:dev',
        'left: 0 0 imported',
        '',
      ])
      expect(control.errors).toEqual([])
    } finally {
      await control.close()
    }
  },
  300_000,
)
