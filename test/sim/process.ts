// One process: a gate over a guarded store, and its copy of the shared catalog. All of it is the engine's; around it are
// ways to the servers, and a probe between guard and store that sees what is said in time, late, or never.

import type { Allowed, Decision, MeteredDecision } from '../../src/core/decision.ts'
import { StoreError } from '../../src/errors.ts'
import { createGate, type Gate } from '../../src/gate.ts'
import { casStore } from '../../src/stores/cas.ts'
import { type CatalogChange, type CatalogLog, type SharedCatalog, sharedCatalog } from '../../src/stores/catalog-log.ts'
import { type GuardedOptions, type GuardedStore, guarded } from '../../src/stores/guarded.ts'
import { type MemoryStore, memoryStore } from '../../src/stores/memory.ts'
import { redisCatalogLog, redisStore } from '../../src/stores/redis.ts'
import type { Store } from '../../src/stores/store.ts'
import { type UsageStore, withUsage } from '../../src/stores/usage.ts'
import type { Charge, Request } from './audit.ts'
import { casModel } from './cas-model.ts'
import type { Link } from './network.ts'
import type { Scene } from './scene.ts'
import { HostClock } from './timeline.ts'
import { DAY } from './world.ts'

/** A store in the process's own memory, and what its usage has to be. */
export interface Memory {
  readonly records: MemoryStore
  readonly store: UsageStore
  /** By key and day. */
  readonly used: Map<string, number>
  broken: boolean
}

export interface Process {
  readonly name: string
  readonly place: number
  readonly gate: Gate<boolean>
  readonly guard: GuardedStore<boolean>
  readonly clock: HostClock
  readonly link: Link
  readonly catalogLink: Link
  /** Null where the store is a server's. */
  readonly memory: Memory | null
  /** What it admitted by its own reckoning, by whose it is. */
  readonly charges: Map<string, (Charge & { readonly request: Request })[]>
  readonly waiting: Set<Request>
  /** The version of the catalog in force, which never goes back. */
  readonly catalog: number
  isOver: boolean
  /** Whom the gate is asked for now: the store is asked in the same breath. */
  asking: Request | null
  /** How many of its calls have charged, and are not answered yet. */
  unanswered: number
  thrown: number
  /** Takes over what was published. */
  poll(): Promise<void>
  publish(change: CatalogChange): Promise<void>
  /** It is killed: nothing reaches it any more, and nobody gets an answer. */
  end(): void
  /** What it has counted is what it has said. */
  check(): void
}

/** ms that the log of the catalog has for an answer. */
const CATALOG_DEADLINE = 1500

