import { editConfig } from '@spansync/common/config/edit'
import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import {
  mostRemovals,
  type Roster,
  type Statement,
  type Taken,
  take,
  unvouched,
} from '@spansync/common/core/roster/roster'
import type { Clock, Link } from '@spansync/common/ports'
import { mostStatements, tellable } from '@spansync/common/protocol/roster'
import type { Logger } from '@spansync/common/runtime/logger'
import { receiveJoiner } from '../joining/admission.ts'
import { encodeInvite } from '../joining/code.ts'
import { Invitations, validMs } from '../joining/invitations.ts'
import { ownAddresses } from '../joining/own-addresses.ts'
import { type JoinAnswer, type JoinRequest, mostOffers, type Offer } from '../joining/protocol.ts'
import type { Identity } from '../transport/identity.ts'
import type { Joining } from '../transport/types.ts'
import { RemovedHereError, TooManyRemovalsError, UnknownMemberError } from './errors.ts'
import { forgetPeer, nameOfPeer, putPeers } from './peers.ts'
import { loadRoster, saveRoster, wellFormed } from './roster-file.ts'
import { isGenuine, state } from './statement.ts'

export interface MembershipOptions {
  readonly home: string
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Logger
  readonly config: () => Config
  /** Somebody was shut out: ends its links now. */
  readonly cut: () => void
  /** The configuration has been changed: takes it over. */
  readonly changed: () => Promise<void>
  readonly links: () => Iterable<Link>
  /** What a new member may have. */
  readonly offers: () => readonly Offer[]
}

export interface Invitation {
  readonly code: string
  readonly addresses: readonly string[]
  /** Milliseconds since 1970. */
  readonly until: number
}

/** So many messages of one peer may wait; more is no conversation. */
const mostWaiting = 20

/** Who belongs to the network: invites, lets in, removes, and passes on what others say of that. The member list is the union of what
 *  members have signed; what is new in it is written into the configuration, where a person sees it. A node that has neither invited
 *  anybody nor joined has no list, and takes nobody's. */
export class Membership {
  readonly #options: MembershipOptions
  readonly #invitations: Invitations
  readonly #waiting = new Map<NodeId, number>()
  #roster: Roster | undefined
  /** One after the other: each builds on the list that the one before has left. */
  #last: Promise<unknown> = Promise.resolve()

  /** Throws RosterDamagedError. */
  constructor(options: MembershipOptions) {
    this.#options = options
    this.#invitations = new Invitations(options.clock)
    this.#roster = loadRoster(options.home)
  }

  get joining(): Joining {
    const { identity, clock, log } = this.#options
    const invitations = this.#invitations
    const admit = (joiner: NodeId, request: JoinRequest): Promise<JoinAnswer> => this.#admit(joiner, request)
    return {
      isExpecting: () => invitations.isAnyOpen,
      receive: (connection) => receiveJoiner({ self: identity.id, invitations, clock, log, admit }, connection),
    }
  }

  /** Whatever the configuration says. */
  isShutOut(node: NodeId): boolean {
    return this.#roster?.get(node)?.state === 'removed'
  }

