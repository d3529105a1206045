import { isIPv6 } from 'node:net'

/** Names end up in file names of conflict copies, in subjects of messages and on command lines: so no spaces, no slashes, and no
 *  dash first. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export const nameRule = 'letters, digits, `.`, `_` and `-`, starting with a letter or a digit, at most 63 characters'

/** The name, or one like it with a number that nobody has. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name.slice(0, 58)}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `host:22070`, `192.0.2.7:22070`, `[2001:db8::7]:22070`; undefined when it is none of these. Port 0 is allowed. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain, digits] = match
  const port = Number(digits)
  if (port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) return undefined
  return { host: bracketed ?? plain ?? '', port }
}

/** `host:port` of somewhere to dial. */
export function isDialable(text: string): boolean {
  return (parseHostPort(text)?.port ?? 0) > 0
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A fingerprint as people paste it (capitals, colons, blanks) as 64 lower-case hex digits; undefined when it is not one. */
export function normaliseFingerprint(text: string): string | undefined {
  const digits = text.replace(/[\s:]/g, '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined
}

/** Why a text is not a fingerprint, in words. */
export function fingerprintProblem(text: string): string {
  const digits = text.replace(/[\s:]/g, '')
  if (/^[0-9a-fA-F]*$/.test(digits)) return `a fingerprint has 64 hexadecimal digits, this one has ${digits.length}`
  return 'a fingerprint is 64 hexadecimal digits, as `spansync id` prints on that machine'
}
