// What was fitted, as one page that needs nothing else. Floor 5.

import { throttleWords } from '../check/words.ts'
import { curveChart } from '../replay/chart.ts'
import { document, table, text, tile } from '../replay/markup.ts'
import { count, counted, percent } from '../replay/words.ts'
import { type FitReport, nowWords } from './text.ts'

/** Groups that are drawn at most; --json has all. */
const MOST = 100

export function fitPage(report: FitReport): string {
  const { fits, by, share, catalog } = report
  const head =
    `<header><h1>Limits that fit</h1><p class="lead">By ${by}, under ${text(catalog)}, from ${counted(report.lines, 'line')}: ` +
    `at most <b>${percent(share * 1e6, 1e6)}</b> of a group's requests refused.</p></header>`
  const summary = table({
    name: 'fits',
    columns: ['Group', 'Requests', 'Keys', 'Throttle', 'Quota', 'Refused', 'Now'],
    numbers: [1, 2, 5],
    rows: fits.slice(0, MOST).map(fit => ({
      id: fit.group,
      cells: [
        `<b>${text(fit.name ?? fit.group)}</b>`,
        count(fit.requests),
        count(fit.keys),
        text(throttleWords(fit.throttle)),
        `${count(fit.quota.limit)} a ${fit.quota.period}`,
        percent(fit.refused.throttled + fit.refused.quotaExceeded, fit.requests),
        fit.now === null ? '' : text(nowWords(fit.now)),
      ],
    })),
  })
  const curves = fits
    .slice(0, MOST)
    .filter(({ curve }) => curve.length > 1)
    .map(fit => {
      const { throttle, curve, group, name } = fit
      const tiles = [
        tile({
          measure: 'rateLimit',
          label: 'rateLimit',
          value: String(throttle.rateLimit),
          count: throttle.rateLimit,
          note: 'a second',
        }),
        tile({
          measure: 'burstLimit',
          label: 'burstLimit',
          value: count(throttle.burstLimit),
          count: throttle.burstLimit,
          note: 'tokens',
        }),
        tile({
          measure: 'quota',
          label: 'quota',
          value: count(fit.quota.limit),
          count: fit.quota.limit,
          note: `a ${fit.quota.period}`,
        }),
      ]
      return [
        `<section data-group="${text(group)}"><h2>${text(name ?? group)}</h2>`,
        `<div class="tiles">${tiles.join('')}</div><h3>The smallest burst for each rate</h3>`,
        curveChart({
          points: curve.map(({ rateLimit, burstLimit }) => ({ x: rateLimit, y: burstLimit })),
          chosen: { x: throttle.rateLimit, y: throttle.burstLimit },
          xName: 'rate a second',
          yName: 'burst',
          label: 'The smallest burst for each rate, both logarithmic',
        }),
        '</section>',
      ].join('\n')
    })
  return document('Limits that fit', [head, `<section><h2>Groups</h2>${summary}</section>`, ...curves].join('\n'))
}
