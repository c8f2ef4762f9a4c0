import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Api,
  type ApiKey,
  type Catalog,
  check,
  deploy,
  type EditFault,
  emptyCatalog,
  isFault,
  putApi,
  putApiKeys,
  putUsagePlan,
  removeApi,
  removeApiKeys,
  removeUsagePlan,
  type UsagePlan,
} from '../../src/index.ts'
import { gateOf } from '../gate-of.ts'

const secretOf = (name: string): string => `${name}-`.padEnd(20, 'x')

const keyOf = (id: string, fields: Partial<ApiKey> = {}): ApiKey => ({
  id,
  value: secretOf(id),
  enabled: true,
  usagePlanIds: [],
  ...fields,
})

const planOf = (id: string, ...stages: string[]): UsagePlan => ({
  id,
  apiStages: stages.map(stage => ({ apiId: 'petstore', stage })),
})

const PETSTORE: Api = {
  id: 'petstore',
  apiKeySource: 'HEADER',
  methods: [{ path: '/pets', httpMethod: 'GET', apiKeyRequired: false }],
  deployments: [],
  stages: [{ stageName: 'prod' }, { stageName: 'test' }],
}

function done(edited: Catalog | EditFault): Catalog {
  if (isFault(edited)) throw new Error(edited.message)
  return edited
}

/** Plans gold (prod), silver (prod) and trial (test); keys acme (gold) and bolt (gold, trial). */
function petstore(): Catalog {
  let catalog = done(putApi(emptyCatalog(), PETSTORE))
  for (const plan of [planOf('gold', 'prod'), planOf('silver', 'prod'), planOf('trial', 'test')]) {
    catalog = done(putUsagePlan(catalog, plan))
  }
  const keys = [keyOf('acme', { usagePlanIds: ['gold'] }), keyOf('bolt', { usagePlanIds: ['gold', 'trial'] })]
  return done(putApiKeys(catalog, keys))
}

/** What a catalog holds, whatever the order of its keys. */
function contentOf(catalog: Catalog): object {
  const apiKeys = [...catalog.apiKeys].sort((a, b) => (a.id < b.id ? -1 : 1))
  for (const key of apiKeys) {
    expect(catalog.apiKeys.get(key.id)).toBe(key)
    expect(catalog.apiKeys.withValue(key.value)).toBe(key)
  }
  expect(catalog.apiKeys.size).toBe(apiKeys.length)
  return { ...catalog, apiKeys }
}

it('has no key for what is no string', () => {
  const { apiKeys } = petstore()
  for (const junk of [undefined, null, 7, {}, ['acme']]) {
    expect(apiKeys.get(junk as string)).toBeUndefined()
    expect(apiKeys.withValue(junk as string)).toBeUndefined()
  }
})

