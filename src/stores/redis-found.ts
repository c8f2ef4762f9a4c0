// From what the scripts answer to the decision that core/decide.ts would have made, and to days of use. Floor 3.

import { DAY_MS } from '../core/calendar.ts'
import { allowed, type LimitName, type MeteredDecision, refused } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import { NO_METHODS, type State } from '../core/state.ts'
import { type Millis, TOKEN } from '../core/units.ts'
import { misshapen } from './redis-errors.ts'
import type { Asked } from './redis-limits.ts'
import type { UsageEntry } from './store.ts'

/** What the records of a request are once it was judged. */
export interface Left {
  readonly at: Millis
  readonly state: State | null
  readonly sharedStates: readonly State[]
}

export interface Found extends Left {
  /** Which limit refuses first: 0 none, 1 method, 2 plan, 3 quota, 4 … the shared ones. */
  readonly limitedBy: number
  /** ms from the clock's now; `Infinity` when it never will. */
  readonly retryAfter: Millis
  readonly changed: boolean
  readonly steppedBack: Millis
}

/** Of a reply: the numbers of the own record, two for each shared one, and those that a plain admission is spared. */
const OWN_NUMBERS = 5
const PLAIN = [0, 0, 1, 0]
type Four = [number, number, number, number]
const OWN: readonly LimitName[] = ['method', 'plan', 'quota']

/** @throws {StoreError} for what the script cannot have said: it is never taken for an answer */
export function foundOf(reply: readonly unknown[], { plan, method, shared }: Asked): Found {
  const plain = OWN_NUMBERS + 2 * shared.length
  if (reply.length !== plain && reply.length !== plain + PLAIN.length) throw misshapen(reply)
  const numbers = reply.map(wholeOf)
  const [at, level, window, used, methodLevel] = numbers as [...Four, number]
  const more = reply.length === plain ? PLAIN : numbers.slice(plain)
  const [limitedBy, retryAfter, changed, steppedBack] = more as Four
  if (limitedBy < 0 || limitedBy > OWN.length + shared.length) throw misshapen(reply)
  const methods = method === null ? NO_METHODS : [{ id: method.id, level: methodLevel, at }]
  return {
    limitedBy,
    retryAfter: retryAfter < 0 ? Infinity : retryAfter,
    at,
    changed: changed === 1,
    steppedBack,
    state: plan === null ? null : { at, level, window, used, methods },
    sharedStates: shared.map((_, i) => stateOfShared(numbers[OWN_NUMBERS + 2 * i]!, numbers[OWN_NUMBERS + 2 * i + 1]!)),
  }
}

export function decisionOf(metered: Metered, found: Found): MeteredDecision {
  const { limitedBy, retryAfter, at, changed, steppedBack, state, sharedStates } = found
  if (limitedBy === 0) return allowed(metered, at, state, sharedStates, changed, steppedBack)
  const name = OWN[limitedBy - 1] ?? metered.shared[limitedBy - 1 - OWN.length]!.name
  return refused(metered, at, state, sharedStates, changed, steppedBack, name, retryAfter)
}

/** The days of a range: what the script read of one key's use is day, used … */
export function entriesOf(
  keyId: string,
  reply: readonly unknown[],
  [first, end]: readonly [first: number, end: number],
): UsageEntry[] {
  const entries: UsageEntry[] = []
  for (let i = 0; i < reply.length; i += 2) {
    const day = wholeOf(reply[i])
    const used = wholeOf(reply[i + 1])
    if (day >= first && day < end && used > 0) entries.push({ keyId, day: day * DAY_MS, used })
  }
  return entries.sort((a, b) => a.day - b.day)
}

/** A request's own limits, and each that clients share, as asks of their own: what a cluster may have in several places. */
export function partsOf({ plan, keyId, bucket, method, shared, cost }: Asked): Asked[] {
  const parts: Asked[] = plan === null ? [] : [{ plan, keyId, bucket, method, shared: [], cost }]
  for (const limit of shared) {
    parts.push({ plan: null, keyId: null, bucket: null, method: null, shared: [limit], cost })
  }
  return parts
}

/** What is left of each part. */
export function leftOfParts({ at, state, sharedStates }: Left): Left[] {
  const own: Left[] = state === null ? [] : [{ at, state, sharedStates: [] }]
  return [...own, ...sharedStates.map(shared => ({ at: shared.at, state: null, sharedStates: [shared] }))]
}

/** The answer to the whole, from those to its parts. */
export function together(asked: Asked, parts: readonly Asked[], founds: readonly Found[]): Found {
  const refuses = founds.findIndex(({ limitedBy }) => limitedBy > 0)
  const seen = refuses < 0 ? founds : founds.map((found, i) => untaken(parts[i]!, found))
  const first = refuses - (asked.plan === null ? 0 : 1)
  const steppedBack = Math.max(...founds.map(({ steppedBack }) => steppedBack))
  return {
    limitedBy: refuses < 0 ? 0 : first < 0 ? founds[0]!.limitedBy : OWN.length + 1 + first,
    retryAfter: Math.max(...founds.map(({ retryAfter }) => retryAfter)),
    at: founds[0]!.at,
    changed: refuses < 0 ? founds.some(({ changed }) => changed) : steppedBack > 0,
    steppedBack,
    state: asked.plan === null ? null : seen[0]!.state,
    sharedStates: seen.flatMap(({ sharedStates }) => sharedStates),
  }
}

/** Of a part that admits, while another does not: nothing is taken. */
function untaken({ bucket, cost }: Asked, found: Found): Found {
  if (found.limitedBy > 0) return found
  const need = cost * TOKEN
  const { state, sharedStates } = found
  return {
    ...found,
    state: state && {
      ...state,
      level: bucket === null ? state.level : state.level + need,
      used: state.used - cost,
      methods: state.methods.map(method => ({ ...method, level: method.level + need })),
    },
    sharedStates: sharedStates.map(shared => ({ ...shared, level: shared.level + need })),
  }
}

/** A whole number, also as clients give it that make strings or big integers of what is large. */
function wholeOf(value: unknown): number {
  const whole =
    typeof value === 'number' ? value : typeof value === 'bigint' || isDigits(value) ? Number(value) : Number.NaN
  if (!Number.isInteger(whole)) throw misshapen(value)
  return whole
}

function isDigits(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d+$/.test(value)
}

function stateOfShared(at: Millis, level: number): State {
  return { at, level, window: 0, used: 0, methods: NO_METHODS }
}
