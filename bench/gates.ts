// What a whole run of the benchmarks is held to: thresholds in one place, each a figure of the run's rows.
// A shared machine moves even ratios; `slack` is how far beyond its threshold a figure may lie before the gate is missed.

import type { Row } from './report.ts'

export interface Gate {
  readonly what: string
  readonly atMost?: number
  readonly atLeast?: number
  readonly slack: number
  /** The figure; NaN where the run has it not. */
  readonly of: (rows: readonly Row[]) => number
}

export interface Held extends Gate {
  readonly value: number
  readonly state: 'kept' | 'missed' | 'not measured'
}

const ADMIT = 'admit, four limits'
const GIVEN = 'admit, the instant given'
const LIMIT = 'limit: Map.get + Float64Array'
const SIZES = { '1 key': 2.2, '10 000 keys, uniform': 2.2, '1 000 000 keys, uniform': 1.3 }
const FLEXIBLE = 'rate-limiter-flexible'

const groupsOf = (rows: readonly Row[], bench: string): string[] => [
  ...new Set(rows.filter(row => row.bench === bench).map(({ group }) => group)),
]

function figure(rows: readonly Row[], bench: string, group: string, name: string, figure: string): number {
  const row = rows.find(row => row.bench === bench && row.group === group && row.name === name)
  return Number(row?.[figure] ?? Number.NaN)
}

/** As a server makes them: what is judged. */
const isFresh = (group: string): boolean => group.endsWith('fresh strings')

/** Over every group that has peers in it. */
function worst(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.max(...values)
}

const isOurs = (name: string): boolean => name.startsWith('tollgate')

/** The added µs of the dearest of ours to those of the cheapest peer, under the same framework. */
function ahead(rows: readonly Row[]): number {
  return worst(
    groupsOf(rows, 'http').flatMap(group => {
      const added = rows.filter(row => row.bench === 'http' && row.group === group && Number(row['added µs']) > 0)
      const ours = added.filter(({ name }) => isOurs(name)).map(row => Number(row['added µs']))
      const peers = added
        .filter(({ name }) => !isOurs(name) && name !== 'three constant headers')
        .map(row => Number(row['added µs']))
      return ours.length === 0 || peers.length === 0 ? [] : [Math.max(...ours) / Math.min(...peers)]
    }),
  )
}

function admitToPeers(rows: readonly Row[]): number {
  return worst(
    groupsOf(rows, 'admit')
      .filter(isFresh)
      .flatMap(group => {
        const peers = rows.filter(
          row => row.bench === 'admit' && row.group === group && ![ADMIT, GIVEN, LIMIT].includes(row.name),
        )
        const own = figure(rows, 'admit', group, ADMIT, 'ratio')
        return Number.isNaN(own) || peers.length === 0
          ? []
          : [own / Math.min(...peers.map(row => Number(row['ratio'])))]
      }),
  )
}

function flexibleToAdmit(rows: readonly Row[]): number {
  const factors = groupsOf(rows, 'admit')
    .filter(isFresh)
    .map(group => figure(rows, 'admit', group, FLEXIBLE, 'ratio') / figure(rows, 'admit', group, ADMIT, 'ratio'))
    .filter(factor => !Number.isNaN(factor))
  return -worst(factors.map(factor => -factor))
}

const http = (name: string, measure: string) => (rows: readonly Row[]) =>
  figure(rows, 'http', 'node:http', name, measure)
const memory = (measure: string) => (rows: readonly Row[]) =>
  figure(rows, 'memory', '1 000 000 keys in use', 'tollgate', measure)
const catalog = (name: string, measure: string) => (rows: readonly Row[]) =>
  figure(rows, 'catalog', '1 000 000 keys', name, measure)
const size = (name: string) => (rows: readonly Row[]) => figure(rows, 'start', 'size', name, 'B gzipped')

export const GATES: readonly Gate[] = [
  ...Object.entries(SIZES).map(([keys, atMost]) => ({
    what: `admit to the limit, ${keys}`,
    atMost,
    slack: 0.1,
    of: (rows: readonly Row[]) => figure(rows, 'admit', `${keys}, fresh strings`, ADMIT, 'ratio'),
  })),
  { what: 'admit to the fastest peer, in the worst group', atMost: 1, slack: 0.05, of: admitToPeers },
  { what: 'rate-limiter-flexible to admit, in the worst group', atLeast: 5, slack: 0.1, of: flexibleToAdmit },
  { what: 'bytes per key in use, beyond the catalog', atMost: 64, slack: 0.03, of: memory('bytes a key') },
  {
    what: 'longest pause of the collector, ms, 1 M keys in use',
    atMost: 5,
    slack: 0.5,
    of: memory('longest pause ms'),
  },
  { what: 'node:http, all fields: added µs', atMost: 5, slack: 0.2, of: http('tollgate, all fields', 'added µs') },
  { what: 'node:http, bare answers: added µs', atMost: 2.5, slack: 0.2, of: http('tollgate, bare', 'added µs') },
  { what: 'node:http, all fields: requests/s', atLeast: 0.85, slack: 0.05, of: http('tollgate, all fields', 'ratio') },
  { what: 'node:http, bare answers: requests/s', atLeast: 0.93, slack: 0.05, of: http('tollgate, bare', 'ratio') },
  { what: 'added µs to the cheapest peer’s, in the worst framework', atMost: 1, slack: 0.1, of: ahead },
  {
    what: 'edit of one key at 1 M, median ms',
    atMost: 0.05,
    slack: 0.2,
    of: catalog('edit of one key, replace', 'median ms'),
  },
  {
    what: 'replace by a fresh catalog of 1 M keys, ms',
    atMost: 3000,
    slack: 0.2,
    of: catalog('replace by a fresh one', 'median ms'),
  },
  {
    what: 'requests wait while it is replaced, ms',
    atMost: 10,
    slack: 0.5,
    of: catalog('replace by a fresh one', 'longest wait ms'),
  },
  { what: 'check and replace, 1 M keys, ms', atMost: 3000, slack: 0.2, of: catalog('check, and replace', 'median ms') },
  {
    what: 'requests/s of serve to the proxy without it',
    atLeast: 0.9,
    slack: 0.05,
    of: rows => figure(rows, 'gateway', '64 connections', 'the gateway', 'ratio'),
  },
  {
    what: 'the front door with a memory gate, B',
    atMost: 8000,
    slack: 0,
    of: size('the front door with a memory gate'),
  },
  { what: 'the same behind a fetch handler, B', atMost: 10_000, slack: 0, of: size('the same behind a fetch handler') },
]

/** The gates, with what a run says of each. */
export function hold(rows: readonly Row[]): readonly Held[] {
  return GATES.map(gate => {
    const { atMost = Number.POSITIVE_INFINITY, atLeast = 0, slack } = gate
    const value = gate.of(rows)
    const kept = value <= atMost * (1 + slack) && value >= atLeast * (1 - slack)
    return { ...gate, value, state: Number.isNaN(value) ? 'not measured' : kept ? 'kept' : 'missed' }
  })
}
