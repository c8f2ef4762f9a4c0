// Seeds at which the simulation goes red where a defect that it once found is put back. They run always. What a seed is
// changes with the simulation: who changes it puts the defects back, and finds their seeds again.

export const KEPT: readonly number[] = [
  // catalog-log: a look that was never answered kept all later ones waiting.
  20,
  // cas: a charge was given back twice, where the answer to the first time was lost.
  6416,
  // redis: the text of a script was lost, and everybody waited for it.
  1117,
  // guarded: a late charge stayed, although this process's share had refused the request.
  7,
  // decide: of several given back, one after the bucket was nearly full again, each was given as if it were the only one.
  45246,
]
