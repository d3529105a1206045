import { lineageOf } from '@spansync/common/adapters/certificate/lineage'
import { editConfig } from '@spansync/common/config/edit'
import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import { isRoomForHeir } from '@spansync/common/core/roster/room'
import {
  emptyRoster,
  mostRemovals,
  type Roster,
  type Statement,
  type Taken,
  take,
  unvouched,
  type Words,
} from '@spansync/common/core/roster/roster'
import { firstIdOf, formerIds } from '@spansync/common/core/roster/rotation'
import { currentId, isOut, standingOf } from '@spansync/common/core/roster/standing'
import type { Clock, Link } from '@spansync/common/ports'
import type { MessageOf } from '@spansync/common/protocol/messages'
import { tellable } from '@spansync/common/protocol/roster'
import type { Logger } from '@spansync/common/runtime/logger'
import { receiveJoiner } from '../joining/admission.ts'
import { encodeInvite } from '../joining/code.ts'
import { Invitations, validMs } from '../joining/invitations.ts'
import { ownAddresses } from '../joining/own-addresses.ts'
import { type JoinAnswer, type JoinRequest, mostOffers, type Offer } from '../joining/protocol.ts'
import type { Identity } from '../transport/identity.ts'
import type { Joining } from '../transport/types.ts'
import { NoRoomForKeyError, RemovedHereError, TooManyRemovalsError, UnknownMemberError } from './errors.ts'
import { replaceOwnKey, withOwnKeys } from './own-keys.ts'
import { nameOfPeer, putPeers, replacePeerId } from './peers.ts'
import { recordNews } from './record-news.ts'
import { loadRoster, provedRotations, saveRoster, wellFormed } from './roster-file.ts'
import { certificateOf, isGenuine, state } from './statement.ts'
import { tell } from './tell.ts'
import { changesFor, hasChanges, makeChanges, nameOfLineage } from './write-down.ts'

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
  /** To the coordinator, if there is one. */
  readonly introduction: () => Promise<JoinAnswer['coordinator']>
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
 *  anybody nor joined has no list, and takes nobody's; only that a peer of its own has a new key it takes from that key itself. */
export class Membership {
  readonly #options: MembershipOptions
  readonly #invitations: Invitations
  readonly #waiting = new Map<NodeId, number>()
  #roster: Roster
  #takesPart: boolean
  /** One after the other: each builds on the list that the one before has left. */
  #last: Promise<unknown> = Promise.resolve()

