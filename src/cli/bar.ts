// A share as a bar: what is left of a limit. Floor 5: pure.

export interface Bar {
  readonly full: string
  readonly empty: string
  readonly colour: 'green' | 'yellow' | 'red'
}

/** A bar of `size` characters. @param share 0 … 1 of it is left; what is beyond is cut */
export function barOf(share: number, size: number): Bar {
  const full = Math.round(Math.min(1, Math.max(0, share)) * size)
  return {
    full: '█'.repeat(full),
    empty: '░'.repeat(size - full),
    colour: share > 0.5 ? 'green' : share > 0.15 ? 'yellow' : 'red',
  }
}
