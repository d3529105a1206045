import { sameEntry } from './content.ts'
import { includes, isReplaced } from './replaced.ts'
import type { Entry } from './types.ts'
import { compare } from './version-vector.ts'

/** What a replica with `local` has to do about a peer's `remote` entry of the same path.
 *  - `nothing`: ours is at or above it
 *  - `adopt`: theirs is above ours, and nothing but the vector differs
 *  - `merge`: concurrent with equal content: join vectors and dots, move no data
 *  - `take`: theirs is above ours
 *  - `resolve`: concurrent, theirs wins, and it is for us to settle it because we hold the loser. `keep` says that ours must be kept
 *    as a conflict copy first
 *  - `wait`: concurrent, ours wins: the peer holds the loser and settles it */
export type Need =
  | { readonly kind: 'nothing' | 'adopt' | 'merge' | 'take' | 'wait' }
  | { readonly kind: 'resolve'; readonly keep: boolean }

export function need(local: Entry | undefined, remote: Entry): Need {
  if (local === undefined) return { kind: remote.deleted ? 'adopt' : 'take' }
  const order = compare(local.vector, remote.vector)
  const same = sameEntry(local, remote)
  if (same) return { kind: sameOutcome[order] }
  if (order === 'ahead') return { kind: 'nothing' }
  if (order === 'behind') return { kind: 'take' }
  // Equal vectors with different content can only be damage: treated as concurrent, so it heals and both versions are kept.
  return resolve(local, remote)
}

const sameOutcome = { equal: 'nothing', ahead: 'nothing', behind: 'adopt', concurrent: 'merge' } as const

function resolve(local: Entry, remote: Entry): Need {
  const verdict = winner(local, remote)
  if (verdict.side === 'local') return { kind: 'wait' }
  return { kind: 'resolve', keep: !verdict.seen && holdsBytes(local) && !sameBytesAlive(local, remote) }
}

/** Directories have no bytes to keep, and a tombstone has none either. */
function holdsBytes(entry: Entry): boolean {
  return !entry.deleted && entry.kind !== 'dir'
}

/** Only the permissions differ: no bytes can be lost. */
function sameBytesAlive(left: Entry, right: Entry): boolean {
  return !left.deleted && !right.deleted && left.kind === right.kind && left.hash === right.hash
}

export interface Verdict {
  readonly side: 'local' | 'remote'
  /** The winner's history includes the writes that made the loser: nothing of it needs to be kept. */
  readonly seen: boolean
}

/** Which of two concurrent entries wins; the same on every node whichever side it calls local. What somebody who had it has replaced
 *  loses: preference alone goes round in circles, for an edit beats a deletion, which beats what it deleted, which may beat the edit. */
export function winner(local: Entry, remote: Entry): Verdict {
  const isLocalReplaced = isReplaced(local, remote)
  if (isLocalReplaced !== isReplaced(remote, local)) return { side: isLocalReplaced ? 'remote' : 'local', seen: true }
  const side = preferred(local, remote) ? 'local' : 'remote'
  const [first, second] = side === 'local' ? [local, remote] : [remote, local]
  return { side, seen: includes(first.vector, second.dots) && !includes(second.vector, first.dots) }
}

/** An edit beats a deletion; a directory keeps its name against anything else; then the later modification, then the greater
 *  hash, then the greater mode: a total order over different contents. */
function preferred(left: Entry, right: Entry): boolean {
  if (left.deleted !== right.deleted) return right.deleted
  if ((left.kind === 'dir') !== (right.kind === 'dir')) return left.kind === 'dir'
  if (left.mtimeUs !== right.mtimeUs) return left.mtimeUs > right.mtimeUs
  if (left.hash !== right.hash) return left.hash > right.hash
  if (left.kind !== right.kind) return left.kind > right.kind
  return left.mode > right.mode
}
