// What the program promises, asked from outside over HTTP: the same questions to every runtime, on its own clock.

import assert from 'node:assert/strict'

const key = id => ({ 'x-api-key': `${id}-key-0000000000000000001` })
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

/** Asks a server that was just started. @yields the names of the checks that held; throws at the first that does not */
export async function* checks(origin) {
  const hello = async (headers = {}) => {
    const response = await fetch(`${origin}/hello`, { headers })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const both = async id => [await hello(key(id)), await hello(key(id))]

  assert.equal((await fetch(`${origin}/health`)).status, 200)
  yield 'an open route is served without a key'

  const missing = await hello()
  assert.deepEqual([missing.status, missing.body], [403, { message: 'Forbidden' }])
  assert.equal(missing.headers.get('x-amzn-errortype'), 'ForbiddenException')
  yield 'a missing key is Forbidden'

  assert.deepEqual((await hello({ 'x-api-key': 'nobody-key-000000000000000000' })).body, { message: 'Forbidden' })
  yield 'an unknown key is Forbidden'

  const burst = await both('alice')
  const third = await hello(key('alice'))
  assert.deepEqual(
    [...burst, third].map(r => r.status),
    [200, 200, 429],
  )
  yield 'a burst of two, then 429'

  assert.deepEqual(third.body, { message: 'Too Many Requests' })
  yield 'the throttle says Too Many Requests'

  assert.match(burst[0].headers.get('ratelimit'), /^"free";r=4;t=\d+, "free-rate";r=1;t=1$/)
  assert.equal(burst[0].headers.get('ratelimit-policy'), '"free";q=5;w=86400, "free-rate";q=2;w=2')
  yield 'an admitted response carries the RateLimit fields'

  assert.equal(third.headers.get('retry-after'), '1')
  yield 'Retry-After at one a second is a second'

  await pause(1050)
  assert.deepEqual(
    (await both('alice')).map(r => r.status),
    [200, 429],
  )
  yield 'a second later there is exactly one token more'

  let admitted = 3
  while (admitted < 5) {
    if ((await hello(key('alice'))).status === 200) admitted++
    else await pause(100)
  }
  let ended = await hello(key('alice'))
  for (; ended.body.message !== 'Limit Exceeded'; ended = await hello(key('alice'))) await pause(100)
  assert.equal(ended.status, 429)
  yield 'five are admitted, and what was throttled was not counted'

  assert.deepEqual(ended.body, { message: 'Limit Exceeded' })
  yield 'the quota says Limit Exceeded'

  const toMidnight = (Math.ceil(Date.now() / 86_400_000) * 86_400_000 - Date.now()) / 1000
  assert.ok(Math.abs(Number(ended.headers.get('retry-after')) - toMidnight) <= 3)
  yield 'its Retry-After is midnight, UTC'

  const parallel = await Promise.all(Array.from({ length: 30 }, () => hello(key('carol'))))
  const served = parallel.filter(r => r.status === 200).length
  assert.ok(served >= 20 && served <= 22, `${served} of 30 served`)
  yield 'a burst of twenty out of thirty at once, under a MONTH quota'
}
