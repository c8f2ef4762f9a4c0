// Which of a Redis cluster's 16384 slots a key is in. Floor 3: imports nothing.

const SLOTS = 16_384

/** CRC-16/XMODEM of each byte, as the cluster specification has it. */
const CRC: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

const utf8 = new TextEncoder()

/** Of what stands between the first `{` and the next `}`, where that is not empty; else of the whole key. */
export function slotOf(key: string): number {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key
  let crc = 0
  for (const byte of utf8.encode(hashed)) crc = ((crc << 8) & 0xffff) ^ CRC[(crc >> 8) ^ byte]!
  return crc % SLOTS
}
