// One seed, one history: several processes on one store, clocks that are wrong, a network that loses, servers that crash
// and processes that end. The engine is the one that is shipped; time, network and servers are models. What must never
// be is the auditor's to find (audit.ts), what must be reached is in markers.ts.

import { catalogOf } from '../../src/core/check.ts'
import type { Allowed, Decision } from '../../src/core/decision.ts'
import { StoreError } from '../../src/errors.ts'
import type { CatalogChange } from '../../src/stores/catalog-log.ts'
import { Audit, type Request } from './audit.ts'
import { mishapsOf } from './mishaps.ts'
import { NO_FAULTS, networkOf } from './network.ts'
import { type Process, startProcess } from './process.ts'
import { Random } from './random.ts'
import { redisModel } from './redis-model.ts'
import type { Scene } from './scene.ts'
import { Server, type Witness } from './server.ts'
import { Timeline } from './timeline.ts'
import { DAY, documentOf, HOUR, type Key, type World, worldOf } from './world.ts'

export interface History {
  readonly seed: number
  /** Of everything that happened, in its order. */
  readonly hash: string
  readonly failures: readonly string[]
  readonly marks: ReadonlySet<string>
  readonly requests: number
  /** What happened, a line each, where it was asked for. */
  readonly lines: readonly string[]
}

const UNKNOWN_VALUE = 'a-value-that-nobody-was-ever-given'

export async function historyOf(seed: number, isTold = false): Promise<History> {
  const told = teller(isTold)
  const scene = sceneOf(new Random(seed), told)
  told.tell(JSON.stringify(scene.world))
  try {
    await course(scene)
  } catch (error) {
    scene.audit.fail(`it threw ${(error as Error).stack}`)
  }
  const { audit } = scene
  return {
    seed,
    hash: told.hash(),
    failures: audit.failures,
    marks: told.marks,
    requests: audit.requests.length,
    lines: told.lines,
  }
}

function teller(isTold: boolean) {
  const lines: string[] = []
  const marks = new Set<string>()
  let hash = 0x811c9dc5
  return {
    lines,
    marks,
    hash: () => (hash >>> 0).toString(16).padStart(8, '0'),
    tell(line: string): void {
      for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193)
      if (isTold) lines.push(line)
    },
  }
}

function sceneOf(random: Random, told: ReturnType<typeof teller>): Scene {
  const world = worldOf(random)
  const timeline = new Timeline(world.start)
  const mark = (what: string): void => void told.marks.add(what)
  const tell = (what: string): void => told.tell(`${String(timeline.now - world.start).padStart(9)}  ${what}`)
  const processes: Process[] = []
  const stampedByServer = world.topology !== 'cas' && world.topology !== 'memory' && world.clock === 'server'
  const truths: (readonly boolean[])[] = [world.keys.map(() => true)]

  function clocks(ago: number): readonly [number, number] {
    if (stampedByServer) return [server.clock - ago, server.clock - ago]
    const hosts = processes.map(({ clock }) => clock.read() - ago)
    return [Math.min(...hosts), Math.max(...hosts)]
  }
  const audit = new Audit({
    world,
    now: () => timeline.now,
    clocks,
    wereClocksSet: () => scene.wereClocksSet,
    mark,
  })
  const log: Witness = {
    wrote(key, _, after) {
      if (!key.endsWith(':entries') || after === undefined) return
      const change = JSON.parse((after.value as readonly string[]).at(-1)!) as CatalogChange
      truths.push(truthAfter(world, truths.at(-1)!, change))
      tell(`log: catalog ${truths.length - 1}`)
      if (change.kind === 'catalog') mark('plans edited')
      if (processes.some(({ waiting }) => waiting.size > 0)) mark('catalog changed in flight')
    },
    expired: key => audit.fail(`${key}: expired`),
    lost: key => audit.fail(`${key}: lost`),
  }
  const server: Server = new Server(timeline, random, audit, world.persistence, random.whole(-world.skew, world.skew))
  audit.serverOffset = server.offset
  const catalogServer = new Server(timeline, random, log, 'always')
  const scene: Scene = {
    world,
    catalog: catalogOf(documentOf(world, 0, truths[0]!)),
    timeline,
    random,
    audit,
    network: networkOf(timeline, random, world.faults),
    server,
    redis: redisModel(server),
    catalogServer,
    catalogRedis: redisModel(catalogServer),
    truths,
    processes,
    started: 0,
    stampedByServer,
    refusal: null,
    wereClocksSet: false,
    wasDown: false,
    isQuiet: false,
    missedGifts: new Map(),
    mark,
    tell,
  }
  return scene
}

