#!/usr/bin/env node
// The command `tollgate`. Floor 5: finds the verb, and says in one line what went wrong.

import { readFileSync } from 'node:fs'
import { nearestOf } from '../core/readers.ts'
import { shown } from './keys/arguments.ts'
import { Failure, paintFor, UsageError } from './terminal.ts'

const HELP = `tollgate: API usage plans, exact, in your own process

  tollgate serve    a gateway that enforces a catalog before an upstream
  tollgate admin    keys, plans, usage and deployments of a running gateway
  tollgate keys     API keys: made, imported, looked at and exported
  tollgate init     a catalog, keys and the command to run, in an empty folder
  tollgate check    explains a catalog: who may call what, under which limits, and what is odd
  tollgate replay   what a catalog would have done to last month's log: who is refused, when, how much
  tollgate fit      the smallest limits under which a log would hardly have been refused anything
  tollgate preview  what would change for a live store's keys if a catalog went live now

  tollgate VERB --help teaches the verb; tollgate --version names the release.
`

interface Verb {
  /** A verb of many verbs has a text for each. */
  readonly help: string | ((args: readonly string[]) => string)
  readonly run: (args: string[]) => Promise<unknown>
}

/** Read when it is asked for: a proxy is most of the command, and `tollgate check` has no use for it. */
const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  serve: () => import('./serve.ts').then(({ SERVE_HELP, serve }) => ({ help: SERVE_HELP, run: serve })),
  admin: () => import('./admin.ts').then(({ adminHelp, admin }) => ({ help: adminHelp, run: admin })),
  keys: () => import('./keys.ts').then(({ KEYS_HELP, keys }) => ({ help: KEYS_HELP, run: keys })),
  init: () => import('./init.ts').then(({ INIT_HELP, init }) => ({ help: INIT_HELP, run: init })),
  check: () => import('./check.ts').then(({ CHECK_HELP, check }) => ({ help: CHECK_HELP, run: check })),
  replay: () => import('./replay.ts').then(({ REPLAY_HELP, replay }) => ({ help: REPLAY_HELP, run: replay })),
  fit: () => import('./fit.ts').then(({ FIT_HELP, fit }) => ({ help: FIT_HELP, run: fit })),
  preview: () => import('./preview.ts').then(({ PREVIEW_HELP, preview }) => ({ help: PREVIEW_HELP, run: preview })),
}

async function verbOf(name: string): Promise<Verb | undefined> {
  return Object.hasOwn(VERBS, name) ? await VERBS[name]?.() : undefined
}

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const verb = await verbOf(args[0] ?? '')
    process.stdout.write(verb === undefined ? HELP : helpOf(verb, args.slice(1)))
    return
  }
  if (name === '--version') {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    process.stdout.write(`${version}\n`)
    return
  }
  const verb = await verbOf(name)
  if (verb === undefined) {
    throw new UsageError(
      `expected a verb, received ${shown(name)}; ${nearestOf(name, Object.keys(VERBS), 'see tollgate --help')}`,
    )
  }
  if (args.includes('--help') || args.includes('-h')) process.stdout.write(helpOf(verb, args))
  else await verb.run(args)
}

function helpOf({ help }: Verb, args: readonly string[]): string {
  return typeof help === 'string' ? help : help(args)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const paint = paintFor(process.stderr)
  const isUsage = error instanceof UsageError
  const text = isUsage || error instanceof Failure ? error.message : String((error as Error)?.stack ?? error)
  process.stderr.write(`${paint('red', text)}\n`)
  process.exitCode = isUsage ? 2 : 1
})
