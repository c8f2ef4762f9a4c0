// What a live gateway said is what a replay of its own log says, one to one, while its catalog is edited.

import { expect, it } from 'vitest'
import { bundled, newFolder } from '../cli/command.ts'
import { engine } from './engine.ts'

it("says again what a live gateway's log says, through edits of its catalog", { timeout: 60_000 }, async () => {
  const { file } = await bundled()
  const told = await engine({ command: file, folder: newFolder(), requests: 4_000, edits: 3 })
  expect(told.differences).toEqual([])
  expect(told.requests).toBeGreaterThan(3_950)
  // All that can be said was said, by more than one catalog.
  expect(Object.keys(told.kinds).sort()).toEqual([
    'allowed',
    'bad-request',
    'invalid-api-key',
    'missing-authentication-token',
    'open',
    'quota-exceeded',
    'throttled',
  ])
  expect(told.versions).toBeGreaterThan(2)
})
