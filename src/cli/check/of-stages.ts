// Findings about what is deployed and where requests come in. Floor 5: pure.

import type { Method } from '../../core/api.ts'
import type { Finding } from './finding.ts'
import type { Layout, StageLayout } from './layout.ts'
import type { Naming } from './naming.ts'
import { listWords, methodWords } from './words.ts'

export function* findingsOfStages({ catalog, stages }: Layout, naming: Naming): Generator<Finding> {
  for (const stage of stages) {
    const name = `${stage.api.id}/${stage.stage.stageName}`
    if (stage.addresses.length === 0 && catalog.basePathMappings.length > 0) {
      yield {
        severity: 'warning',
        code: 'stage-unmapped',
        where: { at: naming.stage(stage) },
        message: `no base path mapping leads to stage ${name}: only requests that say their apiId and stage are for it`,
        remedy: 'add a mapping, or remove the stage',
      }
    }
    if (stage.plans.length === 0 && stage.methods.some(({ method }) => method.apiKeyRequired)) {
      yield {
        severity: 'warning',
        code: 'stage-without-plans',
        where: { at: naming.stage(stage) },
        message: `no usage plan has stage ${name}, so nobody may call its methods that need a key`,
        remedy: 'add the stage to a plan',
      }
    }
    const differences = differencesOf(stage)
    if (differences.length > 0) {
      yield {
        severity: 'note',
        code: 'not-deployed',
        where: { at: naming.stage(stage) },
        message: `stage ${name} serves deployment ${stage.deployment?.id}; the API as it stands has ${listWords(differences, differences.length, 12)}`,
        remedy: 'deploy it, if that is meant to be in force',
      }
    }
  }
  yield* shadowedMappings(stages)
  for (const [apiPlace, api] of catalog.apis.entries()) {
    for (const [place, { id }] of api.deployments.entries()) {
      if (api.stages.some(({ deploymentId }) => deploymentId === id)) continue
      yield {
        severity: 'note',
        code: 'deployment-unused',
        where: { at: ['apis', apiPlace, 'deployments', place] },
        message: `no stage serves deployment ${id} of API ${api.id}`,
        remedy: 'leave it to roll back to, or remove it',
      }
    }
  }
}

/** A mapping through which no method of its stage is reached. */
function* shadowedMappings(stages: readonly StageLayout[]): Generator<Finding> {
  for (const { api, stage, addresses, methods } of stages) {
    if (methods.length === 0) continue
    for (const address of addresses) {
      if (address.mappingPlace === null || methods.some(({ reachedAt }) => reachedAt.includes(address))) continue
      yield {
        severity: 'warning',
        code: 'mapping-shadowed',
        where: { at: ['basePathMappings', address.mappingPlace] },
        message: `no method of stage ${api.id}/${stage.stageName} is reached at ${address.host ?? '*'}${address.basePath || '/'}: other mappings take its paths, or they are refused`,
        remedy: 'change its base path, or remove it',
      }
    }
  }
}

/** What an API as it stands has, compared with what the stage serves. */
function differencesOf({ api, deployment }: StageLayout): string[] {
  if (deployment === null) return []
  const served = new Map(deployment.methods.map(method => [methodWords(method), method]))
  const edited = new Map(api.methods.map(method => [methodWords(method), method]))
  const needs = ({ apiKeyRequired }: Method): string => (apiKeyRequired ? 'needing a key' : 'open')
  return [
    ...[...edited].flatMap(([name, method]) => {
      const other = served.get(name)
      if (other === undefined) return [`${name} added`]
      return other.apiKeyRequired === method.apiKeyRequired ? [] : [`${name} ${needs(method)}`]
    }),
    ...[...served.keys()].flatMap(name => (edited.has(name) ? [] : [`${name} removed`])),
    ...(api.apiKeySource === deployment.apiKeySource ? [] : [`the key from ${api.apiKeySource}`]),
  ]
}
