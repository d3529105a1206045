/** Below this, compression is always tried: it costs microseconds, and small messages repeat themselves. */
const alwaysBelowBytes = 2048
/** Not even this: the frame of a block would eat the gain. */
const neverBelowBytes = 24
const givesUpAbove = 0.95
const returnsBelow = 0.9
/** In raw mode so much of every so much is tried: 3 % of what zstd would cost, and at most 1 % of 50 MB goes out raw in vain. */
const trialBytes = 16 * 1024
/** TLS copies what it is given: larger pieces cost fresh memory each time, and twice the CPU. */
const rawBytes = 64 * 1024
const pauseBytes = 512 * 1024

/** `always`: whatever repeats shrinks, nothing is ever big. `adaptive`: raw while the data does not shrink. */
export type CompressionMode = 'always' | 'adaptive'

/** Decides chunk by chunk whether to compress. While the data does not shrink it goes raw, and a small part is tried now and then. */
export class CompressionPolicy {
  readonly #mode: CompressionMode
  #raw = false
  #ratio = 0.5
  #sinceTrial = 0

  constructor(mode: CompressionMode) {
    this.#mode = mode
  }

  get isRaw(): boolean {
    return this.#raw
  }

  /** How much of what waits goes into the next chunk, and how. */
  choose(bytes: number): { how: 'raw' | 'zstd'; bytes: number } {
    if (bytes < neverBelowBytes) return { how: 'raw', bytes }
    if (this.#mode === 'always' || bytes < alwaysBelowBytes || !this.#raw) return { how: 'zstd', bytes }
    if (this.#sinceTrial >= pauseBytes) return { how: 'zstd', bytes: Math.min(bytes, trialBytes) }
    const piece = Math.min(bytes, rawBytes)
    this.#sinceTrial += piece
    return { how: 'raw', bytes: piece }
  }

  /** What a compressed chunk came to. Weighed by size, so that one large chunk decides at once. */
  observe(bytes: number, compressedBytes: number): void {
    if (this.#mode === 'always' || bytes < alwaysBelowBytes) return
    const ratio = compressedBytes / bytes
    const weight = this.#raw ? 1 : Math.min(0.75, bytes / 65_536)
    this.#ratio += (ratio - this.#ratio) * weight
    this.#raw = this.#ratio > (this.#raw ? returnsBelow : givesUpAbove)
    this.#sinceTrial = 0
  }
}
