// Every operation by AWS's name. Floor 4.

import type { Operation } from './operation.ts'
import { getAccount, updateAccount } from './operations-account.ts'
import {
  createBasePathMapping,
  deleteBasePathMapping,
  getBasePathMapping,
  getBasePathMappings,
} from './operations-addresses.ts'
import {
  createRestApi,
  deleteRestApi,
  getRestApi,
  getRestApis,
  importRestApi,
  putRestApi,
  updateRestApi,
} from './operations-apis.ts'
import {
  deleteIntegration,
  deleteIntegrationResponse,
  deleteMethodResponse,
  getIntegration,
  getIntegrationResponse,
  getMethodResponse,
  putIntegration,
  putIntegrationResponse,
  putMethodResponse,
} from './operations-integrations.ts'
import { createApiKey, deleteApiKey, getApiKey, getApiKeys, importApiKeys, updateApiKey } from './operations-keys.ts'
import { createUsagePlanKey, deleteUsagePlanKey, getUsagePlanKey, getUsagePlanKeys } from './operations-plan-keys.ts'
import { createUsagePlan, deleteUsagePlan, getUsagePlan, getUsagePlans, updateUsagePlan } from './operations-plans.ts'
import {
  createResource,
  deleteMethod,
  deleteResource,
  getMethod,
  getResource,
  getResources,
  putMethod,
  updateMethod,
  updateResource,
} from './operations-resources.ts'
import {
  deleteGatewayResponse,
  getGatewayResponse,
  getGatewayResponses,
  putGatewayResponse,
  updateGatewayResponse,
} from './operations-responses.ts'
import {
  createDeployment,
  createStage,
  deleteDeployment,
  deleteStage,
  getDeployment,
  getDeployments,
  getStage,
  getStages,
  updateDeployment,
  updateStage,
} from './operations-stages.ts'
import { getTags, tagResource, untagResource } from './operations-tags.ts'

/** AWS's names. */
export type OperationName =
  | 'GetAccount'
  | 'UpdateAccount'
  | 'CreateRestApi'
  | 'DeleteRestApi'
  | 'GetRestApi'
  | 'GetRestApis'
  | 'ImportRestApi'
  | 'PutRestApi'
  | 'UpdateRestApi'
  | 'CreateApiKey'
  | 'DeleteApiKey'
  | 'GetApiKey'
  | 'GetApiKeys'
  | 'ImportApiKeys'
  | 'UpdateApiKey'
  | 'CreateUsagePlanKey'
  | 'DeleteUsagePlanKey'
  | 'GetUsagePlanKey'
  | 'GetUsagePlanKeys'
  | 'CreateUsagePlan'
  | 'DeleteUsagePlan'
  | 'GetUsagePlan'
  | 'GetUsagePlans'
  | 'UpdateUsagePlan'
  | 'DeleteIntegration'
  | 'DeleteIntegrationResponse'
  | 'DeleteMethodResponse'
  | 'GetIntegration'
  | 'GetIntegrationResponse'
  | 'GetMethodResponse'
  | 'PutIntegration'
  | 'PutIntegrationResponse'
  | 'PutMethodResponse'
  | 'CreateResource'
  | 'DeleteMethod'
  | 'DeleteResource'
  | 'GetMethod'
  | 'GetResource'
  | 'GetResources'
  | 'PutMethod'
  | 'UpdateMethod'
  | 'UpdateResource'
  | 'DeleteGatewayResponse'
  | 'GetGatewayResponse'
  | 'GetGatewayResponses'
  | 'PutGatewayResponse'
  | 'UpdateGatewayResponse'
  | 'CreateDeployment'
  | 'CreateStage'
  | 'DeleteDeployment'
  | 'DeleteStage'
  | 'GetDeployment'
  | 'GetDeployments'
  | 'GetStage'
  | 'GetStages'
  | 'UpdateDeployment'
  | 'UpdateStage'
  | 'CreateBasePathMapping'
  | 'DeleteBasePathMapping'
  | 'GetBasePathMapping'
  | 'GetBasePathMappings'
  | 'GetTags'
  | 'TagResource'
  | 'UntagResource'

/** By name: pure functions of a catalog, an input and a world. */
export const operations: Readonly<Record<OperationName, Operation>> = {
  GetAccount: getAccount,
  UpdateAccount: updateAccount,
  CreateRestApi: createRestApi,
  DeleteRestApi: deleteRestApi,
  GetRestApi: getRestApi,
  GetRestApis: getRestApis,
  ImportRestApi: importRestApi,
  PutRestApi: putRestApi,
  UpdateRestApi: updateRestApi,
  CreateApiKey: createApiKey,
  DeleteApiKey: deleteApiKey,
  GetApiKey: getApiKey,
  GetApiKeys: getApiKeys,
  ImportApiKeys: importApiKeys,
  UpdateApiKey: updateApiKey,
  CreateUsagePlanKey: createUsagePlanKey,
  DeleteUsagePlanKey: deleteUsagePlanKey,
  GetUsagePlanKey: getUsagePlanKey,
  GetUsagePlanKeys: getUsagePlanKeys,
  CreateUsagePlan: createUsagePlan,
  DeleteUsagePlan: deleteUsagePlan,
  GetUsagePlan: getUsagePlan,
  GetUsagePlans: getUsagePlans,
  UpdateUsagePlan: updateUsagePlan,
  DeleteIntegration: deleteIntegration,
  DeleteIntegrationResponse: deleteIntegrationResponse,
  DeleteMethodResponse: deleteMethodResponse,
  GetIntegration: getIntegration,
  GetIntegrationResponse: getIntegrationResponse,
  GetMethodResponse: getMethodResponse,
  PutIntegration: putIntegration,
  PutIntegrationResponse: putIntegrationResponse,
  PutMethodResponse: putMethodResponse,
  CreateResource: createResource,
  DeleteMethod: deleteMethod,
  DeleteResource: deleteResource,
  GetMethod: getMethod,
  GetResource: getResource,
  GetResources: getResources,
  PutMethod: putMethod,
  UpdateMethod: updateMethod,
  UpdateResource: updateResource,
  DeleteGatewayResponse: deleteGatewayResponse,
  GetGatewayResponse: getGatewayResponse,
  GetGatewayResponses: getGatewayResponses,
  PutGatewayResponse: putGatewayResponse,
  UpdateGatewayResponse: updateGatewayResponse,
  CreateDeployment: createDeployment,
  CreateStage: createStage,
  DeleteDeployment: deleteDeployment,
  DeleteStage: deleteStage,
  GetDeployment: getDeployment,
  GetDeployments: getDeployments,
  GetStage: getStage,
  GetStages: getStages,
  UpdateDeployment: updateDeployment,
  UpdateStage: updateStage,
  CreateBasePathMapping: createBasePathMapping,
  DeleteBasePathMapping: deleteBasePathMapping,
  GetBasePathMapping: getBasePathMapping,
  GetBasePathMappings: getBasePathMappings,
  GetTags: getTags,
  TagResource: tagResource,
  UntagResource: untagResource,
}
