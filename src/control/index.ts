// The control plane's door: `tollgate/control`.

export type { Fault, FaultCode } from './fault.ts'
export { type Asked, type ControlOptions, controlHandler, type Published } from './handler.ts'
export {
  type Answer,
  type Done,
  type Input,
  type KeyChange,
  keyChangeBetween,
  type Operation,
  type Outcome,
} from './operation.ts'
export { type OperationName, operations } from './operations.ts'
export { type ControlRoute, routes } from './routes.ts'
export { pairsOf, type UsageDay, type UsageSource } from './usage.ts'
export { type World, type WorldOptions, worldOf } from './world.ts'
