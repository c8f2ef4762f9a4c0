// The account. Floor 4: pure. Source: AWS API Gateway, API_GetAccount, API_UpdateAccount.

import type { Catalog } from '../core/catalog.ts'
import { badRequest } from './fault.ts'
import { bounded, given } from './input.ts'
import { type Answer, type Operation, operation, reading } from './operation.ts'
import { applied, invalidPath, type Patch, patchesOf, valueIn } from './patch.ts'

/** `throttleSettings` only where the catalog has one: what is not in force is not shown. */
function viewOf({ account }: Catalog): Answer {
  const { cloudwatchRoleArn, throttleSettings: throttle } = account
  return {
    cloudwatchRoleArn,
    throttleSettings: throttle && { burstLimit: throttle.burstLimit, rateLimit: throttle.rateLimit },
    features: ['UsagePlans'],
    apiKeyVersion: '1',
  }
}

export const getAccount: Operation = reading(viewOf)

function patched(account: Catalog['account'], patch: Patch): Catalog['account'] {
  const { op, path, value } = patch
  if (path === '/features') {
    if (value !== 'UsagePlans') return badRequest('Invalid feature specified. Must be one of: [UsagePlans]')
    if (op === 'remove') return badRequest('Usage Plans cannot be disabled once enabled')
    if (op === 'add') return account
  }
  if (op !== 'replace') return invalidPath(patch, op === 'add' || op === 'remove' ? ['/features'] : [])
  if (path !== '/cloudwatchRoleArn') return invalidPath(patch, ['/cloudwatchRoleArn'])
  const { cloudwatchRoleArn: _, ...rest } = account
  const arn = bounded(
    value === undefined ? '' : valueIn(patch),
    2048,
    'The role ARN does not have required permissions set',
  )
  return given<Catalog['account']>({ ...rest, cloudwatchRoleArn: arn || undefined } as Catalog['account'])
}

export const updateAccount: Operation = operation((catalog, input) => {
  const account = applied(patchesOf(input, 'updateAccount'), catalog.account, patched)
  const next = account === catalog.account ? catalog : { ...catalog, account }
  return { catalog: next, answer: viewOf(next) }
})
