// The command, bundled once from the sources and run for real.

import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../../scripts/bundle.mjs'

/** What a run said, and how it ended. */
export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  readonly cwd?: string
  /** Beside the environment that there is. */
  readonly env?: NodeJS.ProcessEnv
  /** Flags of node itself. */
  readonly node?: readonly string[]
}

/** A new folder of the system's temporary ones. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tollgate-test-'))
}

/** Runs the command with these arguments; without input its stdin is empty. */
export interface Command {
  (args: readonly string[], options?: RunOptions): Promise<Run>
  /** The bundle, for who runs it otherwise. */
  readonly file: string
}

export async function bundled(): Promise<Command> {
  const file = await bundle(join(import.meta.dirname, '../../src/cli/main.ts'), join(newFolder(), 'cli.mjs'))
  const run = (args: readonly string[], { input = '', cwd, env, node = [] }: RunOptions = {}): Promise<Run> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...node, file, ...args], {
        cwd,
        env: { ...process.env, ...env },
        timeout: 60_000,
      })
      let stdout = ''
      let stderr = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
      child.stdin.on('error', () => {})
      child.stdin.end(input)
    })
  return Object.assign(run, { file })
}
