import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Catalog, emptyCatalog } from '../../src/core/catalog.ts'
import { isFault, putApi, putApiKeys, putUsagePlan } from '../../src/core/edits.ts'
import {
  type ImportOptions,
  importKeyFile,
  type KeyFileEntry,
  type KeyImport,
  keyFileImport,
  readKeyFile,
  writeKeyFile,
} from '../../src/core/key-file.ts'
import type { ApiKey } from '../../src/core/plan.ts'

const VALUE = 'apikey1234abcdefghij0123456789'
const OTHER = 'other-5678klmnopqrst0123456789'

/** Each plan with the stages of API `api` it is for. */
function catalogOf(plans: Readonly<Record<string, readonly string[]>>, ...keys: ApiKey[]): Catalog {
  const stages = [...new Set(Object.values(plans).flat())].map(stageName => ({ stageName }))
  let catalog: Catalog | { fault: string } = emptyCatalog()
  catalog = putApi(catalog as Catalog, { id: 'api', apiKeySource: 'HEADER', methods: [], deployments: [], stages })
  for (const [id, names] of Object.entries(plans)) {
    catalog = putUsagePlan(catalog as Catalog, { id, apiStages: names.map(stage => ({ apiId: 'api', stage })) })
  }
  catalog = putApiKeys(catalog as Catalog, keys)
  if (isFault(catalog as Catalog)) throw new Error(JSON.stringify(catalog))
  return catalog as Catalog
}

const NO_PLANS = catalogOf({})
const DOCUMENTED = catalogOf({ c7y23b: ['dev'], glvrsr: ['prod'], n371pt: ['test'] })

/** Ids k1, k2 … */
function counter(prefix = 'k'): () => string {
  let last = 0
  return () => `${prefix}${++last}`
}

function ignoring(catalog: Catalog, file: string | Iterable<string>, options: Partial<ImportOptions> = {}) {
  const got = importKeyFile(catalog, file, { onWarnings: 'ignore', newId: counter(), ...options })
  if (!got.ok) throw new Error(got.message)
  return { ...got, keys: [...got.catalog.apiKeys], messages: got.warnings.map(({ message }) => message) }
}

function failing(catalog: Catalog, file: string): KeyImport {
  return importKeyFile(catalog, file, { onWarnings: 'fail', newId: counter() })
}

/** What the file has of rows, and the reasons of its warnings, by record. */
function read(file: string | Iterable<string>): KeyFileEntry[] {
  return [...readKeyFile(file)]
}

function reasons(file: string): string[] {
  return read(file).map(entry => {
    if (entry.kind === 'row') return 'row'
    return entry.kind === 'failure' ? `failure: ${entry.message}` : `${entry.record}: ${entry.reason}`
  })
}

const names = (file: string) => read(file).map(entry => (entry.kind === 'row' ? entry.name : entry))

const SAMPLE_1 = `Key,name
apikey1234abcdefghij0123456789,MyFirstApiKey
`
const SAMPLE_2 = `Name,key,description,Enabled,usageplanIds
MyFirstApiKey,apikey1234abcdefghij0123456789,An imported key,TRUE,c7y23b
`
const SAMPLE_3 = `Enabled,Name,key,UsageplanIds
true,MyFirstApiKey,apikey1234abcdefghij0123456789,"c7y23b,glvrsr"
`
const SAMPLE_4 = `key,name, description, enabled, usageplanIds
abcdef1234ghijklmnop8901234567, importedKey_1, firstone,  tRuE, n371pt 
abcdef1234ghijklmnop0123456789, importedKey_2, secondone, TRUE, n371pt
abcdef1234ghijklmnop9012345678, importedKey_3,          , true, n371pt
`

describe('the samples of the AWS documentation', () => {
  it('CSV-01: imports a key and its name', () => {
    expect(ignoring(DOCUMENTED, SAMPLE_1)).toMatchObject({ ids: ['k1'], warnings: [] })
    expect(ignoring(DOCUMENTED, SAMPLE_1).keys).toEqual([
      { id: 'k1', value: VALUE, name: 'MyFirstApiKey', enabled: true, usagePlanIds: [] },
    ])
  })

  it('O30, CSV-01: imports every column and binds the key to its plan', () => {
    expect(ignoring(DOCUMENTED, SAMPLE_2).keys).toEqual([
      {
        id: 'k1',
        value: VALUE,
        name: 'MyFirstApiKey',
        description: 'An imported key',
        enabled: true,
        usagePlanIds: ['c7y23b'],
      },
    ])
  })

  it('O31, CSV-01: binds one key to both plans of a quoted list', () => {
    const { keys, warnings } = ignoring(DOCUMENTED, SAMPLE_3)
    expect(warnings).toEqual([])
    expect(keys).toMatchObject([{ value: VALUE, usagePlanIds: ['c7y23b', 'glvrsr'] }])
  })

  it('CSV-01: trims the blanks around cells and reads tRuE', () => {
    const { ids, keys, warnings } = ignoring(DOCUMENTED, SAMPLE_4)
    expect(warnings).toEqual([])
    expect(ids).toEqual(['k1', 'k2', 'k3'])
    const plan = { enabled: true, usagePlanIds: ['n371pt'] }
    expect(keys).toEqual([
      { id: 'k1', value: 'abcdef1234ghijklmnop8901234567', name: 'importedKey_1', description: 'firstone', ...plan },
      { id: 'k2', value: 'abcdef1234ghijklmnop0123456789', name: 'importedKey_2', description: 'secondone', ...plan },
      { id: 'k3', value: 'abcdef1234ghijklmnop9012345678', name: 'importedKey_3', ...plan },
    ])
  })
})

