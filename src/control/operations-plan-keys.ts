// Which keys are in which plan. Floor 4: pure. Source: AWS API Gateway, API_UsagePlanKey and its operations.

import { faultOfBinding } from '../core/edits.ts'
import type { ApiKey } from '../core/plan.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import { requiredText, textOf } from './input.ts'
import { withKeys } from './key-edits.ts'
import { type Answer, type Operation, operation, reading } from './operation.ts'
import { keyOf, keysPage, nameFilter } from './operations-keys.ts'
import { planOf } from './operations-plans.ts'

function viewOf({ id, value, name }: ApiKey): Answer {
  return { id, type: 'API_KEY', value, name: name || undefined }
}

/** A key may have one plan for any one stage; the text of AWS's conflict nobody has recorded. */
export const createUsagePlanKey: Operation = operation((catalog, input) => {
  const keyId = requiredText(input, 'keyId', 'createUsagePlanKey')
  const keyType = requiredText(input, 'keyType', 'createUsagePlanKey')
  const plan = planOf(catalog, textOf(input, 'usagePlanId') ?? '')
  const key = keyOf(catalog, keyId)
  if (keyType !== 'API_KEY') badRequest('Invalid key type specified. Must be one of: [API_KEY]')
  if (key.usagePlanIds.includes(plan.id)) {
    refuse('ConflictException', `Usage Plan ${plan.id} is already associated with API Key ${key.id}`)
  }
  const bound: ApiKey = { ...key, usagePlanIds: [...key.usagePlanIds, plan.id] }
  const fault = faultOfBinding(catalog, bound)
  if (fault !== null) refuse('ConflictException', fault.message)
  return { catalog: withKeys(catalog, [bound], []), answer: viewOf(bound) }
})

function boundKey(catalog: Parameters<Operation>[0], input: Parameters<Operation>[1]): ApiKey {
  const plan = planOf(catalog, textOf(input, 'usagePlanId') ?? '')
  const key = keyOf(catalog, textOf(input, 'keyId') ?? '')
  return key.usagePlanIds.includes(plan.id) ? key : notFound('Invalid Usage Plan ID specified')
}

export const getUsagePlanKey: Operation = reading((catalog, input) => viewOf(boundKey(catalog, input)))

/** Of an unknown plan there are none: 200, as recorded on AWS. */
export const getUsagePlanKeys: Operation = reading((catalog, input) => {
  const planId = textOf(input, 'usagePlanId') ?? ''
  const hasName = nameFilter(input)
  if (!catalog.usagePlans.some(({ id }) => id === planId)) return { item: [] }
  const { keys, position } = keysPage(
    catalog,
    input,
    `usageplans/${planId}/keys`,
    key => key.usagePlanIds.includes(planId) && hasName(key),
  )
  return { position, item: keys.map(viewOf) }
})

export const deleteUsagePlanKey: Operation = operation((catalog, input) => {
  const planId = textOf(input, 'usagePlanId') ?? ''
  const key = boundKey(catalog, input)
  const unbound = { ...key, usagePlanIds: key.usagePlanIds.filter(id => id !== planId) }
  return { catalog: withKeys(catalog, [unbound], []), answer: null }
})
