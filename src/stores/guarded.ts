// What is said while a store is gone. Floor 3: wraps any store, so that a gate over memory carries none of this.
// Only a `StoreError` or an answer that does not come in time is an outage; any other exception is a bug, and passes
// through untouched: no bug of ours or of a client library can open a gate.

import { allowed, type MeteredDecision, type StoreUnavailable } from '../core/decision.ts'
import type { Bucket, Metered, MethodBucket, PlanLimits, SharedBucket } from '../core/limits.ts'
import type { Millis } from '../core/units.ts'
import { StoreError } from '../errors.ts'
import { tell } from '../hook.ts'
import { checkOptions, shareOf } from './guarded-options.ts'
import { memoryStore } from './memory.ts'
import type { Answer, Store } from './store.ts'
import { type After, timer } from './timer.ts'

/**
 * What to say without the store. `refuse`: 503, nobody is served. `allow`: everybody is, unmeasured. `throw`: the error
 * is the caller's. `{ local }`: measured in this process's memory against this share (0 < share ≤ 1) of every limit:
 * with n processes and 1/n each, what is admitted in an outage of D seconds is at most another burst, `rateLimit`·D, and
 * another quota.
 */
export type OnStoreError = 'refuse' | 'allow' | 'throw' | { readonly local: number }

export interface GuardedOptions {
  /** Default `refuse`. */
  readonly onStoreError?: OnStoreError
  /**
   * ms an asynchronous store has for one answer, at most 2^31 − 1: who never gives up has no outage. A synchronous one has
   * its own (SQLite's `busyTimeout`). Default 250.
   */
  readonly deadline?: Millis
  /** So many failures in a row, and the store is not asked for a while. Default 5. */
  readonly failures?: number
  /** For how long, in ms of the gate's clock. Then one take at a time asks it. Default 1000. */
  readonly pause?: Millis
  /** So many answers in a row after that, and it is asked by all again: fewer than a flapping store gives. Default 3. */
  readonly successes?: number
  /** Told when the store is no longer asked, and when it is again. What it throws or rejects with changes nothing. */
  readonly onOutage?: (outage: Outage) => void
  /** Runs something later, and returns how to call it off. Default: setTimeout. */
  readonly after?: After
}

/** The store went away, or came back. */
export interface Outage {
  readonly state: 'began' | 'ended'
  /** ms since the Unix epoch, of the gate's clock. */
  readonly at: Millis
  /** What was last wrong; null for a deadline that passed. */
  readonly error: StoreError | null
  /** Since the guard was made. */
  readonly counts: GuardCounts
}

export interface GuardCounts {
  /** `StoreError`s. */
  readonly failed: number
  /** Answers that did not come in time. */
  readonly late: number
  /** Takes that were late, had been charged after all, and were given back since nobody was served. */
  readonly givenBack: number
  /** Decisions without the store, by what was said. */
  readonly refused: number
  readonly allowed: number
  readonly local: number
  readonly thrown: number
  /** How often the store went away. */
  readonly outages: number
}

export interface GuardedStore<Async extends boolean> extends Store<Async> {
  readonly counts: GuardCounts
  /** Whether the store is asked: `closed` is by all, `open` is by none, `trying` by one take at a time. */
  readonly breaker: 'closed' | 'open' | 'trying'
}

/**
 * A store that answers although the one it wraps is gone.
 *
 * @throws {TypeError} for an option that there is not, or a word of `onStoreError` that is none
 * @throws {RangeError} for a number out of its range
 */
