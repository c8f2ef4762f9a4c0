// Findings about methods: what is open, and what no request reaches. Floor 5: pure. The router is asked, not guessed.

import { type HttpMethod, VERBS } from '../../core/api.ts'
import { foldSegment } from '../../core/path.ts'
import type { Finding } from './finding.ts'
import type { Layout, MethodLayout, StageLayout } from './layout.ts'
import type { Naming } from './naming.ts'
import { listWords, methodWords } from './words.ts'

export function* findingsOfMethods({ stages }: Layout, naming: Naming): Generator<Finding> {
  for (const stage of stages) {
    yield* openMethods(stage, naming)
    yield* halfOpenPaths(stage, naming)
    yield* unreached(stage, naming)
    yield* twins(stage, naming)
  }
}

const nameOf = ({ api, stage }: StageLayout): string => `${api.id}/${stage.stageName}`

function* openMethods(stage: StageLayout, naming: Naming): Generator<Finding> {
  const open = stage.methods.filter(({ method, served }) => !method.apiKeyRequired && served !== null)
  if (open.length === 0) return
  const names = open.map(({ method }) => methodWords(method))
  const inStage = naming.isShort ? '' : ` in stage ${nameOf(stage)}`
  yield {
    severity: 'note',
    code: 'open-methods',
    where: { at: naming.method(stage, open[0]!.place) },
    message: `open to anyone, without a key${inStage}: ${listWords(names)}`,
    remedy: naming.isShort
      ? 'add what is not meant to be to requireKey'
      : 'set apiKeyRequired on what is not meant to be',
  }
}

/** Paths of which some verbs need a key while others, or what is below them, are open. */
function* halfOpenPaths(stage: StageLayout, naming: Naming): Generator<Finding> {
  const seen = new Set<string>()
  for (const { method, served, sample, place } of stage.methods) {
    if (!method.apiKeyRequired || served === null || seen.has(method.path)) continue
    seen.add(method.path)
    const keyed: HttpMethod[] = []
    const open = new Map<HttpMethod, string>()
    for (const verb of VERBS) {
      const found = stage.compiled.routes.find(sample, verb)
      if (found === undefined || found === 'ambiguous') continue
      if (!found.method.apiKeyRequired) open.set(verb, methodWords(found.method))
      else if (found.method.path === method.path) keyed.push(verb)
    }
    const where = { at: naming.method(stage, place) }
    if (keyed.includes('GET') && open.has('HEAD')) {
      yield {
        severity: 'warning',
        code: 'head-open',
        where,
        message: `GET ${method.path} needs a key, but HEAD ${method.path} is open, through ${open.get('HEAD')}`,
        remedy: 'let HEAD need one too: servers answer it with the work of a GET',
      }
    }
    open.delete('HEAD')
    // Browsers ask it without a key, by design of CORS.
    open.delete('OPTIONS')
    const below = belowOf(stage, method.path, sample, keyed[0])
    if (open.size === 0 && below === null) continue
    const parts = [
      ...(open.size > 0 ? [listWords([...open.keys()], open.size, 7)] : []),
      ...(below ? ['all below it'] : []),
    ]
    const through = [...new Set([...open.values(), ...(below ? [below] : [])])]
    const all = keyed.length === 7
    const need = `${all ? 'every verb of' : listWords(keyed, keyed.length, 7)} ${method.path} ${all || keyed.length === 1 ? 'needs' : 'need'} a key`
    const isOne = open.size + (below === null ? 0 : 1) === 1
    yield {
      severity: 'note',
      code: 'path-half-open',
      where,
      message: `${need}; ${parts.join(', and ')} ${isOne ? 'is' : 'are'} open through ${listWords(through)}`,
      remedy: naming.isShort
        ? 'add what is not meant to be open to requireKey'
        : 'declare what is not meant to be open',
    }
  }
}

/** The open method that serves what is below a path that needs a key, if one does. */
function belowOf({ compiled }: StageLayout, path: string, sample: string, verb: HttpMethod | undefined): string | null {
  if (verb === undefined || path === '/' || path.endsWith('+}')) return null
  const found = compiled.routes.find(`${sample}/{below}`, verb)
  return found === undefined || found === 'ambiguous' || found.method.apiKeyRequired ? null : methodWords(found.method)
}

function* unreached(stage: StageLayout, naming: Naming): Generator<Finding> {
  for (const { method, served, reachedAt, place } of stage.methods) {
    // Where no address leads to the stage, or none of its methods is reached at one, that is said of the stage.
    const isStagesFault = stage.methods.every(({ reachedAt }) => reachedAt.length === 0) && served !== null
    if (reachedAt.length > 0 || isStagesFault) continue
    const why =
      served === null
        ? 'other methods of the stage serve whatever it matches'
        : 'another base path mapping takes its path, or the path has two spellings and is refused'
    yield {
      severity: 'warning',
      code: 'method-unreached',
      where: { at: naming.method(stage, place) },
      message: `no request reaches ${methodWords(method)} of stage ${nameOf(stage)}: ${why}`,
      remedy: 'remove it, or change its path',
    }
  }
}

/** Paths that differ only in how they are spelled, which many servers take for one. */
function* twins(stage: StageLayout, naming: Naming): Generator<Finding> {
  const spellings = new Map<string, MethodLayout>()
  for (const layout of stage.methods) {
    const { path } = layout.method
    const folded = path
      .split('/')
      .map(segment => (segment.startsWith('{') ? '{}' : foldSegment(segment)))
      .join('/')
    const other = spellings.get(folded)
    if (other === undefined) spellings.set(folded, layout)
    else if (other.method.path !== path && isTwin(other.method.path, path)) {
      yield {
        severity: 'warning',
        code: 'path-twins',
        where: { at: naming.method(stage, layout.place) },
        message: `${path} and ${other.method.path} of stage ${nameOf(stage)} are two resources here, and one for servers that do not tell them apart`,
        remedy: 'keep one spelling, or be sure that the upstream tells them apart',
      }
      spellings.set(folded, layout)
    }
  }
}

/** Two templates of one shape whose literals differ, and not only in the names of their parameters. */
function isTwin(a: string, b: string): boolean {
  const names = /\{[^}]*\}/g
  return a.replace(names, '{}') !== b.replace(names, '{}')
}
