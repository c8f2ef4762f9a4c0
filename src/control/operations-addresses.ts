// Base path mappings: where stages are called, beside the names they have by themselves (addresses.ts). Floor 4: pure.
// Source: AWS API Gateway, API_BasePathMapping and its operations. A domain is whatever host a request names, and needs no
// making; `*` stands for every host that no mapping names, which AWS has not.

import type { BasePathMapping } from '../core/api.ts'
import { type Catalog, stageOf } from '../core/catalog.ts'
import { isBasePath, isDomainName } from '../core/template.ts'
import { addressesOf } from './addresses.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import { given, requiredText, textOf } from './input.ts'
import { type Answer, type Input, type Operation, operation, reading } from './operation.ts'
import { pageAnswer } from './page.ts'

const ANY_HOST = '*'
/** How AWS writes that there is no base path. */
const NONE = '(none)'

const hostOf = ({ domainName = ANY_HOST }: Pick<BasePathMapping, 'domainName'>): string => domainName.toLowerCase()
const pathOf = ({ basePath = NONE }: Pick<BasePathMapping, 'basePath'>): string => basePath

function viewOf(mapping: BasePathMapping): Answer {
  return { basePath: pathOf(mapping), restApiId: mapping.apiId, stage: mapping.stage }
}

function ofDomain(catalog: Catalog, input: Input): readonly BasePathMapping[] {
  const domain = (textOf(input, 'domainName') ?? '').toLowerCase()
  return addressesOf(catalog).filter(mapping => hostOf(mapping) === domain)
}

function mappingOf(catalog: Catalog, input: Input): BasePathMapping {
  const basePath = textOf(input, 'basePath')
  return (
    ofDomain(catalog, input).find(mapping => pathOf(mapping) === basePath) ??
    notFound('Invalid base path mapping identifier specified')
  )
}

export const createBasePathMapping: Operation = operation((catalog, input) => {
  const domainName = textOf(input, 'domainName') ?? ''
  const isAny = domainName === ANY_HOST
  if (!isAny && !isDomainName(domainName)) badRequest('Invalid domain name specified: expected a host name, or *')
  const basePath = textOf(input, 'basePath') || NONE
  if (basePath !== NONE && !isBasePath(basePath)) {
    badRequest('Invalid base path specified: expected path segments without a slash at either end')
  }
  const apiId = requiredText(input, 'restApiId', 'createBasePathMapping')
  const stage = requiredText(input, 'stage', 'createBasePathMapping')
  if (stageOf(catalog, apiId, stage) === undefined) notFound('Invalid stage identifier specified')
  if (ofDomain(catalog, input).some(mapping => pathOf(mapping) === basePath)) {
    refuse('ConflictException', 'Base path already exists for this domain name')
  }
  const made = given<BasePathMapping>({
    domainName: isAny ? undefined : domainName,
    basePath: basePath === NONE ? undefined : basePath,
    apiId,
    stage,
  } as BasePathMapping)
  return { catalog: { ...catalog, basePathMappings: [...addressesOf(catalog), made] }, answer: viewOf(made) }
})

export const getBasePathMapping: Operation = reading((catalog, input) => viewOf(mappingOf(catalog, input)))

/** In the order they were made. */
export const getBasePathMappings: Operation = reading((catalog, input) => {
  const mappings = ofDomain(catalog, input)
  return pageAnswer(input, `domainnames/${textOf(input, 'domainName')}`, mappings, pathOf, viewOf)
})

/** A stage that is left without any is not called any more; the one stage there is answers at the root where none is. */
export const deleteBasePathMapping: Operation = operation((catalog, input) => {
  const { domainName, basePath } = mappingOf(catalog, input)
  const left = addressesOf(catalog).filter(other => other.domainName !== domainName || other.basePath !== basePath)
  if (left.length === 0) badRequest('The last base path mapping stays: create another one first')
  return { catalog: { ...catalog, basePathMappings: left }, answer: null }
})