describe('the header', () => {
  it('CSV-03: must name the columns Name and Key', () => {
    expect(failing(NO_PLANS, `Name\nx\n`)).toMatchObject({ ok: false, message: "Missing required column 'key'" })
    expect(failing(NO_PLANS, `Key\n${VALUE}\n`)).toMatchObject({ ok: false, message: "Missing required column 'name'" })
    expect(failing(NO_PLANS, 'a,b\n')).toMatchObject({ ok: false, message: "Missing required column 'name'" })
  })

  it('CSV-03: alone is a file of no keys', () => {
    for (const file of ['Name,Key', 'Name,Key\n', 'Name,Key\r\n\r\n', '\uFEFF"Key" , "Name"']) {
      expect(failing(NO_PLANS, file)).toEqual({ ok: true, catalog: NO_PLANS, ids: [], warnings: [] })
    }
  })

  it('CSV-03: is missing in a file of nothing', () => {
    for (const file of ['', '\uFEFF', '\n\n', ' \t\r\n ']) {
      expect(importKeyFile(NO_PLANS, file, { onWarnings: 'ignore', newId: counter() })).toEqual({
        ok: false,
        message: 'The file is empty: expected columns Name and Key',
        warnings: [],
      })
    }
    expect(importKeyFile(NO_PLANS, [], { onWarnings: 'ignore', newId: counter() }).ok).toBe(false)
  })

  it('names columns in any order and case, among others that are ignored', () => {
    expect(names(`x,NAME,,kEy,x\n1,n,2,${VALUE},3\n`)).toEqual(['n'])
  })

  it('may not name a column twice', () => {
    expect(reasons(`Name,Key,name\n`)).toEqual(["failure: Column 'name' is there twice"])
    expect(reasons(`UsagePlanIds,Name,Key,usageplanids\n`)).toEqual(["failure: Column 'usageplanids' is there twice"])
  })

  it('CSV-15: folds ASCII only, so the Kelvin sign is no k', () => {
    expect(reasons(`Name,\u212Aey\nn,${VALUE}`)).toEqual(["failure: Missing required column 'key'"])
    expect(reasons(`Name,Key,De\u017Fcription\nn,${VALUE},d`)).toEqual(['row'])
    expect(read(`Name,Key,De\u017Fcription\nn,${VALUE},d`)).toMatchObject([{ description: '' }])
  })

  it('that is broken is a failure, and nothing after it is read', () => {
    expect(reasons(`Name,"Key"x\nn,${VALUE}\nm,${OTHER}`)).toEqual([
      'failure: The header cannot be read: text follows a closing quote',
    ])
  })
})

