import type { Subscription } from 'nats'
import type { Clock } from '../../ports.ts'
import { messageBytes } from '../../protocol/coordination.ts'
import type { Logger } from '../../runtime/logger.ts'
import { encodeMessage } from './exchange.ts'
import type { OpenConnection } from './open-connection.ts'
import type { Refused } from './parse-message.ts'

/** One received message. `data` is nobody else's. */
export interface Incoming {
  readonly subject: string
  readonly data: Uint8Array
  /** There when an answer is awaited. False when it could not be sent: no longer connected, or too large. */
  readonly respond?: (payload: unknown) => boolean
}

/** Called as messages arrive, so it must not take long. What it throws is logged. */
export type Handler = (message: Incoming) => void

/** A server may permit later what it does not permit now. */
const deniedMs = 60_000

interface Entry {
  readonly subject: string
  readonly handler: Handler
  current: Subscription | undefined
}

/** What a link listens to, on one connection after another. */
export class Subscriptions {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #refused: Refused
  readonly #entries = new Set<Entry>()
  #open: OpenConnection | undefined
  #connection = new AbortController()

  constructor({ log, clock, refused }: { log: Logger; clock: Clock; refused: Refused }) {
    this.#log = log
    this.#clock = clock
    this.#refused = refused
  }

  add(subject: string, handler: Handler): Disposable {
    const entry: Entry = { subject, handler, current: undefined }
    this.#entries.add(entry)
    if (this.#open !== undefined) this.#subscribe(this.#open, entry)
    return {
      [Symbol.dispose]: () => {
        this.#entries.delete(entry)
        entry.current?.unsubscribe()
      },
    }
  }

  begin(open: OpenConnection): void {
    this.#open = open
    this.#connection = new AbortController()
    for (const entry of this.#entries) this.#subscribe(open, entry)
  }

  end(): void {
    this.#open = undefined
    this.#connection.abort()
    for (const entry of this.#entries) entry.current = undefined
  }

  #subscribe(open: OpenConnection, entry: Entry): void {
    // Ended already; the link is about to hear of it.
    if (open.nats.isClosed()) return
    entry.current = open.nats.subscribe(entry.subject, {
      callback: (error, message) => {
        if (error !== null) void this.#denied(open, entry, error)
        else this.#deliver(entry, message)
      },
    })
  }

  #deliver({ subject: to, handler }: Entry, message: Message): void {
    const { subject, data, reply } = message
    if (data.length > messageBytes) return this.#refused.note(subject, `${data.length} bytes`)
    const respond = (payload: unknown): boolean => {
      const answer = encodeMessage(payload)
      try {
        return answer !== undefined && message.respond(answer)
      } catch {
        // The connection has been closed meanwhile: whoever asked has noticed it, too.
        return false
      }
    }
    try {
      handler({ subject, data, ...(reply === undefined || reply === '' ? {} : { respond }) })
    } catch (error) {
      this.#log.error(
        { event: 'nats.handler_failed', subject: to, err: error },
        'this is a fault in spansync: report it',
      )
    }
  }

  async #denied(open: OpenConnection, entry: Entry, error: Error): Promise<void> {
    entry.current = undefined
    const fields = { event: 'nats.subscription_denied', subject: entry.subject, reason: error.message }
    this.#log.warn(
      fields,
      'the NATS server permits no subscription: does it have the configuration that was made for it?',
    )
    const { signal } = this.#connection
    await this.#clock.sleep(deniedMs, signal).catch(() => undefined)
    if (!signal.aborted && this.#entries.has(entry)) this.#subscribe(open, entry)
  }
}

interface Message {
  readonly subject: string
  readonly data: Uint8Array
  readonly reply?: string
  respond(payload: Uint8Array): boolean
}
