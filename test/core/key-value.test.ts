// Generated key values: what they look like, and that no slip of a finger leaves one valid.

import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isGenerated, isKeyPrefix, keyValueOf } from '../../src/core/key-value.ts'
import { isKeyValue } from '../../src/core/plan.ts'
import { gateFetch } from '../../src/http/fetch.ts'
import { createGate } from '../../src/index.ts'
import { gateOf } from '../gate-of.ts'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bytes = fc.uint8Array({ minLength: 96, maxLength: 96 })
const prefixes = fc.stringMatching(/^([A-Za-z](\w{0,21}[A-Za-z0-9])?)?$/)

describe('keyValueOf', () => {
  it('makes values that a catalog takes, of at most 64 characters, their prefix first and 34 random digits', () => {
    fc.assert(
      fc.property(prefixes, bytes, (prefix, bytes) => {
        const value = keyValueOf(prefix, bytes)
        expect(value.length).toBe(prefix === '' ? 40 : prefix.length + 41)
        expect(value.length).toBeLessThanOrEqual(64)
        expect(isKeyValue(value)).toBe(true)
        expect(value.startsWith(prefix === '' ? '' : `${prefix}_`)).toBe(true)
        expect(value.slice(prefix === '' ? 0 : prefix.length + 1)).toMatch(/^[0-9A-Za-z]{40}$/)
        expect(isGenerated(value, prefix)).toBe(true)
      }),
    )
    expect(34 * Math.log2(62)).toBeGreaterThan(190)
  })

  it('ends with the CRC-32 that everybody computes', () => {
    fc.assert(
      fc.property(prefixes, bytes, (prefix, bytes) => {
        const value = keyValueOf(prefix, bytes)
        const crc = [...value.slice(-6)].reduce((sum, digit) => sum * 62 + DIGITS.indexOf(digit), 0)
        expect(crc).toBe(crc32(value.slice(0, -6)))
      }),
    )
  })

  it('makes every digit of exactly four bytes, and passes over the other eight: no digit is likelier', () => {
    const made = new Map<string, number>()
    for (let byte = 0; byte < 256; byte++) {
      const digit = (byte & 63) > 61 ? null : keyValueOf('', new Uint8Array(34).fill(byte))[0]
      if (digit === null) expect(() => keyValueOf('', new Uint8Array(1000).fill(byte))).toThrow(RangeError)
      else made.set(digit as string, (made.get(digit as string) ?? 0) + 1)
    }
    expect([...made.keys()].sort()).toEqual([...DIGITS].sort())
    expect(new Set(made.values())).toEqual(new Set([4]))
  })

  it('makes nothing of too few bytes, or with a prefix that is none', () => {
    expect(() => keyValueOf('acme', new Uint8Array(33))).toThrow('64 or more; 33 do not suffice')
    for (const prefix of ['_', 'a_', '1a', 'a-b', '=a', 'é', 'a'.repeat(24), 'a\n']) {
      expect(isKeyPrefix(prefix), prefix).toBe(false)
      expect(() => keyValueOf(prefix, randomBytes(64))).toThrow(RangeError)
    }
    expect(isKeyPrefix('sk_live')).toBe(true)
  })
})

