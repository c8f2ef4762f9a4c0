// ns to find the method of a path among 10, 100 and 1000 templates, beside other routers and a look-up of the whole path.

import { canonicalPath } from '../src/core/path.ts'
import { Routes } from '../src/core/routes.ts'
import { peersInstalled, requirePeer } from './peers.ts'
import { quick, report } from './report.ts'
import { type Effort, type Task, timeGroup } from './rounds.ts'
import { fresh, randomOf } from './scene.ts'

const BATCH = 1024
const EFFORT: Effort = quick ? { rounds: 2, samples: 5, batch: BATCH } : { rounds: 11, samples: 40, batch: BATCH }

/** Finds the template of a path, by its number; -1 where there is none. */
type Find = (path: string) => number

interface Router {
  readonly name: string
  /** @param templates `/r7/{id}/photos` */
  readonly of: (templates: readonly string[]) => Find
}

/** The four shapes of an API's paths: a collection, one of it, what belongs to one, and one of that. */
function templatesOf(count: number): string[] {
  const shapes = ['', '/{id}', '/{id}/photos', '/{id}/photos/{photoId}']
  return Array.from({ length: count }, (_, i) => `/resource${i >> 2}${shapes[i & 3]}`)
}

function pathOf(template: string, n: number): string {
  return template.replace('{id}', `${n}`).replace('{photoId}', `p${n}`)
}

function ours(templates: readonly string[]): Routes<number> {
  const routes = new Routes<number>()
  templates.forEach((path, i) => {
    routes.add(path, 'GET', i)
  })
  return routes
}

const numberOf = (found: number | undefined | 'ambiguous'): number => (typeof found === 'number' ? found : -1)

const ROUTERS: readonly Router[] = [
  {
    name: 'tollgate, canonical path and find',
    of: templates => {
      const routes = ours(templates)
      return path => numberOf(routes.find(canonicalPath(path)!, 'GET'))
    },
  },
  {
    name: 'tollgate, find',
    of: templates => {
      const routes = ours(templates)
      return path => numberOf(routes.find(path, 'GET'))
    },
  },
]

const PEERS: readonly Router[] = [
  {
    name: 'find-my-way',
    of: templates => {
      const router = requirePeer('find-my-way')()
      templates.forEach((path, i) => {
        router.on('GET', withColons(path), () => undefined, i + 1)
      })
      // A store of 0 is none to it.
      return path => (router.find('GET', path)?.store ?? 0) - 1
    },
  },
  { name: 'hono RegExpRouter', of: templates => honoFind('hono/router/reg-exp-router', 'RegExpRouter', templates) },
  { name: 'hono TrieRouter', of: templates => honoFind('hono/router/trie-router', 'TrieRouter', templates) },
]

function honoFind(from: string, name: string, templates: readonly string[]): Find {
  const router = new (requirePeer(from)[name])()
  templates.forEach((path, i) => {
    router.add('GET', withColons(path), i)
  })
  return path => {
    const found = router.match('GET', path)[0][0]
    return found === undefined ? -1 : found[0]
  }
}

function withColons(template: string): string {
  return template.replace(/\{(\w+)\}/g, ':$1')
}

const known = peersInstalled() ? [...ROUTERS, ...PEERS] : ROUTERS

for (const count of [10, 100, 1000]) {
  const templates = templatesOf(count)
  const paths = Array.from({ length: 4096 }, (_, n) => pathOf(templates[n % count]!, n % 100))
  const numbers = paths.map((_, n) => n % count)
  const concrete = new Map(paths.map((path, n) => [path, numbers[n]!]))
  const routers: readonly Router[] = [
    { name: 'limit: Map.get of the whole path', of: () => path => concrete.get(path)! },
    ...known,
  ]
  const tasks = routers.map(({ name, of }): Task => {
    const find = of(templates)
    paths.forEach((path, n) => {
      if (find(path) !== numbers[n]) throw new Error(`${name}: ${path} is ${find(path)}, expected ${numbers[n]}`)
    })
    if (name !== routers[0]!.name && find('/nothing/7') !== -1) throw new Error(`${name}: found what is not there`)
    const random = randomOf(count)
    const asked: string[] = new Array(BATCH)
    const expected = new Int32Array(BATCH)
    return {
      name,
      prepare: () => {
        for (let i = 0; i < BATCH; i++) {
          const n = random() % paths.length
          asked[i] = fresh(paths[n]!)
          expected[i] = numbers[n]!
        }
      },
      run: () => {
        let right = 0
        for (let i = 0; i < BATCH; i++) if (find(asked[i]!) === expected[i]) right++
        return right
      },
      expect: BATCH,
    }
  })
  for (const { name, ns, ratio, spread } of await timeGroup(tasks, EFFORT)) {
    report({ bench: 'routes', group: `${count} templates`, name, ns, ratio, low: spread[0], high: spread[1] })
  }
}