/** @param before whose host it is, and, where it ended well, whose memory it takes over */
export function startProcess(scene: Scene, place: number, before?: Process, takesOver = false): Process {
  const { world, timeline, audit, network, mark, tell } = scene
  const name = `${place}.${++scene.started}`
  const link = network.link(scene.server)
  const catalogLink = network.link(scene.catalogServer)
  const clock = before?.clock ?? hostClock(scene)
  const memory = world.topology === 'memory' ? memoryOf(takesOver ? (before?.memory ?? null) : null) : null
  const requestOf = new WeakMap<object, Request>()
  const said = { refused: 0, deadline: 0, allow: 0, local: 0 }
  let catalog = 0
  let heard = 0

  /** Something that the server does, if it comes to that. */
  function ask<T>(execute: () => T, mayRepeat: boolean): Promise<T> {
    let hasCharged = false
    const done = link.call(
      () => {
        const before = audit.charges
        const said = execute()
        if (audit.charges > before && !hasCharged) {
          hasCharged = true
          self.unanswered++
        }
        return said
      },
      what => {
        mark(what)
        if (what === 'reply lost' && hasCharged) mark('reply lost after a charge')
        tell(`${name}: ${what}`)
      },
      mayRepeat,
    )
    const answered = (): void => void (hasCharged && self.unanswered--)
    done.then(answered, answered)
    return done
  }

  function remoteStore(): Store<true> {
    if (world.topology !== 'cas') {
      const send = (args: string[]): Promise<unknown> => ask(() => executeRedis(scene, args), false)
      return redisStore({ send, clock: world.clock, cluster: world.topology === 'cluster', batch: world.batch })
    }
    const inVain = (): void => {
      mark('swapped in vain')
      tell(`${name}: swapped in vain`)
    }
    return casStore({ storage: casModel(scene.server, execute => ask(execute, true), inVain) })
  }

  function probed(store: Store<true>): Store<true> {
    return {
      take(metered, now) {
        const request = self.asking!
        request.store = 'waits'
        const said = store.take(metered, now) as Promise<MeteredDecision>
        said.then(
          decision => {
            requestOf.set(decision, request)
            request.store = decision.kind === 'allowed' ? 'allowed' : 'refused'
            tell(`${name}: the store says ${decision.kind} to ${request.id}`)
            if (decision.at > Math.floor(now)) mark('judged later than its clock')
            if (decision.kind === 'allowed') {
              if (request.outcome === 'answered') mark(`late answer, and it was ${degreeOf(request.decision)}`)
            } else if (decision.limitedBy === 'stage' || decision.limitedBy === 'account') {
              mark('refused by what clients share')
              if (audit.gifts > request.giftsBefore && world.topology !== 'redis')
                mark('given back, since a shared limit refused')
            }
          },
          (error: unknown) => {
            request.store = error instanceof StoreError && error.executed === 'no' ? 'not' : 'unknown'
            if (request.store === 'not') mark('certainly nothing was done')
            tell(`${name}: the store fails ${request.id}: ${(error as Error).message.slice(0, 60)}`)
            if (!(error instanceof StoreError)) audit.fail(`a bug: ${(error as Error).stack}`)
          },
        )
        return said
      },
      peek: (metered, now) => store.peek(metered, now),
      ...(store.usage && { usage: query => store.usage!(query) }),
      giveBack(taken: Allowed, now) {
        const request = requestOf.get(taken)!
        if (request.back !== 'no') audit.fail(`request ${request.id}: given back twice`)
        request.back = 'asked'
        if (!request.backByClient) mark('late answer, given back')
        tell(`${name}: ${request.id} is given back`)
        return store.giveBack(taken, now).then(() => {
          request.back = 'done'
          if (audit.windowOf(request.key) === taken.state?.window) return
          const { id } = request.key
          scene.missedGifts.set(id, (scene.missedGifts.get(id) ?? 0) + request.cost)
        })
      },
    }
  }

  function probedMemory({ store, used }: Memory): Store<false> {
    const count = (request: Request, at: number, cost: number): void => {
      const name = `${request.key.id} ${Math.floor(at / DAY)}`
      used.set(name, (used.get(name) ?? 0) + cost)
    }
    return {
      take(metered, now) {
        const request = self.asking!
        request.store = 'not'
        if (memory!.broken) throw new StoreError('broken', { transient: true, executed: 'no' })
        const decision = store.take(metered, now)
        requestOf.set(decision, request)
        request.store = decision.kind === 'allowed' ? 'allowed' : 'refused'
        if (decision.kind === 'allowed') count(request, decision.at, request.cost)
        return decision
      },
      peek: (metered, now) => store.peek(metered, now),
      giveBack(taken, now) {
        const request = requestOf.get(taken)
        // Taken of the process before it: its client cannot give it back here.
        if (request === undefined) return
        store.giveBack(taken, now)
        count(request, taken.at, -request.cost)
        request.back = 'done'
      },
    }
  }

  const after: GuardedOptions['after'] = (ms, run) => timeline.after(ms, () => void (self.isOver || run()))
  const options: GuardedOptions = {
    onStoreError: world.onStoreError,
    deadline: world.deadline,
    failures: world.failures,
    successes: world.successes,
    pause: 500,
    onOutage({ state }) {
      mark(state === 'began' ? 'breaker opened' : 'breaker closed')
      tell(`${name}: outage ${state}`)
    },
    after,
  }
  const guard: GuardedStore<boolean> =
    memory === null ? guarded(probed(remoteStore()), options) : guarded(probedMemory(memory), options)
  const gate = createGate<boolean>({
    catalog: scene.catalog,
    store: guard,
    clock: () => {
      const now = clock.read()
      if (!scene.stampedByServer) audit.clockSaid(Math.floor(now))
      return now
    },
    onDecision(decision) {
      if (decision.kind === 'store-unavailable') {
        said.refused++
        if (decision.reason === 'deadline') said.deadline++
      } else if ('degraded' in decision && decision.degraded !== undefined) said[decision.degraded]++
    },
  })
  const shared: SharedCatalog = sharedCatalog({
    log: watched(
      redisCatalogLog({
        send: args =>
          catalogLink.call(
            () => scene.catalogRedis.execute(args),
            () => undefined,
            false,
          ),
      }),
    ),
    gate,
    deadline: CATALOG_DEADLINE,
    after,
    onRefused: error => audit.fail(`what was published is refused: ${(error as Error).message}`),
  })

  /** What an answer that came in time says was published has to be in force then. */
  function watched(log: CatalogLog): CatalogLog {
    return {
      append: log.append,
      async since(version) {
        const asked = timeline.now
        const entries = await log.since(version)
        if (timeline.now < asked + CATALOG_DEADLINE)
          heard = Math.max(heard, (entries as Exclude<typeof entries, 'lost'>).at(-1)?.version ?? 0)
        return entries
      },
    }
  }

  /** What an answer of the log has told it is in force. */
  function follow(): void {
    const { version } = shared
    if (version < catalog) audit.fail(`${name}: serves catalog ${version} after ${catalog}`)
    if (version < heard) audit.fail(`${name}: has heard of catalog ${heard}, and serves ${version}`)
    if (version !== catalog) tell(`${name}: serves catalog ${version}`)
    catalog = version
  }

  function check(): void {
    const { counts } = guard
    const pairs = [
      ['refused', counts.refused, said.refused],
      ['allowed', counts.allowed, said.allow],
      ['local', counts.local, said.local],
      ['thrown', counts.thrown, self.thrown],
    ] as const
    for (const [what, counted, seen] of pairs)
      if (counted !== seen) audit.fail(`${name}: counts ${counted} ${what}, and there were ${seen}`)
    if (world.onStoreError === 'refuse' && counts.late !== said.deadline)
      audit.fail(`${name}: counts ${counts.late} late, and there were ${said.deadline}`)
    for (const [whose, charges] of self.charges) {
      const kept = charges.filter(({ request }) => request.back === 'no')
      const share = whose.startsWith('local') && typeof world.onStoreError === 'object' ? world.onStoreError.local : 1
      audit.keepsShare(`${name} ${whose}`, kept, kept[0]?.request.key.plan ?? world.plans[0]!, share)
    }
    if (memory !== null) checkUsage(memory)
  }

  function checkUsage({ store, used }: Memory): void {
    const kept = new Map<string, number>()
    for (const { id, plan } of world.keys) {
      for (const entry of store.usage({ planId: plan.id, keyIds: [id], from: -Infinity, to: Infinity }))
        kept.set(`${entry.keyId} ${Math.floor(entry.day / DAY)}`, entry.used)
    }
    for (const name of new Set([...used.keys(), ...kept.keys()])) {
      const [has, should] = [kept.get(name) ?? 0, used.get(name) ?? 0]
      if (has !== should) audit.fail(`the usage of ${name} is ${has}, and ${should} were admitted`)
    }
  }

  const self: Process = {
    name,
    place,
    gate,
    guard,
    clock,
    link,
    catalogLink,
    memory,
    charges: takesOver && before !== undefined ? before.charges : new Map(),
    waiting: new Set(),
    get catalog() {
      follow()
      return catalog
    },
    isOver: false,
    asking: null,
    unanswered: 0,
    thrown: 0,
    poll: () =>
      shared.poll().then(follow, (error: unknown) => {
        if (error instanceof TypeError) audit.fail(`a bug: ${error.stack}`)
      }),
    publish: change =>
      shared.publish(change).then(follow, (error: unknown) => {
        mark('publication lost, or its answer')
        if (error instanceof TypeError) audit.fail(`a bug: ${error.stack}`)
      }),
    end() {
      if (self.waiting.size > 0) mark('process ended with requests in flight')
      if (self.unanswered > 0) mark('process ended between a charge and its answer')
      for (const request of self.waiting) {
        request.outcome = 'lost'
        if (request.store === 'waits') request.store = 'unknown'
      }
      self.isOver = link.isOver = catalogLink.isOver = true
      check()
      tell(`${name}: ends`)
    },
    check,
  }
  tell(`${name}: starts`)
  scene.processes[place] = self
  return self
}

