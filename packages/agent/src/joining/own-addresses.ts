import { networkInterfaces } from 'node:os'
import { formatHostPort, parseHostPort } from '@spansync/common/config/values'

const most = 6

/** Where others may be able to dial this machine, `host:port`: what it listens on, or the addresses of all its networks. IPv4 first,
 *  which nearly every network has. */
export function ownAddresses(listen: string | undefined, interfaces = networkInterfaces()): string[] {
  const place = listen === undefined ? undefined : parseHostPort(listen)
  // Port 0 is whatever is free, until the next start.
  if (place === undefined || place.port === 0) return []
  const { host, port } = place
  if (host !== '0.0.0.0' && host !== '::') return [formatHostPort({ host, port })]
  const all = Object.values(interfaces).flatMap((some) => some ?? [])
  const usable = all.filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
  const [v4, v6] = [usable.filter(({ family }) => family === 'IPv4'), usable.filter(({ family }) => family === 'IPv6')]
  const hosts = [...v4, ...(host === '::' ? v6 : [])].map(({ address }) => address)
  return [...new Set(hosts)].slice(0, most).map((one) => formatHostPort({ host: one, port }))
}
