import { constants } from 'node:crypto'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { idOfCertificate } from '@spansync/common/adapters/certificate/lineage'
import { formatHostPort, parseHostPort } from '@spansync/common/config/values'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Clock } from '@spansync/common/ports'
import { withDeadline } from './alarm.ts'
import { BadAddressError, UnreachableError, WrongFingerprintError } from './errors.ts'
import type { Identity } from './identity.ts'

/** A connection after its handshake: `raw` is the TCP socket below, which counts the bytes on the wire. */
export interface SecureConnection {
  readonly tls: TLSSocket
  readonly raw: Socket
  readonly peer: NodeId
}

const connectTimeoutMs = 10_000

/** The same for both roles. X25519 only: the hybrid with ML-KEM would add 2.3 KB to every connection. */
export function tlsOptions(identity: Identity): SecureContextOptions {
  return {
    key: identity.key,
    cert: identity.cert,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
    ecdhCurve: 'X25519:P-256',
    // Sessions are never resumed: the pin is checked in every handshake. This keeps tickets small.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/** The id that this socket's far end has proved to hold the key of; undefined when it showed no certificate. */
export function peerIdOf(socket: TLSSocket): NodeId | undefined {
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : idOfCertificate(certificate.raw)
}

/** A name for a connection that both its ends know, and nobody else; undefined when it is closed already. */
export function nameOfConnection({ tls }: SecureConnection): string | undefined {
  if (tls.destroyed) return undefined
  return tls.exportKeyingMaterial(16, 'EXPERIMENTAL-spansync-link', Buffer.alloc(0)).toString('hex')
}

/** `host:port`, with IPv4 as IPv4. */
export function farEndOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return formatHostPort({ host: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), port: remotePort })
}

export interface DialTarget {
  readonly id: NodeId
  readonly name: string
  readonly address: string
}

export interface DialOptions {
  readonly identity: Identity
  readonly clock: Clock
  readonly target: DialTarget
  readonly signal: AbortSignal
  /** Told of the TCP socket as soon as there is one, so that its bytes are counted whatever comes of it. */
  readonly onSocket: (socket: Socket) => void
}

/** Connects and checks that what answers is exactly the expected peer, before anything is sent beyond the handshake. `connectMs` is
 *  one round trip. Throws BadAddressError, UnreachableError, WrongFingerprintError, or the signal's reason. */
export async function dial(options: DialOptions): Promise<SecureConnection & { connectMs: number }> {
  const { identity, clock, target, signal } = options
  const { name, address } = target
  const place = parseHostPort(address)
  if (place === undefined || place.port === 0) throw new BadAddressError(name, address)
  const late = (): Error => new UnreachableError({ name, address, cause: new Error('no answer within 10 s') })
  return withDeadline({ clock, ms: connectTimeoutMs, signal, late }, async (limit) => {
    const raw = createConnection({ ...place, noDelay: true })
    raw.on('error', () => undefined)
    options.onSocket(raw)
    const startedAt = performance.now()
    await settled(raw, 'connect', limit, target)
    const connectMs = performance.now() - startedAt
    const tls = connectTls({
      socket: raw,
      ...tlsOptions(identity),
      // No authority signs these certificates: the pin below is the check. No server name either, which goes unencrypted.
      rejectUnauthorized: false,
      servername: '',
    })
    tls.on('error', () => undefined)
    await settled(tls, 'secureConnect', limit, target)
    // Once: at a dialling socket Node has it no more the second time.
    const certificate = tls.getPeerX509Certificate()?.raw
    const found = certificate && idOfCertificate(certificate)
    if (found !== target.id) {
      tls.destroy()
      throw new WrongFingerprintError({ name, address, expected: target.id, found: found ?? 'none', certificate })
    }
    return { tls, raw, peer: found, connectMs }
  })
}

/** Until the event; destroys the socket when it does not come. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
  target: DialTarget,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      socket.off(event, succeed)
      socket.off('error', fail)
      socket.off('close', closed)
      signal.removeEventListener('abort', abort)
      act()
    }
    const succeed = (): void => finish(resolve)
    const stop = (error: unknown): void =>
      finish(() => {
        socket.destroy()
        reject(error)
      })
    const fail = (cause: Error): void => stop(new UnreachableError({ ...target, cause: plain(cause) }))
    const closed = (): void => fail(new Error('the connection was closed during the handshake'))
    const abort = (): void => stop(signal.reason)
    if (signal.aborted) return abort()
    socket.on(event, succeed)
    socket.on('error', fail)
    socket.on('close', closed)
    signal.addEventListener('abort', abort)
  })
}

/** Trying several addresses of one name fails with all their errors together: the first says enough. */
function plain(cause: Error): Error {
  const [first] = cause instanceof AggregateError ? cause.errors : []
  return first instanceof Error ? first : cause
}
