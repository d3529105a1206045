import { randomBytes } from 'node:crypto'
import { type Credentials, publicKeyOf, readCredentials } from '@spansync/common/adapters/nats/credentials'
import { createNatsLink, type NatsLink } from '@spansync/common/adapters/nats/nats-link'
import { parseMessage } from '@spansync/common/adapters/nats/parse-message'
import type { Incoming } from '@spansync/common/adapters/nats/subscriptions'
import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Orders } from '@spansync/common/core/follow/orders'
import { type Snapshot, StateDeltas, type StateMessage } from '@spansync/common/core/follow/state-deltas'
import type { Clock } from '@spansync/common/ports'
import {
  beatSchema,
  type NetworkMode,
  neighboursSchema,
  type Order,
  type OrderAnswer,
  orderSchema,
  stateAnswerSchema,
  subjects,
} from '@spansync/common/protocol/coordination'
import { type EnrolAnswer, type Enrolment, enrolAnswerSchema } from '@spansync/common/protocol/enrolment'
import type { Problem, Status } from '@spansync/common/protocol/status'
import type { Logger } from '@spansync/common/runtime/logger'
import type { Network } from '../daemon/network.ts'
import { hasLost } from '../transport/network-watch.ts'
import { version } from '../version.ts'
import { AdmissionSeeker } from './admission-seeker.ts'
import { CredentialsNeededError, NotAdmittedError } from './errors.ts'
import { linkFactsOf, replicaFactsOf } from './facts.ts'
import { currentCredentials } from './own-credentials.ts'
import type { ReportQueue } from './report-queue.ts'
import { StateLoop } from './state-loop.ts'

export interface ConversationOptions {
  readonly coordinator: NonNullable<Config['coordinator']>
  readonly self: NodeId
  readonly network: Network
  readonly orders: Orders
  readonly reports: ReportQueue
  readonly clock: Clock
  readonly log: Logger
  readonly mode: () => Status['mode']
  readonly knows: () => { readonly epoch: number; readonly isPresent: boolean }
  readonly connected: () => void
  readonly disconnected: () => void
  readonly nobody: () => void
  readonly heard: (epoch: number, mode: NetworkMode) => void
  readonly order: (order: Order) => OrderAnswer
}

/** What is said between this node and its coordinator, over however many connections and coordinators. */
export class Conversation implements AsyncDisposable {
  readonly #options: ConversationOptions
  readonly #credentials: Credentials
  readonly #link: NatsLink
  readonly #loop: StateLoop
  /** While the coordinator does not know this node's key yet. */
  readonly #seeker: AdmissionSeeker | undefined
  readonly #stop = new AbortController()
  readonly #running: Promise<void>[] = []
  #isDelivering = false
  #delivering: Promise<void> = Promise.resolve()

