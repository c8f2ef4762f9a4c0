// What no single field can show: names given twice, names that lead nowhere, things that contradict. Floor 0: pure.

import { type Api, type Method, settingKey, throttleKey } from './api.ts'
import { ApiKeys, type Catalog } from './catalog.ts'
import { KeysById } from './keys-by-id.ts'
import { KeysByValue } from './keys-by-value.ts'
import type { ApiKey, UsagePlan } from './plan.ts'
import { type At, type Notes, nearestOf, quote, say } from './readers.ts'
import type { Parts } from './shapes.ts'
import { Table } from './table.ts'
import { parseTemplate } from './template.ts'

/** What the document calls its plans, keys and methods: in short form, otherwise. */
export interface Naming {
  readonly plans: string
  readonly keys: string
  /** Where a key's plan is named. */
  readonly planOfKey: (i: number) => At
  /** Where the path of an API's method is named. */
  readonly pathOfMethod: (api: number, i: number) => At
}

/** The catalog of what was read, and notes on what does not fit together. */
export function relate(parts: Parts, naming: Naming, notes: Notes): Catalog {
  const { version, account = {}, semantics = {}, apis = [], basePathMappings = [], usagePlans = [] } = parts
  relateApis(apis, naming, notes)
  const stages = new Map<string, readonly Method[]>()
  for (const api of apis) {
    for (const { stageName, deploymentId } of api.stages) {
      stages.set(
        `${api.id}/${stageName}`,
        api.deployments.find(({ id }) => id === deploymentId)?.methods ?? api.methods,
      )
    }
  }
  relateMappings(basePathMappings, stages, notes)
  if (stages.size > 1 && basePathMappings.length === 0) {
    notes.warn(
      [],
      'reference',
      'basePathMappings, with several stages',
      'none',
      'requests must say their apiId and stage, or none is found',
    )
  }
  relatePlans(usagePlans, stages, naming, semantics.quotaOffset === 'initial-requests', notes)
  const apiKeys = relateKeys(parts.apiKeys ?? [], usagePlans, naming, notes)
  return {
    ...(version === undefined ? {} : { version }),
    account,
    semantics,
    apis,
    basePathMappings,
    usagePlans,
    apiKeys,
  }
}

function relateApis(apis: readonly Api[], naming: Naming, notes: Notes): void {
  unique(
    apis,
    api => api.id,
    i => ['apis', i, 'id'],
    notes,
  )
  apis.forEach((api, i) => {
    relateApi(api, ['apis', i], j => naming.pathOfMethod(i, j), notes)
  })
}

/** What within one API does not fit together. */
export function relateApi(api: Api, at: At, pathOfMethod: (i: number) => At, notes: Notes): void {
  relateMethods(api.methods, j => [...at, 'methods', j], pathOfMethod, notes)
  unique(
    api.deployments,
    ({ id }) => id,
    j => [...at, 'deployments', j, 'id'],
    notes,
  )
  api.deployments.forEach(({ methods }, j) => {
    const atOf = (k: number): At => [...at, 'deployments', j, 'methods', k]
    relateMethods(methods, atOf, k => [...atOf(k), 'path'], notes)
  })
  unique(
    api.stages,
    ({ stageName }) => stageName,
    j => [...at, 'stages', j, 'stageName'],
    notes,
  )
  const deployments = api.deployments.map(({ id }) => id)
  api.stages.forEach(({ deploymentId, methodSettings = {} }, j) => {
    if (deploymentId !== undefined && !deployments.includes(deploymentId)) {
      leadsNowhere([...at, 'stages', j, 'deploymentId'], 'a deployment of this API', deploymentId, deployments, notes)
    }
    const methods = api.deployments.find(({ id }) => id === deploymentId)?.methods ?? api.methods
    const known = methods.map(({ path, httpMethod }) => settingKey(path, httpMethod))
    for (const name of Object.keys(methodSettings)) {
      if (name === '*/*' || known.includes(name)) continue
      const remedy = nearestOf(name, known, 'it never binds')
      notes.warn(
        [...at, 'stages', j, 'methodSettings', name],
        'reference',
        'a method of the stage',
        quote(name),
        remedy,
      )
    }
  })
}

function relateMethods(
  methods: readonly Method[],
  atOf: (i: number) => At,
  pathAt: (i: number) => At,
  notes: Notes,
): void {
  unique(methods, ({ httpMethod, path }) => `${httpMethod} ${path}`, atOf, notes)
  // As on AWS: at one place in the tree of resources a parameter has one name.
  const names = new Map<string, string>()
  methods.forEach(({ path }, i) => {
    const segments = parseTemplate(path)
    if (typeof segments === 'string') {
      notes.add(pathAt(i), 'conflict', 'a path template', quote(path), `it must ${segments}`)
      return
    }
    let place = ''
    for (const segment of segments) {
      if (segment.kind === 'literal') {
        place += `/${segment.text}`
        continue
      }
      place += segment.kind === 'parameter' ? '/{}' : '/{+}'
      const other = names.get(place) ?? segment.name
      names.set(place, other)
      if (other !== segment.name) {
        notes.add(
          pathAt(i),
          'conflict',
          `the name {${other}} that another method has here`,
          quote(path),
          'use one name',
        )
      }
    }
  })
}

function relateMappings(
  mappings: Catalog['basePathMappings'],
  stages: ReadonlyMap<string, unknown>,
  notes: Notes,
): void {
  const nameOf = ({ domainName = '*', basePath = '' }: Catalog['basePathMappings'][number]): string =>
    `${domainName.toLowerCase()}/${basePath}`
  unique(mappings, nameOf, i => ['basePathMappings', i], notes)
  mappings.forEach(({ apiId, stage }, i) => {
    const name = `${apiId}/${stage}`
    if (!stages.has(name)) leadsNowhere(['basePathMappings', i], 'an API stage', name, [...stages.keys()], notes)
  })
}