describe('a row', () => {
  it('CSV-05: with a bad key is skipped with a warning that names its record, never its value', () => {
    const short = 'abcdefghij012345678'
    const file = `Name,Key\na,${VALUE}\nb,${short}\nc,${OTHER}\n`
    const { ids, warnings } = ignoring(NO_PLANS, file)
    expect(ids).toEqual(['k1', 'k2'])
    const reason = 'expected a key of 20 to 128 of A-Z a-z 0-9 - . _ ~ + / =, received 19 characters'
    expect(warnings).toEqual([
      { kind: 'record', record: 2, line: 3, reason, message: `Skipped invalid record: 2. ${reason}` },
    ])
    const failed = failing(NO_PLANS, file)
    expect(failed).toEqual({
      ok: false,
      message: `Warnings found during import:\n\tSkipped invalid record: 2. ${reason}`,
      warnings,
    })
  })

  it('holds a key of 20 to 128 characters of its charset', () => {
    const key = (value: string) => reasons(`Name,Key\nn,${value}`)[0] === 'row'
    expect([19, 20, 128, 129].map(length => key('a'.repeat(length)))).toEqual([false, true, true, false])
    expect(key('azAZ09-._~+/=azAZ09-')).toBe(true)
    expect(key('azAZ09-._~+/=azAZ0é9')).toBe(false)
    expect(key('azAZ09-._~+ =azAZ0a9')).toBe(false)
    expect(key('')).toBe(false)
  })

  it('CSV-11: is enabled by true or nothing, disabled by false, and else not imported', () => {
    const enabled = (cell: string) =>
      read(`Name,Key,Enabled\nn,${VALUE},${cell}`).map(entry => (entry.kind === 'row' ? entry.enabled : entry.kind))[0]
    expect(['TRUE', 'tRuE', 'false', '', 'yes', '1', ' false ', '" true "', 'ſalse'].map(enabled)).toEqual([
      true,
      true,
      false,
      true,
      'record',
      'record',
      false,
      true,
      'record',
    ])
  })

  it('CSV-19: keeps quoted newlines and doubled quotes', () => {
    const entries = read(`Name,Key,Description\n"a ""b""",${VALUE},"one\r\ntwo\n\n""three"""\nc,${OTHER},\n`)
    expect(entries).toMatchObject([
      { record: 1, line: 2, name: 'a "b"', description: 'one\r\ntwo\n\n"three"' },
      { record: 2, line: 6, name: 'c' },
    ])
  })

  it('CSV-19: has a name of 1 to 1024 and a description of up to 125000 characters', () => {
    const row = (name: string, description: string) => reasons(`Name,Key,Description\n${name},${VALUE},${description}`)
    expect(row('n'.repeat(1024), 'd'.repeat(125_000))).toEqual(['row'])
    expect(row('𝄞'.repeat(1024), '𝄞'.repeat(125_000))).toEqual(['row'])
    expect(row('n'.repeat(1025), '')).toEqual(['1: expected a name of up to 1024 characters, received 1025 characters'])
    expect(row('n', 'd'.repeat(125_001))).toEqual([
      '1: expected a description of up to 125000 characters, received 125001 characters',
    ])
    expect(row('', '')).toEqual(['1: expected a name, received an empty cell'])
    expect(row('  ', '')).toEqual(['1: expected a name, received an empty cell'])
  })

  it('CSV-09: with another number of cells than the header is skipped', () => {
    expect(reasons(`Name,Key,UsagePlanIds\nn,${VALUE},c7y23b,glvrsr\nn,${VALUE}\n`)).toEqual([
      '1: expected 3 fields, received 4; put cells with commas in quotes',
      '2: expected 3 fields, received 2',
    ])
  })

  it('ends with CRLF, LF or CR, and blank lines are none', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => `${name},${VALUE}`)
    expect(read(`\n\r\nName,Key\r\n${a}\n\n  \n${b}\r\r${c}\r\n\r\n${d}`)).toMatchObject([
      { name: 'a', record: 1, line: 4 },
      { name: 'b', record: 2, line: 7 },
      { name: 'c', record: 3, line: 9 },
      { name: 'd', record: 4, line: 11 },
    ])
  })

  it('with empty quotes or a comma alone is not a blank line', () => {
    expect(reasons('Name,Key\n""\n')).toEqual(['1: expected 2 fields, received 1'])
    expect(reasons('Name,Key\n,\n')).toHaveLength(1)
  })

  it('may have blanks around quotes, and keeps those within', () => {
    expect(names(`Name,Key\n \t" n " \t,\t"${VALUE}" `)).toEqual([' n '])
  })

  it('with text after a closing quote, or a quote within a cell, is skipped alone', () => {
    expect(reasons(`Name,Key\n"a"b,${VALUE}\nc"d,${VALUE}\n"e" "f",${VALUE}\n"g""",${VALUE}\n`)).toEqual([
      '1: text follows a closing quote',
      '2: a quote is within a cell that is not in quotes',
      '3: text follows a closing quote',
      'row',
    ])
  })

  it('with a quote that is never closed takes the rest of the file, and says so', () => {
    expect(reasons(`Name,Key\na,${VALUE}\n"b,${OTHER}\nc,${OTHER}\n`)).toEqual([
      'row',
      '2: a quote is never closed, and everything after it was taken for one cell',
    ])
  })

  it('longer than a mebibyte is skipped, whether in one cell or in many', () => {
    const long = 'x'.repeat(1_048_576)
    const skipped = '1: it is longer than 1048576 characters'
    expect(reasons(`Name,Key,x\nn,${VALUE},"${long}"\nn,${VALUE},y`)).toEqual([skipped, 'row'])
    expect(reasons(`Name,Key,x\nn,${VALUE},${long}\nn,${VALUE},y`)).toEqual([skipped, 'row'])
    expect(reasons(`Name,Key\n${','.repeat(1_048_576)}\nn,${VALUE}`)).toEqual([skipped, 'row'])
  })
})

