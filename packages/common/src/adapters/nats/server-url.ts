import type { HostPort } from '../../config/values.ts'
import { parseHostPort } from '../../config/values.ts'
import { NatsUrlError } from './errors.ts'

const standardPort = 4222

/** The servers of a URL such as `tls://a:4222` or `tls://a:4222,tls://b`. `nats://` is the same: TLS is always used. Throws
 *  NatsUrlError. */
export function parseServerUrl(url: string): readonly HostPort[] {
  return url.split(',').map((part) => {
    const [, place] = /^(?:tls|nats):\/\/([^\s/@?#]+)\/?$/.exec(part.trim()) ?? []
    const found = place === undefined ? undefined : (parseHostPort(place) ?? parseHostPort(`${place}:${standardPort}`))
    if (found === undefined || found.port === 0) throw new NatsUrlError(part.trim())
    return found
  })
}
