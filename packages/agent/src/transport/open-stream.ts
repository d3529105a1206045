import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '@spansync/common/ports'
import { type StreamHeader, streamHeaderSchema } from '@spansync/common/protocol/messages'
import { z } from 'zod'
import { withDeadline } from './alarm.ts'
import { CodecDuplex, type CodecOptions } from './codec-duplex.ts'
import { FramingError, LinkClosedError, StreamRefusedError } from './errors.ts'
import { checkPreamble } from './handshake.ts'
import type { Identity } from './identity.ts'
import { encodeNote, encodePreamble, preambleBytes, readExactly, readNote } from './preamble.ts'
import { type DialTarget, dial, type SecureConnection } from './secure.ts'

const openTimeoutMs = 15_000

const answerSchema = z.union([
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), code: z.string().max(64), message: z.string().max(500) }),
])
export type StreamAnswer = z.infer<typeof answerSchema>

export interface OpenStreamOptions {
  readonly identity: Identity
  readonly clock: Clock
  readonly target: DialTarget
  readonly protocol: number
  readonly header: StreamHeader
  readonly signal: AbortSignal
  readonly onSocket: (socket: Socket) => void
}

/** Dials, names the stream, and waits until the far side takes it. Throws StreamRefusedError besides what `dial` throws. */
export async function openStream(options: OpenStreamOptions): Promise<SecureConnection> {
  const { clock, target, protocol, header, signal } = options
  const connection = await dial(options)
  const { tls } = connection
  const late = (): Error => new LinkClosedError('peer_silent', `${target.name} did not answer within 15 s`)
  try {
    await withDeadline({ clock, ms: openTimeoutMs, signal, late }, async (limit) => {
      tls.write(Buffer.concat([encodePreamble({ kind: 'stream', protocol }), encodeNote(header)]))
      const preamble = await readExactly(tls, preambleBytes, limit)
      if (preamble === 'closed')
        throw new StreamRefusedError('closed_by_peer', `${target.name} closed the connection of a new stream`)
      checkPreamble(preamble, target.name, protocol)
      const answer = answerSchema.safeParse(await readNote(tls, limit))
      if (!answer.success) throw new FramingError(`${target.name} answered a new stream with something else`)
      if (!answer.data.ok) throw new StreamRefusedError(answer.data.code, answer.data.message)
    })
    return connection
  } catch (error) {
    tls.destroy()
    throw error
  }
}

/** The header on an inbound stream connection, after its preamble. */
export async function readStreamHeader(connection: SecureConnection, signal: AbortSignal): Promise<StreamHeader> {
  const header = streamHeaderSchema.safeParse(await readNote(connection.tls, signal))
  if (!header.success) throw new FramingError('the header of a stream is malformed')
  return header.data
}

/** Answers the header, and hangs up when the answer is no. */
export function answerStream(connection: SecureConnection, protocol: number, answer: StreamAnswer): void {
  const bytes = Buffer.concat([encodePreamble({ kind: 'stream', protocol }), encodeNote(answer)])
  if (answer.ok) connection.tls.write(bytes)
  else connection.tls.end(bytes, () => connection.tls.destroy())
}

export function streamCodec(connection: SecureConnection, options: Omit<CodecOptions, 'mode'>): Duplex {
  const stream = new CodecDuplex(connection.tls, { ...options, mode: 'adaptive' })
  // A lost connection must not end the whole process because somebody does not listen at that moment; `close` tells too.
  stream.on('error', () => undefined)
  return stream
}
