// A gate over a document, checked on the way: what most tests want.

import {
  type Catalog,
  type CatalogDocument,
  catalogOf,
  createGate,
  type Gate,
  type GateOptions,
  type ShortDocument,
  type Store,
} from '../src/index.ts'

export type CatalogInput = Catalog | CatalogDocument | ShortDocument
type Options<Async extends boolean> = Omit<GateOptions<Async>, 'catalog'> & { readonly catalog: CatalogInput }

export function gateOf(options: Options<false>): Gate<false>
export function gateOf<Async extends boolean>(options: Options<Async> & { readonly store: Store<Async> }): Gate<Async>
export function gateOf<Async extends boolean>(options: Options<Async>): Gate<Async> {
  return createGate({ ...options, catalog: catalogOf(options.catalog) } as GateOptions<false>) as unknown as Gate<Async>
}
