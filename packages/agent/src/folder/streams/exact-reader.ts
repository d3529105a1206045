import type { Readable } from 'node:stream'
import { ByteQueue } from '../../transport/byte-queue.ts'

export class StreamEndedError extends Error {
  constructor() {
    super('the stream ended too early')
  }
}

/** Reads a stream in pieces of a known length. */
export class ExactReader {
  readonly #parts: AsyncIterator<Buffer>
  readonly #queue = new ByteQueue()
  readonly #onData: () => void

  constructor(stream: Readable, onData: () => void = () => undefined) {
    // The other direction of a duplex goes on when this one has ended.
    this.#parts = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
    this.#onData = onData
  }

  /** Rejects with a StreamEndedError, or with what the stream failed with. */
  async take(count: number): Promise<Buffer> {
    while (this.#queue.length < count) {
      const { value, done } = await this.#parts.next()
      if (done) throw new StreamEndedError()
      this.#onData()
      this.#queue.push(value)
    }
    return this.#queue.take(count)
  }

  /** Waits for the end, before which nothing more may come. */
  async end(): Promise<void> {
    const { done } = await this.#parts.next()
    if (!done || this.#queue.length > 0) throw new Error('more came than was asked for')
  }
}
