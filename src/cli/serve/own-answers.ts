// What the gateway says of itself, where no limit and no upstream has spoken: plainly, or in the words of the request's stage.
// Floor 5. What that stage's gateway responses may say is http/responses.ts's.

import type { Decision } from '../../core/decision.ts'
import type { Refusing } from '../../http/answer.ts'
import { customised } from '../../http/responses.ts'
import type { Asked } from '../../http/variables.ts'

/** AWS's types of gateway response for what fails around the judging of a request. */
export type Failure = 'REQUEST_TOO_LARGE' | 'INTEGRATION_FAILURE' | 'INTEGRATION_TIMEOUT'

const SAID: Readonly<Record<Failure, readonly [status: number, message: string]>> = {
  REQUEST_TOO_LARGE: [413, 'Request Too Long'],
  // 504 on AWS, which has only timeouts to tell of; RFC 9110, 15.6.3 has this for what makes no sense.
  INTEGRATION_FAILURE: [502, 'Bad Gateway'],
  INTEGRATION_TIMEOUT: [504, 'Endpoint request timed out'],
}

/**
 * @param asked the request, where its stage is known
 * @param decision where it was judged
 */
export function answerOf(failure: Failure, asked: Asked | undefined, decision: Decision | undefined): Refusing {
  const [status, message] = SAID[failure]
  const plain = plainly(status, message)
  if (asked === undefined) return plain
  const apiKeyId = decision !== undefined && 'metered' in decision ? decision.keyId : undefined
  return customised(plain, asked, {
    error: { message, messageString: JSON.stringify(message), responseType: failure },
    identity: { apiKeyId },
  })
}

export function plainly(status: number, message: string): Refusing {
  return { status, headers: [['Content-Type', 'application/json']], body: JSON.stringify({ message }) }
}
