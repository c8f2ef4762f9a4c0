// The access log's file: rotated, full, and at its end.

import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Answered, accessLog } from '../../../src/cli/serve/access-log.ts'
import { folder } from './command.ts'
import { closeAll } from './gateway-before.ts'

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
