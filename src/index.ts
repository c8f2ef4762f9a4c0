// The front door.

export type {
  Account,
  Api,
  ApiKeySource,
  BasePathMapping,
  Deployment,
  HttpMethod,
  Method,
  MethodSetting,
  Stage,
} from './core/api.ts'
export { type ApiKeys, type Catalog, emptyCatalog, type Semantics, type WeekDay } from './core/catalog.ts'
export { CatalogError, type Checked, catalogOf, check } from './core/check.ts'
export { compile, type Index } from './core/compile.ts'
export { decide, giveBack, giveBackShared, type SharedStates } from './core/decide.ts'
export type {
  Allowed,
  BadRequest,
  Decision,
  InvalidApiKey,
  LimitName,
  LimitReport,
  MeteredDecision,
  MissingAuthenticationToken,
  NeverAdmitted,
  Open,
  QuotaExceeded,
  Refusal,
  StoreUnavailable,
  Throttled,
} from './core/decision.ts'
export type { CatalogDocument, MethodName, ShortDocument, ShortKey, ShortPlan } from './core/document.ts'
export {
  deploy,
  type EditFault,
  isFault,
  putApi,
  putApiKeys,
  putUsagePlan,
  removeApi,
  removeApiKeys,
  removeUsagePlan,
} from './core/edits.ts'
export { isGenerated, keyValueOf } from './core/key-value.ts'
export type { Metered } from './core/limits.ts'
export type { ApiKey, ApiStage, Period, Quota, Throttle, UsagePlan } from './core/plan.ts'
export type { Issue } from './core/readers.ts'
export { type ApiRequest, type Route, resolve } from './core/resolve.ts'
export {
  decodeState,
  type EncodedState,
  encodeState,
  forgettableFrom,
  isForgettable,
  type State,
  StateError,
} from './core/state.ts'
export { type Millis, TOKEN } from './core/units.ts'
export { ClockError, type ErrorCode, StoreError } from './errors.ts'
export { type Admission, type Clock, createGate, type Gate, type GateOptions } from './gate.ts'
export {
  type CatalogChange,
  type CatalogLog,
  memoryCatalogLog,
  type Published,
  type SharedCatalog,
  type SharedCatalogOptions,
  sharedCatalog,
  wholeOf,
} from './stores/catalog-log.ts'
export {
  type GuardCounts,
  type GuardedOptions,
  type GuardedStore,
  guarded,
  type OnStoreError,
  type Outage,
} from './stores/guarded.ts'
export { type MemoryStore, memoryStore, type Snapshot } from './stores/memory.ts'
export type { Answer, Store, UsageEntry, UsageQuery } from './stores/store.ts'
export { type UsageSnapshot, type UsageStore, withUsage } from './stores/usage.ts'
