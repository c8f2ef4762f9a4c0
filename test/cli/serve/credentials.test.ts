// The file of credentials: whatever is wrong in it is said at once, and nothing of what it holds.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { credentialsOf } from '../../../src/cli/serve/credentials.ts'
import { UsageError } from '../../../src/cli/terminal.ts'
import { folder } from './command.ts'
import { closeAll } from './gateway-before.ts'

afterEach(closeAll)

function read(document: unknown): unknown {
  const path = join(folder(), 'credentials.json')
  writeFileSync(path, JSON.stringify(document), { mode: 0o600 })
  try {
    return credentialsOf(path, () => {})
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return error.message.replaceAll(path, 'FILE').split('\n')
  }
}

const SECRET = 'a secret of twenty characters'

it('names everything that is wrong in it, and tells no secret', () => {
  const said = read({
    credentials: [
      { accessKeyId: 'OPS', secretAccessKey: SECRET.slice(0, 19), role: 'admin' },
      { accessKeyId: 'DEV', secretAccessKey: SECRET, role: 'writer' },
    ],
    tokens: { name: SECRET },
    keys: [],
  })
  expect(said).toEqual([
    'FILE: keys: expected credentials and tokens only',
    'FILE: credentials[0].secretAccessKey: expected text of 20 characters or more',
    'FILE: credentials[1].role: expected "admin" or "read"',
    'FILE: tokens: expected a list of objects',
  ])
  expect(read({})).toEqual([expect.stringMatching(/^FILE: expected somebody in it, like /)])
})

it('gives what is right', () => {
  const credentials = [{ accessKeyId: 'OPS', secretAccessKey: SECRET, role: 'admin' }]
  expect(read({ credentials })).toEqual({ credentials, tokens: [] })
})
