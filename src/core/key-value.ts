// The form of generated key values: `<prefix>_<34 random digits><6 digits of checksum>`, all base 62. Floor 0: pure.
// The prefix makes a leaked key easy to find, the checksum makes a typo or a guess refusable without a lookup. It is no
// secret: whoever knows the form can make values that pass, and none of them is a key.

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** 62^34 is more than 2^202. */
const RANDOM = 34

/** 62^6 is more than 2^32. */
const CHECKSUM = 6

/** The prefixes there can be: letters, digits and `_` within, so that a value is at most 64 characters. */
const PREFIX = /^[A-Za-z](\w{0,21}[A-Za-z0-9])?$/

/** Whether values can be generated with this prefix; the empty one gives the form without any. */
export function isKeyPrefix(prefix: string): boolean {
  return prefix === '' || PREFIX.test(prefix)
}

/**
 * The key value that random bytes make.
 *
 * Six bits of each byte are a digit or, twice in 64, are passed over, so that every digit is as likely as every other.
 *
 * @param prefix 1 to 23 letters, digits and `_`, a letter first and no `_` last; empty for 40 letters and digits, the
 * look of AWS's
 * @param bytes from a cryptographic source, more than the 34 that are used: 64 suffice but once in 10^28 times
 * @throws {RangeError} when there can be no such prefix, or the bytes do not suffice
 */
export function keyValueOf(prefix: string, bytes: Uint8Array): string {
  if (!isKeyPrefix(prefix)) {
    throw new RangeError('prefix: expected up to 23 letters, digits and _, a letter first and no _ last')
  }
  let body = prefix === '' ? '' : `${prefix}_`
  const length = body.length + RANDOM
  for (let i = 0; i < bytes.length && body.length < length; i++) body += DIGITS[(bytes[i] as number) & 63] ?? ''
  if (body.length < length)
    throw new RangeError(`bytes: expected random ones, 64 or more; ${bytes.length} do not suffice`)
  return body + checksumOf(body)
}

/**
 * Whether a value has the form of `keyValueOf` with this prefix, and its checksum. Any one character changed, or any two
 * neighbours swapped, and it has not: a CRC sees every change within 32 bits, and no swap across the seam adds up.
 */
export function isGenerated(value: string, prefix: string): boolean {
  const start = prefix === '' ? '' : `${prefix}_`
  const length = start.length + RANDOM
  if (value.length !== length + CHECKSUM || !value.startsWith(start)) return false
  return /^[0-9A-Za-z]+$/.test(value.slice(start.length)) && value.endsWith(checksumOf(value.slice(0, length)))
}

/** The CRC-32 in six digits. */
function checksumOf(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < CHECKSUM; i++) {
    digits = DIGITS.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

/** What four bits do to a CRC; signed, since the engine keeps those as they are. */
const NIBBLES = [
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, -0x12477ce0,
  -0x0ff06cbc, -0x29295c18, -0x349e4c74, -0x649b3d50, -0x792c2d2c, -0x5ff51d88, -0x42420de4,
]

/** Of ASCII text. The one of zip, PNG and Ethernet. */
function crc32(text: string): number {
  let crc = -1
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let half = 0; half < 2; half++) crc = (crc >>> 4) ^ (NIBBLES[crc & 15] as number)
  }
  return ~crc >>> 0
}
