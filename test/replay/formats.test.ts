// Every format, read from lines as real servers write them, with the traps of each.

import { describe, expect, it } from 'vitest'
import { type EventsOptions, eventsOf } from '../../src/replay/events.ts'
import { type Format, formatOf } from '../../src/replay/formats.ts'
import { Interned } from '../../src/replay/interned.ts'
import { Reorder } from '../../src/replay/reorder.ts'

interface Read {
  readonly events: readonly (readonly unknown[])[]
  readonly troubles: readonly string[]
}

function read(lines: readonly string[] | string, options: EventsOptions = {}): Read {
  const troubles: string[] = []
  const onTrouble = (why: string, line: number): void => void troubles.push(`${line}: ${why}`)
  const log = typeof lines === 'string' ? lines : `${lines.join('\n')}\n`
  const events = [...eventsOf(log, { ...options, onTrouble })].map(({ time, method, path, host, apiKey, status }) => {
    return [new Date(time).toISOString(), method, path, host, apiKey, status] as const
  })
  return { events, troubles }
}

const formatIn = (line: string): Format | null => formatOf(new TextEncoder().encode(`${line}\n`))

describe('common and combined log format', () => {
  const line = (
    request: string,
    { user = 'acme', time = '24/Nov/2026:08:36:10 +0000', rest = ' 200 512 "-" "curl/8"' } = {},
  ) => `2001:db8::1 - ${user} [${time}] "${request}"${rest}`
  const GET = ['2026-11-24T08:36:10.000Z', 'GET', '/v1/pets', null, 'acme', 200]

  it('is read, with and without what combined adds, and as API Gateway writes it', () => {
    expect(
      read([line('GET /v1/pets?limit=2 HTTP/1.1'), line('GET /v1/pets HTTP/1.1', { rest: ' 200 -' })]).events,
    ).toEqual([GET, GET])
    const aws = '192.0.2.1 - acme [24/Nov/2026:08:36:10 +0000]"GET /v1/pets HTTP/1.1" 200 512 c6af9ac6-7b61'
    expect(read([aws]).events).toEqual([GET])
  })

  it('knows time zones, leap days, and years that have none', () => {
    const at = (time: string): unknown => read([line('GET /v1/pets HTTP/1.1', { time })]).events[0]?.[0]
    expect(at('24/Nov/2026:10:36:10 +0200')).toBe('2026-11-24T08:36:10.000Z')
    expect(at('23/Nov/2026:22:06:10 -1030')).toBe('2026-11-24T08:36:10.000Z')
    expect(at('29/Feb/2024:23:59:59 +0000')).toBe('2024-02-29T23:59:59.000Z')
    expect(at('29/Feb/2023:23:59:59 +0000')).toBeUndefined()
    expect(at('24/Nov/2026:24:36:10 +0000')).toBeUndefined()
  })

  it('is not led astray by zones that change from line to line', () => {
    const times = ['24/Nov/2026:10:36:10 +0200', '24/Nov/2026:10:36:11 +0100', '24/Nov/2026:10:36:12 +0200']
    const { events } = read(
      times.map(time => line('GET /v1/pets HTTP/1.1', { time })),
      { window: 1e9 },
    )
    expect(events.map(([time]) => time)).toEqual([
      '2026-11-24T08:36:10.000Z',
      '2026-11-24T08:36:12.000Z',
      '2026-11-24T09:36:11.000Z',
    ])
  })

  it('knows what is escaped, and users with spaces, brackets and dashes', () => {
    const path = (request: string): unknown => read([line(request)]).events[0]?.[2]
    expect(path('GET /a\\"b HTTP/1.1')).toBe('/a"b')
    expect(path('GET /a\\x22b?q=\\" HTTP/1.1')).toBe('/a"b')
    expect(path('GET http://other.example/v1/pets HTTP/1.1')).toBe('/v1/pets')
    const user = (user: string): unknown => read([line('GET /v1/pets HTTP/1.1', { user })]).events[0]?.[4]
    expect(user('jane doe')).toBe('jane doe')
    expect(user('j[1]')).toBe('j[1]')
    expect(user('-')).toBe(null)
  })

  it('takes the key from any field', () => {
    const rest = ' 200 512 "https://a.example/?\\"" "agent 7" 0.003 "key of behind"'
    const keyOf = (key: string): unknown =>
      read([line('GET /v1/pets?api_key=in%20query&x HTTP/1.1', { rest })], { fields: { key } }).events[0]?.[4]
    expect(keyOf('user')).toBe('acme')
    expect(keyOf('client')).toBe('2001:db8::1')
    expect(keyOf('agent')).toBe('agent 7')
    expect(keyOf('referer')).toBe('https://a.example/?\\"')
    expect(keyOf('7')).toBe('512')
    expect(keyOf('10')).toBe('0.003')
    expect(keyOf('11')).toBe('key of behind')
    expect(keyOf('12')).toBe(null)
    expect(keyOf('query.api_key')).toBe('in query')
    expect(keyOf('query.other')).toBe(null)
  })

  it('has the host of a virtual one', () => {
    const vhost = `api.example.com:443 ${line('GET /v1/pets HTTP/1.1')}`
    expect(read([vhost]).events).toEqual([
      ['2026-11-24T08:36:10.000Z', 'GET', '/v1/pets', 'api.example.com:443', 'acme', 200],
    ])
  })

  it('says of each kind of bad line where the first one is, and goes on', () => {
    const good = line('GET /v1/pets HTTP/1.1')
    const { events, troubles } = read(
      [
        good,
        '',
        line('-', { rest: ' 408 0' }),
        line('\\x16\\x03\\x01', { rest: ' 400 0' }),
        line('GET /v1/pets HTTP/1.1', { time: 'yesterday' }),
        line('GET /v1/pets HTTP/1.1', { rest: ' two 512' }),
        'not a log line\0at all',
        good,
        line('GET /v1/pe').slice(0, -25),
      ].join('\n'),
    )
    expect(events).toEqual([GET, GET])
    expect(troubles).toEqual([
      '3: no HTTP request was made (the request is - or unreadable)',
      '5: expected a time like [24/Nov/2026:08:36:10 +0000]',
      '6: expected a status of three digits after the request',
      '7: expected text, received a zero byte',
      '9: expected a request in quotes after the time, with its closing quote',
    ])
  })

  it('is the same however it is cut into chunks', () => {
    const log = new TextEncoder().encode(`\ufeff${[1, 2, 3].map(i => line(`GET /v1/${i} HTTP/1.1`)).join('\r\n')}`)
    const paths = (size: number): unknown[] => {
      const chunks = Array.from({ length: Math.ceil(log.length / size) }, (_, i) => log.slice(i * size, (i + 1) * size))
      return [...eventsOf(chunks, { format: 'combined' })].map(({ path }) => path)
    }
    for (const size of [3, 7, 100, 151, 152, 1000]) expect(paths(size)).toEqual(['/v1/1', '/v1/2', '/v1/3'])
  })

  it('is not held up by a line without an end', () => {
    const endless = new TextEncoder().encode(
      `${line('GET /1 HTTP/1.1')}\n${'x'.repeat(3_000_000)}\n${line('GET /2 HTTP/1.1')}`,
    )
    const chunks = Array.from({ length: 40 }, (_, i) => endless.slice(i * 100_000, (i + 1) * 100_000))
    const troubles: string[] = []
    const events = [...eventsOf(chunks, { onTrouble: (why, line) => troubles.push(`${line}: ${why}`) })]
    expect(events.map(({ path }) => path)).toEqual(['/1', '/2'])
    expect(troubles).toEqual(['2: expected a line of at most 1 MB'])
  })
})

