// Functions of the user's that are told of things: what one throws, at once or later, changes nothing. Floor 3.

/** @param failed told that it did */
export function tell(hook: () => unknown, failed: () => void = () => {}): void {
  try {
    const told = hook()
    // Left alone it would be an unhandled rejection, which ends the process.
    if (told instanceof Promise) told.catch(failed)
  } catch {
    failed()
  }
}
