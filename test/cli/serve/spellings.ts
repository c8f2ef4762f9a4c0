// How a key's value can be spelled where it must not be.

/** The spellings of a value that give it away. */
export function spellings(value: string): string[] {
  const bytes = Buffer.from(value)
  // Base64 of three alignments: a value within a longer text is spelled in one of them.
  const base64 = [0, 1, 2].map(offset => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return text.slice(Math.ceil((offset * 4) / 3), text.length - 4)
  })
  return [
    value,
    ...base64,
    ...base64.map(text => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(value),
    [...bytes].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    JSON.stringify(value).slice(1, -1),
  ]
}
