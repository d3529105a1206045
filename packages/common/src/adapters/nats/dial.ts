import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { formatHostPort, type HostPort } from '../../config/values.ts'
import { errnoOf } from '../../runtime/errors.ts'
import { NatsCertificateError, NatsPlainError, NatsProtocolError, NatsUnreachableError } from './errors.ts'

/** A server's greeting is some 500 bytes; a cluster's, with the addresses of all its members, a few thousand. */
const greetingBytes = 64 * 1024

export interface DialOptions {
  readonly place: HostPort
  /** As in Credentials. */
  readonly certificate: string | null
  readonly signal: AbortSignal
}

export interface Dialled {
  readonly tls: TLSSocket
  /** The TCP socket below: it counts the bytes on the wire. */
  readonly raw: Socket
  /** What the server said before TLS began: one line, `INFO {…}`. */
  readonly greeting: Uint8Array
}

/** NATS begins in the clear: the server greets, then both go over to TLS. Nothing is sent before the server has proved who it is,
 *  and the greeting is all that is taken from the clear part: what else somebody on the way may have put behind it would be read as
 *  if it had come through TLS. Throws NatsUnreachableError, NatsPlainError, NatsCertificateError, NatsProtocolError, or the signal's
 *  reason. */
export async function dial({ place, certificate, signal }: DialOptions): Promise<Dialled> {
  signal.throwIfAborted()
  const server = formatHostPort(place)
  const raw = createConnection({ ...place, noDelay: true })
  // Whoever waits hears of it from `once`; later there is the close event.
  raw.on('error', ignore)
  try {
    await once(raw, 'connect', { signal })
    const greeting = await readGreeting(raw, server, signal)
    const tls = await secure(raw, { place, certificate, signal })
    return { tls, raw, greeting }
  } catch (error) {
    raw.destroy()
    signal.throwIfAborted()
    throw isOurs(error) ? error : new NatsUnreachableError(server, plain(error))
  }
}

async function readGreeting(raw: Socket, server: string, signal: AbortSignal): Promise<Uint8Array> {
  let text = Buffer.alloc(0)
  while (!text.includes('\n')) {
    if (text.length > greetingBytes) throw new NatsProtocolError(server, 'its greeting has no end')
    text = Buffer.concat([text, await nextChunk(raw, signal)])
  }
  if (text.indexOf('\n') !== text.length - 1) throw new NatsProtocolError(server, 'it says more than its greeting')
  if (!isGreeting(text)) throw new NatsProtocolError(server, 'it does not greet')
  if (!/"tls_(?:required|available)":\s*true/.test(text.toString('latin1'))) throw new NatsPlainError(server)
  return text
}

/** And leaves the socket paused, so that nothing is read before TLS has taken over. */
async function nextChunk(raw: Socket, signal: AbortSignal): Promise<Buffer> {
  const limit = new AbortController()
  const closed = (): void => limit.abort(new Error('it closed the connection'))
  raw.once('close', closed)
  try {
    if (raw.destroyed) closed()
    const arrival = once(raw, 'data', { signal: AbortSignal.any([signal, limit.signal]) })
    raw.resume()
    const [chunk] = (await arrival) as [Buffer]
    raw.pause()
    return chunk
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error
  } finally {
    raw.off('close', closed)
  }
}

function isGreeting(text: Buffer): boolean {
  try {
    return typeof JSON.parse(/^INFO\s+(\{.*\})\s*$/.exec(text.toString('utf8'))?.[1] ?? '') === 'object'
  } catch {
    return false
  }
}

async function secure(raw: Socket, { place, certificate, signal }: DialOptions): Promise<TLSSocket> {
  const server = formatHostPort(place)
  const tls = connectTls({
    socket: raw,
    host: place.host,
    minVersion: 'TLSv1.3',
    ...(isIP(place.host) === 0 ? { servername: place.host } : {}),
    // A pinned certificate is compared below, whatever names and dates are in it and whatever this machine's clock says.
    rejectUnauthorized: certificate === null,
  })
  tls.on('error', ignore)
  // A server that hangs up during the handshake need not be an error to the TLS socket.
  const limit = new AbortController()
  tls.once('close', () => limit.abort(new Error('it closed the connection')))
  try {
    await once(tls, 'secureConnect', { signal: AbortSignal.any([signal, limit.signal]) })
  } catch (error) {
    const cause = limit.signal.aborted && errnoOf(error) === 'ABORT_ERR' ? limit.signal.reason : error
    tls.destroy()
    if (tls.authorizationError) throw new NatsCertificateError(server, plain(cause).message, cause)
    throw cause
  }
  if (certificate !== null && !isPinned(tls, certificate)) {
    tls.destroy()
    throw new NatsCertificateError(server, 'its certificate is not the one in the credentials')
  }
  return tls
}

function isPinned(tls: TLSSocket, certificate: string): boolean {
  return tls.getPeerX509Certificate()?.raw.equals(new X509Certificate(certificate).raw) === true
}

function isOurs(error: unknown): boolean {
  return [NatsPlainError, NatsCertificateError, NatsProtocolError].some((kind) => error instanceof kind)
}

/** Trying several addresses of one name fails with all their errors together: the first says enough. */
function plain(error: unknown): Error {
  const first = error instanceof AggregateError ? error.errors[0] : error
  return first instanceof Error ? first : new Error(String(first))
}

function ignore(): void {}