function truthAfter({ keys }: World, before: readonly boolean[], change: CatalogChange): boolean[] {
  const put: Iterable<unknown> = change.kind === 'edit' ? change.put : (change.document.apiKeys ?? [])
  const enabled = new Map(([...put] as { id: string; enabled: boolean }[]).map(key => [key.id, key.enabled]))
  return keys.map(({ id }, i) => enabled.get(id) ?? before[i]!)
}

// ── the course of it ──

async function course(scene: Scene): Promise<void> {
  const { world, timeline, random, server, audit } = scene
  for (let place = 0; place < world.gates; place++) void startProcess(scene, place).poll()
  await timeline.runUntil(timeline.now + 1000)
  for (let phases = random.pick([1, 1, 2]); phases > 0; phases--) {
    const length = random.whole(2000, 7000)
    goWrong(scene, length)
    askAround(scene, length)
    lookAround(scene, length)
    await timeline.runUntil(timeline.now + length)
    if (phases === 1) break
    await timeline.runUntil(timeline.now + random.pick([10_000, 61 * 60_000, 3 * HOUR, 7 * HOUR, 25 * HOUR]))
    server.keys()
  }
  // What is on its way arrives, or not.
  await timeline.runUntil(timeline.now + 5000)
  await recovery(scene)
  audit.reconcile(scene.missedGifts)
  await checkUse(scene)
  await renewal(scene)
  for (const process of scene.processes) if (!process.isOver) process.check()
}

function goWrong(scene: Scene, length: number): void {
  const { timeline, random, world } = scene
  const mishaps = mishapsOf(scene)
  for (const what of world.happens) {
    for (let n = random.whole(0, 2); n > 0; n--) timeline.after(random.whole(0, length), mishaps[what])
  }
}

function askAround(scene: Scene, length: number): void {
  const { timeline, random, world, processes } = scene
  for (let n = random.whole(4, 11); n > 0; n--) {
    timeline.after(random.whole(0, length), () => {
      const process = random.pick(processes)
      for (let m = random.pick([1, 1, 2, 3, 6]); m > 0; m--) {
        const key = random.chance(0.04) ? null : random.pick(world.keys)
        void request(scene, process, key, random.pick(['/a', '/b']), random.chance(0.1) ? 2 : 1)
      }
    })
  }
}

function lookAround({ timeline, random, world, processes }: Scene, length: number): void {
  processes.forEach((_, place) => {
    for (let at = random.whole(0, world.poll); at < length; at += world.poll)
      timeline.after(at, () => void (processes[place]!.isOver || processes[place]!.poll()))
  })
}

/** Nothing goes wrong any more: after some seconds nobody is answered without the store, and all serve the same catalog. */
async function recovery(scene: Scene): Promise<void> {
  const { world, timeline, random, server, catalogServer, redis, network, processes, audit, tell } = scene
  tell('all is well again')
  network.faults = NO_FAULTS
  server.isUp = catalogServer.isUp = true
  redis.isFull = false
  scene.refusal = null
  for (const { place, isOver, clock, link, catalogLink } of [...processes]) {
    if (world.leaps) clock.offset = random.whole(-world.skew, world.skew)
    link.cutUntil = catalogLink.cutUntil = -Infinity
    if (isOver) startProcess(scene, place, processes[place])
    const { memory } = processes[place]!
    if (memory !== null) memory.broken = false
    void processes[place]!.poll()
  }
  if (world.leaps) {
    server.offset = audit.serverOffset = random.whole(-world.skew, world.skew)
    scene.wereClocksSet = true
  }
  // By keys that are enabled in every catalog that a process may still serve: the store is asked for no other.
  const keys = world.keys.filter((_, i) => scene.truths.every(isEnabled => isEnabled[i]))
  for (let ms = 200; ms <= 3800; ms += 600) {
    for (const { place } of processes) {
      const key = random.pick(keys.length > 0 ? keys : world.keys)
      timeline.after(ms, () => {
        const process = processes[place]!
        if (ms === 200 || process.guard.breaker !== 'closed') void request(scene, process, key, '/b', 1)
      })
    }
  }
  await timeline.runUntil(timeline.now + 5000)
  for (const process of processes) {
    if (keys.length > 0 && process.guard.breaker !== 'closed')
      audit.fail(`${process.name}: the breaker is still ${process.guard.breaker}`)
    if (process.catalog !== scene.truths.length - 1)
      audit.fail(`${process.name}: still serves catalog ${process.catalog} of ${scene.truths.length - 1}`)
    if (process.waiting.size > 0) audit.fail(`${process.name}: ${process.waiting.size} requests wait for ever`)
  }
  const catalogs = processes.map(({ gate }) =>
    JSON.stringify({ ...gate.catalog, apiKeys: [...gate.catalog.apiKeys].sort(byId) }),
  )
  if (new Set(catalogs).size > 1) audit.fail('processes serve different catalogs of one version')
}

