import type { RelativePath } from '@spansync/common/core/causal/types'
import type { Hint } from '@spansync/common/ports'
import { SettleLane } from './settle-lane.ts'

export interface SettleSettings {
  /** Due after this long without another hint. The tick in which a file system stamps times is 10 ms at most, so content read after
   *  15 ms of rest can be told from what is written later. */
  readonly quietMs: number
  /** Due after this long even when hints go on coming. */
  readonly mostMs: number
  /** The same for a file above `bigBytes` that is being written: reading it each time costs more, and so does sending what is not
   *  all of it. */
  readonly growingQuietMs: number
  readonly growingMostMs: number
  readonly bigBytes: number
  /** Above this many waiting paths all collapse into one rescan. */
  readonly mostPaths: number
}

export const settleDefaults: SettleSettings = {
  quietMs: 15,
  mostMs: 500,
  growingQuietMs: 250,
  growingMostMs: 5000,
  bigBytes: 1 << 20,
  mostPaths: 200_000,
}

export interface Settled {
  readonly paths: RelativePath[]
  /** Why the whole folder is to be scanned; undefined: it is not. */
  readonly rescan: string | undefined
}

// How long a big file counts as one that was just seen, and how many are remembered (the oldest are forgotten).
const rememberMs = 5000
const mostRemembered = 1000

/** Hints wait here until their files have come to rest. Pure: the time (ms) comes with every call. */
export class SettleQueue {
  readonly #settings: SettleSettings
  readonly #normal: SettleLane
  readonly #growing: SettleLane
  readonly #seenBig = new Map<RelativePath, number>()
  #rescan: { readonly reason: string; readonly due: number } | undefined

  constructor(settings: Partial<SettleSettings> = {}) {
    this.#settings = { ...settleDefaults, ...settings }
    const { quietMs, mostMs, growingQuietMs, growingMostMs } = this.#settings
    this.#normal = new SettleLane(quietMs, Math.max(quietMs, mostMs))
    this.#growing = new SettleLane(Math.max(quietMs, growingQuietMs), Math.max(quietMs, growingMostMs))
  }

  get size(): number {
    return this.#normal.size + this.#growing.size
  }

  addHint(hint: Hint, now: number): void {
    if (hint.kind === 'path') this.add(hint.path, now)
    else this.addRescan(hint.reason, now)
  }

  /** `sizeHint`: bytes, when the caller happens to know them. */
  add(path: RelativePath, now: number, sizeHint?: number): void {
    if (this.#rescan?.reason === overflow) return
    const lane = this.#isGrowing(path, now, sizeHint) ? this.#growing : this.#normal
    const other = lane === this.#growing ? this.#normal : this.#growing
    lane.add(path, now, other.remove(path))
    if (this.size > this.#settings.mostPaths) this.#collapse(now)
  }

  addRescan(reason: string, now: number): void {
    this.#rescan ??= { reason, due: now + this.#settings.quietMs }
  }

  /** Tells what a path that was taken turned out to be: a big one that is hinted again soon is growing. */
  seen(path: RelativePath, bytes: number, now: number): void {
    this.#seenBig.delete(path)
    if (bytes <= this.#settings.bigBytes) return
    this.#seenBig.set(path, now)
    if (this.#seenBig.size <= mostRemembered) return
    for (const oldest of this.#seenBig.keys()) {
      this.#seenBig.delete(oldest)
      return
    }
  }

  /** What is due, at most `limit` paths, and takes it out. The oldest come first. `isBeingWritten`: whether somebody may well be in the
   *  middle of writing this big file, so that 15 ms of rest say nothing; asked once. */
  take(now: number, limit: number, isBeingWritten: (path: RelativePath) => boolean = () => false): Settled {
    const rested: RelativePath[] = []
    this.#normal.take(now, limit, rested)
    const [growing, paths] = partition(rested, isBeingWritten)
    this.#growing.take(now, limit, paths)
    for (const path of growing) this.#growing.add(path, now, undefined)
    const rescan = this.#rescan !== undefined && this.#rescan.due <= now ? this.#rescan.reason : undefined
    if (rescan !== undefined) this.#rescan = undefined
    return { paths, rescan }
  }

  /** When `take` will have something; undefined when nothing waits. */
  nextDue(): number | undefined {
    const dues = [this.#normal.nextDue(), this.#growing.nextDue(), this.#rescan?.due]
    const known = dues.filter((due) => due !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  #isGrowing(path: RelativePath, now: number, sizeHint: number | undefined): boolean {
    if (this.#growing.has(path)) return true
    const seenAt = this.#seenBig.get(path)
    if (seenAt === undefined || now - seenAt > rememberMs) return false
    return sizeHint === undefined || sizeHint > this.#settings.bigBytes
  }

  /** The scan begins when this is taken, so it finds all that is dropped here and all that is hinted until then. */
  #collapse(now: number): void {
    this.#normal.clear()
    this.#growing.clear()
    this.#rescan = { reason: overflow, due: now + this.#settings.mostMs }
  }
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const first: T[] = []
  const second: T[] = []
  for (const item of items) (isFirst(item) ? first : second).push(item)
  return [first, second]
}

const overflow = 'too_many_changes'
