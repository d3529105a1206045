import { formatHostPort } from '@spansync/common/config/values'
import type { NodeId } from '@spansync/common/core/causal/types'

// DNS-SD over multicast DNS (RFC 6763, RFC 6762), as much as is needed here.

/** What agents are asked for, and say that they are. */
export const service = '_spansync._tcp.local'
/** How long others may believe an address, seconds: RFC 6762 has this for what depends on an address. */
const ttlSeconds = 120

/** The records that are of use here; all others are passed over. */
export type DnsRecord =
  | { readonly type: 'PTR' | 'A'; readonly name: string; readonly ttl?: number; readonly data: string }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl?: number; readonly data: string }
  | {
      readonly type: 'SRV'
      readonly name: string
      readonly ttl?: number
      readonly data: { readonly port: number; readonly target: string }
    }

export interface Presence {
  readonly id: NodeId
  readonly port: number
  /** IPv4, of this machine on that network. */
  readonly address: string
}

/** A node on one network: its id and its port, and nothing of what it holds. `gone`: it leaves. */
export function announcement({ id, port, address }: Presence, { gone = false } = {}): DnsRecord[] {
  const ttl = gone ? 0 : ttlSeconds
  // A label has 63 bytes at most.
  const label = id.slice(0, 32)
  const [name, target] = [`${label}.${service}`, `spansync-${label}.local`]
  return [
    { type: 'PTR', name: service, ttl, data: name },
    { type: 'SRV', name, ttl, data: { port, target } },
    { type: 'TXT', name, ttl, data: `id=${id}` },
    { type: 'A', name: target, ttl, data: address },
  ]
}

export interface Announced {
  readonly id: NodeId
  /** `host:port`. */
  readonly addresses: readonly string[]
  readonly gone: boolean
}

/** The nodes that the records of one packet speak of. Anybody may have sent them: malformed ones are passed over. */
export function readAnnouncements(records: readonly unknown[]): Announced[] {
  const known = records.filter(isRecord)
  return known.flatMap((record): Announced[] => {
    if (record.type !== 'SRV' || !record.name.toLowerCase().endsWith(`.${service}`)) return []
    const id = known.flatMap((one) => (one.type === 'TXT' && one.name === record.name ? (idIn(one.data) ?? []) : []))[0]
    const { port, target } = record.data
    const hosts = known.flatMap((one) => (one.type === 'A' && one.name === target ? [one.data] : []))
    if (id === undefined) return []
    return [{ id, addresses: hosts.map((host) => formatHostPort({ host, port })), gone: record.ttl === 0 }]
  })
}

function isRecord(record: unknown): record is DnsRecord {
  if (typeof record !== 'object' || record === null) return false
  const { type, name, data } = record as Record<string, unknown>
  if (typeof name !== 'string') return false
  if (type === 'A') return typeof data === 'string' && /^\d{1,3}(\.\d{1,3}){3}$/.test(data)
  if (type === 'TXT') return data !== undefined
  if (type !== 'SRV' || typeof data !== 'object' || data === null) return false
  const { port, target } = data as Record<string, unknown>
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 && typeof target === 'string'
}

/** A TXT record holds one text or several, as bytes when it has been read. */
function idIn(data: unknown): NodeId | undefined {
  const texts = (Array.isArray(data) ? data : [data]).map((text: unknown) =>
    Buffer.isBuffer(text) ? text.toString('latin1') : String(text),
  )
  return texts.map((text) => /^id=([0-9a-f]{64})$/.exec(text)?.[1]).find((id) => id !== undefined) as NodeId | undefined
}
