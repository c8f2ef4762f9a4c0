// Requests at once. Compare-and-swap in every order that fast-check's scheduler can think of; processes on one SQLite
// file, some of them killed in the middle.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../scripts/bundle.mjs'
import type { Allowed } from '../../src/core/decision.ts'
import { casStore } from '../../src/stores/cas.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { LAW_RUNS } from '../laws/law.ts'
import { indexOf, meteredOf, type World } from '../laws/worlds.ts'
import { newFile, opened } from './files.ts'
import { mapStorage, type Values } from './map-storage.ts'

const none: World = { override: false, weekStart: 0 }
const limit = (burst: number) => ({ tokens: 0, ms: 1, burst })

describe('compare-and-swap, in any order of its steps', () => {
  const worlds = fc.record({
    plan: fc.option(fc.integer({ min: 1, max: 4 }).map(limit), { nil: undefined }),
    quota: fc.option(
      fc.integer({ min: 1, max: 4 }).map(limit => ({ limit, period: 'DAY' as const, offset: 0 })),
      { nil: undefined },
    ),
    stage: fc.option(fc.integer({ min: 1, max: 6 }).map(limit), { nil: undefined }),
    account: fc.option(fc.integer({ min: 1, max: 6 }).map(limit), { nil: undefined }),
  })
  const takes = fc.array(
    fc.record({ key: fc.constantFrom<0 | 1>(0, 1), cost: fc.constantFrom(1, 1, 2), back: fc.boolean() }),
    { minLength: 2, maxLength: 6 },
  )

  it('admits no more than one writer could, and counts exactly what it admitted', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(worlds, takes, fc.scheduler(), async (limits, takes, scheduler) => {
        const index = indexOf({ ...none, ...limits })
        const values: Values = new Map()
        const storage = mapStorage(values, what => scheduler.schedule(Promise.resolve(), what))
        const store = casStore({ storage })
        const kept: (Allowed & { key: number })[] = []
        const all = takes.map(async ({ key, cost, back }) => {
          const decision = await store.take(meteredOf(index, { key, path: '/b', stage: 's', cost })!, 0)
          if (decision.kind !== 'allowed') return
          if (back) await store.giveBack(decision, 0)
          else kept.push(Object.assign(decision, { key }))
        })
        await scheduler.waitFor(Promise.all(all))
        const spent = (of: readonly Allowed[]): number => of.reduce((sum, { cost }) => sum + cost, 0)
        const own = [0, 1].map(key => spent(kept.filter(decision => decision.key === key)))
        for (const key of [0, 1]) {
          expect(own[key]).toBeLessThanOrEqual(Math.min(limits.plan?.burst ?? 99, limits.quota?.limit ?? 99))
          const record = values.get(`record/plan/key-${key}`)
          if (record !== undefined) expect(JSON.parse(record.value)[4]).toBe(own[key])
        }
        const shared = { 'shared/api/s/b/GET': limits.stage, 'shared/account': limits.account }
        for (const [name, limit] of Object.entries(shared)) {
          const record = values.get(name)
          if (record === undefined || limit === undefined) continue
          expect(spent(kept)).toBeLessThanOrEqual(limit.burst)
          expect(JSON.parse(record.value)[2]).toBe((limit.burst - spent(kept)) * 432_000_000)
        }
      }),
      { numRuns: LAW_RUNS },
    )
  })
})

describe('processes on one SQLite file', () => {
  const LIMIT = 50
  let script = ''
  const started = new Set<ChildProcess>()

  beforeAll(async () => {
    const outfile = join(import.meta.dirname, '../.snippets/sqlite-process.mjs')
    script = await bundle(join(import.meta.dirname, 'sqlite-process.ts'), outfile)
    return () => {
      for (const child of started) child.kill('SIGKILL')
    }
  })

  /** Starts one; what it says of each take, line by line, is counted. */
  function start(path: string, mode: string, takes: number) {
    const child = spawn(process.execPath, [script, path, mode, String(takes)], { stdio: ['pipe', 'pipe', 'inherit'] })
    started.add(child)
    const counts: Record<string, number> = {}
    const lines = createInterface({ input: child.stdout })
    let ready = (): void => {}
    const isReady = new Promise<void>(resolve => (ready = resolve))
    lines.on('line', line => {
      if (line === 'ready') ready()
      else counts[line] = (counts[line] ?? 0) + 1
    })
    const ended = new Promise<void>(resolve => lines.on('close', () => resolve()))
    return { child, counts, isReady, ended, go: () => child.stdin.write('go\n') }
  }

  async function usedIn(path: string): Promise<{ record: number; usage: number; check: unknown }> {
    const database = await opened(path)
    const store = sqliteStore({ database })
    return {
      record: store.snapshot().records[0]?.[2][4] ?? 0,
      usage: store.usage({ planId: 'plan', keyIds: ['key-0'], from: 0, to: 9e15 })[0]?.used ?? 0,
      check: database.prepare('PRAGMA integrity_check').get(),
    }
  }

  it.each(['single', 'grouped'])('admit a quota of 50 exactly 50 times, 4 × 16 at once, %s', async mode => {
    const path = newFile()
    const processes = Array.from({ length: 4 }, () => start(path, mode, 16))
    await Promise.all(processes.map(({ isReady }) => isReady))
    for (const { go } of processes) go()
    await Promise.all(processes.map(({ ended }) => ended))
    const said = (kind: string) => processes.reduce((sum, { counts }) => sum + (counts[kind] ?? 0), 0)
    expect([said('allowed'), said('quota-exceeded')]).toEqual([LIMIT, 64 - LIMIT])
    expect(await usedIn(path)).toMatchObject({ record: LIMIT, usage: LIMIT, check: { integrity_check: 'ok' } })
  })

  it('killed in the middle, lose no charge: each leaves at most the one request nobody was told of', async () => {
    const path = newFile()
    const processes = Array.from({ length: 4 }, () => start(path, 'flood', 0))
    await Promise.all(processes.map(({ isReady }) => isReady))
    for (const { go } of processes) go()
    for (const [i, { child }] of processes.entries()) {
      await new Promise(resolve => setTimeout(resolve, 120 + 37 * i))
      child.kill('SIGKILL')
    }
    await Promise.all(processes.map(({ ended }) => ended))
    const served = processes.reduce((sum, { counts }) => sum + (counts['allowed'] ?? 0), 0)
    const { record, usage, check } = await usedIn(path)
    expect(served).toBeGreaterThan(50)
    expect(record - served).toBeGreaterThanOrEqual(0)
    expect(record - served).toBeLessThanOrEqual(processes.length)
    expect(usage).toBe(record)
    expect(check).toMatchObject({ integrity_check: 'ok' })
  })
})
