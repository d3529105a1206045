import { isDeepStrictEqual } from 'node:util'
import { idOfCertificate } from '@spansync/common/adapters/certificate/lineage'
import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import {
  effectiveMode,
  type FollowEvent,
  type FollowState,
  follow,
  initialFollow,
  isPresent,
  silenceMs,
} from '@spansync/common/core/follow/follow'
import { Orders, stuckAfterMs, unheardMs } from '@spansync/common/core/follow/orders'
import type { Clock, Link } from '@spansync/common/ports'
import type { Order, OrderAnswer, Report } from '@spansync/common/protocol/coordination'
import type { EnrolAnswer } from '@spansync/common/protocol/enrolment'
import type { MessageOf } from '@spansync/common/protocol/messages'
import type { Problem, Status } from '@spansync/common/protocol/status'
import { toSpansyncError } from '@spansync/common/runtime/errors'
import type { Logger } from '@spansync/common/runtime/logger'
import type { Network } from '../daemon/network.ts'
import type { StatusHub } from '../daemon/status-hub.ts'
import { Conversation } from './conversation.ts'
import { refusalOf, standingOf } from './facts.ts'
import type { ReportQueue } from './report-queue.ts'

export interface FollowerOptions {
  readonly network: Network
  readonly hub: StatusHub
  readonly reports: ReportQueue
  readonly clock: Clock
  readonly log: Logger
}

/** A peer that asks more often is not heard. */
const carryAgainMs = 2000

type WithoutTime = FollowEvent extends infer E ? (E extends unknown ? Omit<E, 'at'> : never) : never

/** Whom this node follows: its coordinator while that is there, or its peers. Carries out orders and tells the coordinator how things
 *  are; without a coordinator it only puts the configured mode into force. */
export class Follower implements AsyncDisposable {
  readonly #options: FollowerOptions
  readonly #orders: Orders
  readonly #stop = new AbortController()
  #state: FollowState
  #coordinator: Config['coordinator']
  #conversation: Conversation | undefined
  #problem: Problem | undefined
  #unlisten: (() => void) | undefined
  #wake = new AbortController()
  #isReviewing = false
  /** Peers for whom this node has just asked the coordinator. */
  readonly #carrying = new Set<NodeId>()

