// `tollgate admin usage` and `remaining`: what keys used of their plans, and what they may still. Floor 5.

import { MOST_DAYS } from '../../control/usage.ts'
import { DAY_MS } from '../../core/calendar.ts'
import { barOf } from '../bar.ts'
import type { Cell } from '../check/columns.ts'
import { shown } from '../keys/arguments.ts'
import { UsageError } from '../terminal.ts'
import type { Answer, Client } from './client.ts'
import { cell, type Table } from './show.ts'
import { verb } from './verb.ts'

/** `[used, remaining]` of each day, by key. */
type Days = Readonly<Record<string, readonly (readonly [number, number])[]>>

const BAR = 20

/** A row for each key and day. Where the plan has a quota, a terminal sees how much of it is left. */
function tableOf(usage: Answer, names: ReadonlyMap<string, unknown>, quota: number | undefined): Table {
  const start = Date.parse(`${String(usage['startDate'])}T00:00:00Z`)
  const shares: number[] = []
  const rows = Object.entries((usage['values'] ?? {}) as Days).flatMap(([keyId, days]) =>
    days.map(([used, remaining], i): Cell[] => {
      // An extension may leave more than the quota is.
      if (quota !== undefined) shares.push(remaining / Math.max(1, quota, remaining))
      const day = new Date(start + i * DAY_MS).toISOString().slice(0, 10)
      return [cell(keyId), cell(names.get(keyId)), cell(day), cell(used), cell(quota === undefined ? '' : remaining)]
    }),
  )
  const drawn = (row: number): Cell => {
    const { full, empty, colour } = barOf(shares[row] as number, BAR)
    return { text: full + empty, colour }
  }
  return { names: ['key', 'name', 'day', 'used', 'remaining'], rows, ...(quota === undefined ? {} : { drawn }) }
}

async function quotaOf(client: Client, usagePlanId: string): Promise<number | undefined> {
  const { quota } = await client.call('GetUsagePlan', { usagePlanId })
  return (quota as { readonly limit: number } | undefined)?.limit
}

async function nameOf(client: Client, apiKey: string): Promise<ReadonlyMap<string, unknown>> {
  const { id, name } = await client.call('GetApiKey', { apiKey })
  return new Map([[String(id), name]])
}

function dayIn(option: string, text: string | undefined, otherwise: string): string {
  if (text === undefined) return otherwise
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isFinite(day) && new Date(day).toISOString().startsWith(text)) return text
  throw new UsageError(`${option}: expected a day like 2026-11-24, received ${shown(text)}`)
}

export const usage = verb({
  usage: 'usage PLAN [--key KEY] [--from DAY] [--to DAY]',
  help: `What each key of a plan used, day by day (UTC), and what it may still use of its quota at the end of that day.

  --key KEY   of one key
  --from DAY  and
  --to DAY    like 2026-11-24, both included; today is where nothing is said. ${MOST_DAYS} days at most

Examples
  tollgate admin usage gold
  tollgate admin usage gold --key abc123def4 --from 2026-11-01
  tollgate admin usage gold --from 2026-11-01 --to 2026-11-30 --csv > november.csv`,
  takes: ['PLAN'],
  options: { key: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } },
  changes: false,
  lists: true,
  async run({ client, named: [usagePlanId = ''], values, limit, waiting }) {
    const today = new Date().toISOString().slice(0, 10)
    const endDate = dayIn('--to', values.to, today)
    const startDate = dayIn('--from', values.from, values.to ?? today)
    const days = (Date.parse(endDate) - Date.parse(startDate)) / DAY_MS + 1
    if (days < 1) throw new UsageError(`--from: expected a day up to ${endDate}, received ${startDate}`)
    if (days > MOST_DAYS)
      throw new UsageError(`--from, --to: expected at most ${MOST_DAYS} days, received ${days}; ask for parts of them`)
    const quota = await quotaOf(client, usagePlanId)
    const input = { usagePlanId, keyId: values.key, startDate, endDate }
    const byKey: Record<string, unknown> = Object.create(null)
    let whole: Answer = {}
    for await (const { position: _, ...page } of client.pages('GetUsage', input, limit)) {
      whole = { ...page, values: Object.assign(byKey, page['values']) }
      waiting.at(`usage of ${Object.keys(byKey).length} keys so far`)
    }
    if (values.key !== undefined)
      return { answer: whole, table: tableOf(whole, await nameOf(client, values.key), quota) }
    const keys = await client.items('GetUsagePlanKeys', { usagePlanId }, limit)
    return { answer: whole, table: tableOf(whole, new Map(keys.map(({ id, name }) => [String(id), name])), quota) }
  },
})

export const remaining = verb({
  usage: 'remaining PLAN KEY REQUESTS',
  help: `Sets how many requests a key may still make in the running period of the plan's quota, from the next one on.

Examples
  tollgate admin remaining gold abc123def4 500`,
  takes: ['PLAN', 'KEY', 'REQUESTS'],
  options: {},
  changes: true,
  lists: false,
  async run({ client, named: [usagePlanId = '', keyId = '', requests = ''] }) {
    if (!/^\d{1,10}$/.test(requests))
      throw new UsageError(`REQUESTS: expected a whole number from 0, received ${shown(requests)}`)
    const patchOperations = [{ op: 'replace', path: '/remaining', value: String(Number(requests)) }]
    const answer = await client.call('UpdateUsage', { usagePlanId, keyId, patchOperations })
    const names = await nameOf(client, keyId)
    return { answer, table: tableOf(answer, names, await quotaOf(client, usagePlanId)) }
  },
})
