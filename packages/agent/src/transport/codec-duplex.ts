import { Duplex } from 'node:stream'
import { never } from '@spansync/common/core/never'
import { messageOf } from '@spansync/common/runtime/errors'
import { ChunkReader, maxChunkBytes, type Piece } from './chunk.ts'
import { ChunkSender, type SenderOptions } from './chunk-sender.ts'
import { LinkClosedError, StreamAbortedError } from './errors.ts'
import type { Limit } from './token-bucket.ts'
import { StreamingDecompressor } from './zstd.ts'

export interface CodecOptions extends SenderOptions {
  readonly down?: Limit | undefined
  /** The far end's first bytes, before its first chunk: `check` throws when they are wrong. */
  readonly greeting?: { readonly bytes: number; readonly check: (greeting: Buffer) => void } | undefined
  /** Told of what arrives, in bytes on the carrier. */
  readonly onReceived?: ((bytes: number) => void) | undefined
}

/** Unread input beyond this stops the carrier. */
const readAheadBytes = 2 * maxChunkBytes

/** The bytes written here come out of the CodecDuplex at the far end of the carrier, compressed on the way when it pays. Both
 *  directions end on their own; destroying one end fails the other; a carrier that breaks off is an error, never an end. */
export class CodecDuplex extends Duplex {
  readonly #carrier: Duplex
  readonly #options: CodecOptions
  readonly #sender: ChunkSender
  readonly #decompressor = new StreamingDecompressor()
  readonly #reader = new ChunkReader()
  readonly #closed = new AbortController()
  #greeting: Buffer | undefined
  #wanted = false
  #pumping = false
  #ended = false
  #carrierGone = false

  constructor(carrier: Duplex, options: CodecOptions) {
    super({ readableHighWaterMark: maxChunkBytes, writableHighWaterMark: 2 * maxChunkBytes })
    this.#carrier = carrier
    this.#options = options
    this.#sender = new ChunkSender(carrier, options)
    this.#greeting = options.greeting === undefined ? undefined : Buffer.alloc(0)
    carrier.on('data', (data: Buffer) => this.#receive(data))
    carrier.on('error', (error) => this.destroy(lost(error)))
    carrier.on('end', () => this.#lose())
    carrier.on('close', () => this.#lose())
    if (carrier.destroyed) this.#lose()
  }

  /** Bytes that were written here and have not left this process. */
  get unsentBytes(): number {
    return this.writableLength + this.#carrier.writableLength
  }

  /** The far end takes bytes more slowly than they come. */
  get isClogged(): boolean {
    return this.writableNeedDrain || this.#carrier.writableNeedDrain
  }

  override _read(): void {
    this.#wanted = true
    this.#pump()
  }

  override _writev(items: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    const parts = items.map(({ chunk }) => chunk)
    this.#sender.send(parts).then(() => done(), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sender.end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const carrier = this.#carrier
    const reason = error ?? new LinkClosedError('dropped', 'the stream was closed')
    this.#closed.abort(reason)
    this.#sender.close(reason)
    this.#decompressor.close()
    const clean = this.#ended && this.writableFinished
    // A far end that does not read is not told either.
    if (!carrier.writable || (!clean && carrier.writableNeedDrain)) carrier.destroy()
    else {
      if (!clean) this.#sender.abort(messageOf(reason))
      carrier.end(() => carrier.destroy())
      carrier.resume()
    }
    done(error)
  }

  /** Ends both directions and the carrier at once, telling nobody. */
  kill(reason: Error): void {
    this.#carrier.destroy()
    this.destroy(reason)
  }

  #receive(data: Buffer): void {
    this.#options.onReceived?.(data.length)
    if (this.destroyed || this.#ended) return
    this.#reader.feed(this.#greeting === undefined ? data : this.#greet(this.#greeting, data))
    if (this.#reader.buffered > readAheadBytes) this.#carrier.pause()
    this.#pump()
  }

  #greet(before: Buffer, data: Buffer): Buffer {
    const { bytes = 0, check } = this.#options.greeting ?? {}
    const all = Buffer.concat([before, data])
    this.#greeting = all.length < bytes ? all : undefined
    if (all.length < bytes) return Buffer.alloc(0)
    try {
      check?.(all.subarray(0, bytes))
    } catch (error) {
      this.destroy(error instanceof Error ? error : undefined)
    }
    return all.subarray(bytes)
  }

  /** What has arrived may still hold the end, so it is read first. */
  #lose(): void {
    this.#carrierGone = true
    this.#pump()
  }

  /** Runs while the reader wants more and something is there to give. Raw data goes straight through. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    this.#pumpAll().catch((error: Error) => this.destroy(error))
  }

  async #pumpAll(): Promise<void> {
    while (this.#wanted && !this.#ended && !this.destroyed) {
      const piece = this.#reader.next()
      if (piece === undefined) break
      const wait = this.#options.down?.take(piece.data.length, this.#closed.signal)
      if (wait !== undefined) await wait
      if (piece.kind === 'zstd') await this.#giveCompressed(piece)
      else this.#give(piece)
    }
    this.#pumping = false
    if (this.destroyed) return
    if (this.#reader.buffered <= readAheadBytes && this.#carrier.isPaused()) this.#carrier.resume()
    if (this.#carrierGone) this.#settle()
  }

  /** The carrier is gone: only what was whole in both directions may still be read in peace. */
  #settle(): void {
    const last = this.#reader.last()
    if (last?.kind === 'abort') this.destroy(new StreamAbortedError(last.data.toString('utf8')))
    else if (!this.writableFinished || !(this.#ended || last?.kind === 'end')) this.destroy(lost())
  }

  async #giveCompressed(piece: Piece): Promise<void> {
    for (const part of await this.#decompressor.decompress(piece.data, piece.rawLength)) this.#pushOut(part)
  }

  #give(piece: Piece): void {
    switch (piece.kind) {
      case 'raw':
        this.#pushOut(piece.data)
        return
      case 'end':
        this.#ended = true
        this.push(null)
        return
      case 'abort':
        throw new StreamAbortedError(piece.data.toString('utf8'))
      case 'zstd':
        return
      default:
        never(piece.kind)
    }
  }

  #pushOut(data: Buffer): void {
    // `_read` may be called from within `push`, and then wins.
    this.#wanted = false
    if (this.push(data)) this.#wanted = true
  }
}

function lost(cause?: Error): LinkClosedError {
  const detail = cause === undefined ? '' : `: ${messageOf(cause)}`
  return new LinkClosedError('connection_lost', `the connection was lost${detail}`)
}