describe('an ALB log', () => {
  const line = (request: string, client = '192.0.2.1:2817', created = '2026-11-24T08:36:09.987000Z') =>
    `h2 2026-11-24T08:36:10.123456Z app/my-lb/50dc6c495c0c9188 ${client} 10.0.0.1:80 0.000 0.001 0.000 429 200 34 366 ` +
    `"${request}" "an \\"agent\\"" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:tg "Root=1-58337262" ` +
    `"api.example.com" "arn:aws:acm:cert" 0 ${created} "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1`
  const GET = 'GET https://api.example.com:443/v1/pets?api_key=acme HTTP/2.0'

  it('is read, by when the request came', () => {
    const { events } = read([line(GET)], { fields: { key: 'query.api_key' } })
    expect(events).toEqual([['2026-11-24T08:36:09.987Z', 'GET', '/v1/pets', 'api.example.com:443', 'acme', 429]])
    expect(read([line(GET, undefined, '-')]).events[0]?.[0]).toBe('2026-11-24T08:36:10.123Z')
  })

  it('has clients of both kinds, the root without a slash, and requests that were none', () => {
    const key = (client: string): unknown => read([line(GET, client)], { fields: { key: 'client' } }).events[0]?.[4]
    expect(key('192.0.2.1:2817')).toBe('192.0.2.1')
    expect(key('[2001:db8::1]:2817')).toBe('2001:db8::1')
    expect(read([line('GET http://h:80?x HTTP/1.1')]).events[0]?.[2]).toBe('/')
    expect(read([line('- http://h:80- -'), line(GET), line(GET).slice(0, 150)]).troubles).toEqual([
      '1: no HTTP request was made (the request is - or unreadable)',
      '3: expected the 12 fields of an ALB line before its request in quotes',
    ])
  })
})

