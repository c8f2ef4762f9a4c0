// Records in Redis or Valkey: one round trip for every limit of a request, and for every request of a tick. Floor 3.
// The decision is made by a script where the records are (redis-script.ts, the twin of core/decide.ts); this file sends
// what it needs and builds the same decision of what it answers. docs/redis.md is for who runs it.

import { DAY_MS } from '../core/calendar.ts'
import { STEP_BACK } from '../core/decide.ts'
import type { Allowed, MeteredDecision } from '../core/decision.ts'
import type { Metered } from '../core/limits.ts'
import { FULL, type Millis, TOKEN } from '../core/units.ts'
import { daysOf } from './days.ts'
import { callsOf, type Script } from './redis-calls.ts'
import { misshapen, uncertain } from './redis-errors.ts'
import { decisionOf, entriesOf, type Found, foundOf, type Left, leftOfParts, partsOf, together } from './redis-found.ts'
import { type Asked, limitsTexts } from './redis-limits.ts'
import { GIVE_BACK, GIVE_BACK_SHA, TAKE, TAKE_SHA, USAGE, USAGE_SHA } from './redis-script.ts'
import { type Store, USAGE_DAYS, type UsageEntry, type UsageQuery } from './store.ts'

export { type RedisCatalogOptions, redisCatalogLog } from './redis-catalog.ts'
export { type RefusalsOptions, type RefusalsStore, withRefusals } from './refusals.ts'

export interface RedisOptions {
  /**
   * Sends one command and resolves to its reply, strings as strings: `args => client.sendCommand(args)` of node-redis,
   * `([name, ...args]) => client.call(name, ...args)` of ioredis. It must not repeat a command whose fate it does not
   * know; docs/redis.md has the line for each client.
   */
  readonly send: (args: [string, ...string[]]) => Promise<unknown>
  /** What every key's name begins with. Default: `tollgate:`. */
  readonly prefix?: string
  /**
   * Whose time it is. `server`: Redis's, one clock for all hosts, which must be within a day of theirs. `host`: the
   * gate's, for tests and for a single host. Default: `server`.
   */
  readonly clock?: 'server' | 'host'
  /**
   * Whether the keys are spread over the slots of a cluster. Then limits that clients share are asked after the client's
   * own, and what was taken is given back when they refuse. Default: false.
   */
  readonly cluster?: boolean
  /** How many requests may travel in one call of the script; 1 sends each on its own. Default: 32. */
  readonly batch?: number
  /** Whether use is kept per plan, key and day. Default: true. */
  readonly usage?: boolean
}

/** A store that is asked over a network and answers with decisions. */
export interface RedisStore extends Store<true> {
  take(metered: Metered, now: Millis): Promise<MeteredDecision>
  peek(metered: Metered, now: Millis): Promise<MeteredDecision>
  usage(query: UsageQuery): Promise<UsageEntry[]>
}

const CONSTANTS = `"stepBack":${STEP_BACK},"token":${TOKEN},"full":${FULL},`
const USE = `"use":{"day":${DAY_MS},"days":${USAGE_DAYS}},`
const takeScript: Script = { text: TAKE, sha: TAKE_SHA }
const giveBackScript: Script = { text: GIVE_BACK, sha: GIVE_BACK_SHA }
const usageScript: Script = { text: USAGE, sha: USAGE_SHA }

/**
 * A store in Redis (6.2 or later) or Valkey.
 *
 * It rejects with `StoreError`: `executed: 'no'` where certainly nothing was charged, `'unknown'` where the answer was
 * lost; nothing is asked twice here. A `TypeError` and the like of `send` are bugs, and passed on. Of a method's buckets, a
 * decision's `state` holds the request's own only.
 */
