// What is wrong with the text of a catalog file: one thing at a time, where it is, and what to do about it.

import { expect, it } from 'vitest'
import { parseCatalog } from '../../src/cli/catalog-file.ts'

function problemsOf(text: string): string[] {
  const loaded = parseCatalog(new TextEncoder().encode(text))
  return loaded.ok ? [] : loaded.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`)
}

it.each([
  ['', 'nothing: the file is empty; write a catalog there, or let tollgate init make one', 1],
  ['\ufeff \n\n', 'nothing: the file is empty; write', 1],
  ['{"plans":[{"id":"a"},]}', 'something else (value expected); put a value there, or remove the comma before it', 22],
  ['{"plans":[{"id":"a",}]}', 'something else (property name expected); put a name', 21],
  ['{"plans":[{"id":"a"}{"id":"b"}]}', 'something else (comma expected); put a comma before it', 21],
  ['{"plans":[{"id":"a"}', 'something else (close bracket expected); close the list with ] there', 21],
  ['{plans:[{"id":"a"}]}', 'something else (invalid symbol); put text in double quotes', 2],
  ['{"plans":[] // two\n}', 'something else (invalid comment token); remove the comment, since JSON has none', 13],
])('says what is no JSON in %j, once', (text, words, column) => {
  expect(problemsOf(text)).toEqual([expect.stringContaining(`1:${column}: expected JSON, received ${words}`)])
})

it('says what is given twice before what is no JSON, and nothing after it', () => {
  expect(problemsOf('{"plans":[{"id":"a","id":"b"},],"plans":[],,}')).toEqual([
    '1:21: expected each member once, received "id" again; remove one of the two',
    expect.stringMatching(/^1:31: expected JSON/),
  ])
})

it("says of a key's value that is a member given twice how long it is", () => {
  const secret = 'acme-key-000000000000000001'
  expect(problemsOf(`{"keys":[{"${secret}":1,"${secret}":2}],"$schema":"","$schema":""}`)).toEqual([
    '1:43: expected each member once, received 27 characters again; remove one of the two',
    '1:90: expected each member once, received "$schema" again; remove one of the two',
  ])
})
