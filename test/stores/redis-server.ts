// Real servers for tests: redis-server from the path, each in a directory of its own, on a free port and a socket.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'

const run = promisify(execFile)

/** With these, ioredis rejects at once what was under way when a connection breaks. By default it sends it again. */
export const NO_REPEATS = { maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false } as const

export interface RedisServer {
  readonly port: number
  readonly socket: string
  readonly dir: string
  /** A client that repeats nothing, closed with the server. */
  connect(options?: { enableOfflineQueue?: boolean }): Redis
  /** One command of redis-cli, as text. */
  cli(...args: string[]): Promise<string>
  /** Ends it, and waits until it has. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Only sends it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void
  /** Starts it again after `kill`, with what it finds in its directory. @param wait whether to until it answers */
  start(wait?: boolean, ...more: string[]): Promise<void>
  stop(): Promise<void>
}

/** @param settings words of its command line: `--appendonly yes` */
export async function redisServer(...settings: string[]): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'tollgate-redis-'))
  const socket = join(dir, 's')
  const port = await freePort()
  const clients: Redis[] = []
  let child: ChildProcess | undefined

  const cli = async (...args: string[]): Promise<string> =>
    (await run('redis-cli', ['-p', String(port), ...args])).stdout.trim()

  const server: RedisServer = {
    port,
    socket,
    dir,
    cli,
    connect(options = {}) {
      const client = new Redis({ path: socket, ...NO_REPEATS, retryStrategy: () => 20, ...options })
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    async kill(signal = 'SIGKILL') {
      const dying = child
      if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return
      const gone = new Promise(resolve => dying.once('exit', resolve))
      dying.kill(signal)
      await gone
    },
    signal: signal => void child?.kill(signal),
    async start(wait = true, ...more) {
      const own = [
        '--port',
        String(port),
        '--unixsocket',
        socket,
        '--dir',
        dir,
        '--save',
        '',
        '--enable-debug-command',
        'yes',
      ]
      child = spawn('redis-server', [...own, ...settings, ...more], { stdio: 'ignore' })
      const started = child
      const failed = new Promise<never>((_, reject) => started.once('error', reject))
      failed.catch(() => {})
      for (const end = Date.now() + 15_000; wait; await sleep(10)) {
        if (await Promise.race([answers(socket), failed])) return
        if (Date.now() > end) throw new Error('redis-server: does not answer')
      }
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await server.kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

/** Whether a server is there, and has loaded what it has. */
function answers(socket: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = dial(socket, () => probe.write('PING\r\n'))
    const say = (yes: boolean): void => {
      probe.destroy()
      resolve(yes)
    }
    probe.once('data', reply => say(String(reply).startsWith('+PONG')))
    probe.once('error', () => say(false))
    probe.once('close', () => say(false))
  })
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise(resolve => probe.close(resolve))
  return port
}

/** What the store sends through an ioredis client. */
export const sendBy =
  (client: Redis) =>
  ([name, ...args]: string[]): Promise<unknown> =>
    client.call(name as string, ...args)
