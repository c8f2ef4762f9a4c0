// What goes wrong, by name: each is something that happens once.

import { startProcess } from './process.ts'
import type { Scene } from './scene.ts'
import { DAY, documentOf, HOUR, type Mishap } from './world.ts'

export function mishapsOf(scene: Scene): Readonly<Record<Mishap, () => void>> {
  const { world, timeline, random, audit, server, catalogServer, redis, processes, mark, tell } = scene
  const wrongBy = (): number =>
    world.leaps && random.chance(0.4)
      ? random.pick([-3 * HOUR, 2 * HOUR, 61 * 60_000, DAY, -DAY, 3 * DAY])
      : random.whole(-world.skew, world.skew)

  /** Redis, for a while after it came up. */
  function refuses(error: string, most: number): void {
    if (random.chance(0.5)) scene.refusal = { error, until: timeline.now + random.whole(0, most) }
  }

  function someProcess() {
    return random.pick(processes)
  }

  return {
    crash() {
      if (!server.isUp) return
      audit.losing = 'crash'
      const lost = server.crash()
      if (lost === 0) mark('crash that lost nothing')
      tell(`server: crashes, ${lost} writes are lost`)
      scene.wasDown = true
      if (random.chance(0.3)) catalogServer.crash()
      timeline.after(random.whole(50, 4000), () => {
        server.restart()
        catalogServer.restart()
        refuses('LOADING Redis is loading the dataset in memory', 800)
        tell('server: is up again')
      })
    },
    failover() {
      if (!server.isUp) return
      server.isUp = false
      tell('server: is gone')
      timeline.after(random.whole(100, 2500), () => {
        const offset = wrongBy()
        if (offset < server.offset) mark('failover to a clock that is behind')
        audit.losing = 'failover'
        const lost = server.failOver(random.whole(0, 3000), offset)
        audit.serverOffset = offset
        scene.wereClocksSet = scene.wasDown = true
        server.isUp = true
        refuses("READONLY You can't write against a read only replica.", 600)
        tell(`server: another takes over, ${lost} writes are lost`)
      })
    },
    partition() {
      const process = someProcess()
      const ms = random.whole(50, 3000)
      process.link.cutUntil = timeline.now + ms
      if (random.chance(0.5)) process.catalogLink.cutUntil = timeline.now + ms
      const { memory } = process
      if (memory !== null) {
        memory.broken = true
        timeline.after(ms, () => void (memory.broken = false))
      }
      tell(`${process.name}: is cut off for ${ms} ms`)
    },
    end() {
      const process = someProcess()
      if (process.isOver) return
      process.end()
      timeline.after(random.whole(10, 2000), () => {
        mark('process restarted')
        void startProcess(scene, process.place, process).poll()
      })
    },
    restart() {
      const process = someProcess()
      if (process.isOver || process.memory === null) return
      process.end()
      mark('process restarted from its snapshot')
      void startProcess(scene, process.place, process, true).poll()
    },
    clock() {
      const process = someProcess()
      const { offset } = process.clock
      process.clock.offset = wrongBy()
      scene.wereClocksSet = true
      if (process.clock.offset < offset) mark('clock set back')
      tell(`${process.name}: its clock was wrong by ${offset}, and is by ${process.clock.offset}`)
    },
    full() {
      redis.isFull = true
      timeline.after(random.whole(50, 1500), () => void (redis.isFull = false))
      tell('server: is full')
    },
    flush() {
      redis.flushScripts()
      tell('server: forgets its scripts')
    },
    catalog() {
      const process = someProcess()
      if (process.isOver) return
      const { id, value, plan } = random.pick(world.keys)
      const enabled = random.chance(0.6)
      tell(`${process.name}: publishes ${id}, ${enabled ? 'enabled' : 'disabled'}`)
      void process.publish({ kind: 'edit', put: [{ id, value, enabled, usagePlanIds: [plan.id] }], remove: [] })
    },
    edit() {
      const process = someProcess()
      if (process.isOver) return
      tell(`${process.name}: publishes a catalog`)
      const isEnabled = world.keys.map(() => random.chance(0.8))
      void process.publish({ kind: 'catalog', document: documentOf(world, random.whole(0, 1), isEnabled) })
    },
  }
}
