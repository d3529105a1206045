const empty = Buffer.alloc(0)

/** Bytes that have arrived and are not used yet, without copying where it can be avoided. */
export class ByteQueue {
  #chunks: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(data: Buffer): void {
    if (data.length === 0) return
    this.#chunks.push(data)
    this.#length += data.length
  }

  /** Up to `count` bytes from the front, left where they are. */
  peek(count: number): Buffer {
    const first = this.#chunks[0]
    if (first === undefined) return empty
    if (first.length >= count || this.#chunks.length === 1) return first.subarray(0, count)
    const parts: Buffer[] = []
    let wanted = Math.min(count, this.#length)
    for (const chunk of this.#chunks) {
      if (wanted === 0) break
      const part = chunk.subarray(0, wanted)
      parts.push(part)
      wanted -= part.length
    }
    return Buffer.concat(parts)
  }

  /** Exactly `count` bytes; the caller has checked that they are there. */
  take(count: number): Buffer {
    const first = this.#chunks[0]
    if (first === undefined || count === 0) return empty
    if (first.length >= count) return this.#cut(first, count)
    const parts: Buffer[] = []
    for (let wanted = count; wanted > 0; ) {
      const part = this.takeSome(wanted)
      parts.push(part)
      wanted -= part.length
    }
    return Buffer.concat(parts, count)
  }

  /** At least one and at most `count` bytes, as they lie; empty when there are none. */
  takeSome(count: number): Buffer {
    const first = this.#chunks[0]
    return first === undefined ? empty : this.#cut(first, Math.min(count, first.length))
  }

  skip(count: number): void {
    for (let left = count; left > 0; ) left -= this.takeSome(left).length
  }

  #cut(first: Buffer, count: number): Buffer {
    this.#length -= count
    if (count === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(count)
    return first.subarray(0, count)
  }
}
