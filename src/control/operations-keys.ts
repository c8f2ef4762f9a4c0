// API keys: create, get, list, update, delete, import. Floor 4: pure.
// Source: AWS API Gateway, API_ApiKey and its operations; messages as recorded on AWS.

import type { Catalog } from '../core/catalog.ts'
import { importKeyFile } from '../core/key-file.ts'
import { type ApiKey, isId, isKeyValue } from '../core/plan.ts'
import { noteKeyChange } from './change.ts'
import { badRequest, notFound, refuse } from './fault.ts'
import { bounded, boundedText, flagOf, given, listOf, tagsOf, textOf } from './input.ts'
import { withKeys, withoutKey } from './key-edits.ts'
import { followOrder, keysAfter } from './key-order.ts'
import { type Answer, type Input, type Operation, operation, reading } from './operation.ts'
import { limitOf, placeOf, positionOf } from './page.ts'
import { applied, flagIn, invalidPath, type Patch, patchesOf, valueIn } from './patch.ts'
import type { World } from './world.ts'

const NAME = 'Invalid API Key name, can be at most 1024 characters.'
const DESCRIPTION = 'Invalid API Key description specified.'
const CUSTOMER = 'Invalid API Key customerId, can be at most 1024 characters.'

/** The key of that id. */
export function keyOf(catalog: Catalog, id: string): ApiKey {
  return catalog.apiKeys.get(id) ?? notFound('Invalid API Key identifier specified')
}

/** An id that is not taken, within 16 tries. */
export function freshId(world: World, length: number, isTaken: (id: string) => boolean): string {
  for (let i = 0; i < 16; i++) {
    const id = world.newId(length)
    if (isId(id) && !isTaken(id)) return id
  }
  throw new RangeError('world.newId: expected an id that is not taken, received none in 16 tries')
}

/** What of a key is shown where. Values: only where a caller asks; tags: in each place as AWS has them. */
function viewOf(key: ApiKey, show: { readonly value?: boolean; readonly tags: 'always' | 'if any' | 'never' }): Answer {
  return {
    id: key.id,
    value: show.value ? key.value : undefined,
    name: key.name || undefined,
    customerId: key.customerId || undefined,
    description: key.description || undefined,
    enabled: key.enabled,
    createdDate: key.createdDate,
    lastUpdatedDate: key.lastUpdatedDate ?? key.createdDate,
    stageKeys: [],
    tags: show.tags === 'always' ? (key.tags ?? {}) : show.tags === 'if any' ? key.tags : undefined,
  }
}

function checkValue(value: string): string {
  if (value.length < 20) badRequest('API Key value should be at least 20 characters')
  if (value.length > 128) badRequest('API Key value exceeds maximum size of 128 characters')
  return isKeyValue(value) ? value : badRequest('API Key value can only have A-Z a-z 0-9 - . _ ~ + / =')
}

/** Without `enabled` a key is made disabled, as recorded on AWS. */
export const createApiKey: Operation = operation((catalog, input, world) => {
  const name = boundedText(input, 'name', 1024, NAME)
  const description = boundedText(input, 'description', 125_000, DESCRIPTION)
  const customerId = boundedText(input, 'customerId', 1024, CUSTOMER)
  const asked = textOf(input, 'value')
  const value = asked ? checkValue(asked) : world.newValue()
  if ((listOf(input, 'stageKeys') ?? []).length > 0) {
    badRequest('stageKeys is not supported: add the key to a usage plan of the stage')
  }
  flagOf(input, 'generateDistinctId')
  if (catalog.apiKeys.withValue(value) !== undefined) refuse('ConflictException', 'API Key already exists')
  const key = given<ApiKey>({
    id: freshId(world, 10, id => catalog.apiKeys.get(id) !== undefined),
    value,
    name: name || undefined,
    description: description || undefined,
    enabled: flagOf(input, 'enabled') ?? false,
    customerId: customerId || undefined,
    usagePlanIds: [],
    createdDate: world.now,
    lastUpdatedDate: world.now,
    tags: tagsOf(input),
  })
  return { catalog: withKeys(catalog, [key], [key]), answer: viewOf(key, { value: true, tags: 'if any' }) }
})

export const getApiKey: Operation = reading((catalog, input) =>
  viewOf(keyOf(catalog, textOf(input, 'apiKey') ?? ''), {
    value: flagOf(input, 'includeValue') ?? false,
    tags: 'always',
  }),
)

/** Keys that one page looks at, where a filter passes over most of them: then it is short and has a position. */
const LOOKED_AT = 50_000

