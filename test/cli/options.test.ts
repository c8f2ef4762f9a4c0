// Options that are none, and values that are none: said in one form by every verb, with the nearest and where to look.

import { randomBytes } from 'node:crypto'
import { beforeAll, expect, it } from 'vitest'
import { keyValueOf } from '../../src/core/key-value.ts'
import { bundled, type Command } from './command.ts'

const CANARY = keyValueOf('canary', randomBytes(64))
let tollgate: Command

beforeAll(async () => {
  tollgate = await bundled()
}, 60_000)

it.each([
  [
    'serve --catalgo plans.json',
    'expected an option, received "--catalgo"; did you mean "--catalog"? see tollgate serve --help',
  ],
  [
    'serve -catalog plans.json',
    'expected an option, received "-catalog"; did you mean "--catalog"? see tollgate serve --help',
  ],
  ['check --bogus', 'expected an option, received "--bogus"; see tollgate check --help'],
  [
    'admin keys list --plam gold',
    'expected an option, received "--plam"; did you mean "--plan"? see tollgate admin keys list --help',
  ],
  [`keys generate --${CANARY}`, 'expected an option, received (49 characters); see tollgate keys generate --help'],
  ['keys generate -5', 'expected an option, received "-5"; see tollgate keys generate --help'],
  [
    'replay log --catalog --json',
    '--catalog: expected a value, received "--json"; if it is the value, write --catalog=… in one; see tollgate replay --help',
  ],
  ['fit log --catalog', '--catalog: expected a value, received nothing; see tollgate fit --help'],
  ['check plans.json --json=yes', '--json: expected no value, received "yes"; see tollgate check --help'],
  ['serve --upstream demo --drain -1', '--drain: expected a time like 30s, 500ms or 5m, received "-1"'],
  [
    'serve --upstream http://u:p@127.0.0.1:1/?x=1 --port 0 --admin 127.0.0.1:0 --store memory',
    '--upstream: expected a URL like http://127.0.0.1:3000, received one with a user, a query or a fragment; remove it',
  ],
  [
    'admin --url http://127.0.0.1:1 status',
    'tollgate admin: expected a verb first, and "--url" after it: tollgate admin status --url URL',
  ],
  ['keys generate --count -5', '--count: expected a whole number from 1 to 10000000, received "-5"'],
  [
    'serve gateways/production/plans.json --upstream demo',
    'expected options only, received "gateways/production/plans.json"; did you mean --catalog "gateways/production/plans.json"? see tollgate serve --help',
  ],
  ['serve --catalog a.json b.json', 'expected options only, received "b.json"; remove it; see tollgate serve --help'],
  [
    'preview --catalog a.json access.log',
    'expected options only, received "access.log"; did you mean --log "access.log"? see tollgate preview --help',
  ],
])('%s', async (line, words) => {
  expect(await tollgate(line.split(' '))).toMatchObject({ code: 2, stdout: '', stderr: `${words}\n` })
})

it('takes what begins with a dash for a value where it is written in one, and - for stdin', async () => {
  const { stderr } = await tollgate(['replay', '--catalog=-x.json', '-'])
  expect(stderr).toBe('-x.json: expected a file, found none there; check the path\n')
})
