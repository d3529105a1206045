import type { TombstoneHead } from '../causal/folder-index.ts'
import type { Heard } from '../causal/heard.ts'
import type { Member } from '../causal/members.ts'
import type {
  Digest,
  DiskState,
  Entry,
  NodeId,
  RelativePath,
  ReplicaId,
  Row,
  StatSignature,
  VersionVector,
} from '../causal/types.ts'
import type { Lack } from './lack.ts'
import type { Door, Follows, HoldsBack } from './state.ts'

/** A path with what index and disk say of it at the time of the event. */
export interface Seen {
  readonly path: RelativePath
  readonly local: Row | undefined
  readonly disk: DiskState | undefined
  readonly brought?: Brought | undefined
  /** A program of this machine wrote what the disk shows, for certain. Asked only where a session may have brought it. */
  readonly isWrittenHere?: boolean
}

/** What a session of an earlier life was bringing to a path; without an entry: in a directory that it copied whole. */
export interface Brought {
  readonly peer: NodeId
  readonly entry: Entry | undefined
  /** Hash of the content that was to be replaced: where it lost a conflict, its copy was made before the session began. */
  readonly replaced?: string | undefined
}

/** A file whose content nobody has changed, and which is not what the index says. */
export interface DamagedItem extends Seen {
  /** Somebody who is away knows the version. */
  readonly isHeldElsewhere: boolean
  /** When nobody is known to have the right content. */
  readonly otherwise: 'edit' | 'leave'
}

export interface RemoteItem {
  readonly remote: Entry
  readonly local: Row | undefined
  /** The nearest ancestor that is alive in our index and not a directory. */
  readonly blockedBy: Row | undefined
  /** What is alive here under a name that the file system does not tell from this one, or from one of its parents. */
  readonly twin?: RelativePath | undefined
  /** A file that this replica takes no part in, as one that has grown too large for it. */
  readonly isUnwanted?: boolean | undefined
  /** The peer does not let its content pass over this link; absent: as it was told before. */
  readonly isHeldBack?: boolean | undefined
}

export interface IndexMeta {
  readonly knowledge: VersionVector
  readonly digest: Digest
}

/** How an own operation on the disk ended. `not_empty`: the directory still holds something we were not told to delete. */
export type ApplyResult = 'done' | 'changed' | 'not_empty' | 'failed'

export interface AppliedItem extends Seen {
  readonly peer: NodeId
  /** Undefined for an operation that only makes room for others. */
  readonly entry: Entry | undefined
  readonly result: ApplyResult
  readonly reason: string
  /** The conflict copy is in place. */
  readonly kept: boolean
}

export interface ArrivedItem extends Seen {
  /** What the disk shows there was put in place by a session, and not written by a program of this machine. */
  readonly isTransferred: boolean
}

export interface FetchedItem extends ArrivedItem {
  readonly entry: Entry
  /** False when the disk was not as expected before the session, so that the path was left out of it. */
  readonly ran: boolean
  /** Where the file is to be there is a directory with something in it: an entry of the index, or only what this replica takes no part
   *  in. */
  readonly heldOpenBy?: Row | 'unknown' | undefined
}

/** Files that would go, and those among them whose content would be nowhere in the folder any more. */
export interface DeletionWeight {
  readonly files: number
  readonly lost: number
}

/** `refused`: the gentle way (no force) left something undone; the next try may follow at once. */
export type FetchOutcome = 'done' | 'refused' | 'failed'

export type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>

