// Copies REST APIs, usage plans and API keys from Amazon API Gateway to a tollgate. Nothing is changed on AWS.
//
//   npm install @aws-sdk/client-api-gateway
//   TOLLGATE=http://127.0.0.1:9090 TOLLGATE_ACCESS_KEY_ID=… TOLLGATE_SECRET_ACCESS_KEY=… node copy.mjs [api …]
//
// AWS is asked with the credentials and the region that its other tools use. With names or ids of APIs: these, the plans of
// their stages and the keys of these plans; of two with a stage of one name the first is called /{stage}. Without: all.
// It can be run again: what was copied before is known by its tag or its value, and stays as it is by now; what is missing
// is added. At the end it says what was not copied.

import {
  APIGatewayClient,
  CreateApiKeyCommand,
  CreateBasePathMappingCommand,
  CreateDeploymentCommand,
  CreateResourceCommand,
  CreateRestApiCommand,
  CreateUsagePlanCommand,
  CreateUsagePlanKeyCommand,
  DeleteRestApiCommand,
  GetAccountCommand,
  GetExportCommand,
  GetResourcesCommand,
  GetStagesCommand,
  ImportRestApiCommand,
  PutMethodCommand,
  paginateGetApiKeys,
  paginateGetBasePathMappings,
  paginateGetDomainNames,
  paginateGetResources,
  paginateGetRestApis,
  paginateGetUsagePlanKeys,
  paginateGetUsagePlans,
  TagResourceCommand,
  UpdateStageCommand,
  UpdateUsagePlanCommand,
} from '@aws-sdk/client-api-gateway'

/** Ends before anything is written. */
function refuse(text) {
  console.error(text)
  process.exit(2)
}

const { TOLLGATE = '', TOLLGATE_ACCESS_KEY_ID, TOLLGATE_SECRET_ACCESS_KEY } = process.env
if (!TOLLGATE || !TOLLGATE_ACCESS_KEY_ID || !TOLLGATE_SECRET_ACCESS_KEY) {
  refuse('expected TOLLGATE, TOLLGATE_ACCESS_KEY_ID and TOLLGATE_SECRET_ACCESS_KEY in the environment')
}
if (!URL.canParse(TOLLGATE)) refuse(`TOLLGATE: expected a URL like http://127.0.0.1:9090, received ${TOLLGATE}`)
const names = process.argv.slice(2)

const aws = new APIGatewayClient({ maxAttempts: 8 })
const tollgate = new APIGatewayClient({
  endpoint: TOLLGATE,
  region: 'us-east-1',
  credentials: { accessKeyId: TOLLGATE_ACCESS_KEY_ID, secretAccessKey: TOLLGATE_SECRET_ACCESS_KEY },
  maxAttempts: 8,
})

/** A control plane's address; this machine has many names. */
function placeOf(url) {
  const { protocol, hostname, port } = new URL(url)
  const host = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) ? 'localhost' : hostname
  return `${host}:${port || (protocol === 'https:' ? 443 : 80)}`
}

// What serve prints to be pasted points every client of this shell at the tollgate.
const notItself = next => args => {
  const { protocol, hostname, port = '' } = args.request
  if (placeOf(`${protocol}//${hostname}:${port}`) !== placeOf(TOLLGATE)) return next(args)
  refuse(
    `AWS and TOLLGATE are both ${TOLLGATE}: expected AWS as the source; unset AWS_ENDPOINT_URL_API_GATEWAY and the ` +
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY that serve printed, or use another shell',
  )
}
aws.middlewareStack.add(notItself, { step: 'finalizeRequest', priority: 'high' })

for (const [client, name] of [
  [aws, 'AWS'],
  [tollgate, TOLLGATE],
]) {
  const named = (next, { commandName }) => async args => {
    try {
      return await next(args)
    } catch (error) {
      error.asked ??= `${commandName.replace(/Command$/, '')} at ${name}`
      throw error
    }
  }
  client.middlewareStack.add(named, { step: 'initialize' })
}

async function all(pages) {
  const items = []
  for await (const page of pages) items.push(...(page.items ?? []))
  return items
}

/** What was not copied, a line each. */
const missed = []

