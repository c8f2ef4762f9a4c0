// How times are taken: tinybench, a batch of decisions a sample, the tasks of a group in turn, many rounds.
// A shared machine slows for seconds at a time. Tasks that are compared run within milliseconds of each other, and what
// is published is the median over the rounds of a ratio within a round.

import { Bench } from 'tinybench'

export interface Task {
  readonly name: string
  /** Before each sample and not timed: where strings and requests are made. */
  readonly prepare: () => void
  /** One sample. What it returns is added up, and must be `expect`: nothing is optimised away, and nothing fails unseen. */
  readonly run: () => number | Promise<number>
  readonly expect: number
}

export interface Timing {
  readonly name: string
  /** Per decision. */
  readonly ns: number
  /** To the first task of the group, in the same round. */
  readonly ratio: number
  /** The first and third quartile of the rounds' ratios. */
  readonly spread: readonly [number, number]
}

export interface Effort {
  readonly rounds: number
  readonly samples: number
  /** Decisions in a sample. */
  readonly batch: number
}

export async function timeGroup(
  tasks: readonly Task[],
  { rounds, samples, batch }: Effort,
): Promise<readonly Timing[]> {
  const medians = tasks.map((): number[] => [])
  // Round -1 warms up, and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < tasks.length; turn++) {
      // Each round begins with another task, so that none always follows the one that fills the cache.
      const i = (turn + round + 1) % tasks.length
      const ns = ((await median(tasks[i]!, samples)) / batch) * 1e6
      if (round >= 0) medians[i]!.push(ns)
    }
  }
  return tasks.map(({ name }, i) => {
    const ratios = medians[i]!.map((ns, round) => ns / medians[0]![round]!)
    return {
      name,
      ns: quantile(medians[i]!, 0.5),
      ratio: quantile(ratios, 0.5),
      spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    }
  })
}

/** @returns ms of the median sample */
async function median({ name, prepare, run, expect }: Task, samples: number): Promise<number> {
  const bench = new Bench({ iterations: samples, time: 0, warmup: false, throws: true })
  const hold = (sum: number): void => {
    if (sum !== expect) throw new Error(`${name}: ${sum} of ${expect} answers were as they should be`)
  }
  prepare()
  const first = run()
  const async = first instanceof Promise
  hold(async ? await first : first)
  bench.add(name, async ? async () => hold(await run()) : () => hold(run() as number), { beforeEach: prepare, async })
  const [timed] = async ? await bench.run() : bench.runSync()
  if (timed?.result.state !== 'completed') throw new Error(`${name}: not measured`)
  return timed.result.latency.p50
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * q
  const low = sorted[Math.floor(place)] as number
  const high = sorted[Math.ceil(place)] as number
  return low + (high - low) * (place % 1)
}
