// The door of `tollgate/replay`: what a catalog would have said to requests that were made.

export { type EventsOptions, eventsOf, type LogEvent } from './events.ts'
export { FORMATS, type Format, formatOf } from './formats.ts'
export type { Said } from './line.ts'
export type { Mapping, Meaning } from './reading.ts'
export { type ReplayEdit, type Replayed, type ReplayOptions, type ReplayRequest, replay } from './replay.ts'
