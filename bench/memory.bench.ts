// Bytes of a catalog's key and of a key in use beyond that, the collector's pauses, and how long a decision takes at worst
// while a million keys are in use. Each subject in a process of its own. Needs --expose-gc, which scripts/bench.mjs gives.

import { spawnSync } from 'node:child_process'
import { PerformanceObserver } from 'node:perf_hooks'
import type { ApiRequest } from '../src/core/resolve.ts'
import { createGate, memoryStore } from '../src/index.ts'
import { countingPeers, type Run } from './peers.ts'
import { quick, report } from './report.ts'
import { quantile } from './rounds.ts'
import { catalogOf, KeyValues, keysAsked, requestOf } from './scene.ts'

const COUNT = quick ? 100_000 : 1_000_000
const GROUP = quick ? `${COUNT} keys in use` : '1 000 000 keys in use'
const BATCH = 1000
const DECISIONS = quick ? 20_000 : 200_000
const LIMIT = 'limit: Map + Float64Array'

const subject = process.argv[2]
if (subject === undefined || subject.startsWith('-')) {
  const subjects = ['tollgate', LIMIT, ...(await countingPeers()).keys()]
  for (const name of subjects) {
    const argv = [...process.execArgv, process.argv[1]!, name, ...(quick ? ['--quick'] : [])]
    const { status } = spawnSync(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit'] })
    if (status !== 0) process.exit(1)
  }
} else {
  await measure(subject)
}
process.exit(0)

/**
 * What is held once everything is collected that can be. Between turns of the event loop, since a frame that is still
 * on the stack keeps what it has long done with; until two readings agree, since one collection leaves work to the next.
 */
async function held(): Promise<number> {
  let last = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    gc?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const now = heapUsed + arrayBuffers
    if (Math.abs(last - now) < 10_000) return now
    last = now
  }
  throw new Error('memory: the heap does not come to rest')
}

async function measure(name: string): Promise<void> {
  const keys = new KeyValues(COUNT, 1)
  const empty = await held()
  const { run, held: kept } = await subjectOf(name, keys)
  const idle = await held()
  await useAll(run, keys)
  const active = await held()
  if (kept() !== COUNT) throw new Error(`${name}: ${kept()} records for ${COUNT} keys`)
  if (active <= idle) throw new Error(`${name}: nothing grew, so nothing was measured`)
  const pauses = await watch(run, keys)
  report({
    bench: 'memory',
    group: GROUP,
    name,
    'bytes a key': (active - idle) / COUNT,
    'in the catalog': name === 'tollgate' ? (idle - empty) / COUNT : 0,
    'p50 µs': pauses.p50,
    'p99.9 µs': pauses.p999,
    'longest pause ms': pauses.longest,
    'all pauses ms': pauses.sum,
  })
}

async function subjectOf(name: string, keys: KeyValues): Promise<{ readonly run: Run; readonly held: () => number }> {
  if (name === 'tollgate') {
    const store = memoryStore()
    const gate = createGate({ catalog: catalogOf(keys, 'roomy'), store })
    return { run: requests => requests.filter(request => gate.admit(request).admitted).length, held: () => store.size }
  }
  if (name === LIMIT) {
    const slots = new Map<string, number>()
    const counts = new Float64Array(COUNT)
    const run = (requests: readonly ApiRequest[]): number => {
      for (const { apiKey } of requests) {
        let slot = slots.get(apiKey!)
        if (slot === undefined) slots.set(apiKey!, (slot = slots.size))
        counts[slot]!++
      }
      return requests.length
    }
    return { run, held: () => slots.size }
  }
  // Peers do not say how many they hold; that they count was seen when they were handed out.
  const run = (await countingPeers()).get(name)!()
  return { run, held: () => COUNT }
}

/** In a function of its own: nothing of it is on the stack when the heap is read. */
async function useAll(run: Run, keys: KeyValues): Promise<void> {
  for (let i = 0; i < COUNT; i += BATCH) {
    const within = await run(Array.from({ length: BATCH }, (_, n) => requestOf(keys, i + n)))
    if (within !== BATCH) throw new Error(`memory: ${within} of ${BATCH} were admitted`)
  }
}

/** Decisions one by one, and what the collector stopped meanwhile; a turn of the event loop every thousand. */
async function watch(
  run: Run,
  keys: KeyValues,
): Promise<{ readonly p50: number; readonly p999: number; readonly longest: number; readonly sum: number }> {
  const pauses: number[] = []
  const observer = new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) pauses.push(duration)
  })
  observer.observe({ entryTypes: ['gc'] })
  const micros = new Float64Array(DECISIONS)
  const next = keysAsked(COUNT, false)
  const one: ApiRequest[] = new Array(1)
  for (let i = 0; i < DECISIONS; i += BATCH) {
    const requests = Array.from({ length: BATCH }, () => requestOf(keys, next()))
    for (let n = 0; n < BATCH; n++) {
      one[0] = requests[n]!
      const began = performance.now()
      const within = run(one)
      if ((typeof within === 'number' ? within : await within) !== 1) throw new Error('memory: refused')
      micros[i + n] = (performance.now() - began) * 1000
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  observer.disconnect()
  const sorted = [...micros]
  return {
    p50: quantile(sorted, 0.5),
    p999: quantile(sorted, 0.999),
    longest: Math.max(0, ...pauses),
    sum: pauses.reduce((a, b) => a + b, 0),
  }
}
