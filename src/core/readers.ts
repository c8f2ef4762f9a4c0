// Small readers of unknown JSON that note what is wrong and go on, so that one pass finds everything. Floor 0: imports nothing.

/** One thing that is wrong, or (among warnings) that is not what it seems. */
export interface Issue {
  /** `usagePlans[2].apiStages[0].throttle["/pets/GET"].rateLimit`; empty for the document itself. */
  readonly path: string
  /** The path's parts. What may be a key's value is its length here too. */
  readonly at: At
  /** The first four are about shape, and schema.json finds them too; the others need the whole document. */
  readonly code: 'type' | 'value' | 'missing' | 'unknown-field' | 'duplicate' | 'reference' | 'conflict' | 'rounded'
  readonly expected: string
  /** What came; of a key's value only its length. */
  readonly received: string
  /** What to do. */
  readonly remedy: string
  /** All of it in one line. */
  readonly message: string
}

export type At = readonly (string | number)[]

/** Gives the value as it was understood, or notes why not and gives undefined. */
export type Reader<T> = (notes: Notes, value: unknown) => T | undefined

/** Where readers write down what they find. */
export class Notes {
  readonly issues: Issue[] = []
  readonly warnings: Issue[] = []
  /** Where the reader at work is: one stack, since a path for every field of a million keys would be most of the work. */
  readonly at: (string | number)[] = []
  /** Lists that many readers find, by what names them: kept once. */
  readonly lists: Map<string, readonly string[]> = new Map()
  /** Of lists from which something was left out, by path: the places of what was read. */
  readonly #places = new Map<string, readonly number[]>()

  add(at: At, code: Issue['code'], expected: string, received: string, remedy: string): undefined {
    this.issues.push(issueOf(at, code, expected, received, remedy))
  }

  warn(at: At, code: Issue['code'], expected: string, received: string, remedy: string): void {
    this.warnings.push(issueOf(at, code, expected, received, remedy))
  }

  /** Where the reader at work is, or a part of that. */
  here(...part: At): At {
    return [...this.at, ...part]
  }

  leftOut(list: At, places: readonly number[]): void {
    this.#places.set(pathOf(list), places)
  }

  /** Where in the document that is, of which this is the place in what was read of it. */
  inDocument(at: At): At {
    const place: (string | number)[] = []
    for (const part of at) {
      place.push(typeof part === 'number' ? (this.#places.get(pathOf(place))?.[part] ?? part) : part)
    }
    return place
  }
}

function issueOf(place: At, code: Issue['code'], expected: string, received: string, remedy: string): Issue {
  const at = place.map(part => (typeof part === 'string' && mayBeValue(place, part) ? lengthOf(part) : part))
  const path = pathOf(at)
  const message = `${path === '' ? 'catalog' : path}: expected ${expected}, received ${received}; ${remedy}`
  return { path, at, code, expected, received, remedy, message }
}

/** `usagePlans[2].apiStages[0].throttle["/pets/GET"]` */
export function pathOf(at: At): string {
  return at.reduce<string>((path, part) => {
    if (typeof part === 'number') return `${path}[${part}]`
    return /^[\w$]+$/.test(part) ? `${path}${path === '' ? '' : '.'}${part}` : `${path}[${JSON.stringify(part)}]`
  }, '')
}

/** What a value is. Of text only that it is text: where something else was expected it may be a secret in the wrong place. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === undefined) return 'nothing'
  if (typeof value !== 'object') return `a ${typeof value}`
  return Array.isArray(value) ? 'an array' : isObject(value) ? 'an object' : 'an instance of a class'
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** Whether text in that place may be a key's value: it is in a key, and long enough. The names of a key's fields are not. */
function mayBeValue([list]: At, text: string): boolean {
  return (list === 'keys' || list === 'apiKeys') && text.length >= 20
}

/** Text in quotes, if it may be shown in that place. */
export function say(at: At, text: string): string {
  return mayBeValue(at, text) ? lengthOf(text) : quote(text)
}

/** What text is of which nobody may read a word: its author may have put a secret in the wrong place. */
export function lengthOf(text: string): string {
  return `${text.length} characters`
}

/** An object as JSON has them. A Map, a Date, a class's instance hold what no reader would find: they are none. */
export function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const parent = Object.getPrototypeOf(value)
  return parent === null || Object.getPrototypeOf(parent) === null
}

type Fields = Readonly<Record<string, Reader<unknown>>>

/** An object of these fields and no others, `!` after the name where one must be there. */
export function shape<T>(fields: Fields): Reader<T> {
  const read = fieldsOf(fields)
  return (notes, value) => {
    const got = read(notes, value)
    return got?.whole ? (got.read as T) : undefined
  }
}

/** A shape that gives what could be read, also where not everything could. */
export function partsOf<T>(fields: Fields): Reader<T> {
  const read = fieldsOf(fields)
  return (notes, value) => read(notes, value)?.read as T | undefined
}

function fieldsOf(fields: Fields): Reader<{ readonly read: object; readonly whole: boolean }> {
  const entries = Object.entries(fields).map(
    ([name, read]) => [name.replace('!', ''), name.endsWith('!'), read] as const,
  )
  const names = entries.map(([name]) => name)
  return (notes, value) => {
    if (!isObject(value)) {
      return notes.add(notes.here(), 'type', 'an object', kindOf(value), `give { ${names.slice(0, 3).join(', ')} … }`)
    }
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) {
        notes.add(
          notes.here(name),
          'unknown-field',
          `one of ${names.join(', ')}`,
          say(notes.at, name),
          nearestOf(name, names, 'remove it'),
        )
      }
    }
    const read: Record<string, unknown> = {}
    let whole = true
    for (const [name, required, reader] of entries) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      if (given === undefined) {
        if (required) {
          notes.add(notes.here(name), 'missing', 'a value', 'nothing', `add ${quote(name)}`)
          whole = false
        }
        continue
      }
      notes.at.push(name)
      const got = reader(notes, given)
      notes.at.pop()
      if (got === undefined) whole = false
      else read[name] = got
    }
    return { read, whole }
  }
}