async function checkUse({ world, timeline, processes, audit, missedGifts }: Scene): Promise<void> {
  const usage = processes[0]!.guard.usage
  if (usage === undefined || world.topology === 'memory') return
  const asked = world.keys.map(async key => {
    const entries = await usage({ planId: key.plan.id, keyIds: [key.id], from: -Infinity, to: Infinity })
    const used = entries.reduce((sum, { used }) => sum + used, 0)
    audit.checkUse(key, used, missedGifts.get(key.id) ?? 0)
  })
  await timeline.runUntil(timeline.now + 100)
  await Promise.all(asked)
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)

/** Days later everything is full and unused: of a burst exactly what the limits hold is admitted, and no more. */
async function renewal(scene: Scene): Promise<void> {
  const { world, timeline, random, server, network, processes, truths, audit, tell } = scene
  // A record that was stamped three days ahead, and not asked for since, holds what it held then until they are over.
  await timeline.runUntil(timeline.now + (world.leaps ? 4 : 2) * DAY + HOUR)
  server.keys()
  tell('days later')
  scene.isQuiet = true
  const isEnabled = truths.at(-1)!
  const key = random.pick(world.keys.filter((_, i) => isEnabled[i]))
  if (key === undefined) return
  // Where no key was enabled to try it with, the store may still not be asked.
  const process = processes.find(({ guard }) => guard.breaker === 'closed')
  if (process === undefined) return
  const { gate } = process
  const { throttle } = gate.catalog.usagePlans.find(({ id }) => id === key.plan.id)!
  const path = random.pick(['/a', '/b'] as const)
  const bursts = [
    throttle!.burstLimit,
    key.plan.quota ?? Infinity,
    path === '/a' ? (key.plan.method?.burst ?? Infinity) : Infinity,
    world.stage?.burst ?? Infinity,
    world.account?.burst ?? Infinity,
  ]
  const holds = Math.min(...bursts)
  const before = audit.requests.length
  // All at once, and in no time: no bucket earns anything, and no deadline passes.
  network.faults = { ...NO_FAULTS, latency: [0, 0] }
  for (let n = holds + 3; n > 0; n--) void request(scene, process, key, path, 1)
  await timeline.runUntil(timeline.now + 1000)
  const admitted = audit.requests.slice(before).filter(({ decision }) => decision?.admitted).length
  if (admitted !== holds) audit.fail(`${key.id} ${path}: days later ${admitted} are admitted of a burst of ${holds}`)
}

// ── one request ──

