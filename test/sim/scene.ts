// What all of one history share: its world, its time, its chance, its servers, its auditor, and what is told of it.

import type { Catalog } from '../../src/core/catalog.ts'
import type { Audit } from './audit.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { RedisModel } from './redis-model.ts'
import type { Server } from './server.ts'
import type { Timeline } from './timeline.ts'
import type { World } from './world.ts'

export interface Scene {
  readonly world: World
  /** What every process starts with. */
  readonly catalog: Catalog
  readonly timeline: Timeline
  readonly random: Random
  readonly audit: Audit
  readonly network: Network
  /** Of the records. */
  readonly server: Server
  readonly redis: RedisModel
  /** Of the shared catalog's log: it keeps what it acknowledges. */
  readonly catalogServer: Server
  readonly catalogRedis: RedisModel
  /** After each entry of the log, from none on: which keys are enabled, by their place. */
  readonly truths: (readonly boolean[])[]
  /** One at each place, the latest. */
  readonly processes: Process[]
  /** How many there have been. */
  started: number
  /** Whether Redis stamps records by its own clock. */
  readonly stampedByServer: boolean
  /** What Redis answers instead, and until when. */
  refusal: { readonly error: string; readonly until: number } | null
  /** Whether a clock that stamps records was set. */
  wereClocksSet: boolean
  /** Whether a server came up again, and had forgotten its scripts. */
  wasDown: boolean
  /** Gifts back, by key, that found the window over which they were taken in: there they stay counted. */
  readonly missedGifts: Map<string, number>
  /** Whether clients give nothing back any more. */
  isQuiet: boolean
  /** A state was reached. */
  mark(what: string): void
  /** Something happened: a line of the history. */
  tell(what: string): void
}
