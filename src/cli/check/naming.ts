// Where a document, in full or in short form, says what the catalog made of it holds. Floor 5.

import { type Method, throttleKey } from '../../core/api.ts'
import { type At, isObject } from '../../core/readers.ts'
import type { StageLayout } from './layout.ts'

export interface Naming {
  readonly isShort: boolean
  plan(place: number): At
  apiStage(planPlace: number, apiStagePlace: number): At
  /** A plan's throttle of a method. */
  throttle(planPlace: number, apiStagePlace: number, method: Method): At
  stage(stage: StageLayout): At
  method(stage: StageLayout, place: number): At
  key(place: number): At
}

const FULL: Naming = {
  isShort: false,
  plan: place => ['usagePlans', place],
  apiStage: (planPlace, apiStagePlace) => ['usagePlans', planPlace, 'apiStages', apiStagePlace],
  throttle: (planPlace, apiStagePlace, { path, httpMethod }) => [
    ...FULL.apiStage(planPlace, apiStagePlace),
    'throttle',
    throttleKey(path, httpMethod),
  ],
  stage: ({ apiPlace, stagePlace }) => ['apis', apiPlace, 'stages', stagePlace],
  method: ({ apiPlace, deployment, deploymentPlace }, place) => [
    'apis',
    apiPlace,
    ...(deployment === null ? [] : ['deployments', deploymentPlace]),
    'methods',
    place,
  ],
  key: place => ['apiKeys', place],
}

/** The short form has one stage, which is the document, and names a method where it first needs it. */
function shortNaming({ requireKey, plans }: Readonly<Record<string, unknown>>): Naming {
  const names = (Array.isArray(requireKey) ? requireKey : []) as readonly string[]
  const throttles = ((Array.isArray(plans) ? plans : []) as readonly { readonly methods?: object }[]).map(
    ({ methods = {} }) => Object.keys(methods),
  )
  const nameAt = ({ httpMethod, path }: Method): At => {
    const name = `${httpMethod} ${path}`
    const spellings = httpMethod === 'ANY' ? [name, path] : httpMethod === 'HEAD' ? [name, `GET ${path}`] : [name]
    const place = names.findIndex(name => spellings.includes(name))
    if (place !== -1) return ['requireKey', place]
    const plan = throttles.findIndex(methods => methods.includes(name))
    return plan === -1 ? [] : ['plans', plan, 'methods', name]
  }
  return {
    isShort: true,
    plan: place => ['plans', place],
    apiStage: place => ['plans', place],
    throttle: (place, _, { httpMethod, path }) => ['plans', place, 'methods', `${httpMethod} ${path}`],
    stage: () => [],
    method: ({ methods }, place) => nameAt((methods[place] as StageLayout['methods'][number]).method),
    key: place => ['keys', place],
  }
}

/** @param document one that `check` takes, parsed */
export function namingOf(document: unknown): Naming {
  const isShort = isObject(document) && ['plans', 'keys', 'requireKey'].some(name => Object.hasOwn(document, name))
  return isShort ? shortNaming(document) : FULL
}