/** What happened. The shell puts in what the index and the disk say, so that deciding needs neither. `at`: ms. */
export type FolderEvent = { readonly at: number } & (
  | {
      readonly kind: 'link_up'
      readonly peer: NodeId
      /** The link was up before, but this side has lost its memory of it, and has asked the peer with this to begin again. */
      readonly round?: string | undefined
      /** What policy says from the beginning; absent: open. */
      readonly door?: Door | undefined
      readonly holdsBack?: HoldsBack | undefined
    }
  | { readonly kind: 'link_down'; readonly peer: NodeId }
  | {
      readonly kind: 'summary_received'
      readonly peer: NodeId
      readonly replica: ReplicaId
      readonly knowledge: VersionVector
      readonly digest: Digest
      /** Absent: as before on this link; at its beginning nothing. */
      readonly collected?: VersionVector | undefined
      readonly received: number
      readonly complete: boolean
      readonly scope: string
      readonly partial: boolean
      readonly follows: Follows
      /** Absent: open. */
      readonly door?: Door | undefined
      /** Absent: it holds nothing back. */
      readonly holdsBack?: boolean | undefined
      readonly lacks?: Lack | undefined
      readonly round?: string | undefined
    }
  | {
      readonly kind: 'entries_received'
      readonly peer: NodeId
      readonly items: readonly RemoteItem[]
      readonly toSeq: number
      readonly complete: boolean
      readonly knowledge: VersionVector
      readonly digest: Digest
      /** The peer ignores more than we do: of what others wrote it may lack some, and vouches for its own writes only. */
      readonly partial: boolean
    }
  | {
      readonly kind: 'entries_read'
      readonly peer: NodeId
      readonly id: string
      readonly rows: readonly Row[]
      readonly toSeq: number
      readonly complete: boolean
      readonly meta: IndexMeta
    }
  | { readonly kind: 'observed'; readonly items: readonly Seen[] }
  | { readonly kind: 'damage_found'; readonly items: readonly DamagedItem[] }
  | { readonly kind: 'applied'; readonly items: readonly AppliedItem[] }
  | {
      readonly kind: 'fetch_finished'
      readonly peer: NodeId
      readonly id: string
      readonly outcome: FetchOutcome
      readonly reason: string
      readonly items: readonly FetchedItem[]
      /** What else the session brought, in directories that it copied whole. */
      readonly extras: readonly ArrivedItem[]
    }
  | {
      readonly kind: 'resend_requested'
      readonly peer: NodeId
      readonly all: boolean
      readonly round?: string | undefined
    }
  | { readonly kind: 'members_received'; readonly peer: NodeId; readonly members: readonly Member[] }
  | {
      readonly kind: 'sharers_set'
      readonly nodes: readonly NodeId[]
      /** Of nodes that have had other ids, this one among them: those, the last one first. */
      readonly formerIds?: ReadonlyMap<NodeId, readonly NodeId[]>
    }
  | {
      readonly kind: 'tombstones_read'
      readonly rows: readonly TombstoneHead[]
      readonly toSeq: number
      readonly complete: boolean
    }
  /** Entries at which the peer has another content than we: at the same version, or in a conflict that it waits for us to settle. */
  | { readonly kind: 'entries_disputed'; readonly peer: NodeId; readonly items: readonly RemoteItem[] }
  | {
      readonly kind: 'deletions_weighed'
      readonly here: DeletionWeight
      readonly told: DeletionWeight
      /** Files of the index. */
      readonly total: number
      /** Nothing is left in the root. */
      readonly isEmptied: boolean
      /** More may be found to have vanished. */
      readonly isScanning: boolean
      /** Single paths are being looked at. Where somebody works there are always some. */
      readonly isBusy: boolean
      /** What has come under other names may not have been read yet. */
      readonly isLooking: boolean
      /** So long it has taken. */
      readonly tookMs: number
    }
  | { readonly kind: 'deletions_approved' }
  | { readonly kind: 'deletions_refused' }
  | { readonly kind: 'retry_requested' }
  | { readonly kind: 'follow_set'; readonly follows: Follows }
  | { readonly kind: 'order_set'; readonly peer: NodeId; readonly ordered: boolean }
  | { readonly kind: 'door_set'; readonly peer: NodeId; readonly door: Door }
  | { readonly kind: 'holds_back_set'; readonly peer: NodeId; readonly holdsBack: HoldsBack | undefined }
  | { readonly kind: 'reincarnated'; readonly replica: ReplicaId }
  | { readonly kind: 'ticked' }
)

export type EventOf<K extends FolderEvent['kind']> = Extract<FolderEvent, { kind: K }>

/** One step of what must happen on the disk before a path is as the peer's entry says. Each is refused by the disk when the
 *  path is no longer as `local` says. */
