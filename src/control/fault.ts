// Faults: what an operation answers when it cannot be done. Floor 4: imports nothing.
// Faults are values. Within an operation the readers of its input throw one, so that a line reads as what it wants, and
// `attempt` at its door makes a value of it again.

/** The errors of AWS API Gateway's model, the two that its protocol adds, and one for `If-Match`. */
export type FaultCode =
  | 'BadRequestException'
  | 'ValidationException'
  | 'SerializationException'
  | 'UnauthorizedException'
  | 'AccessDeniedException'
  | 'NotFoundException'
  | 'UnknownOperationException'
  | 'ConflictException'
  | 'LimitExceededException'
  | 'TooManyRequestsException'
  | 'PreconditionFailedException'
  | 'RequestTooLargeException'
  | 'UnsupportedMediaTypeException'
  | 'ServiceUnavailableException'

/** Why an operation was not done; the catalog is as it was. */
export interface Fault {
  readonly fault: FaultCode
  /** AWS's words where they are known (docs/control-plane.md). Never holds a key's value. */
  readonly message: string
}

/** A fault on its way out of an operation. */
class Refused {
  readonly fault: Fault

  constructor(fault: Fault) {
    this.fault = fault
  }
}

/** Ends the operation with this fault. */
export function refuse(fault: FaultCode, message: string): never {
  throw new Refused({ fault, message })
}

export function badRequest(message: string): never {
  return refuse('BadRequestException', message)
}

export function notFound(message: string): never {
  return refuse('NotFoundException', message)
}

/** What the work gives, or the fault it ended with. */
export function attempt<T>(work: () => T): T | Fault {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refused) return error.fault
    throw error
  }
}
