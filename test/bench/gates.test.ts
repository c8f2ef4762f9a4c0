import { describe, expect, it } from 'vitest'
import { hold } from '../../bench/gates.ts'
import type { Row } from '../../bench/report.ts'

const group = '10 000 keys, uniform, fresh strings'
const admit = (name: string, ratio: number, of = group): Row => ({ bench: 'admit', group: of, name, ratio })

function stateOf(what: string, rows: readonly Row[]): string {
  const gate = hold(rows).find(gate => gate.what === what)
  if (gate === undefined) throw new Error(`no gate: ${what}`)
  return gate.state
}

describe('hold', () => {
  it('keeps a figure within its threshold and slack, and misses one beyond', () => {
    const what = 'admit to the limit, 10 000 keys, uniform'
    expect(stateOf(what, [admit('admit, four limits', 2.4)])).toBe('kept')
    expect(stateOf(what, [admit('admit, four limits', 2.5)])).toBe('missed')
  })

  it('measures nothing where the run has no such row', () => {
    expect(new Set(hold([]).map(({ state }) => state))).toEqual(new Set(['not measured']))
  })

  it('asks of every size of fresh strings that no peer is ahead', () => {
    const what = 'admit to the fastest peer, in the worst group'
    const rows = [admit('admit, four limits', 1.5), admit('hono-rate-limiter', 1.6), admit('koa-ratelimit', 5)]
    const cached = '10 000 keys, uniform, cached strings'
    const behind = (of: string): Row[] => [admit('admit, four limits', 2, of), admit('hono-rate-limiter', 1.6, of)]
    expect(stateOf(what, rows)).toBe('kept')
    expect(stateOf(what, [...rows, ...behind(cached)])).toBe('kept')
    expect(stateOf(what, [...rows, ...behind('1 key, fresh strings')])).toBe('missed')
  })

  it('asks of rate-limiter-flexible that it takes five times as long, in the group where it is nearest', () => {
    const what = 'rate-limiter-flexible to admit, in the worst group'
    const rows = [admit('admit, four limits', 1), admit('rate-limiter-flexible', 6)]
    const near = [
      admit('admit, four limits', 1, '1 key, fresh strings'),
      admit('rate-limiter-flexible', 4, '1 key, fresh strings'),
    ]
    expect(stateOf(what, rows)).toBe('kept')
    expect(stateOf(what, [...rows, ...near])).toBe('missed')
  })

  it('holds the dearest of ours to the cheapest middleware of the same framework', () => {
    const what = 'added µs to the cheapest peer’s, in the worst framework'
    const http = (group: string, name: string, added: number): Row => ({
      bench: 'http',
      group,
      name,
      'added µs': added,
    })
    const rows = [
      http('node:http', 'three constant headers', 2),
      http('node:http', 'tollgate, all fields', 5),
      http('node:http', 'tollgate, bare', 2),
      http('node:http', 'rate-limiter-flexible, by hand', 9),
      http('express', 'tollgate, all fields', 12),
    ]
    expect(stateOf(what, rows)).toBe('kept')
    expect(stateOf(what, [...rows, http('express', 'express-rate-limit', 8)])).toBe('missed')
  })
})
