// A persistent map: every edit gives a new table and leaves the old one as it was, at a cost that does not depend on
// its size. Floor 0: imports nothing.
//
// The newest table holds a map; an older one holds only what to change in its successor to get back (Baker 1978).
// So the table in use reads as fast as a Map, and a million keys are not copied when one of them is edited. Reading an
// old table makes it the one with the map: correct, and as dear as the edits between the two.

type Change<V> = readonly [key: string, value: V | undefined]

/** What versions are made of: a `Map`, or what is edited as one is. */
interface Editable<V> {
  get(key: string): V | undefined
  set(key: string, value: V): unknown
  delete(key: string): unknown
}

/** An immutable map from strings, changed by `edit`. Who makes one gives its map away. */
export class Table<V, M extends Editable<V> = Map<string, V>> {
  #map: M | null
  #undo: { readonly newer: Table<V, M>; readonly changes: readonly Change<V>[] } | null = null

  /** @internal */
  constructor(map: M) {
    this.#map = map
  }

  /** What the table holds, to be read at once: the next edit of any version is made in it. */
  get map(): M {
    return this.#map ?? this.#fetch()
  }

  /**
   * A table with the changes made, in their order; `undefined` removes.
   * @returns this very table when nothing changes, so that identity tells
   */
  edit(changes: Iterable<Change<V>>): Table<V, M> {
    const { map } = this
    const undo: Change<V>[] = []
    for (const [key, value] of changes) {
      const old = map.get(key)
      if (old === value) continue
      undo.push([key, old])
      apply(map, key, value)
    }
    if (undo.length === 0) return this
    const newer = new Table<V, M>(map)
    this.#map = null
    this.#undo = { newer, changes: undo.reverse() }
    return newer
  }

  /** The map, fetched back along the edits made since from the newer table that has it. */
  #fetch(): M {
    const path: Table<V, M>[] = []
    let newer: Table<V, M> = this
    while (newer.#undo !== null) {
      path.push(newer)
      newer = newer.#undo.newer
    }
    const map = newer.#map as M
    for (let older = path.pop(); older !== undefined; newer = older, older = path.pop()) {
      const undo = older.#undo as { readonly changes: readonly Change<V>[] }
      const redo: Change<V>[] = []
      for (const [key, value] of undo.changes) {
        redo.push([key, map.get(key)])
        apply(map, key, value)
      }
      newer.#map = null
      newer.#undo = { newer: older, changes: redo.reverse() }
      older.#map = map
      older.#undo = null
    }
    return map
  }
}

function apply<V>(map: Editable<V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
