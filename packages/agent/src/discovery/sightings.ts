import type { NodeId } from '@spansync/common/core/causal/types'
import type { Announced } from './announcement.ts'

/** So many addresses of one peer are kept. */
const mostAddresses = 4
/** Anybody can announce ever other addresses, and each has us dial: of one peer so many news are heard in a minute. */
const mostNews = 10
const minuteMs = 60_000

interface Seen {
  readonly addresses: readonly string[]
  readonly minute: number
  readonly news: number
}

/** Where each peer is said to be. */
export class AddressSightings {
  readonly #seen = new Map<NodeId, Seen>()

  /** Takes a word in, of addresses that this machine can reach without a router; answers all that are believed now, the newest first,
   *  or undefined when that is nothing new. `now` in ms. */
  hear({ id, addresses, gone }: Announced, now: number): readonly string[] | undefined {
    const before = this.#seen.get(id)
    const known = before?.addresses ?? []
    const minute = Math.floor(now / minuteMs)
    const news = before?.minute === minute ? before.news : 0
    const others = known.filter((address) => !addresses.includes(address))
    const all = (gone ? others : [...addresses, ...others]).slice(0, mostAddresses)
    if (isSame(all, known) || news >= mostNews) return undefined
    this.#seen.set(id, { addresses: all, minute, news: news + 1 })
    return all
  }

  /** What was known is said again when it is heard again. */
  forget(): void {
    this.#seen.clear()
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((address) => other.includes(address))
}