export function redisStore(options: RedisOptions): RedisStore {
  const { send, prefix = 'tollgate:', clock = 'server', cluster = false, batch = 32, usage = true } = options
  if (typeof send !== 'function') throw new TypeError('send: expected a function that sends a list of strings')
  if (clock !== 'server' && clock !== 'host') throw new TypeError(`clock: expected server or host, received ${clock}`)
  if (!Number.isInteger(batch) || batch < 1)
    throw new TypeError(`batch: expected a whole number ≥ 1, received ${batch}`)
  const calls = callsOf({ send, batch, bySlot: cluster })
  const limitsOf = limitsTexts()

  const constants = usage ? CONSTANTS + USE : CONSTANTS

  function headOf(now: Millis): string {
    return clock === 'host' ? `"now":${now},${constants}` : constants
  }

  /** Ids and nothing else: a key's value is never sent. The braces make of each (plan, key) a slot. */
  function keysOf({ plan, keyId, shared }: Asked): string[] {
    const keys: string[] = []
    if (plan !== null) {
      const own = `{${plan.planId}/${keyId}}`
      keys.push(prefix + own)
      if (usage) keys.push(`${prefix}usage:${own}`)
    }
    for (const { id } of shared) keys.push(`${prefix}shared:{${id}}`)
    return keys
  }

  async function judge(asked: Asked, now: Millis, charge: boolean): Promise<Found> {
    const ask = { keys: keysOf(asked), limits: limitsOf(asked, now), rest: `${asked.cost},${charge ? 1 : 0}` }
    return foundOf(await calls.ask(takeScript, headOf(now), ask), asked)
  }

  async function putBack(asked: Asked, { at, state, sharedStates }: Left, now: Millis): Promise<void> {
    const method = asked.method === null ? undefined : state?.methods.find(({ id }) => id === asked.method?.id)
    const shared = sharedStates.map(({ at, level }) => [at, level])
    const left = [asked.cost, at, state?.level ?? 0, state?.window ?? 0, method?.level ?? 0, shared]
    const ask = { keys: keysOf(asked), limits: limitsOf(asked, now), rest: JSON.stringify(left).slice(1, -1) }
    const reply = await calls.ask(giveBackScript, headOf(now), ask)
    if (reply.length !== 1 || Number(reply[0]) !== 1) throw misshapen(reply)
  }

  /**
   * The client's own limits in their slot, then each shared one in its: what was taken is given back when one refuses.
   * If this process ends in between, the client has paid for a request that was not served; never the other way round.
   */
  async function judgeApart(asked: Asked, now: Millis, charge: boolean): Promise<Found> {
    const parts = partsOf(asked)
    const founds: Found[] = []
    const taken: (() => Promise<void>)[] = []
    const undo = async (): Promise<void> => void (await Promise.all(taken.map(giveBack => giveBack())))
    let refused = false
    for (const part of parts) {
      let found: Found
      try {
        found = await judge(part, now, charge && !refused)
      } catch (error) {
        throw await undo().then(
          () => error,
          () => uncertain(error),
        )
      }
      founds.push(found)
      refused ||= found.limitedBy > 0
      if (charge && !refused && found.changed) taken.push(() => putBack(part, found, now))
    }
    if (refused) {
      await undo().catch(error => {
        throw uncertain(error)
      })
    }
    return together(asked, parts, founds)
  }

  const ask = (metered: Metered, now: Millis, charge: boolean): Promise<Found> =>
    cluster && metered.shared.length > 0 ? judgeApart(metered, now, charge) : judge(metered, now, charge)

  return {
    take: async (metered, now) => decisionOf(metered, await ask(metered, now, true)),
    peek: async (metered, now) => decisionOf(metered, await ask(metered, now, false)),
    async giveBack(taken: Allowed, now) {
      const { metered } = taken
      if (taken.cost === 0) return
      if (!cluster) return putBack(metered, taken, now)
      const left = leftOfParts(taken)
      await Promise.all(partsOf(metered).map((part, i) => putBack(part, left[i]!, now)))
    },
    async usage(query) {
      const days = daysOf(query.from, query.to)
      if (!usage) return []
      const entries = query.keyIds.map(async keyId => {
        const keys = [`${prefix}usage:{${query.planId}/${keyId}}`]
        return entriesOf(keyId, await calls.ask(usageScript, '', { keys, limits: '{}', rest: '0' }), days)
      })
      return (await Promise.all(entries)).flat()
    },
  }
}
