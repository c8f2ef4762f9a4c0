// Bytes → one thing for equal bytes, without making a string of them. Floor 4: imports nothing.

/** Of a slot: the hash, where the text begins, its length, and the place of its thing, from 1; 0 for none. */
const [HASH, START, LENGTH, PLACE] = [0, 1, 2, 3]
const WIDTH = 2

/** A table from text, asked by bytes (one a character, as of ASCII) or by strings. */
export class Interned<T> {
  readonly #make: (text: string) => T
  readonly #most: number
  #slots = new Int32Array(1024 << WIDTH)
  #mask = 1023
  /** The texts, one behind the other: a string each would be somewhere each. */
  #text = new Uint8Array(1 << 14)
  #textEnd = 0
  #things: T[] = []
  /** How many were put, and where their texts end: these are never forgotten. */
  #kept = 0
  #keptEnd = 0

  /**
   * @param make what a text that is not in the table stands for
   * @param most how many texts it learns; with one more it begins again with those that were `put`
   */
  constructor(make: (text: string) => T, most: number) {
    this.#make = make
    this.#most = most
  }

  get size(): number {
    return this.#things.length
  }

  /** Knows a text for good. To be called before the first `of`. The first of equal texts stays. */
  put(text: string, thing: T): void {
    const bytes = bytesOf(text)
    if (bytes === null || this.#find(bytes, 0, bytes.length) > 0) return
    this.#add(bytes, 0, bytes.length, thing)
    this.#kept = this.#things.length
    this.#keptEnd = this.#textEnd
  }

  of(bytes: Uint8Array, start: number, end: number): T {
    const place = this.#find(bytes, start, end)
    return place > 0 ? this.#things[place - 1]! : this.#learn(bytes, start, end, textOf(bytes, start, end))
  }

  ofText(text: string): T {
    const bytes = bytesOf(text)
    if (bytes === null) return this.#make(text)
    const place = this.#find(bytes, 0, bytes.length)
    return place > 0 ? this.#things[place - 1]! : this.#learn(bytes, 0, bytes.length, text)
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots
    const length = end - start
    const hash = hashOf(bytes, start, end)
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot << WIDTH
      const place = slots[at + PLACE]!
      if (place === 0) return 0
      if (
        slots[at + HASH] === hash &&
        slots[at + LENGTH] === length &&
        this.#isAt(bytes, start, end, slots[at + START]!)
      )
        return place
    }
  }

  #isAt(bytes: Uint8Array, start: number, end: number, at: number): boolean {
    const text = this.#text
    for (let i = start; i < end; i++, at++) if (bytes[i] !== text[at]) return false
    return true
  }

  #learn(bytes: Uint8Array, start: number, end: number, text: string): T {
    const thing = this.#make(text)
    if (this.#things.length - this.#kept >= this.#most) this.#forget()
    if (this.#most > 0) this.#add(bytes, start, end, thing)
    return thing
  }

  #add(bytes: Uint8Array, start: number, end: number, thing: T): void {
    const length = end - start
    while (this.#textEnd + length > this.#text.length) {
      const longer = new Uint8Array(2 * this.#text.length)
      longer.set(this.#text)
      this.#text = longer
    }
    this.#text.set(bytes.subarray(start, end), this.#textEnd)
    this.#things.push(thing)
    this.#seat(hashOf(bytes, start, end), this.#textEnd, length, this.#things.length)
    this.#textEnd += length
    if (this.#things.length * 2 > this.#mask) this.#rehash(this.#mask * 2 + 1)
  }

  #forget(): void {
    this.#things.length = this.#kept
    this.#textEnd = this.#keptEnd
    this.#rehash(this.#mask)
  }

  #rehash(mask: number): void {
    const old = this.#slots
    this.#mask = mask
    this.#slots = new Int32Array((mask + 1) << WIDTH)
    for (let at = 0; at < old.length; at += 1 << WIDTH) {
      const place = old[at + PLACE]!
      if (place > 0 && place <= this.#things.length)
        this.#seat(old[at + HASH]!, old[at + START]!, old[at + LENGTH]!, place)
    }
  }

  #seat(hash: number, start: number, length: number, place: number): void {
    let slot = hash & this.#mask
    while (this.#slots[(slot << WIDTH) + PLACE] !== 0) slot = (slot + 1) & this.#mask
    this.#slots.set([hash, start, length, place], slot << WIDTH)
  }
}

/** FNV-1a, with its high bits in the low ones too: those of a product know only the low bits of what came. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash ^ (hash >>> 15)
}

/** Null where a character is no byte. */
function bytesOf(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 255) return null
    bytes[i] = code
  }
  return bytes
}

/** Bytes as characters of their numbers, so that ASCII is itself. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i += 4096) text += String.fromCharCode(...bytes.subarray(i, Math.min(end, i + 4096)))
  return text
}
