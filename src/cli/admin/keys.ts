// `tollgate admin keys …`, and which plans they are in. Floor 5. A key's value is shown where it is made, and where it is
// asked for; it comes from a file or stdin.

import { isKeyValue } from '../../core/plan.ts'
import { nameOf, wholeTextOf } from '../keys/text-of.ts'
import type { Progress } from '../progress.ts'
import { Failure, UsageError } from '../terminal.ts'
import type { Answer } from './client.ts'
import { cell, type Table } from './show.ts'
import { verb } from './verb.ts'

const day = (seconds: unknown): string =>
  typeof seconds === 'number' && seconds > 0 ? new Date(seconds * 1000).toISOString().slice(0, 10) : ''

function listed(keys: readonly Answer[]): Table {
  return {
    names: ['id', 'name', 'enabled', 'created', 'customer', 'description'],
    rows: keys.map(({ id, name, enabled, createdDate, customerId, description }) => [
      cell(id),
      cell(name),
      cell(enabled, enabled === false ? 'yellow' : undefined),
      cell(day(createdDate)),
      cell(customerId),
      cell(description),
    ]),
  }
}

function upright(key: Answer): Table {
  const { id, value, name, enabled, createdDate, lastUpdatedDate, customerId, description, tags } = key
  const all = [
    ['id', id],
    ['value', value],
    ['name', name],
    ['enabled', enabled],
    ['created', day(createdDate)],
    ['updated', day(lastUpdatedDate)],
    ['customer', customerId],
    ['description', description],
    ...Object.entries((tags ?? {}) as object).map(([tag, text]) => [`tag ${tag}`, text]),
  ].filter(([, value]) => value !== undefined && value !== '')
  return { names: all.map(([name]) => String(name)), rows: [all.map(([, value]) => cell(value))], upright: true }
}

/** AWS shows values in the answers about a plan's keys: nobody asked for them. */
function withoutValue({ value: _, ...key }: Answer): Answer {
  return key
}

export const listKeys = verb({
  usage: 'keys list [--plan PLAN] [--name BEGINNING] [--customer ID]',
  help: `The keys there are, newest first; never their values.

  --plan PLAN       those in a plan (id and name only)
  --name BEGINNING  whose name begins so
  --customer ID     of a customer

Examples
  tollgate admin keys list --name 'Acme'
  tollgate admin keys list --csv > keys.csv
  tollgate admin keys list | cut -f1`,
  takes: [],
  options: { plan: { type: 'string' }, name: { type: 'string' }, customer: { type: 'string' } },
  changes: false,
  lists: true,
  async run({ client, values, limit }) {
    const { plan, name, customer } = values
    if (plan === undefined) {
      const item = await client.items('GetApiKeys', { nameQuery: name, customerId: customer }, limit)
      return { answer: { item }, table: listed(item) }
    }
    if (customer !== undefined) throw new UsageError('--customer: expected no --plan beside it; say one')
    // Of a plan that is not there AWS's list is empty: that would be believed.
    await client.call('GetUsagePlan', { usagePlanId: plan })
    const keys = await client.items('GetUsagePlanKeys', { usagePlanId: plan, nameQuery: name }, limit)
    const item = keys.map(withoutValue)
    return {
      answer: { item },
      table: { names: ['id', 'name'], rows: item.map(({ id, name }) => [cell(id), cell(name)]) },
    }
  },
})

export const showKey = verb({
  usage: 'keys show KEY [--value]',
  help: `One key, by its id.

  --value  with its value, which whoever sees the screen sees too

Examples
  tollgate admin keys show abc123def4
  tollgate admin keys show abc123def4 --value --json | jq -r .value`,
  takes: ['KEY'],
  options: { value: { type: 'boolean', default: false } },
  changes: false,
  lists: false,
  async run({ client, named: [apiKey], values }) {
    const key = await client.call('GetApiKey', { apiKey, includeValue: values.value ? 'true' : undefined })
    return { answer: key, table: upright(key) }
  },
})

export const createKey = verb({
  usage: 'keys create --name NAME [--plan PLAN] [--value-file FILE] [--disabled] …',
  help: `A new key; its value is drawn by the control plane, and printed.

  --name NAME          whose it is
  --plan PLAN          and into this plan
  --value-file FILE    a value that you have, from a file, or - for stdin: it is never an argument
  --description TEXT
  --customer ID
  --disabled           not to be used yet

Examples
  tollgate admin keys create --name 'Acme Inc.' --plan gold
  tollgate keys generate --prefix acme | tollgate admin keys create --name 'Acme Inc.' --value-file -`,
  takes: [],
  options: {
    name: { type: 'string' },
    plan: { type: 'string' },
    'value-file': { type: 'string' },
    description: { type: 'string' },
    customer: { type: 'string' },
    disabled: { type: 'boolean', default: false },
  },
  changes: true,
  lists: false,
  async run({ client, values, waiting }) {
    const { name, plan, description, customer: customerId, disabled, 'value-file': file } = values
    if (name === undefined) throw new UsageError('--name: expected whose key it is, received nothing')
    const value = file === undefined ? undefined : await valueIn(file, waiting)
    // A key for a plan that is not there would be one more at each try.
    if (plan !== undefined) await client.call('GetUsagePlan', { usagePlanId: plan })
    const key = await client.call('CreateApiKey', { name, description, customerId, enabled: !disabled, value })
    const done = { answer: key, table: upright(key) }
    if (plan === undefined) return done
    try {
      await client.call('CreateUsagePlanKey', { usagePlanId: plan, keyId: key['id'], keyType: 'API_KEY' })
      return done
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return {
        ...done,
        failed: `the key was made, and is in no plan: ${error.message}; then tollgate admin bind ${key['id']} PLAN`,
      }
    }
  },
})

