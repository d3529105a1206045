import type { Duplex } from 'node:stream'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { CodecDuplex, type CodecOptions } from './codec-duplex.ts'
import { encodeFrame, type Frame, type FrameKind, FrameReader } from './control-frame.ts'
import { LinkClosedError } from './errors.ts'
import type { TokenBucket } from './token-bucket.ts'

export interface ControlChannelOptions {
  readonly preamble: Buffer
  /** Checks the far end's preamble, when it has not been read yet. */
  readonly greeting?: CodecOptions['greeting']
  /** Charged, never waited for: control messages go first. */
  readonly up?: TokenBucket | undefined
}

/** Frames both ways over one connection. All frames sent in one turn of the event loop share one compressed burst and one TLS
 *  record. Without a handler nothing is read. */
export class ControlChannel {
  readonly #codec: CodecDuplex
  readonly #reader = new FrameReader()
  #handler: ((frame: Frame) => void) | undefined
  #outgoing: Buffer[] = []
  #outgoingBytes = 0
  #scheduled = false
  #closed: SpansyncError | undefined
  #drained = 0
  /** Bytes on the wire, below compression. */
  onReceived: ((bytes: number) => void) | undefined
  onSent: ((bytes: number) => void) | undefined
  /** Called once, with the reason. */
  onClose: ((reason: SpansyncError) => void) | undefined

  constructor(carrier: Duplex, options: ControlChannelOptions) {
    const onSent = (bytes: number): void => {
      options.up?.charge(bytes)
      this.onSent?.(bytes)
    }
    this.#codec = new CodecDuplex(carrier, {
      mode: 'always',
      preamble: options.preamble,
      greeting: options.greeting,
      onReceived: (bytes) => this.onReceived?.(bytes),
      onSent,
    })
    this.#codec.on('data', (data: Buffer) => this.#receive(data))
    this.#codec.on('end', () => this.#finish(new LinkClosedError('closed_by_peer', 'the peer closed the link')))
    this.#codec.on('error', (error) => this.#finish(toSpansyncError(error)))
    this.#codec.on('close', () => this.#finish(new LinkClosedError('connection_lost', 'the connection was lost')))
  }

  get closed(): SpansyncError | undefined {
    return this.#closed
  }

  /** Bytes that wait here, in the codec or in the socket. */
  get queuedBytes(): number {
    return this.#outgoingBytes + this.#codec.unsentBytes
  }

  /** How many bursts have left; it standing still while bytes are queued means that the peer does not read. */
  get drained(): number {
    return this.#drained
  }

  send(kind: FrameKind, payload?: Buffer): void {
    if (this.#closed !== undefined) return
    const frame = encodeFrame(kind, payload)
    this.#outgoing.push(frame)
    this.#outgoingBytes += frame.length
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#flush())
  }

  /** The next frame, for the handshake. Rejects with the reason when the channel closes or the signal aborts. */
  nextFrame(signal: AbortSignal): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(this.#closed ?? signal.reason)
      if (this.#closed !== undefined || signal.aborted) return fail()
      signal.addEventListener('abort', fail, { once: true })
      this.onClose = fail
      this.deliverTo((frame) => {
        signal.removeEventListener('abort', fail)
        this.onClose = undefined
        this.deliverTo(undefined)
        resolve(frame)
      })
    })
  }

  deliverTo(handler: ((frame: Frame) => void) | undefined): void {
    this.#handler = handler
    if (handler === undefined) this.#codec.pause()
    else this.#codec.resume()
    this.#deliver()
  }

  /** Says why, if the peer takes it at once, and hangs up. */
  close(reason: SpansyncError, { tell = true }: { tell?: boolean } = {}): void {
    if (this.#closed !== undefined) return
    if (!tell || this.#codec.isClogged) {
      this.#finish(reason)
      return
    }
    const { code, message } = reason
    const bye = encodeFrame('bye', Buffer.from(JSON.stringify({ code, message: message.slice(0, 500) })))
    const last = Buffer.concat([...this.#outgoing.splice(0), bye])
    this.#closed = reason
    this.#codec.write(last, () => this.#codec.destroy())
    this.onClose?.(reason)
  }

  #flush(): void {
    this.#scheduled = false
    if (this.#outgoing.length === 0 || this.#codec.destroyed) return
    const burst = this.#outgoing.length === 1 && this.#outgoing[0] ? this.#outgoing[0] : Buffer.concat(this.#outgoing)
    this.#outgoing = []
    this.#outgoingBytes = 0
    this.#codec.write(burst, () => {
      this.#drained += 1
    })
  }

  #receive(data: Buffer): void {
    this.#reader.feed(data)
    this.#deliver()
  }

  #deliver(): void {
    try {
      while (this.#handler !== undefined && this.#closed === undefined) {
        const frame = this.#reader.next()
        if (frame === undefined) return
        this.#handler(frame)
      }
    } catch (error) {
      this.#finish(toSpansyncError(error))
    }
  }

  #finish(reason: SpansyncError): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    this.#codec.kill(reason)
    this.onClose?.(reason)
  }
}
