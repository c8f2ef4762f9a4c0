import { catalogOf, createGate } from 'tollgate'
import { gateFetch } from 'tollgate/fetch'

const gate = createGate({
  catalog: catalogOf({
    requireKey: ['GET /hello'],
    plans: [
      { id: 'free', throttle: { rateLimit: 1, burstLimit: 2 }, quota: { limit: 5, period: 'DAY' } },
      { id: 'pro', throttle: { rateLimit: 10, burstLimit: 20 }, quota: { limit: 1000, period: 'MONTH' } },
    ],
    keys: ['alice', 'bob', 'carol', 'dora'].map(id => ({
      id,
      value: `${id}-key-0000000000000000001`,
      plan: id === 'carol' ? 'pro' : 'free',
    })),
  }),
})
export default { fetch: gateFetch(gate, () => Response.json({ hello: 'world' })) }
