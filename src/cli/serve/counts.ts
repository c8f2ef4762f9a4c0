// What the gateway has seen, in numbers: for the live view, and for Prometheus. Floor 5.
// Labels are bounded by the catalog (plans, limits, outcomes); keys are counted for the view only, and only known ones.

import type { Decision } from '../../core/decision.ts'

export interface Counts {
  /** @param decision null for one that was refused before it was judged */
  add(decision: Decision | null, status: number, seconds: number): void
  /** The Prometheus text exposition format, version 0.0.4. */
  prometheus(gauges: Readonly<Record<string, { readonly help: string; readonly value: number }>>): string
  readonly admitted: number
  readonly refused: number
}

/** Upper bounds of the buckets that durations are counted in, seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function counts(): Counts {
  const requests = new Map<string, number>()
  const statuses = new Map<number, number>()
  const durations = new Array<number>(BUCKETS.length + 1).fill(0)
  let seconds = 0
  let admitted = 0
  let refused = 0

  return {
    get admitted() {
      return admitted
    },
    get refused() {
      return refused
    },
    add(decision, status, took) {
      const said = (decision ?? {}) as { planId?: string | null; limitedBy?: string; reason?: string }
      const detail = said.limitedBy ?? said.reason ?? ''
      const labels = `decision="${decision?.kind ?? 'not-judged'}",plan="${said.planId ?? ''}",detail="${detail}"`
      requests.set(labels, (requests.get(labels) ?? 0) + 1)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const bucket = BUCKETS.findIndex(most => took <= most)
      durations[bucket === -1 ? BUCKETS.length : bucket]!++
      seconds += took
      if (decision?.admitted) admitted++
      else refused++
    },
    prometheus(gauges) {
      const lines = [
        '# HELP tollgate_requests_total Requests by what was decided, the plan and the limit or reason.',
        '# TYPE tollgate_requests_total counter',
        ...[...requests].map(([labels, n]) => `tollgate_requests_total{${labels}} ${n}`),
        '# HELP tollgate_responses_total Responses by status.',
        '# TYPE tollgate_responses_total counter',
        ...[...statuses].map(([status, n]) => `tollgate_responses_total{status="${status}"} ${n}`),
        '# HELP tollgate_request_duration_seconds From judging a request to the end of its response.',
        '# TYPE tollgate_request_duration_seconds histogram',
      ]
      let sum = 0
      durations.forEach((n, i) => {
        sum += n
        lines.push(`tollgate_request_duration_seconds_bucket{le="${BUCKETS[i] ?? '+Inf'}"} ${sum}`)
      })
      lines.push(`tollgate_request_duration_seconds_sum ${seconds}`, `tollgate_request_duration_seconds_count ${sum}`)
      for (const [name, { help, value }] of Object.entries(gauges)) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`)
      }
      return `${lines.join('\n')}\n`
    },
  }
}