function relatePlans(
  plans: readonly UsagePlan[],
  stages: ReadonlyMap<string, readonly Method[]>,
  naming: Naming,
  needsDate: boolean,
  notes: Notes,
): void {
  unique(
    plans,
    ({ id }) => id,
    i => [naming.plans, i, 'id'],
    notes,
  )
  plans.forEach((plan, i) => {
    const at = [naming.plans, i]
    if (needsDate) relateDate(plan, at, notes)
    const nameOf = ({ apiId, stage }: UsagePlan['apiStages'][number]): string => `${apiId}/${stage}`
    unique(plan.apiStages, nameOf, j => [...at, 'apiStages', j], notes)
    plan.apiStages.forEach((apiStage, j) => {
      const methods = stages.get(nameOf(apiStage))
      if (methods === undefined) {
        leadsNowhere([...at, 'apiStages', j], 'an API stage', nameOf(apiStage), [...stages.keys()], notes)
        return
      }
      const known = methods.map(({ path, httpMethod }) => throttleKey(path, httpMethod))
      for (const name of Object.keys(apiStage.throttle ?? {})) {
        if (known.includes(name)) continue
        const remedy = nearestOf(name, known, 'it never binds')
        notes.warn([...at, 'apiStages', j, 'throttle', name], 'reference', 'a method of the stage', quote(name), remedy)
      }
    })
  })
}

/** Where `Semantics.quotaOffset` is `'initial-requests'` an offset counts from a date. */
export function relateDate({ quota, createdDate }: UsagePlan, at: At, notes: Notes): void {
  if ((quota?.offset ?? 0) === 0 || createdDate !== undefined) return
  const expected = 'the date from which the initial period counts'
  notes.add([...at, 'createdDate'], 'conflict', expected, 'nothing', 'add createdDate')
}

function relateKeys(keys: readonly ApiKey[], plans: readonly UsagePlan[], naming: Naming, notes: Notes): ApiKeys {
  const byId = new KeysById(keys.length)
  const byValue = new KeysByValue(keys.length)
  for (const key of keys) {
    byId.set(key.id, key)
    byValue.set(key.value, key)
  }
  // Of a million keys each is looked for once: a map that is short of one had it already.
  if (byId.size < keys.length || byValue.size < keys.length) noteTwins(keys, naming, notes)
  const planById = new Map(plans.map(plan => [plan.id, plan]))
  let sound: readonly string[] | null = null
  keys.forEach((key, i) => {
    // Keys of the same plans share their list (shapes.ts).
    if (key.usagePlanIds === sound) return
    const before = notes.issues.length
    relatePlansOfKey(key, i, planById, naming, notes)
    if (notes.issues.length === before) sound = key.usagePlanIds
  })
  return new ApiKeys(new Table(byId), new Table(byValue))
}

function noteTwins(keys: readonly ApiKey[], naming: Naming, notes: Notes): void {
  const ids = new Set<string>()
  const holders = new Map<string, string>()
  const remedy = 'change one of the two'
  keys.forEach(({ id, value }, i) => {
    const at = [naming.keys, i]
    if (ids.has(id)) notes.add([...at, 'id'], 'duplicate', 'an id of its own', say(at, id), remedy)
    const holder = holders.get(value)
    if (holder !== undefined) {
      notes.add([...at, 'value'], 'duplicate', 'a value of its own', `that of key ${say(at, holder)}`, remedy)
    }
    ids.add(id)
    holders.set(value, id)
  })
}

function relatePlansOfKey(
  { usagePlanIds }: ApiKey,
  i: number,
  plans: ReadonlyMap<string, UsagePlan>,
  naming: Naming,
  notes: Notes,
): void {
  for (const id of usagePlanIds) {
    if (!plans.has(id)) leadsNowhere(naming.planOfKey(i), 'the id of a usage plan', id, [...plans.keys()], notes)
  }
  if (usagePlanIds.length < 2) return
  const planOfStage = new Map<string, string>()
  for (const id of usagePlanIds) {
    for (const { apiId, stage } of plans.get(id)?.apiStages ?? []) {
      const name = `${apiId}/${stage}`
      const other = planOfStage.get(name)
      planOfStage.set(name, id)
      if (other === undefined) continue
      const received = other === id ? `${id} twice` : `${other} and ${id} for ${name}`
      notes.add(naming.planOfKey(i), 'conflict', 'one usage plan for each API stage', received, 'remove one of the two')
      break
    }
  }
}

function unique<T>(items: readonly T[], nameOf: (item: T) => string, atOf: (i: number) => At, notes: Notes): void {
  const seen = new Set<string>()
  items.forEach((item, i) => {
    const name = nameOf(item)
    if (seen.has(name)) notes.add(atOf(i), 'duplicate', 'a name of its own', quote(name), 'remove one of the two')
    seen.add(name)
  })
}

function leadsNowhere(at: At, expected: string, name: string, known: readonly string[], notes: Notes): void {
  const otherwise = known.length === 0 ? 'there is none' : known.length < 8 ? `there are ${known.join(', ')}` : 'add it'
  // Nobody reads a hundred suggestions, and looking for one costs as much as there are names.
  const remedy = notes.issues.length < 100 ? nearestOf(name, known, otherwise) : otherwise
  notes.add(at, 'reference', expected, say(at, name), remedy)
}