function hostClock({ timeline, random, world }: Scene): HostClock {
  return new HostClock(timeline, random.whole(-world.skew, world.skew), random.whole(-200, 200))
}

function memoryOf(before: Memory | null): Memory {
  const records = memoryStore()
  const store = withUsage(records)
  if (before !== null) {
    // As a process does that is told to end: what it remembers goes through JSON.
    records.restore(JSON.parse(JSON.stringify(before.records.snapshot())))
    store.restoreUsage(JSON.parse(JSON.stringify(before.store.usageSnapshot())))
  }
  return { records, store, used: before?.used ?? new Map(), broken: false }
}

function executeRedis(scene: Scene, args: readonly string[]): unknown {
  const { refusal, timeline, redis, server, audit, mark } = scene
  if (refusal !== null && timeline.now < refusal.until) {
    mark(refusal.error.split(' ')[0]!)
    throw new Error(refusal.error)
  }
  if (/"asks":\[\[.*\],\[/.test(args.at(-1)!)) mark('several requests in a call')
  if (scene.stampedByServer) audit.clockSaid(Math.floor(server.clock))
  try {
    const reply = redis.execute(args)
    if (Array.isArray(reply) && reply.some(said => typeof said === 'string' && said.includes('OOM'))) mark('OOM')
    return reply
  } catch (error) {
    if (/^NOSCRIPT/.test((error as Error).message)) mark(scene.wasDown ? 'NOSCRIPT after a crash' : 'NOSCRIPT')
    throw error
  }
}

function degreeOf(decision: Decision | null): string {
  if (decision === null || !decision.admitted) return 'refused'
  return 'admitted without the store'
}
