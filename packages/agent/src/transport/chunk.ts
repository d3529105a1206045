import { ByteQueue } from './byte-queue.ts'
import { FramingError } from './errors.ts'
import { maxVarintBytes, putVarint, readVarint } from './varint.ts'

// A connection carries chunks: one flag byte, the length of the payload as a varint, for `zstd` also the length it grows to, and
// the payload. Ends are said in the stream itself, so that a cut connection is never taken for an end.

/** Most bytes that one chunk holds, before compression. */
export const maxChunkBytes = 256 * 1024
/** zstd adds 3 bytes per block and its frame header to what it cannot shrink. */
const maxPayloadBytes = maxChunkBytes + 1024

export const chunkFlags = { raw: 0, zstd: 1, end: 2, abort: 3 } as const
export type ChunkKind = keyof typeof chunkFlags

const kinds: readonly ChunkKind[] = ['raw', 'zstd', 'end', 'abort']

export function chunkHeader(kind: ChunkKind, length: number, rawLength?: number): Buffer {
  const bytes: number[] = [chunkFlags[kind]]
  putVarint(bytes, length)
  if (rawLength !== undefined) putVarint(bytes, rawLength)
  return Buffer.from(bytes)
}

/** A piece of `raw` is handed out as it arrives, also in parts; the others only when whole. */
export interface Piece {
  readonly kind: ChunkKind
  readonly data: Buffer
  readonly rawLength: number
}

interface Header {
  readonly kind: ChunkKind
  readonly length: number
  readonly rawLength: number
}

/** Cuts a byte stream into pieces. Lengths are checked before anything is kept. Throws FramingError, after which it is useless. */
export class ChunkReader {
  readonly #queue = new ByteQueue()
  #header: Header | undefined
  #left = 0

  get buffered(): number {
    return this.#queue.length
  }

  feed(data: Buffer): void {
    this.#queue.push(data)
  }

  /** The last whole piece of what has arrived, without using anything up; undefined when there is none or it is malformed. */
  last(): Piece | undefined {
    const copy = new ChunkReader()
    copy.#header = this.#header
    copy.#left = this.#left
    copy.feed(this.#queue.peek(this.#queue.length))
    let last: Piece | undefined
    try {
      for (let piece = copy.next(); piece !== undefined; piece = copy.next()) last = piece
    } catch {
      return undefined
    }
    return last
  }

  next(): Piece | undefined {
    this.#header ??= this.#readHeader()
    const header = this.#header
    if (header === undefined) return undefined
    if (header.kind === 'raw') return this.#nextRaw(header)
    if (this.#queue.length < header.length) return undefined
    this.#header = undefined
    return { kind: header.kind, rawLength: header.rawLength, data: this.#queue.take(header.length) }
  }

  #nextRaw(header: Header): Piece | undefined {
    if (this.#queue.length === 0) return undefined
    const data = this.#queue.takeSome(this.#left)
    this.#left -= data.length
    if (this.#left === 0) this.#header = undefined
    return { kind: 'raw', data, rawLength: header.length }
  }

  #readHeader(): Header | undefined {
    const data = this.#queue.peek(1 + 2 * maxVarintBytes)
    const flag = data[0]
    if (flag === undefined) return undefined
    const kind = kinds[flag]
    if (kind === undefined) throw new FramingError(`a chunk has the unknown flag ${flag}`)
    const length = readVarint(data, 1)
    if (length === 'incomplete') return undefined
    if (length === 'too_long') throw new FramingError('the length of a chunk is malformed')
    const raw = kind === 'zstd' ? readVarint(data, length.next) : { value: length.value, next: length.next }
    if (raw === 'incomplete') return undefined
    if (raw === 'too_long') throw new FramingError('the length of a chunk is malformed')
    const header = { kind, length: length.value, rawLength: raw.value }
    checkHeader(header)
    this.#queue.skip(raw.next)
    this.#left = header.length
    return header
  }
}

function checkHeader({ kind, length, rawLength }: Header): void {
  if (length > maxPayloadBytes || rawLength > maxPayloadBytes)
    throw new FramingError(`a chunk of ${Math.max(length, rawLength)} bytes is longer than ${maxChunkBytes}`)
  if (kind === 'end' && length !== 0) throw new FramingError('an end carries data')
  if ((kind === 'raw' || kind === 'zstd') && (length === 0 || rawLength === 0))
    throw new FramingError('a chunk is empty')
}
