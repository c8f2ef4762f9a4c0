// The house, held: which floor may import which, what the core may use, and that what package.json promises is there.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import build from '../tsup.config.ts'

const SRC = join(import.meta.dirname, '../src')
const FLOORS: readonly (readonly [RegExp, number])[] = [
  [
    /^core\/(plan|api|catalog|edits|table|hash|slots|id-table|keys-by-id|keys-by-value|without-keys|document|check|readers|shapes|relations|short|template|csv|key-file|key-value)\.ts$/,
    0,
  ],
  [/^core\/(units|bucket|calendar|state|limits|path|routes)\.ts$/, 1],
  [/^core\/(decision|decide|compile|resolve)\.ts$/, 2],
  [/^(stores\/.+|gate|hook|errors|testing)\.ts$/, 3],
  [/^(http|control|replay)\/.+\.ts$/, 4],
  [/^cli\/.+\.ts$/, 5],
]

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))

/** What a file imports, and whether only types of it. */
function importsOf(file: string): { from: string; typeOnly: boolean }[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  const found = text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from '([^']+)'|^import '([^']+)'/gms)
  return [...found].map(([, typeOnly, from, bare]) => ({
    from: (from ?? bare) as string,
    typeOnly: typeOnly !== undefined,
  }))
}

const floorOf = (file: string): number | undefined => FLOORS.find(([pattern]) => pattern.test(file))?.[1]
const targetOf = (file: string, from: string): string => relative(SRC, join(SRC, dirname(file), from))

describe('the house', () => {
  it('has a floor for every file, but for the front door', () => {
    expect(files.filter(file => floorOf(file) === undefined)).toEqual(['index.ts'])
  })

  it.each(files.filter(file => file !== 'index.ts'))('lets %s import sideways or down, never up', file => {
    const up = importsOf(file)
      .filter(({ from }) => from.startsWith('.'))
      .map(({ from, typeOnly }) => ({ to: targetOf(file, from), typeOnly }))
      // Floors 0 and 1 are data and numbers, and know each other: a catalog is checked against the units' bounds.
      .filter(({ to }) => Math.max(1, floorOf(to) ?? 9) > Math.max(1, floorOf(file) as number))
    expect(up).toEqual([])
  })

  it('keeps adapters and stores apart', () => {
    const between = files.flatMap(file =>
      importsOf(file)
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from }) => [file, targetOf(file, from)] as const)
        .filter(
          ([a, b]) =>
            (a.startsWith('http/') && b.startsWith('stores/')) || (a.startsWith('stores/') && b.startsWith('http/')),
        ),
    )
    expect(between).toEqual([])
  })

  it('imports nothing from outside below the command, but for types of node:', () => {
    const outside = files
      .filter(file => !file.startsWith('cli/'))
      .flatMap(file => importsOf(file).map(({ from, typeOnly }) => ({ file, from, typeOnly })))
      .filter(({ from, typeOnly }) => !from.startsWith('.') && !(from.startsWith('node:') && typeOnly))
    expect(outside).toEqual([])
  })

  it('has a pure core: no clock, no chance, no promise, no platform', () => {
    const impure =
      /\b(Date\b(?!`)|Math\.random|performance|process|globalThis|Promise|async |await |setTimeout|crypto|console)\b/
    const used = files
      .filter(file => file.startsWith('core/'))
      .flatMap(file => {
        const code = readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`/g, '')
        const found = impure.exec(code)
        return found === null ? [] : [`${file}: ${found[0]}`]
      })
    expect(used).toEqual([])
  })

  it('reads no environment below the command', () => {
    const reading = files.filter(
      file => !file.startsWith('cli/') && /process\.env/.test(readFileSync(join(SRC, file), 'utf8')),
    )
    expect(reading).toEqual([])
  })
})

describe('the package', () => {
  const entries = (Array.isArray(build) ? build : []).flatMap(({ entry }) =>
    Object.entries(entry as Record<string, string>),
  )

  it('depends on nothing', () => {
    expect(Object.keys(manifest)).not.toContain('dependencies')
    expect(Object.keys(manifest)).not.toContain('peerDependencies')
  })

  it('has a source for everything it exports, and exports everything it builds', () => {
    const exported = Object.entries(manifest.exports).filter(
      (entry): entry is [string, { types: string; default: string }] => typeof entry[1] === 'object',
    )
    for (const [name, { types, default: code }] of exported) {
      const built = entries.find(([out]) => code === `./dist/${out}.js`)
      expect(built, `${name} is built`).toBeDefined()
      expect(existsSync(join(SRC, '..', built?.[1] ?? ''))).toBe(true)
      expect(types).toBe((built?.[1] ?? '').replace('src/', './dist/').replace('.ts', '.d.ts'))
    }
    const outs = entries.map(([out]) => `./dist/${out}.js`)
    expect(outs.filter(out => out !== './dist/cli.js').sort()).toEqual(
      exported.map(([, { default: code }]) => code).sort(),
    )
  })

  it('ships its schema', () => {
    expect(manifest.files).toContain('schema.json')
    expect(existsSync(join(SRC, '../schema.json'))).toBe(true)
  })
})
