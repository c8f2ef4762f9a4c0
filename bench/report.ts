// What every benchmark prints: a JSON value a line. scripts/bench.mjs makes tables of them, or hands them on.

/** Whether benches only show that they verify and finish: fewer rounds, and no figure worth keeping. */
export const quick: boolean = process.argv.includes('--quick')

/** One line of a table. Rows of one bench and group with the same figures stand below each other. */
export interface Row {
  readonly bench: string
  readonly group: string
  readonly name: string
  /** Figures by name, with their unit. */
  readonly [figure: string]: string | number
}

export function report(row: Row): void {
  const rounded = Object.entries(row).map(([name, value]) => [name, typeof value === 'number' ? round(value) : value])
  process.stdout.write(`${JSON.stringify(Object.fromEntries(rounded))}\n`)
}

/** Three digits, and whole numbers whole. */
function round(n: number): number {
  return Math.abs(n) >= 1000 ? Math.round(n) : Number(n.toPrecision(3))
}
