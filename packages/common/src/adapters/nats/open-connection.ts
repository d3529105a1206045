import { type NatsConnection, errors as natsErrors, nkeyAuthenticator } from 'nats'
import { formatHostPort, type HostPort } from '../../config/values.ts'
import type { Clock } from '../../ports.ts'
import { inboxOf } from '../../protocol/coordination.ts'
import { SpansyncError } from '../../runtime/errors.ts'
import type { Credentials } from './credentials.ts'
import { NatsAuthError, NatsLostError, NatsSilentError, NatsUnreachableError } from './errors.ts'
import { connectSecurely, type SecureTransport } from './secure-transport.ts'

/** Long, so that an idle connection costs next to nothing; a request that times out notices a dead one much earlier. */
const pingIntervalMs = 120_000
const unansweredPings = 2

export interface OpenOptions {
  readonly place: HostPort
  readonly credentials: Credentials
  /** For everything up to the server's first answer. */
  readonly openTimeoutMs: number
  readonly signal: AbortSignal
}

export interface OpenConnection {
  readonly nats: NatsConnection
  /** host:port */
  readonly server: string
  readonly transport: SecureTransport
  /** Why it is over. Never rejects. */
  readonly ended: Promise<SpansyncError>
}

/** The first of the members of a cluster, in this order, that takes the connection. Throws the last one's SpansyncError, or the
 *  signal's reason. */
export async function openAny(
  places: readonly HostPort[],
  options: Omit<OpenOptions, 'place'>,
): Promise<OpenConnection> {
  let problem: unknown
  for (const place of places) {
    try {
      return await openConnection({ place, ...options })
    } catch (error) {
      options.signal.throwIfAborted()
      problem = error
    }
  }
  throw problem
}

/** One connection, without any trying again: that is the link's, which knows why it failed and forgets what waited to be sent. Throws
 *  SpansyncError, or the signal's reason. */
export async function openConnection({
  place,
  credentials,
  openTimeoutMs,
  signal,
}: OpenOptions): Promise<OpenConnection> {
  signal.throwIfAborted()
  let transport: SecureTransport | undefined
  const dialling = new AbortController()
  const abort = (): void => dialling.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    const nats = await connectSecurely({
      servers: formatHostPort(place),
      ignoreClusterUpdates: true,
      // Names are looked up with the dialling, which tries all addresses of both families.
      resolve: false,
      reconnect: false,
      timeout: openTimeoutMs,
      name: credentials.name,
      inboxPrefix: inboxOf(credentials.node),
      authenticator: nkeyAuthenticator(new TextEncoder().encode(credentials.seed.reveal())),
      pingInterval: pingIntervalMs,
      maxPingOut: unansweredPings,
      // A stack for every request is dear, and says only that the link made it.
      noAsyncTraces: true,
      tls: {
        certificate: credentials.server,
        signal: dialling.signal,
        onTransport: (dialled) => {
          transport = dialled
        },
      },
    })
    // The library assigns it before it resolves.
    const used = transport as unknown as SecureTransport
    const ended = nats.closed().then((cause) => {
      signal.removeEventListener('abort', abort)
      return ending(used.server, cause ?? undefined)
    })
    return { nats, server: used.server, transport: used, ended }
  } catch (error) {
    signal.removeEventListener('abort', abort)
    dialling.abort(new Error('given up'))
    signal.throwIfAborted()
    throw opening(formatHostPort(place), openTimeoutMs, error)
  }
}

function opening(server: string, timeoutMs: number, error: unknown): SpansyncError {
  if (error instanceof SpansyncError) return error
  if (isAuth(error)) return new NatsAuthError(server, error)
  if (error instanceof natsErrors.TimeoutError) {
    return new NatsUnreachableError(server, new Error(`no answer within ${timeoutMs} ms`))
  }
  if (error instanceof natsErrors.ProtocolError) return new NatsUnreachableError(server, error)
  // What the library says when the transport ended without a reason of its own.
  return new NatsUnreachableError(server, new Error('it closed the connection'))
}

function ending(server: string, cause: Error | undefined): SpansyncError {
  if (cause instanceof SpansyncError) return cause
  if (isAuth(cause)) return new NatsAuthError(server, cause)
  return new NatsLostError(server, cause)
}

function isAuth(error: unknown): boolean {
  return error instanceof natsErrors.AuthorizationError || error instanceof natsErrors.UserAuthenticationExpiredError
}

/** Ends a connection from which nothing comes back within `ms`: an open TCP connection to a machine that is gone looks alive for
 *  many minutes. Never rejects. */
export async function probe({ nats, server, transport }: OpenConnection, clock: Clock, ms: number): Promise<void> {
  if (await answers(nats, clock, ms)) return
  await transport.close(new NatsSilentError(server, 'answers nothing any more'))
}

/** Whether the server takes and answers all that was sent before, within `ms`; a connection that has ended counts as answered. */
export async function answers(nats: NatsConnection, clock: Clock, ms: number): Promise<boolean> {
  const done = new AbortController()
  const late = clock.sleep(ms, done.signal).then(
    () => false,
    () => true,
  )
  const answer = nats.flush().then(
    () => true,
    () => true,
  )
  const ended = nats.closed().then(() => true)
  const isAnswered = await Promise.race([answer, ended, late])
  done.abort()
  return isAnswered
}
