// Findings about plans and keys: who is bound to nothing, and whose value could be read or guessed. Floor 5: pure.

import type { Census, GroupName } from './census.ts'
import type { Finding, Severity } from './finding.ts'
import type { Layout } from './layout.ts'
import type { Naming } from './naming.ts'
import { countWords, listWords } from './words.ts'

export function* findingsOfKeys({ catalog }: Layout, census: Census, naming: Naming): Generator<Finding> {
  const { usagePlans, apiKeys } = catalog
  for (const [place, { id, apiStages }] of usagePlans.entries()) {
    if (apiStages.length > 0) continue
    yield {
      severity: 'warning',
      code: 'plan-without-stages',
      where: { at: naming.plan(place) },
      message: `usage plan ${id} has no API stage, so its keys may call nothing`,
      remedy: 'add one to its apiStages, or remove the plan',
    }
  }
  if (apiKeys.size === 0) {
    yield {
      severity: 'note',
      code: 'no-keys',
      where: { at: [] },
      message: 'there are no keys, so nobody may call what needs one',
      remedy: 'give a key file by --keys, or add keys',
    }
  } else {
    for (const [place, { id }] of usagePlans.entries()) {
      if (census.counts.get(id)?.keys !== 0) continue
      yield {
        severity: 'note',
        code: 'plan-without-keys',
        where: { at: naming.plan(place) },
        message: `usage plan ${id} has no keys`,
        remedy: 'bind keys to it, or leave it for those to come',
      }
    }
  }
  for (const { group, severity, code, field, say, remedy } of KEY_FINDINGS) {
    const found = census.groups.get(group)
    if (found === undefined) continue
    const { count, names, first } = found
    yield {
      severity,
      code,
      where: { keyId: first, ...(field === undefined ? {} : { field }) },
      message: `${countWords(count, 'key')} ${say(count === 1)}: ${listWords(names, count)}`,
      remedy,
    }
  }
}

const KEY_FINDINGS: readonly {
  readonly group: GroupName
  readonly severity: Severity
  readonly code: string
  /** The member of the key that it is about. */
  readonly field?: string
  readonly say: (one: boolean) => string
  readonly remedy: string
}[] = [
  {
    group: 'without-plans',
    severity: 'warning',
    code: 'key-without-plans',
    say: one => `${one ? 'is' : 'are'} in no usage plan and refused everywhere`,
    remedy: 'name a plan, or remove them',
  },
  {
    group: 'nowhere',
    severity: 'warning',
    code: 'key-without-stages',
    say: one => `${one ? 'is' : 'are'} only in plans that have no API stage, and refused everywhere`,
    remedy: 'give the plans a stage',
  },
  {
    group: 'id-is-value',
    severity: 'warning',
    code: 'key-id-is-value',
    field: 'id',
    say: one => `${one ? 'has its' : 'have their'} value for an id, as keys of AWS from before 2016; ids are in logs`,
    remedy: 'give another id: what was counted for the old one is not carried over',
  },
  {
    group: 'value-in-words',
    severity: 'warning',
    code: 'key-value-shown',
    say: one => `${one ? 'has its' : 'have their'} value in the id, name, description or customerId, which logs show`,
    remedy: 'take it out, and replace the key if anybody may have read it',
  },
  {
    group: 'guessable',
    severity: 'warning',
    code: 'key-guessable',
    field: 'value',
    say: one => `${one ? 'has a value that looks' : 'have values that look'} typed, not drawn`,
    remedy: 'replace by a random value',
  },
  {
    group: 'disabled',
    severity: 'note',
    code: 'key-disabled',
    field: 'enabled',
    say: one => `${one ? 'is' : 'are'} disabled and refused`,
    remedy: 'nothing, if that is meant',
  },
]