describe('usage plans', () => {
  const catalog = catalogOf({ c7y23b: ['dev'], glvrsr: ['prod'], shares: ['prod', 'test'], none: [] })
  const plansOf = (cell: string) => {
    const { keys, messages } = ignoring(catalog, `Name,UsagePlanIds,Key\nn,${cell},${VALUE}\n`)
    return [...(keys[0]?.usagePlanIds ?? ['no key']), ...messages]
  }

  it('CSV-09: are listed in quotes of either kind', () => {
    expect(plansOf('"c7y23b,glvrsr"')).toEqual(['c7y23b', 'glvrsr'])
    expect(plansOf("'c7y23b,glvrsr'")).toEqual(['c7y23b', 'glvrsr'])
    expect(plansOf(` ' c7y23b , ,glvrsr,' `)).toEqual(['c7y23b', 'glvrsr'])
    expect(plansOf('"c7y23b,c7y23b"')).toEqual(['c7y23b'])
    expect(plansOf(' , ').at(-1)).toMatch(/^Skipped invalid record: 1\. expected 3 fields/)
    expect(plansOf('" , "')).toEqual([])
    expect(plansOf('"none,c7y23b"')).toEqual(['none', 'c7y23b'])
  })

  it('are the only cells in which an apostrophe quotes', () => {
    expect(names(`Name,Key,UsagePlanIds\n'n,${VALUE},\n`)).toEqual(["'n"])
    expect(reasons(`Name,Key\n'a,b',${VALUE}\n`)).toEqual([
      '1: expected 2 fields, received 3; put cells with commas in quotes',
    ])
    expect(reasons(`'Name','Key'\n`)).toEqual(["failure: Missing required column 'name'"])
  })

  it('that share a stage with one the key has are not added', () => {
    expect(plansOf('"glvrsr,c7y23b,shares"')).toEqual([
      'glvrsr',
      'c7y23b',
      'Skipped usage plan association for record: 1. usage plan shares shares API stage api:prod with glvrsr, ' +
        'which the key has',
    ])
  })

  it('that are not there are warned of by their place, as what stands there may be a key', () => {
    expect(plansOf(`"c7y23b,${OTHER}"`)).toEqual([
      'c7y23b',
      'Skipped usage plan association for record: 1. usage plan not found: number 2 of 2',
    ])
    expect(plansOf(OTHER)).toEqual([
      'Skipped usage plan association for record: 1. usage plan not found: number 1 of 1',
    ])
  })

  it('are warned of in the order of the records, among the others', () => {
    const file = `Name,Key,UsagePlanIds\na,${VALUE},x\nb,short,\nc,${OTHER},x\n`
    const { warnings } = ignoring(catalog, file)
    expect(warnings.map(({ kind, record, line }) => [kind, record, line])).toEqual([
      ['association', 1, 2],
      ['record', 2, 3],
      ['association', 3, 4],
    ])
    const failed = importKeyFile(catalog, file, { onWarnings: 'fail', newId: counter() })
    expect(failed).toMatchObject({ ok: false, warnings })
    expect(failed.ok ? '' : failed.message.split('\n\t')).toEqual([
      'Warnings found during import:',
      ...warnings.map(({ message }) => message),
    ])
  })
})

describe('a key that is there already', () => {
  const known: ApiKey = {
    id: 'known',
    value: VALUE,
    name: 'old',
    description: 'old',
    enabled: true,
    customerId: 'c',
    usagePlanIds: ['c7y23b'],
    createdDate: 1,
    lastUpdatedDate: 2,
    tags: { a: 'b' },
  }
  const catalog = catalogOf({ c7y23b: ['dev'], glvrsr: ['prod'], other: ['dev'] }, known)

  it('keeps its id, customer id, tags and date, and gets the rest of the row', () => {
    const { ids, keys } = ignoring(catalog, `Name,Key,Enabled\nnew,${VALUE},false\n`, { now: 9 })
    expect(ids).toEqual(['known'])
    const { description: _, ...rest } = known
    expect(keys).toEqual([{ ...rest, name: 'new', enabled: false, lastUpdatedDate: 9 }])
  })

  it('keeps its plans and gets those of the row', () => {
    const { keys, messages } = ignoring(catalog, `Name,Key,UsagePlanIds\nold,${VALUE},"glvrsr,other"\n`)
    expect(keys).toMatchObject([{ id: 'known', usagePlanIds: ['c7y23b', 'glvrsr'] }])
    expect(messages).toEqual([
      'Skipped usage plan association for record: 1. usage plan other shares API stage api:dev with c7y23b, ' +
        'which the key has',
    ])
  })

  it('is not touched by a row that says the same', () => {
    const file = `Name,Key,Description,UsagePlanIds\nold,${VALUE},old,c7y23b\n`
    expect(ignoring(catalog, file, { now: 9 })).toMatchObject({ ids: ['known'], warnings: [] })
    expect(ignoring(catalog, file, { now: 9 }).catalog).toBe(catalog)
    const bare = catalogOf({}, { id: 'bare', value: VALUE, name: 'n', enabled: false, usagePlanIds: [] })
    expect(ignoring(bare, `Name,Key,Enabled\nn,${VALUE},FALSE\n`, { now: 9 }).catalog).toBe(bare)
  })

  it('without a date gets none for when it was made', () => {
    const { createdDate: _, ...dateless } = known
    const { keys } = ignoring(catalogOf({ c7y23b: ['dev'] }, dateless), `Name,Key\nnew,${VALUE}\n`, { now: 9 })
    expect(keys[0]).not.toHaveProperty('createdDate')
    expect(keys[0]).toHaveProperty('lastUpdatedDate', 9)
  })

  it('CSV-07: in the same file is overwritten, and listed once', () => {
    const filler = Array.from({ length: 5 }, (_, i) => `f${i},${`filler${i}`.padEnd(20, '-')},,\n`).join('')
    const file = `Name,Key,Description,UsagePlanIds\n${filler}a,${OTHER},first,c7y23b\n${filler}b,${OTHER},,glvrsr\n`
    const { ids, keys, warnings } = ignoring(catalog, file, { now: 9 })
    expect(warnings).toEqual([])
    expect(ids).toEqual(['k1', 'k2', 'k3', 'k4', 'k5', 'k6'])
    expect(keys.find(({ value }) => value === OTHER)).toEqual({
      id: 'k6',
      value: OTHER,
      name: 'b',
      enabled: true,
      usagePlanIds: ['c7y23b', 'glvrsr'],
      createdDate: 9,
      lastUpdatedDate: 9,
    })
  })

  it('is not overwritten by a later row that is bad', () => {
    expect(ignoring(NO_PLANS, `Name,Key,Enabled\na,${VALUE},\nb,${VALUE},x\n`).keys).toMatchObject([{ name: 'a' }])
  })
})

