import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import { Backoff } from '@spansync/common/adapters/nats/backoff'
import type { NatsLink } from '@spansync/common/adapters/nats/nats-link'
import { answers } from '@spansync/common/adapters/nats/open-connection'
import { parseMessage } from '@spansync/common/adapters/nats/parse-message'
import type { Clock } from '@spansync/common/ports'
import { type Report, reportSchema, subjects } from '@spansync/common/protocol/coordination'
import { messageOf, SpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { NatsConnection } from 'nats'
import { openReportStream, reportBytes } from './report-stream.ts'

const batchSize = 200
const farewellMs = 500
/** Between tries to hand over what was not taken. */
const standardRetakeMs = 5000
const retries = { firstMs: 250, longestAtFirstMs: 5000, triesAtFirst: 20, longestMs: 30_000 }

export interface ReportsOptions {
  readonly link: NatsLink
  /** Stores a batch, in the order of arrival. Only when it resolves are they acknowledged; otherwise they come again. The same report can
   *  come twice in any case, for an acknowledgement can be lost: its id tells. */
  readonly handle: (reports: readonly Report[], signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
  /** Copies of the stream in a cluster. */
  readonly replicas?: number
  /** Until what was not taken is handed over again. */
  readonly retakeMs?: number
}

/** Takes the agents' reports out of JetStream, one batch at a time, over as many connections and server restarts as it takes. */
export class Reports implements AsyncDisposable {
  readonly #options: ReportsOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #problem: string | undefined

  constructor(options: ReportsOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('closed'))
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { link, clock } = this.#options
    const backoff = new Backoff(retries, Math.random)
    while (!signal.aborted) {
      await link.whenConnected(signal).catch(() => undefined)
      const nats = link.connection
      if (signal.aborted) return
      try {
        if (nats !== undefined) await this.#consume(nats, signal)
        backoff.reset()
      } catch (error) {
        this.#tell(error)
      }
      // Also after a proper end: the link may take a moment to notice that its connection is gone.
      await clock.sleep(backoff.next(), signal).catch(() => undefined)
    }
  }

  /** Until the connection ends. */
  async #consume(nats: NatsConnection, signal: AbortSignal): Promise<void> {
    const consumer = await openReportStream(nats, this.#options.replicas ?? 1)
    signal.throwIfAborted()
    const messages = await consumer.consume({ max_messages: batchSize, abort_on_missing_resource: true })
    const stop = (): void => messages.stop()
    signal.addEventListener('abort', stop, { once: true })
    this.#problem = undefined
    try {
      await this.#takeBatches(messages, signal)
    } finally {
      signal.removeEventListener('abort', stop)
      messages.stop()
      // Or the server may still hand a report to nobody, and wait a minute before it hands it out again.
      await answers(nats, this.#options.clock, farewellMs)
    }
  }

  async #takeBatches(messages: ConsumerMessages, signal: AbortSignal): Promise<void> {
    let batch: JsMsg[] = []
    for await (const message of messages) {
      batch.push(message)
      if (messages.getPending() > 0 && batch.length < batchSize) continue
      await this.#handOver(batch, signal)
      batch = []
    }
  }

  async #handOver(batch: readonly JsMsg[], signal: AbortSignal): Promise<void> {
    const good: { message: JsMsg; report: Report }[] = []
    for (const message of batch) {
      const report = this.#parse(message)
      if (report === undefined) message.term()
      else good.push({ message, report })
    }
    if (good.length === 0) return
    const { handle, retakeMs = standardRetakeMs } = this.#options
    try {
      await handle(
        good.map(({ report }) => report),
        signal,
      )
      for (const { message } of good) message.ack()
    } catch (error) {
      for (const { message } of good) message.nak(retakeMs)
      if (!signal.aborted) this.#tell(error)
    }
  }

  /** A node reports for itself only: the server permits no other subject, and the subject decides. */
  #parse({ subject, data }: JsMsg): Report | undefined {
    const { refused } = this.#options.link
    const parsed = parseMessage(reportSchema, data, reportBytes)
    if (!parsed.ok) refused.note(subject, parsed.problem)
    else if (parsed.value.node !== subjects.nodeOf(subject))
      refused.note(subject, 'node: another than that of the subject')
    else return parsed.value
    return undefined
  }

  #tell(error: unknown): void {
    const problem = error instanceof SpansyncError ? error.code : messageOf(error)
    // What goes wrong because the connection is gone, the link has told of.
    const level = problem === this.#problem || !this.#options.link.connected ? 'debug' : 'warn'
    this.#problem = problem
    const remedy = error instanceof SpansyncError ? error.remedy : 'nothing needs to be done: it is tried again'
    this.#options.log[level]({ event: 'nats.reports_stopped', err: error }, remedy)
  }
}
