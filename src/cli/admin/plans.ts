// `tollgate admin plans …`: usage plans. Floor 5. Numbers are looked at here, and judged by the control plane.

import { shown } from '../keys/arguments.ts'
import { UsageError } from '../terminal.ts'
import type { Answer } from './client.ts'
import { cell, type Table } from './show.ts'
import { verb } from './verb.ts'

interface Limits {
  readonly throttle?: { readonly rateLimit: number; readonly burstLimit: number }
  readonly quota?: { readonly limit: number; readonly period: string; readonly offset?: number }
  readonly apiStages?: readonly { readonly apiId: string; readonly stage: string; readonly throttle?: object }[]
}

/** `4/DAY`, as it is written after `--quota`. */
function quotaText({ quota }: Limits): string {
  return quota === undefined ? '' : `${quota.limit}/${quota.period}`
}

/** `a1b2c3d4e5:prod (petstore)`: as it is written after `--stage`, and what people call it. */
function stagesText({ apiStages = [] }: Limits, names: ReadonlyMap<string, unknown>): string {
  const nameOf = (apiId: string): string => (names.get(apiId) === undefined ? '' : ` (${names.get(apiId)})`)
  return apiStages.map(({ apiId, stage }) => `${apiId}:${stage}${nameOf(apiId)}`).join(', ')
}

function listed(plans: readonly Answer[], names: ReadonlyMap<string, unknown>): Table {
  return {
    names: ['id', 'name', 'rate', 'burst', 'quota', 'stages'],
    rows: plans.map(plan => {
      const { throttle } = plan as Limits
      return [
        cell(plan['id']),
        cell(plan['name']),
        cell(throttle?.rateLimit),
        cell(throttle?.burstLimit),
        cell(quotaText(plan as Limits)),
        cell(stagesText(plan as Limits, names)),
      ]
    }),
  }
}

function upright(plan: Answer): Table {
  const { throttle, quota, apiStages = [] } = plan as Limits
  const all = [
    ['id', plan['id']],
    ['name', plan['name']],
    ['description', plan['description']],
    ['rate', throttle?.rateLimit],
    ['burst', throttle?.burstLimit],
    ['quota', quotaText(plan as Limits)],
    ['quota offset', quota?.offset || undefined],
    ...apiStages.flatMap(({ apiId, stage, throttle = {} }) => [
      ['stage', `${apiId}:${stage}`],
      ...Object.entries(throttle as Record<string, { rateLimit: number; burstLimit: number }>).map(
        ([method, { rateLimit, burstLimit }]) => [`stage ${stage} ${method}`, `${rateLimit}/s, burst ${burstLimit}`],
      ),
    ]),
  ].filter(([, value]) => value !== undefined && value !== '')
  return { names: all.map(([name]) => String(name)), rows: [all.map(([, value]) => cell(value))], upright: true }
}

// What people write.

function numberIn(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,12}(\.\d{1,12})?$/.test(text)) return Number(text)
  throw new UsageError(`${option}: expected a number, received ${shown(text)}`)
}

interface Quota {
  readonly limit: number
  readonly period: string
}

function quotaIn(text: string | undefined): Quota | undefined {
  if (text === undefined) return undefined
  const [, limit, period = ''] = /^(\d{1,12})\/(day|week|month)$/i.exec(text) ?? []
  if (limit !== undefined) return { limit: Number(limit), period: period.toUpperCase() }
  throw new UsageError(
    `--quota: expected requests and a period like 1000/DAY, 5000/WEEK or 100000/MONTH, received ${shown(text)}`,
  )
}

function stageIn(option: string, text: string): { apiId: string; stage: string } {
  const [, apiId, stage] = /^([^:]+):([^:]+)$/.exec(text) ?? []
  if (apiId !== undefined && stage !== undefined) return { apiId, stage }
  throw new UsageError(
    `${option}: expected API:STAGE, received ${shown(text)}; tollgate admin stages list shows those there are`,
  )
}

const LIMITS = {
  name: { type: 'string' },
  description: { type: 'string' },
  rate: { type: 'string' },
  burst: { type: 'string' },
  quota: { type: 'string' },
  'quota-offset': { type: 'string' },
  stage: { type: 'string', multiple: true },
} as const

const LIMITS_HELP = `  --rate N           requests a second, and
  --burst N          how many at once
  --quota N/PERIOD   requests a DAY, WEEK or MONTH (of UTC)
  --quota-offset N   requests that are taken off the first period's
  --description TEXT`

export const listPlans = verb({
  usage: 'plans list [--key KEY]',
  help: `The plans there are, newest first.

  --key KEY  those of a key

Examples
  tollgate admin plans list
  tollgate admin plans list --key abc123def4 --json`,
  takes: [],
  options: { key: { type: 'string' } },
  changes: false,
  lists: true,
  async run({ client, values, limit }) {
    const item = await client.items('GetUsagePlans', { keyId: values.key }, limit)
    const apis = item.some(plan => (plan as Limits).apiStages?.length) ? await client.items('GetRestApis') : []
    return { answer: { item }, table: listed(item, new Map(apis.map(({ id, name }) => [String(id), name]))) }
  },
})

export const showPlan = verb({
  usage: 'plans show PLAN',
  help: `One plan, by its id, with the throttles of single methods.

Examples
  tollgate admin plans show gold`,
  takes: ['PLAN'],
  options: {},
  changes: false,
  lists: false,
  async run({ client, named: [usagePlanId] }) {
    const plan = await client.call('GetUsagePlan', { usagePlanId })
    return { answer: plan, table: upright(plan) }
  },
})

