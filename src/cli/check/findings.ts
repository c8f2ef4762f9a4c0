// A catalog → what its author should know of it. Floor 5: pure; each kind of finding has a file of its own.

import type { Issue } from '../../core/readers.ts'
import type { Census } from './census.ts'
import type { Finding, Severity } from './finding.ts'
import type { Layout } from './layout.ts'
import type { Naming } from './naming.ts'
import { warningOf } from './of-issues.ts'
import { findingsOfKeys } from './of-keys.ts'
import { findingsOfLimits } from './of-limits.ts'
import { findingsOfMethods } from './of-methods.ts'
import { findingsOfStages } from './of-stages.ts'

export interface Findings {
  readonly layout: Layout
  readonly census: Census
  readonly naming: Naming
  /** What `check` (core/check.ts) warned of. */
  readonly warnings: readonly Issue[]
}

/** Everything there is to say, the gravest first, else in the order of the catalog. */
export function findingsOf({ layout, census, naming, warnings }: Findings): Finding[] {
  return sorted([
    ...warnings.map(warningOf),
    ...findingsOfMethods(layout, naming),
    ...findingsOfStages(layout, naming),
    ...findingsOfLimits(layout, naming),
    ...findingsOfKeys(layout, census, naming),
  ])
}

const GRAVITY: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

export function sorted<T extends Pick<Finding, 'severity'>>(findings: readonly T[]): T[] {
  return [...findings].sort((a, b) => GRAVITY[a.severity] - GRAVITY[b.severity])
}