describe('putting a key', () => {
  it('adds it, found by id and by value, and leaves the old catalog as it was', () => {
    const old = petstore()
    const before = contentOf(old)
    const key = keyOf('corp', { usagePlanIds: ['silver'] })
    const edited = done(putApiKeys(old, [key]))
    const put = edited.apiKeys.get('corp')
    expect(put).toEqual(key)
    expect(edited.apiKeys.withValue(key.value)).toBe(put)
    expect([...edited.apiKeys].map(({ id }) => id)).toEqual(['acme', 'bolt', 'corp'])
    expect(old.apiKeys.get('corp')).toBeUndefined()
    expect(old.apiKeys.withValue(key.value)).toBeUndefined()
    expect(contentOf(old)).toEqual(before)
    expect(edited.apiKeys.get('corp')).toBe(put)
  })

  it('replaces the one of its id, whose value is then nobody’s', () => {
    const old = petstore()
    const edited = done(putApiKeys(old, [keyOf('acme', { value: secretOf('new') })]))
    expect(edited.apiKeys.size).toBe(2)
    expect(edited.apiKeys.withValue(secretOf('new'))?.id).toBe('acme')
    expect(edited.apiKeys.withValue(secretOf('acme'))).toBeUndefined()
    expect(old.apiKeys.withValue(secretOf('acme'))?.id).toBe('acme')
    expect(old.apiKeys.withValue(secretOf('new'))).toBeUndefined()
  })

  it('swaps two values in one edit', () => {
    const old = petstore()
    const swapped = done(
      putApiKeys(old, [keyOf('acme', { value: secretOf('bolt') }), keyOf('bolt', { value: secretOf('acme') })]),
    )
    expect(swapped.apiKeys.withValue(secretOf('bolt'))?.id).toBe('acme')
    expect(swapped.apiKeys.withValue(secretOf('acme'))?.id).toBe('bolt')
    expect(swapped.apiKeys.size).toBe(2)
  })

  it('is not possible where another key has the value, and says whose edit it was, not the value', () => {
    const old = petstore()
    const before = contentOf(old)
    const fault = { fault: 'value-taken', message: 'another key already has the value of key corp' }
    expect(putApiKeys(old, [keyOf('dune'), keyOf('corp', { value: secretOf('acme') })])).toEqual(fault)
    expect(putApiKeys(old, [keyOf('dune', { value: secretOf('corp') }), keyOf('corp')])).toEqual(fault)
    expect(contentOf(old)).toEqual(before)
  })

  it('is not possible for a plan that is not there, or for two plans of one stage', () => {
    const old = petstore()
    expect(putApiKeys(old, [keyOf('corp', { usagePlanIds: ['gold', 'bronze'] })])).toEqual({
      fault: 'plan-unknown',
      message: 'usage plan not found: bronze',
    })
    expect(putApiKeys(old, [keyOf('corp', { usagePlanIds: ['gold', 'silver'] })])).toEqual({
      fault: 'stages-overlap',
      message: 'key corp would have two usage plans for API stage petstore:prod: gold and silver',
    })
    expect(isFault(putApiKeys(old, [keyOf('corp', { usagePlanIds: ['silver', 'trial'] })]))).toBe(false)
  })

  it('of the last wins where an edit puts one id twice', () => {
    const first = keyOf('corp', { value: secretOf('first') })
    const edited = done(putApiKeys(petstore(), [first, keyOf('corp'), keyOf('dune', { value: secretOf('first') })]))
    expect(edited.apiKeys.get('corp')?.value).toBe(secretOf('corp'))
    expect(edited.apiKeys.withValue(secretOf('first'))?.id).toBe('dune')
  })
})

describe('removing', () => {
  it('a key takes its value with it, and leaves the old catalog as it was', () => {
    const old = petstore()
    const before = contentOf(old)
    const edited = removeApiKeys(old, ['acme', 'nobody'])
    expect([...edited.apiKeys].map(({ id }) => id)).toEqual(['bolt'])
    expect(edited.apiKeys.withValue(secretOf('acme'))).toBeUndefined()
    expect(contentOf(old)).toEqual(before)
    expect([...edited.apiKeys].map(({ id }) => id)).toEqual(['bolt'])
  })

  it('a plan unbinds its keys and no others', () => {
    const old = petstore()
    const edited = done(removeUsagePlan(old, 'gold'))
    expect(edited.usagePlans.map(({ id }) => id)).toEqual(['silver', 'trial'])
    expect(edited.apiKeys.get('acme')?.usagePlanIds).toEqual([])
    expect(edited.apiKeys.get('bolt')?.usagePlanIds).toEqual(['trial'])
    expect(old.apiKeys.get('acme')?.usagePlanIds).toEqual(['gold'])
  })

  it('an API is not possible while a plan or a mapping leads to it', () => {
    const catalog = petstore()
    expect(removeApi(catalog, 'petstore')).toEqual({
      fault: 'plan-in-use',
      message: 'usage plan gold is associated with API stage petstore:prod',
    })
    const mapped = {
      ...done(putApi(emptyCatalog(), PETSTORE)),
      basePathMappings: [{ apiId: 'petstore', stage: 'test' }],
    }
    expect(removeApi(mapped, 'petstore')).toEqual({
      fault: 'api-in-use',
      message: 'a base path mapping leads to API stage petstore:test',
    })
    expect(done(removeApi({ ...mapped, basePathMappings: [] }, 'petstore')).apis).toEqual([])
  })
})

describe('putting a plan', () => {
  it('is not possible on a stage that is not there, or twice on one (CFG-11)', () => {
    const catalog = petstore()
    expect(putUsagePlan(catalog, planOf('free', 'beta'))).toEqual({
      fault: 'stage-unknown',
      message: 'API Stage not found: petstore:beta',
    })
    expect(putUsagePlan(catalog, planOf('free', 'prod', 'prod'))).toEqual({
      fault: 'stages-overlap',
      message: 'usage plan free would have API stage petstore:prod twice',
    })
  })

  it('is not possible where one of its keys would have two plans for a stage', () => {
    expect(putUsagePlan(petstore(), planOf('trial', 'test', 'prod'))).toEqual({
      fault: 'stages-overlap',
      message: 'key bolt would have two usage plans for API stage petstore:prod: gold and trial',
    })
  })

  it('replaces the one of its id in its place', () => {
    const plan = { ...planOf('silver'), name: 'Silver' }
    expect(done(putUsagePlan(petstore(), plan)).usagePlans.map(({ id, name }) => [id, name])).toEqual([
      ['gold', undefined],
      ['silver', 'Silver'],
      ['trial', undefined],
    ])
  })
})

