import { reasserted } from '../causal/change.ts'
import { matches } from '../causal/content.ts'
import type { NodeId, RelativePath, Row } from '../causal/types.ts'
import { compare } from '../causal/version-vector.ts'
import { adopt, failed, lookAgain, observeOne } from './disk-events.ts'
import { current, type Draft, putRow, setClaim, takeDot, wantedOf } from './draft.ts'
import type { AppliedItem, EventOf } from './events.ts'
import type { Wanted } from './state.ts'
import { wishFlag } from './wishes.ts'

/** Own operations are done, or the disk refused them. */
export function onApplied(draft: Draft, event: EventOf<'applied'>): void {
  draft.state = { ...draft.state, applying: Math.max(0, draft.state.applying - 1) }
  for (const item of event.items) applyOne(draft, item)
}

function applyOne(draft: Draft, item: AppliedItem): void {
  const claim = draft.claims.get(item.path)
  if (claim?.stage === 'apply') conclude(draft, item, claim.work?.local)
  else if (!claim) lookAgain(draft, item)
}

function conclude(draft: Draft, item: AppliedItem, decidedOn: Row | undefined): void {
  if (item.entry === undefined) {
    madeRoom(draft, item)
    return
  }
  const row = current(draft, item.path, item.local)
  // A session of before may have brought another version meanwhile, and that one has not been kept.
  const isAsDecided = compare(decidedOn?.vector ?? {}, row?.vector ?? {}) === 'equal'
  if (isAsDecided) noteKept(draft, item, decidedOn)
  if (isAsDecided && item.result === 'not_empty' && row) notEmpty(draft, item, row)
  else if (!isAsDecided || item.result !== 'done' || !goOn(draft, item, row)) refused(draft, item)
}

function noteKept(draft: Draft, { path, peer, entry, kept }: AppliedItem, copied: Row | undefined): void {
  const wish = draft.peers.get(peer)?.wanted.get(path)
  if (wish && kept && wish.entry === entry)
    wantedOf(draft, peer).set(path, { ...wish, keep: false, kept: copied?.hash })
}

/** It is done, or the way is clear: the fetch may follow. The claim stays then, for the disk may show a gap meanwhile. */
function goOn(draft: Draft, { path, peer, entry, disk }: AppliedItem, row: Row | undefined): boolean {
  const wish = draft.peers.get(peer)?.wanted.get(path)
  if (!wish?.keep && entry && matches(entry, disk) && adopt(draft, row, entry, disk)) return true
  if (wish && row && entry && matches(entry, disk) && compare(row.vector, entry.vector) === 'equal') {
    // What had to go was no version of this index: a session had brought it. What the peer has told of meanwhile is still to come.
    if (wish.entry === entry) wantedOf(draft, peer).delete(path)
    setClaim(draft, path, undefined)
    return true
  }
  if (!wish || wish.entry !== entry || entry.deleted || entry.kind === 'dir') return false
  setClaim(draft, path, { peer, stage: 'ready', until: 0 })
  return true
}

/** The disk was not as the index said: release it and look again, which shows the user's edit. */
function refused(draft: Draft, { path, peer, reason }: AppliedItem): void {
  setClaim(draft, path, undefined)
  draft.observe.add(path)
  failed(draft, { peer, path, reason })
}

/** A file stood where a directory is needed: it has been kept under another name, and the directory is this node's own change. */
function madeRoom(draft: Draft, item: AppliedItem): void {
  setClaim(draft, item.path, undefined)
  if (item.result === 'done') {
    observeOne(draft, item)
    return
  }
  draft.observe.add(item.path)
  for (const id of draft.peers.keys()) postpone(draft, id, item)
}

function postpone(draft: Draft, id: NodeId, { path, reason }: AppliedItem): void {
  const wanted = draft.peers.get(id)?.wanted
  if (!wanted?.hasFlag(wishFlag.blocked)) return
  for (const wish of wanted.values()) {
    if (wish.blockedBy?.path === path) failed(draft, { peer: id, path: wish.entry.path, reason })
  }
}

/** A directory that a peer deleted or replaced still holds something here that the peer has not seen. If the peer deleted it, it
 *  comes back as this node's change. If the peer put a file there, the peer settles it when it hears of what is inside. */
function notEmpty(draft: Draft, item: AppliedItem, row: Row): void {
  const { path, peer, entry } = item
  draft.observe.add(path)
  if (entry?.deleted && !pendingBelow(draft, path)) {
    setClaim(draft, path, undefined)
    putRow(draft, reasserted(row, entry, takeDot(draft)))
    return
  }
  setClaim(draft, path, undefined)
  failed(draft, { peer, path, reason: item.reason })
}

function mayCome({ need }: Wanted): boolean {
  return need !== 'wait' && need !== 'later'
}

function pendingBelow(draft: Draft, path: RelativePath): boolean {
  const prefix = `${path}/`
  for (const peer of draft.peers.values()) {
    if (!peer.wanted.open.mayHoldBelow(path)) continue
    for (const wish of peer.wanted.open.values()) if (mayCome(wish) && wish.entry.path.startsWith(prefix)) return true
  }
  return false
}
