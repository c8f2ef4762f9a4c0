// A check, for programs: one object, whose members docs/cli.md describes and which only ever gains some. Floor 5: pure.

import type { Report } from './report.ts'

export function jsonOf({ explanation, findings, counts }: Report): object {
  const { version = null, account = null, stages = [] } = explanation ?? {}
  return {
    ok: counts.errors === 0,
    version,
    account,
    stages: stages.map(({ plans, methods, ...stage }) => ({
      ...stage,
      plans: plans.map(({ quota, ...plan }) => ({ ...plan, quota: quota === null ? null : withDates(quota) })),
      methods: methods.map(({ callers, ...method }) => ({
        ...method,
        callers: callers.map(({ plan, limits }) => ({
          plan,
          limits: limits.map(limit => (limit.name === 'quota' ? withDates(limit) : limit)),
        })),
      })),
    })),
    findings: findings.map(({ severity, code, file, path, line, column, message, remedy }) => ({
      severity,
      code,
      file,
      path,
      line,
      column,
      message,
      remedy,
    })),
    counts: { ...counts, ...explanation?.counts },
  }
}

/** Instants as RFC 3339 has them. */
function withDates<T extends { readonly start: number; readonly end: number }>(window: T): object {
  return { ...window, start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString() }
}
