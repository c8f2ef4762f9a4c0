// Where stages are called. Floor 4: pure. AWS calls each under its name, `/dev/pets`; here that is a base path mapping,
// which comes and goes with the stage. Mappings that somebody wrote into the catalog stay as they are.

import type { Api, BasePathMapping } from '../core/api.ts'
import type { Catalog } from '../core/catalog.ts'

type Place = Pick<BasePathMapping, 'apiId' | 'stage'>

/**
 * The catalog with this stage in it and called under its name, or under its API's id and its name where another stage is
 * called by that name. The one stage that was alone before, and called without a word, goes on to be.
 */
export function withAddress(before: Catalog, after: Catalog, place: Place): Catalog {
  const isOf = ({ apiId, stage }: Place): boolean => apiId === place.apiId && stage === place.stage
  if (stagesOf(before).some(isOf) || before.basePathMappings.some(isOf)) return after
  const kept = addressesOf(before)
  const isTaken = kept.some(({ domainName, basePath }) => domainName === undefined && basePath === place.stage)
  const basePath = isTaken ? `${place.apiId}/${place.stage}` : place.stage
  return { ...after, basePathMappings: [...kept, { basePath, ...place }] }
}

/** Where stages are called: the catalog's mappings, or the root for the one stage there is where it has none. */
export function addressesOf(catalog: Catalog): readonly BasePathMapping[] {
  const there = stagesOf(catalog)
  return catalog.basePathMappings.length === 0 && there.length === 1 ? there : catalog.basePathMappings
}

/** The catalog without the mappings to a stage, or to any stage of an API. */
export function withoutAddress(catalog: Catalog, goes: (place: Place) => boolean): Catalog {
  if (!catalog.basePathMappings.some(goes)) return catalog
  const left = catalog.basePathMappings.filter(mapping => !goes(mapping))
  // The one stage that is left at the root needs no word.
  const [first] = left
  const isPlain = left.length === 1 && first?.basePath === undefined && first?.domainName === undefined
  const isAlone = stagesOf(catalog).filter(place => !goes(place)).length === 1
  return { ...catalog, basePathMappings: isPlain && isAlone ? [] : left }
}

const stagesOf = ({ apis }: { readonly apis: readonly Api[] }): Place[] =>
  apis.flatMap(({ id, stages }) => stages.map(({ stageName }) => ({ apiId: id, stage: stageName })))
