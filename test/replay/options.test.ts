// What is no catalog, state, number of retries or format is refused at once, before the first line is read.

import { expect, it } from 'vitest'
import { StateError } from '../../src/core/state.ts'
import { catalogOf } from '../../src/index.ts'
import { eventsOf, FORMATS, replay } from '../../src/replay/index.ts'

const document = { plans: [{ id: 'p', throttle: { rateLimit: 1, burstLimit: 1 } }] }
const catalog = catalogOf(document)

it.each<[unknown, string]>([
  ['junk', 'snapshot: expected version 1, received string'],
  [null, 'snapshot: expected version 1, received null'],
  [{ version: 7 }, 'snapshot: expected version 1, received 7'],
  [{ version: 2, records: [], shared: [] }, 'snapshot: expected version 1, received 2'],
  [{ version: 1, records: [['p', 'k', [2, 0, 0, 0, 0]]], shared: [] }, 'state version 2: this release reads version 1'],
])('replay from the state %j is refused', (state, said) => {
  const begin = () => replay(catalog, [], { state: state as never })
  expect(begin).toThrow(StateError)
  expect(begin).toThrow(said)
})

it.each<[unknown, string]>([
  ['x', 'a string'],
  [Number.NaN, 'NaN'],
  [-1, '-1'],
  [Infinity, 'Infinity'],
])('replay with %s retries is refused', (retries, received) => {
  expect(() => replay(catalog, [], { retries: retries as never })).toThrow(
    new RangeError(`retries: expected a whole number ≥ 0, received ${received}`),
  )
})

it('replay under a document says what makes a catalog of it, also where an edit brings it', () => {
  const said = new TypeError('catalog: expected a Catalog; catalogOf makes one of a document')
  expect(() => replay(document as never, [])).toThrow(said)
  expect(() => [...replay(catalog, [{ catalog: document as never }])]).toThrow(said)
})

it('the events of a format that there is not are refused, with those that there are', () => {
  for (const format of ['nginx', 'toString', '', 7]) {
    expect(() => eventsOf('x', { format: format as never })).toThrow(
      new TypeError(`format: expected one of ${FORMATS.join(', ')}, received "${format}"`),
    )
  }
})
