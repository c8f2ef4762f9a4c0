// What `check` noted, as findings: errors, and warnings with what came of them. Floor 5: pure.

import type { Issue } from '../../core/readers.ts'
import { grainsPerMs } from '../../core/units.ts'
import type { Finding } from './finding.ts'

/** A document that does not hold: what was expected, what came, what to do. */
export function errorOf({ at, code, expected, received, remedy }: Issue): Finding {
  return { severity: 'error', code, where: { at }, message: `expected ${expected}, received ${received}`, remedy }
}

export function warningOf({ at, code, expected, received, remedy }: Issue): Finding {
  const where = { at }
  if (code === 'rounded') {
    const rate = grainsPerMs(Number(received)) / 432_000
    return {
      severity: 'note',
      code,
      where,
      message: `${received} tokens per second is rounded down, to ${rate}`,
      remedy: 'nothing, if that is near enough: rates are multiples of 1/432000 a second',
    }
  }
  return {
    severity: 'warning',
    code: at.length === 0 ? 'stage-unmapped' : code === 'value' ? 'response-idle' : 'undeclared-method',
    where,
    message: `expected ${expected}, received ${received}`,
    remedy,
  }
}
