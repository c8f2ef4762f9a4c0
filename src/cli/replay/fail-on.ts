// `--fail-on 'throttled>0.1%'`: what a build must not let through. Floor 5.

import { refusedOf } from '../../replay/tally.ts'
import { UsageError } from '../terminal.ts'
import type { Verdict } from './verdict.ts'
import { count, counted, percent } from './words.ts'

/** The exit code of a replay that came to more than it may. */
export const FAILED = 3

const MEASURES: Readonly<Record<string, (verdict: Verdict) => number>> = {
  throttled: ({ trial }) => trial.proposed.throttled,
  'quota-exceeded': ({ trial }) => trial.proposed.quotaExceeded,
  'never-admitted': ({ trial }) => trial.proposed.neverAdmitted,
  refused: ({ trial }) => refusedOf(trial.proposed),
  'not-covered': ({ trial }) => trial.proposed.uncovered,
  'newly-refused': ({ trial }) => trial.proposed.newlyRefused,
  'keys-refused': ({ trial }) => trial.proposed.keys.filter(key => refusedOf(key) > 0).length,
  'keys-newly-refused': ({ trial }) => trial.proposed.keys.filter(({ newlyRefused }) => newlyRefused > 0).length,
  unreadable: ({ log }) => log.bad,
}

/** @returns what a verdict fails by, in words; null where it does not */
export type FailOn = (verdict: Verdict) => string | null

/** Why a verdict proves nothing, in words: no plan was asked about any request. Null where one was. */
export function nothingJudged({ log, trial: { requests, proposed } }: Verdict): string | null {
  if (requests > proposed.uncovered) return null
  const found =
    requests > 0
      ? `all ${count(requests)} were not covered`
      : log.bad > 0
        ? `none of ${counted(log.lines, 'line')} could be read`
        : 'the log is empty'
  return `--fail-on: expected a request that a plan is asked about, received none: ${found}; nothing was tried, see the report`
}

/** Reads a condition: a measure, `>`, and a number of requests (keys, lines) or a share of all requests (lines). */
export function failOn(text: string, isCompared: boolean): FailOn {
  const [, name = '', number = '', sign = ''] = /^\s*([a-z-]+)\s*>\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text) ?? []
  const measure = Object.hasOwn(MEASURES, name) ? MEASURES[name] : undefined
  if (measure === undefined || (sign === '%' && name.startsWith('keys-'))) {
    throw new UsageError(
      `--fail-on: expected a measure and the most that may be, like 'throttled>0.1%' or 'keys-refused>0', received ${JSON.stringify(text)}; measures are ${Object.keys(MEASURES).join(', ')}`,
    )
  }
  if (name.includes('newly') && !isCompared) {
    throw new UsageError(`--fail-on: ${name} compares two catalogs; name the other one with --against`)
  }
  return verdict => {
    const found = measure(verdict)
    const whole = name === 'unreadable' ? verdict.log.lines : verdict.trial.requests
    const most = sign === '%' ? (whole * Number(number)) / 100 : Number(number)
    if (found <= most) return null
    const what = sign === '%' ? `${percent(found, whole)} (${count(found)})` : count(found)
    return `${text.trim()}: it is ${what}`
  }
}
