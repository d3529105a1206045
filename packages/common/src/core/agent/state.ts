import type { Folding } from '../causal/folding.ts'
import { type Heard, nothingHeard } from '../causal/heard.ts'
import type { Member, Members } from '../causal/members.ts'
import type {
  Digest,
  DiskState,
  Entry,
  FolderId,
  NodeId,
  RelativePath,
  ReplicaId,
  Row,
  StatSignature,
  VersionVector,
} from '../causal/types.ts'
import type { DeletionLimits } from '../policy/deletion-limits.ts'
import { type Deletions, noDeletions } from './deletion-state.ts'
import type { Lack } from './lack.ts'
import { LayeredMap } from './layered-map.ts'
import { WishMap } from './wish-map.ts'
import { claimFlags, wishFlag } from './wishes.ts'

/** Everything one folder's loop holds in memory. It is rebuilt from the index and the peers after a restart, so losing it costs
 *  time only. */
export interface FolderState {
  readonly folder: FolderId
  readonly replica: ReplicaId
  /** Stands for what this node ignores beyond the usual; '' when nothing. Replicas of different scope do not hold the same. */
  readonly scope: string
  readonly knowledge: VersionVector
  /** Peers whose link is up and who hold this folder too. */
  readonly peers: ReadonlyMap<NodeId, PeerState>
  /** Paths that this replica is changing right now on a peer's behalf. What the disk shows there meanwhile is not the user's work. */
  readonly claims: LayeredMap<Claim>
  /** Own operations that have been handed to the disk and are not back yet. */
  readonly applying: number
  /** Numbers reads and fetches, so that the answer to one of an earlier connection is not taken for a later one's. */
  readonly nextId: number
  /** Whose word counts: with `orders` nothing is sent to a peer, asked of it or applied for it, unless an order names it. */
  readonly follows: Follows
  readonly self: NodeId
  /** Tombstones up to here may have been dropped by this replica, or by those it has its knowledge from. */
  readonly collected: VersionVector
  /** What each member has said of itself last, this one included. */
  readonly members: Members
  /** Names that the file system here does not tell apart; undefined when it tells all apart. */
  readonly folding: Folding | undefined
  /** With whom a person here shares the folder. */
  readonly sharers: ReadonlySet<NodeId>
  /** There is something to tell of the members that has not been told to everybody. */
  readonly isUnsaid: boolean
  /** How often this replica says something of itself, ms; Infinity: never. */
  readonly wordEveryMs: number
  /** Undefined before the first event. */
  readonly begunAt: number | undefined
  readonly saidAt: number | undefined
  /** Tombstones up to here have been looked for. */
  readonly sought: VersionVector
  /** Some of those could not be dropped at the last look; ms of the clock. */
  readonly seekAgainAt: number | undefined
  /** What may vanish at once without a person's word; undefined: deletions are not held back at all. */
  readonly guard: DeletionLimits | undefined
  readonly deletions: Deletions
}

export type Follows = 'peers' | 'orders'

/** Which way content may pass over a link, by the policy of the node that says so: `gives` and `takes` are one way only. */
export type Door = 'open' | 'gives' | 'takes' | 'shut'

/** Everything that a door can be. */
export const doors = ['open', 'gives', 'takes', 'shut'] as const satisfies readonly Door[]

export function gives(door: Door): boolean {
  return door === 'open' || door === 'gives'
}

export function takes(door: Door): boolean {
  return door === 'open' || door === 'takes'
}

/** Whether policy lets this version not pass over a link, whichever way: what it says of files, and no deletion. */
export type HoldsBack = (entry: Entry) => boolean

export interface Claim {
  readonly peer: NodeId
  /** `ready`: the losing version is kept and the fetch waits for its turn. `quarantine`: after a failed fetch the disk shows neither the
   *  old nor the wanted content. Most likely the peer's file changed while it was sent and the news of it is under way; taken for the
   *  user's edit at once it would make a false conflict. */
  readonly stage: 'apply' | 'ready' | 'fetch' | 'quarantine'
  /** End of the quarantine, ms. */
  readonly until: number
  /** Quarantine: what a session brought here instead of what it was asked for, or without being asked. It is nobody's work here: when news
   *  of the path comes, it may go. */
  readonly brought?: DiskState | undefined
  /** What is under way; stages `apply` and `fetch`. Its end may be reported when the claim has gone and another one is in its place:
   *  what was waited for has been seen on the disk before. */
  readonly work?: Work
  /** A change was seen here that is neither of the two contents in question; to be looked at again afterwards. */
  readonly seen?: boolean
}

