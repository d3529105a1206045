import { conflictPath } from '../causal/conflict-name.ts'
import { ancestors } from '../causal/paths.ts'
import type { NodeId, RelativePath, Row } from '../causal/types.ts'
import { isGuarded } from './deletions.ts'
import { type Draft, editPeer, isChanging, setClaim, takeId } from './draft.ts'
import type { ApplyItem, FetchItem, Operation } from './events.ts'
import { namesInTheMaking } from './names.ts'
import { bounds, mayTake, type PeerState, type Wanted } from './state.ts'
import { isDirectoryInTheWay, isLate, operationsFor, wishFlag } from './wishes.ts'

/** Turns wishes into work: own operations on the disk first (they move no bytes), then one Unison session per peer. A path is
 *  asked of one peer at a time, so nothing crosses the last hop of a ring twice. */
export function dispatch(draft: Draft): void {
  const open = [...draft.peers].filter(([, peer]) => mayTake(draft.state, peer))
  if (draft.state.applying === 0) applyWishes(draft, open)
  for (const [id] of open) fetchFrom(draft, id)
}

function applyWishes(draft: Draft, open: readonly (readonly [NodeId, PeerState])[]): void {
  const items: ApplyItem[] = []
  const peers = open.filter(([, { wanted }]) => wanted.hasFlag(wishFlag.operations | wishFlag.blocked))
  for (const [id, peer] of peers) collectEarly(draft, { id, peer, items })
  if (items.length === 0) for (const [id, peer] of peers) collectLate(draft, { id, peer, items })
  if (items.length === 0) return
  for (const { path, peer, entry, local } of items) {
    setClaim(draft, path, { peer, stage: 'apply', until: 0, work: { id: '', entry, local } })
  }
  draft.state = { ...draft.state, applying: draft.state.applying + 1 }
  draft.effects.push({ kind: 'apply', items: items.sort(inOrder) })
}

interface Collecting {
  readonly id: NodeId
  readonly peer: PeerState
  readonly items: ApplyItem[]
}

function collectEarly(draft: Draft, { id, peer, items }: Collecting): void {
  const taken = new Set(items.map(({ path }) => path))
  for (const wish of peer.wanted.open.values()) {
    if (items.length >= bounds.apply) return
    if (!isEligible(draft, id, wish) || isLate(wish) || taken.has(wish.entry.path)) continue
    const operations = operationsFor(wish)
    if (operations.length > 0) items.push(applyItem(id, wish, operations))
  }
}

/** Directories go last, when all news of what is in them has been heard and done: a child whose deletion comes a page later
 *  must not look like something that the peer has not seen. */
function collectLate(draft: Draft, { id, peer, items }: Collecting): void {
  if (!isLateTurn(draft, id, peer)) return
  const taken = new Set(items.map(({ path }) => path))
  for (const wish of peer.wanted.values()) {
    if (items.length >= bounds.apply) return
    // Room for what policy holds back is no content: the directory keeps its name here too.
    const mayGo = wish.blockedBy ? isFree(draft, id, wish) : isEligible(draft, id, wish)
    if (!mayGo || taken.has(wish.entry.path)) continue
    const item = wish.blockedBy ? roomFor(draft, id, wish.blockedBy) : applyItem(id, wish, operationsFor(wish))
    if (!item || item.operations.length === 0 || taken.has(item.path)) continue
    taken.add(item.path)
    items.push(item)
  }
}

function isLateTurn(draft: Draft, id: NodeId, peer: PeerState): boolean {
  if (!peer.incoming.complete) return false
  for (const path of draft.claims.keys()) if (isChanging(draft, path) && peer.wanted.has(path)) return false
  for (const wish of peer.wanted.open.values()) if (isEligible(draft, id, wish) && !isLate(wish)) return false
  return true
}

function isEligible(draft: Draft, id: NodeId, wish: Wanted): boolean {
  return !wish.isHeldBack && isFree(draft, id, wish)
}

/** Nothing stands in its way here. */
function isFree(draft: Draft, id: NodeId, wish: Wanted): boolean {
  if (wish.need === 'wait' || wish.need === 'later' || wish.notBefore > draft.at || wish.twin !== undefined)
    return false
  if (isGuarded(draft, id, wish)) return false
  const claim = draft.claims.get(wish.entry.path)
  if (claim?.stage === 'quarantine') return claim.until <= draft.at && wish.transit !== undefined
  return claim === undefined || (claim.stage === 'ready' && claim.peer === id)
}

