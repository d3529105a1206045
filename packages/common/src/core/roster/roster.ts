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

/** The member list: the newest statement on each node. It spreads from member to member, and those who have heard the same have the
 *  same list. */
export type Roster = ReadonlyMap<NodeId, Statement>

export interface Taken {
  readonly roster: Roster
  /** What was not known before. */
  readonly news: readonly Statement[]
  readonly refused: readonly Statement[]
}

export interface TakeOptions {
  /** The signature is right, and by the key of `by`. */
  readonly isGenuine: (statement: Statement) => boolean
  /** Whom this node trusts besides the list: its own peers, as a person has set them, and itself. */
  readonly isTrusted: (node: NodeId) => boolean
}

/** More nodes than that nobody has; what comes beyond is refused. */
const mostMembers = 1000
/** So far a version may run ahead of the one known: else one word could be made final. */
const longestStep = 1000
/** One member can shut out so many; more a person has to do with other members' hands. */
export const mostRemovals = 3

/** Takes statements in. Only members say who is one: whoever was removed lets nobody in any more. A
 *  removal counts also when its signer was removed meanwhile, so that two who remove each other are both out, everywhere. */
export function take(roster: Roster, statements: readonly Statement[], options: TakeOptions): Taken {
  const next = new Map(roster)
  const news: Statement[] = []
  let open = statements.filter((one) => isNewer(one, roster.get(one.subject)))
  // One may vouch for the signer of another.
  for (let count = -1; count !== open.length; ) {
    count = open.length
    const rest: Statement[] = []
    for (const one of open) {
      if (!isNewer(one, next.get(one.subject))) continue
      if (!mayState(next, one, options)) {
        rest.push(one)
        continue
      }
      next.set(one.subject, one)
      news.push(one)
    }
    open = rest
  }
  return { roster: next, news, refused: open }
}

function mayState(roster: Roster, statement: Statement, { isGenuine, isTrusted }: TakeOptions): boolean {
  const { by, subject, state, version } = statement
  const [signer, known] = [roster.get(by), roster.get(subject)]
  if (version > (known?.version ?? 0) + longestStep) return false
  if (known === undefined && roster.size >= mostMembers) return false
  const wasMember = signer !== undefined || isTrusted(by)
  const isMember = signer === undefined ? isTrusted(by) : signer.state === 'member'
  if (state === 'removed' ? !wasMember || removalsBy(roster, by, subject) >= mostRemovals : !isMember) return false
  return isGenuine(statement)
}

/** Of others: the same may be removed again. */
function removalsBy(roster: Roster, node: NodeId, subject: NodeId): number {
  return [...roster.values()].filter((one) => one.by === node && one.state === 'removed' && one.subject !== subject)
    .length
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
  const isOut = (node: NodeId): boolean => roster.get(node)?.state === 'removed'
  return [...roster.values()].filter(({ by, state }) => state === 'member' && isOut(by))
}
