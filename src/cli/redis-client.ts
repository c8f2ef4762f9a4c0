// Redis's client, to be imported where it is needed: it is larger than the rest of the command. Floor 5.
// It is CommonJS: of that a bundle in several files has no names where it is imported late, and has them where they are
// exported again.

export { createClient } from '@redis/client'
