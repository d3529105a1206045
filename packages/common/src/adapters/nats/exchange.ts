import { headers, errors as natsErrors, type RequestOptions } from 'nats'
import { z } from 'zod'
import { messageBytes } from '../../protocol/coordination.ts'
import { messageOf } from '../../runtime/errors.ts'
import type { OpenConnection } from './open-connection.ts'
import { parseMessage } from './parse-message.ts'

/** Why there is no answer. All of these are outcomes to decide on, not errors. */
export type NoAnswer =
  /** Nobody listens on the subject; said at once. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'timeout' }
  /** Not connected, or no longer while the answer was awaited. */
  | { readonly kind: 'disconnected' }
  /** By the server, which does not permit it, or by the link, whose bounds it breaks. */
  | { readonly kind: 'refused'; readonly reason: string }

export type Answer = { readonly kind: 'answer'; readonly data: Uint8Array } | NoAnswer

/** `duplicate`: the stream already had this message id. */
export type Delivery = { readonly kind: 'stored'; readonly duplicate: boolean } | NoAnswer

export interface Question {
  readonly subject: string
  readonly data: Uint8Array
  readonly timeoutMs: number
  /** JetStream stores a message of the same id only once. */
  readonly messageId?: string
}

const storedSchema = z.object({ stream: z.string(), seq: z.number(), duplicate: z.boolean().optional() })
const failedSchema = z.object({ error: z.object({ description: z.string().max(1000) }) })
const publishAnswerSchema = z.union([failedSchema, storedSchema])

/** The payload as JSON, or undefined when it is larger than any message may be. */
export function encodeMessage(payload: unknown): Uint8Array | undefined {
  const data = new TextEncoder().encode(JSON.stringify(payload))
  return data.length > messageBytes ? undefined : data
}

export const tooBig: NoAnswer = { kind: 'refused', reason: `the message has more than ${messageBytes} bytes` }

/** Never throws. */
export async function ask({ nats }: OpenConnection, question: Question): Promise<Answer> {
  const { subject, data, timeoutMs, messageId } = question
  const options: RequestOptions = { timeout: timeoutMs }
  if (messageId !== undefined) {
    options.headers = headers()
    options.headers.set('Nats-Msg-Id', messageId)
  }
  try {
    const { data: answer } = await nats.request(subject, data, options)
    return answer.length > messageBytes ? tooBig : { kind: 'answer', data: answer }
  } catch (error) {
    return noAnswer(error)
  }
}

/** To whoever listens. False when the connection has just ended. */
export function tell({ nats }: OpenConnection, subject: string, data: Uint8Array): boolean {
  if (nats.isClosed()) return false
  nats.publish(subject, data)
  return true
}

/** What JetStream says to a message that it was sent. */
export function toDelivery(answer: Answer): Delivery {
  if (answer.kind !== 'answer') return answer
  const parsed = parseMessage(publishAnswerSchema, answer.data)
  if (!parsed.ok) return { kind: 'refused', reason: `what came back is no confirmation: ${parsed.problem}` }
  if ('error' in parsed.value) return { kind: 'refused', reason: parsed.value.error.description }
  return { kind: 'stored', duplicate: parsed.value.duplicate ?? false }
}

function noAnswer(error: unknown): NoAnswer {
  const cause = error instanceof natsErrors.RequestError && error.cause !== undefined ? error.cause : error
  if (cause instanceof natsErrors.NoRespondersError) return { kind: 'nobody' }
  if (cause instanceof natsErrors.TimeoutError) return { kind: 'timeout' }
  if (cause instanceof natsErrors.PermissionViolationError || cause instanceof natsErrors.InvalidArgumentError) {
    return { kind: 'refused', reason: messageOf(cause) }
  }
  // What is left: the connection was closed before or meanwhile.
  return { kind: 'disconnected' }
}
