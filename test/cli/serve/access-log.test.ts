// The access log's file: rotated, full, and at its end.

import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Answered, accessLog } from '../../../src/cli/serve/access-log.ts'
import { gateOf } from '../../gate-of.ts'
import { folder } from './command.ts'
import { CATALOG, closeAll, dial, gatewayBefore, head, POOR, upstreamOf } from './gateway-before.ts'

afterEach(closeAll)

const line = (target: string): Answered => ({
  at: 0,
  duration: 1,
  method: 'GET',
  target,
  host: 'h',
  status: 200,
  decision: { kind: 'open', admitted: true },
  dryRun: false,
})

it('has every line in a file when it is closed, also those written just before it was reopened', async () => {
  const path = join(folder(), 'access.ndjson')
  const log = await accessLog(path, error => expect.fail(error.message))
  const written: string[] = []
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 500; j++) {
      const target = `/${i}/${j}/${'x'.repeat(500)}`
      log.write(line(target))
      written.push(target)
    }
    if (i === 0) await new Promise(resolve => setTimeout(resolve, 20))
    if (i === 0) renameSync(path, `${path}.1`)
    log.reopen()
  }
  await log.close()
  const lines = [`${path}.1`, path].flatMap(name => readFileSync(name, 'utf8').trimEnd().split('\n'))
  expect(lines.map(text => JSON.parse(text).path).toSorted()).toEqual(written.toSorted())
})

it.runIf(process.platform === 'linux')('says once that a disk is full, and goes on', async () => {
  const errors: string[] = []
  const log = await accessLog('/dev/full', error => errors.push(error.message))
  for (let i = 0; i < 10; i++) {
    log.write(line('/a'))
    await new Promise(setImmediate)
  }
  while (!log.failing) await new Promise(setImmediate)
  log.write(line('/a'))
  await log.close()
  expect(errors).toEqual([expect.stringContaining('ENOSPC')])
})

it('says that an answer was cut', async () => {
  const cut = { ...line('/a'), cut: true }
  const path = join(folder(), 'access.ndjson')
  const log = await accessLog(path, () => {})
  log.write(cut)
  await log.close()
  expect(JSON.parse(readFileSync(path, 'utf8')).cut).toBe(true)
})

it('says the instant of the decision, also where another clock was looked at later', async () => {
  const upstream = await upstreamOf((_, response) => response.end())
  const judgedAt = Date.UTC(2026, 0, 31, 12)
  const gate = gateOf({ catalog: CATALOG, clock: () => judgedAt })
  const { port, told } = await gatewayBefore(upstream.url, { gate })
  const request = head('GET /a', `x-api-key: ${POOR}`, 'Connection: close')
  for (let i = 0; i < 2; i++) await dial(port, request).answers()
  expect((await told(2)).map(({ status, at }) => [status, at])).toEqual([
    [200, judgedAt],
    [429, judgedAt],
  ])
})