export interface Work {
  /** The session's id; '' for an own operation. */
  readonly id: string
  /** What the disk shows when it is done; undefined for an operation that only makes room. */
  readonly entry: Entry | undefined
  /** The row that it was decided on. */
  readonly local: Row | undefined
}

export interface PeerState {
  /** What the peer last said it has; undefined until its first summary. */
  readonly announced: Announced | undefined
  /** What it was last told about us. */
  readonly told: Told | undefined
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly wanted: WishMap
  /** Id and paths of the Unison session under way for us with this peer. */
  readonly fetch: { readonly id: string; readonly paths: readonly RelativePath[] } | undefined
  /** How many paths the next session may take; grows, so that a first sync starts its next hop early and yet ends in few runs
   *  (each loads and saves the pair's whole archive). */
  readonly batch: number
  /** Digests that disagreed at equal knowledge, and since when (ms). */
  readonly disagreement: Disagreement | undefined
  /** This side has lost its memory of the link, and asked with this: what the peer says before it begins again was meant for our
   *  former self. */
  readonly awaits: string | undefined
  /** The peer has lost its memory of the link: what it is told next is a beginning, and carries this. */
  readonly restarting: string | undefined
  /** When the peer was last asked to send everything again, ms. */
  readonly askedAgainAt: number
  /** An order to sync with this peer is in force. */
  readonly ordered: boolean
  /** Ours towards the peer. */
  readonly door: Door
  /** What stays where it is while the rest may pass; undefined: nothing. */
  readonly holdsBack: HoldsBack | undefined
  /** The peer has dropped tombstones that we may lack: it gets to see all that is here, whatever it knows. */
  readonly listing: 'none' | 'open' | 'acknowledged'
  /** By member: the version of its word that the peer was told over this link, or told us. */
  readonly toldMembers: ReadonlyMap<NodeId, number>
}

export interface Announced {
  readonly replica: ReplicaId
  /** Whose word counts there. */
  readonly follows: Follows
  /** Its door towards us. */
  readonly door: Door
  /** Some of what it has may not pass between us. */
  readonly holdsBack: boolean
  /** What it would take of ours; undefined: policy holds nothing of that back. */
  readonly lacks: Lack | undefined
  readonly scope: string
  readonly knowledge: VersionVector
  readonly digest: Digest
  readonly collected: VersionVector
}

export interface Told {
  readonly collected: VersionVector
  readonly knowledge: VersionVector
  readonly digest: Digest
  readonly follows: Follows
  readonly door: Door
  readonly holdsBack: boolean
  /** See countLacked. */
  readonly lacked: number
  readonly received: number
  /** It was told when everything up to then had been sent, so that it may raise its knowledge to ours. */
  readonly complete: boolean
}

export interface Outgoing {
  /** Sequence number of our index up to which the peer was sent everything. */
  readonly cursor: number
  /** The read of the index under way. */
  readonly reading: string | undefined
  /** Something may have changed since the last read. */
  readonly dirty: boolean
  /** Send without regard to what the peer's knowledge covers. */
  readonly all: boolean
  readonly unacknowledged: readonly { readonly toSeq: number; readonly count: number }[]
  /** Entries that may be unacknowledged at a time. */
  readonly window: number
}

export interface Incoming {
  readonly toSeq: number
  /** Nothing was left to send at `toSeq`; `knowledge` is the peer's at that moment. */
  readonly complete: boolean
  readonly knowledge: VersionVector
  readonly heard: Heard
}

/** A peer's entry that is not ours yet. */
export interface Wanted {
  readonly entry: Entry
  readonly local: Row | undefined
  /** `wait`: the peer holds the loser of a conflict and settles it. `later`: this replica is changing the path right now on the
   *  ground of the row as it is, so the row may not move before that has ended. */
  readonly need: 'take' | 'resolve' | 'wait' | 'later'
  /** Our version must be kept as a conflict copy first. */
  readonly keep: boolean
  /** A live ancestor here that is not a directory. */
  readonly blockedBy: Row | undefined
  /** What a fetch left here that is neither our version nor this entry: the peer's file changed while it was sent. It may be
   *  overwritten (Unison keeps a backup). */
  readonly transit: StatSignature | undefined
  readonly attempts: number
  readonly notBefore: number
  /** Why the last try failed; '' when none did. */
  readonly reason: string
  /** See RemoteItem: never taken. A conflict with it is settled all the same, so it may come then. */
  readonly isUnwanted?: boolean | undefined
  /** Policy here, or the peer's, does not let it pass over this link: it waits until that changes, or until it comes another way. No
   *  sooner is what the peer knows known here. */
  readonly isHeldBack?: boolean | undefined
  /** The peer's policy does not. */
  readonly isHeldBackThere?: boolean | undefined
  /** Deleted long ago (see `isDead`), but this replica is changing the path right now. */
  readonly isDead?: boolean
  /** What is here already under a name that the file system does not tell from this one. */
  readonly twin?: RelativePath | undefined
  /** A deletion that has been weighed, or that a person has approved. */
  readonly isCleared: boolean
  /** Hash of the version here that has been kept as a conflict copy already. */
  readonly kept?: string | undefined
}