export type Operation = 'keep' | 'remove' | 'rmdir' | 'mkdir' | 'chmod'

export interface ApplyItem {
  readonly peer: NodeId
  readonly path: RelativePath
  /** What our index says is there. */
  readonly local: Row | undefined
  readonly entry: Entry | undefined
  /** See FetchItem. */
  readonly transit: StatSignature | undefined
  readonly operations: readonly Operation[]
  /** Where `keep` puts the losing version: candidates in order. */
  readonly keepAs: readonly RelativePath[]
}

export interface FetchItem {
  readonly entry: Entry
  /** What the index says is here; the disk must agree just before the session, or show `transit`. */
  readonly local: Row | undefined
  readonly transit: StatSignature | undefined
  /** An empty directory is in the way: to be removed just before the session, and put back when nothing came. */
  readonly clear: boolean
  readonly attempts: number
}

export type CommitRow = Entry & { readonly stat: Row['stat'] }

export type Effect =
  | {
      readonly kind: 'commit'
      readonly rows: readonly CommitRow[]
      readonly knowledge: VersionVector
      readonly dropped?: readonly RelativePath[]
      readonly collected?: VersionVector
    }
  | { readonly kind: 'restat'; readonly items: readonly { readonly path: RelativePath; readonly stat: Row['stat'] }[] }
  | {
      readonly kind: 'read_entries'
      readonly peer: NodeId
      readonly id: string
      readonly since: number
      readonly knowledge: VersionVector | undefined
      readonly heard: Heard
      readonly limit: number
    }
  | {
      readonly kind: 'send_summary'
      readonly peer: NodeId
      readonly knowledge: VersionVector
      readonly digest: Digest
      readonly collected?: VersionVector
      readonly received: number
      readonly complete: boolean
      readonly scope: string
      readonly partial: boolean
      readonly follows: Follows
      readonly door: Door
      readonly holdsBack: boolean
      readonly lacks: Lack | undefined
      /** The peer asked with this to begin again, and this is the beginning. */
      readonly round?: string
    }
  | {
      readonly kind: 'send_entries'
      readonly peer: NodeId
      readonly rows: readonly Row[]
      /** Of these the content stays here. */
      readonly heldBack: ReadonlySet<RelativePath>
      readonly toSeq: number
      readonly complete: boolean
      readonly knowledge: VersionVector
      readonly digest: Digest
      readonly partial: boolean
    }
  /** With `round`: both sides begin anew. */
  | { readonly kind: 'send_resend'; readonly peer: NodeId; readonly round?: string }
  /** Our versions, for a peer that has to settle conflicts with them and may have left them out. */
  | { readonly kind: 'send_disputed'; readonly peer: NodeId; readonly rows: readonly Row[] }
  | { readonly kind: 'send_members'; readonly peer: NodeId; readonly members: readonly Member[] }
  | { readonly kind: 'keep_members'; readonly members: readonly Member[] }
  | { readonly kind: 'read_tombstones'; readonly since: number }
  | { readonly kind: 'apply'; readonly items: readonly ApplyItem[] }
  | {
      readonly kind: 'fetch'
      readonly peer: NodeId
      readonly id: string
      readonly items: readonly FetchItem[]
      /** Directories in which more is wanted than this. */
      readonly partial: ReadonlySet<RelativePath>
    }
  /** Some of what it was to bring may not come any more, by policy. It ends as one that has failed. */
  | { readonly kind: 'stop_fetch'; readonly peer: NodeId; readonly id: string }
  | { readonly kind: 'observe'; readonly paths: readonly RelativePath[] }
  | {
      readonly kind: 'weigh_deletions'
      /** What has vanished here, and what peers have deleted. */
      readonly here: ReadonlySet<RelativePath>
      readonly told: ReadonlySet<RelativePath>
      /** These and all others that are to go. */
      readonly going: ReadonlySet<RelativePath>
      /** Contents that peers have under names that are not here yet: how many of each hash. */
      readonly coming: ReadonlyMap<string, number>
    }
  | { readonly kind: 'reincarnate' }
  | { readonly kind: 'wake'; readonly at: number }
