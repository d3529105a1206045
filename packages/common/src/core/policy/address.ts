/** An IP address as 4 or 16 bytes; undefined when it is none. A zone (`%eth0`) is left out, and an IPv4 address that is written as
 *  IPv6 is taken for what it is. */
export function parseAddress(text: string): readonly number[] | undefined {
  const [plain = ''] = text.split('%')
  if (!plain.includes(':')) return parseV4(plain)
  const bytes = parseV6(plain)
  const isMapped = bytes?.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff))
  return isMapped ? bytes?.slice(12) : bytes
}

export interface Cidr {
  readonly bytes: readonly number[]
  readonly bits: number
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, more] = text.split('/')
  const bytes = more === undefined ? parseAddress(address) : undefined
  if (!bytes || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined
  const bits = length === undefined ? bytes.length * 8 : Number(length)
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

export function isWithin({ bytes, bits }: Cidr, address: readonly number[]): boolean {
  if (bytes.length !== address.length) return false
  return bytes.every((byte, at) => {
    const counted = Math.min(8, Math.max(0, bits - at * 8))
    const mask = (0xff << (8 - counted)) & 0xff
    return (byte & mask) === ((address[at] as number) & mask)
  })
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function parseV6(text: string): number[] | undefined {
  const [head = '', tail, more] = text.split('::')
  if (more !== undefined) return undefined
  const [left, right] = [groups(head), groups(tail ?? '')]
  if (!left || !right) return undefined
  const missing = 16 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  return [...left, ...Array<number>(missing).fill(0), ...right]
}

function groups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const bytes = parts.map((part, at) => {
    if (part.includes('.')) return at === parts.length - 1 ? parseV4(part) : undefined
    return /^[0-9a-f]{1,4}$/i.test(part)
      ? [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff]
      : undefined
  })
  return bytes.some((part) => part === undefined) ? undefined : bytes.flatMap((part) => part ?? [])
}
