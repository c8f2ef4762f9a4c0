// Path templates: what one may look like, and what is wrong with one that does not. Floor 0: imports nothing.

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

/** Whether a base path mapping may have it: literal segments, without a slash at either end. */
export function isBasePath(text: string): boolean {
  const segments = segmentsOf(`/${text}`)
  return text !== '' && typeof segments !== 'string' && segments.every(({ kind }) => kind === 'literal')
}

/** Whether a base path mapping may be for it. */
export function isDomainName(text: string): boolean {
  return /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(text)
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
