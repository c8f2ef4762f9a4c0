// What every property of a run begins with. One seed unless LAW_SEED says another, so that a test run says the same of
// the same code, and a change is never refused for what it did not touch; looking further is `npm run test:laws`.

import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['LAW_SEED'] ?? 20261124) })