  /** Throws RosterDamagedError. */
  constructor(options: MembershipOptions) {
    this.#options = options
    this.#invitations = new Invitations(options.clock)
    const { roster = emptyRoster, takesPart = false } = loadRoster(options.home) ?? {}
    this.#takesPart = takesPart
    this.#roster = withOwnKeys(roster, options.identity)
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
    return isOut(this.#roster, node)
  }

  /** The ids that the node had before, the last one first. */
  formerIds(node: NodeId): readonly NodeId[] {
    return formerIds(this.#roster.rotations, node)
  }

  /** `addresses`: where this machine can be dialled besides what it knows itself. Throws RemovedHereError. */
  invite(addresses: readonly string[]): Invitation {
    const { identity, clock, config } = this.#options
    if (this.isShutOut(identity.id)) throw new RemovedHereError()
    if (!this.#takesPart) this.#keep(this.#roster)
    const all = tellable([...new Set([...addresses, ...ownAddresses(config().listen)])])
    const code = encodeInvite({ inviter: identity.id, secret: this.#invitations.make(), addresses: all })
    return { code, addresses: all, until: clock.wallNow() + validMs }
  }

  /** This node has joined: the list begins anew, with what the inviting machine will tell. */
  async joined(): Promise<void> {
    await this.#inTurn(async () => {
      this.#keep(withOwnKeys(emptyRoster, this.#options.identity))
    })
  }

  /** What was decided while the configuration could not be written. */
  start(): void {
    this.#inTurn(() => this.#apply([])).catch((error: unknown) => this.#notWritten(error))
  }

  linkUp(link: Link): void {
    const statements = [...this.#roster.statements.values()]
    const rotations = [...this.#roster.rotations.values()]
    if (this.#takesPart || rotations.length > 0) tell(link, { statements, rotations })
  }

  /** A machine that is no peer shows this certificate. True when its key has taken the place of a peer's: then it is a peer soon. */
  meet(certificate: Buffer): boolean {
    const rotations = lineageOf(certificate)
    const { subject } = rotations.at(-1) ?? {}
    if (subject === undefined || !rotations.some(({ replaces }) => this.#isPeer(replaces))) return false
    if (this.#roster.rotations.has(subject)) return currentId(this.#roster, subject) === subject
    this.#inTurn(() => this.#take({ statements: [], rotations })).catch((error: unknown) => this.#notWritten(error))
    return true
  }

  /** What a peer says of members. */
  receive({ peer, name }: Link, said: Pick<MessageOf<'roster'>, 'statements' | 'rotations'>): void {
    const waiting = this.#waiting.get(peer) ?? 0
    if (waiting >= mostWaiting) return
    this.#waiting.set(peer, waiting + 1)
    const done = (): void => {
      const left = (this.#waiting.get(peer) ?? 1) - 1
      if (left > 0) this.#waiting.set(peer, left)
      else this.#waiting.delete(peer)
    }
    const statements = this.#takesPart ? wellFormed(said.statements) : []
    this.#inTurn(() => this.#hear(peer, { statements, rotations: provedRotations(said.rotations) }))
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
      await this.#takeOwn([this.#say({ subject: peer.id, name, addresses: [], state: 'removed' })])
    })
  }

  /** Puts a new key in the place of this node's own, and tells whoever is connected. From then on the old one is out; so is this daemon,
   *  which has to be started anew. Answers the new id. Throws RemovedHereError, NoRoomForKeyError, and what
   *  `replaceIdentity` does. */
  async rotate(): Promise<NodeId> {
    return await this.#inTurn(async () => {
      const { home, identity } = this.#options
      if (this.isShutOut(identity.id)) throw new RemovedHereError()
      if (!isRoomForHeir(this.#roster, identity.id)) throw new NoRoomForKeyError()
      const after = await replaceOwnKey(home, identity.id)
      // Whatever comes of telling it: the new key is in force, and shows by itself whose place it takes.
      const rotations = lineageOf(certificateOf(after))
      await this.#take({ statements: [], rotations }).catch((error: unknown) => this.#notWritten(error))
      return after.id
    })
  }

  async #admit(joiner: NodeId, { name, addresses }: JoinRequest): Promise<JoinAnswer> {
    return await this.#inTurn(async () => {
      const { home, config, offers, introduction, changed } = this.#options
      const peer = { id: joiner, name, addresses }
      const [yourName = name] = await editConfig(home, (editor) => {
        const known = nameOfLineage(editor.config, this.#roster, joiner)
        if (known === undefined) return putPeers(editor, [peer], { tried: true })
        replacePeerId(editor, known, peer)
        return [known]
      })
      await changed()
      await this.#takeOwn([this.#say({ subject: joiner, name: yourName, addresses, state: 'member' })])
      const coordinator = await introduction()
      const told = coordinator && { coordinator }
      return { name: config().name, yourName, offers: offers().slice(0, mostOffers), ...told }
    })
  }

  #isPeer(id: NodeId): boolean {
    return nameOfPeer(this.#options.config(), id) !== undefined
  }

  /** On the disk, and from then on in force. */
  #keep(roster: Roster, takesPart = true): void {
    saveRoster(this.#options.home, { roster, takesPart })
    this.#roster = roster
    this.#takesPart = takesPart
  }

  async #hear(peer: NodeId, words: Words): Promise<void> {
    const config = this.#options.config()
    const name = nameOfPeer(config, peer)
    if (name === undefined || this.isShutOut(peer)) return
    await this.#take(words, peer)
    if (!this.#takesPart || standingOf(this.#roster, peer) !== 'unknown') return
    // It takes part, and nobody has said yet that it belongs here: whoever joins through this node would not know it. Said of its first
    // key: one that is vouched for by name stays in when it turns out that two claim to be it.
    const addresses = tellable(config.peers[name]?.addresses ?? [])
    const subject = firstIdOf(this.#roster.rotations, peer)
    await this.#take({ statements: [this.#say({ subject, name, addresses, state: 'member' })] })
  }

  #say(what: Pick<Statement, 'subject' | 'name' | 'addresses' | 'state'>): Statement {
    const { identity, clock } = this.#options
    const version = (this.#roster.statements.get(what.subject)?.version ?? 0) + 1
    return state(identity, { ...what, version, at: Math.round(clock.wallNow()) })
  }

  /** What a person wants done here has to count. */
  async #takeOwn(statements: readonly Statement[]): Promise<void> {
    const { refused } = await this.#take({ statements })
    if (refused.length === 0) return
    throw this.isShutOut(this.#options.identity.id) ? new RemovedHereError() : new TooManyRemovalsError(mostRemovals)
  }

  async #take(words: Words, from?: NodeId): Promise<Taken> {
    const { identity, config, log, links, cut } = this.#options
    const peers = Object.values(config().peers).map(({ id }) => id)
    const trusted = new Set([identity.id, ...this.formerIds(identity.id), ...peers])
    const before = this.#roster
    const taken = take(before, words, { isGenuine, isTrusted: (node) => trusted.has(node) })
    const { roster, news, refused } = taken
    if (refused.length > 0) log.debug({ event: 'members.refused', from, statements: refused.length })
    if (news.statements.length + news.rotations.length === 0) return taken
    // On the disk first, and in force before anything else can go wrong.
    this.#keep(roster, this.#takesPart || news.statements.length > 0)
    cut()
    for (const link of links()) if (link.peer !== from) tell(link, news)
    recordNews(news, { roster, config: config(), self: identity.id, log })
    // Whom a person has taken out here stays out, whatever is said of him anew.
    const isMember = (node: NodeId): boolean => before.statements.get(node)?.state === 'member'
    const added = news.statements.filter(({ subject, state: kind }) => kind === 'member' && !isMember(subject))
    await this.#apply(added).catch((error: unknown) => this.#notWritten(error))
    await this.#vouch()
    return taken
  }

  /** For members who lost whoever had let them in. */
  async #vouch(): Promise<void> {
    const { identity } = this.#options
    if (!this.#takesPart || this.isShutOut(identity.id)) return
    const isOurs = (node: NodeId): boolean => {
      const now = currentId(this.#roster, node)
      return now !== 'removed' && now !== 'contested' && this.#isPeer(now)
    }
    const orphans = unvouched(this.#roster).filter(({ subject }) => isOurs(subject))
    if (orphans.length === 0) return
    const statements = orphans.map(({ subject, name, addresses, state: kind }) =>
      this.#say({ subject, name, addresses, state: kind }),
    )
    await this.#take({ statements })
  }

  /** Writes it down where a person sees it. */
  async #apply(added: readonly Statement[]): Promise<void> {
    const { home, identity, config, changed } = this.#options
    const own = { roster: this.#roster, self: identity.id }
    if (!hasChanges(changesFor(config(), own, added))) return
    await editConfig(home, (editor) => makeChanges(editor, changesFor(editor.config, own, added)))
    await changed()
  }

  #notWritten(error: unknown): void {
    const remedy = 'who was removed is shut out all the same; correct config.yaml, and restart spansync'
    this.#options.log.error({ event: 'members.not_written', err: error }, remedy)
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return await turn
  }
}
