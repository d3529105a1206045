import type { Duplex } from 'node:stream'
import type { NodeId } from '@spansync/common/core/causal/types'
import type { Link } from '@spansync/common/ports'
import type { Message, StreamHeader } from '@spansync/common/protocol/messages'
import type { SpansyncError } from '@spansync/common/runtime/errors'
import type { ControlLink } from './control-link.ts'
import { LinkClosedError } from './errors.ts'
import type { SecureConnection } from './secure.ts'

export interface PeerLinkHooks {
  readonly onMessage: (link: PeerLink, message: Message) => void
  readonly onDown: (link: PeerLink, reason: SpansyncError) => void
  /** A move is done: nothing is said or heard on this connection any more. */
  readonly onLeft: (link: PeerLink, carrier: ControlLink) => void
}

/** A peer that sends this much before the old connection has run dry does not keep to the rules. */
const mostWaitingBytes = 64 * 1024 * 1024
/** What is under way over a much worse connection may still end by itself within this time. */
const graceMs = 10_000
/** Connections that a link has left and whose streams are still under way. A peer that leaves more does so to use up our memory. */
const mostLeft = 4
/** The dialling side, which moves it, keeps away from that: the other may hear late that one is closed. */
const mostLeftHere = 3
/** Between the peer's last word on the old connection and its word that the new one is the link. */
const mostApartMs = 30_000

/** The link with a peer, as everybody else sees it. It goes over one connection at a time and can move to another: each side says
 *  `moved` as its last word on the old one, and hears nothing on the new one before it has heard that. So no message is lost, doubled
 *  or overtaken. Streams stay where they began; the old connection is closed when they are done. */
export class PeerLink implements Link {
  readonly peer: NodeId
  readonly name: string
  readonly dialed: boolean
  readonly #hooks: PeerLinkHooks
  /** What is sent goes here. */
  #sending: ControlLink
  /** What is heard comes from here; behind `#sending` while the link moves. */
  #hearing: ControlLink
  /** The peer has said `moved` on `#hearing` before this side knew where to. */
  #hasPeerLeft = false
  #waiting: Message[] = []
  #waitingBytes = 0
  readonly #retired = new Set<ControlLink>()
  #badMessages = 0
  #graceMs: number | undefined
  #isDown = false

  constructor(first: ControlLink, hooks: PeerLinkHooks) {
    this.#hooks = hooks
    this.peer = first.peer
    this.name = first.name
    this.dialed = first.dialed
    this.#sending = first
    this.#hearing = first
  }

  get carrier(): ControlLink {
    return this.#sending
  }

  get localAddress(): string | undefined {
    return this.#sending.localAddress
  }

  get address(): string {
    return this.#sending.address
  }

  /** The peer's last word on the old connection has not come yet. */
  get isWaiting(): boolean {
    return this.#sending !== this.#hearing
  }

  get isMoving(): boolean {
    return this.isWaiting || this.#hasPeerLeft
  }

  get mayMove(): boolean {
    return !this.isMoving && this.#retired.size < mostLeftHere
  }

  get badMessages(): number {
    if (this.#isDown) return this.#badMessages
    return this.#badMessages + this.#all.reduce((sum, { badMessages }) => sum + badMessages, 0)
  }

  get openStreams(): number {
    return this.#all.reduce((sum, { openStreams }) => sum + openStreams, 0)
  }

  get #all(): ControlLink[] {
    return [...new Set([this.#sending, this.#hearing, ...this.#retired])]
  }

  send(message: Message): void {
    this.#sending.send(message)
  }

  openStream(header: StreamHeader, signal?: AbortSignal): Promise<Duplex> {
    // Once the peer is heard on a connection, it surely takes streams there.
    return this.#hearing.openStream(header, signal)
  }

  /** Ties a stream that the peer opens to the connection between the same two addresses: both fall together. */
  carrierFor({ raw }: SecureConnection): ControlLink {
    return this.#all.find((carrier) => carrier.isBetween(raw)) ?? this.#sending
  }

  drop(reason: string): void {
    this.close(new LinkClosedError('dropped', reason))
  }

  close(reason: SpansyncError, tell = true): void {
    this.#fall(reason, tell)
  }

  probe(): Promise<boolean> {
    return this.#sending.probe()
  }

  hurry(): void {
    for (const carrier of this.#all) carrier.hurry()
  }

  /** From now on over `next`. `cuts`: what is under way over the old connection gets little time. Not while it moves already. */
  moveTo(next: ControlLink, { cuts }: { cuts: boolean }): void {
    const old = this.#sending
    old.sayMoved()
    if (this.dialed) next.sayTake()
    this.#sending = next
    // Nothing may wait for long for the last word of a connection that is dead.
    old.hurry()
    this.#graceMs = cuts ? graceMs : undefined
    if (this.#hasPeerLeft) this.#follow()
  }

  /** From one of its connections. */
  received(from: ControlLink, message: Message, bytes: number): void {
    if (from === this.#hearing && !this.#hasPeerLeft) this.#hooks.onMessage(this, message)
    else if (from === this.#sending) this.#keep(message, bytes)
  }

  /** The peer has said its last word on this connection. */
  peerMoved(from: ControlLink): void {
    if (from !== this.#hearing || this.#hasPeerLeft) return
    this.#hasPeerLeft = true
    if (this.#sending !== this.#hearing) return this.#follow()
    const lost = (): void => {
      if (this.#hasPeerLeft && this.#hearing === from) this.drop('the peer has moved the link to nowhere')
    }
    from.later(mostApartMs, lost)
  }

  /** One of its connections is gone. */
  fell(carrier: ControlLink, reason: SpansyncError): void {
    if (this.#isDown) return
    if (this.#retired.delete(carrier)) this.#badMessages += carrier.badMessages
    // With the connection that is still heard go messages that nobody will send again.
    else if (carrier === this.#sending || carrier === this.#hearing) this.#fall(reason, true)
  }

  #follow(): void {
    const old = this.#hearing
    this.#hearing = this.#sending
    this.#hasPeerLeft = false
    this.#retired.add(old)
    const reason = new LinkClosedError('replaced', 'the link goes over a better address now')
    if (this.dialed) old.retire(reason, this.#graceMs)
    this.#waitingBytes = 0
    for (const message of this.#waiting.splice(0)) this.#hooks.onMessage(this, message)
    this.#hooks.onLeft(this, old)
    if (!this.dialed && this.#retired.size > mostLeft) this.drop('the peer moves the link and leaves too much behind')
  }

  #keep(message: Message, bytes: number): void {
    this.#waiting.push(message)
    this.#waitingBytes += bytes
    if (this.#waitingBytes > mostWaitingBytes)
      this.close(new LinkClosedError('dropped', 'the old connection of a link that moves does not run dry'))
  }

  #fall(reason: SpansyncError, tell: boolean): void {
    if (this.#isDown) return
    this.#badMessages = this.badMessages
    this.#isDown = true
    const all = this.#all
    this.#retired.clear()
    for (const carrier of all) carrier.close(reason, tell)
    this.#hooks.onDown(this, reason)
  }
}
