// A catalog that processes share: what one publishes all serve, what does not check nobody does.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ApiKey, CatalogError, catalogOf, createGate } from '../../src/index.ts'
import {
  type CatalogChange,
  type CatalogLog,
  memoryCatalogLog,
  type Published,
  sharedCatalog,
  wholeOf,
} from '../../src/stores/catalog-log.ts'

const PLANS = { usagePlans: [{ id: 'free' }, { id: 'pro' }] }
const keyOf = (i: number, more: Partial<ApiKey> = {}): ApiKey => ({
  id: `k${i}`,
  value: `shared-customer-key-${i}`,
  enabled: true,
  usagePlanIds: ['free'],
  ...more,
})
const put = (...keys: ApiKey[]): CatalogChange => ({ kind: 'edit', put: keys, remove: [] })
const process_ = (log: CatalogLog, refused: unknown[] = []) => {
  const gate = createGate({ catalog: catalogOf({}) })
  return { gate, shared: sharedCatalog({ log, gate, onRefused: error => refused.push(error) }) }
}

describe('a shared catalog', () => {
  it('is served by every process that looks, under its version', async () => {
    const log = memoryCatalogLog()
    const [a, b] = [process_(log), process_(log)]
    expect(await b.shared.poll()).toBe(false)
    expect(await a.shared.publish({ kind: 'catalog', document: PLANS })).toBe(1)
    expect(await a.shared.publish(put(keyOf(1)))).toBe(2)
    expect(await b.shared.poll()).toBe(true)
    expect([a, b].map(({ gate, shared }) => [gate.version, shared.version])).toEqual([
      ['#1+2', 2],
      ['#1+2', 2],
    ])
    expect(JSON.stringify(b.gate.catalog)).toBe(JSON.stringify(a.gate.catalog))
    expect(await b.shared.poll()).toBe(false)
  })

  it('refuses a disabled key everywhere after the next look', async () => {
    const log = memoryCatalogLog()
    const catalog = {
      apis: [
        { id: 'a', methods: [{ path: '/', httpMethod: 'GET', apiKeyRequired: true }], stages: [{ stageName: 's' }] },
      ],
      usagePlans: [{ id: 'free', apiStages: [{ apiId: 'a', stage: 's' }] }],
    } as const
    const [a, b] = [process_(log), process_(log)]
    await a.shared.publish({ kind: 'catalog', document: catalog })
    await a.shared.publish(put(keyOf(1)))
    await b.shared.poll()
    const ask = () => b.gate.admit({ method: 'GET', path: '/', apiKey: keyOf(1).value })
    expect(ask()).toMatchObject({ kind: 'allowed', version: '#1+2' })
    await a.shared.publish(put(keyOf(1, { enabled: false })))
    await b.shared.poll()
    expect(ask()).toMatchObject({ kind: 'invalid-api-key', reason: 'disabled' })
  })

  it.each<[string, CatalogChange]>([
    [
      'a document that does not check',
      { kind: 'catalog', document: { usagePlans: [{ id: 'x', quota: { limit: 0 } }] } as never },
    ],
    ['a key of no plan', put(keyOf(1, { usagePlanIds: ['gold'] }))],
    ['a key whose value is taken', put(keyOf(2, { value: keyOf(1).value }))],
    ['a key that is no key', put({ id: 'k1' } as never)],
  ])('is not changed by %s: it is published nowhere', async (_, wrong) => {
    const log = memoryCatalogLog()
    const { gate, shared } = process_(log)
    await shared.publish({ kind: 'catalog', document: PLANS })
    await shared.publish(put(keyOf(1)))
    const before = JSON.stringify(gate.catalog)
    await expect(shared.publish(wrong)).rejects.toBeInstanceOf(CatalogError)
    expect(JSON.stringify(gate.catalog)).toBe(before)
    expect(await log.since(2)).toEqual([])
  })

  it('publishes what was made of one catalog only while that one is in force', async () => {
    const log = memoryCatalogLog()
    const [a, b] = [process_(log), process_(log)]
    await a.shared.publish({ kind: 'catalog', document: PLANS, origin: 'a file' })
    await b.shared.poll()
    const made = b.gate.catalog
    expect(await a.shared.publishOn(a.gate.catalog, put(keyOf(1)))).toBe(2)
    expect(await b.shared.publishOn(made, put(keyOf(2)))).toBeNull()
    expect([...b.gate.catalog.apiKeys].map(({ id }) => id)).toEqual(['k1'])
    expect(await b.shared.publishOn(b.gate.catalog, put(keyOf(2)))).toBe(3)
    await a.shared.poll()
    expect([a, b].map(({ shared }) => [shared.origin, shared.edits])).toEqual([
      ['a file', 2],
      ['a file', 2],
    ])
    // A whole one, too: whoever starts with that file does not take it back.
    await a.shared.publishOn(a.gate.catalog, { kind: 'catalog', document: a.gate.catalog })
    expect(a.shared.origin).toBe('a file')
    await a.shared.publish({ kind: 'catalog', document: PLANS })
    expect(a.shared.origin).toBeUndefined()
  })

  it('is made whole without a change to who has it, and for who starts, under its name', async () => {
    const log = memoryCatalogLog()
    const [a, b, c] = [process_(log), process_(log), process_(log)]
    await a.shared.publish({ kind: 'catalog', document: PLANS, origin: 'a file' })
    await a.shared.publish(put(keyOf(1)))
    await b.shared.poll()
    const before = b.gate.catalog
    await a.shared.compact()
    await b.shared.poll()
    expect(b.gate.catalog).toBe(before)
    expect(await log.since(2)).toMatchObject([{ change: { kind: 'catalog' } }])
    // From the whole alone, as logs give it to who starts.
    const { gate, shared } = process_({ ...log, since: version => log.since(Math.max(version, 2)) })
    await shared.poll()
    await c.shared.poll()
    expect(await a.shared.publish(put(keyOf(2)))).toBe(4)
    for (const one of [b.shared, c.shared, shared]) await one.poll()
    expect([a.gate, b.gate, c.gate, gate].map(({ version }) => version)).toEqual(Array(4).fill('#1+4'))
    expect(JSON.parse(JSON.stringify(gate.catalog))).toEqual(JSON.parse(JSON.stringify(a.gate.catalog)))
    expect([shared.origin, shared.edits]).toEqual(['a file', 1])
  })

  it('changes plans beside keys that stay, and refuses what would leave a key without its plan', async () => {
    const log = memoryCatalogLog()
    const { gate, shared } = process_(log)
    await shared.publish({ kind: 'catalog', document: PLANS })
    await shared.publish(put(keyOf(1), keyOf(2)))
    const { version: _, apiKeys, ...rest } = gate.catalog
    const usagePlans = rest.usagePlans.map(plan => ({ ...plan, name: 'renamed' }))
    await shared.publish({ kind: 'edit', rest: { ...rest, usagePlans }, put: [], remove: ['k2'] })
    expect(gate.catalog.usagePlans).toMatchObject([{ name: 'renamed' }, { name: 'renamed' }])
    expect([...gate.catalog.apiKeys]).toEqual([keyOf(1)])
    const without = { kind: 'edit', rest: { ...rest, usagePlans: usagePlans.slice(1) }, put: [], remove: [] } as const
    await expect(shared.publish(without)).rejects.toBeInstanceOf(CatalogError)
    expect(gate.version).toBe('#1+3')
  })

  it('keeps what is in force when an entry does not check here, says so once, and goes on with the next that does', async () => {
    const log = memoryCatalogLog()
    const refused: unknown[] = []
    const { gate, shared } = process_(log, refused)
    await shared.publish({ kind: 'catalog', document: PLANS })
    await log.append(1, { kind: 'catalog', document: { newerThanThis: true } as never })
    expect(await shared.poll()).toBe(false)
    expect(await shared.poll()).toBe(false)
    expect(refused).toHaveLength(1)
    expect([gate.version, shared.version]).toEqual(['#1', 1])
    expect(await shared.publish(put(keyOf(1)))).toBe(3)
    expect(gate.version).toBe('#1+3')
  })

  it('loses no publication when several publish at once, and ends the same everywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.tuple(fc.nat(2), fc.nat(5), fc.boolean()), { maxLength: 12 }),
        async (s, plan) => {
          const inner = memoryCatalogLog()
          const log: CatalogLog = { since: s.scheduleFunction(inner.since), append: s.scheduleFunction(inner.append) }
          const processes = [0, 1, 2].map(() => process_(log))
          const [first] = processes as [ReturnType<typeof process_>]
          await s.waitFor(first.shared.publish({ kind: 'catalog', document: PLANS }))
          const work = processes.map(async ({ shared }, who) => {
            for (const [by, i, isPut] of plan) {
              if (by === who)
                await shared.publish(
                  isPut ? put(keyOf(i, { name: `${who}` })) : { kind: 'edit', put: [], remove: [`k${i}`] },
                )
            }
          })
          await s.waitFor(Promise.all(work))
          await s.waitFor(Promise.all(processes.map(({ shared }) => shared.poll())))
          const [one, ...others] = processes.map(({ gate }) =>
            JSON.stringify({
              ...gate.catalog,
              apiKeys: [...gate.catalog.apiKeys].sort((a, b) => (a.id < b.id ? -1 : 1)),
            }),
          )
          for (const other of others) expect(other).toBe(one)
          expect(await s.waitFor(log.since(0))).toHaveLength(plan.length + 1)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('waits for no answer that never comes: what was asked fails in time, and the next look is made', async () => {
    const inner = memoryCatalogLog()
    const never = new Promise<never>(() => undefined)
    let isThere = false
    const log: CatalogLog = {
      since: version => (isThere ? inner.since(version) : never),
      append: (version, change) => inner.append(version, change).then(() => never),
    }
    const due: (() => void)[] = []
    const after = (ms: number, run: () => void) => {
      expect(ms).toBe(100)
      due.push(run)
      return () => void due.splice(due.indexOf(run), 1)
    }
    const gate = createGate({ catalog: catalogOf({}) })
    const shared = sharedCatalog({ log, gate, deadline: 100, after })
    const later = () => new Promise(resolve => setTimeout(resolve, 1))

    const [lost, next] = [shared.poll(), shared.poll()].map(said => said.catch(error => error))
    await later()
    isThere = true
    due.shift()!()
    expect(await lost).toMatchObject({ code: 'STORE_FAILED', transient: true })
    expect(await next).toBe(false)
    expect(due).toEqual([])

    // Published, and nobody said so: it is in force once it is found in the log.
    const published = shared.publish({ kind: 'catalog', document: PLANS }).catch(error => error)
    await later()
    due.shift()!()
    expect((await published).message).toBe("the catalog's log did not answer within 100 ms")
    expect(shared.version).toBe(0)
    await shared.poll()
    expect(shared.version).toBe(1)
  })

  describe('whose log loses what was read of it', () => {
    /** A log that goes back to what it once was, and the processes on it. */
    function losing(count: number) {
      let log = memoryCatalogLog()
      const shared: CatalogLog = { since: v => log.since(v), append: (v, change) => log.append(v, change) }
      const told: number[][] = Array.from({ length: count }, () => [])
      const refused: unknown[] = []
      const processes = told.map(told => {
        const gate = createGate({ catalog: catalogOf({}) })
        const options = {
          log: shared,
          gate,
          onLost: (n: number) => told.push(n),
          onRefused: (e: unknown) => refused.push(e),
        }
        return {
          gate,
          shared: sharedCatalog(options),
          keys: () => [...gate.catalog.apiKeys].map(({ id }) => id).sort(),
        }
      })
      const back = async (version: number): Promise<void> => {
        const entries = (await log.since(0)) as readonly Published[]
        log = memoryCatalogLog()
        for (const { version: its, change } of entries.slice(0, version)) await log.append(its - 1, change)
      }
      return { processes, told, refused, back, log: shared }
    }

    it('tells it again, once, and all go on together', async () => {
      const { processes, told, back } = losing(3)
      const [a, b] = processes as [(typeof processes)[0], (typeof processes)[0]]
      await a.shared.publish({ kind: 'catalog', document: PLANS, origin: 'a file' })
      for (const i of [1, 2, 3]) await a.shared.publish(put(keyOf(i)))
      await b.shared.poll()
      await back(2)
      expect(await b.shared.poll()).toBe(true)
      expect(await a.shared.publish(put(keyOf(4)))).toBe(5)
      for (const one of processes) await one.shared.poll()
      expect(processes.map(({ keys }) => keys())).toEqual(Array(3).fill(['k1', 'k2', 'k3', 'k4']))
      expect(processes.map(({ gate, shared }) => [gate.version, shared.origin, shared.edits])).toEqual(
        Array(3).fill(['#1+5', 'a file', 4]),
      )
      expect([told[1], told[2]]).toEqual([[2], []])
    })

    it('puts the whole of it back where nothing is left', async () => {
      const { processes, told, back, log } = losing(2)
      const [a, b] = processes as [(typeof processes)[0], (typeof processes)[0]]
      await a.shared.publish({ kind: 'catalog', document: PLANS, origin: 'a file' })
      await a.shared.publish(put(keyOf(1)))
      await b.shared.poll()
      await back(0)
      await a.shared.poll()
      await b.shared.poll()
      expect(await b.shared.publish(put(keyOf(2)))).toBe(2)
      await a.shared.poll()
      expect([a, b].map(({ keys, shared }) => [keys(), shared.origin])).toEqual(Array(2).fill([['k1', 'k2'], 'a file']))
      expect(told).toEqual([[1], [0]])
      expect(await log.since(1)).toHaveLength(1)
    })

    it('keeps what others have published on what was left, and adds what is lost to it', async () => {
      const { processes, back } = losing(2)
      const [a, b] = processes as [(typeof processes)[0], (typeof processes)[0]]
      await a.shared.publish({ kind: 'catalog', document: PLANS })
      await a.shared.publish(put(keyOf(1)))
      await a.shared.publish(put(keyOf(2)))
      await back(2)
      // As many entries as were lost, and more: their numbers tell nothing.
      await b.shared.publish(put(keyOf(1, { enabled: false })))
      await b.shared.publish(put(keyOf(3)))
      await a.shared.poll()
      await b.shared.poll()
      for (const { gate, keys } of [a, b]) {
        expect([keys(), gate.catalog.apiKeys.get('k1')?.enabled]).toEqual([['k1', 'k2', 'k3'], false])
      }
    })

    it('follows a whole catalog that took the place of what is lost', async () => {
      const { processes, told, back } = losing(2)
      const [a, b] = processes as [(typeof processes)[0], (typeof processes)[0]]
      await a.shared.publish({ kind: 'catalog', document: PLANS })
      for (const i of [1, 2]) await a.shared.publish(put(keyOf(i)))
      await back(1)
      await b.shared.publish({ kind: 'catalog', document: { ...PLANS, version: 'another' } })
      await a.shared.poll()
      expect([a.gate.version, a.keys(), told[0]]).toEqual(['another', [], [0]])
    })

    it('loses nothing that was answered for, and ends the same everywhere, whatever is lost when', async () => {
      const step = fc.record({
        who: fc.nat(2),
        what: fc.oneof(
          { weight: 4, arbitrary: fc.constant('publish' as const) },
          { weight: 3, arbitrary: fc.constant('poll' as const) },
          { weight: 1, arbitrary: fc.constant('compact' as const) },
          { weight: 1, arbitrary: fc.constant('lose' as const) },
        ),
        lost: fc.nat(4),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
          const { processes, refused, back, log } = losing(3)
          await processes[0]!.shared.publish({ kind: 'catalog', document: PLANS })
          for (const { shared } of processes) await shared.poll()
          const answered: string[] = []
          for (const [i, { who, what, lost }] of steps.entries()) {
            const { shared } = processes[who]!
            if (what === 'poll') await shared.poll()
            else if (what === 'compact') await shared.compact()
            else if (what === 'publish') {
              await shared.publish(put(keyOf(i)))
              answered.push(`k${i}`)
            } else {
              // All have seen it, and look again before anybody publishes: as they do four times a second.
              for (const { shared } of processes) await shared.poll()
              const last = ((await log.since(0)) as readonly Published[]).at(-1)!.version
              await back(Math.max(0, last - lost))
              for (const { shared } of processes) await shared.poll()
            }
          }
          for (const { shared } of [...processes, ...processes]) await shared.poll()
          expect(refused).toEqual([])
          for (const { keys } of processes) expect(keys()).toEqual(answered.sort())
        }),
      )
    })
  })

  it('is published whole from the catalog of a gate', async () => {
    const log = memoryCatalogLog()
    const [a, b] = [process_(log), process_(log)]
    const catalog = catalogOf({ plans: [{ id: 'free' }], keys: [{ id: 'k', value: keyOf(1).value, plan: 'free' }] })
    await a.shared.publish(wholeOf(catalog))
    await b.shared.poll()
    expect(JSON.stringify({ ...b.gate.catalog, version: undefined })).toBe(JSON.stringify(catalog))
  })
})
