// node scripts/terminal-svg.mjs < pane.ansi > picture.svg: what `tmux capture-pane -e -p` saw, as a picture for the docs.

import { readFileSync } from 'node:fs'

const COLOURS = { 31: '#e06c75', 32: '#98c379', 33: '#e5c07b', 36: '#56b6c2' }
const [WIDTH, HEIGHT] = [8.4, 18]
const text = readFileSync(0, 'utf8').replace(/\n+$/, '')
const rows = text.split('\n')
const columns = Math.max(...rows.map(row => [...row.replace(/\x1b\[[\d;]*m/g, '')].length))
const escaped = piece => piece.replace(/[&<>]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])

const spans = rows.map((row, y) => {
  let style = {}
  let x = 0
  const out = []
  for (const [, codes, piece] of row.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
    if (piece === undefined) {
      for (const code of codes.split(';').map(Number)) {
        if (code === 0) style = {}
        else if (code === 1) style = { ...style, bold: true }
        else if (code === 2) style = { ...style, dim: true }
        else if (code === 22) style = { ...style, bold: false, dim: false }
        else if (code === 39) style = { ...style, colour: undefined }
        else if (COLOURS[code]) style = { ...style, colour: COLOURS[code] }
      }
      continue
    }
    const fill = style.colour ?? '#d7dae0'
    const more = `${style.bold ? ' font-weight="bold"' : ''}${style.dim ? ' opacity="0.55"' : ''}`
    const length = [...piece].length
    if (piece.trim() !== '') {
      out.push(
        `<text x="${(12 + x * WIDTH).toFixed(1)}" y="${28 + y * HEIGHT}" fill="${fill}"${more} textLength="${(length * WIDTH).toFixed(1)}" xml:space="preserve">${escaped(piece)}</text>`,
      )
    }
    x += length
  }
  return out.join('')
})
const [w, h] = [Math.ceil(24 + columns * WIDTH), 24 + rows.length * HEIGHT]
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<rect width="${w}" height="${h}" rx="8" fill="#1e2127"/>
${spans.filter(Boolean).join('\n')}
</svg>`)