describe('deploying', () => {
  it('snapshots the methods: a later edit shows when it is deployed, and rolling back is pointing back', () => {
    const gate = gateOf({ catalog: done(deploy(petstore(), 'petstore', { id: 'd1', stageName: 'prod' })) })
    const kind = (): string => gate.admit({ method: 'GET', path: '/pets', apiId: 'petstore', stage: 'prod' }).kind
    expect(kind()).toBe('open')

    const [api] = gate.catalog.apis as [Api]
    const locked = { ...api, methods: api.methods.map(method => ({ ...method, apiKeyRequired: true })) }
    gate.replace(done(putApi(gate.catalog, locked)))
    expect(kind()).toBe('open')

    gate.replace(done(deploy(gate.catalog, 'petstore', { id: 'd2', stageName: 'prod', description: 'keys' })))
    expect(kind()).toBe('invalid-api-key')

    const [deployed] = gate.catalog.apis as [Api]
    expect(deployed.deployments.map(({ id, description }) => [id, description])).toEqual([
      ['d1', undefined],
      ['d2', 'keys'],
    ])
    const stages = deployed.stages.map(stage => (stage.stageName === 'prod' ? { ...stage, deploymentId: 'd1' } : stage))
    gate.replace(done(putApi(gate.catalog, { ...deployed, stages })))
    expect(kind()).toBe('open')
  })

  it('makes a stage that is new, and keeps the settings of one that is not', () => {
    const methodSettings = { '*/*': { throttlingRateLimit: 5 } }
    const api = { ...PETSTORE, stages: [{ stageName: 'prod', methodSettings }] }
    const catalog = done(putApi(emptyCatalog(), api))
    const stagesAfter = (stageName: string): object =>
      done(deploy(catalog, 'petstore', { id: 'd1', stageName })).apis[0]?.stages ?? []
    expect(stagesAfter('prod')).toEqual([{ stageName: 'prod', methodSettings, deploymentId: 'd1' }])
    expect(stagesAfter('beta')).toEqual([
      { stageName: 'prod', methodSettings },
      { stageName: 'beta', deploymentId: 'd1' },
    ])
    expect(deploy(catalog, 'zoo', { id: 'd1', stageName: 'prod' })).toEqual({
      fault: 'stage-unknown',
      message: 'API not found: zoo',
    })
  })

  it('is not possible to drop a stage that a plan is on', () => {
    expect(putApi(petstore(), { ...PETSTORE, stages: [{ stageName: 'prod' }] })).toEqual({
      fault: 'plan-in-use',
      message: 'usage plan trial is associated with API stage petstore:test',
    })
  })
})

describe('an edit that changes nothing', () => {
  it('gives the very catalog it was given', () => {
    const catalog = petstore()
    const [acme] = catalog.apiKeys
    expect(putApiKeys(catalog, [acme as ApiKey])).toBe(catalog)
    expect(putApiKeys(catalog, [])).toBe(catalog)
    expect(removeApiKeys(catalog, ['nobody'])).toBe(catalog)
    expect(putUsagePlan(catalog, catalog.usagePlans[0] as UsagePlan)).toBe(catalog)
    expect(removeUsagePlan(catalog, 'none')).toBe(catalog)
    expect(putApi(catalog, catalog.apis[0] as Api)).toBe(catalog)
    expect(removeApi(catalog, 'none')).toBe(catalog)
  })

  it('keeps what it did not touch, so that a gate compiles nothing for a key', () => {
    const catalog = petstore()
    const edited = done(putApiKeys(catalog, [keyOf('corp')]))
    expect(edited).not.toBe(catalog)
    for (const name of ['apis', 'usagePlans', 'account', 'semantics', 'basePathMappings'] as const) {
      expect(edited[name]).toBe(catalog[name])
    }
  })
})

const PLANS = ['gold', 'silver', 'trial', 'none']
const IDS = ['acme', 'bolt', 'corp', 'dune']

