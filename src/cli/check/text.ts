// A check, to be read: stages and their limits, then what was found, then the count. Floor 5: pure.

import { type Paint, printable } from '../terminal.ts'
import { type Cell, columns, wrap } from './columns.ts'
import type { Explanation, LimitExplained, MethodExplained, PlanExplained, StageExplained } from './explain.ts'
import type { Severity } from './finding.ts'
import type { Counted, Placed, Report } from './report.ts'
import { countWords, dayWords, listWords, throttleWords } from './words.ts'

export interface TextOptions {
  readonly width: number
  readonly paint: Paint
}

/** Plans of one stage, or findings of one code, that are shown; `--json` has them all. */
const MOST = 20

export function textOf(report: Report, options: TextOptions): string {
  const { explanation, findings, counts } = report
  return [
    ...(explanation === null ? [] : [...headOf(report.file, explanation, options), ...apisOf(explanation, options)]),
    ...findingsText(findings, options),
    verdict(counts, options),
    '',
  ].join('\n')
}

function headOf(file: string, { version, account, counts }: Explanation, { paint }: TextOptions): string[] {
  const { apis, stages, methods, plans, keys } = counts
  const named = version === null ? '' : `, version ${printable(version, 40)}`
  return [
    `${paint('bold', file)}${named}`,
    [
      countWords(apis, 'API'),
      countWords(stages, 'stage'),
      countWords(methods, 'method'),
      countWords(plans, 'plan'),
      countWords(keys, 'key'),
    ].join(', '),
    ...(account === null ? [] : [`All clients of all stages share ${throttleWords(account)} (account)`]),
    '',
  ]
}

function apisOf({ stages }: Explanation, options: TextOptions): string[] {
  const lines: string[] = []
  let api: string | null = null
  for (const stage of stages) {
    if (stage.api !== api) {
      api = stage.api
      const name = stage.apiName === null ? '' : `  ${printable(stage.apiName, 60)}`
      lines.push(`${options.paint('bold', `API ${api}`)}${name}`, '')
    }
    lines.push(...stageText(stage, options), '')
  }
  return lines
}

function stageText(stage: StageExplained, { width, paint }: TextOptions): string[] {
  const { addresses, deployment, deploymentDescription, apiKeySource, plans } = stage
  const at = addresses.map(({ host, basePath }) => `${host ?? '*'}${basePath || '/'}`)
  const facts = [
    at.length === 0 ? 'at no address' : `at ${listWords(at)}`,
    deployment === null ? 'the methods as they stand' : `deployment ${deployment}`,
    ...(deploymentDescription === null ? [] : [`"${printable(deploymentDescription, 60)}"`]),
    ...(apiKeySource === 'AUTHORIZER' ? ['the key from the authorizer'] : []),
  ]
  const head = columns([[{ text: `stage ${stage.stage}`, colour: 'bold' }, { text: facts.join(', ') }]], {
    width,
    indent: 2,
    paint,
  })
  const space = { width, indent: 4, paint }
  return [...head, ...columns(plansTable(plans), space), '', ...columns(methodsTable(stage, width), space)]
}

const heading = (...texts: string[]): Cell[] => texts.map(text => ({ text, colour: 'dim' }))

function plansTable(plans: readonly PlanExplained[]): Cell[][] {
  if (plans.length === 0) return [[{ text: 'no usage plan has this stage', colour: 'yellow' }]]
  const rows = plans
    .slice(0, MOST)
    .map(({ plan, throttle, quota, keys, disabledKeys }): Cell[] => [
      { text: plan, colour: 'cyan' },
      throttle === null ? { text: 'none', colour: 'dim' } : { text: throttleWords(throttle) },
      quota === null ? { text: 'none', colour: 'dim' } : { text: quotaWords(quota) },
      { text: `${keys}${disabledKeys === 0 ? '' : `, ${disabledKeys} disabled`}` },
    ])
  const more = plans.length - MOST
  return [
    heading('plan', 'throttle', 'quota', 'keys'),
    ...rows,
    ...(more > 0 ? [[{ text: `and ${more} more: see --json` }]] : []),
  ]
}

function quotaWords({ limit, period, end }: NonNullable<PlanExplained['quota']>): string {
  return `${limit} a ${period}, until ${dayWords(end)}`
}

/** From this width on the limits of a method stand in one line. */
const WIDE = 120

