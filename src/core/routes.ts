// The tree of declared methods, by path and verb. Floor 1: imports path.ts for what a segment may come to mean.
// AWS resolves the pair of path and verb: literal before parameter before greedy at each segment, a method of the verb
// before ANY, and on to the next resource where one declares neither (measured on AWS; docs/differences.md).

import { type HttpMethod, VERBS } from './api.ts'
import { foldSegment } from './path.ts'

/** The methods of a resource: too few to be worth a Map. */
interface Verbs<T> {
  readonly named: { readonly verb: string; value: T }[]
  any: T | undefined
}

/** A place in the tree; `T` is what a method found there stands for. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>
  /** The same, while there are no more than `FEW`. */
  readonly few: { readonly text: string; readonly node: Node<T> }[]
  /** The literals as they would be folded: what no other segment may be taken for. */
  readonly folded: Set<string>
  /** Whether any of them is folded to another text. */
  odd: boolean
  parameter: Node<T> | null
  /** Verbs of a greedy template that ends here: one or more segments more. */
  greedy: Verbs<T> | null
  verbs: Verbs<T> | null
}

const SLASH = 47

/** Up to so many literals are looked for one by one. */
const FEW = 4

/** The methods of a deployment by path and verb. Built by `add`, then only read. */
export class Routes<T> {
  readonly #root: Node<T> = newNode()

  /** @param path a template that was checked (template.ts) */
  add(path: string, verb: string, value: T): void {
    let node = this.#root
    for (const text of path === '/' ? [] : path.slice(1).split('/')) {
      if (text.endsWith('+}')) {
        declare((node.greedy ??= noVerbs()), verb, value)
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
        if (node.few.length < FEW) node.few.push({ text, node: child })
        const folded = foldSegment(text)
        node.folded.add(folded)
        if (folded !== text) node.odd = true
      }
      node = child
    }
    declare((node.verbs ??= noVerbs()), verb, value)
  }

  /**
   * The method that serves a path.
   *
   * Looks at each node of the tree at most once, so the cost is bounded by what is declared, whatever is asked.
   *
   * @param path canonical (path.ts)
   * @param verb as it came: one that ANY does not stand for is served nowhere
   * @returns the method; undefined when none is declared; `'ambiguous'` when the path spells a declared literal another
   * way and would be served as something else
   */
  find(path: string, verb: string): T | undefined | 'ambiguous' {
    if (path === '/') return methodOf(this.#root.verbs, verb)
    return descend(this.#root, path, 1, verb)
  }
}

function methodOf<T>(verbs: Verbs<T> | null, verb: string): T | undefined {
  if (verbs === null) return undefined
  const { named } = verbs
  for (let i = 0; i < named.length; i++) if (named[i]!.verb === verb) return named[i]!.value
  if (verbs.any === undefined) return undefined
  return VERBS.includes(verb as HttpMethod) ? verbs.any : undefined
}

function declare<T>(verbs: Verbs<T>, verb: string, value: T): void {
  const same = verbs.named.find(named => named.verb === verb)
  if (verb === 'ANY') verbs.any = value
  else if (same !== undefined) same.value = value
  else verbs.named.push({ verb, value })
}

function noVerbs<T>(): Verbs<T> {
  return { named: [], any: undefined }
}

function descend<T>(node: Node<T>, path: string, start: number, verb: string): T | undefined | 'ambiguous' {
  let end = start
  while (end < path.length && path.charCodeAt(end) !== SLASH) end++
  const last = end === path.length
  const literal = literalOf(node, path, start, end)
  if (literal !== undefined) {
    const found = last ? methodOf(literal.verbs, verb) : descend(literal, path, end + 1, verb)
    if (found !== undefined) return found
  } else if (node.folded.size > 0 && spellsLiteral(node, path, start, end)) {
    return 'ambiguous'
  }
  if (node.parameter !== null) {
    const found = last ? methodOf(node.parameter.verbs, verb) : descend(node.parameter, path, end + 1, verb)
    if (found !== undefined) return found
  }
  return methodOf(node.greedy, verb)
}

/** The literal that a segment is. Compared where it stands while there are few, since cutting it out costs more. */
function literalOf<T>({ literals, few }: Node<T>, path: string, start: number, end: number): Node<T> | undefined {
  if (literals.size > few.length) return literals.get(path.slice(start, end))
  for (let i = 0; i < few.length; i++) {
    const { text, node } = few[i]!
    if (text.length === end - start && isAt(text, path, start)) return node
  }
  return undefined
}

/** `path.startsWith(text, start)`, which of a few characters takes longer to call than to do. */
function isAt(text: string, path: string, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== path.charCodeAt(start + i)) return false
  return true
}

/** Whether a segment that is no literal would be taken for one further on. */
function spellsLiteral<T>({ folded, odd }: Node<T>, path: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const code = path.charCodeAt(i)
    // Upper case, `%` or `;`: folding it gives another text.
    if ((code >= 65 && code <= 90) || code === 37 || code === 59) return folded.has(foldSegment(path.slice(start, end)))
  }
  return odd && folded.has(path.slice(start, end))
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), few: [], folded: new Set(), odd: false, parameter: null, greedy: null, verbs: null }
}
