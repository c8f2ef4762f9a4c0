// Values of options as people write them. Floor 5.

import { UsageError } from './terminal.ts'

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

/** A URL as it may be shown: without the user and the password that may be in it. */
export function withoutCredentials(url: string): string {
  // In one that is none, who knows where the password ends.
  return url.replace(URL.canParse(url) ? /\/\/[^/?#]*@/ : /\/\/.*@/, '//')
}
