// What a line of a combined log costs, step by step: cut, read, put in order, judged, counted. In CPU time of one thread,
// since others' work on the machine moves the clock on the wall. npm run bench -- replay

import { catalogOf } from '../src/index.ts'
import { callersOf } from '../src/replay/callers.ts'
import { readerOf } from '../src/replay/formats.ts'
import { Lane } from '../src/replay/lane.ts'
import { Line } from '../src/replay/line.ts'
import { Reading } from '../src/replay/reading.ts'
import { merged, Source } from '../src/replay/source.ts'
import { Trial } from '../src/replay/trial.ts'
import { quick, report } from './report.ts'

const LINES = quick ? 100_000 : 1_000_000
const ROUNDS = quick ? 1 : 3
const CHUNK = 1 << 20
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function catalogOfKeys(count: number, rateLimit = 1) {
  return catalogOf({
    requireKey: ['GET /v1/pets', 'GET /v1/pets/{petId}', 'POST /v1/pets', 'GET /v1/orders'],
    plans: [
      { id: 'free', throttle: { rateLimit, burstLimit: 10 }, quota: { limit: 1000, period: 'DAY' } },
      { id: 'pro', throttle: { rateLimit: 10, burstLimit: 50 } },
    ],
    keys: Array.from({ length: count }, (_, i) => ({
      id: `k${i}`,
      value: `key-value-of-customer-${String(i).padStart(10, '0')}`,
      plan: i % 3 === 0 ? 'pro' : 'free',
    })),
  })
}

/** 140 bytes a line, a third of them of 5000 paths; some keys often, some seldom; 100 a second. */
function logOf(keys: number): Buffer {
  let [time, seed] = [Date.UTC(2026, 9, 1), 123_456_789]
  const random = (): number => {
    seed ^= seed << 13
    seed ^= seed >>> 17
    seed ^= seed << 5
    return (seed >>> 0) / 2 ** 32
  }
  const targets = ['GET /v1/pets?limit=10', 'GET /v1/pets', 'POST /v1/pets', 'GET /v1/orders']
  const parts: string[] = []
  for (let i = 0; i < LINES; i++) {
    time += Math.floor(random() * 20)
    const iso = new Date(time).toISOString()
    const stamp = `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
    const target = i % 3 === 0 ? `GET /v1/pets/${Math.floor(random() * 5000)}` : targets[i & 3]
    parts.push(
      `203.0.113.${i & 255} - k${Math.floor(random() ** 2 * keys)} [${stamp}] "${target} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"\n`,
    )
  }
  return Buffer.from(parts.join(''))
}

const STEPS = ['cut', 'read', 'ordered', 'judged', 'counted', 'against another'] as const

for (const keys of [1000, 100_000]) {
  const catalog = catalogOfKeys(keys)
  const tighter = catalogOfKeys(keys, 0.5)
  const log = logOf(keys)
  const callers = callersOf([catalog, tighter])
  const best = STEPS.map(() => Infinity)
  for (let round = 0; round < ROUNDS; round++) {
    STEPS.forEach((step, i) => {
      const read = readerOf('combined', new Reading(callers, {}))
      const lane = new Lane(0, catalog)
      const trial = new Trial(
        step === 'counted' ? { proposed: catalog } : { proposed: catalog, against: catalogOfKeys(1) },
      )
      let seen = 0
      const began = process.cpuUsage()
      if (i < 2) {
        const line = new Line()
        for (let start = 0, end = log.indexOf(10); end >= 0; start = end + 1, end = log.indexOf(10, start)) {
          if (i === 0 || read(log, start, end, line) === null) seen++
        }
      } else {
        const source = new Source('', read, { window: 60_000, most: 1 << 16, spread: false })
        const told = (line: Line): void => {
          seen++
          if (step === 'judged') lane.judge(line.asked, line.caller, line.cost, line.time)
          else if (step !== 'ordered') trial.judge(line)
        }
        for (let start = 0; start < log.length; start += CHUNK) {
          source.feed(log.subarray(start, start + CHUNK))
          merged([source], told)
        }
        source.end()
        merged([source], told)
      }
      const { user } = process.cpuUsage(began)
      if (seen !== LINES) throw new Error(`${step}: expected ${LINES} lines, received ${seen}`)
      best[i] = Math.min(best[i]!, (user * 1000) / LINES)
    })
  }
  STEPS.forEach((step, i) => {
    const group = `${keys.toLocaleString('en')} keys, to a line`
    report({ bench: 'replay', group, name: step, ns: best[i]!, 'M a second': 1000 / best[i]! })
  })
}
