// The control plane's door: `tollgate/control`.

export { type AuthorizeOptions, authorizer } from './authorize.ts'
export { changeBetween, followChange } from './change.ts'
export type { Fault, FaultCode } from './fault.ts'
export { type Asked, type ControlOptions, controlHandler, type Published } from './handler.ts'
export { prepare } from './key-order.ts'
export type {
  Answer,
  Done,
  Input,
  Operation,
  Outcome,
} from './operation.ts'
export { type OperationName, operations } from './operations.ts'
export { type ControlRoute, routes } from './routes.ts'
export { type Credential, type SignatureOptions, type Verified, verifySignature } from './sigv4.ts'
export type { UsageSource } from './usage.ts'
export { type World, type WorldOptions, worldOf } from './world.ts'
