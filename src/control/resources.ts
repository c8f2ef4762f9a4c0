// The tree of an API's paths. Floor 4: pure.
// A catalog names methods by their paths. Ids of resources are kept where they were given; a path without one, in a
// catalog written by hand, has an id derived from it, the same each time.

import type { Api, Method, Resource } from '../core/api.ts'
import { parseTemplate } from '../core/template.ts'
import { badRequest, notFound, refuse } from './fault.ts'

/** A resource, and where it is. */
export interface Placed extends Resource {
  readonly path: string
}

/** Every resource of an API, the root first and each before its children. */
export function resourcesOf(api: Api): readonly Placed[] {
  const kept = api.resources ?? []
  const root = kept.find(({ parentId }) => parentId === undefined)?.id ?? derivedId(api.id, '/')
  const placed = new Map<string, Placed>([['/', { id: root, path: '/' }]])
  const ids = new Map([[root, '/']])
  // Parents may come after their children in a list that was written by hand; what hangs from nothing is left out.
  for (let before = 0; before !== ids.size; ) {
    before = ids.size
    for (const { id, parentId, pathPart } of kept) {
      const parent = parentId === undefined ? undefined : ids.get(parentId)
      if (parentId === undefined || parent === undefined || pathPart === undefined || ids.has(id)) continue
      const path = childPath(parent, pathPart)
      if (placed.has(path) || typeof parseTemplate(path) === 'string') continue
      placed.set(path, { id, parentId, pathPart, path })
      ids.set(id, path)
    }
  }
  for (const { path } of api.methods) {
    let parent = '/'
    for (const pathPart of path === '/' ? [] : path.slice(1).split('/')) {
      const here = childPath(parent, pathPart)
      if (!placed.has(here)) {
        const id = derivedId(api.id, here)
        placed.set(here, { id, parentId: (placed.get(parent) as Placed).id, pathPart, path: here })
      }
      parent = here
    }
  }
  return [...placed.values()]
}

function childPath(parent: string, pathPart: string): string {
  return parent === '/' ? `/${pathPart}` : `${parent}/${pathPart}`
}

export function resourceOf(api: Api, id: string): Placed {
  return resourcesOf(api).find(resource => resource.id === id) ?? notFound('Invalid Resource identifier specified')
}

/** The API with these resources kept. */
export function withResources(api: Api, resources: readonly Placed[]): Api {
  return { ...api, resources: resources.map(({ path: _, ...resource }) => resource) }
}

/** Source: the recorded message. Greedy is `{name+}`. */
const PART = /^(?!\.{1,2}$)([a-zA-Z0-9._\-:]+|\{[a-zA-Z0-9._-]+\+?\})$/

/** The path of a child that may be made, or moved, there. @param self the child, where it is there already */
export function pathOfChild(resources: readonly Placed[], parent: Placed, pathPart: string, self?: Placed): string {
  if (!PART.test(pathPart)) {
    badRequest(
      "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.",
    )
  }
  if (parent.pathPart?.endsWith('+}')) {
    badRequest(`Cannot create a child of a resource with a greedy path variable: ${parent.pathPart}`)
  }
  if (pathPart.endsWith('+}') && self !== undefined && resources.some(({ parentId }) => parentId === self.id)) {
    badRequest(`A resource with children cannot have a greedy path variable: ${pathPart}`)
  }
  for (const { parentId, pathPart: other = '', id } of resources) {
    if (parentId !== parent.id || id === self?.id) continue
    if (other === pathPart) {
      refuse('ConflictException', `Another resource with the same parent already has this name: ${pathPart}`)
    }
    if (other.startsWith('{') && pathPart.startsWith('{')) {
      badRequest(`A sibling (${other}) of this resource already has a variable path part -- only one is allowed`)
    }
  }
  return soundPath(childPath(parent.path, pathPart))
}

/** The path, when no parameter of it comes twice. */
export function soundPath(path: string): string {
  const segments = parseTemplate(path)
  return typeof segments === 'string' ? badRequest(`Invalid resource path ${path}: it must ${segments}`) : path
}

/** Ends the operation where two paths have different names for a parameter at one place, as AWS does. */
export function checkSiblings(methods: readonly Method[]): void {
  const names = new Map<string, string>()
  for (const { path } of methods) {
    let parent = ''
    for (const part of soundPath(path).slice(1).split('/')) {
      if (part.startsWith('{')) {
        const other = names.get(parent) ?? part
        names.set(parent, other)
        if (other !== part) {
          badRequest(`A sibling (${other}) of this resource already has a variable path part -- only one is allowed`)
        }
      }
      parent += `/${part}`
    }
  }
}

/** Ten characters for a path: two rounds of FNV-1a. */
function derivedId(apiId: string, path: string): string {
  const half = (seed: number): string => {
    let hash = seed
    for (const char of `${apiId} ${path}`) hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193)
    return (hash >>> 0).toString(36).padStart(7, '0')
  }
  return `${half(0x811c9dc5)}${half(0x01234567)}`.slice(-10)
}