export const createPlan = verb({
  usage: 'plans create --name NAME [--rate N --burst N] [--quota N/PERIOD] [--stage API:STAGE]…',
  help: `A new plan.

  --name NAME
${LIMITS_HELP}
  --stage API:STAGE  what its keys may call; may come several times

Examples
  tollgate admin plans create --name Gold --rate 10 --burst 20 --quota 100000/MONTH --stage a1b2c3d4e5:prod`,
  takes: [],
  options: LIMITS,
  changes: true,
  lists: false,
  async run({ client, values }) {
    const { name, description } = values
    if (name === undefined) throw new UsageError('--name: expected what the plan is called, received nothing')
    const rateLimit = numberIn('--rate', values.rate)
    const burstLimit = numberIn('--burst', values.burst)
    const quota = quotaIn(values.quota)
    const offset = numberIn('--quota-offset', values['quota-offset'])
    if ((rateLimit === undefined) !== (burstLimit === undefined)) {
      throw new UsageError('--rate, --burst: expected both or neither, received one; say the other')
    }
    if (offset !== undefined && quota === undefined) throw new UsageError('--quota-offset: expected a --quota; say one')
    const plan = await client.call('CreateUsagePlan', {
      name,
      description,
      throttle: rateLimit === undefined ? undefined : { rateLimit, burstLimit },
      quota: quota && { ...quota, ...(offset === undefined ? {} : { offset }) },
      apiStages: (values.stage ?? []).map(text => stageIn('--stage', text)),
    })
    return { answer: plan, table: upright(plan) }
  },
})

export const setPlan = verb({
  usage: 'plans set PLAN [--rate N] [--burst N] [--quota N/PERIOD] [--stage API:STAGE]… [--no-quota] …',
  help: `A plan changed, all of it or nothing; what is not said stays. It is in force at the next request, and no counter is lost.

  --name NAME
${LIMITS_HELP}
  --no-throttle      no throttle any more
  --no-quota         no quota any more
  --stage API:STAGE  one more that its keys may call
  --no-stage API:STAGE  one less

Throttles of single methods: tollgate admin call UpdateUsagePlan.

Examples
  tollgate admin plans set gold --rate 20 --burst 40
  tollgate admin plans set gold --quota 200000/MONTH --if-match "$(tollgate admin status --json | jq -r .version)"
  tollgate admin plans set gold --stage a1b2c3d4e5:beta --no-stage a1b2c3d4e5:dev`,
  takes: ['PLAN'],
  options: {
    ...LIMITS,
    'no-throttle': { type: 'boolean', default: false },
    'no-quota': { type: 'boolean', default: false },
    'no-stage': { type: 'string', multiple: true },
  },
  changes: true,
  lists: false,
  async run({ client, named: [usagePlanId], values }) {
    const { name, description, rate, burst } = values
    const quota = quotaIn(values.quota)
    numberIn('--rate', rate)
    numberIn('--burst', burst)
    numberIn('--quota-offset', values['quota-offset'])
    oneOf('--no-throttle', values['no-throttle'], '--rate or --burst', rate ?? burst)
    oneOf('--no-quota', values['no-quota'], '--quota or --quota-offset', values.quota ?? values['quota-offset'])
    const set = (path: string, value: unknown) =>
      value === undefined ? [] : [{ op: 'replace', path, value: String(value) }]
    const stage = (op: string, option: string, list: readonly string[] = []) =>
      list.map(text => {
        const { apiId, stage } = stageIn(option, text)
        return { op, path: '/apiStages', value: `${apiId}:${stage}` }
      })
    const patchOperations = [
      ...(values['no-throttle'] ? [{ op: 'remove', path: '/throttle' }] : []),
      ...(values['no-quota'] ? [{ op: 'remove', path: '/quota' }] : []),
      ...set('/name', name),
      ...set('/description', description),
      ...set('/throttle/rateLimit', rate),
      ...set('/throttle/burstLimit', burst),
      ...set('/quota/limit', quota?.limit),
      ...set('/quota/period', quota?.period),
      ...set('/quota/offset', values['quota-offset']),
      ...stage('add', '--stage', values.stage),
      ...stage('remove', '--no-stage', values['no-stage']),
    ]
    if (patchOperations.length === 0) {
      throw new UsageError(
        'expected what is to be set, received nothing; tollgate admin plans set PLAN --rate 20 --burst 40',
      )
    }
    const plan = await client.call('UpdateUsagePlan', { usagePlanId, patchOperations })
    return { answer: plan, table: upright(plan) }
  },
})

export const deletePlan = verb({
  usage: 'plans delete PLAN',
  help: `A plan away, once no stage is in it (plans set PLAN --no-stage API:STAGE). Its keys stay, without it.

Examples
  tollgate admin plans delete gold`,
  takes: ['PLAN'],
  options: {},
  changes: true,
  lists: false,
  async run({ client, named: [usagePlanId] }) {
    await client.call('DeleteUsagePlan', { usagePlanId })
    return { answer: null, table: null }
  },
})

/** @throws {UsageError} where a limit is taken away and set */
function oneOf(none: string, isNone: boolean, some: string, set: string | undefined): void {
  if (isNone && set !== undefined) throw new UsageError(`expected ${none} or ${some}, received both`)
}
