/** A node's identity: the SHA-256 of its certificate (lower-case hex, 64 characters). */
export type NodeId = string & { readonly __brand: 'NodeId' }

/** A folder's identity, the same on every node that holds it. */
export type FolderId = string & { readonly __brand: 'FolderId' }

/** The key of a version vector: one incarnation of one folder's index on one node, `name.xxxxxxxx`. The name is for people
 *  (it ends up in the names of conflict copies); the random part makes it unique and never reused. */
export type ReplicaId = string & { readonly __brand: 'ReplicaId' }

/** Path below the folder's root, parts joined with '/', exactly the bytes of the file system read as UTF-8. */
export type RelativePath = string

/** Highest counter seen per replica; a missing key is 0. */
export type VersionVector = Readonly<Record<string, number>>

/** One write: replica and counter. */
export type Dot = readonly [ReplicaId, number]

export type Kind = 'file' | 'dir' | 'symlink'

/** Of one kind in one entry: honest ones have as many as writers that did not know of each other. */
export const mostDots = 1000

/** What is at a path, apart from its history.
 *  - `size` in bytes (0 for a directory); `mtimeUs` microseconds since 1970, which a double holds exactly (0 for a directory)
 *  - `mode` the nine permission bits (0 for a symlink)
 *  - `hash` SHA-256 in hex of the bytes (file) or of the target (symlink); '' for a directory */
export interface Content {
  readonly kind: Kind
  readonly size: number
  readonly mtimeUs: number
  readonly mode: number
  readonly hash: string
}

/** What a replica's index knows of one path. `deleted` makes it a tombstone: kind stays, size, mtimeUs, mode are 0, hash ''.
 *  `dots` are the write or writes that made this content. `beaten` are writes whose content lost a conflict against it, or against what it
 *  has beaten: in its history, and yet nobody who had it has replaced it. Left out when there are none. */
export interface Entry extends Content {
  readonly path: RelativePath
  readonly deleted: boolean
  readonly vector: VersionVector
  readonly dots: readonly Dot[]
  readonly beaten?: readonly Dot[]
}

/** How the file looked to `lstat` when its content was last hashed. Local to one node, never sent. */
export interface StatSignature {
  readonly mtimeUs: number
  readonly ctimeUs: number
  readonly size: number
  readonly inode: number
  /** The nine permission bits. */
  readonly mode: number
}

/** An entry as it is stored: `seq` orders the changes of this index (rises with every commit of the row). */
export interface Row extends Entry {
  readonly seq: number
  readonly stat: StatSignature | undefined
}

/** What is on the disk at a path now: undefined when nothing is there. */
export interface DiskState extends Content {
  readonly stat: StatSignature
}

/** Order-independent sum over all live entries of a hash of path and vector: 32 hex digits. */
export type Digest = string & { readonly __brand: 'Digest' }
