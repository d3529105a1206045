import type { ConfigEditor } from './edit.ts'
import type { AddressConfig, PeerConfig } from './schema.ts'
import { parseHostPort } from './values.ts'

/** What the configuration says of the way to a peer. Absent: measured. */
export interface WaySettings {
  readonly metered: boolean
  readonly pricePerGb: number | undefined
  /** Bytes per second. */
  readonly throughputBps: number | undefined
  readonly latencyMs: number | undefined
  readonly dataCap: DataCap | undefined
}

/** Most bytes in a calendar month: of one address alone, or, with '', of all of the peer's that have none and may cost something. */
export interface DataCap {
  readonly of: string
  readonly bytes: number
}

/** Of one address (`host:port`), where it has something of its own to say, else of the peer. A connection that the peer has made comes
 *  from another port: then the host counts. */
export function settingsOver(peer: PeerConfig, address?: string): WaySettings {
  const { priced = [] } = peer
  const isListed = address !== undefined && peer.addresses.includes(address)
  const own = priced.find((one) => (isListed ? one.address === address : isSameHost(one, address)))
  const { pricePerGb, throughputBps, latencyMs } = peer
  const dataCap = capOver(peer, own)
  return {
    metered: own?.metered ?? (peer.metered || dataCap !== undefined),
    pricePerGb: own?.pricePerGb ?? pricePerGb,
    throughputBps: own?.throughputBps ?? throughputBps,
    latencyMs: own?.latencyMs ?? latencyMs,
    dataCap,
  }
}

function capOver({ dataCapBytes }: PeerConfig, own: AddressConfig | undefined): DataCap | undefined {
  if (own?.dataCapBytes !== undefined) return { of: own.address, bytes: own.dataCapBytes }
  return dataCapBytes === undefined || own?.metered === false ? undefined : { of: '', bytes: dataCapBytes }
}

function isSameHost(one: { readonly address: string }, address: string | undefined): boolean {
  const host = address === undefined ? undefined : parseHostPort(address)?.host
  return host !== undefined && parseHostPort(one.address)?.host === host
}

/** Writes the addresses of a peer; those that are there already keep what is said of them. */
export function writeAddresses(editor: ConfigEditor, peer: string, addresses: readonly string[]): void {
  const path = ['peers', peer, 'addresses']
  const before = editor.read(path)
  const written = new Map((Array.isArray(before) ? before : []).map((one: unknown) => [addressIn(one), one]))
  editor.set(
    path,
    addresses.map((address) => written.get(address) ?? address),
  )
}

function addressIn(written: unknown): unknown {
  return typeof written === 'object' && written !== null && 'address' in written ? written.address : written
}