describe('an import', () => {
  it('CSV-05: that fails changes nothing', () => {
    const before = JSON.stringify(DOCUMENTED)
    expect(failing(DOCUMENTED, `${SAMPLE_4}x,y,,,\n`)).toMatchObject({ ok: false })
    expect(JSON.stringify(DOCUMENTED)).toBe(before)
  })

  it('CSV-17: of two at once is as one after the other, since the catalog is read at its end', () => {
    let catalog = DOCUMENTED
    const options: ImportOptions = { onWarnings: 'fail', newId: counter() }
    const files = ['a', 'b'].map(name => {
      const rows = Array.from({ length: 2000 }, (_, i) => `${name},${`key${i}`.padEnd(30, '-')}`)
      return ['Name,Key', ...(name === 'a' ? rows.slice(0, 1500) : rows.slice(500))].join('\n')
    })
    const imports = files.map(() => keyFileImport(() => catalog, options))
    for (let i = 0; i < 60_000; i += 997) imports.forEach((each, j) => void each.push(files[j]!.slice(i, i + 997)))
    for (const each of imports) {
      const got = each.end()
      if (got.ok) catalog = got.catalog
    }
    expect(catalog.apiKeys.size).toBe(2000)
    expect([...catalog.apiKeys].filter(({ name }) => name === 'b')).toHaveLength(1500)
    expect(new Set([...catalog.apiKeys].map(({ id }) => id)).size).toBe(2000)
  })

  it.each<[string, unknown, string]>([
    [
      'bytes',
      new TextEncoder().encode(`Name,Key\na,${VALUE}\n`),
      'file: expected text, or its chunks, received an instance of a class; decode bytes with TextDecoder',
    ],
    ['nothing', undefined, 'file: expected text, or its chunks, received nothing; decode bytes with TextDecoder'],
    [
      'chunks of bytes',
      [new TextEncoder().encode('Name,Key')],
      'chunk: expected text, received an instance of a class; decode bytes with TextDecoder',
    ],
  ])('of %s is refused, since it is no text', (_, file, message) => {
    const options = { onWarnings: 'ignore', newId: counter() } as const
    expect(() => importKeyFile(NO_PLANS, file as string, options)).toThrow(new TypeError(message))
    expect(() => read(file as string)).toThrow(new TypeError(message))
  })

  const NOW = Date.UTC(2026, 10, 24, 12, 0, 0, 500)
  it.each<[string, object, string]>([
    [
      'no word on warnings',
      { onWarnings: undefined },
      'options.onWarnings: expected a value, received nothing; add "onWarnings"',
    ],
    [
      'another word for fail',
      { onWarnings: 'Fail' },
      'options.onWarnings: expected one of fail, ignore, received "Fail"; did you mean "fail"?',
    ],
    [
      'a date in milliseconds',
      { now: NOW },
      `options.now: expected a whole number from 0 to 253402300799, received ${NOW}; give seconds since the Unix epoch`,
    ],
    [
      'a date of fractions',
      { now: NOW / 1000 },
      `options.now: expected a whole number from 0 to 253402300799, received ${NOW / 1000}; give seconds since the Unix epoch`,
    ],
    ['no ids', { newId: 'k1' }, 'options.newId: expected a function that gives ids, received a string; give one'],
  ])('with %s is refused', (_, given, message) => {
    const options = { onWarnings: 'fail', newId: counter(), ...given } as ImportOptions
    expect(() => keyFileImport(NO_PLANS, options)).toThrow(new TypeError(message))
    expect(() => importKeyFile(NO_PLANS, `Name,Key\na,${VALUE}\n`, options)).toThrow(new TypeError(message))
  })

  it('asks for another id when one is taken, by the catalog or by this file', () => {
    const taken = ignoring(NO_PLANS, SAMPLE_1).catalog
    const given = ['k1', 'not an id', 'x', 'x', 'y']
    const file = `Name,Key\na,${OTHER}\nb,${OTHER}2\n`
    const asked: [string, number][] = []
    const newId = (value: string, attempt: number): string => {
      asked.push([value, attempt])
      return given.shift() as string
    }
    expect(ignoring(taken, file, { newId }).ids).toEqual(['x', 'y'])
    // Who makes ids of values needs another one of the same value.
    expect(asked.map(([value, attempt]) => [value === OTHER, attempt])).toEqual([
      [true, 0],
      [true, 1],
      [true, 2],
      [false, 0],
      [false, 1],
    ])
    expect(() => ignoring(taken, file, { newId: () => 'k1' })).toThrow(/^newId: expected an id that no key has/)
    expect(() => ignoring(taken, file, { newId: () => 'k1' })).toThrow(RangeError)
  })

  it('lists a thousand warnings in its message, and all of them beside it', () => {
    const failed = failing(NO_PLANS, `Name,Key\n${'a,b\n'.repeat(1500)}`)
    expect(failed.warnings).toHaveLength(1500)
    expect(failed.ok ? '' : failed.message.split('\n\t').slice(-2)).toEqual([
      expect.stringContaining('Skipped invalid record: 1000.'),
      'and 500 more',
    ])
  })
})

