import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { errnoOf } from '@spansync/common/runtime/errors'
import { CannotListenError, PortInUseError } from './errors.ts'
import type { Identity } from './identity.ts'
import { peerIdOf, type SecureConnection, tlsOptions } from './secure.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Strangers can hold this many connections in the handshake, each for this long. */
const maxHandshakes = 128
const handshakeTimeoutMs = 10_000

/** Takes connections and hands them on when the handshake is done. Whoever showed no certificate is dropped. */
export class Listener {
  readonly #tls: TlsServer
  readonly #onSecure: (connection: SecureConnection) => void
  /** TCP sockets whose handshake is under way, by their far end. */
  readonly #pending = new Map<string, Socket>()
  #server: Server | undefined

  constructor(identity: Identity, onSecure: (connection: SecureConnection) => void) {
    this.#onSecure = onSecure
    this.#tls = createTlsServer({
      ...tlsOptions(identity),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
    })
    this.#tls.on('secureConnection', (socket) => this.#secured(socket))
    this.#tls.on('tlsClientError', (_error, socket) => socket.destroy())
  }

  /** undefined while not listening. */
  get port(): number | undefined {
    const address = this.#server?.address()
    return typeof address === 'object' && address !== null ? address.port : undefined
  }

  /** Throws PortInUseError or CannotListenError. */
  async open({ host, port }: ListenAddress): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(
          errnoOf(cause) === 'EADDRINUSE'
            ? new PortInUseError({ host, port, cause })
            : new CannotListenError({ host, port, cause }),
        ),
      )
      server.listen({ host, port }, resolve)
    })
    // Later errors, such as too many open files, cost one connection and nothing else.
    server.on('error', () => undefined)
    this.#server = server
  }

  /** Connections that are up stay. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#pending.values()) socket.destroy()
    if (server === undefined) return
    // `close` calls back only when the last connection is gone, but the port is free at once.
    server.close()
  }

  #accept(socket: Socket): void {
    const key = farEnd(socket)
    socket.on('error', () => undefined)
    if (key === undefined) {
      socket.destroy()
      return
    }
    if (this.#pending.size >= maxHandshakes) this.#dropOldest()
    this.#pending.set(key, socket)
    socket.once('close', () => {
      if (this.#pending.get(key) === socket) this.#pending.delete(key)
    })
    this.#tls.emit('connection', socket)
  }

  /** Of many that knock and do not come in, the patient ones are not ours. */
  #dropOldest(): void {
    const [oldest] = this.#pending
    if (oldest === undefined) return
    this.#pending.delete(oldest[0])
    oldest[1].destroy()
  }

  #secured(tls: TLSSocket): void {
    tls.on('error', () => undefined)
    const key = farEnd(tls)
    const raw = key === undefined ? undefined : this.#pending.get(key)
    if (key !== undefined) this.#pending.delete(key)
    const peer = peerIdOf(tls)
    if (raw === undefined || peer === undefined) {
      tls.destroy()
      return
    }
    this.#onSecure({ tls, raw, peer })
  }
}

function farEnd(socket: Socket): string | undefined {
  return socket.remoteAddress === undefined ? undefined : `${socket.remoteAddress} ${socket.remotePort}`
}
