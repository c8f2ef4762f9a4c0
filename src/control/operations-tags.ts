// Tags of keys, plans, APIs and stages, by ARN. Floor 4: pure. Source: AWS API Gateway, API_TagResource and its like.

import type { Catalog } from '../core/catalog.ts'
import { putApi, putUsagePlan } from '../core/edits.ts'
import { badRequest, notFound } from './fault.ts'
import { checkTags, mapOf, textOf, textsOf } from './input.ts'
import { withKeys } from './key-edits.ts'
import { edited, type Input, type Operation, operation, reading } from './operation.ts'

type Tags = Readonly<Record<string, string>>

/** A thing's tags, and the catalog with others in their place. */
interface Tagged {
  readonly tags: Tags
  put(tags: Tags | undefined): Catalog
}

/** The thing with its tags replaced; without any it has no such member. */
function withTags<T extends { readonly tags?: Tags }>(thing: T, tags: Tags | undefined): T {
  const { tags: _, ...rest } = thing
  return (tags === undefined ? rest : { ...rest, tags }) as T
}

function taggedOf(catalog: Catalog, input: Input): Tagged {
  const arn = textOf(input, 'resourceArn') ?? ''
  const [, path] = /^arn:[a-z-]+:apigateway:[a-z0-9-]*::(\/.*)$/.exec(arn) ?? []
  if (path === undefined) return badRequest('Invalid ARN specified in the request')
  const [, kind, id = '', sub, name] = path.split('/')
  const api = catalog.apis.find(api => api.id === id)
  const key = catalog.apiKeys.get(id)
  const plan = catalog.usagePlans.find(plan => plan.id === id)
  if (kind === 'apikeys' && sub === undefined && key !== undefined) {
    return { tags: key.tags ?? {}, put: tags => withKeys(catalog, [withTags(key, tags)], []) }
  }
  if (kind === 'usageplans' && sub === undefined && plan !== undefined) {
    return { tags: plan.tags ?? {}, put: tags => edited(putUsagePlan(catalog, withTags(plan, tags))) }
  }
  if (kind === 'restapis' && sub === undefined && api !== undefined) {
    return { tags: api.tags ?? {}, put: tags => edited(putApi(catalog, withTags(api, tags))) }
  }
  const stage = sub === 'stages' ? api?.stages.find(stage => stage.stageName === name) : undefined
  if (kind === 'restapis' && api !== undefined && stage !== undefined) {
    const put = (tags: Tags | undefined): Catalog =>
      edited(
        putApi(catalog, { ...api, stages: api.stages.map(other => (other === stage ? withTags(stage, tags) : other)) }),
      )
    return { tags: stage.tags ?? {}, put }
  }
  return notFound('Invalid resource identifier specified')
}

export const getTags: Operation = reading((catalog, input) => ({ tags: taggedOf(catalog, input).tags }))

export const tagResource: Operation = operation((catalog, input) => {
  const added = mapOf(input, 'tags') ?? badRequest('Invalid tags: none were given')
  const { tags, put } = taggedOf(catalog, input)
  const all = { __proto__: null, ...tags, ...added } as unknown as Tags
  checkTags(all)
  return { catalog: put(all), answer: null }
})

export const untagResource: Operation = operation((catalog, input) => {
  const keys = textsOf(input, 'tagKeys') ?? badRequest('Invalid tagKeys: none were given')
  const { tags, put } = taggedOf(catalog, input)
  const left: Record<string, string> = Object.create(null)
  for (const key of Object.keys(tags)) if (!keys.includes(key)) left[key] = tags[key] as string
  return { catalog: put(Object.keys(left).length === 0 ? undefined : left), answer: null }
})