/** Does it, or says why it was not done and goes on: what is refused of one thing does not stop the others. */
async function attempt(what, work) {
  try {
    return await work()
  } catch (error) {
    const status = error.$metadata?.httpStatusCode
    const isNotAllowed = status === 403 && error.asked.endsWith(' at AWS')
    if (![400, 404, 409, 413].includes(status) && !isNotAllowed) throw error
    missed.push(`${what}: ${error.message}`)
    return undefined
  }
}

/** The tag by which a copy is known again. */
const FROM = 'copied-from'
const tagsOf = (tags = {}, from) => ({
  ...Object.fromEntries(Object.entries(tags).filter(([name]) => !name.startsWith('aws:'))),
  ...(from === undefined ? {} : { [FROM]: from }),
})

// APIs: a stage may serve an older deployment than its neighbour, so each is an API of its own here.

/** What a stage serves: its deployment, as AWS exports it; null where nothing is exported. */
async function exported(restApiId, stageName) {
  const asked = { restApiId, stageName, exportType: 'oas30', parameters: { extensions: 'apigateway' } }
  try {
    return (await aws.send(new GetExportCommand({ ...asked, accepts: 'application/json' }))).body
  } catch (error) {
    if (error.$metadata?.httpStatusCode !== 404) throw error
    return null
  }
}

/** The methods as they stand. Gives what authorizes them. */
async function copyMethods(from, to) {
  const resources = await all(paginateGetResources({ client: aws }, { restApiId: from, embed: ['methods'] }))
  resources.sort((a, b) => a.path.length - b.path.length)
  const [{ id: root }] = (await tollgate.send(new GetResourcesCommand({ restApiId: to }))).items
  const ids = new Map()
  const authorizers = []
  for (const { id, parentId, pathPart, resourceMethods = {} } of resources) {
    const made =
      parentId === undefined
        ? { id: root }
        : await tollgate.send(new CreateResourceCommand({ restApiId: to, parentId: ids.get(parentId), pathPart }))
    ids.set(id, made.id)
    for (const [httpMethod, { apiKeyRequired = false, authorizationType = 'NONE' }] of Object.entries(resourceMethods)) {
      const method = { restApiId: to, resourceId: made.id, httpMethod, authorizationType: 'NONE', apiKeyRequired }
      await tollgate.send(new PutMethodCommand(method))
      if (authorizationType !== 'NONE') authorizers.push(authorizationType)
    }
  }
  return authorizers
}

/** The names of what authorizes methods in an export. */
function authorizersIn(body) {
  const { components = {} } = JSON.parse(new TextDecoder().decode(body))
  return Object.entries(components.securitySchemes ?? {}).flatMap(([name, scheme]) =>
    scheme['x-amazon-apigateway-authtype'] || scheme['x-amazon-apigateway-authorizer'] ? [name] : [],
  )
}

/** Members of a stage that have no meaning here. */
const UNSERVED = {
  accessLogSettings: 'access log',
  cacheClusterEnabled: 'cache',
  canarySettings: 'canary',
  clientCertificateId: 'client certificate',
  tracingEnabled: 'tracing',
  webAclArn: 'web ACL',
}

/** Makes an API of what a stage serves, and the stage. Gives its id here. */
async function copyStage(api, stage) {
  const { stageName, variables, description, methodSettings = {} } = stage
  const body = await exported(api.id, stageName)
  const { id } = await tollgate.send(
    body === null
      ? new CreateRestApiCommand({ name: api.name, apiKeySource: api.apiKeySource })
      : new ImportRestApiCommand({ body }),
  )
  const resourceArn = `arn:aws:apigateway:us-east-1::/restapis/${id}`
  await tollgate.send(new TagResourceCommand({ resourceArn, tags: tagsOf(api.tags, `${api.id}:${stageName}`) }))
  const authorizers = body === null ? await copyMethods(api.id, id) : authorizersIn(body)
  await tollgate.send(
    new CreateDeploymentCommand({ restApiId: id, stageName, stageDescription: description, variables }),
  )
  const patchOperations = Object.entries(methodSettings).flatMap(([method, setting]) =>
    [
      ['rateLimit', setting.throttlingRateLimit],
      ['burstLimit', setting.throttlingBurstLimit],
    ].flatMap(([limit, value]) =>
      value === undefined ? [] : [{ op: 'replace', path: `/${method}/throttling/${limit}`, value: String(value) }],
    ),
  )
  const what = `${api.name} ${stageName}`
  if (patchOperations.length > 0) {
    const settings = new UpdateStageCommand({ restApiId: id, stageName, patchOperations })
    await attempt(`${what}: throttles of the stage`, () => tollgate.send(settings))
  }
  for (const [member, name] of Object.entries(UNSERVED)) if (stage[member]) missed.push(`${what}: ${name}`)
  if (authorizers.length > 0) {
    const list = [...new Set(authorizers)].join(', ')
    missed.push(`${what}: authorizers (${list}): a method that needs no key is open to everybody here`)
  }
  return id
}