/** A reader that fills in what is left out, in what its own reader made. */
export function withDefaults<T extends object>(reader: Reader<Partial<T>>, defaults: Partial<T>): Reader<T> {
  return (notes, value) => {
    const read = reader(notes, value)
    if (read === undefined) return undefined
    for (const name in defaults) if (!(name in read)) read[name] = defaults[name]
    return read as T
  }
}

export function list<T>(item: Reader<T>): Reader<T[]> {
  return (notes, value) => {
    if (!Array.isArray(value)) return notes.add(notes.here(), 'type', 'an array', kindOf(value), 'put it in [ … ]')
    const read: T[] = []
    const places: number[] = []
    for (let i = 0; i < value.length; i++) {
      notes.at.push(i)
      const got = item(notes, value[i])
      notes.at.pop()
      if (got === undefined) continue
      read.push(got)
      places.push(i)
    }
    if (read.length < value.length) notes.leftOut(notes.here(), places)
    return read
  }
}

/** An object whose fields the author names; `expected` describes a name that `holds` must accept. */
export function record<T>(
  item: Reader<T>,
  expected: string,
  holds: (name: string) => boolean,
): Reader<Record<string, T>> {
  return (notes, value) => {
    if (!isObject(value)) return notes.add(notes.here(), 'type', 'an object', kindOf(value), 'give { name: value, … }')
    const read: Record<string, T> = Object.create(null)
    for (const name of Object.keys(value)) {
      if (!holds(name)) notes.add(notes.here(name), 'value', expected, say(notes.at, name), 'write the name so')
      notes.at.push(name)
      const got = item(notes, value[name])
      notes.at.pop()
      if (got !== undefined) read[name] = got
    }
    return read
  }
}

/** Text of which `holds` is true; `words` describe text of which it is not. */
export function text(
  expected: string,
  holds: (text: string) => boolean,
  words: (text: string) => string = quote,
): Reader<string> {
  return (notes, value) => {
    if (typeof value !== 'string') return notes.add(notes.here(), 'type', expected, kindOf(value), 'put it in quotes')
    return holds(value) ? value : notes.add(notes.here(), 'value', expected, words(value), 'change it')
  }
}

export function oneOf<T extends string>(...values: readonly T[]): Reader<T> {
  return (notes, value) => {
    if (values.includes(value as T)) return value as T
    const expected = `one of ${values.join(', ')}`
    if (typeof value !== 'string') return notes.add(notes.here(), 'type', expected, kindOf(value), 'choose one')
    return notes.add(notes.here(), 'value', expected, quote(value), nearestOf(value, values, 'choose one'))
  }
}

export function whole(min: number, max: number, remedy: string): Reader<number> {
  return (notes, value) => {
    // -0 is 0.
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value + 0
    return notes.add(
      notes.here(),
      typeof value === 'number' ? 'value' : 'type',
      `a whole number from ${min} to ${max}`,
      kindOf(value),
      remedy,
    )
  }
}

export const flag: Reader<boolean> = (notes, value) =>
  typeof value === 'boolean'
    ? value
    : notes.add(notes.here(), 'type', 'true or false', kindOf(value), 'write it without quotes')

/** A remedy: the nearest of the known names if one is near, else what is said otherwise. */
export function nearestOf(name: string, names: readonly string[], otherwise: string): string {
  if (name.length > 64) return otherwise
  let nearest = ''
  let least = Math.min(4, Math.floor(name.length / 2) + 1)
  for (const known of names) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase())
    if (distance < least) {
      least = distance
      nearest = known
    }
  }
  const meant = nearest || names.find(known => isPartOf(name, known) || isPartOf(known, name))
  return meant === undefined ? otherwise : `did you mean ${quote(meant)}?`
}

/** `burst` of `burstLimit`, and `apiId` of AWS's `restApiId`. Less than four letters are a part of anything. */
function isPartOf(part: string, whole: string): boolean {
  return part.length >= 4 && whole.toLowerCase().includes(part.toLowerCase())
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
