import { adopted, changed } from '../causal/change.ts'
import { matches } from '../causal/content.ts'
import { need } from '../causal/need.ts'
import type { DiskState, Entry, NodeId, RelativePath, Row } from '../causal/types.ts'
import { covers } from '../causal/version-vector.ts'
import { holdBack } from './deletions.ts'
import { current, type Draft, editPeer, putRow, remind, reviewHeldAt, setClaim, takeDot, wantedOf } from './draft.ts'
import type { ArrivedItem, EventOf, FetchedItem, Seen } from './events.ts'
import { bounds, type Claim, type Wanted } from './state.ts'
import { forgetVanished } from './vanished.ts'
import { newWish } from './wishes.ts'

/** The disk may have changed here. In this order: nothing new; an echo of what a peer told us (not an edit: this is what stops
 *  endless copying); a change of our own making that is not finished; the user's work. */
export function onObserved(draft: Draft, event: EventOf<'observed'>): void {
  for (const seen of event.items) observeOne(draft, seen)
}

export function observeOne(draft: Draft, seen: Seen): void {
  const { path, local, disk } = seen
  const row = current(draft, path, local)
  if (matches(row, disk)) {
    forgetVanished(draft, path)
    noteStat(draft, path, row, disk)
    return
  }
  if (believe(draft, seen)) return
  if (adoptEcho(draft, path, row, disk)) return
  const claim = draft.claims.get(path)
  if (claim && isHeld(claim, seen)) {
    if (!claim.seen) setClaim(draft, path, { ...claim, seen: true })
    return
  }
  setClaim(draft, path, undefined)
  if (disk === undefined && holdBack(draft, path)) return
  putRow(draft, changed(path, row, disk, takeDot(draft)))
}

/** What a program here has written while news of another content was awaited is no news of that. */
function isHeld({ stage }: Claim, { isWrittenHere }: Seen): boolean {
  return stage !== 'quarantine' || isWrittenHere !== true
}

/** What was waited for has been seen before this report of it: a difference is newer than either, or the report is old. */
export function lookAgain(draft: Draft, { path, local, disk }: Seen): void {
  const row = current(draft, path, local)
  if (matches(row, disk)) noteStat(draft, path, row, disk)
  else draft.observe.add(path)
}

function noteStat(draft: Draft, path: RelativePath, row: Row | undefined, disk: DiskState | undefined): void {
  const stat = disk?.stat
  if (row?.stat === undefined || stat === undefined) {
    if (row && stat) draft.restats.set(path, stat)
    return
  }
  const same =
    row.stat.mtimeUs === stat.mtimeUs &&
    row.stat.ctimeUs === stat.ctimeUs &&
    row.stat.size === stat.size &&
    row.stat.inode === stat.inode &&
    row.stat.mode === stat.mode
  if (!same) draft.restats.set(path, stat)
}

/** Adopts a peer's entry whose content is on the disk already, however it came there. */
function adoptEcho(draft: Draft, path: RelativePath, row: Row | undefined, disk: DiskState | undefined): boolean {
  for (const peer of draft.peers.values()) {
    const wish = peer.wanted.get(path)
    if (wish && wish.need !== 'wait' && wish.need !== 'later' && !wish.keep && matches(wish.entry, disk)) {
      return adopt(draft, row, wish.entry, disk)
    }
  }
  return false
}

export function adopt(draft: Draft, row: Row | undefined, entry: Entry, disk: DiskState | undefined): boolean {
  const next = adopted(row, entry, disk?.stat, () => takeDot(draft))
  if (!next) return false
  if (isOver(draft.claims.get(entry.path), disk)) setClaim(draft, entry.path, undefined)
  putRow(draft, next)
  return true
}

/** Whatever is under way for another content will still come to its end, and change the disk on its way there. */
function isOver(claim: Claim | undefined, disk: DiskState | undefined): boolean {
  return !claim?.work || (claim.work.entry !== undefined && matches(claim.work.entry, disk))
}

/** A Unison session for us has ended: what the disk shows decides, path by path. */
export function onFetchFinished(draft: Draft, event: EventOf<'fetch_finished'>): void {
  const peer = draft.peers.get(event.peer)
  if (peer?.fetch?.id === event.id) {
    const batch =
      event.outcome === 'done' ? Math.min(bounds.batch, Math.ceil(peer.batch * bounds.batchGrowth)) : peer.batch
    editPeer(draft, event.peer, { fetch: undefined, batch })
  }
  const wait = event.outcome === 'refused' ? 0 : undefined
  const reason = event.reason || 'the content did not arrive'
  for (const item of event.items) settle(draft, { item, id: event.id, peer: event.peer, reason, wait })
  for (const extra of event.extras) settleExtra(draft, extra, event.peer)
}

/** The peer's file is newer than what it has told of it: its entry is under way. */
function settleExtra(draft: Draft, extra: ArrivedItem, peer: NodeId): void {
  const { path, local, disk, isTransferred } = extra
  const row = current(draft, path, local)
  if (draft.claims.has(path) || matches(row, disk) || adoptEcho(draft, path, row, disk)) return
  if (row?.deleted && disk !== undefined && removeBrought(draft, { peer, entry: row, row, disk })) return
  // A program here put it among what came: no news of it will come from anywhere. It may have gone on with it since.
  if (disk !== undefined && disk.kind !== 'dir' && !isTransferred) draft.observe.add(path)
  else awaitNews(draft, { path, disk, peer })
}

function awaitNews(draft: Draft, { path, disk, peer }: Pick<Seen, 'path' | 'disk'> & { peer: NodeId }): void {
  const until = draft.at + patience(draft.peers.get(peer)?.wanted.get(path), disk, draft.at)
  setClaim(draft, path, { peer, stage: 'quarantine', until, brought: disk })
}

