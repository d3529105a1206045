import type { SpansyncError } from '@spansync/common/runtime/errors'
import { compareMoney, costAt, type Way } from './address-cost.ts'
import type { PathSpeed } from './link-speed.ts'
import type { RoundTrip } from './measures.ts'
import type { AddressStatus, LinkError, Peer } from './types.ts'

interface Known {
  readonly rtt?: RoundTrip
  readonly speed?: PathSpeed
  readonly error?: LinkError
}

/** Whoever announces addresses need not be our peer: so many are looked at. */
const mostFound = 8

/** All addresses of one peer, each with its own measures. */
export class AddressBook {
  readonly #peer: () => Peer
  readonly #known = new Map<string, Known>()
  #found: readonly string[] = []

  constructor(peer: () => Peer) {
    this.#peer = peer
  }

  /** The configured ones in their order, then those that were found. */
  get all(): readonly string[] {
    const { addresses } = this.#peer()
    return this.#found.length === 0 ? addresses : [...new Set([...addresses, ...this.#found])]
  }

  /** Cheapest first, else in their order. */
  get byCost(): readonly string[] {
    return [...this.all].sort((one, other) => this.compare(one, other))
  }

  /** Below 0: the first costs less money. */
  compare(one: string, other: string): number {
    const peer = this.#peer()
    return compareMoney(costAt(peer, one), costAt(peer, other))
  }

  /** True when there are new ones. */
  setFound(addresses: readonly string[]): boolean {
    const before = new Set(this.all)
    this.#found = addresses.slice(0, mostFound)
    for (const address of this.#known.keys()) if (!this.all.includes(address)) this.#known.delete(address)
    return this.all.some((address) => !before.has(address))
  }

  /** Where a connection was made. */
  measured(address: string, measures: { readonly rtt: RoundTrip; readonly speed: PathSpeed }): void {
    this.#known.set(address, measures)
  }

  failed(address: string, { code, message, remedy }: SpansyncError): void {
    this.#known.set(address, { ...this.#known.get(address), error: { code, message, remedy } })
  }

  wayOf(address: string): Way {
    const { rtt, speed } = this.#known.get(address) ?? {}
    const place = this.all.indexOf(address)
    const cost = costAt(this.#peer(), address)
    const order = place < 0 ? Number.POSITIVE_INFINITY : place
    return { cost, rttMs: rtt?.ms, throughputBps: speed?.throughput?.bytesPerSecond, order }
  }

  /** Those that a link over `current` might move to, and cost no more money. */
  besides(current: string): readonly string[] {
    return this.byCost.filter((one) => one !== current && this.compare(one, current) <= 0)
  }

  status(inUse: string | undefined): AddressStatus[] {
    const { addresses } = this.#peer()
    return this.all.map((address) => {
      const { cost, rttMs, throughputBps } = this.wayOf(address)
      const { metered, pricePerGb } = cost
      const about = { inUse: address === inUse, found: !addresses.includes(address), metered, pricePerGb }
      return { address, ...about, rttMs, throughputBps, error: this.#known.get(address)?.error }
    })
  }
}
