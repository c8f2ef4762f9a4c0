// `tollgate admin apis`, `stages`, `deploy` and `status`: what is served, and making it so. Floor 5.

import type { Answer, Client } from './client.ts'
import { cell, type Table } from './show.ts'
import { verb } from './verb.ts'

const time = (seconds: unknown): string =>
  typeof seconds === 'number' && seconds > 0 ? new Date(seconds * 1000).toISOString().replace('.000', '') : ''

export const listApis = verb({
  usage: 'apis list',
  help: `The APIs there are, newest first.

Examples
  tollgate admin apis list`,
  takes: [],
  options: {},
  changes: false,
  lists: true,
  async run({ client, limit }) {
    const item = await client.items('GetRestApis', {}, limit)
    const rows = item.map(({ id, name, createdDate, description }) => [
      cell(id),
      cell(name),
      cell(time(createdDate)),
      cell(description),
    ])
    return { answer: { item }, table: { names: ['id', 'name', 'created', 'description'], rows } }
  },
})

export const listStages = verb({
  usage: 'stages list [API]',
  help: `The stages of an API, or of all, where each is called, and which deployment it serves.

Examples
  tollgate admin stages list
  tollgate admin stages list a1b2c3d4e5`,
  takes: ['[API]'],
  options: {},
  changes: false,
  lists: true,
  async run({ client, named: [api], limit }) {
    const apis =
      api === undefined ? await client.items('GetRestApis') : [await client.call('GetRestApi', { restApiId: api })]
    const mappings = await client.items('GetBasePathMappings', { domainName: '*' })
    const rows: Table['rows'][number][] = []
    const item: Answer[] = []
    for (const { id: restApiId, name } of apis) {
      for (const stage of await client.items('GetStages', { restApiId })) {
        if (item.length === limit) break
        item.push(stage)
        const { stageName, deploymentId, lastUpdatedDate, description } = stage
        const addresses = mappings
          .filter(mapping => mapping['restApiId'] === restApiId && mapping['stage'] === stageName)
          .map(({ basePath }) => (basePath === '(none)' ? '/' : `/${basePath}`))
        const cells = [
          restApiId,
          name,
          stageName,
          addresses.join(' '),
          deploymentId,
          time(lastUpdatedDate),
          description,
        ]
        rows.push(cells.map(value => cell(value)))
      }
    }
    const names = ['api', 'name', 'stage', 'called at', 'deployment', 'updated', 'description']
    return { answer: { item }, table: { names, rows } }
  },
})

export const deploy = verb({
  usage: 'deploy API STAGE [--description TEXT]',
  help: `The API as it stands, served by a stage from the next request on; a stage that is not there is made. The deployment
before it stays: tollgate admin call UpdateStage goes back to it.

Examples
  tollgate admin deploy a1b2c3d4e5 prod --description 'reports need a key'
  tollgate admin call UpdateStage --input '{ "restApiId": "a1b2c3d4e5", "stageName": "prod",
    "patchOperations": [{ "op": "replace", "path": "/deploymentId", "value": "x1y2z3" }] }'`,
  takes: ['API', 'STAGE'],
  options: { description: { type: 'string' } },
  changes: true,
  lists: false,
  async run({ client, named: [restApiId, stageName], values: { description } }) {
    const answer = await client.call('CreateDeployment', { restApiId, stageName, description })
    const all = [
      ['deployment', answer['id']],
      ['api', restApiId],
      ['stage', stageName],
    ] as const
    return {
      answer,
      table: { names: all.map(([name]) => name), rows: [all.map(([, value]) => cell(value))], upright: true },
    }
  },
})

/** What the gateway says of itself to everybody: how many keys, and what became of requests. */
async function metricsOf(
  client: Client,
): Promise<{ readonly keys?: number; readonly requests?: Record<string, number> }> {
  const { status, text } = (await client.open('/metrics')) ?? { status: 0, text: '' }
  if (status !== 200) return {}
  const keys = /^tollgate_keys (\d+)$/m.exec(text)?.[1]
  const requests: Record<string, number> = {}
  for (const [, decision = '', count] of text.matchAll(
    /^tollgate_requests_total\{.*?decision="([\w-]+)".*?\} (\d+)$/gm,
  )) {
    requests[decision] = (requests[decision] ?? 0) + Number(count)
  }
  return keys === undefined ? {} : { keys: Number(keys), requests }
}

export const status = verb({
  usage: 'status',
  help: `Whether the gateway takes requests, which catalog is in force, what is in it, and what became of the requests
since it started.

Examples
  tollgate admin status
  tollgate admin status --json | jq -r .version`,
  takes: [],
  options: {},
  changes: false,
  lists: false,
  async run({ client }) {
    const apis = await client.items('GetRestApis')
    let stages = 0
    for (const { id } of apis) stages += (await client.items('GetStages', { restApiId: id })).length
    const plans = await client.items('GetUsagePlans')
    const { version } = client
    const { keys, requests = {} } = await metricsOf(client)
    const ready = (await client.open('/readyz'))?.status === 200
    const answer = { url: client.url, ready, version, apis: apis.length, stages, plans: plans.length, keys, requests }
    const all = [
      ['control plane', client.url],
      ['takes requests', ready ? 'yes' : 'no'],
      ['catalog', version],
      ['APIs', apis.length],
      ['stages', stages],
      ['plans', plans.length],
      ['keys', keys],
      ...Object.entries(requests).map(([decision, count]) => [`requests ${decision}`, count] as const),
    ].filter(([, value]) => value !== undefined)
    return {
      answer,
      table: { names: all.map(([name]) => String(name)), rows: [all.map(([, value]) => cell(value))], upright: true },
    }
  },
})