export function guarded(store: Store<false>, options?: GuardedOptions): GuardedStore<false>
export function guarded(store: Store<true>, options?: GuardedOptions): GuardedStore<true>
export function guarded(store: Store, options?: GuardedOptions): GuardedStore<boolean>
export function guarded(store: Store, options: GuardedOptions = {}): GuardedStore<boolean> {
  const { onStoreError = 'refuse', deadline = 250, failures = 5, pause = 1000, successes = 3 } = options
  const { onOutage, after = timer } = options
  checkOptions(options)
  const share = shareOf(onStoreError)
  const scaled = scaledBy(share ?? 1)
  const local = memoryStore()
  const counts = { failed: 0, late: 0, givenBack: 0, refused: 0, allowed: 0, local: 0, thrown: 0, outages: 0 }
  let breaker: GuardedStore<boolean>['breaker'] = 'closed'
  let failedInRow = 0
  let answeredInRow = 0
  let openedAt: Millis = 0
  let isTrying = false
  let lastError: StoreError | null = null

  /** Whether the store is asked now; if so, `succeeded` or `failed` follows. */
  function mayAsk(now: Millis): boolean {
    if (breaker === 'closed') return true
    // A clock that has stepped back says nothing of how long it was: try.
    if (breaker === 'open' && now - openedAt < pause && now >= openedAt) return false
    breaker = 'trying'
    if (isTrying) return false
    isTrying = true
    return true
  }

  function succeeded(now: Millis): void {
    failedInRow = 0
    if (breaker === 'closed') return
    isTrying = false
    if (breaker === 'open' || ++answeredInRow < successes) return
    breaker = 'closed'
    report('ended', now)
  }

  function failed(error: StoreError | null, now: Millis): void {
    if (error === null) counts.late++
    else counts.failed++
    lastError = error
    isTrying = false
    answeredInRow = 0
    failedInRow++
    if (breaker === 'closed' && failedInRow < failures) return
    openedAt = now
    if (breaker === 'closed') {
      counts.outages++
      breaker = 'open'
      report('began', now)
    }
    breaker = 'open'
  }

  function report(state: Outage['state'], at: Millis): void {
    tell(() => onOutage?.({ state, at, error: lastError, counts: { ...counts } }))
  }

  /** What is said instead. */
  function without(
    how: 'take' | 'peek',
    metered: Metered,
    now: Millis,
    reason: StoreUnavailable['reason'],
    error: StoreError | null,
  ): MeteredDecision | StoreUnavailable {
    if (onStoreError === 'throw') {
      counts.thrown++
      throw error ?? new StoreError(WHY[reason], { transient: true, cause: lastError ?? undefined })
    }
    if (onStoreError === 'allow') {
      if (how === 'take') counts.allowed++
      return degraded(allowed(unlimited(metered), now, null, [], false, 0), 'allow')
    }
    if (share !== null) {
      const decision = local[how](scaled(metered), now)
      // The share of a small limit may hold less than one request, which the limit itself does not refuse for ever.
      if (decision.kind !== 'never-admitted') {
        if (how === 'take') counts.local++
        return degraded(decision, 'local')
      }
    }
    if (how === 'take') counts.refused++
    return unavailable(metered, now, reason)
  }

  function ask(how: 'take' | 'peek', metered: Metered, now: Millis): unknown {
    if (!mayAsk(now)) return without(how, metered, now, 'not-asked', null)
    let said: unknown
    try {
      said = store[how](metered, now)
    } catch (error) {
      return outage(error)
    }
    if (said instanceof Promise) return inTime(said as Promise<MeteredDecision | StoreUnavailable>)
    succeeded(now)
    return said

    function outage(error: unknown): MeteredDecision | StoreUnavailable {
      if (!(error instanceof StoreError)) {
        // It is there, and has a bug.
        succeeded(now)
        throw error
      }
      failed(error, now)
      return without(how, metered, now, 'failed', error)
    }

    function inTime(said: Promise<MeteredDecision | StoreUnavailable>): Promise<MeteredDecision | StoreUnavailable> {
      return new Promise((resolve, reject) => {
        let isOver = false
        let isServed = false
        const instead = (answer: () => MeteredDecision | StoreUnavailable): void => {
          try {
            resolve(answer())
          } catch (error) {
            reject(error)
          }
        }
        const callOff = after(deadline, () => {
          isOver = true
          failed(null, now)
          instead(() => {
            const answer = without(how, metered, now, 'deadline', null)
            isServed = answer.admitted
            return answer
          })
        })
        said.then(
          decision => {
            if (isOver) return isServed ? undefined : undo(how, decision)
            callOff()
            succeeded(now)
            resolve(decision)
          },
          (error: unknown) => {
            if (isOver) return
            callOff()
            instead(() => outage(error))
          },
        )
      })
    }
  }

  /** An answer after its deadline: what it charged for a request that was refused is put back, once. */
  function undo(how: 'take' | 'peek', decision: MeteredDecision | StoreUnavailable): void {
    if (how === 'peek' || decision.kind !== 'allowed' || decision.cost === 0) return
    // At the instant it was taken: the record's own time says what was refilled since (core/decide.ts).
    Promise.resolve()
      .then(() => store.giveBack(decision, decision.at))
      .then(
        () => void counts.givenBack++,
        // It stays charged: one request too few is served, and none too many.
        () => undefined,
      )
  }

  const guard: GuardedStore<boolean> = {
    get counts() {
      return { ...counts }
    },
    get breaker() {
      return breaker
    },
    take: (metered, now) => ask('take', metered, now) as ReturnType<Store['take']>,
    peek: (metered, now) => ask('peek', metered, now) as ReturnType<Store['peek']>,
    giveBack(taken, now) {
      if (taken.degraded === undefined) return store.giveBack(taken, now)
      if (taken.degraded === 'local') local.giveBack(taken, now)
      return undefined as Answer<boolean, void>
    },
  }
  return store.usage === undefined ? guard : Object.assign(guard, { usage: store.usage.bind(store) })
}

