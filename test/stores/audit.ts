// The auditor: what clients were told, held against what a store counted. Pure data.
//
// Of each key, admitted - lost ≤ counted ≤ admitted + unknown + under way, and counted ≤ limit. `lost` is what the
// topology may lose of what it acknowledged; where it is 0, nobody is served who is not counted.

/**
 * How a request ended. `admitted` and `refused` by the store; `unknown`: nobody was served and it may be counted, since
 * the answer was lost; `unasked`: nobody was served and it is certainly not counted; `degraded`: served without the store.
 */
export type Said = 'admitted' | 'refused' | 'unknown' | 'unasked' | 'degraded'

export type Told = Record<Said | 'asked', number>

export interface Ledger {
  readonly keys: ReadonlyMap<string, Told>
  /** A request leaves. */
  ask(key: string): void
  /** And ends. */
  tell(key: string, said: Said): void
  total(): Told
}

export function ledger(): Ledger {
  const keys = new Map<string, Told>()
  const of = (key: string): Told => {
    let told = keys.get(key)
    if (told === undefined) keys.set(key, (told = nothing()))
    return told
  }
  return {
    keys,
    ask: key => void of(key).asked++,
    tell: (key, said) => void of(key)[said]++,
    total() {
      const total = nothing()
      for (const told of keys.values()) for (const said of Object.keys(total) as Said[]) total[said] += told[said]
      return total
    },
  }
}

const nothing = (): Told => ({ asked: 0, admitted: 0, refused: 0, unknown: 0, unasked: 0, degraded: 0 })

/** What a topology may do at worst, and from what that follows. */
export interface Bound {
  /** Admissions of a key that it may acknowledge and not count. */
  readonly lost: (key: string) => number
  readonly because: string
}

export const NOTHING_LOST = (because: string): Bound => ({ lost: () => 0, because })

export interface Evidence {
  readonly scenario: string
  /** Before the counts were read. */
  readonly before: ReadonlyMap<string, Told>
  /** After they were; the same where everybody has ended. */
  readonly after?: ReadonlyMap<string, Told>
  readonly counted: ReadonlyMap<string, number>
  /** What a key may be counted at most, in all. Default: anything. */
  readonly limit?: (key: string) => number
  readonly bound: Bound
}

export interface Verdict {
  readonly scenario: string
  readonly told: Told
  readonly counted: number
  /** Admissions that are not counted. */
  readonly over: number
  readonly most: number
  readonly because: string
  /** What does not hold, in words. */
  readonly broken: readonly string[]
}

export function audit({ scenario, before, after = before, counted, limit = () => Infinity, bound }: Evidence): Verdict {
  const broken: string[] = []
  const total = nothing()
  let [sum, over, most] = [0, 0, 0]
  for (const [key, told] of before) {
    for (const said of Object.keys(total) as Said[]) total[said] += told[said]
    const count = counted.get(key) ?? 0
    const { asked, refused, unasked, degraded } = after.get(key) as Told
    const lost = bound.lost(key)
    // Whoever was not told something else may be counted, those under way among them.
    const highest = asked - refused - unasked - degraded
    sum += count
    over += Math.max(0, told.admitted - count)
    most += lost
    if (count > highest) broken.push(`${key}: ${count} counted, ${highest} at most were charged`)
    if (told.admitted - count > lost)
      broken.push(`${key}: ${told.admitted} admitted, ${count} counted, ${lost} may be lost`)
    if (count > limit(key)) broken.push(`${key}: ${count} counted of a limit of ${limit(key)}`)
  }
  return { scenario, told: total, counted: sum, over, most, because: bound.because, broken }
}

export function lineOf({ scenario, told, counted, over, most, because, broken }: Verdict): string {
  const { admitted, refused, unknown, unasked, degraded } = told
  const answered = `${admitted} admitted, ${refused} refused, ${unknown} unknown, ${unasked} not asked, ${degraded} degraded`
  const verdict = broken.length === 0 ? '✓' : '✗'
  return `${verdict} ${scenario}: ${answered}; ${counted} counted; over-admission ${over}, bound ${most} (${because})`
}

/** Copies, for evidence: the ledger goes on. */
export const copyOf = (keys: ReadonlyMap<string, Told>): ReadonlyMap<string, Told> =>
  new Map([...keys].map(([key, told]) => [key, { ...told }]))

export interface Pace {
  /** An admission at an instant of the store's clock, not before the last one. */
  admitted(at: number): void
  /** The most admissions beyond burst + rate × time that there were in any interval so far. */
  readonly over: number
}

/** Holds admissions to a throttle: a bucket the other way round, in thousandths of a token, that shares no code with ours. */
export function pace({ rateLimit, burstLimit }: { readonly rateLimit: number; readonly burstLimit: number }): Pace {
  let [drawn, last, highest] = [0, 0, 0]
  return {
    admitted(at) {
      drawn = Math.max(0, drawn - Math.max(0, at - last) * rateLimit) + 1000
      last = Math.max(last, at)
      highest = Math.max(highest, drawn)
    },
    get over() {
      return Math.max(0, Math.ceil(highest / 1000 - burstLimit))
    },
  }
}
