// `tollgate serve`: a gateway before an upstream. Floor 5: options, and the pieces of serve/ put together.

import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { followChange } from '../control/change.ts'
import { prepare } from '../control/key-order.ts'
import { type Catalog, emptyCatalog } from '../core/catalog.ts'
import { isGenerated, isKeyPrefix } from '../core/key-value.ts'
import { createGate, type Gate } from '../gate.ts'
import { type SharedCatalog, sharedCatalog, wholeOf } from '../stores/catalog-log.ts'
import { countWords } from './check/words.ts'
import { demoUpstream } from './demo-upstream.ts'
import { shown } from './keys/arguments.ts'
import { loadSources, reading, writeError, writing } from './load.ts'
import { address, duration, optionsOf, placeUrl, size, wholeNumber } from './options.ts'
import { requestLine } from './request-line.ts'
import { type AccessLog, type Answered, accessLog } from './serve/access-log.ts'
import { adminServer } from './serve/admin.ts'
import { type AuditTrail, auditTrail } from './serve/audit.ts'
import { type ControlPlane, controlPlane } from './serve/control.ts'
import { type Counters, openCounters } from './serve/counters.ts'
import { counts } from './serve/counts.ts'
import { type Credentials, credentialsOf, exportLines, madeCredentials } from './serve/credentials.ts'
import { createGateway } from './serve/gateway.ts'
import { living } from './serve/living.ts'
import { recent } from './serve/recent.ts'
import { frame, startView } from './serve/view.ts'
import { paintFor, UsageError } from './terminal.ts'
import { type TryLine, tryLines } from './try-lines.ts'

export const SERVE_HELP = `tollgate serve: a gateway that enforces a catalog before an upstream

  tollgate serve --catalog FILE --upstream URL [options]

What is enforced, and before what
  --catalog FILE      the catalog: APIs, stages, usage plans, keys (JSON; schema.json describes it).
                      It is published to every process on the same store; one without it follows the others.
                      A file that was published before is not published again: edits made since are kept
  --keys FILE.csv     keys to add, in AWS's API key file format (Name,Key,Description,Enabled,UsagePlanIds)
  --ignore-warnings   take the valid rows of a key file that has bad ones; else such a file is refused
  --key-prefix P      keys that begin with P_ are of tollgate keys generate --prefix P: one whose checksum is
                      wrong, a typo or a guess, is refused without being looked up
  --upstream URL      where admitted requests go: http://127.0.0.1:3000, or the word demo for a small
                      pet shop that comes with tollgate
  --dry-run           decide and report, refuse nobody

Where it counts
  --store sqlite:FILE   in a file, which several processes may share (default: tollgate.db beside the catalog,
                        or memory where there is no SQLite: it is in Node 22.13 and later, Deno and Bun,
                        and in npm's libsql)
  --store redis://HOST  in Redis or Valkey, shared by all processes on it
  --store memory        in this process: counters end with it
  --on-store-error P    when the store does not answer: refuse (503, the default) or allow (unmeasured)

Where it listens
  --port N            default 8080; 0 takes a free one
  --host HOST         default 127.0.0.1
  --tls-cert FILE     with --tls-key: HTTPS, with HTTP/2 for clients that speak it
  --tls-key FILE

Who manages it
  --admin HOST:PORT   /healthz, /readyz and /metrics (Prometheus), and the control plane, which the AWS CLI and
                      SDKs drive (--endpoint-url http://HOST:PORT) and tollgate admin; without it there are none
  --admin-credentials FILE  who may use the control plane: access keys for AWS's clients and tokens, each admin
                      or read; without it some are made at the start, and printed once
  --admin-remote      let --admin listen where other machines reach it: with --admin-credentials only
  --audit FILE        a JSON line per change: who, when, what, before and after; never a key's value
                      (default: tollgate.audit.ndjson beside the catalog)

What it says
  (in a terminal)     a live view; piped, or with --log, a line per request
  --log               lines also in a terminal
  --quiet             neither
  --show-keys         with --upstream demo: the curl lines to try, which have keys' values, also where it is no terminal
  --access-log FILE   a JSON line per request, appended; never a key's value
  --aws-answers       answer refusals as bare as AWS does: no Retry-After, no RateLimit fields

What it passes on
  --keep-key          leave x-api-key on the request; else it stays here
  --trust-forwarded   go on with the client's Forwarded and X-Forwarded-*; else they are replaced
  --strip-base-path   the path below the base path of the stage's mapping, as AWS's integrations get it; else the whole
                      the upstream also gets X-Tollgate-Key-Id, -Plan-Id and -Stage, which clients cannot send

Limits (times as 500ms, 30s, 5m; sizes as 16KB, 10MB)
  --upstream-timeout T      until its answer begins, and between parts of it; then 504 (default 30s)
  --upstream-connections N  default 128
  --max-body SIZE           of a request, then 413 (default 10MB)
  --max-headers SIZE        of a request, then 431 (default 16KB)
  --headers-timeout T       for a request's headers, then 408 (default 30s)
  --request-timeout T       for a whole request (default 5m)
  --idle-timeout T          for a connection on which nothing moves (default 2m)
  --drain T                 for what is under way when it is told to stop (default 30s)

Signals: SIGHUP reads the catalog, the key file (so does saving them) and the credentials again, and reopens the logs;
SIGTERM and SIGINT stop taking requests, let those under way end, and exit with 0; a second one does not wait.

Examples
  tollgate serve --catalog plans.json --upstream http://127.0.0.1:3000
  tollgate serve --catalog plans.json --keys customers.csv --upstream http://127.0.0.1:3000 --dry-run
  tollgate serve --catalog plans.json --upstream http://10.0.0.7 --host 0.0.0.0 --port 443 \\
      --tls-cert cert.pem --tls-key key.pem --admin 127.0.0.1:9090 --access-log access.ndjson
  tollgate serve --catalog examples/petstore/catalog.json --keys examples/petstore/keys.csv --upstream demo
`

