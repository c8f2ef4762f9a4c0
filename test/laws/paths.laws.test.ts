// One spelling for every path, and the method it leads to: against a reader that goes segment by segment, and a matcher
// that tries every template.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { check } from '../../src/core/check.ts'
import { compile } from '../../src/core/compile.ts'
import { canonicalPath } from '../../src/core/path.ts'
import { resolve } from '../../src/core/resolve.ts'
import { Routes } from '../../src/core/routes.ts'
import { law } from './law.ts'

const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'B',
    '.',
    '..',
    '/',
    '//',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    '%00',
    '%7f',
    '%41',
    '%25',
    '%2541',
    '%c3%A9',
  ),
  fc.constantFrom(
    '%ff',
    '%c0%ae',
    '%',
    '%4',
    '%zz',
    ';',
    '%3B',
    ';x=1',
    '\\',
    '#',
    '?',
    ' ',
    'é',
    '\t',
    '\u007f',
    '~',
    '|',
    '{',
    '}',
  ),
  fc.string({ maxLength: 3 }),
)
const target = fc.array(piece, { maxLength: 8 }).map(pieces => `/${pieces.join('')}`)

/** Escapes undone once, as bytes and then as UTF-8; null when they are broken. */
function decoded(text: string): string | null {
  const bytes: number[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') bytes.push(text.charCodeAt(i))
    else {
      const hex = text.slice(i + 1, i + 3)
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return null
      bytes.push(Number.parseInt(hex, 16))
      i += 2
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes))
  } catch {
    return null
  }
}

/** The same by the segment: null when the target is refused. */
function canonicalBySegment(target: string): string | null {
  const path = target.split('?')[0] as string
  if (path[0] !== '/' || /[^\x21-\x7e]|[#\\]/.test(path)) return null
  if (path === '/') return path
  const segments = path.slice(1).split('/')
  if (segments.at(-1) === '') segments.pop()
  const out: string[] = []
  for (const segment of segments) {
    const meant = decoded(segment)
    if (meant === null || segment === '' || /[\x00-\x1f\x7f/\\]/.test(meant)) return null
    if (['.', '..'].includes(meant.split(';')[0] as string)) return null
    out.push(
      segment.replace(/%../g, hex => {
        const char = String.fromCharCode(Number.parseInt(hex.slice(1), 16))
        return /[A-Za-z0-9._~-]/.test(char) ? char : hex.toUpperCase()
      }),
    )
  }
  return `/${out.join('/')}`
}

describe('path', () => {
  law('a path is what its segments are, read one by one', [target], target => {
    expect(canonicalPath(target)).toBe(canonicalBySegment(target))
  })

  law('a canonical path is its own canonical form', [target], target => {
    const path = canonicalPath(target)
    if (path !== null) expect(canonicalPath(path)).toBe(path)
  })

  law('a canonical path means to the platform what it says: nothing is folded away', [target], target => {
    const path = canonicalPath(target)
    if (path === null) return
    expect(decoded(new URL(path, 'http://host').pathname)).toBe(decoded(path))
    expect(canonicalPath(`${path}/`)).toBe(path === '/' ? null : path)
    expect(canonicalPath(`${path}?a=/../b`)).toBe(path)
  })

  const refused = [
    '/pets/../admin', '/./pets', '/pets/..%2fadmin', '/pets%2f1', '/pets%5c1', '/pets/..;x=1/admin', '/..;/admin',
    '/pets\\1', '//evil.com/pets', '/pets//1', 'h:80', '*', 'http://h/pets', '', '/pets%00', '/pets%0d%0aX:y',
    '/pets%1b[31m', '/%c0%ae%c0%ae/admin', '/pets/%ff', '/pets/%2e%2e/admin', '/%2e/pets', '/pets/.%2E;a', '/pets/..%3Ba',
    '/pets#x', '/pets/caf\u00e9', '/pets\u0000', '/pets ', '/pets\t', '/pets%', '/pets%2', '/pets%7F', '/pets//', '/.',
  ] // biome-ignore format: a list
  it.each(refused)('refuses %j', target => {
    expect(canonicalPath(target)).toBeNull()
  })

  it.each([
    ['/pets/', '/pets'],
    ['/pets?a=/../admin&x-api-key=K', '/pets'],
    ['/pets/caf%c3%a9', '/pets/caf%C3%A9'],
    ['/pets/cafe%CC%81', '/pets/cafe%CC%81'],
    ['/pets/%252e%252e', '/pets/%252e%252e'],
    ['/%70ets/%7E', '/pets/~'],
    ['/...', '/...'],
    ['/?x', '/'],
  ])('spells %j as %j', (target, path) => {
    expect(canonicalPath(target)).toBe(path)
  })
})

// ── routes ──

const VERBS = ['GET', 'POST', 'ANY'] as const
const literal = fc.constantFrom('a', 'A', 'b', 'a;x', 'b.c')
const segment = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 2, arbitrary: fc.constant('{p}') })
const template = fc.tuple(fc.array(segment, { maxLength: 3 }), fc.boolean()).map(([segments, greedy]) => {
  // A name for each place, since a template uses none twice.
  const named = segments.map((text, i) => (text === '{p}' ? `{p${i}}` : text))
  return `/${[...named, ...(greedy ? ['{rest+}'] : [])].join('/')}`
})
const methods = fc.uniqueArray(fc.tuple(template, fc.constantFrom(...VERBS)), {
  maxLength: 8,
  selector: ([path, verb]) => `${verb} ${path}`,
})
const asked = fc
  .array(fc.constantFrom('a', 'A', 'b', 'B', 'a;x', 'A;y', '%61', 'a%3Bz', 'b.c', 'c', 'x', '%C3%A9'), { maxLength: 4 })
  .map(segments => canonicalPath(`/${segments.join('/')}`) as string)

