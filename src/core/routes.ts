// The tree of declared methods, by path and verb. Floor 1: imports path.ts for what a segment may come to mean.
// AWS resolves the pair of path and verb: literal before parameter before greedy at each segment, a method of the verb
// before ANY, and on to the next resource where one declares neither (measured on AWS; docs/differences.md).

import { foldSegment } from './path.ts'

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

  /** @param path a template that was checked (template.ts) */
  add(path: string, verb: string, value: T): void {
    let node = this.#root
    for (const text of path === '/' ? [] : path.slice(1).split('/')) {
      if (text.endsWith('+}')) {
        node.greedy ??= new Map()
        node.greedy.set(verb, value)
        return
      }
      if (text.startsWith('{')) {
        node.parameter ??= newNode()
        node = node.parameter
        continue
      }
      let child = node.literals.get(text)
      if (child === undefined) {
        child = newNode()
        node.literals.set(text, child)
        node.folded.add(foldSegment(text))
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