describe('writeKeyFile', () => {
  const key: ApiKey = { id: 'k1', value: VALUE, name: 'n', enabled: true, usagePlanIds: [] }
  const cell = (name: string, options?: { raw: boolean }) => {
    const file = [...writeKeyFile([{ ...key, name }], options)].join('')
    return file.slice(file.indexOf('\n') + 1, file.indexOf(`,${VALUE}`))
  }

  it('writes the documented columns', () => {
    const keys = [key, { ...key, description: 'a "b", c', enabled: false, usagePlanIds: ['c7y23b', 'glvrsr'] }]
    expect([...writeKeyFile(keys)].join('')).toBe(
      'Name,Key,Description,Enabled,UsagePlanIds\r\n' +
        `n,${VALUE},,true,\r\n` +
        `n,${VALUE},"a ""b"", c",false,"c7y23b,glvrsr"\r\n`,
    )
    expect([...writeKeyFile([])].join('')).toBe('Name,Key,Description,Enabled,UsagePlanIds\r\n')
  })

  it('CSV-13: puts an apostrophe before what a spreadsheet would take for a formula, raw does not', () => {
    expect(cell('=HYPERLINK("x")')).toBe(`"'=HYPERLINK(""x"")"`)
    expect(['+1', '-1', '@x', '\tx', '\rx', 'x=1'].map(name => cell(name))).toEqual([
      `"'+1"`,
      `"'-1"`,
      `"'@x"`,
      `"'\tx"`,
      `"'\rx"`,
      'x=1',
    ])
    expect(['=A1', '+1', '-1', '@x', '\tx', '\rx'].map(name => cell(name, { raw: true }))).toEqual([
      '=A1',
      '+1',
      '-1',
      '@x',
      '"\tx"',
      '"\rx"',
    ])
  })

  it('CSV-13: the import keeps such names verbatim', () => {
    const given = ['=HYPERLINK(x)', '+1', '-1', '@x', '"\tx"', '"\rx"', "'=x"]
    const file = `Name,Key\n${given.map((name, i) => `${name},${VALUE}${i}`).join('\n')}`
    expect(names(file)).toEqual(['=HYPERLINK(x)', '+1', '-1', '@x', '\tx', '\rx', "'=x"])
  })

  it('CSV-13: the import knows the apostrophe before a key and a plan id', () => {
    const odd = { ...key, value: `=${VALUE}`, usagePlanIds: ['-a', 'b'] }
    const catalog = catalogOf({ '-a': ['dev'], b: ['prod'] })
    expect(ignoring(catalog, writeKeyFile([odd]))).toMatchObject({ warnings: [], keys: [odd] })
  })

  it('names a key without a name by its id', () => {
    const { name: _, ...nameless } = key
    expect(cell('')).toBe('k1')
    expect([...writeKeyFile([nameless])].join('')).toContain(`\r\nk1,${VALUE}`)
  })

  it('gives chunks, never the whole', () => {
    const chunks = [...writeKeyFile(Array.from({ length: 5000 }, () => key))]
    expect(chunks.length).toBeGreaterThan(2)
    for (const chunk of chunks) expect(chunk.length).toBeLessThan(70_000)
  })
})

// Laws.

const VALUE_CHARACTERS = [...'ABCXYZabcxyz0189-._~+/=']
const value = fc.string({ unit: fc.constantFrom(...VALUE_CHARACTERS), minLength: 20, maxLength: 128 })
/** Text in which everything that means something is frequent. */
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        '""',
        ',',
        '\n',
        '\r',
        '\r\n',
        ' ',
        '\t',
        "'",
        '=',
        '-',
        '\uFEFF',
        'a',
        'true',
        'p1',
        '\u{1F511}',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map(parts => parts.join(''))
const HEADERS = [
  'Name,Key\n',
  'key,name,usageplanids,enabled,description\r\n',
  'Name,Key,UsagePlanIds,x\r',
  '\uFEFFName,"Key"\n',
  '',
]
/** A file with a header, mostly, and a valid key here and there. */
const file = fc
  .tuple(
    fc.constantFrom(...HEADERS),
    fc.array(fc.oneof(soup, fc.constantFrom(`n,${VALUE}\n`, `${OTHER},n,"p1,p2",,\n`))),
  )
  .map(([header, rest]) => header + rest.join(''))
const TWO = catalogOf({ p1: ['dev'], p2: ['prod'] })

