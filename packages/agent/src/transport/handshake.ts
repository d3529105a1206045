import type { Clock } from '@spansync/common/ports'
import { helloSchema, type MessageOf } from '@spansync/common/protocol/messages'
import { type SpansyncError, toSpansyncError } from '@spansync/common/runtime/errors'
import { withDeadline } from './alarm.ts'
import { ControlChannel, type ControlChannelOptions } from './control-channel.ts'
import type { Frame } from './control-frame.ts'
import { FramingError, LinkClosedError, NotAcceptedError, ProtocolMismatchError } from './errors.ts'
import { decodePreamble, encodePreamble, preambleBytes } from './preamble.ts'
import type { SecureConnection } from './secure.ts'

export type Hello = MessageOf<'hello'>

const helloTimeoutMs = 15_000

export interface HandshakeOptions {
  readonly connection: SecureConnection
  readonly clock: Clock
  /** What this node calls the peer, for messages. */
  readonly name: string
  readonly protocol: number
  readonly signal?: AbortSignal | undefined
  readonly channel: Omit<ControlChannelOptions, 'preamble' | 'greeting'>
}

export interface Greeted {
  readonly channel: ControlChannel
  readonly hello: Hello
}

/** The dialling side: says hello first. The far side answers with its own when it takes the link, else with a `bye`. Throws
 *  NotAcceptedError, ProtocolMismatchError, LinkClosedError, FramingError, or the signal's reason. */
export async function greetFirst(
  options: HandshakeOptions & { hello: Hello; address: string; ownId: string; onOffered: () => void },
): Promise<Greeted> {
  const { connection, name, address, hello, protocol } = options
  let answered = false
  const check = (bytes: Buffer): void => {
    answered = true
    checkPreamble(bytes, name, protocol)
  }
  const channel = new ControlChannel(connection.tls, {
    ...options.channel,
    preamble: encodePreamble({ kind: 'control', protocol }),
    greeting: { bytes: preambleBytes, check },
  })
  options.onOffered()
  channel.send('message', Buffer.from(JSON.stringify(hello)))
  try {
    return { channel, hello: await awaitHello(channel, options) }
  } catch (error) {
    const silent = !answered && error instanceof LinkClosedError && error.code === 'connection_lost'
    throw silent ? new NotAcceptedError({ name, address, ownId: options.ownId, ownName: hello.name }) : error
  }
}

/** The side that was dialled, after the preamble: waits for the hello. Whoever takes the link answers with its own. */
export async function greetSecond(options: HandshakeOptions): Promise<Greeted> {
  const { connection, protocol } = options
  const preamble = encodePreamble({ kind: 'control', protocol })
  const channel = new ControlChannel(connection.tls, { ...options.channel, preamble })
  return { channel, hello: await awaitHello(channel, options) }
}

async function awaitHello(channel: ControlChannel, options: HandshakeOptions): Promise<Hello> {
  const { clock, name, protocol, signal } = options
  const late = (): Error => new LinkClosedError('peer_silent', `${name} did not say hello within 15 s`)
  try {
    const hello = await withDeadline({ clock, ms: helloTimeoutMs, signal, late }, async (limit) =>
      parseHello(await channel.nextFrame(limit)),
    )
    if (hello.protocol !== protocol) throw new ProtocolMismatchError({ name, own: protocol, theirs: hello.protocol })
    return hello
  } catch (error) {
    channel.close(toSpansyncError(error), { tell: false })
    throw error
  }
}

function parseHello(frame: Frame): Hello {
  if (frame.kind === 'bye') throw parseBye(frame.payload)
  const hello = frame.kind === 'message' ? helloSchema.safeParse(parseJson(frame.payload)) : undefined
  if (!hello?.success) throw new FramingError('the first message is not a valid hello')
  return hello.data
}

/** Why the peer hung up, in its own words. */
export function parseBye(payload: Buffer): SpansyncError {
  const value = parseJson(payload)
  const { code, message } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const text = typeof message === 'string' ? message.slice(0, 500) : 'no reason given'
  if (code === 'duplicate' || code === 'replaced' || code === 'shutdown' || code === 'peer_removed')
    return new LinkClosedError(code, `the peer closed the link: ${text}`)
  return new LinkClosedError('closed_by_peer', `the peer closed the link: ${text}`)
}

/** undefined when it is not JSON. */
export function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Throws FramingError or ProtocolMismatchError. */
export function checkPreamble(bytes: Buffer, name: string, own: number): void {
  const preamble = decodePreamble(bytes)
  if (preamble === undefined) throw new FramingError(`${name} does not speak this protocol`)
  if (preamble.protocol !== own) throw new ProtocolMismatchError({ name, own, theirs: preamble.protocol })
}