  /** `addresses`: where this machine can be dialled besides what it knows itself. Throws RemovedHereError. */
  invite(addresses: readonly string[]): Invitation {
    const { home, identity, clock, config } = this.#options
    if (this.isShutOut(identity.id)) throw new RemovedHereError()
    if (this.#roster === undefined) {
      saveRoster(home, new Map())
      this.#roster = new Map()
    }
    const all = tellable([...new Set([...addresses, ...ownAddresses(config().listen)])])
    const code = encodeInvite({ inviter: identity.id, secret: this.#invitations.make(), addresses: all })
    return { code, addresses: all, until: clock.wallNow() + validMs }
  }

  /** This node has joined: the list begins anew, with what the inviting machine will tell. */
  async joined(): Promise<void> {
    await this.#inTurn(async () => {
      saveRoster(this.#options.home, new Map())
      this.#roster = new Map()
    })
  }

  /** What was decided while the configuration could not be written. */
  start(): void {
    this.#inTurn(() => this.#apply([])).catch((error: unknown) => this.#notWritten(error))
  }

  linkUp(link: Link): void {
    if (this.#roster) this.#tell(link, [...this.#roster.values()])
  }

  /** What a peer says of members. */
  receive({ peer, name }: Link, said: readonly unknown[]): void {
    const waiting = this.#waiting.get(peer) ?? 0
    if (this.#roster === undefined || waiting >= mostWaiting) return
    this.#waiting.set(peer, waiting + 1)
    const done = (): void => {
      const left = (this.#waiting.get(peer) ?? 1) - 1
      if (left > 0) this.#waiting.set(peer, left)
      else this.#waiting.delete(peer)
    }
    this.#inTurn(() => this.#hear(peer, wellFormed(said)))
      .catch((error: unknown) => {
        const remedy = 'it is told again with the next link'
        this.#options.log.warn({ event: 'members.not_taken', peer: name, err: error }, remedy)
      })
      .finally(done)
  }

  /** Shuts a member out everywhere. Throws UnknownMemberError, RemovedHereError, TooManyRemovalsError. */
  async remove(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const { peers } = this.#options.config()
      const peer = Object.hasOwn(peers, name) ? peers[name] : undefined
      if (peer === undefined) throw new UnknownMemberError(name)
      this.#roster ??= new Map()
      await this.#takeOwn([this.#say({ subject: peer.id, name, addresses: [], state: 'removed' })])
    })
  }

  async #admit(joiner: NodeId, { name, addresses }: JoinRequest): Promise<JoinAnswer> {
    return await this.#inTurn(async () => {
      const { home, config, offers, changed } = this.#options
      const peer = { id: joiner, name, addresses }
      const [yourName = name] = await editConfig(home, (editor) => putPeers(editor, [peer], { tried: true }))
      await changed()
      await this.#takeOwn([this.#say({ subject: joiner, name: yourName, addresses, state: 'member' })])
      const { name: own, coordinator } = config()
      const url = coordinator && { coordinator: { url: coordinator.url } }
      return { name: own, yourName, offers: offers().slice(0, mostOffers), ...url }
    })
  }

  async #hear(peer: NodeId, statements: readonly Statement[]): Promise<void> {
    const config = this.#options.config()
    const name = nameOfPeer(config, peer)
    if (name === undefined || this.isShutOut(peer)) return
    await this.#take(statements, peer)
    if (this.#roster?.has(peer)) return
    // It takes part, and nobody has said yet that it belongs here: whoever joins through this node would not know it.
    const addresses = tellable(config.peers[name]?.addresses ?? [])
    await this.#take([this.#say({ subject: peer, name, addresses, state: 'member' })])
  }

  #say(what: Pick<Statement, 'subject' | 'name' | 'addresses' | 'state'>): Statement {
    const { identity, clock } = this.#options
    const version = (this.#roster?.get(what.subject)?.version ?? 0) + 1
    return state(identity, { ...what, version, at: Math.round(clock.wallNow()) })
  }

  /** What a person wants done here has to count. */
  async #takeOwn(statements: readonly Statement[]): Promise<void> {
    const { refused } = await this.#take(statements)
    if (refused.length === 0) return
    throw this.isShutOut(this.#options.identity.id) ? new RemovedHereError() : new TooManyRemovalsError(mostRemovals)
  }

  async #take(statements: readonly Statement[], from?: NodeId): Promise<Taken> {
    const { home, identity, config, log, links, cut } = this.#options
    const trusted = new Set([identity.id, ...Object.values(config().peers).map(({ id }) => id)])
    const before = this.#roster ?? new Map()
    const taken = take(before, statements, { isGenuine, isTrusted: (node) => trusted.has(node) })
    const { roster, news, refused } = taken
    if (refused.length > 0) log.debug({ event: 'members.refused', from, statements: refused.length })
    if (news.length === 0) return taken
    // On the disk first, and in force before anything else can go wrong.
    saveRoster(home, roster)
    this.#roster = roster
    cut()
    for (const link of links()) if (link.peer !== from) this.#tell(link, news)
    this.#record(news)
    // Whom a person has taken out here stays out, whatever is said of him anew.
    const added = news.filter(
      ({ subject, state: kind }) => kind === 'member' && before.get(subject)?.state !== 'member',
    )
    await this.#apply(added).catch((error: unknown) => this.#notWritten(error))
    await this.#vouch()
    return taken
  }

  /** For members who lost whoever had let them in. */
  async #vouch(): Promise<void> {
    const { identity, config } = this.#options
    if (this.#roster === undefined || this.isShutOut(identity.id)) return
    const peers = new Set(Object.values(config().peers).map(({ id }) => id))
    const orphans = unvouched(this.#roster).filter(({ subject }) => peers.has(subject))
    if (orphans.length === 0) return
    await this.#take(
      orphans.map(({ subject, name, addresses, state: kind }) => this.#say({ subject, name, addresses, state: kind })),
    )
  }

  /** Writes it down where a person sees it. */
  async #apply(added: readonly Statement[]): Promise<void> {
    const { home, identity, config, changed } = this.#options
    const out = Object.values(config().peers).filter(({ id }) => this.isShutOut(id))
    const isKnown = (id: NodeId): boolean => id === identity.id || nameOfPeer(config(), id) !== undefined
    const members = added.filter(({ subject }) => !isKnown(subject))
    if (out.length + members.length === 0) return
    await editConfig(home, (editor) => {
      for (const { id } of out) {
        const name = nameOfPeer(editor.config, id)
        if (name !== undefined) forgetPeer(editor, name)
      }
      putPeers(
        editor,
        members.map(({ subject: id, name, addresses }) => ({ id, name, addresses })),
      )
    })
    await changed()
  }

  #notWritten(error: unknown): void {
    const remedy = 'who was removed is shut out all the same; correct config.yaml, and restart spansync'
    this.#options.log.error({ event: 'members.not_written', err: error }, remedy)
  }

  #record(news: readonly Statement[]): void {
    const { identity, log } = this.#options
    for (const { subject: id, name: member, state: kind, by } of news) {
      const event = kind === 'removed' ? 'members.removed' : 'members.added'
      if (kind === 'removed' && id === identity.id)
        log.error({ event: 'members.removed_here', by }, 'have a member run `spansync invite`, and join again here')
      else log.info({ event, member, id, by })
    }
  }

  #tell(link: Link, statements: readonly Statement[]): void {
    for (let at = 0; at === 0 || at < statements.length; at += mostStatements)
      link.send({ type: 'roster', statements: statements.slice(at, at + mostStatements) })
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return await turn
  }
}