function methodsTable({ methods, addresses }: StageExplained, width: number): Cell[][] {
  const rows = byPath(methods).flatMap((method): Cell[][] => {
    const { httpMethod, path, apiKeyRequired, callers, isReached } = method
    const who: Cell = !apiKeyRequired
      ? { text: 'anyone', colour: 'yellow' }
      : callers.length === 0
        ? { text: 'nobody', colour: 'red' }
        : { text: callersWords(callers.map(({ plan }) => plan)), colour: 'green' }
    const extras = [...(isReached || addresses.length === 0 ? [] : ['no request reaches it']), ...extrasOf(method)]
    const [first = '', ...rest] = width < WIDE ? extras : [extras.join('; ')]
    const blank = { text: '' }
    return [
      [{ text: httpMethod }, { text: path }, who, { text: first }],
      ...rest.map(text => [blank, blank, blank, { text }]),
    ]
  })
  const anyExtra = rows.some(row => row.at(-1)?.text !== '')
  return rows.length === 0
    ? [[{ text: 'no methods', colour: 'dim' }]]
    : [heading('', 'method', 'who may call', anyExtra ? 'and its own limits' : ''), ...rows]
}

/** The verbs of a path together, the paths in the order in which they first come. */
function byPath(methods: readonly MethodExplained[]): MethodExplained[] {
  const paths = new Map<string, MethodExplained[]>()
  for (const method of methods) {
    const list = paths.get(method.path) ?? []
    paths.set(method.path, list)
    list.push(method)
  }
  return [...paths.values()].flat()
}

/** The plans' names where they are short. */
function callersWords(plans: readonly string[]): string {
  const names = plans.join(', ')
  return names.length <= 32 ? names : `keys of ${plans.length} plans`
}

/** The limits that are not the plans' own, which stand above: of this method in a plan, and of its stage. */
function extrasOf({ callers, shared }: MethodExplained): string[] {
  const own = callers.flatMap(({ plan, limits }) => {
    const method = limits.find(isThrottle('method'))
    if (method === undefined) return []
    const instead = !limits.some(({ name }) => name === 'plan')
    return [`${plan} ${throttleWords(method)}${instead ? '' : ' besides'}`]
  })
  const stage = shared.find(isThrottle('stage'))
  const rest = own.length > MOST ? [`and ${own.length - MOST} more plans: see --json`] : []
  return [...own.slice(0, MOST), ...rest, ...(stage === undefined ? [] : [`all clients ${throttleWords(stage)}`])]
}

function isThrottle(name: 'method' | 'stage') {
  return (limit: LimitExplained): limit is Exclude<LimitExplained, { name: 'quota' }> => limit.name === name
}

const COLOURS: Readonly<Record<Severity, Cell['colour']>> = { error: 'red', warning: 'yellow', note: 'cyan' }

function findingsText(findings: readonly Placed[], { width, paint }: TextOptions): string[] {
  const shown = new Map<string, number>()
  const lines: string[] = []
  for (const { severity, code, file, path, line, column, message, remedy } of findings) {
    const nth = (shown.get(code) ?? 0) + 1
    shown.set(code, nth)
    // An error is always shown: each has to be mended.
    if (nth > MOST && severity !== 'error') continue
    const colour = COLOURS[severity] as NonNullable<Cell['colour']>
    const place = `${file}:${line}:${column}`
    lines.push(
      `${paint('bold', place)} ${paint(colour, severity)} ${paint('dim', `[${code}]`)} ${harmless(path)}`.trimEnd(),
    )
    for (const text of wrap(harmless(message), width - 4)) lines.push(`    ${text}`)
    const [first = '', ...rest] = wrap(harmless(remedy), width - 6)
    lines.push(`  ${paint('dim', '→')} ${first}`, ...rest.map(text => `    ${text}`), '')
  }
  for (const [code, count] of shown) {
    const isError = findings.some(finding => finding.code === code && finding.severity === 'error')
    if (count > MOST && !isError) lines.push(`and ${count - MOST} more [${code}]: see --json`, '')
  }
  return lines
}

/** Without what a terminal would obey, or shows in another order: the author's words are in it. */
function harmless(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function verdict({ errors, warnings, notes }: Counted, { paint }: TextOptions): string {
  const counts = [countWords(errors, 'error'), countWords(warnings, 'warning'), countWords(notes, 'note')].join(', ')
  return errors > 0 ? paint('red', counts) : warnings > 0 ? paint('yellow', counts) : paint('green', counts)
}
