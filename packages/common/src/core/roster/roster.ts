import type { NodeId } from '../causal/types.ts'

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

/** The member list: the newest statement on each node. It spreads from member to member, and two lists that have met are equal,
 *  whichever way what is in them came. */
export type Roster = ReadonlyMap<NodeId, Statement>

export interface Taken {
  readonly roster: Roster
  /** What was not known before. */
  readonly news: readonly Statement[]
  /** Not signed by a member. */
  readonly refused: readonly Statement[]
}

export interface TakeOptions {
  /** The signature is right, and by the key of `by`. */
  readonly isGenuine: (statement: Statement) => boolean
  /** Whom this node trusts besides the list: its own peers, as a person has set them, and itself. */
  readonly isTrusted: (node: NodeId) => boolean
}

/** Takes statements in, in whatever order they come. A removal holds against everything of its version and before; whoever was removed
 *  says nothing that counts any more. */
export function take(roster: Roster, statements: readonly Statement[], options: TakeOptions): Taken {
  const next = new Map(roster)
  const news: Statement[] = []
  let open = statements.filter((one) => isNewer(one, roster.get(one.subject)))
  // One may vouch for the signer of another.
  for (let count = -1; count !== open.length; ) {
    count = open.length
    const [fit, rest] = partition(open, (one) => mayState(next, one, options))
    for (const one of fit) {
      if (!isNewer(one, next.get(one.subject))) continue
      next.set(one.subject, one)
      news.push(one)
    }
    open = rest
  }
  return { roster: next, news, refused: open.filter((one) => isNewer(one, next.get(one.subject))) }
}

function mayState(roster: Roster, statement: Statement, { isGenuine, isTrusted }: TakeOptions): boolean {
  const { by } = statement
  const own = roster.get(by)
  const isMember = own === undefined ? isTrusted(by) : own.state === 'member'
  return isMember && isGenuine(statement)
}

/** Of equal versions the removal wins, then any order that is the same everywhere. */
function isNewer(one: Statement, other: Statement | undefined): boolean {
  if (other === undefined || one.version !== other.version) return one.version > (other?.version ?? 0)
  if (one.state !== other.state) return one.state === 'removed'
  return one.signature > other.signature
}

function partition<T>(all: readonly T[], fits: (one: T) => boolean): readonly [readonly T[], T[]] {
  const [left, right]: [T[], T[]] = [[], []]
  for (const one of all) (fits(one) ? left : right).push(one)
  return [left, right]
}

/** What is signed: every field, in one order, so that nothing can be read in two ways. */
export function signedText(statement: Omit<Statement, 'signature'>): string {
  const { subject, name, addresses, state, version, at, by, certificate } = statement
  return JSON.stringify(['spansync member', subject, name, addresses, state, version, at, by, certificate])
}

/** Members, but for `self`. */
export function membersOf(roster: Roster, self: NodeId): Statement[] {
  return [...roster.values()].filter(({ subject, state }) => state === 'member' && subject !== self)
}