function applyItem(peer: NodeId, wish: Wanted, operations: readonly Operation[]): ApplyItem {
  const { entry, local, transit, attempts } = wish
  return { peer, path: entry.path, local, entry, transit, operations, keepAs: copyNames(operations, local, attempts) }
}

/** Longer and longer names: somebody may have put another content under one of them. */
function copyNames(operations: readonly Operation[], local: Row | undefined, failures: number): readonly string[] {
  if (!operations.includes('keep') || !local) return []
  return [0, 1, 2, 4, 5 + failures].map((attempt) => conflictPath(local, attempt))
}

/** A file here, live entries below its name there: the directory keeps the name. */
function roomFor(draft: Draft, peer: NodeId, blocker: Row): ApplyItem | undefined {
  if (draft.claims.has(blocker.path)) return undefined
  for (const [id, other] of draft.peers) {
    const wish = other.wanted.get(blocker.path)
    // What the peer has in its place is held back with all that is below it: until that comes there is nothing to make room for.
    if (wish && wish.need !== 'wait' && (!wish.isHeldBack || id === peer)) return undefined
  }
  const operations: readonly Operation[] = ['keep', 'remove', 'mkdir']
  return {
    peer,
    path: blocker.path,
    local: blocker,
    entry: undefined,
    transit: undefined,
    operations,
    keepAs: copyNames(operations, blocker, 0),
  }
}

/** Removals from the deepest up, then everything else from the top down. */
function inOrder(left: ApplyItem, right: ApplyItem): number {
  const removal = Number(isRemoval(right)) - Number(isRemoval(left))
  if (removal !== 0) return removal
  const byPath = left.path < right.path ? -1 : left.path > right.path ? 1 : 0
  return isRemoval(left) ? -byPath : byPath
}

function isRemoval({ operations }: ApplyItem): boolean {
  return operations.includes('remove') || operations.includes('rmdir')
}

function fetchFrom(draft: Draft, id: NodeId): void {
  const peer = draft.peers.get(id) as PeerState
  if (peer.fetch || peer.wanted.open.size === 0) return
  const items: FetchItem[] = []
  const names = namesInTheMaking(draft)
  let lateTurn: boolean | undefined
  for (const wish of peer.wanted.open.values()) {
    if (items.length >= peer.batch) break
    if (!canFetch(draft, id, wish) || names?.twinOf(wish.entry.path) !== undefined) continue
    if (isLate(wish)) {
      lateTurn ??= isLateTurn(draft, id, peer)
      if (!lateTurn) continue
    }
    const { entry, local, transit, attempts } = wish
    items.push({ entry, local, transit, clear: isDirectoryInTheWay(wish), attempts })
    names?.addWithParents(entry.path)
  }
  if (items.length === 0) return
  const fetchId = takeId(draft)
  for (const { entry, local } of items) {
    setClaim(draft, entry.path, { peer: id, stage: 'fetch', until: 0, work: { id: fetchId, entry, local } })
  }
  editPeer(draft, id, { fetch: { id: fetchId, paths: items.map(({ entry }) => entry.path) } })
  draft.effects.push({ kind: 'fetch', peer: id, id: fetchId, items, partial: partialIn(peer, items) })
}

/** Directories in which more is wanted than these items. The last one may go on in the next page. */
function partialIn({ wanted, incoming }: PeerState, items: readonly FetchItem[]): Set<RelativePath> {
  const partial = new Set<RelativePath>()
  const asked = new Set(items.map(({ entry }) => entry.path))
  let last: RelativePath | undefined
  for (const { entry, need } of wanted.open.values()) {
    last = entry.path
    if (need !== 'wait' && !asked.has(last)) addAncestors(partial, last)
  }
  for (const path of wanted.held.keys()) addAncestors(partial, path)
  if (last !== undefined && !incoming.complete) addAncestors(partial, last)
  return partial
}

function addAncestors(directories: Set<RelativePath>, path: RelativePath): void {
  for (const ancestor of ancestors(path)) {
    if (directories.has(ancestor)) return
    directories.add(ancestor)
  }
}

function canFetch(draft: Draft, id: NodeId, wish: Wanted): boolean {
  if (!isEligible(draft, id, wish)) return false
  if (wish.blockedBy || wish.entry.deleted) return false
  return operationsFor(wish).length === 0
}