export interface Disagreement {
  readonly ours: Digest
  readonly theirs: Digest
  readonly since: number
}

export const bounds = {
  firstWindow: 1000,
  window: 16_000,
  page: 1000,
  /** Above this many wanted entries the peer is not told that its pages arrived, so it stops sending. */
  wanted: 12_000,
  firstBatch: 1000,
  batch: 12_000,
  batchGrowth: 1.25,
  apply: 4000,
  quarantineMs: 10_000,
  askSmallMs: 1000,
  smallBytes: 1 << 20,
  retryMs: 300,
  retryMostMs: 300_000,
  disagreementMs: 5000,
  askAgainMs: 3_600_000,
  tombstones: 1000,
  /** A word of this many members at most costs little enough to be said every time. */
  membersOften: 20,
  firstWordMs: 600_000,
} as const

/** What a folder's state is made of; without a guard deletions are not held back. */
export interface Beginning {
  readonly folder: FolderId
  readonly self: NodeId
  readonly replica: ReplicaId
  readonly knowledge: VersionVector
  readonly collected?: VersionVector
  readonly members?: readonly Member[]
  readonly scope?: string
  readonly wordEveryMs?: number
  readonly folding?: Folding | undefined
  readonly guard?: DeletionLimits | undefined
}

export function initialState(beginning: Beginning): FolderState {
  const {
    members = [],
    scope = '',
    collected = {},
    wordEveryMs = Number.POSITIVE_INFINITY,
    folding,
    guard,
    ...rest
  } = beginning
  return {
    ...rest,
    scope,
    collected,
    wordEveryMs,
    folding,
    members: new Map(members.map((member) => [member.node, member])),
    sharers: new Set(),
    isUnsaid: true,
    begunAt: undefined,
    saidAt: undefined,
    sought: {},
    seekAgainAt: undefined,
    guard,
    deletions: noDeletions,
    peers: new Map(),
    claims: new LayeredMap(claimFlags),
    applying: 0,
    nextId: 1,
    follows: 'peers',
  }
}

export function initialPeer(): PeerState {
  return {
    announced: undefined,
    told: undefined,
    outgoing: {
      cursor: 0,
      reading: undefined,
      dirty: true,
      all: false,
      unacknowledged: [],
      window: bounds.firstWindow,
    },
    incoming: { toSeq: 0, complete: false, knowledge: {}, heard: nothingHeard },
    wanted: new WishMap(),
    fetch: undefined,
    batch: bounds.firstBatch,
    disagreement: undefined,
    awaits: undefined,
    restarting: undefined,
    askedAgainAt: Number.NEGATIVE_INFINITY,
    ordered: false,
    door: 'open',
    holdsBack: undefined,
    listing: 'none',
    toldMembers: new Map(),
  }
}

/** Everything that the peer was to be shown has been sent, and it has looked at it. */
export function isListed({ all, reading, unacknowledged }: Outgoing): boolean {
  return !all && reading === undefined && unacknowledged.length === 0
}

/** So many wishes that the peer has to wait with more. */
export function isFull({ wanted }: PeerState): boolean {
  return wanted.open.size >= bounds.wanted && wanted.open.hasFlag(wishFlag.prompt)
}

/** Nothing more will be heard of the peer before a person has made room: all that could be tried has been tried. */
export function isStuck(peer: PeerState): boolean {
  return isFull(peer) && !peer.wanted.hasFlag(wishFlag.untried)
}

/** Whether content may pass between this replica and the peer now, policy aside. What is under way when it no longer may comes to its
 *  end. A peer that syncs directly gets no orders, or no longer: it must not wait for one that will never come. */
export function isOpen({ follows }: Pick<FolderState, 'follows'>, peer: PeerState): boolean {
  return follows === 'peers' || peer.ordered || peer.announced?.follows === 'peers'
}

/** Whether the peer may be sent what is here. */
export function mayGive(state: Pick<FolderState, 'follows'>, peer: PeerState): boolean {
  return isOpen(state, peer) && gives(peer.door) && takes(peer.announced?.door ?? 'open')
}

/** Whether this replica may ask the peer for something, and change anything on the disk on its behalf. */
export function mayTake(state: Pick<FolderState, 'follows'>, peer: PeerState): boolean {
  return isOpen(state, peer) && takes(peer.door) && gives(peer.announced?.door ?? 'open')
}