  private constructor(options: ConversationOptions, credentials: Credentials) {
    const { coordinator, clock, log, network, self } = options
    this.#options = options
    this.#credentials = credentials
    this.#link = createNatsLink({ url: coordinator.url, credentials, clock, log })
    this.#seeker = credentials.pending === true ? this.#makeSeeker(coordinator.creds ?? '') : undefined
    const run = randomBytes(6).toString('hex')
    const sender = { node: self, name: network.config.name, software: `spansync/${version}`, run }
    this.#loop = new StateLoop({
      clock,
      deltas: new StateDeltas(sender),
      snapshot: () => this.#snapshot(),
      send: (state) => this.#send(state),
      heard: ({ epoch, mode }) => options.heard(epoch, mode),
      nobody: options.nobody,
      told: (finished) => options.orders.told(finished),
    })
  }

  /** Throws CredentialsNeededError, CredentialsForeignError, and whatever reading the credentials throws. */
  static async open(options: ConversationOptions): Promise<Conversation> {
    const { coordinator, self, network } = options
    const { creds: file, url } = coordinator
    if (file === undefined) throw new CredentialsNeededError(url)
    const formerIds = network.options.members.formerIds(self)
    const credentials = await currentCredentials({ file, self, formerIds })
    const conversation = new Conversation(options, credentials)
    conversation.#start()
    return conversation
  }

  get problem(): Problem | undefined {
    const { code } = this.#link.problem ?? {}
    const isAwaited = this.#seeker?.isSeeking === true && code === 'nats_auth'
    const problem = isAwaited ? new NotAdmittedError(this.#seeker?.reason) : this.#link.problem
    return problem && { code: problem.code, message: problem.message, remedy: problem.remedy, retryable: true }
  }

  /** False when the file holds other credentials by now. One that cannot be read changes nothing. */
  async isCurrent(): Promise<boolean> {
    const { creds = '' } = this.#options.coordinator
    const now = await readCredentials(creds).catch(() => undefined)
    return now === undefined || isSame(now, this.#credentials)
  }

  changed(): void {
    this.#loop.changed()
    this.#seeker?.linksChanged()
  }

  /** For a peer that the coordinator does not know yet. */
  async carry(enrolment: Enrolment): Promise<EnrolAnswer> {
    const answer = await this.#link.request(subjects.enrol(this.#options.self), enrolment, { timeoutMs: enrolMs })
    if (answer.kind !== 'answer') return { outcome: 'away', reason: answer.kind }
    const parsed = parseMessage(enrolAnswerSchema, answer.data)
    return parsed.ok ? parsed.value : { outcome: 'away', reason: parsed.problem }
  }

  /** What a peer has brought back. */
  enrolled(answer: EnrolAnswer): void {
    this.#seeker?.heard(answer)
  }

  #makeSeeker(file: string): AdmissionSeeker {
    const { coordinator, network, clock, log } = this.#options
    return new AdmissionSeeker({
      ...{ url: coordinator.url, file, credentials: this.#credentials, clock, log },
      identity: network.options.identity,
      links: () => network.links.values(),
      admitted: () => this.#link.nudge(),
    })
  }

  /** The coordinator hangs: nothing is said until it is heard again. */
  paused(): void {
    this.#loop.pause()
  }

  /** `addresses` are this machine's own now. A server that is out of reach would else be waited for until it has been silent for long, and
   *  one that is in reach again until the system thinks of sending once more. */
  networkChanged(addresses: ReadonlySet<string>): void {
    if (!hasLost(addresses, this.#link.localAddress)) return this.#link.nudge()
    this.#link.drop('this machine has lost the address of the connection').catch((error: unknown) => {
      this.#options.log.debug({ event: 'nats.not_dropped', err: error })
    })
  }

  reportsWaiting(): void {
    if (!this.#link.connected || this.#isDelivering) return
    this.#delivering = this.#deliver().catch((error: unknown) => {
      this.#options.log.warn({ event: 'reports.not_delivered', err: error }, 'it is tried again with the next report')
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the coordinator is no longer used'))
    this.#loop.stop()
    await this.#seeker?.[Symbol.asyncDispose]()
    await this.#link[Symbol.asyncDispose]()
    await Promise.allSettled([...this.#running, this.#delivering])
  }

  #start(): void {
    const { self, connected, disconnected } = this.#options
    this.#link.subscribe(subjects.order(self), (message) => this.#onOrder(message))
    this.#link.subscribe(subjects.beat, (message) => this.#onBeat(message))
    this.#link.subscribe(subjects.plan(self), (message) => this.#onPlan(message))
    this.#link.events.on('connected', () => {
      void this.#seeker?.settle()
      connected()
      this.#loop.begin()
      this.reportsWaiting()
    })
    this.#link.events.on('disconnected', () => {
      this.#loop.pause()
      disconnected()
    })
    this.#running.push(this.#loop.run())
    this.#link.start()
    this.#seeker?.start()
  }

  #snapshot(): Snapshot {
    const { network, orders, mode } = this.#options
    return {
      mode: mode(),
      links: linkFactsOf(network),
      replicas: replicaFactsOf(network),
      orders: orders.ids,
      finished: orders.finished,
    }
  }

  async #send(state: StateMessage): ReturnType<ConstructorParameters<typeof StateLoop>[0]['send']> {
    const answer = await this.#link.request(subjects.state(state.node), state, { timeoutMs: answerMs })
    if (answer.kind !== 'answer') return answer
    const parsed = parseMessage(stateAnswerSchema, answer.data)
    if (parsed.ok) return { kind: 'answer', answer: parsed.value }
    this.#link.refused.note('the answer to a state', parsed.problem)
    return { kind: 'refused', reason: parsed.problem }
  }

  #onOrder({ data, respond }: Incoming): void {
    const parsed = parseMessage(orderSchema, data)
    if (!parsed.ok) {
      this.#link.refused.note('an order', parsed.problem)
      respond?.({ id: '', accepted: false, code: 'bad_order', reason: parsed.problem } satisfies OrderAnswer)
      return
    }
    respond?.(this.#options.order(parsed.value))
    this.#loop.changed()
  }

  #onPlan({ data }: Incoming): void {
    const parsed = parseMessage(neighboursSchema, data)
    if (!parsed.ok) return this.#link.refused.note('a plan', parsed.problem)
    const { epoch, folder, neighbours } = parsed.value
    if (epoch < this.#options.knows().epoch) return
    this.#options.network.hosts.get(folder)?.setNeighbours(new Set(neighbours))
  }

  /** A coordinator that is new, or was given up, is told everything. */
  #onBeat({ data }: Incoming): void {
    const parsed = parseMessage(beatSchema, data)
    if (!parsed.ok) return this.#link.refused.note('a beat', parsed.problem)
    const before = this.#options.knows()
    const { epoch, mode } = parsed.value
    const isNew = epoch > before.epoch
    if (this.#loop.isRefused && !isNew) return
    // A new one has not heard of this node: it leads when it has answered.
    if (isNew || !before.isPresent) this.#loop.begin()
    else this.#options.heard(epoch, mode)
  }

  /** What waits goes out, the oldest first, and leaves the disk when it is stored in the stream. */
  async #deliver(): Promise<void> {
    const { reports, self, clock } = this.#options
    this.#isDelivering = true
    try {
      while (this.#link.connected && !this.#stop.signal.aborted) {
        const batch = reports.first(batchSize)
        if (batch.length === 0) return
        const stored = await Promise.all(
          batch.map((report) =>
            // One that waited may be from before this node got a new key.
            this.#link.publishReport(
              subjects.report(self),
              { ...report, node: self },
              { messageId: report.id, timeoutMs: storeMs },
            ),
          ),
        )
        for (const [at, { kind }] of stored.entries()) if (kind === 'stored') reports.remove(batch[at]?.id ?? '')
        if (stored.some(({ kind }) => kind !== 'stored'))
          await clock.sleep(retryMs, this.#stop.signal).catch(() => undefined)
      }
    } finally {
      this.#isDelivering = false
    }
  }
}

function isSame(left: Credentials, right: Credentials): boolean {
  const { node, server } = left
  return node === right.node && server === right.server && publicKeyOf(left) === publicKeyOf(right)
}

const answerMs = 3000
/** The NATS server has to be told, too. */
const enrolMs = 10_000
const storeMs = 3000
const retryMs = 5000
const batchSize = 20
