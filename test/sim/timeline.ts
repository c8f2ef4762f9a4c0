// Virtual time: what is due runs in its order, and time is what the next of it says. Nothing sleeps.
//
// After each event the engine does all that it can do without time passing: its promises, and its own end of the tick
// (`setImmediate`, stores/redis-calls.ts), which Node runs in the order they were asked for. So an order of events is an
// order of everything, and many timelines may run side by side without seeing each other.

interface Due {
  readonly at: number
  readonly place: number
  run: (() => void) | null
}

export class Timeline {
  /** ms since the Unix epoch, by the clock that is right. */
  now: number
  #due: Due[] = []
  #places = 0

  constructor(start: number) {
    this.now = start
  }

  /** Runs something so many ms later. @returns how to call it off */
  after(ms: number, run: () => void): () => void {
    const due: Due = { at: this.now + Math.max(0, Math.ceil(ms)), place: this.#places++, run }
    const heap = this.#due
    let i = heap.push(due) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(due, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = due
    return () => void (due.run = null)
  }

  /** All that is due until then, and it is then. Rejects with what an event threw. */
  runUntil(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (): void => {
        try {
          const due = this.#take(end)
          if (due === null) {
            this.now = end
            resolve()
            return
          }
          this.now = due.at
          due.run?.()
          setImmediate(settle)
        } catch (error) {
          reject(error)
        }
      }
      // What the engine put off to the end of this tick stands before this in the queue, or is put there meanwhile.
      const settle = (): void => void setImmediate(next)
      setImmediate(next)
    })
  }

  #take(end: number): Due | null {
    for (;;) {
      const first = this.#due[0]
      if (first === undefined || first.at > end) return null
      this.#shift()
      if (first.run !== null) return first
    }
  }

  #shift(): void {
    const heap = this.#due
    const last = heap.pop()!
    if (heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.place < b.place)

/** A host's clock: wrong by so much, and by more with time; somebody may set it. */
export class HostClock {
  readonly #timeline: Timeline
  readonly #set: number
  readonly #ppm: number
  offset: number

  constructor(timeline: Timeline, offset: number, ppm: number) {
    this.#timeline = timeline
    this.#set = timeline.now
    this.#ppm = ppm
    this.offset = offset
  }

  /** Not whole: `Gate` cuts it off. */
  read(): number {
    const { now } = this.#timeline
    return now + this.offset + ((now - this.#set) * this.#ppm) / 1e6
  }
}