describe('a CloudFront log', () => {
  const HEAD = [
    '#Version: 1.0',
    '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-host-header',
  ]
  const line = (method: string, stem: string, query = 'api_key=ac%256De&x=1') =>
    `2026-11-24\t08:36:10\tFRA2\t99\t2001:db8::1\t${method}\td1.cloudfront.net\t${stem}\t200\t-\tcurl%2F8\t${query}\tapi.example.com`

  it('is read by its own columns', () => {
    const { events } = read([...HEAD, line('GET', '/v1/a%20b')], { fields: { key: 'query.api_key' } })
    expect(events).toEqual([['2026-11-24T08:36:10.000Z', 'GET', '/v1/a%20b', 'api.example.com', 'ac%6De', 200]])
    expect(read([...HEAD, line('GET', '/x')], { fields: { key: 'cs(User-Agent)' } }).events[0]?.[4]).toBe('curl/8')
  })

  it('follows a header that changes, and says where there is none, or a column too few', () => {
    const again = '#Fields: time date cs-method cs-uri-stem'
    expect(
      read([...HEAD, line('GET', '/1'), again, '08:36:11\t2026-11-24\tPUT\t/2']).events.map(([, , path]) => path),
    ).toEqual(['/1', '/2'])
    expect(read([line('GET', '/x')], { format: 'cloudfront' }).troubles).toEqual([
      '1: expected a line #Fields: before the first request, to say what the columns are',
    ])
    expect(read([...HEAD, line('GET', '/1').split('\t').slice(0, 8).join('\t')]).troubles).toEqual([
      '3: expected as many columns as #Fields: names',
    ])
  })
})

describe('JSON a line', () => {
  const json = (...documents: object[]): string[] => documents.map(document => JSON.stringify(document))

  it("is tollgate's own log", () => {
    const line = { time: '2026-11-24T08:36:10.123Z', seq: 7, method: 'GET', path: '/v1/pets', host: 'h', status: 429 }
    const { events, troubles } = read(
      json(
        { ...line, decision: 'throttled', keyId: 'acme', apiId: 'petstore', stage: 'prod', version: 'v1', cost: 3 },
        { ...line, seq: 6, decision: 'invalid-api-key', reason: 'unknown' },
        { ...line, decision: 'not-judged' },
      ),
    )
    expect(events.map(event => event[4])).toEqual(['some-key-that-nobody-has', 'acme'])
    expect(troubles).toEqual(['3: refused before it was judged (decision: not-judged)'])
    const [event] = [
      ...eventsOf(`${json({ ...line, decision: 'throttled', apiId: 'a', stage: 's', version: 'v1', cost: 3 })}`),
    ]
    expect(event).toMatchObject({ cost: 3, said: { kind: 'throttled', version: 'v1', why: null } })
    // Where it led is for its own catalog to say.
    expect(event).not.toHaveProperty('apiId')
  })

  it("is API Gateway's, by the names of its variables", () => {
    const line = {
      requestId: 'c6af9ac6',
      requestTime: '24/Nov/2026:08:36:10 +0000',
      requestTimeEpoch: 1795509370123,
      httpMethod: 'GET',
      status: '200',
      apiId: 'petstore',
      stage: 'prod',
    }
    expect(formatIn(JSON.stringify(line))).toBe('apigateway')
    const events = [
      ...eventsOf(
        json(
          { ...line, resourcePath: '/pets/{petId}', path: '/prod/pets/7', identity: { apiKeyId: 'acme' } },
          { ...line, requestTimeEpoch: undefined, path: '/prod/pets/7', apiKeyId: '-' },
        ).join('\n'),
      ),
    ]
    expect(events).toMatchObject([
      { time: 1795509370000, path: '/pets/7', apiId: 'petstore', stage: 'prod', apiKey: null },
      { time: 1795509370123, path: '/pets/{petId}', apiKey: 'acme', status: 200 },
    ])
  })

  it('is any other, by the names that are usual or said', () => {
    const { events } = read(
      json(
        { ts: 1795509370, verb: 'GET', url: '/a?b', api_key: 'k' },
        { ts: 1795509370123, verb: 'GET', url: '/b' },
        { ts: 1795509370123456, verb: 'GET', url: '/c' },
        { '@timestamp': '2026-11-24T09:36:10.1234+01:00', http_method: 'GET', uri: '/d' },
        { time: '2026-11-24 08:36:11', routeKey: 'GET /e' },
      ),
    )
    expect(events.map(([time, , path]) => `${time} ${path}`)).toEqual([
      '2026-11-24T08:36:10.000Z /a',
      '2026-11-24T08:36:10.123Z /b',
      '2026-11-24T08:36:10.123Z /c',
      '2026-11-24T08:36:10.123Z /d',
      '2026-11-24T08:36:11.000Z /e',
    ])
    const mapped = read(json({ when: 1795509370, req: { m: 'GET', 'p.q': '/x' }, who: 'k' }), {
      format: 'ndjson',
      fields: { time: 'when', method: 'req.m', path: 'req.p', key: 'who' },
    })
    expect(mapped.troubles).toEqual(['1: expected a path: a field path, uri or resourcePath (--map path=FIELD)'])
  })

  it('says what a line lacks, also of JSON that is no object', () => {
    const { troubles } = read(
      ['{"time":1795509370,"method":"GET"}', '[1]', '{"time":', '{"method":"GET","path":"/"}', 'null'],
      {
        format: 'ndjson',
      },
    )
    expect(troubles).toEqual([
      '1: expected a path: a field path, uri or resourcePath (--map path=FIELD)',
      '2: expected a JSON object',
      '4: expected a time: a field time, timestamp or requestTime (--map time=FIELD)',
    ])
  })
})