/** What is still wanted is asked for once more in the end: soon when it is small, and later each time, for somebody may be writing to it all
 *  the time. With nothing to ask for it counts as an edit in the end. */
function patience(wish: Wanted | undefined, disk: DiskState | undefined, at: number): number {
  if (!wish || wish.need === 'wait' || wish.need === 'later') return bounds.quarantineMs
  const isSmall = (disk?.size ?? 0) <= bounds.smallBytes
  const wait = isSmall ? bounds.askSmallMs * 2 ** Math.min(10, wish.attempts - 1) : bounds.quarantineMs
  return Math.max(Math.min(wait, bounds.quarantineMs), wish.notBefore - at)
}

interface Superseded {
  readonly peer: NodeId
  /** The tombstone. */
  readonly entry: Entry
  readonly row: Row | undefined
  readonly disk: DiskState
}

/** What a session brought without being asked has been deleted by then: it goes to the kept versions. False for a directory, which
 *  has nothing to be recognised by when its turn comes. */
export function removeBrought(draft: Draft, { peer, entry, row, disk }: Superseded): boolean {
  if (disk.kind === 'dir' || !draft.peers.has(peer)) return false
  const { path } = entry
  wantedOf(draft, peer).set(path, { ...newWish(entry, row), transit: disk.stat })
  setClaim(draft, path, { peer, stage: 'ready', until: 0 })
  return true
}

interface Settled {
  readonly item: FetchedItem
  readonly id: string
  readonly peer: NodeId
  readonly reason: string
  /** Ms until the next try; undefined: the usual backoff. */
  readonly wait: number | undefined
}

function settle(draft: Draft, { item, id, peer, reason, wait }: Settled): void {
  const { path, disk, entry } = item
  const claim = draft.claims.get(path)
  if (claim?.work?.id !== id) {
    if (!claim) lookAgain(draft, item)
    return
  }
  const wish = draft.peers.get(peer)?.wanted.get(path)
  if (matches(entry, disk) && !wish?.keep && adopt(draft, current(draft, path, item.local), entry, disk)) return
  setClaim(draft, path, undefined)
  reviewHeldAt(draft, path)
  const row = current(draft, path, item.local)
  const { heldOpenBy } = item
  if (heldOpenBy === 'unknown' && row?.kind === 'dir' && matches(row, disk)) {
    // It keeps its name, and the peer, which cannot know of what is inside, keeps the file beside it.
    putRow(draft, changed(path, row, disk, takeDot(draft)))
    return
  }
  if (heldOpenBy && heldOpenBy !== 'unknown') remind(draft, peer, heldOpenBy)
  if (matches(row, disk)) {
    noteStat(draft, path, row, disk)
    // What an earlier session left here has gone again.
    noteTransit(draft, { peer, path, transit: undefined })
    failed(draft, { peer, path, reason, wait })
    return
  }
  if (!item.ran) {
    observeOne(draft, item)
    return
  }
  if (adoptEcho(draft, path, row, disk)) return
  if (isDoneHere(item, row)) {
    observeOne(draft, item)
    return
  }
  // It was deleted meanwhile, and what came is older than that, or its news will bring it again.
  const isWanted = draft.peers.get(peer)?.wanted.has(path) === true
  const isGone = row?.deleted === true && !isWanted && covers(row.vector, entry.vector)
  if (disk !== undefined && isGone && removeBrought(draft, { peer, entry: row, row, disk })) return
  if (disk !== undefined) noteTransit(draft, { peer, path, transit: disk.stat })
  failed(draft, { peer, path, reason: 'the file changed while it was transferred', wait })
  awaitNews(draft, { path, disk, peer })
}

/** A program here wrote or deleted it in the very moment: no news of that will come from anywhere. A session replaces a file by renaming,
 *  so that it is always there; but before something of another kind comes, there is nothing for a moment. */
function isDoneHere({ disk, entry, isTransferred }: FetchedItem, row: Row | undefined): boolean {
  return disk === undefined ? row?.kind === entry.kind : !isTransferred
}

/** Nothing is held any more for a session of an earlier life, but what it brought is the peer's all the same. */
function believe(draft: Draft, { path, local, disk, brought }: Seen): boolean {
  if (brought === undefined || disk === undefined || draft.claims.has(path)) return false
  const row = current(draft, path, local)
  const { peer, entry, replaced } = brought
  if (entry === undefined) {
    if (row === undefined) awaitNews(draft, { path, disk, peer })
    return row === undefined
  }
  const now = need(row, entry)
  const wouldLose = now.kind === 'resolve' && now.keep && row?.hash !== replaced
  return !wouldLose && matches(entry, disk) && adopt(draft, row, entry, disk)
}

interface Transit {
  readonly peer: NodeId
  readonly path: RelativePath
  readonly transit: Wanted['transit']
}

function noteTransit(draft: Draft, { peer, path, transit }: Transit): void {
  const wish = draft.peers.get(peer)?.wanted.get(path)
  if (wish && wish.transit !== transit) wantedOf(draft, peer).set(path, { ...wish, transit })
}

interface Failure {
  readonly peer: NodeId
  readonly path: RelativePath
  readonly reason: string
  readonly wait?: number | undefined
}

export function failed(draft: Draft, { peer, path, reason, wait }: Failure): void {
  const wish = draft.peers.get(peer)?.wanted.get(path)
  if (!wish) return
  const attempts = wish.attempts + 1
  const delay = wait ?? Math.min(bounds.retryMostMs, bounds.retryMs * 2 ** Math.min(20, wish.attempts))
  wantedOf(draft, peer).set(path, { ...wish, attempts, notBefore: draft.at + delay, reason })
}