/** A page of keys, newest first, of those that fit. */
export function keysPage(
  catalog: Catalog,
  input: Input,
  collection: string,
  fits: (key: ApiKey) => boolean,
): { readonly keys: readonly ApiKey[]; readonly position: string | undefined } {
  const limit = limitOf(input)
  const keys: ApiKey[] = []
  let seen: ApiKey | undefined
  let looked = 0
  for (const key of keysAfter(catalog.apiKeys, placeOf(input, collection))) {
    const isShown = fits(key)
    if (seen !== undefined && (looked === LOOKED_AT || (isShown && keys.length === limit))) {
      return { keys, position: positionOf(collection, [String(seen.createdDate ?? 0), seen.id]) }
    }
    looked++
    if (isShown) keys.push(key)
    seen = key
  }
  return { keys, position: undefined }
}

/** A literal, case-sensitive prefix, as recorded on AWS. */
export function nameFilter(input: Input): (key: ApiKey) => boolean {
  const prefix = textOf(input, 'nameQuery')
  return prefix ? ({ name = '' }) => name.startsWith(prefix) : () => true
}

export const getApiKeys: Operation = reading((catalog, input) => {
  const hasName = nameFilter(input)
  const customerId = textOf(input, 'customerId')
  const value = flagOf(input, 'includeValues') ?? false
  const { keys, position } = keysPage(
    catalog,
    input,
    'apikeys',
    key => hasName(key) && (!customerId || key.customerId === customerId),
  )
  return { position, item: keys.map(key => viewOf(key, { value, tags: 'if any' })) }
})

/** In the order of the recorded message. */
const REPLACED = ['/description', '/enabled', '/name', '/customerId']

function patched(key: ApiKey, patch: Patch): ApiKey {
  if (patch.op !== 'replace') return invalidPath(patch, [])
  switch (patch.path) {
    case '/name':
      return { ...key, name: bounded(valueIn(patch), 1024, NAME) }
    case '/description':
      return { ...key, description: bounded(valueIn(patch), 125_000, DESCRIPTION) }
    case '/enabled':
      return { ...key, enabled: flagIn(patch) }
    case '/customerId':
      return { ...key, customerId: bounded(valueIn(patch), 1024, CUSTOMER) }
    default:
      return invalidPath(patch, REPLACED)
  }
}

export const updateApiKey: Operation = operation((catalog, input, world) => {
  const patches = patchesOf(input, 'updateApiKey')
  const old = keyOf(catalog, textOf(input, 'apiKey') ?? '')
  const changed = applied(patches, old, patched)
  const key = changed === old ? old : withoutEmpty({ ...changed, lastUpdatedDate: world.now })
  return { catalog: withKeys(catalog, [key], []), answer: viewOf(key, { tags: 'always' }) }
})

/** Empty text is none. */
function withoutEmpty({ name, description, customerId, ...rest }: ApiKey): ApiKey {
  return given<ApiKey>({
    ...rest,
    name: name || undefined,
    description: description || undefined,
    customerId: customerId || undefined,
  } as ApiKey)
}

export const deleteApiKey: Operation = operation((catalog, input) => {
  const { id } = keyOf(catalog, textOf(input, 'apiKey') ?? '')
  return { catalog: withoutKey(catalog, id), answer: null }
})

/** The key file (core/key-file.ts) in the body: all of it, or with `failonwarnings` nothing at the first warning. */
export const importApiKeys: Operation = operation((catalog, input, world) => {
  const format = textOf(input, 'format')
  if (format !== 'csv') {
    refuse(
      'ValidationException',
      `1 validation error detected: Value ${format === undefined ? 'null' : `'${format}'`} at 'importApiKeysInput.format' failed to satisfy constraint: Member must satisfy enum value set: [csv]`,
    )
  }
  const result = importKeyFile(catalog, textOf(input, 'body') ?? '', {
    onWarnings: flagOf(input, 'failOnWarnings') ? 'fail' : 'ignore',
    newId: () => world.newId(10),
    now: world.now,
  })
  if (!result.ok) return badRequest(result.message)
  const { ids } = result
  // First all of the new table, then all of the old: by turns, each would be made out of the other again and again.
  const keys = ids.map(id => result.catalog.apiKeys.get(id) as ApiKey)
  const before = ids.map(id => catalog.apiKeys.get(id))
  const added = keys.filter((_, i) => before[i] === undefined)
  const put = keys.filter((key, i) => key !== before[i]).map(({ id }) => id)
  const answer = { ids, warnings: result.warnings.map(({ message }) => message) }
  const counts = { imported: added.length, updated: put.length - added.length, unchanged: ids.length - put.length }
  if (put.length === 0) return { catalog, answer, counts }
  noteKeyChange(catalog.apiKeys, result.catalog.apiKeys, { put, remove: [] })
  followOrder(catalog.apiKeys, result.catalog.apiKeys, added)
  return { catalog: result.catalog, answer, counts }
})
