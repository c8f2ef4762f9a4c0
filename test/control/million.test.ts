// A catalog of many keys is not copied, and its keys not sorted, for one of them. `CONTROL_KEYS=1000000` for a million.

import { expect, it } from 'vitest'
import { catalogOf } from '../../src/index.ts'
import { controlled } from './served.ts'

const KEYS = Number(process.env['CONTROL_KEYS'] ?? 50_000)

it(`of ${KEYS} keys, making one and showing a page costs as much as of a few`, async () => {
  const apiKeys = Array.from({ length: KEYS }, (_, i) => ({
    id: `k${i}`,
    value: `value-of-more-than-twenty-${i}`,
    createdDate: 1_600_000_000 + Math.floor(i / 3),
    usagePlanIds: i % 1000 === 0 ? ['p'] : [],
  }))
  const { handler, gate } = controlled({ start: catalogOf({ usagePlans: [{ id: 'p' }], apiKeys }) })
  const timed = async (method: string, path: string, body?: string): Promise<[number, Record<string, unknown>]> => {
    const request = new Request(`http://localhost${path}`, {
      method,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    })
    const began = performance.now()
    const text = await (await handler(request)).text()
    return [performance.now() - began, text === '' ? {} : JSON.parse(text)]
  }
  const median = async (n: number, work: () => Promise<[number, unknown]>): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < n; i++) times.push((await work())[0])
    return times.sort((a, b) => a - b)[n >> 1] as number
  }
  const [first] = await timed('GET', '/apikeys?limit=500')
  const create = await median(300, () => timed('POST', '/apikeys', '{"name":"x"}'))
  const page = await median(20, () => timed('GET', '/apikeys?limit=500'))
  const [, { item: newest, position }] = await timed('GET', '/apikeys?limit=300')
  const [, { item: next }] = await timed('GET', `/apikeys?limit=3&position=${position}`)
  const [sparse] = await timed('GET', '/usageplans/p/keys?limit=500')
  const [none] = await timed('GET', '/apikeys?name=nothing-begins-so')
  const edit = '{"patchOperations":[{"op":"replace","path":"/enabled","value":"true"}]}'
  const update = await median(100, () => timed('PATCH', `/apikeys/k${KEYS >> 1}`, edit))
  const times = { first, create, page, sparse, none, update }
  if (process.env['CONTROL_KEYS'] !== undefined) console.log(times)
  expect((newest as { name?: string }[]).every(({ name }) => name === 'x')).toBe(true)
  const ids = apiKeys.slice(-5).sort((a, b) => b.createdDate - a.createdDate || (a.id < b.id ? 1 : -1))
  expect((next as { id: string }[]).map(({ id }) => id)).toEqual(ids.slice(0, 3).map(({ id }) => id))
  expect(gate.catalog.apiKeys.size).toBe(KEYS + 300)
  // Generous, since tests share a machine; the bounds are 5 ms and 20 ms of a million.
  expect(create).toBeLessThan(20)
  expect(update).toBeLessThan(20)
  expect(page).toBeLessThan(60)
})