describe('isGenerated', () => {
  it('is false once any one character is any other', () => {
    fc.assert(
      fc.property(prefixes, bytes, (prefix, bytes) => {
        const value = keyValueOf(prefix, bytes)
        const others = `${DIGITS}_-.~+/= é`
        for (let i = 0; i < value.length; i++) {
          for (const other of others) {
            if (other === value[i]) continue
            if (isGenerated(value.slice(0, i) + other + value.slice(i + 1), prefix)) throw new Error(`${i}: ${other}`)
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  it('is false once any two neighbours are swapped, across the seam of the checksum too', () => {
    fc.assert(
      fc.property(prefixes, bytes, (prefix, bytes) => {
        const value = keyValueOf(prefix, bytes)
        for (let i = 0; i + 1 < value.length; i++) {
          const [a, b] = [value[i] as string, value[i + 1] as string]
          if (a !== b && isGenerated(value.slice(0, i) + b + a + value.slice(i + 2), prefix)) throw new Error(`${i}`)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('cannot be fooled by a swap across the seam: no difference of two checksums is a step of the first digit', () => {
    // The last digit of the body and the first of the checksum, both 0 to 4, or the checksum is beyond 32 bits. Swapped,
    // the CRC changes by XOR with one of these, and its text by a multiple of 62^5, which 32 divides: they are never one.
    const table = (byte: number): number => {
      let crc = byte
      for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
      return crc >>> 0
    }
    for (let a = 0; a < 5; a++)
      for (let b = 0; b < 5; b++) if (a !== b) expect(table((48 + a) ^ (48 + b)) % 32).not.toBe(0)
    expect(62 ** 5 % 32).toBe(0)
  })

  it('is false of other prefixes, lengths and of arbitrary text', () => {
    const value = keyValueOf('acme', randomBytes(64))
    expect(isGenerated(value, 'acm')).toBe(false)
    expect(isGenerated(value, '')).toBe(false)
    expect(isGenerated(`${value}0`, 'acme')).toBe(false)
    expect(isGenerated(value.slice(0, -1), 'acme')).toBe(false)
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 80 }),
        text => !isGenerated(text, 'acme') && !isGenerated(text, ''),
      ),
    )
  })
})

describe("a gate's isKeyValue", () => {
  const value = keyValueOf('acme', randomBytes(64))
  const document = { plans: [{ id: 'free' }], keys: [{ id: 'k', value, plan: 'free' }] }
  const ask = (apiKey: string) => ({ method: 'GET', path: '/', apiKey })

  it('refuses what it is false of as malformed, and without a lookup', () => {
    const gate = gateOf({ catalog: document, isKeyValue: value => isGenerated(value, 'acme') })
    let lookups = 0
    const { apiKeys } = gate.catalog
    const counting = new Proxy(apiKeys, {
      get: (target, name) => {
        if (name === 'byValue') lookups++
        const member = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    gate.replace({ ...gate.catalog, apiKeys: counting })
    lookups = 0
    expect(gate.admit(ask(`${value.slice(0, -1)}${value.endsWith('0') ? 1 : 0}`))).toMatchObject({
      reason: 'malformed',
    })
    expect(gate.peek(ask('acme-key-000000000000000001'))).toMatchObject({ reason: 'malformed' })
    expect(lookups).toBe(0)
    expect(gate.admit(ask(keyValueOf('acme', randomBytes(64))))).toMatchObject({ reason: 'unknown' })
    expect(lookups).toBe(1)
    expect(gate.admit(ask(value))).toMatchObject({ kind: 'allowed', keyId: 'k' })
  })

  it('is not asked of what no key could be, nor of none, nor by an open method', () => {
    const asked: string[] = []
    const isKeyValue = (value: string) => asked.push(value) > 0
    const gate = gateOf({ catalog: { ...document, requireKey: ['/closed'] }, isKeyValue })
    gate.admit({ method: 'GET', path: '/', apiKey: value })
    for (const apiKey of [undefined, null, '', 'short', 'x'.repeat(129)])
      gate.admit({ method: 'GET', path: '/closed', apiKey })
    expect(asked).toEqual([])
    gate.admit({ method: 'GET', path: '/closed', apiKey: value })
    expect(asked).toEqual([value])
  })

  it('lets nobody through where it throws or gives nothing', async () => {
    const gate = gateOf({
      catalog: document,
      isKeyValue: () => {
        throw new Error('out of order')
      },
    })
    expect(() => gate.admit(ask(value))).toThrow('out of order')
    const guarded = gateFetch(gate, () => new Response('through'))
    const response = await guarded(new Request('http://test/', { headers: { 'x-api-key': value } }))
    expect(response.status).toBe(500)
    const silent = createGate({ catalog: gate.catalog, isKeyValue: (() => undefined) as unknown as () => boolean })
    expect(silent.admit(ask(value))).toMatchObject({ kind: 'invalid-api-key', reason: 'malformed' })
  })
})
