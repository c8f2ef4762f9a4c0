// `tollgate serve` in a terminal, by the program that makes one of a pipe (Debian has it in every system).

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { command, folder, unbundled } from './command.ts'
import { behind, closeAll } from './gateway-before.ts'

afterEach(closeAll)
afterAll(unbundled)

const SCRIPT = '/usr/bin/script'
/** What shows another screen, and what goes back from it. */
const [VIEW, BACK] = ['\x1b[?1049h', '\x1b[?1049l']

/** What a terminal gets; `type` types. The shell gives its place to the command (dash would stay, and die of Ctrl-C). */
async function inTerminal(args: string) {
  const child = spawn(SCRIPT, ['-qefc', `exec ${process.execPath} ${await command()} serve ${args}`, '/dev/null'])
  const closed = once(child, 'close')
  behind(async () => {
    child.kill('SIGKILL')
    await closed
  })
  let screen = ''
  let look = (): void => {}
  child.stdout.setEncoding('utf8').on('data', part => {
    screen += part
    look()
  })
  const shows = (text: string): Promise<string> =>
    new Promise(resolve => {
      look = () => screen.includes(text) && resolve(screen)
      look()
    })
  return { shows, type: (text: string) => child.stdin.write(text), closed }
}

describe.skipIf(!existsSync(SCRIPT))('in a terminal', () => {
  it('the credentials it made stay until Enter is pressed, and are not in the view', { timeout: 30_000 }, async () => {
    const catalog = join(folder(), 'catalog.json')
    writeFileSync(catalog, '{"plans":[{"id":"free"}]}')
    const { shows, type, closed } = await inTerminal(
      `--catalog ${catalog} --upstream demo --port 0 --store memory --admin 127.0.0.1:0`,
    )
    const before = await shows('press Enter for the live view')
    for (const name of ['AWS_SECRET_ACCESS_KEY', 'AWS_REGION', 'TOLLGATE_ADMIN_TOKEN']) expect(before).toContain(name)
    expect(before).not.toContain(VIEW)
    type('\n')
    const view = (await shows(VIEW)).split(VIEW)[1] ?? ''
    type('\x03')
    const [code] = await closed
    const [shown = ''] = (await shows(BACK)).split(VIEW)[1]?.split(BACK) ?? []
    expect(view + shown).not.toMatch(/AWS_SECRET|TOKEN/)
    expect(code).toBe(0)
  })

  it('it ends by Ctrl-C also before Enter is pressed', { timeout: 30_000 }, async () => {
    const catalog = join(folder(), 'catalog.json')
    writeFileSync(catalog, '{"plans":[{"id":"free"}]}')
    const { shows, type, closed } = await inTerminal(
      `--catalog ${catalog} --upstream demo --port 0 --store memory --admin 127.0.0.1:0`,
    )
    await shows('press Enter for the live view')
    type('\x03')
    expect((await closed)[0]).toBe(0)
    expect(await shows('AWS_REGION')).not.toContain(VIEW)
  })
})