const WHY: Readonly<Record<StoreUnavailable['reason'], string>> = {
  failed: 'the store failed',
  deadline: 'the store did not answer in time',
  'not-asked': 'the store is not asked, since it has been failing',
}

function degraded<D extends MeteredDecision>(decision: D, how: 'allow' | 'local'): D {
  return Object.assign(decision, { degraded: how })
}

/** Plain data: nothing was measured. */
function unavailable(
  { version, keyId, plan, cost }: Metered,
  at: Millis,
  reason: StoreUnavailable['reason'],
): StoreUnavailable {
  const planId = plan?.planId ?? null
  return { kind: 'store-unavailable', admitted: false, reason, version, keyId, planId, cost, at }
}

/** Whose request it is, without a limit to report: none was looked at. */
function unlimited(metered: Metered): Metered {
  const plan = metered.plan && { ...metered.plan, bucket: null, quota: null }
  return { ...metered, plan, bucket: null, method: null, shared: [] }
}

/** A request against a share of its limits. Of each plan the share is made once. */
function scaledBy(share: number): (metered: Metered) => Metered {
  const plans = new WeakMap<PlanLimits, PlanLimits>()
  const shared = new WeakMap<SharedBucket, SharedBucket>()
  // Whole grains, rounded down; a capacity in whole tokens would leave a small one with nothing.
  const part = <B extends Bucket>(bucket: B): B => ({
    ...bucket,
    rate: Math.floor(bucket.rate * share),
    capacity: Math.floor(bucket.capacity * share),
  })

  function planOf(plan: PlanLimits): PlanLimits {
    let made = plans.get(plan)
    if (made !== undefined) return made
    const { planId, bucket, quota, methods } = plan
    made = {
      planId,
      bucket: bucket && part(bucket),
      quota: quota && {
        quota: { ...quota.quota, limit: Math.floor(quota.quota.limit * share) },
        windowAt: now => quota.windowAt(now),
        limitIn: window => Math.floor(quota.limitIn(window) * share),
      },
      methods: new Map([...methods].map(([id, method]): [string, MethodBucket] => [id, part(method)])),
    }
    plans.set(plan, made)
    return made
  }

  function sharedOf(limit: SharedBucket): SharedBucket {
    let made = shared.get(limit)
    if (made === undefined) shared.set(limit, (made = { ...part(limit), limits: planOf(limit.limits) }))
    return made
  }

  return metered => {
    const plan = metered.plan && planOf(metered.plan)
    const bucket = metered.bucket && (plan?.bucket ?? part(metered.bucket))
    const method = metered.method && (plan?.methods.get(metered.method.id) ?? part(metered.method))
    return { ...metered, plan, bucket, method, shared: metered.shared.map(sharedOf) }
  }
}
