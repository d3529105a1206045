import { pairKey } from '@spansync/common/core/coordinator/facts'
import { isNewer, type LinkPast, type LinkRecord, memoryMs, toPast } from '@spansync/common/core/coordinator/links'
import type { LinkRecord as StoredLink } from '../store/records.ts'

export function toPastByPair(stored: readonly StoredLink[]): Map<string, LinkPast> {
  return new Map(
    stored
      .filter(({ totalMs }) => totalMs > 0)
      .map(({ a, b, upMs, totalMs, rttMs, throughputBps }) => {
        const availability = Math.min(1, upMs / totalMs)
        return [pairKey(a, b), { availability, rttMs, throughputBps }]
      }),
  )
}

/** What the store knows of the links, so that only what has changed is written. */
export class LinkMemory {
  readonly #written: Map<string, LinkPast>

  constructor(past: ReadonlyMap<string, LinkPast>) {
    this.#written = new Map(past)
  }

  /** Of these links, those that the store should hear of again. It is taken to hear of them. */
  news(links: Iterable<readonly [string, LinkRecord]>, at: number): StoredLink[] {
    const news: StoredLink[] = []
    for (const [key, record] of links) {
      const now = toPast(record, at)
      if (!isNewer(this.#written.get(key), now)) continue
      this.#written.set(key, now)
      news.push(toStored(record, now))
    }
    return news
  }

  forget(key: string): void {
    this.#written.delete(key)
  }
}

/** Only the share means something: it is smoothed already. */
function toStored({ ends: [a, b] }: LinkRecord, { availability, rttMs, throughputBps }: LinkPast): StoredLink {
  return {
    ...{ a, b, upMs: availability * memoryMs, totalMs: memoryMs },
    ...(rttMs === undefined ? {} : { rttMs }),
    ...(throughputBps === undefined ? {} : { throughputBps }),
  }
}
