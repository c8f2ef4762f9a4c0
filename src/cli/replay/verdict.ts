// What a replay came to, and what its log could not tell: what the terminal, the page and --json all show. Floor 5.

import { timesIn } from '../../replay/formats.ts'
import { refusedOf } from '../../replay/tally.ts'
import type { TrialReport } from '../../replay/trial.ts'
import type { LogReport } from './log-files.ts'
import { count, counted, percent, span } from './words.ts'

export interface Verdict {
  /** What the catalogs are called: their files. */
  readonly proposed: string
  readonly against: string | null
  readonly log: LogReport
  readonly trial: TrialReport
  /** What to keep in mind, a sentence each. */
  readonly notes: readonly string[]
}

export interface Circumstances {
  readonly proposed: string
  readonly against: string | null
  readonly retries: number
  readonly spread: boolean
  /** Whether it began where a live store was. */
  readonly warm: boolean
  readonly window: number
}

export function verdictOf(log: LogReport, trial: TrialReport, circumstances: Circumstances): Verdict {
  const { proposed, against } = circumstances
  return { proposed, against, log, trial, notes: notesOf(log, trial, circumstances) }
}

function notesOf(
  log: LogReport,
  trial: TrialReport,
  { proposed, retries, spread, warm, window }: Circumstances,
): string[] {
  const notes: string[] = []
  const formats = log.files.flatMap(({ format }) => format ?? [])
  if (log.stopped) notes.push('Interrupted: this is the log up to the last time shown, no further.')
  for (const cut of log.cut) notes.push(`${cut}.`)
  if (log.notJudged > 0) {
    const lines = `${counted(log.notJudged, 'line')} ${log.notJudged === 1 ? 'is of a request' : 'are of requests'}`
    notes.push(`${lines} that the gateway refused before it judged anything, as it would again.`)
  }
  const { requests } = trial
  const keyless = trial.proposed.notCovered.reduce(
    (sum, { reason, requests }) => sum + (reason === 'missing' ? requests : 0),
    0,
  )
  if (requests > 0 && keyless === trial.proposed.uncovered && keyless > requests / 2) {
    notes.push('Most requests came without a key. Where the log names it elsewhere, say so: --map key=FIELD.')
  }
  const strangers = trial.proposed.notCovered.reduce(
    (sum, { reason, requests }) => sum + (reason === 'unknown' || reason === 'malformed' ? requests : 0),
    0,
  )
  if (strangers > requests / 2) {
    notes.push(
      `Most requests came with keys that ${proposed} does not have. A key is known by its id, its value or the SHA-256 of its value: is this the catalog that the log is of, and its key file named (--keys)?`,
    )
  }
  if (formats.some(format => timesIn(format).whole === 'seconds')) {
    notes.push(
      spread
        ? 'Times are whole seconds; the requests of a second were set apart evenly, so bursts within a second do not show.'
        : 'Times are whole seconds, so all requests of a second come at once and bursts look sharper than they were; --spread sets them apart.',
    )
  }
  if (formats.some(format => timesIn(format).of === 'end')) {
    notes.push('Times are when answers ended; requests came earlier, by as long as each took.')
  }
  if (trial.refusedThen > 0) {
    notes.push(
      `${counted(trial.refusedThen, 'request')} (${percent(trial.refusedThen, requests)}) got 429 when made: their clients may have asked again because of it, or asked less.`,
    )
  }
  if (retries === 0 && refusedOf(trial.proposed) > 0) {
    notes.push('Refused requests are taken to be gone; clients would ask some of them again (--retries models it).')
  } else if (retries > 0) {
    const { attempts, rescued } = trial.retries
    notes.push(
      `Refused requests were asked again up to ${counted(retries, 'time')}, each after the wait it was told, if at most a minute: ${counted(attempts, 'attempt')}, ${count(rescued)} of them admitted. A request counts by its last attempt.`,
    )
  }
  notes.push(
    warm
      ? "Began with the store's own records as its snapshot had them."
      : 'Began with full buckets and unused quotas; what was used of a window before the log begins is not known (--state).',
  )
  if (log.late > 0) {
    notes.push(`${counted(log.late, 'line')} came more than ${span(window)} late, judged where they stood (--window).`)
  }
  return notes
}
