// The real command in a process of its own, bundled from the sources as the package is. All it says is kept, and searched.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../../scripts/bundle.mjs'
import { expectNoKeyIn } from './canary.ts'
import { behind } from './gateway-before.ts'

let bundled: Promise<string> | null = null

/** The command as one file. Remove its folder by `unbundled` at the end. */
export function command(): Promise<string> {
  const entry = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
  bundled ??= bundle(entry, join(mkdtempSync(join(tmpdir(), 'tollgate-command-')), 'cli.mjs'))
  return bundled
}

export async function unbundled(): Promise<void> {
  if (bundled !== null) rmSync(join(await bundled, '..'), { recursive: true })
}

/** An empty folder that goes away behind the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tollgate-serve-'))
  behind(() => rmSync(path, { recursive: true }))
  return path
}

export interface Serving {
  readonly process: ChildProcess
  readonly port: number
  /** Of the admin side: where AWS's clients are pointed. */
  readonly adminUrl: string
  /** Resolves when stdout and stderr together match. */
  said(pattern: RegExp): Promise<string>
  /** `/metrics`, `/healthz`, `/readyz`; status and text. */
  admin(path: string): Promise<{ readonly status: number; readonly text: string }>
  /** The objects of the access log. */
  log(name?: string): Record<string, unknown>[]
  readonly logFile: string
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly text: string }>
}

/** Starts `tollgate serve` with an access log and an admin side; `values` are of keys, and must occur nowhere. */
export async function serving(args: readonly string[], values: readonly string[], cli?: string): Promise<Serving> {
  const logFile = join(folder(), 'access.ndjson')
  const adminPort = await freePort()
  const ours = ['--port', '0', '--admin', `127.0.0.1:${adminPort}`, '--access-log', logFile]
  const store = args.includes('--store') ? [] : ['--store', 'memory']
  const audit = args.includes('--audit') ? [] : ['--audit', join(logFile, '..', 'audit.ndjson')]
  const child = spawn(process.execPath, [cli ?? (await command()), 'serve', ...args, ...ours, ...store, ...audit], {
    stdio: 'pipe',
  })
  let text = ''
  const looks = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', part => {
      text += part
      for (const look of looks) look()
    })
  }
  const closed = once(child, 'close')
  behind(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const said = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(text)) resolve(text)
        else if (child.exitCode !== null) reject(new Error(`it ended, having said:\n${text}`))
        else return
        looks.delete(look)
      }
      looks.add(look)
      child.once('close', look)
      look()
    })
  const greeting = await said(/tollgate https?:\/\/[\d.]+:\d+ /)
  return {
    process: child,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    port: Number(/tollgate https?:\/\/[\d.]+:(\d+) /.exec(greeting)?.[1]),
    said,
    async admin(path) {
      const response = await fetch(`http://127.0.0.1:${adminPort}${path}`)
      const body = await response.text()
      expectNoKeyIn({ [path]: body }, values)
      return { status: response.status, text: body }
    },
    log: (name = logFile) =>
      readFileSync(name, 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line)),
    logFile,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = (await closed) as [number | null]
      expectNoKeyIn({ 'what it said': text, 'the access log': readFileSync(logFile, 'utf8') }, values)
      return { code, text }
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
