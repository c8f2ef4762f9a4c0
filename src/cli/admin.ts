// `tollgate admin`: the control plane of a running gateway, for people. Floor 5: finds the verb.

import { nearestOf } from '../core/readers.ts'
import { deploy, listApis, listStages, status } from './admin/apis.ts'
import { call } from './admin/call.ts'
import {
  bindKey,
  createKey,
  deleteKey,
  disableKey,
  enableKey,
  importKeys,
  listKeys,
  showKey,
  unbindKey,
} from './admin/keys.ts'
import { createPlan, deletePlan, listPlans, setPlan, showPlan } from './admin/plans.ts'
import { remaining, usage } from './admin/usage.ts'
import type { AdminVerb } from './admin/verb.ts'
import { shown } from './keys/arguments.ts'
import { UsageError } from './terminal.ts'

const VERBS: Readonly<Record<string, AdminVerb>> = {
  status,
  'keys list': listKeys,
  'keys show': showKey,
  'keys create': createKey,
  'keys enable': enableKey,
  'keys disable': disableKey,
  'keys delete': deleteKey,
  'keys import': importKeys,
  'plans list': listPlans,
  'plans show': showPlan,
  'plans create': createPlan,
  'plans set': setPlan,
  'plans delete': deletePlan,
  bind: bindKey,
  unbind: unbindKey,
  usage,
  remaining,
  'apis list': listApis,
  'stages list': listStages,
  deploy,
  call,
}

const CONNECTION_HELP = `Which control plane, and how it is shown
  --url URL            what serve's --admin says (default: TOLLGATE_ADMIN, or http://127.0.0.1:9090)
  --token-file FILE    a token of serve's --admin-credentials (default: in TOLLGATE_ADMIN_TOKEN; never an argument)
  --json               the answer as it is on the wire, all pages of a list in one
  --csv                lists and usage, safe to open in a spreadsheet
  --limit N            how many of a list; all where nothing is said
  --if-match VERSION   a change: only of this catalog, as status shows it
In a terminal a table; piped, a line each with tabs between and no header. A change says on stderr which catalog is in
force after it.

Exit codes: 0 done, 1 refused or not reached, 2 what was asked for cannot be asked as it is.
`

const ADMIN_HELP = `tollgate admin: keys, plans, usage and deployments of a running gateway

  serve's --admin HOST:PORT is its control plane. export TOLLGATE_ADMIN=http://127.0.0.1:9090 and TOLLGATE_ADMIN_TOKEN
  (it prints both where it made the credentials); then

${Object.values(VERBS)
  .map(({ usage }) => `  tollgate admin ${usage}`)
  .join('\n')}

  tollgate admin VERB --help teaches the verb. KEY, PLAN and API are ids, which the lists show.

${CONNECTION_HELP}
Examples
  tollgate admin status
  tollgate admin keys create --name 'Acme Inc.' --plan gold
  tollgate admin usage gold --from 2026-11-01 --csv > november.csv
`

/** What teaches the verb that is named; the overview where none is. */
export function adminHelp(args: readonly string[]): string {
  const [first = ''] = args
  const found = find(args)
  if (found !== undefined) return helpOf([found.verb])
  const group = Object.entries(VERBS).filter(([name]) => name.startsWith(`${first} `))
  return group.length === 0 ? ADMIN_HELP : helpOf(group.map(([, verb]) => verb))
}

function helpOf(verbs: readonly AdminVerb[]): string {
  return `${verbs.map(({ usage, help }) => `tollgate admin ${usage}\n\n${help}\n`).join('\n\n')}\n${CONNECTION_HELP}`
}

function find([first = '', ...rest]: readonly string[]): { verb: AdminVerb; args: string[] } | undefined {
  const pair = `${first} ${rest[0] ?? ''}`
  if (Object.hasOwn(VERBS, pair)) return { verb: VERBS[pair] as AdminVerb, args: rest.slice(1) }
  return Object.hasOwn(VERBS, first) ? { verb: VERBS[first] as AdminVerb, args: rest } : undefined
}

export async function admin(args: string[]): Promise<void> {
  const found = find(args)
  if (found !== undefined) return found.verb.run(found.args)
  const [first, second] = args
  if (first === undefined)
    throw new UsageError('tollgate admin: expected a verb, received nothing; see tollgate admin --help')
  if (first.startsWith('-'))
    throw new UsageError(
      `tollgate admin: expected a verb first, and ${shown(first)} after it: tollgate admin status --url URL`,
    )
  const names = Object.keys(VERBS)
  const isGroup = names.some(name => name.startsWith(`${first} `))
  const name = isGroup && second !== undefined ? `${first} ${second}` : first
  const remedy = nearestOf(name, names, `see tollgate admin ${isGroup ? `${first} ` : ''}--help`)
  throw new UsageError(`tollgate admin: expected a verb like keys list, received ${shown(name)}; ${remedy}`)
}