async function request(
  scene: Scene,
  process: Process,
  key: Key | null,
  path: '/a' | '/b',
  cost: number,
): Promise<void> {
  if (process.isOver) return
  const { world, audit, truths, mark, tell } = scene
  const isEnabled = key !== null && truths[process.catalog]![world.keys.indexOf(key)]!
  const request: Request = {
    id: audit.requests.length,
    key: key ?? world.keys[0]!,
    path,
    cost,
    asked: process.clock.read(),
    since: scene.timeline.now,
    outcome: 'waits',
    decision: null,
    store: 'not-asked',
    back: 'no',
    giftsBefore: audit.gifts,
    backByClient: false,
  }
  audit.requests.push(request)
  tell(`${process.name}: request ${request.id} ${key?.id ?? 'of nobody'} ${path} ${cost}`)
  if (process.guard.breaker === 'trying') mark('breaker tries')
  process.asking = request
  process.waiting.add(request)
  const apiKey = key?.value ?? UNKNOWN_VALUE
  try {
    const decision = await process.gate.admit({ method: 'GET', path, apiId: 'api', stage: 's', apiKey, cost })
    request.outcome = 'answered'
    request.decision = decision
    tell(`${process.name}: request ${request.id} is ${saidOf(decision)}`)
    if (isEnabled) judge(scene, process, request, decision)
    else refusedAtTheDoor(scene, request, decision, key === null ? 'unknown' : 'disabled')
  } catch (error) {
    request.outcome = 'thrown'
    process.thrown++
    mark('said instead: throw')
    tell(`${process.name}: request ${request.id} throws`)
    if (!(error instanceof StoreError) || world.onStoreError !== 'throw')
      audit.fail(`request ${request.id} threw ${(error as Error).stack}`)
  } finally {
    process.waiting.delete(request)
  }
}

function saidOf(decision: Decision): string {
  const { degraded, reason } = decision as { readonly degraded?: string; readonly reason?: string }
  return [decision.kind, degraded ?? reason ?? ''].join(' ').trim()
}

function refusedAtTheDoor({ audit, mark }: Scene, request: Request, decision: Decision, reason: string): void {
  mark(`${reason} key`)
  if (decision.kind !== 'invalid-api-key' || decision.reason !== reason)
    audit.fail(`request ${request.id}: ${decision.kind} to a key that is ${reason}`)
  if (request.store !== 'not-asked')
    audit.fail(`request ${request.id}: the store was asked for a key that is ${reason}`)
}

function judge(scene: Scene, process: Process, request: Request, decision: Decision): void {
  const { world, audit, mark } = scene
  const { onStoreError } = world
  switch (decision.kind) {
    case 'allowed':
      if (decision.degraded === undefined) {
        served(scene, process, request, decision)
        return
      }
      mark(`said instead: ${decision.degraded}`)
      if (decision.degraded === 'local') counts(process, `local ${request.key.id}`, request, decision.at)
      if (onStoreError !== decision.degraded && !(decision.degraded === 'local' && typeof onStoreError === 'object'))
        audit.fail(`request ${request.id}: admitted by ${decision.degraded}`)
      return
    case 'throttled':
    case 'quota-exceeded':
    case 'never-admitted':
      mark(decision.kind)
      if (decision.degraded === 'local') mark('said instead: local')
      else if (request.store !== 'refused') audit.fail(`request ${request.id}: refused, and the store did not say so`)
      return
    case 'store-unavailable':
      mark('said instead: refuse')
      if (decision.reason === 'not-asked') mark('not asked')
      return
    default:
      audit.fail(`request ${request.id}: ${decision.kind}`)
  }
}

function served(scene: Scene, process: Process, request: Request, decision: Allowed): void {
  const { audit, timeline, random, mark } = scene
  if (request.store !== 'allowed') audit.fail(`request ${request.id}: admitted, and the store did not say so`)
  if (process.memory === null) audit.answered(request, decision)
  else counts(process, `own ${request.key.id}`, request, decision.at)
  const day = (at: number): number => Math.floor(at / DAY)
  if (day(process.clock.read()) !== day(request.asked)) mark('window flipped in flight')
  if (scene.isQuiet || !random.chance(0.06)) return
  timeline.after(random.whole(0, 300), () => {
    if (process.isOver) return
    mark('given back by a client')
    request.backByClient = true
    const done = process.gate.giveBack(decision as Decision)
    if (done instanceof Promise) done.catch(() => undefined)
  })
}

function counts({ charges }: Process, whose: string, request: Request, at: number): void {
  const before = charges.get(whose) ?? []
  const last = before.at(-1)
  const segment = (last?.segment ?? 0) + (last !== undefined && at < last.at ? 1 : 0)
  charges.set(whose, [...before, { at, cost: request.cost, path: request.path, segment, request }])
}
