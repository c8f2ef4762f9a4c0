// Path templates and the tree that finds them. Floor 1: imports path.ts for what a segment may come to mean.
// AWS resolves the pair of path and verb: literal before parameter before greedy at each segment, a method of the verb
// before ANY, and on to the next resource where one declares neither (measured on AWS; docs/differences.md).

import { foldSegment } from './path.ts'

/** One segment of a path template. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'greedy'; readonly name: string }

const LITERAL = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]+$/
const VARIABLE = /^\{([A-Za-z0-9._-]+)(\+?)\}$/

/**
 * The segments of a path template.
 *
 * @param path `/pets/{petId}`, `/{proxy+}`, `/`
 * @returns the segments (none for the root), or what is wrong, as a sentence's end
 */
export function parseTemplate(path: string): Segment[] | string {
  const segments = segmentsOf(path)
  if (typeof segments === 'string') return segments
  const names = new Set<string>()
  for (const segment of segments) {
    if (segment.kind === 'literal') continue
    if (names.has(segment.name)) return `use the name {${segment.name}} once`
    names.add(segment.name)
  }
  return segments
}

/** As `parseTemplate`, of a template that may use a name twice: what its text alone shows. */
export function segmentsOf(path: string): Segment[] | string {
  if (!path.startsWith('/')) return 'begin with a slash'
  if (path === '/') return []
  const segments: Segment[] = []
  for (const text of path.slice(1).split('/')) {
    if (segments.at(-1)?.kind === 'greedy') return 'have nothing after a greedy {name+}'
    const variable = VARIABLE.exec(text)
    if (variable !== null) {
      segments.push({ kind: variable[2] === '+' ? 'greedy' : 'parameter', name: variable[1] as string })
    } else if (text === '.' || text === '..') {
      return 'have no segment . or ..'
    } else if (LITERAL.test(text)) {
      segments.push({ kind: 'literal', text })
    } else {
      return 'have segments that are wholly a literal, {name} or, last, {name+}'
    }
  }
  return segments
}

/** A place in the tree; `T` is what a method found there stands for. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>
  /** The literals as they would be folded: what no other segment may be taken for. */
  readonly folded: Set<string>
  parameter: Node<T> | null
  /** Verbs of a greedy template that ends here: one or more segments more. */
  greedy: Map<string, T> | null
  verbs: Map<string, T> | null
}

/** The methods of a deployment by path and verb. Built by `add`, then only read. */
export class Routes<T> {
  readonly #root: Node<T> = newNode()

  add(segments: readonly Segment[], verb: string, value: T): void {
    let node = this.#root
    for (const segment of segments) {
      if (segment.kind === 'greedy') {
        node.greedy ??= new Map()
        node.greedy.set(verb, value)
        return
      }
      if (segment.kind === 'parameter') {
        node.parameter ??= newNode()
        node = node.parameter
        continue
      }
      let child = node.literals.get(segment.text)
      if (child === undefined) {
        child = newNode()
        node.literals.set(segment.text, child)
        node.folded.add(foldSegment(segment.text))
      }
      node = child
    }
    node.verbs ??= new Map()
    node.verbs.set(verb, value)
  }

  /**
   * The method that serves a path.
   *
   * Looks at each node of the tree at most once, so the cost is bounded by what is declared, whatever is asked.
   *
   * @param path canonical (path.ts)
   * @param verb one of the seven that ANY stands for
   * @returns the method; undefined when none is declared; `'ambiguous'` when the path spells a declared literal another
   * way and would be served as something else
   */
  find(path: string, verb: string): T | undefined | 'ambiguous' {
    if (path === '/') return methodOf(this.#root.verbs, verb)
    return descend(this.#root, path, 1, verb)
  }
}

/** Whoever is not listed in `verbs` or `ANY` is not declared. */
function methodOf<T>(verbs: Map<string, T> | null, verb: string): T | undefined {
  return verbs === null ? undefined : (verbs.get(verb) ?? verbs.get('ANY'))
}

function descend<T>(node: Node<T>, path: string, start: number, verb: string): T | undefined | 'ambiguous' {
  const slash = path.indexOf('/', start)
  const last = slash === -1
  const segment = last ? path.slice(start) : path.slice(start, slash)
  const literal = node.literals.get(segment)
  if (literal !== undefined) {
    const found = last ? methodOf(literal.verbs, verb) : descend(literal, path, slash + 1, verb)
    if (found !== undefined) return found
  } else if (node.folded.size > 0 && node.folded.has(foldSegment(segment))) {
    return 'ambiguous'
  }
  if (node.parameter !== null) {
    const found = last ? methodOf(node.parameter.verbs, verb) : descend(node.parameter, path, slash + 1, verb)
    if (found !== undefined) return found
  }
  return methodOf(node.greedy, verb)
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), folded: new Set(), parameter: null, greedy: null, verbs: null }
}
