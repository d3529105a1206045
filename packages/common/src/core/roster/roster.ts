import type { NodeId } from '../causal/types.ts'
import { isRoomForHeir, isRoomForMember } from './room.ts'
import { firstIdOf, formerIds, heirsOf, longestLineage, type Rotation, type Rotations } from './rotation.ts'
import { isOut, standingOf } from './standing.ts'

/** What one member says of a node: that it belongs to the network, or no longer. Signed by who says it. */
export interface Statement {
  readonly subject: NodeId
  readonly name: string
  /** Where it can be dialled, `host:port`. */
  readonly addresses: readonly string[]
  readonly state: 'member' | 'removed'
  /** Of what is said about the subject: the highest counts. */
  readonly version: number
  /** Milliseconds since 1970, by the clock of who says it; for people. */
  readonly at: number
  readonly by: NodeId
  /** Of `by`: DER in base64; its hash is the id. */
  readonly certificate: string
  /** Base64. */
  readonly signature: string
}

/** The member list: the newest statement on each node, and which keys took the place of others. It spreads from member to member, and
 *  those who have heard the same have the same list. */
export interface Roster {
  readonly statements: ReadonlyMap<NodeId, Statement>
  readonly rotations: Rotations
}

export const emptyRoster: Roster = { statements: new Map(), rotations: new Map() }

/** What members say. */
export interface Words {
  readonly statements: readonly Statement[]
  /** Each has been checked. */
  readonly rotations?: readonly Rotation[]
}

export interface Taken {
  readonly roster: Roster
  /** What was not known before. */
  readonly news: Required<Words>
  readonly refused: readonly Statement[]
}

export interface TakeOptions {
  /** The signature is right, and by the key of `by`. */
  readonly isGenuine: (statement: Statement) => boolean
  /** Whom this node trusts besides the list: its own peers, as a person has set them, and itself. */
  readonly isTrusted: (node: NodeId) => boolean
}

/** So far a version may run ahead of the one known: else one word could be made final. */
const longestStep = 1000
/** One member can shut out so many; more a person has to do with other members' hands. */
export const mostRemovals = 3

/** Takes words in. Only members say who is one: whoever was removed, or has a new key, lets nobody in any more. A removal counts also when
 *  its signer was removed meanwhile, so that two who remove each other are both out, everywhere. */
export function take(roster: Roster, { statements, rotations = [] }: Words, options: TakeOptions): Taken {
  const next = { statements: new Map(roster.statements), rotations: new Map(roster.rotations) }
  const news = { statements: [] as Statement[], rotations: [] as Rotation[] }
  let open: readonly (Statement | Rotation)[] = [
    ...rotations,
    ...statements.filter((one) => isNewer(one, roster.statements.get(one.subject))),
  ]
  // One may vouch for the signer of another.
  for (let count = -1; count !== open.length; ) {
    count = open.length
    open = open.filter((one) => {
      if ('replaces' in one) {
        if (!isKnown(next, one.replaces, options) || !mayReplace(next, one)) return !next.rotations.has(one.subject)
        next.rotations.set(one.subject, one)
        news.rotations.push(one)
        return false
      }
      if (!isNewer(one, next.statements.get(one.subject))) return false
      if (!mayState(next, one, options)) return true
      next.statements.set(one.subject, one)
      news.statements.push(one)
      return false
    })
  }
  return { roster: next, news, refused: open.filter((one) => 'signature' in one) }
}

/** Somebody that the list, or this node itself, has to do with: also the first key of a peer that a person has set, which has another
 *  one in the configuration now. */
function isKnown({ statements, rotations }: Roster, node: NodeId, { isTrusted }: TakeOptions): boolean {
  return statements.has(node) || rotations.has(node) || isTrusted(node) || heirsOf(rotations, node).length > 0
}

function mayReplace(roster: Roster, { subject, replaces }: Rotation): boolean {
  const { rotations } = roster
  if (rotations.has(subject) || formerIds(rotations, replaces).length >= longestLineage) return false
  return isRoomForHeir(roster, replaces)
}

function mayState(roster: Roster, statement: Statement, { isGenuine, isTrusted }: TakeOptions): boolean {
  const { by, subject, state, version } = statement
  const known = roster.statements.get(subject)
  if (version > (known?.version ?? 0) + longestStep) return false
  if (known === undefined && !isRoomForMember(roster)) return false
  const standing = standingOf(roster, by)
  const wasMember = standing !== 'unknown' || isTrusted(by)
  const isMember = standing === 'unknown' ? isTrusted(by) : standing === 'member'
  if (state === 'removed' ? !wasMember || removalsBy(roster, by, subject) >= mostRemovals : !isMember) return false
  return isGenuine(statement)
}

/** Of others: the same may be removed again. A new key is no new member, nor is the old one, whichever is heard first. */
function removalsBy({ statements, rotations }: Roster, node: NodeId, subject: NodeId): number {
  const first = firstIdOf(rotations, node)
  const removals = [...statements.values()].filter((one) => one.state === 'removed' && one.subject !== subject)
  return removals.filter(({ by }) => firstIdOf(rotations, by) === first).length
}

/** Of equal versions the removal wins, then any order that is the same everywhere. */
function isNewer(one: Statement, other: Statement | undefined): boolean {
  if (other === undefined || one.version !== other.version) return one.version > (other?.version ?? 0)
  if (one.state !== other.state) return one.state === 'removed'
  return one.signature > other.signature
}

/** What is signed: every field, in one order, so that nothing can be read in two ways. */
export function signedText(statement: Omit<Statement, 'signature'>): string {
  const { subject, name, addresses, state, version, at, by, certificate } = statement
  return JSON.stringify(['spansync member', subject, name, addresses, state, version, at, by, certificate])
}

/** Members for whom only somebody vouches who is out now: a member has to say it again, or nobody who comes later would take it. */
export function unvouched(roster: Roster): Statement[] {
  return [...roster.statements.values()].filter(({ by, state }) => state === 'member' && isOut(roster, by))
}
