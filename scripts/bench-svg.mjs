// node scripts/bench-svg.mjs < bench/observed.ndjson > docs/images/bench.svg: a run of the benchmarks as a picture for the
// README, dark where the reader's screen is. What `npm run bench -- --json` printed comes in.

import { readFileSync } from 'node:fs'

const rows = readFileSync(0, 'utf8')
  .split('\n')
  .filter(line => line.startsWith('{'))
  .map(line => JSON.parse(line))

const PANELS = ['1 key', '10 000 keys, uniform', '1 000 000 keys, uniform']
const [LEFT, PANEL, GAP, ROW, TOP] = [236, 168, 36, 26, 76]

const machine = rows.find(({ bench }) => bench === 'machine')
const panels = PANELS.map(keys => ({
  title: keys.replace(', uniform', ''),
  // Peers read a clock, too.
  rows: rows.filter(
    ({ bench, group, name }) =>
      bench === 'admit' && group === `${keys}, fresh strings` && name !== 'admit, the instant given',
  ),
}))
if (machine === undefined || panels.some(({ rows }) => rows.length === 0)) {
  console.error('bench-svg: expected the lines of npm run bench -- --json on stdin, with machine and admit among them')
  process.exit(2)
}

// In the order of the middle panel, the fastest first; the limit is a line, not a bar.
const isLimit = ({ name }) => name.startsWith('limit:')
const names = panels[1].rows
  .filter(row => !isLimit(row))
  .sort((a, b) => a.ratio - b.ratio)
  .map(({ name }) => name)
const longest = Math.max(...panels.flatMap(({ rows }) => rows.map(({ ratio }) => ratio)))
const px = ratio => (ratio / longest) * (PANEL - 34)
const escaped = text => text.replace(/[&<>]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])
const isOurs = name => name.startsWith('admit')
const label = name => (isOurs(name) ? 'tollgate, four limits' : name)
const text = (x, y, content, more = '') => `<text x="${x.toFixed(1)}" y="${y}"${more}>${escaped(content)}</text>`

const height = TOP + names.length * ROW + 52
const width = LEFT + panels.length * (PANEL + GAP)
const out = [
  text(
    16,
    24,
    'How long a decision takes, in times of one Map.get and one addition (the line). Shorter is better.',
    ' class="strong"',
  ),
]
names.forEach((name, i) => {
  out.push(
    text(LEFT - 12, TOP + i * ROW + 16, label(name), ` text-anchor="end"${isOurs(name) ? ' class="strong"' : ''}`),
  )
})
panels.forEach(({ title, rows }, p) => {
  const x = LEFT + p * (PANEL + GAP)
  const limit = rows.find(isLimit)
  out.push(
    text(x, TOP - 26, title, ' class="strong"'),
    text(x, TOP - 10, `1 is ${Math.round(limit.ns)} ns`, ' class="dim"'),
  )
  names.forEach((name, i) => {
    const row = rows.find(row => row.name === name)
    if (row === undefined) return
    const y = TOP + i * ROW
    const length = px(row.ratio)
    out.push(
      `<rect x="${x}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW - 8}" rx="2" class="${isOurs(name) ? 'ours' : 'peer'}"/>`,
      text(x + length + 5, y + 16, row.ratio.toFixed(1)),
    )
  })
  const at = (x + px(1)).toFixed(1)
  out.push(`<line x1="${at}" x2="${at}" y1="${TOP}" y2="${TOP + names.length * ROW}"/>`)
})
out.push(
  text(
    16,
    height - 30,
    'Peers count one for a key: one limit. tollgate finds the method, the key and the plan, and holds four limits or none.',
    ' class="dim"',
  ),
  text(
    16,
    height - 12,
    `Fresh strings, medians of interleaved rounds. Node ${machine.node.slice(1)}, ${machine.name}, ${machine.date}, commit ${machine.commit}`,
    ' class="dim"',
  ),
)

console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="13">
<style>
text { fill: #1f2328 } .strong { font-weight: 600 } .dim { fill: #656d76; font-size: 12px }
.paper { fill: #ffffff } .ours { fill: #1a7f37 } .peer { fill: #afb8c1 } line { stroke: #cf222e; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .dim { fill: #8d96a0 } .paper { fill: #0d1117 } .ours { fill: #3fb950 } .peer { fill: #484f58 } line { stroke: #f85149 }
}
</style>
<rect width="${width}" height="${height}" rx="8" class="paper"/>
${out.join('\n')}
</svg>`)
