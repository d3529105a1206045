/** How long versions are kept that had to leave a folder. */
export interface RetentionLimits {
  readonly days: number
  /** Most versions of one path. */
  readonly count: number
  /** Most bytes of all that count together. */
  readonly maxBytes: number
}

export interface KeptVersionSize {
  readonly path: string
  readonly keptAtMs: number
  readonly bytes: number
}

export type Verdict = 'keep' | 'old' | 'surplus' | 'no_room'

const dayMs = 86_400_000

/** Says of kept versions which stay. They have to be shown from the newest to the oldest: the first that does not fit, and all before
 *  it, go. Several folders may share one `room`. */
export class Retention {
  readonly #limits: RetentionLimits
  readonly #room: Room
  readonly #nowMs: number
  readonly #counts = new Map<string, number>()

  constructor(limits: RetentionLimits, nowMs: number, room: Room = { bytes: 0 }) {
    this.#limits = limits
    this.#room = room
    this.#nowMs = nowMs
  }

  judge({ path, keptAtMs, bytes }: KeptVersionSize): Verdict {
    const { days, count, maxBytes } = this.#limits
    if (this.#nowMs - keptAtMs > days * dayMs) return 'old'
    const earlier = this.#counts.get(path) ?? 0
    if (earlier >= count) return 'surplus'
    this.#room.bytes += bytes
    if (this.#room.bytes > maxBytes) return 'no_room'
    this.#counts.set(path, earlier + 1)
    return 'keep'
  }
}

/** What has been found to stay so far. */
export interface Room {
  bytes: number
}
