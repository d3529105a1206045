import type { Duplex } from 'node:stream'
import { chunkHeader, maxChunkBytes } from './chunk.ts'
import { type CompressionMode, CompressionPolicy } from './compression-policy.ts'
import { LinkClosedError } from './errors.ts'
import type { Limit } from './token-bucket.ts'
import { StreamingCompressor } from './zstd.ts'

export interface SenderOptions {
  readonly mode: CompressionMode
  /** Bytes that go before everything else, in the same record as the first data. */
  readonly preamble?: Buffer
  readonly up?: Limit | undefined
  /** Told of what leaves, in bytes on the carrier. */
  readonly onSent?: ((bytes: number) => void) | undefined
  /** Told how long the carrier took no more. */
  readonly onWaited?: ((ms: number) => void) | undefined
}

const crumbBytes = 16 * 1024
const endFrame = chunkHeader('end', 0)

/** The sending half of a codec: bytes in, chunks on the carrier. */
export class ChunkSender {
  readonly #carrier: Duplex
  readonly #options: SenderOptions
  readonly #policy: CompressionPolicy
  readonly #compressor = new StreamingCompressor()
  readonly #closed = new AbortController()
  #preamble: Buffer | undefined

  constructor(carrier: Duplex, options: SenderOptions) {
    this.#carrier = carrier
    this.#options = options
    this.#policy = new CompressionPolicy(options.mode)
    this.#preamble = options.preamble
  }

  /** One call at a time. Resolves when the carrier takes more. */
  async send(parts: readonly Buffer[]): Promise<void> {
    // What goes raw is not copied together first, unless it is in crumbs.
    const copies = !this.#policy.isRaw || parts.some(({ length }) => length < crumbBytes)
    if (parts.length > 1 && copies) return this.#send(Buffer.concat(parts))
    for (const part of parts) await this.#send(part)
  }

  async #send(data: Buffer): Promise<void> {
    const { up } = this.#options
    for (let at = 0; at < data.length; ) {
      this.#closed.signal.throwIfAborted()
      const most = up?.chunkBytes(maxChunkBytes) ?? maxChunkBytes
      const { how, bytes } = this.#policy.choose(Math.min(most, data.length - at))
      const chunk = data.subarray(at, at + bytes)
      const frames = how === 'raw' ? [chunkHeader('raw', bytes), chunk] : await this.#compress(chunk)
      at += bytes
      const wait = up?.take(sum(frames), this.#closed.signal)
      if (wait !== undefined) await wait
      if (!this.#put(frames)) await this.#waitForRoom()
    }
  }

  end(): void {
    this.#put([endFrame])
  }

  abort(reason: string): void {
    const text = Buffer.from(reason.slice(0, 500))
    this.#put([chunkHeader('abort', text.length), text])
  }

  close(reason: Error): void {
    this.#closed.abort(reason)
    this.#compressor.close()
  }

  async #compress(data: Buffer): Promise<readonly Buffer[]> {
    const { parts, length } = await this.#compressor.compress(data)
    this.#policy.observe(data.length, length)
    return [chunkHeader('zstd', length, data.length), ...parts]
  }

  #put(frames: readonly Buffer[]): boolean {
    const carrier = this.#carrier
    if (!carrier.writable) return true
    const preamble = this.#preamble
    this.#preamble = undefined
    let more = true
    // Corked, so that all of it goes into one record.
    carrier.cork()
    if (preamble !== undefined) carrier.write(preamble)
    for (const frame of frames) more = carrier.write(frame)
    carrier.uncork()
    this.#options.onSent?.(sum(frames))
    return more
  }

  async #waitForRoom(): Promise<void> {
    const since = performance.now()
    await this.#drained()
    this.#options.onWaited?.(performance.now() - since)
  }

  #drained(): Promise<void> {
    const carrier = this.#carrier
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        carrier.off('drain', settle)
        carrier.off('close', settle)
        if (carrier.destroyed) reject(new LinkClosedError('connection_lost', 'the connection was lost'))
        else resolve()
      }
      if (carrier.destroyed || !carrier.writableNeedDrain) return settle()
      carrier.on('drain', settle)
      carrier.on('close', settle)
    })
  }
}

function sum(frames: readonly Buffer[]): number {
  let total = 0
  for (const frame of frames) total += frame.length
  return total
}
