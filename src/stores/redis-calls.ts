// Asks that come in one tick travel in one call of a script, and each is answered on its own. Floor 3.
//
// With nothing under way an ask leaves at the end of this microtask, so that one in flight waits for nobody; else at the
// end of the tick, with whatever else the event loop brought in.

import { codeOf, failureOf, failureOfAsk, misplaced, misshapen } from './redis-errors.ts'
import { slotOf } from './redis-slot.ts'

export interface Script {
  readonly text: string
  /** Its SHA-1 in hex. */
  readonly sha: string
}

/** One question to a script (redis-script.ts). */
export interface Ask {
  readonly keys: readonly string[]
  /** Its limits, JSON. */
  readonly limits: string
  /** What follows the number of its limits in its entry of `asks`, JSON without the brackets. */
  readonly rest: string
}

export interface CallOptions {
  readonly send: (args: [string, ...string[]]) => Promise<unknown>
  /** The most asks in a call. */
  readonly batch: number
  /** Whether only keys of one slot may travel together. */
  readonly bySlot: boolean
}

interface Waiting {
  readonly ask: Ask
  readonly resolve: (reply: readonly unknown[]) => void
  readonly reject: (error: unknown) => void
}

interface Group {
  readonly script: Script
  readonly head: string
  readonly waiting: Waiting[]
}

export interface Calls {
  /**
   * @param head the words of the call that all its asks have in common, JSON, each with a comma behind it
   * @returns what the script answered to this ask. Rejects with `StoreError`, and with a bug of `send`.
   */
  ask(script: Script, head: string, ask: Ask): Promise<readonly unknown[]>
}

/** `setImmediate` where there is one; elsewhere a tick is a microtask. */
const atEndOfTick: (flush: () => void) => void = typeof setImmediate === 'function' ? setImmediate : queueMicrotask

/** Of this process: each is answered with its number, so that no client that lost count hands one the reply to another. */
let calls = 0

export function callsOf({ send, batch, bySlot }: CallOptions): Calls {
  let groups = new Map<string, Group>()
  let underWay = 0
  let due: 'no' | 'microtask' | 'tick' = 'no'
  /** Scripts on their way to a server that did not know them. */
  const loads = new Map<string, Promise<unknown>>()

  function flush(): void {
    due = 'no'
    const leaving = groups
    groups = new Map()
    for (const group of leaving.values()) void call(group)
  }

  async function call({ script, head, waiting }: Group): Promise<void> {
    underWay++
    const id = ++calls
    try {
      const replies = await evaluate(script, argumentsOf(id, head, waiting))
      if (!Array.isArray(replies) || replies.length !== waiting.length + 1) throw misshapen(replies)
      if (Number(replies[waiting.length]) !== id) throw misplaced(id, replies[waiting.length])
      waiting.forEach(({ resolve, reject }, i) => {
        const reply: unknown = replies[i]
        if (Array.isArray(reply)) resolve(reply)
        else if (typeof reply === 'string' && /^[!?]/.test(reply)) reject(failureOfAsk(reply))
        else reject(misshapen(reply))
      })
    } catch (error) {
      const failure = failureOf(error)
      for (const { reject } of waiting) reject(failure)
    } finally {
      underWay--
    }
  }

  /** Calls the script by its name; by its text, where the server does not know it. Then nothing had run. */
  async function evaluate({ text, sha }: Script, args: readonly string[]): Promise<unknown> {
    for (;;) {
      const before = loads.get(sha)
      try {
        return await send(['EVALSHA', sha, ...args])
      } catch (error) {
        if (codeOf(error) !== 'NOSCRIPT') throw error
      }
      // A text that others have sent meanwhile serves all: it is asked again by name once that one is answered. One that
      // was sent before this was asked is lost, or went to another node.
      const sent = loads.get(sha)
      if (sent === undefined || sent === before) break
      await sent
    }
    const answer = send(['EVAL', text, ...args])
    const over = (): void => {
      if (loads.get(sha) === load) loads.delete(sha)
    }
    const load = answer.then(over, over)
    loads.set(sha, load)
    return await answer
  }

  return {
    ask: (script, head, ask) =>
      new Promise((resolve, reject) => {
        const waiting = { ask, resolve, reject }
        if (batch === 1) {
          void call({ script, head, waiting: [waiting] })
          return
        }
        const together = `${script.sha} ${bySlot ? slotOf(ask.keys[0] as string) : ''} ${head}`
        const group = groups.get(together)
        if (group === undefined) {
          groups.set(together, { script, head, waiting: [waiting] })
          if (due === 'no') {
            due = underWay === 0 ? 'microtask' : 'tick'
            if (due === 'microtask') queueMicrotask(flush)
            else atEndOfTick(flush)
          }
        } else if (group.waiting.push(waiting) === batch) {
          groups.delete(together)
          void call(group)
        }
      }),
  }
}

/** How many keys, the keys, and the one argument of a call. */
function argumentsOf(id: number, head: string, waiting: readonly Waiting[]): string[] {
  const keys: string[] = []
  const limits = new Map<string, number>()
  let asks = ''
  for (const { ask } of waiting) {
    keys.push(...ask.keys)
    let place = limits.get(ask.limits)
    if (place === undefined) limits.set(ask.limits, (place = limits.size + 1))
    asks += `${asks === '' ? '' : ','}[${place},${ask.rest}]`
  }
  return [
    String(keys.length),
    ...keys,
    `{"id":${id},${head}"limits":[${[...limits.keys()].join(',')}],"asks":[${asks}]}`,
  ]
}