  constructor(options: FollowerOptions) {
    this.#options = options
    const { network, clock } = options
    this.#state = initialFollow(network.config.mode)
    this.#orders = new Orders({
      now: () => clock.now(),
      refusalOf: (folder, peer) => refusalOf(network, folder, peer),
      standing: (folder, peer) => standingOf(network.hosts.get(folder), peer, clock.now()),
      open: (folder, peer) => network.hosts.get(folder)?.setOrdered(peer, true),
      close: (folder, peer) => network.hosts.get(folder)?.setOrdered(peer, false),
    })
  }

  async start(): Promise<void> {
    const { network, hub } = this.#options
    this.#unlisten = hub.listen(() => this.#changed())
    await this.apply(network.config)
  }

  /** Takes a new configuration over. */
  async apply({ mode, coordinator }: Config): Promise<void> {
    this.#note({ kind: 'configured', mode })
    if (isDeepStrictEqual(coordinator, this.#coordinator)) {
      // New credentials usually lie where the old ones lay.
      if (!coordinator || (await this.#conversation?.isCurrent())) return
    }
    this.#coordinator = coordinator
    await this.#endConversation()
    this.#state = { ...this.#state, epoch: 0 }
    if (coordinator) await this.#converse(coordinator)
    this.#options.hub.changed()
  }

  get mode(): Status['mode'] {
    return { configured: this.#state.configured, effective: effectiveMode(this.#state) }
  }

  get status(): Status['coordinator'] {
    const { url } = this.#coordinator ?? {}
    return { connected: isPresent(this.#state), ...(url === undefined ? {} : { url }) }
  }

  /** Why the coordinator cannot be spoken with. An agent that is left alone goes on by itself, so this is no error of its folders. */
  get problem(): Problem | undefined {
    return this.#problem ?? this.#conversation?.problem
  }

  /** A session has ended. Told when there is a coordinator, now or when it is back. */
  report(report: Report): void {
    if (this.#coordinator === undefined) return
    try {
      this.#options.reports.add(report)
    } catch (error) {
      // A full disk: the files matter, the statistics do not.
      return this.#options.log.debug({ event: 'report.lost', err: error })
    }
    this.#conversation?.reportsWaiting()
  }

  /** A peer wants to be let in at the coordinator, or has asked there for this node. */
  onEnrolment(link: Link, message: MessageOf<'enrol'> | MessageOf<'enrolled'>): void {
    if (message.type === 'enrolled') return this.#conversation?.enrolled(message.answer)
    this.#carry(link, message).catch((error: unknown) => {
      this.#options.log.debug({ event: 'enrol.not_carried', peer: link.name, err: error })
    })
  }

  /** A peer speaks for itself only. */
  async #carry(link: Link, { enrolment }: MessageOf<'enrol'>): Promise<void> {
    const { peer, name } = link
    const isOwn = idOfCertificate(Buffer.from(enrolment.certificate, 'base64')) === peer
    if (!isOwn || this.#carrying.has(peer)) return
    this.#carrying.add(peer)
    try {
      const away: EnrolAnswer = { outcome: 'away', reason: 'no coordinator is connected here' }
      const answer = (await this.#conversation?.carry(enrolment)) ?? away
      this.#options.log.info({ event: 'enrol.carried', peer: name, ...answer }, 'the coordinator was asked for a peer')
      if (this.#options.network.links.get(peer) === link) link.send({ type: 'enrolled', answer })
    } finally {
      const forget = (): void => void this.#carrying.delete(peer)
      this.#options.clock.sleep(carryAgainMs, this.#stop.signal).then(forget, forget)
    }
  }

  /** `addresses` are this machine's own now. */
  networkChanged(addresses: ReadonlySet<string>): void {
    this.#conversation?.networkChanged(addresses)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    this.#wake.abort()
    this.#unlisten?.()
    await this.#endConversation()
  }

  async #converse(coordinator: NonNullable<Config['coordinator']>): Promise<void> {
    const { network, clock, log, reports } = this.#options
    const { identity } = network.options
    try {
      this.#conversation = await Conversation.open({
        ...{ coordinator, self: identity.id, network, clock, log, reports, orders: this.#orders },
        mode: () => this.mode,
        heard: (epoch, mode) => this.#note({ kind: 'heard', epoch, mode }),
        knows: () => ({ epoch: this.#state.epoch, isPresent: isPresent(this.#state) }),
        connected: () => this.#note({ kind: 'connected' }),
        disconnected: () => this.#note({ kind: 'disconnected' }),
        nobody: () => this.#note({ kind: 'nobody_listens' }),
        order: (order) => this.#take(order),
      })
      this.#problem = undefined
    } catch (error) {
      const { code, message, remedy } = toSpansyncError(error)
      this.#problem = { code, message, remedy }
      log.error({ event: 'coordinator.unusable', code, err: error }, remedy)
    }
  }

  async #endConversation(): Promise<void> {
    const conversation = this.#conversation
    this.#conversation = undefined
    await conversation?.[Symbol.asyncDispose]()
    this.#problem = undefined
    this.#note({ kind: 'disconnected' })
  }

  #note(event: WithoutTime): void {
    const { clock, network, hub, log } = this.#options
    const before = effectiveMode(this.#state)
    const wasPresent = isPresent(this.#state)
    this.#state = follow(this.#state, { ...event, at: clock.now() } as FollowEvent)
    const effective = effectiveMode(this.#state)
    if (event.kind === 'heard') this.#awaitSilence()
    network.follow(effective === 'centralised' ? 'orders' : 'peers')
    if (effective === before && wasPresent === isPresent(this.#state)) return
    if (effective === 'decentralised') this.#orders.dropAll()
    log.info({ event: 'mode.changed', effective, coordinator: isPresent(this.#state) }, `now ${effective}`)
    hub.changed()
  }

  /** A coordinator that hangs says nothing; that is noticed when its time is over. */
  #awaitSilence(): void {
    this.#wake.abort()
    this.#wake = new AbortController()
    const { clock } = this.#options
    // A timer may ring a little early.
    clock.sleep(silenceMs + 5, this.#wake.signal).then(
      () => {
        const wasHeard = this.#state.heardAt !== undefined
        this.#note({ kind: 'ticked' })
        if (this.#state.heardAt !== undefined) this.#awaitSilence()
        // One that was lost before that may be about to answer on a new connection.
        else if (wasHeard) this.#conversation?.paused()
      },
      () => undefined,
    )
  }

  #take(order: Order): OrderAnswer {
    const { log } = this.#options
    const { id } = order
    if (order.epoch < this.#state.epoch) return { id, accepted: false, code: 'old_epoch' }
    if (this.#state.configured === 'decentralised') return { id, accepted: false, code: 'decentralised' }
    const answer = this.#orders.take(order)
    log.debug({ event: 'order.taken', order: id, folder: order.folder, accepted: answer.accepted, code: answer.code })
    // Whether it is stuck, and whether it is over, may be seen only when somebody looks.
    for (const ms of [stuckAfterMs, unheardMs, order.expiresInMs]) this.#lookAfter(ms + 1)
    return answer
  }

  #lookAfter(ms: number): void {
    this.#options.clock.sleep(ms, this.#stop.signal).then(
      () => this.#changed(),
      () => undefined,
    )
  }

  /** Something in the status may have changed: an order may be done by that, and the coordinator wants to know. */
  #changed(): void {
    if (this.#isReviewing) return
    this.#isReviewing = true
    try {
      this.#orders.review()
    } finally {
      this.#isReviewing = false
    }
    this.#conversation?.changed()
  }
}
