// A persistent map: every edit gives a new table and leaves the old one as it was, at a cost that does not depend on
// its size. Floor 0: imports nothing.
//
// The newest table holds a plain Map; an older one holds only what to change in its successor to get back (Baker 1978).
// So the table in use reads as fast as a Map, and a million keys are not copied when one of them is edited. Reading an
// old table makes it the one with the Map: correct, and as dear as the edits between the two.

type Change<V> = readonly [key: string, value: V | undefined]

/** An immutable map from strings. Made by `tableOf`, changed by `edit`. */
export class Table<V> {
  #map: Map<string, V> | null
  #undo: { readonly newer: Table<V>; readonly changes: readonly Change<V>[] } | null = null

  /** @internal */
  constructor(map: Map<string, V>) {
    this.#map = map
  }

  get size(): number {
    return this.#own().size
  }

  get(key: string): V | undefined {
    return (this.#map ?? this.#own()).get(key)
  }

  has(key: string): boolean {
    return this.#own().has(key)
  }

  /** The values, in no order that versions share; edits made while going through them do not show. */
  values(): V[] {
    return [...this.#own().values()]
  }

  /**
   * A table with the changes made, in their order; `undefined` removes.
   * @returns this very table when nothing changes, so that identity tells
   */
  edit(changes: Iterable<Change<V>>): Table<V> {
    const map = this.#own()
    const undo: Change<V>[] = []
    for (const [key, value] of changes) {
      const old = map.get(key)
      if (old === value) continue
      undo.push([key, old])
      apply(map, key, value)
    }
    if (undo.length === 0) return this
    const newer = new Table(map)
    this.#map = null
    this.#undo = { newer, changes: undo.reverse() }
    return newer
  }

  /** The Map, fetched back along the edits made since when a newer table has it. */
  #own(): Map<string, V> {
    if (this.#map !== null) return this.#map
    const path: Table<V>[] = []
    let newer: Table<V> = this
    while (newer.#undo !== null) {
      path.push(newer)
      newer = newer.#undo.newer
    }
    const map = newer.#map as Map<string, V>
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

function apply<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

/** A table of these entries; the last of equal keys wins. */
export function tableOf<V>(entries: Iterable<readonly [string, V]> = []): Table<V> {
  return new Table(new Map(entries))
}
