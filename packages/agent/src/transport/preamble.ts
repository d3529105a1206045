import type { Readable } from 'node:stream'
import { LinkClosedError } from './errors.ts'

/** What a connection is for: the one control channel of a link, one stream, or a machine that wants to join. */
export type ConnectionKind = 'control' | 'stream' | 'join'

export interface Preamble {
  readonly kind: ConnectionKind
  readonly protocol: number
}

const magic = 'SPAN'
export const preambleBytes = 6
const kindBytes = { control: 'C', stream: 'S', join: 'J' } as const

/** First six bytes of both directions of a connection. Their form never changes, so any two versions can tell each other which
 *  they are. */
export function encodePreamble({ kind, protocol }: Preamble): Buffer {
  return Buffer.concat([Buffer.from(magic + kindBytes[kind], 'latin1'), Buffer.of(protocol)])
}

/** undefined when these bytes are something else. */
export function decodePreamble(bytes: Buffer): Preamble | undefined {
  const [kindByte, protocol] = [String.fromCharCode(bytes[4] ?? 0), bytes[5]]
  if (bytes.toString('latin1', 0, 4) !== magic || protocol === undefined) return undefined
  const kind = (['control', 'stream', 'join'] as const).find((one) => kindBytes[one] === kindByte)
  return kind && { kind, protocol }
}

/** Exactly `count` bytes from the front of a stream nobody else reads; the rest stays in it. `closed` when it ends before. */
export function readExactly(stream: Readable, count: number, signal: AbortSignal): Promise<Buffer | 'closed'> {
  return new Promise((resolve, reject) => {
    const events = ['readable', 'end', 'close', 'error'] as const
    const finish = (act: () => void): void => {
      for (const event of events) stream.off(event, attempt)
      signal.removeEventListener('abort', attempt)
      act()
    }
    const attempt = (): void => {
      const data: Buffer | null = signal.aborted || stream.destroyed ? null : stream.read(count)
      if (signal.aborted) finish(() => reject(signal.reason))
      else if (data?.length === count) finish(() => resolve(data))
      else if (data !== null || stream.destroyed || stream.readableEnded) finish(() => resolve('closed'))
    }
    for (const event of events) stream.on(event, attempt)
    signal.addEventListener('abort', attempt)
    attempt()
  })
}

/** Most bytes of a stream's header or the answer to it. */
const maxNoteBytes = 16 * 1024

/** A short JSON value before the stream proper: two bytes of length, then the text. */
export function encodeNote(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value))
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return Buffer.concat([length, text])
}

/** undefined when it is not JSON or too long. Throws LinkClosedError when the connection ends before. */
export async function readNote(stream: Readable, signal: AbortSignal): Promise<unknown> {
  const length = (await readOrLose(stream, 2, signal)).readUInt16BE()
  if (length > maxNoteBytes) return undefined
  const text = await readOrLose(stream, length, signal)
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
}

async function readOrLose(stream: Readable, count: number, signal: AbortSignal): Promise<Buffer> {
  const bytes = await readExactly(stream, count, signal)
  if (bytes === 'closed')
    throw new LinkClosedError('connection_lost', 'the connection ended before the stream was open')
  return bytes
}
