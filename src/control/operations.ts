// Every operation by AWS's name. Floor 4.

import type { Operation } from './operation.ts'
import { getAccount, updateAccount } from './operations-account.ts'
import { createApiKey, deleteApiKey, getApiKey, getApiKeys, importApiKeys, updateApiKey } from './operations-keys.ts'
import { createUsagePlanKey, deleteUsagePlanKey, getUsagePlanKey, getUsagePlanKeys } from './operations-plan-keys.ts'
import { createUsagePlan, deleteUsagePlan, getUsagePlan, getUsagePlans, updateUsagePlan } from './operations-plans.ts'
import { getTags, tagResource, untagResource } from './operations-tags.ts'

/** By name: pure functions of a catalog, an input and a world. */
export const operations = {
  CreateApiKey: createApiKey,
  GetApiKey: getApiKey,
  GetApiKeys: getApiKeys,
  UpdateApiKey: updateApiKey,
  DeleteApiKey: deleteApiKey,
  ImportApiKeys: importApiKeys,
  CreateUsagePlan: createUsagePlan,
  GetUsagePlan: getUsagePlan,
  GetUsagePlans: getUsagePlans,
  UpdateUsagePlan: updateUsagePlan,
  DeleteUsagePlan: deleteUsagePlan,
  CreateUsagePlanKey: createUsagePlanKey,
  GetUsagePlanKey: getUsagePlanKey,
  GetUsagePlanKeys: getUsagePlanKeys,
  DeleteUsagePlanKey: deleteUsagePlanKey,
  GetAccount: getAccount,
  UpdateAccount: updateAccount,
  TagResource: tagResource,
  UntagResource: untagResource,
  GetTags: getTags,
} satisfies Readonly<Record<string, Operation>>

export type OperationName = keyof typeof operations