it('tells formats by their first lines, and says when it cannot', () => {
  expect(formatIn('1.2.3.4 - - [24/Nov/2026:08:36:10 +0000] "GET / HTTP/1.1" 200 1')).toBe('combined')
  expect(formatIn('h:80 1.2.3.4 - - [24/Nov/2026:08:36:10 +0000] "GET / HTTP/1.1" 200 1')).toBe('vhost')
  expect(formatIn('#Version: 1.0')).toBe('cloudfront')
  expect(formatIn('{"time":"2026-11-24T08:36:10.123Z","decision":"allowed","method":"GET","path":"/"}')).toBe(
    'tollgate',
  )
  expect(formatIn('SQLite format 3\0')).toBe(null)
  expect(() => [...eventsOf('nothing of the kind\n')]).toThrow(/^format: expected one of tollgate/)
})

describe('order', () => {
  const reordered = (times: readonly number[], window: number, most: number, spread = false) => {
    const order = new Reorder({ window, most, spread })
    const out: number[] = []
    const drain = (): void => {
      while (order.isReady) out.push(order.shift().time)
    }
    times.forEach((time, seq) => {
      Object.assign(order.blank, { time, seq })
      order.put()
      drain()
    })
    order.ended = true
    drain()
    return { out, late: order.late }
  }

  it('is restored within the window, and what comes later than that is counted', () => {
    expect(reordered([5, 3, 4, 1, 9], 10, 100)).toEqual({ out: [1, 3, 4, 5, 9], late: 0 })
    expect(reordered([0, 20, 30, 5, 40], 10, 100)).toEqual({ out: [0, 5, 20, 30, 40], late: 0 })
    expect(reordered([0, 20, 40, 5, 60], 10, 100)).toEqual({ out: [0, 20, 5, 40, 60], late: 1 })
    expect(reordered([3, 2, 1, 0], 1000, 2)).toEqual({ out: [1, 0, 2, 3], late: 1 })
    const many = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000)
    expect(reordered(many, 1e9, 1e9)).toEqual({ out: many.toSorted((a, b) => a - b), late: 0 })
  })

  it('sets the lines of a whole second apart, where it is asked to', () => {
    const times = [1000, 1000, 1000, 1000, 2000, 3000, 3000]
    expect(reordered(times, 1500, 100, true).out).toEqual([1000, 1250, 1500, 1750, 2000, 3000, 3500])
  })
})

it('interns bytes: one thing for equal ones, also when it begins again', () => {
  let made = 0
  const table = new Interned<number>(() => ++made, 100)
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  table.put('kept', -1)
  const of = (text: string): number => table.of(bytes(` ${text} `), 1, text.length + 1)
  for (let i = 0; i < 100; i++) expect([of(`t${i}`), of(`t${i}`), table.ofText(`t${i}`)]).toEqual([i + 1, i + 1, i + 1])
  expect([of('kept'), of('t5'), table.size]).toEqual([-1, 6, 101])
  expect([of('one more'), of('kept'), of('t5'), table.size]).toEqual([101, -1, 102, 3])
})
