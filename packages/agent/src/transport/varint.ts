/** Longest varint that is read: 28 bits are more than any length here. */
export const maxVarintBytes = 4

/** Little-endian base 128, as in protocol buffers. */
export function putVarint(target: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    target.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  target.push(rest)
}

/** Two numbers, one after the other. */
export function encodePair(first: number, second: number): Buffer {
  const bytes: number[] = []
  putVarint(bytes, first)
  putVarint(bytes, second)
  return Buffer.from(bytes)
}

/** Undefined when there are no two. */
export function decodePair(payload: Buffer): readonly [first: number, second: number] | undefined {
  const first = readVarint(payload, 0)
  if (typeof first === 'string') return undefined
  const second = readVarint(payload, first.next)
  return typeof second === 'string' ? undefined : [first.value, second.value]
}

/** `incomplete`: more bytes are needed; `too_long`: it has more than four bytes. */
export function readVarint(data: Buffer, at: number): { value: number; next: number } | 'incomplete' | 'too_long' {
  let value = 0
  for (let index = 0; index < maxVarintBytes; index++) {
    const byte = data[at + index]
    if (byte === undefined) return 'incomplete'
    value |= (byte & 0x7f) << (7 * index)
    if (byte < 0x80) return { value, next: at + index + 1 }
  }
  return 'too_long'
}
