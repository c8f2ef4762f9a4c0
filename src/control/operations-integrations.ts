// Integrations and responses: put, get, delete. Floor 4: pure. They are kept and not served (integration.ts).

import { putApi } from '../core/edits.ts'
import { notFound } from './fault.ts'
import { textOf } from './input.ts'
import {
  integrationFrom,
  integrationResponseFrom,
  integrationView,
  type Kept,
  keptOf,
  methodResponseFrom,
  withKept,
} from './integration.ts'
import { type Answer, edited, type Input, type Operation, operation, reading } from './operation.ts'
import { methodOf } from './operations-resources.ts'

/** An operation that changes what a method keeps. @param change gives that, and the answer */
function changing(change: (kept: Kept, input: Input) => readonly [Kept, Answer | null]): Operation {
  return operation((catalog, input) => {
    const { api, method } = methodOf(catalog, input, 'ofMethod')
    const [kept, answer] = change(keptOf(method), input)
    const changed = withKept(method, kept)
    const methods = api.methods.map(other => (other === method ? changed : other))
    return { catalog: edited(putApi(catalog, { ...api, methods })), answer }
  })
}

/** An operation that shows something of what a method keeps. */
function showing(show: (kept: Kept, input: Input) => Answer): Operation {
  return reading((catalog, input) => show(keptOf(methodOf(catalog, input, 'ofMethod').method), input))
}

const NO_INTEGRATION = 'Invalid Integration identifier specified'
const NO_RESPONSE = 'Invalid Response status code specified'

export const putIntegration: Operation = changing((kept, input) => {
  const methodIntegration = integrationFrom(input, textOf(input, 'resourceId') ?? '')
  return [{ ...kept, methodIntegration }, integrationView({ ...kept, methodIntegration }) ?? {}]
})

export const getIntegration: Operation = showing(kept => integrationView(kept) ?? notFound(NO_INTEGRATION))

export const deleteIntegration: Operation = changing(kept => {
  if (kept.methodIntegration === undefined) notFound(NO_INTEGRATION)
  return [{ ...kept, methodIntegration: undefined, integrationResponses: {} }, null]
})

type Responses = 'integrationResponses' | 'methodResponses'

function putting(part: Responses, from: (input: Input) => Answer & { readonly statusCode: string }): Operation {
  return changing((kept, input) => {
    if (part === 'integrationResponses' && kept.methodIntegration === undefined) notFound(NO_INTEGRATION)
    const response = from(input)
    return [{ ...kept, [part]: { ...kept[part], [response.statusCode]: response } }, response]
  })
}

function responseOf(kept: Kept, part: Responses, input: Input): Answer {
  const status = textOf(input, 'statusCode') ?? ''
  return (Object.hasOwn(kept[part], status) ? kept[part][status] : undefined) ?? notFound(NO_RESPONSE)
}

function deleting(part: Responses): Operation {
  return changing((kept, input) => {
    responseOf(kept, part, input)
    const { [textOf(input, 'statusCode') ?? '']: _, ...others } = kept[part]
    return [{ ...kept, [part]: others }, null]
  })
}

export const putIntegrationResponse: Operation = putting('integrationResponses', integrationResponseFrom)
export const putMethodResponse: Operation = putting('methodResponses', methodResponseFrom)
export const getIntegrationResponse: Operation = showing((kept, input) =>
  responseOf(kept, 'integrationResponses', input),
)
export const getMethodResponse: Operation = showing((kept, input) => responseOf(kept, 'methodResponses', input))
export const deleteIntegrationResponse: Operation = deleting('integrationResponses')
export const deleteMethodResponse: Operation = deleting('methodResponses')
