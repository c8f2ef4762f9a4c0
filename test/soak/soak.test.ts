// A short soak: the long one works, and gateways that are killed and paused charge at most what was in their flight.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '../../scripts/soak.mjs')
const run = promisify(execFile)

it.each(['--redis', '--sqlite'])('a short soak breaks no bound: %s', { timeout: 120_000 }, async target => {
  const short = ['--requests', '3000', '--gateways', '2', '--connections', '16', '--every', '0.2', '--json']
  // Rejects where a bound is broken.
  const { stdout } = await run(process.execPath, [script, target, ...short])
  const said = JSON.parse(stdout)
  console.log(`${said.target}: ${said.faults}; over-admission ${said['over-admission, seen · bound']}`)
  expect(said).toMatchObject({ requests: 3000, broken: [] })
  expect(said.faults).not.toBe('')
})
