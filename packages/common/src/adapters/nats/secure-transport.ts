import type { TlsOptions, Transport } from 'nats'
import { type ConnectionOptions, type NatsConnection, NatsConnectionImpl, type Server, setTransportFactory } from 'nats'
import { formatHostPort } from '../../config/values.ts'
import { coordinationVersion } from '../../protocol/coordination.ts'
import { type Dialled, dial } from './dial.ts'
import { NatsSilentError } from './errors.ts'

/** Answers to requests are not counted by anybody else; a server that takes nothing for so many bytes is gone. */
const longestBacklogBytes = 16 * 1024 * 1024

/** What a connection is to be made with. It travels in the `tls` option, which the library hands on unread. */
export interface SecureOptions extends TlsOptions {
  /** As in Credentials. */
  readonly certificate: string | null
  readonly signal: AbortSignal
  /** Of the server being dialled. */
  readonly onTransport: (transport: SecureTransport) => void
}

/** The library's own transport for Node is not used: it reads what came before TLS as if it had come through it, forgets sockets
 *  that a server keeps silent, and tells nobody how much waits to be sent. */
export function connectSecurely(options: ConnectionOptions & { tls: SecureOptions }): Promise<NatsConnection> {
  // One for the whole process: every connection of ours goes through here.
  setTransportFactory({ factory: () => new SecureTransport() })
  return NatsConnectionImpl.connect(options)
}

export class SecureTransport implements Transport {
  // What the server's monitoring shows.
  readonly lang = 'spansync'
  readonly version = String(coordinationVersion)
  closeError?: Error
  readonly #closed = Promise.withResolvers<Error | undefined>()
  readonly #abort = new AbortController()
  #server = ''
  #dialled: Dialled | undefined
  #chunks: Uint8Array[] = []
  #more = Promise.withResolvers<void>()

  get isClosed(): boolean {
    return this.#abort.signal.aborted
  }

  /** host:port */
  get server(): string {
    return this.#server
  }

  /** Of this end. */
  get localAddress(): string | undefined {
    return this.#dialled?.raw.localAddress
  }

  /** Bytes that wait to be sent. */
  get backlog(): number {
    return this.#dialled?.tls.writableLength ?? 0
  }

  /** On the wire, with TLS and without TCP's own part. */
  get wireBytes(): { sent: number; received: number } {
    const raw = this.#dialled?.raw
    return { sent: raw?.bytesWritten ?? 0, received: raw?.bytesRead ?? 0 }
  }

  async connect({ hostname, port }: Server, { tls }: ConnectionOptions): Promise<void> {
    const { certificate, signal, onTransport } = tls as SecureOptions
    this.#server = formatHostPort({ host: hostname, port })
    onTransport(this)
    const limit = AbortSignal.any([signal, this.#abort.signal])
    const dialled = await dial({ place: { host: hostname, port }, certificate, signal: limit })
    this.#dialled = dialled
    this.#push(dialled.greeting)
    dialled.tls.on('data', (chunk: Buffer) => this.#push(chunk))
    dialled.tls.on('close', () => this.#end())
    signal.addEventListener('abort', () => this.#end(signal.reason), { once: true })
    if (dialled.tls.destroyed) this.#end()
  }

  send(frame: Uint8Array): void {
    if (this.isClosed) return
    this.#dialled?.tls.write(frame)
    if (this.backlog > longestBacklogBytes) this.#end(new NatsSilentError(this.#server, 'takes nothing any more'))
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    for (;;) {
      const chunks = this.#chunks
      this.#chunks = []
      yield* chunks
      if (this.#chunks.length > 0) continue
      if (this.isClosed) return
      await this.#more.promise
      this.#more = Promise.withResolvers()
    }
  }

  isEncrypted(): boolean {
    return this.#dialled !== undefined
  }

  async close(error?: Error): Promise<void> {
    this.#end(error)
  }

  disconnect(): void {
    this.#end()
  }

  discard(): void {
    this.#end()
  }

  /** Without an error when the far end closed it: what the server said before that, if anything, is the better reason. */
  closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#more.resolve()
  }

  #end(error?: Error): void {
    if (this.isClosed) return
    if (error !== undefined) this.closeError = error
    this.#abort.abort(error ?? new Error('closed'))
    this.#dialled?.tls.destroy()
    this.#more.resolve()
    this.#closed.resolve(this.closeError)
  }
}