async function run() {
  const region = await aws.config.region()
  const apis = await all(paginateGetRestApis({ client: aws }, {}))
  const isNamed = api => names.includes(api.name) || names.includes(api.id)
  const unknown = names.filter(name => !apis.some(api => api.name === name || api.id === name))
  if (unknown.length > 0) {
    const there = apis.map(({ name }) => name).join(', ') || 'none'
    refuse(`${unknown.join(', ')}: expected names or ids of APIs in ${region}; there are ${there}. Nothing was copied`)
  }
  const placeIn = api => names.findIndex(name => api.name === name || api.id === name)
  const chosen = (names.length === 0 ? apis : apis.filter(isNamed)).sort((a, b) => placeIn(a) - placeIn(b))

  // What is here by now.
  const ours = new Map()
  for (const { id, tags = {} } of await all(paginateGetRestApis({ client: tollgate }, {}))) {
    if (tags[FROM] === undefined) continue
    const { item: stages = [] } = await tollgate.send(new GetStagesCommand({ restApiId: id }))
    if (stages.length > 0) ours.set(tags[FROM], id)
    // A copy that was interrupted: nobody was served by it.
    else await tollgate.send(new DeleteRestApiCommand({ restApiId: id }))
  }
  const plansHere = new Map(
    (await all(paginateGetUsagePlans({ client: tollgate }, {}))).map(plan => [plan.tags?.[FROM], plan]),
  )
  const keysHere = new Map(
    (await all(paginateGetApiKeys({ client: tollgate }, { includeValues: true }))).map(({ value, id }) => [value, id]),
  )

  /** `api:stage` on AWS → the API's id here. */
  const places = new Map()
  for (const api of chosen) {
    const { item: stages = [] } = await aws.send(new GetStagesCommand({ restApiId: api.id }))
    if (stages.length === 0) missed.push(`${api.name}: it has no stage`)
    if (api.policy) missed.push(`${api.name}: its resource policy`)
    for (const stage of stages) {
      const from = `${api.id}:${stage.stageName}`
      const what = `${api.name} ${stage.stageName}`
      const id = ours.get(from) ?? (await attempt(what, () => copyStage(api, stage)))
      if (id === undefined) continue
      places.set(from, id)
      const mappings = await all(paginateGetBasePathMappings({ client: tollgate }, { domainName: '*' }))
      const addresses = mappings
        .filter(mapping => mapping.restApiId === id && mapping.stage === stage.stageName)
        .map(({ basePath }) => (basePath === '(none)' ? '/' : `/${basePath}`))
      const how = ours.has(from) ? `is here already as ${id}, and stays as it is` : `copied as ${id}`
      console.log(`API    ${what}: ${how}; called at ${addresses.join(' and ') || 'no address'}`)
    }
  }

  // Addresses of custom domains: whoever calls by them changes nothing at all.
  await attempt('custom domains', async () => {
    for (const { domainName } of await all(paginateGetDomainNames({ client: aws }, {}))) {
      for (const { basePath, restApiId, stage } of await all(
        paginateGetBasePathMappings({ client: aws }, { domainName }),
      )) {
        const id = places.get(`${restApiId}:${stage}`)
        const what = `${domainName}/${basePath === '(none)' ? '' : basePath}`
        if (id === undefined) {
          if (chosen.some(api => api.id === restApiId)) missed.push(`${what}: it leads to no stage that was copied`)
          continue
        }
        const mapping = { domainName, basePath }
        const made = await tollgate
          .send(new CreateBasePathMappingCommand({ ...mapping, restApiId: id, stage }))
          .catch(error => {
            if (error.name !== 'ConflictException') throw error
          })
        console.log(`domain ${what}: ${made === undefined ? 'is here already' : 'copied'}`)
      }
    }
  })

  const plans = []
  for (const plan of await all(paginateGetUsagePlans({ client: aws }, {}))) {
    const { apiStages = [] } = plan
    if (names.length > 0 && !apiStages.some(({ apiId, stage }) => places.has(`${apiId}:${stage}`))) continue
    const bound = await all(paginateGetUsagePlanKeys({ client: aws }, { usagePlanId: plan.id }))
    plans.push({ ...plan, apiStages, bound: bound.map(({ id }) => id) })
  }

  const inPlans = new Set(plans.flatMap(({ bound }) => bound))
  const keys = new Map()
  let copied = 0
  for (const key of await all(paginateGetApiKeys({ client: aws }, { includeValues: true }))) {
    if (names.length > 0 && !inPlans.has(key.id)) continue
    const { name, description, enabled, customerId, tags, value } = key
    let id = keysHere.get(value)
    if (id === undefined) {
      const input = { name, description, enabled, customerId, tags: tagsOf(tags), value }
      const made = await attempt(`key ${key.id}`, () => tollgate.send(new CreateApiKeyCommand(input)))
      if (made === undefined) continue
      id = made.id
      copied++
    }
    keys.set(key.id, id)
  }
  console.log(`keys   ${copied} copied, each with its value; ${keys.size - copied} are here already`)

  for (const plan of plans) {
    const { name, description, throttle, quota, tags, apiStages, bound } = plan
    const here = plansHere.get(plan.id)
    const input = { name, description, throttle, quota, tags: tagsOf(tags, plan.id) }
    const made = here ?? (await attempt(`plan ${name}`, () => tollgate.send(new CreateUsagePlanCommand(input))))
    if (made === undefined) continue
    const usagePlanId = made.id
    let stages = 0
    for (const { apiId, stage, throttle = {} } of apiStages) {
      const id = places.get(`${apiId}:${stage}`)
      const api = apis.find(api => api.id === apiId)?.name ?? apiId
      if (id === undefined) {
        missed.push(`plan ${name}: ${api} ${stage}, which was not copied`)
        continue
      }
      const place = `${id}:${stage}`
      const isIn = (made.apiStages ?? []).some(other => other.apiId === id && other.stage === stage)
      const limits = { op: 'replace', path: `/apiStages/${place}/throttle`, value: JSON.stringify(throttle) }
      const patchOperations = [
        { op: 'add', path: '/apiStages', value: place },
        ...(Object.keys(throttle).length === 0 ? [] : [limits]),
      ]
      const added = new UpdateUsagePlanCommand({ usagePlanId, patchOperations })
      if (isIn || (await attempt(`plan ${name}: ${api} ${stage}`, () => tollgate.send(added)))) stages++
    }
    const boundHere = new Set(
      here === undefined
        ? []
        : (await all(paginateGetUsagePlanKeys({ client: tollgate }, { usagePlanId }))).map(({ id }) => id),
    )
    let members = 0
    for (const key of bound) {
      const keyId = keys.get(key)
      if (keyId === undefined) continue
      const binding = new CreateUsagePlanKeyCommand({ usagePlanId, keyId, keyType: 'API_KEY' })
      if (boundHere.has(keyId) || (await attempt(`key ${key} in plan ${name}`, () => tollgate.send(binding)))) members++
    }
    if (plan.productCode) missed.push(`plan ${name}: product code`)
    const how = here === undefined ? `copied as ${usagePlanId}` : `is here already as ${usagePlanId}`
    console.log(`plan   ${name}: ${how}, ${members} keys, ${stages} stages`)
  }

  const { throttleSettings } = (await attempt('account', () => aws.send(new GetAccountCommand({})))) ?? {}
  if (throttleSettings !== undefined) {
    const { rateLimit, burstLimit } = throttleSettings
    missed.push(
      `account throttle, rate ${rateLimit} burst ${burstLimit}: no operation sets it; serve's --catalog can begin with it`,
    )
  }
  missed.push('of all: where requests go (integrations; serve has --upstream), models, what was used of quotas')
  console.log(`\nnot copied\n${missed.map(line => `  ${line}`).join('\n')}`)
}

run().catch(error => {
  const said = error.message || error.code || error.name
  const what = error.$metadata?.httpStatusCode === undefined ? said : `${error.name}: ${said}`
  console.error(`${error.asked ?? 'copy'}: ${what}`)
  console.error('what was copied stays; mend it and run this again: it goes on where it ended')
  process.exitCode = 1
})
