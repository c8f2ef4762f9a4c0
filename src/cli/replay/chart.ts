// Charts as SVG: stacked bars over time, small ones in a table, and curves. Floor 5. Labels are HTML beside them, so that
// a chart stretches and its letters do not.

import type { TimelineReport } from '../../replay/timeline.ts'
import { count, instant } from './words.ts'

export interface Series {
  readonly column: number
  readonly name: string
  /** The class that colours it: `fill-…`. */
  readonly colour: string
}

export function legend(series: readonly Series[]): string {
  const entries = series.map(({ name, colour }) => `<span><i class="fill-${colour}"></i>${name}</span>`)
  return `<div class="legend">${entries.join('')}</div>`
}

export interface BarChart {
  readonly timeline: TimelineReport
  readonly series: readonly Series[]
  /** px */
  readonly height: number
  readonly label: string
}

const WIDTH = 960

export function barChart({ timeline, series, height, label }: BarChart): string {
  const { steps, start, width } = timeline
  const most = nice(Math.max(1, ...steps.map(step => total(step, series))))
  const step = WIDTH / steps.length
  const lines = [0.5, 1].map(share => `<path class="grid" d="M0 ${(height * (1 - share)).toFixed(1)}H${WIDTH}"/>`)
  const hover = steps.flatMap((counts, i) => {
    const said = series
      .filter(({ column }) => counts[column]! > 0)
      .map(({ column, name }) => `${count(counts[column]!)} ${name}`)
    if (said.length === 0) return []
    return `<rect x="${(i * step).toFixed(2)}" y="0" width="${step.toFixed(2)}" height="${height}" class="hover"><title>${instant(start + i * width)}: ${said.join(', ')}</title></rect>`
  })
  const end = start + steps.length * width
  const times = [0, 0.25, 0.5, 0.75, 1].map(share => stamp(start + share * (end - start), end - start))
  return [
    '<figure class="chart">',
    `<div class="y"><span>${count(most)}</span><span>${count(most / 2)}</span><span>0</span></div>`,
    `<svg viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" style="height:${height}px" role="img" aria-label="${label}">`,
    ...lines,
    bars(timeline, series, most, height),
    ...hover,
    '</svg>',
    `<div class="x">${times.map(time => `<span>${time}</span>`).join('')}</div>`,
    '</figure>',
  ].join('\n')
}

/** A chart of a table's cell. */
export function spark(timeline: TimelineReport, series: readonly Series[]): string {
  const most = Math.max(1, ...timeline.steps.map(step => total(step, series)))
  return `<svg class="spark" viewBox="0 0 ${WIDTH} 40" preserveAspectRatio="none" aria-hidden="true"><path class="grid" d="M0 40H${WIDTH}"/>${bars(timeline, series, most, 40)}</svg>`
}

/** One path a series. A bar is never thinner than can be seen, nor lower where it is anything. */
function bars({ steps }: TimelineReport, series: readonly Series[], most: number, height: number): string {
  const step = WIDTH / steps.length
  const wide = Math.max(step - Math.min(1.5, step * 0.2), 1.5)
  const paths = series.map(() => '')
  steps.forEach((counts, i) => {
    let y = height
    series.forEach(({ column }, s) => {
      const n = counts[column]!
      if (n === 0) return
      const tall = Math.max((n / most) * height, 1.2)
      paths[s] +=
        `M${(i * step).toFixed(1)} ${y.toFixed(1)}v${(-tall).toFixed(1)}h${wide.toFixed(1)}v${tall.toFixed(1)}z`
      y -= tall
    })
  })
  return series.map(({ colour }, s) => `<path class="fill-${colour}" d="${paths[s]}"/>`).join('')
}

function total(counts: readonly number[], series: readonly Series[]): number {
  return series.reduce((sum, { column }) => sum + counts[column]!, 0)
}

/** The next of 1, 2, 5 times a power of ten, and even, so that its half is whole. */
function nice(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most))
  const found = [1, 2, 3, 4, 5, 6, 8, 10].map(n => n * power).find(n => n >= most) as number
  return Math.max(2, found)
}

/** A time at an axis: as much of it as its span needs. */
function stamp(at: number, span: number): string {
  const iso = new Date(at).toISOString()
  if (span > 4 * 86_400_000) return iso.slice(5, 10)
  return span > 7_200_000 ? iso.slice(5, 16).replace('T', ' ') : iso.slice(11, 19)
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface CurveChart {
  /** In the order of x. */
  readonly points: readonly Point[]
  readonly chosen: Point
  readonly xName: string
  readonly yName: string
  readonly label: string
}

/** A falling curve, both axes logarithmic, with the point that was chosen. */
export function curveChart({ points, chosen, xName, yName, label }: CurveChart): string {
  const height = 220
  const log = (n: number): number => Math.log10(Math.max(n, 1e-9))
  const bound = (of: (point: Point) => number): [number, number] => {
    const all = points.map(point => log(of(point)))
    const [low, high] = [Math.min(...all), Math.max(...all)]
    return [low, high === low ? low + 1 : high]
  }
  const [x0, x1] = bound(({ x }) => x)
  const [y0, y1] = bound(({ y }) => y)
  const at = ({ x, y }: Point): [number, number] => [
    ((log(x) - x0) / (x1 - x0)) * (WIDTH - 24) + 12,
    height - 12 - ((log(y) - y0) / (y1 - y0)) * (height - 24),
  ]
  const short = (n: number): string => (n >= 1000 ? count(Math.round(n)) : String(Number(n.toPrecision(3))))
  const d = points
    .map(
      (point, i) =>
        `${i === 0 ? 'M' : 'L'}${at(point)
          .map(n => n.toFixed(1))
          .join(' ')}`,
    )
    .join('')
  const dots = points.map(point => {
    const [x, y] = at(point)
    return `<circle class="dot" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4"><title>${xName} ${short(point.x)}, ${yName} ${short(point.y)}</title></circle>`
  })
  const [cx, cy] = at(chosen)
  const [low, high] = [10 ** x0, 10 ** x1]
  return [
    '<figure class="chart curve">',
    `<div class="y"><span>${yName} ${short(10 ** y1)}</span><span>${short(10 ** y0)}</span></div>`,
    `<svg viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" style="height:${height}px" role="img" aria-label="${label}">`,
    `<path class="guide" d="M${cx.toFixed(1)} ${height}V${cy.toFixed(1)}M0 ${cy.toFixed(1)}H${cx.toFixed(1)}"/>`,
    `<path class="line" d="${d}"/>`,
    ...dots,
    `<ellipse class="chosen" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" rx="7" ry="7"/>`,
    '</svg>',
    `<div class="x"><span>${short(low)}</span><span>${xName}</span><span>${short(high)}</span></div>`,
    '</figure>',
  ].join('\n')
}
