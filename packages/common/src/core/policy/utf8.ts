// biome-ignore lint/suspicious/noControlCharactersInRegex: this is the test for plain ASCII
const ascii = /^[\x00-\x7f]*$/

/** One character per byte of the UTF-8 form. */
export function toBytes(text: string): string {
  if (ascii.test(text)) return text
  let bytes = ''
  for (const character of text) {
    const code = character.codePointAt(0) as number
    if (code < 0x80) bytes += character
    else if (code < 0x800) bytes += String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f))
    else if (code < 0x10000) {
      bytes += String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
    } else {
      const tail = [0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
      bytes += String.fromCharCode(0xf0 | (code >> 18), ...tail)
    }
  }
  return bytes
}
