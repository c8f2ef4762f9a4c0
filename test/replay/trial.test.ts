// Traffic with a known truth gives exactly the known report.

import { describe, expect, it } from 'vitest'
import type { Catalog } from '../../src/index.ts'
import { callersOf } from '../../src/replay/callers.ts'
import { readerOf } from '../../src/replay/formats.ts'
import { Reading } from '../../src/replay/reading.ts'
import { merged, Source } from '../../src/replay/source.ts'
import { Timeline } from '../../src/replay/timeline.ts'
import { Trial, type TrialOptions, type TrialReport } from '../../src/replay/trial.ts'
import { catalogFor, combinedLine, jsonLine, type Limits, type Made, START, worldOf } from './traffic.ts'

const LIMITS: Limits = { rate: 1, burst: 10, quota: 200 }

/** Runs logs, each in a format of its own, through a trial. */
function run(
  logs: readonly (readonly [format: 'ndjson' | 'combined', lines: readonly string[]])[],
  options: TrialOptions,
) {
  const trial = new Trial(options)
  const catalogs: Catalog[] = options.against === undefined ? [options.proposed] : [options.proposed, options.against]
  const callers = callersOf(catalogs)
  const sources = logs.map(([format, lines]) => {
    const source = new Source(format, readerOf(format, new Reading(callers, {})), {
      window: 1000,
      most: 1000,
      spread: false,
    })
    source.feed(new TextEncoder().encode(`${lines.join('\n')}\n`))
    return source
  })
  for (let hungry = merged(sources, line => trial.judge(line)); hungry !== null; ) {
    hungry.end()
    hungry = merged(sources, line => trial.judge(line))
  }
  trial.end()
  return { report: trial.report(), keys: [...trial.keys()] }
}

describe('traffic with a known truth', () => {
  const world = worldOf(LIMITS)
  const proposed = catalogFor(LIMITS, world.customers)
  const json = world.requests.map(jsonLine)

  it('is reported as it is, key by key', () => {
    const { report, keys } = run([['ndjson', json]], { proposed })
    for (const { id, name, truth } of world.customers) {
      const key = keys.find(({ keyId }) => keyId === id)
      expect({ ...key, firstRefused: key?.firstRefused?.at ?? null }).toMatchObject({ name, planId: 'free', ...truth })
    }
    expect(report.requests).toBe(world.requests.length)
    expect(report.proposed.uncovered).toBe(world.abusive.length)
    expect(report.proposed.notCovered).toEqual([
      { kind: 'invalid-api-key', reason: 'unknown', what: null, requests: world.abusive.length / 2 },
      {
        kind: 'missing-authentication-token',
        reason: 'no-stage',
        what: 'POST /wp-login.php',
        requests: world.abusive.length / 2,
      },
    ])
    const sum = (of: 'admitted' | 'throttled' | 'quotaExceeded'): number =>
      world.customers.reduce((sum, { truth }) => sum + truth[of], 0)
    const [plan] = report.proposed.plans
    expect(plan).toMatchObject({
      keys: 4,
      keysRefused: 3,
      admitted: sum('admitted'),
      throttled: sum('throttled'),
      quotaExceeded: sum('quotaExceeded'),
      limitedBy: { plan: sum('throttled'), quota: sum('quotaExceeded') },
    })
    const over = report.proposed.timeline.steps.reduce((all, step) => all.map((n, i) => n + step[i]!), [0, 0, 0, 0, 0])
    expect(over).toEqual([sum('admitted'), sum('throttled'), sum('quotaExceeded'), 0, world.abusive.length])
  })

  it('is the same split over files, and in other formats where those know the times', () => {
    const whole = run([['ndjson', json]], { proposed }).report
    const halves = [0, 1, 2].map(n => ['ndjson', json.filter((_, i) => i % 3 === n)] as const)
    expect(run(halves, { proposed }).report).toEqual(whole)
    const calm = world.requests.filter(({ key }) => key !== 'cedar')
    const lines = (to: (made: Made) => string): string[] => calm.map(made => to(made))
    const combined = run([['combined', lines(made => combinedLine(made))]], { proposed }).report
    expect({ ...combined, refusedThen: 0 }).toEqual(run([['ndjson', lines(jsonLine)]], { proposed }).report)
  })

  it('says who is newly refused and who is freed', () => {
    const against = catalogFor({ rate: 2, burst: 20, quota: 150 }, world.customers, 'current')
    const compared = (proposed: Catalog, against: Catalog): TrialReport =>
      run([['ndjson', json]], { proposed, against }).report
    const { proposed: there, against: back } = compared(proposed, against)
    const newly = Object.fromEntries(there.keys.map(({ keyId, newlyRefused, freed }) => [keyId, [newlyRefused, freed]]))
    expect(newly['birch']).toEqual([12 * 6, 0])
    expect(newly['dogwood']).toEqual([0, 3 * 50])
    expect(there.freed - there.newlyRefused).toBe(there.admitted - back!.admitted)
    const turned = compared(against, proposed).proposed
    expect([turned.newlyRefused, turned.freed]).toEqual([there.freed, there.newlyRefused])
  })

  it('counts a request that is asked again by its last attempt', () => {
    const { report } = run([['ndjson', json]], { proposed, retries: 3 })
    expect(report.requests).toBe(world.requests.length)
    expect(report.proposed.requests).toBe(world.requests.length)
    expect(report.retries.attempts).toBeGreaterThan(report.retries.rescued)
    const once = run([['ndjson', json]], { proposed }).report
    expect(report.proposed.throttled).toBe(once.proposed.throttled - report.retries.rescued)
    expect(report.proposed.quotaExceeded).toBe(once.proposed.quotaExceeded)
  })

  it('begins where a store was', () => {
    const state = {
      version: 1 as const,
      records: [['free', 'acorn', [1, START - 1, 0, START, 190]] as const],
      shared: [],
    }
    const { keys } = run([['ndjson', json]], { proposed, state: state as never })
    const acorn = keys.find(({ keyId }) => keyId === 'acorn')
    const perDay = world.customers[0]!.requests.length / world.days
    expect(acorn?.quotaExceeded).toBe(perDay - 10)
  })
})

describe('a timeline', () => {
  it('widens its steps and loses nothing, whatever the order', () => {
    const timeline = new Timeline(2)
    const times = Array.from({ length: 3000 }, (_, i) => START + ((i * 7919) % 3000) * 997_001)
    for (const time of times) timeline.add(time, time % 2)
    const { start, width, steps } = timeline.report()
    expect(steps.length).toBeLessThanOrEqual(240)
    expect([start % width, width]).toEqual([0, 6 * 3_600_000])
    const expected = steps.map(() => [0, 0])
    for (const time of times) expected[Math.floor((time - start) / width)]![time % 2]!++
    expect(steps).toEqual(expected)
  })

  it('has room for all the years that logs can name', () => {
    const timeline = new Timeline(1)
    for (const time of [Date.UTC(9999, 0), Date.UTC(1, 0), 0]) timeline.add(time, 0)
    expect(
      timeline
        .report()
        .steps.flat()
        .reduce((sum, n) => sum + n, 0),
    ).toBe(3)
  })
})
