// Copies REST APIs, usage plans and API keys from Amazon API Gateway to a tollgate. Nothing is changed on AWS.
//
//   npm install @aws-sdk/client-api-gateway
//   TOLLGATE=http://127.0.0.1:9090 TOLLGATE_ACCESS_KEY_ID=… TOLLGATE_SECRET_ACCESS_KEY=… node copy.mjs [api name …]
//
// AWS is asked with the credentials and the region that its other tools use. Keys keep their values, so that callers
// notice nothing; APIs, plans and keys get ids of their own. It begins anew each time: run it against an empty tollgate.

import {
  APIGatewayClient,
  CreateApiKeyCommand,
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  GetExportCommand,
  GetResourcesCommand,
  ImportRestApiCommand,
  PutMethodCommand,
  paginateGetApiKeys,
  paginateGetResources,
  paginateGetRestApis,
  paginateGetUsagePlanKeys,
  paginateGetUsagePlans,
  GetStagesCommand,
} from '@aws-sdk/client-api-gateway'

const { TOLLGATE, TOLLGATE_ACCESS_KEY_ID, TOLLGATE_SECRET_ACCESS_KEY } = process.env
if (!TOLLGATE || !TOLLGATE_ACCESS_KEY_ID || !TOLLGATE_SECRET_ACCESS_KEY) {
  console.error('expected TOLLGATE, TOLLGATE_ACCESS_KEY_ID and TOLLGATE_SECRET_ACCESS_KEY in the environment')
  process.exit(2)
}
const aws = new APIGatewayClient({})
const tollgate = new APIGatewayClient({
  endpoint: TOLLGATE,
  region: 'us-east-1',
  credentials: { accessKeyId: TOLLGATE_ACCESS_KEY_ID, secretAccessKey: TOLLGATE_SECRET_ACCESS_KEY },
  maxAttempts: 8,
})
const names = process.argv.slice(2)

async function all(pages) {
  const items = []
  for await (const page of pages) items.push(...(page.items ?? []))
  return items
}

/** What a stage serves: its deployment, as AWS exports it. */
async function exported(restApiId, stageName) {
  const asked = { restApiId, stageName, exportType: 'oas30', parameters: { extensions: 'apigateway' } }
  try {
    return (await aws.send(new GetExportCommand({ ...asked, accepts: 'application/json' }))).body
  } catch (error) {
    if (error.$metadata?.httpStatusCode !== 404) throw error
    return null
  }
}

/** Where nothing is exported, the methods as they stand. */
async function copyMethods(from, to) {
  const resources = await all(paginateGetResources({ client: aws }, { restApiId: from, embed: ['methods'] }))
  resources.sort((a, b) => a.path.length - b.path.length)
  const [{ id: root }] = (await tollgate.send(new GetResourcesCommand({ restApiId: to }))).items
  const ids = new Map()
  for (const { id, parentId, pathPart, resourceMethods = {} } of resources) {
    const made =
      parentId === undefined
        ? { id: root }
        : await tollgate.send(new CreateResourceCommand({ restApiId: to, parentId: ids.get(parentId), pathPart }))
    ids.set(id, made.id)
    for (const [httpMethod, { apiKeyRequired = false }] of Object.entries(resourceMethods)) {
      const method = { restApiId: to, resourceId: made.id, httpMethod, authorizationType: 'NONE', apiKeyRequired }
      await tollgate.send(new PutMethodCommand(method))
    }
  }
}

/** `api:stage` on AWS → the API's id here. */
const places = new Map()
for (const api of await all(paginateGetRestApis({ client: aws }, {}))) {
  if (names.length > 0 && !names.includes(api.name)) continue
  const { item: stages = [] } = await aws.send(new GetStagesCommand({ restApiId: api.id }))
  // A stage may serve an older deployment than its neighbour: each is an API of its own here, unless there is one.
  for (const { stageName } of stages) {
    const body = await exported(api.id, stageName)
    const { id } = await tollgate.send(
      body === null
        ? new CreateRestApiCommand({ name: api.name, apiKeySource: api.apiKeySource })
        : new ImportRestApiCommand({ body }),
    )
    if (body === null) await copyMethods(api.id, id)
    await tollgate.send(new CreateDeploymentCommand({ restApiId: id, stageName }))
    places.set(`${api.id}:${stageName}`, id)
    console.log(`API    ${api.name} ${stageName}: ${TOLLGATE} has it as ${id}`)
  }
}

const keys = new Map()
for (const key of await all(paginateGetApiKeys({ client: aws }, { includeValues: true }))) {
  const { name, description, enabled, customerId, tags, value } = key
  const { id } = await tollgate.send(
    new CreateApiKeyCommand({ name, description, enabled, customerId, tags, value }),
  )
  keys.set(key.id, id)
}
console.log(`keys   ${keys.size}, each with its value`)

for (const plan of await all(paginateGetUsagePlans({ client: aws }, {}))) {
  const { name, description, throttle, quota, tags, apiStages = [] } = plan
  const here = apiStages.filter(({ apiId, stage }) => places.has(`${apiId}:${stage}`))
  const { id: usagePlanId } = await tollgate.send(
    new CreateUsagePlanCommand({
      name,
      description,
      throttle,
      quota,
      tags,
      apiStages: here.map(({ apiId, stage, throttle }) => ({
        apiId: places.get(`${apiId}:${stage}`),
        stage,
        throttle,
      })),
    }),
  )
  const bound = await all(paginateGetUsagePlanKeys({ client: aws }, { usagePlanId: plan.id }))
  for (const { id } of bound) {
    await tollgate.send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId: keys.get(id), keyType: 'API_KEY' }))
  }
  const left = apiStages.length - here.length
  const note = left === 0 ? '' : `; ${left} of its stages were not copied`
  console.log(`plan   ${name}: ${bound.length} keys, ${here.length} stages${note}`)
}