/** What a lax server may take a segment for. */
function foldedOf(segment: string): string {
  return ((decoded(segment) ?? segment).split(';')[0] as string).toLowerCase()
}

/**
 * Every template is tried: at each segment those with the literal, then those with a parameter, then greedy ones; and a
 * segment that only a laxer reading makes a declared literal is refused on the spot.
 */
function findByTrying(all: readonly (readonly [string, string])[], path: string, verb: string): string | undefined {
  const segments = path === '/' ? [] : path.slice(1).split('/')
  const serve = (candidates: readonly (readonly [string, string])[]): string | undefined => {
    const found = candidates.find(([, v]) => v === verb) ?? candidates.find(([, v]) => v === 'ANY')
    return found && `${found[1]} ${found[0]}`
  }
  const partsOf = (path: string): string[] => (path === '/' ? [] : path.slice(1).split('/'))
  const go = (candidates: readonly (readonly [string, string])[], i: number): string | undefined => {
    if (i === segments.length) return serve(candidates.filter(([path]) => partsOf(path).length === i))
    const asked = segments[i] as string
    const at = (test: (part: string) => boolean) =>
      candidates.filter(([path]) => partsOf(path)[i] !== undefined && test(partsOf(path)[i] as string))
    const literals = at(part => !part.startsWith('{'))
    const same = literals.filter(([path]) => partsOf(path)[i] === asked)
    if (same.length > 0) {
      const found = go(same, i + 1)
      if (found !== undefined) return found
    } else if (literals.some(([path]) => foldedOf(partsOf(path)[i] as string) === foldedOf(asked))) {
      return 'ambiguous'
    }
    return (
      go2(
        at(part => /^\{[^+]+\}$/.test(part)),
        i,
      ) ?? serve(at(part => part.endsWith('+}')))
    )
  }
  const go2 = (candidates: readonly (readonly [string, string])[], i: number): string | undefined =>
    candidates.length === 0 ? undefined : go(candidates, i + 1)
  return go(all, 0)
}

describe('routes', () => {
  law(
    'a path leads where trying every template leads',
    [methods, asked, fc.constantFrom('GET', 'POST')],
    (all, path, verb) => {
      const routes = new Routes<string>()
      for (const [template, verb] of all) {
        routes.add(template, verb, `${verb} ${template}`)
      }
      expect(routes.find(path, verb)).toBe(findByTrying(all, path, verb))
    },
  )

  law('two spellings of one resource are one bucket, or one of them is refused', [target, fc.nat(3)], (target, n) => {
    const index = petstore()
    const found = resolve(index, { method: 'GET', path: target, apiKey: KEY })
    const canonical = canonicalPath(target)
    if (canonical === null) expect(found).toMatchObject({ kind: 'bad-request', reason: 'path' })
    else {
      const spelled = canonical.replace(/[a-z]/g, (c, i) => (i % 4 === n ? `%${c.charCodeAt(0).toString(16)}` : c))
      expect(resolve(index, { method: 'GET', path: spelled, apiKey: KEY })).toEqual(found)
    }
  })

  it('matches what a template means and nothing else', () => {
    const index = petstore()
    const of = (method: string, path: string) => {
      const found = resolve(index, { method, path, apiKey: KEY })
      return 'kind' in found ? `${found.kind}` : `${found.httpMethod} ${found.path}`
    }
    expect(of('GET', '/pets/')).toBe('GET /pets')
    expect(of('GET', '/pets/1')).toBe('GET /pets/{id}')
    expect(of('GET', '/pets/caf%C3%A9')).toBe('GET /pets/{id}')
    expect(of('GET', '/pets/%252e%252e')).toBe('GET /pets/{id}')
    expect(of('GET', '/PETS')).toBe('bad-request')
    expect(of('GET', '/pets;a=1')).toBe('bad-request')
    expect(of('GET', '/pets%3Ba')).toBe('bad-request')
    for (const verb of ['FOO', 'QUERY', 'TRACE', 'get', 'ANY', 'CONNECT', '']) {
      expect(of(verb, '/any')).toBe('missing-authentication-token')
    }
    expect(of('PATCH', '/any')).toBe('ANY /any')
    expect(of('POST', '/pets?_method=GET')).toBe('missing-authentication-token')
  })
})

const KEY = 'the-value-of-the-only-key'

function petstore() {
  const checked = check({
    apis: [
      {
        id: 'api',
        methods: [
          { path: '/pets', httpMethod: 'GET', apiKeyRequired: true },
          { path: '/pets/{id}', httpMethod: 'GET', apiKeyRequired: true },
          { path: '/admin', httpMethod: 'POST', apiKeyRequired: true },
          { path: '/any', httpMethod: 'ANY', apiKeyRequired: true },
        ],
        stages: [{ stageName: 's' }],
      },
    ],
    usagePlans: [{ id: 'p', apiStages: [{ apiId: 'api', stage: 's' }] }],
    apiKeys: [{ id: 'k', value: KEY, usagePlanIds: ['p'] }],
  })
  if (!checked.ok) throw new Error(checked.issues[0]?.message)
  return compile(checked.catalog)
}
