import { ByteQueue } from './byte-queue.ts'
import { FramingError } from './errors.ts'
import { decodePair, encodePair, maxVarintBytes, putVarint, readVarint } from './varint.ts'

// Inside the control channel: one byte of kind, the length as a varint, the payload.

export const maxFrameBytes = 4 * 1024 * 1024

/** All but messages are short. */
export const maxNoteBytes = 4096

/** `alive` says nothing but that the sender is there: the answer to much data that needs no other. `bye` says why it hangs up. `train`,
 *  `filler` and `train_seen` measure the link, and go only to peers that say that they know them; so do `take` (what was a trial is the
 *  link from now on) and `moved` (the sender's messages go on over the newer connection, this was the last). */
const kinds = ['message', 'ping', 'pong', 'alive', 'bye', 'train', 'filler', 'train_seen', 'take', 'moved'] as const
export type FrameKind = (typeof kinds)[number]

export interface Frame {
  readonly kind: FrameKind
  readonly payload: Buffer
}

const nothing = Buffer.alloc(0)

export function encodeFrame(kind: FrameKind, payload: Buffer = nothing): Buffer {
  const head: number[] = [kinds.indexOf(kind)]
  putVarint(head, payload.length)
  return Buffer.concat([Buffer.from(head), payload])
}

/** Throws FramingError, after which it is useless. */
export class FrameReader {
  readonly #queue = new ByteQueue()

  feed(data: Buffer): void {
    this.#queue.push(data)
  }

  next(): Frame | undefined {
    const head = this.#queue.peek(1 + maxVarintBytes)
    if (head.length < 2) return undefined
    const kind = kinds[head[0] ?? kinds.length]
    if (kind === undefined) throw new FramingError(`a frame has the unknown kind ${head[0]}`)
    const length = readVarint(head, 1)
    if (length === 'incomplete') return undefined
    if (length === 'too_long' || length.value > maxFrameBytes)
      throw new FramingError(`a frame is longer than ${maxFrameBytes} bytes`)
    if (kind !== 'message' && length.value > maxNoteBytes) throw new FramingError(`a frame of kind ${kind} is too long`)
    if (this.#queue.length < length.next + length.value) return undefined
    this.#queue.skip(length.next)
    return { kind, payload: this.#queue.take(length.value) }
  }
}

/** A ping carries the sender's round trip time as far as it knows it, so that the side that rarely asks knows it too. */
export interface Ping {
  readonly sequence: number
  readonly rttMs: number | undefined
}

export function encodePing({ sequence, rttMs }: Ping): Buffer {
  const hundredths = rttMs === undefined ? 0 : Math.max(1, Math.min(0xfffffff, Math.round(rttMs * 100)))
  return encodePair(sequence % 0x4000, hundredths)
}

export function decodePing(payload: Buffer): Ping | undefined {
  const pair = decodePair(payload)
  if (pair === undefined) return undefined
  const [sequence, hundredths] = pair
  return { sequence, rttMs: hundredths === 0 ? undefined : hundredths / 100 }
}
