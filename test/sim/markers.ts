// What the seeds together must reach: states in which stores of other people were found wrong. A run that leaves one out
// has not looked there, and fails.

export const MARKERS: readonly string[] = [
  // The network
  'request lost',
  'reply lost',
  'reply lost after a charge',
  'request came twice',
  'swapped in vain',
  'several requests in a call',
  'certainly nothing was done',
  // The server
  'NOSCRIPT',
  'NOSCRIPT after a crash',
  'OOM',
  'LOADING',
  'READONLY',
  'crash that lost nothing',
  'crash that lost an acknowledged charge',
  'failover that lost an acknowledged charge',
  'failover to a clock that is behind',
  'record expired',
  // Deadlines and outages
  'breaker opened',
  'breaker tries',
  'breaker closed',
  'not asked',
  'late answer, and it was refused',
  'late answer, and it was admitted without the store',
  'late answer, given back',
  'said instead: refuse',
  'said instead: allow',
  'said instead: local',
  'said instead: throw',
  // Processes and clocks
  'process ended with requests in flight',
  'process ended between a charge and its answer',
  'process restarted',
  'process restarted from its snapshot',
  'clock set back',
  'judged later than its clock',
  'record set back',
  'window flipped in flight',
  // Decisions
  'throttled',
  'quota-exceeded',
  'never-admitted',
  'refused by what clients share',
  'given back, since a shared limit refused',
  'given back by a client',
  'gave back what was lost',
  'unknown key',
  'disabled key',
  // The shared catalog
  'catalog changed in flight',
  'plans edited',
  'publication lost, or its answer',
]
