// `tollgate admin call`: any operation of the control plane's, its input and its answer as they are on the wire. Floor 5.

import { routes } from '../../control/routes.ts'
import { shown } from '../keys/arguments.ts'
import { nameOf, wholeTextOf } from '../keys/text-of.ts'
import { UsageError } from '../terminal.ts'
import { labelsOf, routeOf } from './request.ts'
import { verb } from './verb.ts'

const LINES = routes.map(route => {
  const members = [...labelsOf(route), ...Object.values(route.query).map(name => `[${name}]`)]
  const body = route.body === 'json' ? ['…'] : route.body === 'raw' ? ['--body FILE'] : []
  return `  ${route.operation.padEnd(28)} ${[...members, ...body].join(' ')}`
})

export const call = verb({
  usage: 'call OPERATION [--input JSON | FILE.json | -] [--body FILE | -]',
  help: `Any operation of the control plane's, once: its input's members as AWS's wire has them, the answer as it comes.

  --input   a JSON object, a file of one, or - for stdin. A key's value in it comes by file or stdin
  --body    the file that is imported, or - for stdin, where an operation takes one

Examples
  tollgate admin call GetUsagePlan --input '{ "usagePlanId": "gold" }'
  tollgate admin call CreateUsagePlan --input '{ "name": "gold", "quota": { "limit": 1000, "period": "DAY" } }'
  tollgate admin call ImportRestApi --body openapi.json

Operations, with the members of path and query; … is a JSON body (docs/control-plane.md)
${LINES.join('\n')}`,
  takes: ['OPERATION'],
  options: { input: { type: 'string', default: '{}' }, body: { type: 'string' } },
  changes: true,
  lists: false,
  async run({ client, named: [name = ''], values, waiting }) {
    const { operation, body } = routeOf(name)
    const isInline = values.input.trimStart().startsWith('{')
    if (values.input === '-' && values.body === '-')
      throw new UsageError('--input, --body: expected stdin for one of them, received - for both')
    const input = objectIn(
      isInline ? values.input : await wholeTextOf(values.input, waiting),
      isInline ? '--input' : nameOf(values.input),
    )
    if (isInline && operation === 'CreateApiKey' && input['value'] !== undefined) {
      throw new UsageError(
        "--input: value: expected it in a file, or on stdin with --input -: a command line is kept in the shell's history and " +
          'seen by everyone on the machine. If it is in use, replace it',
      )
    }
    if (values.body !== undefined && body !== 'raw')
      throw new UsageError(`--body: ${operation} takes none; its members are in --input`)
    const text = values.body === undefined ? {} : { body: await wholeTextOf(values.body, waiting) }
    const answer = await client.call(operation, { ...input, ...text })
    return { answer: Object.keys(answer).length === 0 ? null : answer, table: null }
  },
})

function objectIn(text: string, from: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UsageError(`${from}: expected a JSON object, received ${text.length} characters that are none`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new UsageError(`${from}: expected a JSON object, received ${shown(text)}`)
}
