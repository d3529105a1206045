import { StoreUrlError } from '../errors.ts'

export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly database: number
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
}

const defaultPort = 6379

/** Parses redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] and rediss://. Throws StoreUrlError, which never names the password. */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') throw new StoreUrlError(`${withoutPassword(text)} is not a Redis URL`)
  const database = url.pathname.replace(/^\//, '')
  if (!/^\d*$/.test(database)) {
    throw new StoreUrlError(`${withoutPassword(text)}: the part after the host is the database's number`)
  }
  if (url.search !== '' || url.hash !== '') {
    throw new StoreUrlError(`${withoutPassword(text)}: a Redis URL has no options after ? or #`)
  }
  return {
    // Brackets stand around an IPv6 address in a URL only.
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort : Number(url.port),
    database: Number(database),
    tls: url.protocol === 'rediss:',
    ...(url.username === '' ? {} : { username: decode(url.username, text) }),
    ...(url.password === '' ? {} : { password: decode(url.password, text) }),
  }
}

/** For messages, also of a URL that cannot be parsed. */
export function withoutPassword(text: string): string {
  return text.replace(/^(\w+:\/\/)(?:([^:/]*):)?.*@/, (_, scheme: string, user?: string) =>
    user ? `${scheme}${user}@` : scheme,
  )
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new StoreUrlError(`${withoutPassword(text)}: a % in user or password has to be written %25`)
  }
}
