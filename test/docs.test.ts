// Every js snippet of the README and of docs/ runs, and prints what its `// →` comments say.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const SNIPPETS = join(ROOT, 'test/.snippets')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter(page => page.endsWith('.md'))
    .map(page => `docs/${page}`),
]

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(pages)('%s', page => {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const snippets = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(match => match[1] as string)

  it.each(
    snippets.map(
      (code, i) => [code.split('\n').find(line => !line.startsWith('import')) || `snippet ${i + 1}`, code, i] as const,
    ),
  )('runs: %s', async (_, code, i) => {
    mkdirSync(SNIPPETS, { recursive: true })
    const file = join(SNIPPETS, `${page.replace(/\W/g, '-')}-${i}.js`)
    writeFileSync(file, code)
    const printed: string[] = []
    vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
      printed.push(
        values
          .map(value =>
            typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value),
          )
          .join(' '),
      )
    })
    await import(/* @vite-ignore */ file)
    expect(printed).toEqual([...code.matchAll(/\/\/ → (.*)$/gm)].map(match => match[1]))
  })

  it('leads somewhere with every link', () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(match => match[1] as string)
    const dead = links
      .filter(link => !/^[a-z]+:/.test(link))
      .filter(link => {
        try {
          readFileSync(join(ROOT, page, '..', link))
          return false
        } catch (error) {
          return (error as NodeJS.ErrnoException).code !== 'EISDIR'
        }
      })
    expect(dead).toEqual([])
  })
})
