import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Config } from '@spansync/common/config/schema'
import { parseHostPort } from '@spansync/common/config/values'

type Interfaces = ReturnType<typeof networkInterfaces>

/** Own IPv4 addresses, one per network that others can be on; only the one of them that this node listens to, when it is one. */
export function ownNetworks(listen?: string, interfaces: Interfaces = networkInterfaces()): string[] {
  const host = listen === undefined ? undefined : parseHostPort(listen)?.host
  const addresses = usable(interfaces).map(({ address }) => address)
  return host !== undefined && addresses.includes(host) ? [host] : addresses
}

/** True for an address that is reached without a router. What is announced on the local network must not make this machine knock
 *  anywhere else. */
export function isOnLink(address: string, interfaces: Interfaces = networkInterfaces()): boolean {
  const near = new BlockList()
  for (const { cidr } of usable(interfaces)) {
    const [network = '', bits = ''] = cidr?.split('/') ?? []
    if (network !== '') near.addSubnet(network, Number(bits), 'ipv4')
  }
  return near.check(address, 'ipv4')
}

function usable(interfaces: Interfaces): NonNullable<Interfaces[string]> {
  return Object.values(interfaces)
    .flatMap((ways) => ways ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
}

/** Whether this node looks for peers on the local network, and lets itself be found. A node that listens to its own machine only has
 *  nobody to tell. */
export function discovers({ discovery, listen }: Pick<Config, 'discovery' | 'listen'>): boolean {
  if (discovery !== undefined) return discovery
  const host = listen === undefined ? undefined : parseHostPort(listen)?.host
  return host !== undefined && !/^(localhost|127\.|::1$)/.test(host)
}