/** The text in pieces, cut at any places: also within a pair of surrogates. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map(place => place % (text.length + 1)))].sort((a, b) => a - b)
  return [...at, text.length].map((end, i) => text.slice(at[i - 1] ?? 0, end))
}

describe('laws', () => {
  it('where a file is cut does not matter', () => {
    fc.assert(
      fc.property(file, fc.array(fc.nat()), (file, places) => {
        const whole = read(file)
        expect(read(cut(file, places))).toEqual(whole)
        expect(read(file.split(''))).toEqual(whole)
        const reading = keyFileImport(TWO, { onWarnings: 'ignore', newId: counter() })
        for (const chunk of cut(file, places)) reading.push(chunk)
        const direct = importKeyFile(TWO, file, { onWarnings: 'ignore', newId: counter() })
        expect(JSON.stringify(reading.end())).toBe(JSON.stringify(direct))
      }),
      { numRuns: 500 },
    )
  })

  it('whatever comes, nothing is thrown, and what is imported is a valid catalog', () => {
    fc.assert(
      fc.property(fc.oneof(file, fc.string({ unit: 'binary' })), file => {
        for (const onWarnings of ['fail', 'ignore'] as const) {
          const got = importKeyFile(TWO, file, { onWarnings, newId: counter() })
          if (!got.ok) continue
          expect(got.ids.length).toBe(got.catalog.apiKeys.size)
          if (onWarnings === 'fail') expect(got.warnings).toEqual([])
        }
      }),
      { numRuns: 500 },
    )
  })

  it('records are counted without a gap', () => {
    fc.assert(
      fc.property(file, file => {
        const entries = read(file)
        if (entries.some(({ kind }) => kind === 'failure')) {
          expect(entries).toHaveLength(1)
          return
        }
        expect(entries.map(entry => (entry.kind === 'failure' ? 0 : entry.record))).toEqual(
          entries.map((_, i) => i + 1),
        )
      }),
    )
  })

  it('no message holds a key, wherever in the file it stands', () => {
    const secret = 'SECRETzzSECRETzzSECRETzz'
    const cell = fc.oneof(fc.constantFrom(secret, `${secret}!`, `"${secret}`, `"${secret}"x`, `'${secret}'`), soup)
    // Columns mixed up among rows that are whole, and anything.
    const whole = fc.shuffledSubarray([secret, VALUE, 'n', `${secret},p1`], { minLength: 3, maxLength: 3 })
    const rows = fc.array(fc.oneof(whole, fc.array(cell, { minLength: 1, maxLength: 6 })), { maxLength: 6 })
    const header = fc.constantFrom(
      ...HEADERS,
      'Key,Name,UsagePlanIds\n',
      'Key,Enabled,Name\n',
      `Name,Key,${secret}\n`,
      `${secret}\n`,
      `Name,Key,"${secret}"x\n`,
    )
    fc.assert(
      fc.property(header, rows, (header, rows) => {
        const file = header + rows.map(cells => cells.join(',')).join('\n')
        for (const onWarnings of ['fail', 'ignore'] as const) {
          const got = importKeyFile(TWO, file, { onWarnings, newId: counter() })
          expect(JSON.stringify([got.warnings, got.ok ? '' : got.message])).not.toMatch(/SECRET|zz/)
        }
      }),
      { numRuns: 500 },
    )
  })

  const text = (maxLength: number) =>
    fc.oneof(
      soup.map(text => text.slice(0, maxLength)),
      fc.string({ unit: 'binary', maxLength: Math.min(maxLength, 50) }),
    )
  const keys = fc.uniqueArray(
    fc.record(
      {
        value,
        name: text(1024).filter(name => name !== ''),
        description: text(5000).filter(description => description !== ''),
        enabled: fc.boolean(),
        usagePlanIds: fc.constantFrom([], ['p1'], ['p1', 'p2'], ['p2', 'p1']),
      },
      { requiredKeys: ['value', 'name', 'enabled', 'usagePlanIds'] },
    ),
    { selector: ({ value }) => value, maxLength: 8 },
  )
  const withIds = (keys: readonly Omit<ApiKey, 'id'>[]) => keys.map((key, i): ApiKey => ({ ...key, id: `k${i + 1}` }))

  it('a raw file is read back to the same keys', () => {
    fc.assert(
      fc.property(keys, fc.array(fc.nat()), (keys, places) => {
        const written = withIds(keys)
        const got = ignoring(TWO, cut([...writeKeyFile(written, { raw: true })].join(''), places))
        expect(got.warnings).toEqual([])
        expect(got.keys).toEqual(written)
        // And over the keys themselves it changes nothing.
        expect(ignoring(got.catalog, writeKeyFile(got.keys, { raw: true })).catalog).toBe(got.catalog)
      }),
      { numRuns: 300 },
    )
  })

  it('a file for spreadsheets is read back but for the apostrophes of names and descriptions', () => {
    const guarded = (text: string) => (/^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text)
    fc.assert(
      fc.property(keys, keys => {
        const written = withIds(keys)
        const got = ignoring(TWO, writeKeyFile(written))
        expect(got.warnings).toEqual([])
        expect(got.keys).toEqual(
          written.map(key => ({
            ...key,
            name: guarded(key.name as string),
            ...(key.description === undefined ? {} : { description: guarded(key.description) }),
          })),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('cells and records are those of csv-parse, where quotes are double', () => {
    const part = fc.constantFrom(
      '"',
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      ' ',
      'a',
      'é',
      `\n${VALUE},`,
      `\n"${VALUE}","`,
      '","',
    )
    const body = fc.array(part, { maxLength: 30 }).map(parts => parts.join(''))
    let [agreed, refused] = [0, 0]
    fc.assert(
      fc.property(body, body => {
        // csv-parse with `trim` takes blanks between two quotes for nothing; RFC 4180 has no such pair.
        fc.pre(!/" +"/.test(body))
        const entries = read(`Key,Name,Description\n${body}`)
        let records: string[][]
        try {
          records = parse(body, {
            relax_column_count: true,
            skip_empty_lines: true,
            trim: true,
            record_delimiter: ['\r\n', '\n', '\r'],
          })
        } catch {
          refused++
          expect(entries.filter(({ kind }) => kind === 'record')).not.toEqual([])
          return
        }
        agreed++
        const expected = records.map(cells =>
          cells.length === 3 && cells[0]?.trim() === VALUE && cells[1] !== '' ? cells : 'warning',
        )
        expect(
          entries.map(entry => (entry.kind === 'row' ? [entry.value, entry.name, entry.description] : 'warning')),
        ).toEqual(expected)
      }),
      { numRuns: 3000, maxSkipsPerRun: 1000 },
    )
    expect(agreed).toBeGreaterThan(300)
    expect(refused).toBeGreaterThan(300)
  })
})

// Size. CPU time, since other tests run beside these.

function cpuSeconds(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Bytes of the heap in use, garbage apart. */
function heap(): number {
  gc()
  return process.memoryUsage().heapUsed
}

