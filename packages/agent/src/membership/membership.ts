import { join } from 'node:path'
import { editConfig } from '@spansync/common/config/edit'
import type { Config } from '@spansync/common/config/schema'
import type { NodeId } from '@spansync/common/core/causal/types'
import { type Roster, type Statement, take } from '@spansync/common/core/roster/roster'
import type { Clock, Link } from '@spansync/common/ports'
import { mostStatements } from '@spansync/common/protocol/roster'
import type { Logger } from '@spansync/common/runtime/logger'
import { receiveJoiner } from '../joining/admission.ts'
import { encodeInvite } from '../joining/code.ts'
import { Invitations, validMs } from '../joining/invitations.ts'
import { ownAddresses } from '../joining/own-addresses.ts'
import type { JoinAnswer, JoinRequest, Offer } from '../joining/protocol.ts'
import type { Identity } from '../transport/identity.ts'
import type { Joining } from '../transport/types.ts'
import { UnknownMemberError } from './errors.ts'
import { forgetPeer, nameOfPeer, putPeer } from './peers.ts'
import { loadRoster, saveRoster } from './roster-file.ts'
import { isGenuine, state } from './statement.ts'

export interface MembershipOptions {
  readonly home: string
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Logger
  readonly config: () => Config
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

/** Who belongs to the network: invites, lets in, removes, and passes on what others say of that. The member list is the union of what
 *  members have signed; what is new in it is written into the configuration, where a person sees it. */
export class Membership {
  readonly #options: MembershipOptions
  readonly #invitations: Invitations
  readonly #file: string
  #roster: Roster
  /** One after the other: each builds on the list that the one before has left. */
  #last: Promise<unknown> = Promise.resolve()

  /** Throws RosterDamagedError. */
  constructor(options: MembershipOptions) {
    this.#options = options
    this.#invitations = new Invitations(options.clock)
    this.#file = join(options.home, 'members.json')
    this.#roster = loadRoster(this.#file)
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

  /** `addresses`: where this machine can be dialled besides what it knows itself. */
  invite(addresses: readonly string[]): Invitation {
    const { identity, clock, config } = this.#options
    const all = [...new Set([...addresses, ...ownAddresses(config().listen)])]
    const code = encodeInvite({ inviter: identity.id, secret: this.#invitations.make(), addresses: all })
    return { code, addresses: all, until: clock.wallNow() + validMs }
  }

  linkUp(link: Link): void {
    this.#tell(link, [...this.#roster.values()])
  }

  /** What a peer says of members. */
  receive(from: Link, statements: readonly Statement[]): void {
    this.#inTurn(() => this.#take(statements, from.peer)).catch((error: unknown) => {
      const remedy = 'it is told again with the next link'
      this.#options.log.warn({ event: 'members.not_taken', peer: from.name, err: error }, remedy)
    })
  }

  /** Shuts a member out everywhere. Throws UnknownMemberError. */
  async remove(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const peer = Object.hasOwn(this.#options.config().peers, name) ? this.#options.config().peers[name] : undefined
      if (peer === undefined) throw new UnknownMemberError(name)
      await this.#take([this.#say({ subject: peer.id, name, addresses: [], state: 'removed' })])
    })
  }

  async #admit(joiner: NodeId, { name, addresses }: JoinRequest): Promise<JoinAnswer> {
    return await this.#inTurn(async () => {
      const { home, config, offers, changed } = this.#options
      const yourName = await editConfig(home, (editor) => putPeer(editor, { id: joiner, name, addresses }))
      await changed()
      const others = this.#unsaid().filter(({ subject }) => subject !== joiner)
      await this.#take([...others, this.#say({ subject: joiner, name: yourName, addresses, state: 'member' })])
      const { name: own, coordinator } = config()
      return {
        name: own,
        yourName,
        offers: [...offers()],
        ...(coordinator && { coordinator: { url: coordinator.url } }),
      }
    })
  }

  /** Of this node and its peers nobody may have said anything yet: they were added by hand. */
  #unsaid(): Statement[] {
    const { identity, config } = this.#options
    const { name, listen, peers } = config()
    const own = { subject: identity.id, name, addresses: ownAddresses(listen), state: 'member' as const }
    const known = Object.entries(peers).map(([peer, { id, addresses }]) => {
      return { subject: id, name: peer, addresses: [...addresses], state: 'member' as const }
    })
    return [own, ...known].filter(({ subject }) => !this.#roster.has(subject)).map((one) => this.#say(one))
  }

  #say(what: Pick<Statement, 'subject' | 'name' | 'addresses' | 'state'>): Statement {
    const { identity, clock } = this.#options
    const version = (this.#roster.get(what.subject)?.version ?? 0) + 1
    return state(identity, { ...what, version, at: Math.round(clock.wallNow()) })
  }

  async #take(statements: readonly Statement[], from?: NodeId): Promise<void> {
    const { identity, config, log, links, changed } = this.#options
    // Who passes a word on vouches for it: a member could say the same in its own name.
    const trusted = new Set([identity.id, ...Object.values(config().peers).map(({ id }) => id)])
    const isTrusted = (node: NodeId): boolean => from !== undefined || trusted.has(node)
    const { roster, news, refused } = take(this.#roster, statements, { isGenuine, isTrusted })
    if (refused.length > 0)
      log.warn({ event: 'members.refused', from, statements: refused.length }, 'not signed by a member')
    if (news.length === 0) return
    // On the disk first: who was removed stays so, whatever happens next.
    saveRoster(this.#file, roster)
    this.#roster = roster
    // Also whoever is removed hears it.
    for (const link of links()) if (link.peer !== from) this.#tell(link, news)
    await this.#apply(news)
    await changed()
  }

  async #apply(news: readonly Statement[]): Promise<void> {
    const { home, identity, log } = this.#options
    const others = news.filter(({ subject }) => subject !== identity.id)
    for (const { subject: id, name, addresses, state: kind } of others) {
      await editConfig(home, (editor) => {
        const known = nameOfPeer(editor, id)
        if (kind === 'member') putPeer(editor, { id, name, addresses })
        else if (known !== undefined) forgetPeer(editor, known)
      })
    }
    for (const { subject, name, state: kind, by } of news) {
      const isOwn = subject === identity.id
      if (kind === 'removed' && isOwn)
        log.error(
          { event: 'members.removed_here', by },
          'this machine was removed; it can join again with a new invitation',
        )
      else log.info({ event: kind === 'removed' ? 'members.removed' : 'members.added', member: name, id: subject, by })
    }
  }

  #tell(link: Link, statements: readonly Statement[]): void {
    for (let at = 0; at < statements.length; at += mostStatements)
      link.send({ type: 'roster', statements: statements.slice(at, at + mostStatements) })
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return await turn
  }
}