async function valueIn(file: string, waiting: Progress): Promise<string> {
  const text = (await wholeTextOf(file, waiting)).trim()
  if (isKeyValue(text)) return text
  throw new UsageError(
    `${nameOf(file)}: expected one key of 20 to 128 of A-Z a-z 0-9 - . _ ~ + / = and nothing else, received ${text.length} characters that are none`,
  )
}

const enabling = (is: 'enabled' | 'disabled', what: string) =>
  verb({
    usage: `keys ${what} KEY`,
    help: `A key that may ${is === 'enabled' ? 'be used again' : 'not be used any more, and stays as it is otherwise'}, from the next request on.

Examples
  tollgate admin keys ${what} abc123def4`,
    takes: ['KEY'],
    options: {},
    changes: true,
    lists: false,
    async run({ client, named: [apiKey] }) {
      const patchOperations = [{ op: 'replace', path: '/enabled', value: String(is === 'enabled') }]
      const key = await client.call('UpdateApiKey', { apiKey, patchOperations })
      return { answer: key, table: upright(key) }
    },
  })

export const enableKey = enabling('enabled', 'enable')
export const disableKey = enabling('disabled', 'disable')

export const deleteKey = verb({
  usage: 'keys delete KEY',
  help: `A key away, for ever: disable is the one that can be taken back.

Examples
  tollgate admin keys delete abc123def4`,
  takes: ['KEY'],
  options: {},
  changes: true,
  lists: false,
  async run({ client, named: [apiKey] }) {
    await client.call('DeleteApiKey', { apiKey })
    return { answer: null, table: null }
  },
})

export const importKeys = verb({
  usage: 'keys import FILE.csv --fail-on-warnings | --ignore-warnings',
  help: `The keys of a key file (AWS's: Name,Key and optionally Description,Enabled,UsagePlanIds); - is stdin. A value that is
there keeps its id and its counters.

  --fail-on-warnings  a record that cannot be taken, and nothing is imported
  --ignore-warnings   what can be taken is

Examples
  tollgate keys check customers.csv && tollgate admin keys import customers.csv --fail-on-warnings
  tollgate keys generate --count 5 --csv --plan gold | tollgate admin keys import - --fail-on-warnings`,
  takes: ['FILE.csv'],
  options: {
    'fail-on-warnings': { type: 'boolean', default: false },
    'ignore-warnings': { type: 'boolean', default: false },
  },
  changes: true,
  lists: false,
  async run({ client, named: [file = ''], values, waiting }) {
    if (values['fail-on-warnings'] === values['ignore-warnings']) {
      const received = values['ignore-warnings'] ? 'both' : 'neither'
      throw new UsageError(
        `expected --fail-on-warnings (a bad record, and nothing is imported) or --ignore-warnings (the good ones are), received ${received}; say one`,
      )
    }
    const body = await wholeTextOf(file, waiting)
    const failOnWarnings = String(values['fail-on-warnings'])
    const answer = await client.call('ImportApiKeys', { format: 'csv', failOnWarnings, body })
    const warnings = answer['warnings'] as string[]
    const skipped = warnings.filter(warning => warning.startsWith('Skipped invalid record')).length
    const counts = [...client.counts, ['skipped', skipped] as const]
    return {
      answer,
      table: { names: counts.map(([name]) => name), rows: [counts.map(([, count]) => cell(count))], upright: true },
      notes: warnings.map(warning => `${nameOf(file)}: ${warning}`),
    }
  },
})

export const bindKey = verb({
  usage: 'bind KEY PLAN',
  help: `A key into a plan: from the next request on it has that plan's stages and limits.

Examples
  tollgate admin bind abc123def4 gold`,
  takes: ['KEY', 'PLAN'],
  options: {},
  changes: true,
  lists: false,
  async run({ client, named: [keyId, usagePlanId] }) {
    const key = withoutValue(await client.call('CreateUsagePlanKey', { usagePlanId, keyId, keyType: 'API_KEY' }))
    return { answer: key, table: upright({ id: key['id'], name: key['name'] }) }
  },
})

export const unbindKey = verb({
  usage: 'unbind KEY PLAN',
  help: `A key out of a plan: it may no longer call that plan's stages.

Examples
  tollgate admin unbind abc123def4 gold`,
  takes: ['KEY', 'PLAN'],
  options: {},
  changes: true,
  lists: false,
  async run({ client, named: [keyId, usagePlanId] }) {
    await client.call('DeleteUsagePlanKey', { usagePlanId, keyId })
    return { answer: null, table: null }
  },
})
