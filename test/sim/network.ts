// A network between a process and a server: what is asked comes late, in another order, not at all, or twice; so does
// the answer. What a server is asked it does, whether or not anybody waits for the answer any more.

import type { Random } from './random.ts'
import type { Server } from './server.ts'
import type { Timeline } from './timeline.ts'

/** What may happen to a message, and how often (0 … 1). */
export interface Faults {
  /** ms, each way. */
  readonly latency: readonly [least: number, most: number]
  readonly late: number
  readonly loseRequest: number
  readonly loseReply: number
  readonly twice: number
}

export const NO_FAULTS: Faults = { latency: [1, 2], late: 0, loseRequest: 0, loseReply: 0, twice: 0 }

export interface Network {
  faults: Faults
  link(server: Server): Link
}

/** One process's way to one server. */
export interface Link {
  /** Nothing passes until then. */
  cutUntil: number
  /** The process has ended: nothing reaches it any more. */
  isOver: boolean
  /**
   * @param note hears what the network does with it
   * @param mayRepeat whether a message may come twice: of what does no harm then
   */
  call<T>(execute: () => T, note: (what: string) => void, mayRepeat: boolean): Promise<T>
}

export function networkOf(timeline: Timeline, random: Random, faults: Faults): Network {
  function link(server: Server): Link {
    const wayTime = (): number => {
      const [least, most] = network.faults.latency
      return random.whole(least, most) + (random.chance(network.faults.late) ? random.whole(100, 1500) : 0)
    }

    function call<T>(execute: () => T, note: (what: string) => void, mayRepeat: boolean): Promise<T> {
      return new Promise((resolve, reject) => {
        const isCut = (): boolean => timeline.now < self.cutUntil
        /** The client hears of a lost message where its connection breaks; else it waits for ever. */
        const lost = (what: string): void => {
          note(what)
          if (random.chance(0.7)) answer(() => reject(new Error('read ECONNRESET')), random.whole(1, 400))
        }
        const answer = (say: () => void, ms: number): void =>
          void timeline.after(ms, () => {
            if (!self.isOver) say()
          })
        const reply = (say: () => void): void => {
          if (isCut() || random.chance(network.faults.loseReply)) lost('reply lost')
          else answer(() => (isCut() ? lost('reply lost') : say()), wayTime())
        }
        const arrive = (isFirst: boolean) => (): void => {
          if (isCut()) {
            if (isFirst) lost('request lost')
            return
          }
          if (!server.isUp) {
            if (isFirst) reply(() => reject(new Error('connect ECONNREFUSED')))
            return
          }
          let said: T
          try {
            said = execute()
          } catch (error) {
            if (isFirst) reply(() => reject(error))
            return
          }
          if (!isFirst) {
            note('request came twice')
            return
          }
          reply(() => resolve(said))
          if (mayRepeat && random.chance(network.faults.twice)) timeline.after(wayTime(), arrive(false))
        }
        if (self.isOver) return
        if (isCut() || random.chance(network.faults.loseRequest)) lost('request lost')
        else timeline.after(wayTime(), arrive(true))
      })
    }

    const self: Link = { cutUntil: -Infinity, isOver: false, call }
    return self
  }

  const network: Network = { faults, link }
  return network
}
