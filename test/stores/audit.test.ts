// The auditor hears of everything that may not be.

import { describe, expect, it } from 'vitest'
import { audit, ledger, lineOf, NOTHING_LOST, pace, type Said } from './audit.ts'

function toldOf(said: Partial<Record<Said, number>>, underWay = 0) {
  const told = ledger()
  for (const [how, count] of Object.entries(said)) {
    for (let i = 0; i < count; i++) {
      told.ask('k')
      told.tell('k', how as Said)
    }
  }
  for (let i = 0; i < underWay; i++) told.ask('k')
  return told.keys
}

const verdictOf = (before: ReturnType<typeof toldOf>, count: number, lost = 0, limit = Infinity) =>
  audit({
    scenario: 'a case',
    before,
    counted: new Map([['k', count]]),
    limit: () => limit,
    bound: { ...NOTHING_LOST('nothing may be'), lost: () => lost },
  })

describe('the auditor', () => {
  it.each([
    ['what was admitted is counted', 5, {}, 0, 0, Infinity, []],
    ['one that was admitted is not counted', 4, {}, 0, 0, Infinity, ['k: 5 admitted, 4 counted, 0 may be lost']],
    ['one that was admitted may be lost', 4, {}, 0, 1, Infinity, []],
    ['one is counted twice', 6, {}, 0, 0, Infinity, ['k: 6 counted, 5 at most were charged']],
    ['one of which the answer was lost is counted', 6, { unknown: 1 }, 0, 0, Infinity, []],
    ['one that is under way is counted', 6, {}, 1, 0, Infinity, []],
    ['one that was refused is counted', 6, { refused: 1 }, 0, 0, Infinity, ['k: 6 counted, 5 at most were charged']],
    ['one that was not asked is counted', 6, { unasked: 1 }, 0, 0, Infinity, ['k: 6 counted, 5 at most were charged']],
    [
      'one that the store did not see is counted',
      6,
      { degraded: 1 },
      0,
      0,
      Infinity,
      ['k: 6 counted, 5 at most were charged'],
    ],
    ['more than the limit is counted', 5, {}, 0, 0, 4, ['k: 5 counted of a limit of 4']],
  ] as const)('says so where %s', (_, count, others, underWay, lost, limit, broken) => {
    const verdict = verdictOf(toldOf({ admitted: 5, ...others }, underWay), count, lost, limit)
    expect(verdict.broken).toEqual(broken)
  })

  it('says a scenario in a line: what was answered, counted, seen, and the bound with its reason', () => {
    const verdict = verdictOf(toldOf({ admitted: 5, refused: 2, unknown: 1 }), 4, 1)
    expect(lineOf(verdict)).toBe(
      '✓ a case: 5 admitted, 2 refused, 1 unknown, 0 not asked, 0 degraded; 4 counted; over-admission 1, bound 1 (nothing may be)',
    )
  })
})

describe('a pace', () => {
  it.each([
    ['a burst and no more', [0, 0, 0], 0],
    ['one beyond the burst', [0, 0, 0, 0], 1],
    ['as the rate lets through', [0, 0, 0, 500, 1000, 1500], 0],
    ['a millisecond too soon', [0, 0, 0, 499], 1],
    ['what is too much between two that are not', [0, 9000, 9000, 9000, 9001, 99_000], 1],
  ])('sees %s', (_, instants, over) => {
    const held = pace({ rateLimit: 2, burstLimit: 3 })
    for (const at of instants) held.admitted(at)
    expect(held.over).toBe(over)
  })
})
