// Options, and their values as people write them. Floor 5.

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { nearestOf } from '../core/readers.ts'
import { shown } from './keys/arguments.ts'
import { UsageError } from './terminal.ts'

export type Options = NonNullable<ParseArgsConfig['options']>

type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true; strict: true }>>

/**
 * The options of a verb, and what stands between them.
 *
 * @param verb as it is typed after `tollgate`: its help is pointed at
 * @throws {UsageError} for what is no option, or has a value too many or too few. What may be a key's value is not repeated
 */
export function argumentsOf<const O extends Options>(verb: string, args: string[], options: O): Parsed<O> {
  const help = `see tollgate ${verb} --help`
  const { tokens, ...parsed } = parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const type = Object.hasOwn(options, name) ? options[name]?.type : undefined
    if (type === undefined || !rawName.startsWith('--')) {
      const text = rawName.startsWith('--') ? rawName : (args[token.index] as string)
      const near = nearestOf(
        `--${text.replace(/^-+/, '')}`,
        Object.keys(options).map(known => `--${known}`),
        '',
      )
      throw new UsageError(`expected an option, received ${shown(text)}; ${near === '' ? help : `${near} ${help}`}`)
    }
    if (type === 'boolean' && value !== undefined)
      throw new UsageError(`${rawName}: expected no value, received ${shown(value)}; ${help}`)
    if (type === 'string' && value === undefined)
      throw new UsageError(`${rawName}: expected a value, received nothing; ${help}`)
    // -1 is a number, - is stdin, and what else begins so was meant to be an option.
    if (type === 'string' && !inlineValue && /^-\D/.test(value as string)) {
      const remedy = `if it is the value, write ${rawName}=… in one`
      throw new UsageError(`${rawName}: expected a value, received ${shown(value as string)}; ${remedy}; ${help}`)
    }
  }
  return parsed as Parsed<O>
}

/** The options of a verb that takes nothing else. @throws {UsageError} as `argumentsOf`, and for anything between them */
export function optionsOf<const O extends Options>(verb: string, args: string[], options: O): Parsed<O>['values'] {
  const { values, positionals } = argumentsOf(verb, args, options)
  const [stray] = positionals
  if (stray === undefined) return values
  const given = values as Readonly<Record<string, unknown>>
  const meant = stray.endsWith('.json') ? 'catalog' : stray.endsWith('.csv') ? 'keys' : 'log'
  const isMissing = options[meant]?.type === 'string' && given[meant] === undefined
  // What ends as files do is no key's value.
  const received = /\.[A-Za-z]\w{1,5}$/.test(stray) ? JSON.stringify(stray) : shown(stray)
  const remedy = isMissing ? `did you mean --${meant} ${received}?` : 'remove it;'
  throw new UsageError(`expected options only, received ${received}; ${remedy} see tollgate ${verb} --help`)
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `30s`, `500ms`, `5m` → ms. */
export function duration(option: string, text: string): number {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? []
  if (digits === undefined)
    throw new UsageError(`${option}: expected a time like 30s, 500ms or 5m, received ${JSON.stringify(text)}`)
  return Number(digits) * UNITS[unit as keyof typeof UNITS]
}

const SIZES = { '': 1, kb: 1000, mb: 1_000_000, gb: 1_000_000_000 } as const

/** `10MB`, `16KB`, `4096` → bytes. */
export function size(option: string, text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12})(kb|mb|gb)?$/i.exec(text) ?? []
  if (digits === undefined)
    throw new UsageError(`${option}: expected a size like 10MB, 16KB or 4096, received ${JSON.stringify(text)}`)
  return Number(digits) * SIZES[unit.toLowerCase() as keyof typeof SIZES]
}

export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`${option}: expected a whole number from ${min} to ${max}, received ${JSON.stringify(text)}`)
}

/** `127.0.0.1:9090`, `[::1]:9090`, `9090` → where to listen. */
export function address(option: string, text: string): { readonly host: string; readonly port: number } {
  const [, host = '127.0.0.1', port] = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]+):)?(\d{1,5})$/i.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) {
    throw new UsageError(`${option}: expected HOST:PORT like 127.0.0.1:9090, received ${JSON.stringify(text)}`)
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** A URL of http or https, as it came. */
export function httpUrl(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  // Before an @ may be a password.
  const received = JSON.stringify(text.replace(/^.*@/s, ''))
  throw new UsageError(`${option}: expected a URL that begins with http:// or https://, received ${received}`)
}

/** The URL of a place: `usual` is one. @throws {UsageError} where it says more, which would not be used */
export function placeUrl(option: string, text: string, usual: string): URL {
  const url = new URL(httpUrl(option, text))
  if (url.username === '' && url.password === '' && url.search === '' && url.hash === '') return url
  throw new UsageError(
    `${option}: expected a URL like ${usual}, received one with a user, a query or a fragment; remove it`,
  )
}

/** A URL as it may be shown: without the user and the password that may be in it. */
export function withoutCredentials(url: string): string {
  // In one that is none, who knows where the password ends.
  return url.replace(URL.canParse(url) ? /\/\/[^/?#]*@/ : /\/\/.*@/, '//')
}
