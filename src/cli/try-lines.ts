// The curl lines that show a catalog at work, found by asking it: what is printed to happen is what will happen. Floor 5.

import type { Api, BasePathMapping, Method } from '../core/api.ts'
import type { ApiKey, UsagePlan } from '../core/plan.ts'
import type { Gate } from '../gate.ts'

/** A command to type, and what it will show. */
export interface TryLine {
  readonly shows: string
  readonly command: string
}

/** Up to four: served, refused without a key, throttled, out of quota. */
export async function tryLines(gate: Gate<boolean>, origin: string): Promise<TryLine[]> {
  const { catalog } = gate
  const keys = [...catalog.apiKeys].filter(({ enabled }) => enabled)
  const found = await Promise.all(catalog.usagePlans.map(plan => exampleOf(gate, keys, plan, 'newest')))
  const examples = found.filter(example => example !== null)
  // Another key than the lines below use up.
  const [plan] = examples
  const served = plan && (await exampleOf(gate, keys, plan.plan, 'oldest'))
  if (!served) return []
  const throttled = examples
    .filter(({ plan }) => plan.throttle !== undefined && plan.throttle.burstLimit > 0)
    .sort((a, b) => (a.plan.throttle?.burstLimit ?? 0) - (b.plan.throttle?.burstLimit ?? 0))[0]
  const ended = examples
    .filter(({ plan }) => plan.quota !== undefined)
    .sort(
      (a, b) =>
        Number(a.plan.throttle !== undefined) - Number(b.plan.throttle !== undefined) ||
        a.plan.quota!.limit - b.plan.quota!.limit,
    )[0]
  const url = ({ path }: Example): string => `${origin}${path}`
  const key = ({ key }: Example): string => `-H 'x-api-key: ${key.value}'`
  const lines: TryLine[] = [
    { shows: 'one that is served', command: `curl -i ${key(served)} ${url(served)}` },
    { shows: 'one without a key', command: `curl -i ${url(served)}` },
  ]
  const many = (n: number, example: Example): string =>
    `for i in $(seq ${n}); do curl -s -o /dev/null -w '%{http_code} ' ${key(example)} ${url(example)}; done; echo`
  if (throttled !== undefined && throttled.plan.throttle!.burstLimit <= 50) {
    const { rateLimit, burstLimit } = throttled.plan.throttle!
    // A loop of curls takes some 10 ms each, in which the bucket gains.
    const n = Math.ceil(burstLimit + Math.max(2, burstLimit * rateLimit * 0.05))
    lines.push({ shows: `one that is throttled, after ${burstLimit}`, command: many(n, throttled) })
  }
  if (ended !== undefined && ended.plan.quota!.limit <= 50 && ended.plan.throttle === undefined) {
    const { limit, period } = ended.plan.quota!
    lines.push({ shows: `one whose quota ends, ${limit} a ${period.toLowerCase()}`, command: many(limit + 1, ended) })
  }
  return lines
}

interface Example {
  readonly plan: UsagePlan
  readonly key: ApiKey
  readonly path: string
}

/** A key of the plan that has not used what it may, and a GET that it may call. */
async function exampleOf(
  gate: Gate<boolean>,
  keys: readonly ApiKey[],
  plan: UsagePlan,
  first: 'oldest' | 'newest',
): Promise<Example | null> {
  const { apis, basePathMappings } = gate.catalog
  const own = keys.filter(({ usagePlanIds }) => usagePlanIds.includes(plan.id))
  if (first === 'newest') own.reverse()
  for (const { apiId, stage } of plan.apiStages) {
    const api = apis.find(({ id }) => id === apiId)
    const method =
      api &&
      methodsOf(api, stage).find(({ apiKeyRequired, httpMethod }) => apiKeyRequired && /GET|ANY/.test(httpMethod))
    const base = baseOf(basePathMappings, apiId, stage)
    if (method === undefined || base === undefined) continue
    const path = `${base}${method.path === '/' ? '' : method.path.replace(/\{[^}]*\}/g, '1')}` || '/'
    for (const key of own.slice(0, 20)) {
      const decision = await gate.peek({ method: 'GET', path, apiKey: key.value })
      const isUnused = decision.kind === 'allowed' && (decision.quota === null || decision.quota.used === 1)
      if (isUnused) return { plan, key, path }
    }
  }
  return null
}

function methodsOf(api: Api, stageName: string): readonly Method[] {
  const stage = api.stages.find(stage => stage.stageName === stageName)
  return api.deployments.find(({ id }) => id === stage?.deploymentId)?.methods ?? api.methods
}

function baseOf(mappings: readonly BasePathMapping[], apiId: string, stage: string): string | undefined {
  if (mappings.length === 0) return ''
  const mapping = mappings.find(
    mapping => mapping.apiId === apiId && mapping.stage === stage && mapping.domainName === undefined,
  )
  return mapping && (mapping.basePath === undefined ? '' : `/${mapping.basePath}`)
}