/** Serves until a signal ends it. */
export async function serve(args: string[]): Promise<void> {
  const options = serveOptions(args)
  /** What was opened, in that order: the last is closed first, also where the next one does not open. */
  const opened: (() => unknown)[] = []
  try {
    await serveUntilTold(options, close => opened.push(close))
  } finally {
    for (const close of opened.reverse()) await close()
  }
  process.exit(0)
}

async function serveUntilTold(options: ServeOptions, atEnd: (close: () => unknown) => void): Promise<void> {
  const paint = paintFor(process.stderr)
  const notices: string[] = []
  let inView = false
  const say = (text: string): void => {
    notices.push(text)
    if (notices.length > 20) notices.shift()
    if (!inView) process.stderr.write(`${paint('yellow', text)}\n`)
  }

  const { catalog, admin } = options
  const given = admin?.credentials === undefined ? null : credentialsOf(admin.credentials, line => say(`note: ${line}`))
  const counters = await openCounters({
    store: options.store,
    catalog,
    isEdited: admin !== undefined,
    say,
    onStoreError: options.onStoreError,
    onOutage: ({ state, error, counts }) =>
      say(
        state === 'began'
          ? `the store does not answer (${error?.message ?? 'too late'}): requests get ${options.onStoreError === 'allow' ? 'through unmeasured' : '503'}`
          : `the store answers again; without it ${counts.refused + counts.thrown} were refused, ${counts.allowed} allowed`,
      ),
  })
  atEnd(() => counters.close())
  const { keyPrefix } = options
  const gate = createGate<boolean>({
    catalog: emptyCatalog(),
    store: counters.store,
    ...(keyPrefix === undefined
      ? {}
      : { isKeyValue: value => !value.startsWith(`${keyPrefix}_`) || isGenerated(value, keyPrefix) }),
  })
  const shared =
    counters.log === null
      ? null
      : sharedCatalog({
          log: counters.log,
          gate,
          onChanged: followChange,
          onLost: putBack =>
            say(
              putBack === 0
                ? `${counters.name} has another catalog than it had, which is in force now: ${gate.version}`
                : `${counters.name} had lost what was published of the catalog; ${countWords(putBack, 'entry', 'entries')} put back`,
            ),
          onRefused: (error, version) =>
            say(`catalog ${version}: ${messageOf(error)}\nthe catalog in force stays: ${gate.version}`),
        })
  await shared?.poll()
  const read = reader(options, gate, shared, counters.name, () => managed?.audit, say)
  const first = await read()
  if (catalog === undefined && !shared?.version && admin === undefined) {
    throw new UsageError(
      `--catalog: expected a file, since ${counters.name} has no catalog yet; see tollgate serve --help`,
    )
  }
  // In force here from the first request on, for others when every listener is there: a start that fails changes nothing.
  if (first !== null) gate.replace(first.catalog)

  const seen = counts()
  const lately = recent()
  const log = options.accessLog === undefined ? null : await openLog(options.accessLog, say)
  atEnd(() => log?.close())
  const demo = options.upstream === 'demo' ? await demoUpstream() : null
  atEnd(() => demo?.server.close())
  const upstream = demo?.url ?? placeUrl('--upstream', options.upstream, 'http://127.0.0.1:3000').href
  const out = paintFor(process.stdout)
  const view = process.stdout.isTTY && !options.log && !options.quiet
  const onAnswered = (answered: Answered): void => {
    const { at, method, target, status, decision, duration } = answered
    seen.add(decision, status, duration / 1000)
    log?.write(answered)
    if (view) lately.add(answered)
    else if (!options.quiet) {
      process.stdout.write(`${requestLine({ at, method, target, status, decision }, gate.catalog, out)}\n`)
    }
  }

  const gateway = createGateway({ ...options, gate, upstream, onAnswered, onError: error => say(messageOf(error)) })
  let phase = 'starts' as 'starts' | 'serves' | 'ends'
  let begin = (): void => undefined
  /** Nobody changes the catalog before it is published. */
  const begun = new Promise<void>(resolve => {
    begin = resolve
  })
  const config = living({
    files: filesOf(options),
    async apply() {
      await begun
      const found = await read()
      if (found !== null && shared === null) gate.replace(found.catalog)
      await found?.publish()
      return found !== null
    },
    onRead: isNew =>
      say(
        isNew
          ? `catalog ${gate.version} is in force: ${counted(gate.catalog)}`
          : `the files say nothing new: catalog ${gate.version} stays in force`,
      ),
    onRefused: error =>
      say(
        `${messageOf(error)}\nthe catalog in force stays: ${gate.version}; mend the file and save it, or send SIGHUP`,
      ),
  })
  atEnd(() => config.close())
  const made = admin !== undefined && given === null ? madeCredentials() : null
  const managed =
    admin === undefined || shared === null
      ? null
      : manage(options, admin, gate, shared, counters, (given ?? made) as Credentials, say)
  atEnd(() => managed?.close())
  const side =
    managed === null
      ? null
      : adminServer({
          ready: () => phase === 'serves',
          control: (request, response) => void begun.then(() => managed.plane.handle(request, response)),
          metrics: () =>
            seen.prometheus({
              tollgate_requests_under_way: {
                help: 'Requests and upgraded connections under way.',
                value: gateway.pending,
              },
              tollgate_keys: { help: 'API keys of the catalog in force.', value: gate.catalog.apiKeys.size },
              tollgate_log_failures: {
                help: 'Whether the access log could not be written: 1.',
                value: log?.failing ? 1 : 0,
              },
            }),
        })

  // Signals are heard before anybody can know that there is somebody to signal: unheard, SIGHUP is the end.
  process.on('SIGHUP', () => {
    log?.reopen()
    managed?.reopen()
    void config.reload()
  })
  const told = new Promise<void>(resolve => {
    const stop = (): void => {
      if (phase === 'ends') process.exit(1)
      phase = 'ends'
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
  if (side !== null && admin !== undefined) {
    await listenOn(side, admin, { host: '--admin', port: '--admin' })
    atEnd(() => side.close())
  }
  const server = gateway.server as Server
  await listenOn(server, options, { host: '--host', port: '--port' })
  atEnd(() => {
    if (gateway.pending > 0) say(`stopping: ${gateway.pending} under way have ${options.drain / 1000} s to end`)
    return gateway.drain(options.drain)
  })
  if (first !== null) await first.publish()
  else if ((shared?.edits ?? 0) > MOST_EDITS) await shared?.compact()
  if (phase === 'starts') phase = 'serves'
  begin()
  if (side !== null) {
    const url = urlOf('http', side.address() as AddressInfo)
    say(`control plane at ${url}`)
    // On the screen of who started it, and nowhere else.
    if (made !== null) {
      const lines = ['its credentials, made for this process and shown this once:', ...exportLines(made, url)]
      for (const line of lines) process.stderr.write(`${line}\n`)
    }
  }
  const origin = urlOf(options.tls === null ? 'http' : 'https', server.address() as AddressInfo)
  // Keys' values on a screen, whose owner has them, or where that is asked for: logs keep them, and are read by others.
  const isTried = demo !== null && (process.stderr.isTTY || options.showKeys)
  const lines = isTried && !view ? await tryLines(gate, origin) : []
  if (!view) greet(gate.catalog, origin, upstream, counters.name, lines, options.dryRun)
  const following = setInterval(() => {
    const before = gate.version
    shared?.poll().then(
      changed =>
        changed && gate.version !== before && say(`catalog ${gate.version} is in force: ${counted(gate.catalog)}`),
      error => say(`the shared catalog: ${messageOf(error)}`),
    )
  }, POLL)
  atEnd(() => clearInterval(following))

  // The view covers them, and would show them to everybody who looks at it.
  if (view && made !== null && process.stdin.isTTY) {
    process.stderr.write('serving; press Enter for the live view, which covers these lines until it ends\n')
    await Promise.race([entered(), told])
  }
  inView = view && phase !== 'ends'
  const stopView = inView
    ? startView(process.stdout, (width, height) =>
        frame(
          {
            title: `${origin} → ${upstream}`,
            recent: lately,
            catalog: () => gate.catalog,
            version: () => gate.version,
            dryRun: options.dryRun,
            pending: () => gateway.pending,
            notices,
          },
          Date.now(),
          width,
          height,
          out,
        ),
      )
    : () => undefined
  atEnd(() => {
    stopView()
    inView = false
  })

  await told
}

/** Resolves when somebody presses Enter. */
async function entered(): Promise<void> {
  await once(process.stdin, 'data')
  process.stdin.pause()
}

/** ms between two looks at what other processes have published. */
const POLL = 250

/** Edits after which a process that starts publishes them as a whole. */
const MOST_EDITS = 1000

const filesOf = ({ catalog, keys }: ServeOptions): string[] => [catalog, keys].filter(file => file !== undefined)

/** What the files say, where that is new. */
interface Found {
  readonly catalog: Catalog
  /** Puts it in force wherever the store is shared. */
  publish(): Promise<void>
}

/** A file, piece by piece: memory that was never touched is dearer than reading and hashing. */
function readInto(hash: Hash, path: string): void {
  const piece = Buffer.allocUnsafe(1 << 20)
  const file = openSync(path, 'r')
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) hash.update(piece.subarray(0, read))
  } finally {
    closeSync(file)
  }
}

/**
 * What reads the files. They are new unless they are those that what is in force came of: that may have been edited since
 * through the control plane, here or elsewhere, and a start is no reason to take it back. The origin of what is published
 * is a hash of what the files say, by which they are known wherever they lie, and the path of the catalog's, for people.
 *
 * @returns null where they are not new, or there are none
 */
function reader(
  options: ServeOptions,
  gate: Gate<boolean>,
  shared: SharedCatalog | null,
  store: string,
  audit: () => AuditTrail | undefined,
  say: (text: string) => void,
): () => Promise<Found | null> {
  const { catalog: file, keys, ignoreWarnings } = options
  let origin: string | undefined
  return async () => {
    if (file === undefined) return null
    const hash = createHash('sha256')
    for (const file of filesOf(options)) {
      reading(file, () => readInto(hash, file))
      hash.update('\0')
    }
    const now = hash.digest('hex')
    const [before, from] = (shared === null ? origin : shared.origin)?.split(/ (.*)/s) ?? []
    if (now === before) return null
    const { catalog: current, version } = gate
    const onWarning = (line: string): void => say(`note: ${line}`)
    const catalog = await loadSources({ catalog: file, keys, ignoreWarnings, onWarning, current })
    return {
      catalog,
      async publish() {
        const path = resolve(file)
        if (shared !== null && shared.version > 0 && from !== path) {
          say(
            `${file} takes the place of catalog ${version}, which came of ${from ?? 'no file'}: all gateways on ${store} follow; to keep the two apart, --store sqlite:OTHER.db or --store memory`,
          )
        }
        if (shared !== null && shared.edits > 0) {
          const lost = lostKeys(current, catalog)
          const gone = countWords(lost, 'key that is not in it is gone', 'keys that are not in it are gone')
          say(
            `${file} takes the place of ${countWords(shared.edits, 'edit')} made since${lost === 0 ? '' : `: ${gone}`}`,
          )
        }
        origin = `${now} ${path}`
        const change = wholeOf(catalog, origin)
        const undo = audit()?.begin(`file ${path}`, catalog, { previous: current, change, operation: 'Publish' })
        try {
          await shared?.publish(change)
        } catch (error) {
          undo?.()
          throw error
        }
      },
    }
  }
}

/** How many keys would no longer be known, by their values. */
function lostKeys(from: Catalog, to: Catalog): number {
  let lost = 0
  for (const { value } of from.apiKeys) if (to.apiKeys.withValue(value) === undefined) lost++
  return lost
}

/** @throws {UsageError} where it does not open: later troubles are said, and stop nothing */
function openLog(path: string, say: (text: string) => void): Promise<AccessLog> {
  const opening = accessLog(path, error => say(`access log ${path}: ${error.message}`))
  return opening.catch((error: unknown) => {
    throw writeError('--access-log', path, error)
  })
}

/** The control plane and what it needs: an audit trail, credentials, the use that is counted. */
function manage(
  options: ServeOptions,
  admin: NonNullable<ServeOptions['admin']>,
  gate: Gate<boolean>,
  shared: SharedCatalog,
  counters: Counters,
  credentials: Credentials,
  say: (text: string) => void,
): { readonly plane: ControlPlane; readonly audit: AuditTrail; reopen(): void; close(): void } {
  const file =
    admin.audit ?? join(options.catalog === undefined ? '.' : dirname(options.catalog), 'tollgate.audit.ndjson')
  const audit: AuditTrail = writing('--audit', file, () => auditTrail(file, Date.now))
  const plane = controlPlane({
    gate,
    shared,
    usage: counters.store.usage?.bind(counters.store),
    audit,
    credentials,
    keyPrefix: options.keyPrefix,
    onError: error => say(`control plane: ${messageOf(error)}`),
  })
  prepare(gate.catalog)
  return {
    plane,
    audit,
    reopen() {
      audit.reopen()
      if (admin.credentials === undefined) return
      try {
        plane.admit(credentialsOf(admin.credentials, line => say(`note: ${line}`)))
      } catch (error) {
        say(`${messageOf(error)}\nthe credentials in force stay`)
      }
    },
    close: () => audit.close(),
  }
}

type ServeOptions = ReturnType<typeof serveOptions>

function serveOptions(args: string[]) {
  const values = optionsOf('serve', args, {
    catalog: { type: 'string' },
    store: { type: 'string' },
    'on-store-error': { type: 'string', default: 'refuse' },
    keys: { type: 'string' },
    'ignore-warnings': { type: 'boolean', default: false },
    upstream: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    port: { type: 'string', default: '8080' },
    host: { type: 'string', default: '127.0.0.1' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
    admin: { type: 'string' },
    'admin-credentials': { type: 'string' },
    'admin-remote': { type: 'boolean', default: false },
    audit: { type: 'string' },
    log: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    'show-keys': { type: 'boolean', default: false },
    'access-log': { type: 'string' },
    'aws-answers': { type: 'boolean', default: false },
    'key-prefix': { type: 'string' },
    'keep-key': { type: 'boolean', default: false },
    'trust-forwarded': { type: 'boolean', default: false },
    'strip-base-path': { type: 'boolean', default: false },
    'upstream-timeout': { type: 'string', default: '30s' },
    'upstream-connections': { type: 'string', default: '128' },
    'max-body': { type: 'string', default: '10MB' },
    'max-headers': { type: 'string', default: '16KB' },
    'headers-timeout': { type: 'string', default: '30s' },
    'request-timeout': { type: 'string', default: '5m' },
    'idle-timeout': { type: 'string', default: '2m' },
    drain: { type: 'string', default: '30s' },
  })
  const { catalog, upstream, keys } = values
  if (upstream === undefined) {
    throw new UsageError('--upstream: expected a URL or the word demo, received nothing; see tollgate serve --help')
  }
  const prefix = values['key-prefix']
  if (prefix !== undefined && !isKeyPrefix(prefix)) {
    throw new UsageError(`--key-prefix: expected a prefix that tollgate keys generate takes, received ${shown(prefix)}`)
  }
  const onStoreError = values['on-store-error']
  if (onStoreError !== 'refuse' && onStoreError !== 'allow') {
    throw new UsageError(`--on-store-error: expected refuse or allow, received ${JSON.stringify(onStoreError)}`)
  }
  if (catalog === undefined && keys !== undefined) {
    throw new UsageError('--keys: expected --catalog beside it, which has the plans its keys are for')
  }
  const time = (name: 'upstream-timeout' | 'headers-timeout' | 'request-timeout' | 'idle-timeout' | 'drain'): number =>
    duration(`--${name}`, values[name])
  return {
    catalog,
    keys,
    upstream,
    store: values.store,
    onStoreError: onStoreError as 'refuse' | 'allow',
    ignoreWarnings: values['ignore-warnings'],
    dryRun: values['dry-run'],
    port: wholeNumber('--port', values.port, 0, 65_535),
    host: values.host,
    tls: tlsOf(values['tls-cert'], values['tls-key']),
    admin: adminOf(values.admin, values['admin-credentials'], values['admin-remote'], values.audit),
    log: values.log,
    quiet: values.quiet,
    showKeys: values['show-keys'],
    accessLog: values['access-log'],
    style: values['aws-answers'] ? ('aws' as const) : ('standard' as const),
    keepKey: values['keep-key'],
    trustForwarded: values['trust-forwarded'],
    stripBasePath: values['strip-base-path'],
    upstreamTimeout: time('upstream-timeout'),
    upstreamConnections: wholeNumber('--upstream-connections', values['upstream-connections'], 1, 100_000),
    maxBody: size('--max-body', values['max-body']),
    keyPrefix: values['key-prefix'],
    maxHeaders: size('--max-headers', values['max-headers']),
    headersTimeout: time('headers-timeout'),
    requestTimeout: time('request-timeout'),
    idleTimeout: time('idle-timeout'),
    drain: time('drain'),
  }
}

/** Where the admin side listens: nobody else's machine gets there but with credentials and on purpose. */
function adminOf(at: string | undefined, credentials: string | undefined, remote: boolean, audit: string | undefined) {
  if (at === undefined) {
    const [stray] = [credentials && '--admin-credentials', remote && '--admin-remote', audit && '--audit'].filter(
      Boolean,
    )
    if (stray) throw new UsageError(`${stray}: expected --admin HOST:PORT beside it`)
    return undefined
  }
  const { host, port } = address('--admin', at)
  if (!isLoopback(host)) {
    const missing = credentials === undefined ? '--admin-credentials FILE' : remote ? null : '--admin-remote'
    if (missing !== null) {
      throw new UsageError(
        `--admin: ${host} is reached from other machines; expected 127.0.0.1, or ${missing} beside it to do that on purpose`,
      )
    }
  }
  return { host, port, credentials, audit }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

function urlOf(protocol: string, { address, port }: AddressInfo): string {
  return `${protocol}://${address.includes(':') ? `[${address}]` : address}:${port}`
}

function tlsOf(cert: string | undefined, key: string | undefined): { cert: Buffer; key: Buffer } | null {
  if (cert === undefined && key === undefined) return null
  if (cert === undefined || key === undefined) {
    throw new UsageError(
      `--tls-${cert === undefined ? 'cert' : 'key'}: expected a file, received nothing; HTTPS needs a certificate and its key`,
    )
  }
  const pair = { cert: reading(cert, () => readFileSync(cert)), key: reading(key, () => readFileSync(key)) }
  try {
    createSecureContext(pair)
  } catch (error) {
    throw new UsageError(
      `--tls-cert, --tls-key: expected the PEM of a certificate and that of its key, received others: ${messageOf(error)}`,
    )
  }
  return pair
}

interface Place {
  readonly host: string
  readonly port: number
}

/** @param options the names of those that say where */
async function listenOn(server: Server, { host, port }: Place, options: Record<keyof Place, string>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const unknown = `${options.host}: ${host} is no name that is known here; say an address of this machine`
      const remedies: Partial<Record<string, string>> = {
        EADDRINUSE: `${options.port}: ${host}:${port} is in use; choose another, or 0 for a free one`,
        EACCES: `${options.port}: ${host}:${port} is not for this user; choose one above 1023`,
        EADDRNOTAVAIL: `${options.host}: ${host} is no address of this machine; choose one that is`,
        ENOTFOUND: unknown,
        EAI_AGAIN: unknown,
      }
      const other = `${options.host}: ${host}:${port} cannot be listened on: ${error.message}`
      reject(new UsageError(remedies[error.code ?? ''] ?? other))
    })
    server.listen(port, host, resolve)
  })
}

function counted(catalog: Catalog): string {
  const stages = catalog.apis.reduce((sum, api) => sum + api.stages.length, 0)
  return [
    countWords(catalog.apis.length, 'API'),
    countWords(stages, 'stage'),
    countWords(catalog.usagePlans.length, 'plan'),
    countWords(catalog.apiKeys.size, 'key'),
  ].join(', ')
}

/** @param lines commands to try, which have keys' values */
function greet(
  catalog: Catalog,
  origin: string,
  upstream: string,
  counters: string,
  lines: readonly TryLine[],
  dryRun: boolean,
): void {
  const paint = paintFor(process.stderr)
  const mode = dryRun ? `${paint('yellow', 'dry run: refuses nobody')}  ` : ''
  const facts = `(${counted(catalog)}; counters in ${counters})`
  process.stderr.write(`${paint('bold', 'tollgate')} ${origin} → ${upstream}  ${mode}${facts}\n`)
  for (const { shows, command } of lines) process.stderr.write(`\n${paint('dim', `# ${shows}`)}\n${command}\n`)
  if (lines.length > 0) process.stderr.write('\n')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
