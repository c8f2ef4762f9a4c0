// The page of a replay in a real browser: its numbers read back, nothing run, nothing fetched, nothing beside the screen.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageOf } from '../../src/cli/replay/page.ts'
import type { Verdict } from '../../src/cli/replay/verdict.ts'
import { callersOf } from '../../src/replay/callers.ts'
import { Asked, Line } from '../../src/replay/line.ts'
import { Trial } from '../../src/replay/trial.ts'
import { catalogFor, worldOf } from '../replay/traffic.ts'
import { newFolder } from './command.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path =>
  existsSync(path),
)
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
const QUIET = ['--disable-background-networking', '--disable-component-update']

/** What would be run, if it were let. */
const HOSTILE = `</style></title><script>document.title='run'</script><img src=http://127.0.0.1:9/x onerror="document.title='run'">`

const LIMITS = { rate: 1, burst: 10, quota: 200 }

function verdict(): Verdict {
  const world = worldOf(LIMITS)
  const customers = world.customers.map(customer =>
    customer.id === 'cedar' ? { ...customer, name: HOSTILE } : customer,
  )
  const [proposed, against] = [catalogFor(LIMITS, customers), catalogFor({ rate: 2, burst: 20, quota: 150 }, customers)]
  const trial = new Trial({ proposed, against })
  const callers = callersOf([proposed, against])
  for (const { time, key, method, path } of world.requests) {
    const hostile = path === '/wp-login.php' ? `/${HOSTILE}` : path
    trial.judge(
      Object.assign(new Line(), {
        time,
        asked: new Asked(method, hostile, null),
        caller: callers.ofText(key ?? 'none'),
      }),
    )
  }
  const trouble = {
    file: HOSTILE,
    line: 3,
    why: 'expected a JSON object',
    count: 2,
    sample: `${HOSTILE}\x1b[31m\u202e`,
  }
  return {
    proposed: HOSTILE,
    against: 'current.json',
    log: {
      files: [],
      lines: 1829,
      bad: 2,
      notJudged: 0,
      troubles: [trouble],
      late: 0,
      cut: [],
      stopped: false,
      elapsed: 1,
    },
    trial: trial.report(),
    notes: [HOSTILE],
  }
}

// Debian's package has it where CI installs it.
describe.skipIf(CHROMIUM === undefined)('the page in a browser (skipped where no chromium is installed)', () => {
  const shown = verdict()
  const file = join(newFolder(), 'report.html')
  let browser: Browser

  beforeAll(async () => {
    writeFileSync(file, pageOf(shown))
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args: [...FLAGS, ...QUIET] })
  }, 60_000)
  afterAll(async () => browser?.close())

  it.each([
    [1280, 'light'],
    [390, 'dark'],
  ] as const)('has the numbers of the report, %i wide and %s', async (width, colorScheme) => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
    const page = await context.newPage()
    const requested: string[] = []
    page.on('request', request => requested.push(request.url()))
    await page.goto(pathToFileURL(file).href)
    const values = (await page
      .locator('[data-measure]')
      .evaluateAll(found => found.map(({ dataset }) => [dataset['measure'], Number(dataset['value'])]))) as [
      string,
      number,
    ][]
    const { proposed } = shown.trial
    const { admitted, throttled, quotaExceeded, uncovered, newlyRefused, freed } = proposed
    expect(Object.fromEntries(values)).toEqual({
      requests: shown.trial.requests,
      admitted,
      throttled,
      quotaExceeded,
      uncovered,
      newlyRefused,
      freed,
    })
    expect(throttled).toBeGreaterThan(0)
    const tables = await page
      .locator('[data-table]')
      .evaluateAll(found => found.map(({ dataset, children }) => [dataset['table'], children[1]?.children.length]))
    expect(Object.fromEntries(tables)).toEqual({
      plans: 1,
      keys: proposed.keys.length,
      uncovered: proposed.notCovered.length,
      unreadable: 1,
    })
    const cells = await page.locator('[data-row="free/cedar"] td').allTextContents()
    const cedar = proposed.keys.find(({ keyId }) => keyId === 'cedar')
    expect(cells.slice(0, 3)).toEqual([`${HOSTILE}cedar`, 'free', String(cedar?.throttled)])
    // Nothing ran, nothing was asked for, nothing sticks out.
    expect(requested).toEqual([pathToFileURL(file).href])
    expect(await page.title()).toBe(`Replay of ${HOSTILE} against current.json`)
    expect(await page.locator('script, img, iframe, link, object').count()).toBe(0)
    const beside = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect(beside).toBe(0)
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(ground).toBe(colorScheme === 'light' ? 'rgb(251, 251, 250)' : 'rgb(20, 23, 27)')
    await context.close()
  })

  it('draws a bar for what became of the requests of each step', async () => {
    const page = await browser.newPage()
    await page.goto(pathToFileURL(file).href)
    const said = await page.locator('.chart').first().locator('title').allTextContents()
    const sums: Record<string, number> = {}
    for (const [, n = '', name = ''] of said
      .join(', ')
      .matchAll(/([\d,]+) (admitted|throttled|over the quota|not covered)/g)) {
      sums[name] = (sums[name] ?? 0) + Number(n.replaceAll(',', ''))
    }
    const { admitted, throttled, quotaExceeded, uncovered } = shown.trial.proposed
    expect(sums).toEqual({ admitted, throttled, 'over the quota': quotaExceeded, 'not covered': uncovered })
    await page.close()
  })
})

it('shows text as text', () => {
  const page = pageOf(verdict())
  expect(page).not.toMatch(/<script|<img|\x1b|\u202e/)
  expect(page).toContain('&lt;/style&gt;&lt;/title&gt;&lt;script&gt;')
  expect(page).toContain('\\u001b[31m\\u202e')
})