function* fileOf(rows: number, note = '', plans = (_: number) => '"p1, p2"'): Generator<string> {
  let chunk = 'Name,Key,Description,Enabled,UsagePlanIds,Note\r\n'
  for (let i = 0; i < rows; i++) {
    chunk += `customer ${i},${`key${i}`.padStart(30, '-')},,TRUE,${plans(i)},${note}\r\n`
    if (chunk.length < 60_000) continue
    // As from a file: one flat string.
    yield Buffer.from(chunk, 'latin1').toString('latin1')
    chunk = ''
  }
  yield chunk
}

describe('size', () => {
  it('reads rows without holding them', () => {
    const before = heap()
    let rows = 0
    let most = 0
    for (const { kind } of readKeyFile(fileOf(300_000, '', i => `plan-number-${i}`))) {
      if (kind === 'row' && ++rows % 100_000 === 0) most = Math.max(most, heap() - before)
    }
    expect(rows).toBe(300_000)
    expect(most).toBeLessThan(16e6)
  }, 120_000)

  it('imports a million rows in seconds, and holds only their keys', () => {
    const before = heap()
    const got: KeyImport[] = []
    const seconds = cpuSeconds(() => {
      got.push(importKeyFile(TWO, fileOf(1_000_000), { onWarnings: 'fail', newId: counter() }))
    })
    const growth = heap() - before
    expect(got[0]).toMatchObject({ ok: true, warnings: [] })
    expect(got[0]?.ok && got[0].catalog.apiKeys.size).toBe(1_000_000)
    // Measured: 12.5, the making of the file included, with both cores taken by others.
    expect(seconds).toBeLessThan(30)
    // Two tables, the list of ids, and of each key the record, its id, value and name.
    expect(growth / 1_000_000).toBeLessThan(520)
  }, 120_000)

  it('keeps nothing of the columns it ignores', () => {
    const grown = (note: string): number => {
      const before = heap()
      const got = importKeyFile(TWO, fileOf(50_000, note), { onWarnings: 'fail', newId: counter() })
      const growth = heap() - before
      expect(got.ok).toBe(true)
      return growth
    }
    grown('')
    expect(grown('x'.repeat(1000)) - grown('')).toBeLessThan(5e6)
  }, 120_000)

  it('holds no more than a mebibyte of a quote that is never closed', () => {
    const before = heap()
    let most = 0
    function* chunks(): Generator<string> {
      yield 'Name,Key\n"'
      for (let i = 0; i < 2000; i++) {
        yield Buffer.alloc(65_536, `${i} `).toString('latin1')
        if (i % 500 === 0) most = Math.max(most, heap() - before)
      }
    }
    expect(read(chunks())).toMatchObject([{ kind: 'record', record: 1 }])
    expect(most).toBeLessThan(8e6)
  }, 60_000)

  it.each([
    ['blanks', ' '],
    ['tabs and text', '\t \ta'],
    ['quotes', '"'],
    ['quotes and text', '"a'],
    ['commas', ','],
    ['quoted commas', '",'],
    ['apostrophes', "'"],
    ['line ends', '\r\n'],
    ['records', ',\n'],
    ['marks', '\uFEFF'],
    ['capitals', 'K'],
  ])(
    'takes time in proportion to %s',
    (_, unit) => {
      const header = 'Key,UsagePlanIds,Name,Description\n'
      const text = unit.repeat(400_000 / unit.length)
      const row = `${header}${VALUE},`
      const files = ['', header, row, `${row}'`, `${row},n,"`, `${row},`, `${row},n`]
      const seconds = cpuSeconds(() => {
        for (const file of files) {
          importKeyFile(TWO, `${file}${text}n`, { onWarnings: 'ignore', newId: counter() })
          importKeyFile(TWO, [...(file + text).slice(0, 100_000)], { onWarnings: 'ignore', newId: counter() })
        }
      })
      // Quadratic would be 10^11 steps and minutes.
      expect(seconds).toBeLessThan(8)
    },
    60_000,
  )
})