const edit: fc.Arbitrary<(catalog: Catalog) => Catalog | EditFault> = fc.oneof(
  fc
    .array(
      fc.record({
        id: fc.constantFrom(...IDS),
        value: fc.constantFrom(...IDS).map(secretOf),
        enabled: fc.boolean(),
        usagePlanIds: fc.uniqueArray(fc.constantFrom(...PLANS), { maxLength: 2 }),
      }),
      { maxLength: 3 },
    )
    .map(keys => (catalog: Catalog) => putApiKeys(catalog, keys)),
  fc.subarray(IDS).map(ids => (catalog: Catalog) => removeApiKeys(catalog, ids)),
  fc.tuple(fc.constantFrom(...PLANS), fc.array(fc.constantFrom('prod', 'test', 'beta'), { maxLength: 2 })).map(
    ([id, stages]) =>
      (catalog: Catalog) =>
        putUsagePlan(catalog, planOf(id, ...stages)),
  ),
  fc.constantFrom(...PLANS).map(id => (catalog: Catalog) => removeUsagePlan(catalog, id)),
  fc
    .subarray(['prod', 'test', 'beta'])
    .map(
      names => (catalog: Catalog) => putApi(catalog, { ...PETSTORE, stages: names.map(stageName => ({ stageName })) }),
    ),
  fc
    .record({ id: fc.constantFrom('d1', 'd2'), stageName: fc.constantFrom('prod', 'beta') })
    .map(deployment => (catalog: Catalog) => deploy(catalog, 'petstore', deployment)),
)

describe('edits', () => {
  it('law: never change the catalog they are given, and what they give checks', () => {
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), edits => {
        let catalog = petstore()
        const past: [Catalog, object][] = [[catalog, contentOf(catalog)]]
        for (const edit of edits) {
          const edited = edit(catalog)
          if (isFault(edited)) continue
          catalog = edited
          past.push([catalog, contentOf(catalog)])
          const checked = check(JSON.parse(JSON.stringify(catalog)))
          expect(checked.ok ? [] : checked.issues).toEqual([])
          expect(checked.ok && contentOf(checked.catalog)).toEqual(contentOf(catalog))
        }
        for (const [old, content] of past) expect(contentOf(old)).toEqual(content)
      }),
      { numRuns: 200 },
    )
  })

  it('law: followed by their inverses give an equal catalog', () => {
    const put = fc.record({
      id: fc.constantFrom(...IDS),
      value: fc.constantFrom(...IDS, 'eden').map(secretOf),
      enabled: fc.boolean(),
      usagePlanIds: fc.subarray(['silver', 'trial']),
    })
    fc.assert(
      fc.property(fc.array(fc.array(put, { maxLength: 3 }), { maxLength: 8 }), edits => {
        const start = petstore()
        const undo: ((catalog: Catalog) => Catalog)[] = []
        let catalog = start
        for (const keys of edits) {
          const before = catalog
          const edited = putApiKeys(before, keys)
          if (isFault(edited)) continue
          catalog = edited
          const ids = keys.map(({ id }) => id)
          const old = ids.flatMap(id => before.apiKeys.get(id) ?? [])
          undo.unshift(catalog =>
            done(
              putApiKeys(
                removeApiKeys(
                  catalog,
                  ids.filter(id => before.apiKeys.get(id) === undefined),
                ),
                old,
              ),
            ),
          )
        }
        const back = undo.reduce((catalog, edit) => edit(catalog), catalog)
        expect(contentOf(back)).toEqual(contentOf(start))
      }),
      { numRuns: 200 },
    )
  })

  it('of plans and APIs are undone by their inverses', () => {
    const start = petstore()
    const gold = start.usagePlans[0] as UsagePlan
    const acme = start.apiKeys.get('acme') as ApiKey
    const without = done(removeUsagePlan(removeApiKeys(start, ['bolt']), 'gold'))
    const back = done(
      putApiKeys(done(putUsagePlan(without, gold)), [acme, keyOf('bolt', { usagePlanIds: ['gold', 'trial'] })]),
    )
    expect({ ...contentOf(back), usagePlans: new Set(back.usagePlans) }).toEqual({
      ...contentOf(start),
      usagePlans: new Set(start.usagePlans),
    })
    const deployed = done(deploy(start, 'petstore', { id: 'd1', stageName: 'prod' }))
    expect(contentOf(done(putApi(deployed, PETSTORE)))).toEqual(contentOf(start))
  })
})
