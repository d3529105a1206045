import { need } from './need.ts'
import { beatenIn, includes, joinDots } from './replaced.ts'
import type { DiskState, Dot, Entry, ReplicaId, Row, VersionVector } from './types.ts'
import { covers, emptyVector, merge, withCounter } from './version-vector.ts'

type Stored = Entry & { readonly stat: Row['stat'] }

/** The next write of a replica: its counter is one above what its knowledge says of itself, so counters never repeat. */
export function nextDot(knowledge: VersionVector, replica: ReplicaId): { dot: Dot; knowledge: VersionVector } {
  const counter = (knowledge[replica] ?? 0) + 1
  return { dot: [replica, counter], knowledge: withCounter(knowledge, replica, counter) }
}

/** A user's change, seen on the disk: the entry's vector rises by the dot, and the dot alone made this content. */
export function changed(path: string, before: Entry | undefined, disk: DiskState | undefined, dot: Dot): Stored {
  const vector = withCounter(before?.vector ?? emptyVector, dot[0], dot[1])
  if (disk === undefined) {
    const kind = before?.kind ?? 'file'
    return { path, kind, deleted: true, size: 0, mtimeUs: 0, mode: 0, hash: '', vector, dots: [dot], stat: undefined }
  }
  const { kind, size, mtimeUs, mode, hash, stat } = disk
  return { path, kind, deleted: false, size, mtimeUs, mode, hash, vector, dots: [dot], stat }
}

/** The row after the disk shows the content of `remote`. Undefined when ours is at or above it already. A conflict that the remote
 *  won gets one new dot in its vector: without it two replicas can end with equal vectors and different contents. */
export function adopted(
  local: Entry | undefined,
  remote: Entry,
  stat: Row['stat'],
  takeDot: () => Dot,
): Stored | undefined {
  const kind = need(local, remote).kind
  if (kind === 'nothing' || kind === 'wait') return undefined
  if (kind === 'adopt' || kind === 'take') return { ...plain(remote), stat }
  const ours = local as Entry
  const vector = merge(ours.vector, remote.vector)
  if (kind === 'merge') {
    const dots = joinDots(ours.dots, remote.dots)
    const joined = { ...newer(ours, remote), vector, dots }
    return { ...withBeaten(joined, beatenIn({ ...remote, dots }, ours)), stat }
  }
  const dot = takeDot()
  const won = { ...remote, vector: withCounter(vector, dot[0], dot[1]) }
  return { ...withBeaten(won, beatenIn(remote, ours)), stat }
}

function withBeaten(entry: Entry, beaten: readonly Dot[]): Entry {
  const { beaten: _, ...rest } = plain(entry)
  return beaten.length === 0 ? rest : { ...rest, beaten }
}

/** Asserts a version against a concurrent or later one of a peer, as a new write of it: merged vector plus one new dot, which also made the
 *  content. A person's word, or what a directory holds, counts for all that was known: nothing is left open. */
export function reasserted(local: Row, remote: Entry, dot: Dot): Stored {
  const vector = withCounter(merge(local.vector, remote.vector), dot[0], dot[1])
  return { ...withBeaten(local, []), vector, dots: [dot], stat: local.stat }
}

/** From a replica that may lack deletions whose tombstones have been dropped since: what these include and our row does not has been
 *  deleted, and nothing but our word can say so any more. */
export function isDead(collected: VersionVector, remote: Entry, row: Entry | undefined): boolean {
  const known = row?.vector ?? emptyVector
  // Not deleted but lost here, and to be healed by this.
  if (row !== undefined && Object.keys(known).length === 0) return false
  if (covers(collected, remote.vector)) return !covers(known, remote.vector)
  return mayBeDropped(collected, remote) && !includes(known, remote.dots)
}

/** Its tombstone may have been. What has come to its vector since is no other content: there it has been found equal to another, or has won
 *  against one, while nobody knew of the deletion. */
export function mayBeDropped(collected: VersionVector, { vector, dots }: Pick<Entry, 'vector' | 'dots'>): boolean {
  return covers(collected, vector) || includes(collected, dots)
}

/** This knowledge does not cover what has been dropped: the replica may hold what was deleted. */
export function mayHoldDead({ collected }: { readonly collected: VersionVector }, knowledge: VersionVector): boolean {
  return !covers(knowledge, collected)
}

/** Says of something dead, as a write of this replica, that it is gone, or that it has given way to what is here now. */
export function buried(remote: Entry, row: Row | undefined, dot: Dot): Stored {
  if (!row) return changed(remote.path, remote, undefined, dot)
  const vector = withCounter(merge(row.vector, remote.vector), dot[0], dot[1])
  return { ...plain(row), vector, stat: row.stat }
}

/** Only what an entry holds: a row's sequence number must not travel. */
export function plain(entry: Entry): Entry {
  const { path, kind, deleted, size, mtimeUs, mode, hash, vector, dots, beaten } = entry
  return { path, kind, deleted, size, mtimeUs, mode, hash, vector, dots, ...(beaten ? { beaten } : {}) }
}

/** Equal contents may differ in modification time; every replica must choose the same one. */
function newer(left: Entry, right: Entry): Entry {
  if (left.mtimeUs !== right.mtimeUs) return left.mtimeUs > right.mtimeUs ? left : right
  return left.kind >= right.kind ? left : right
}
