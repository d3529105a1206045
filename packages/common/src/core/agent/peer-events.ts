import { adopted, isDead, mayHoldDead } from '../causal/change.ts'
import { matches } from '../causal/content.ts'
import { hear } from '../causal/heard.ts'
import { type Need, need } from '../causal/need.ts'
import type { NodeId, RelativePath, ReplicaId, VersionVector } from '../causal/types.ts'
import { compare, covers, emptyVector, merge } from '../causal/version-vector.ts'
import { inherit, isNewNeighbour, mayRaise } from './collection.ts'
import { isApproved, meetVanished, noteTold } from './deletions.ts'
import { removeBrought } from './disk-events.ts'
import {
  askWhatIsHeldBack,
  bury,
  current,
  type Draft,
  editPeer,
  giveUp,
  isAs,
  isChanging,
  putRow,
  releaseReady,
  remind,
  retryWith,
  setClaim,
  setWish,
  takeDot,
  takeId,
  wantedOf,
} from './draft.ts'
import type { EventOf, RemoteItem } from './events.ts'
import { twinFor } from './names.ts'
import { bounds, gives, initialPeer, isListed, type Outgoing, type PeerState } from './state.ts'
import { isHeldBack, newWish } from './wishes.ts'

export function onLinkUp(
  draft: Draft,
  { peer, round, door = 'open', holdsBack }: Omit<EventOf<'link_up'>, 'kind' | 'at'>,
): void {
  draft.peers.set(peer, { ...initialPeer(), awaits: round, door, holdsBack })
}

/** What was under way for this peer comes to its own end (`applied`, `fetch_finished`); what only waited is looked at again. What the peer's
 *  sessions brought is awaited on: it may be back soon, and tell of it. */
export function onLinkDown(draft: Draft, { peer }: { peer: NodeId }): void {
  draft.peers.delete(peer)
  letGo(draft, peer)
}

/** What only waited for this peer. */
export function letGo(draft: Draft, peer: NodeId): void {
  draft.ownWanted.delete(peer)
  for (const [path, claim] of draft.claims) {
    if (claim.peer !== peer) continue
    if (claim.stage === 'quarantine') setClaim(draft, path, { ...claim, until: draft.at + bounds.quarantineMs })
    if (claim.stage !== 'ready') continue
    setClaim(draft, path, undefined)
    draft.observe.add(path)
  }
}

export function onSummary(draft: Draft, event: EventOf<'summary_received'>): void {
  const peer = draft.peers.get(event.peer)
  if (!peer || (peer.awaits !== undefined && peer.awaits !== event.round)) return
  checkIncarnation(draft, event.knowledge)
  // There is somebody new to be told who has what.
  if (!peer.announced) draft.state = { ...draft.state, isUnsaid: true }
  draft.hasNews ||= isNewNeighbour(draft, event.peer)
  const { replica, scope, knowledge, digest, follows, door = 'open', holdsBack = false, lacks } = event
  const collected = event.collected ?? peer.announced?.collected ?? emptyVector
  if (peer.announced && peer.listing === 'none' && mayHoldDead({ collected }, draft.knowledge)) {
    return restart(draft, event.peer, peer)
  }
  const { outgoing, listing, isNewlySeen } = list(draft, peer, { collected, received: event.received })
  // A first summary may hold entries to send; a changed one may need our answer.
  const dirty = peer.announced === undefined || outgoing.dirty || peer.announced.digest !== digest
  // Everything was sent before this was said, so there is nothing between our knowledge and the peer's but what is still wanted.
  const incoming = event.complete
    ? { ...peer.incoming, complete: true, knowledge: vouched(event, replica) }
    : { ...peer.incoming, complete: peer.incoming.complete && !isNewlySeen }
  editPeer(draft, event.peer, {
    announced: { replica, scope, knowledge, digest, follows, door, holdsBack, lacks, collected },
    listing,
    incoming,
    awaits: undefined,
    outgoing: { ...outgoing, dirty },
  })
  // What was refused meanwhile need not wait for its next try.
  if (peer.announced && gives(door) && !gives(peer.announced.door)) retryWith(draft, event.peer)
}

/** The list has to be told from what was sent before: both sides begin anew. */
function restart(draft: Draft, id: NodeId, { ordered, door, holdsBack, askedAgainAt }: PeerState): void {
  const round = `${draft.state.replica}-${takeId(draft)}`
  letGo(draft, id)
  draft.peers.set(id, { ...initialPeer(), ordered, door, holdsBack, askedAgainAt, awaits: round })
  draft.effects.push({ kind: 'send_resend', peer: id, round })
}

interface Listing {
  readonly outgoing: Outgoing
  readonly listing: PeerState['listing']
  /** What the peer said before did not reckon with our list yet, or with part of it. */
  readonly isNewlySeen: boolean
}

/** A peer that has dropped tombstones which we may lack is sent all that is here. */
function list(draft: Draft, peer: PeerState, said: { collected: VersionVector; received: number }): Listing {
  const outgoing = acknowledge(peer.outgoing, said.received)
  if (peer.listing === 'none' && mayHoldDead(said, draft.knowledge)) {
    // Nothing has been sent before a first summary; a read under way brings nothing but our own first word.
    return { outgoing: { ...outgoing, all: true, dirty: true }, listing: 'open', isNewlySeen: false }
  }
  const isOpen = peer.listing === 'open'
  const isSeen = isOpen && isListed(outgoing)
  const isSomeSeen = isOpen && outgoing.unacknowledged.length < peer.outgoing.unacknowledged.length
  return { outgoing, listing: isSeen ? 'acknowledged' : peer.listing, isNewlySeen: isSeen || isSomeSeen }
}

/** What the peer has sent everything of. One that ignores more than we do may lack what others wrote. */
function vouched({ partial, knowledge }: Vouching, replica: ReplicaId | undefined): VersionVector {
  if (!partial) return knowledge
  return replica === undefined ? emptyVector : { [replica]: knowledge[replica] ?? 0 }
}

type Vouching = Pick<EventOf<'entries_received'>, 'partial' | 'knowledge'>

/** A peer knows writes of ours that we do not: an old copy of this home was restored, and our next counters would repeat. */
function checkIncarnation(draft: Draft, knowledge: Readonly<Record<string, number>>): void {
  const own = draft.state.replica
  if ((knowledge[own] ?? 0) <= (draft.knowledge[own] ?? 0)) return
  if (!draft.effects.some((effect) => effect.kind === 'reincarnate')) draft.effects.push({ kind: 'reincarnate' })
}

function acknowledge(outgoing: Outgoing, received: number): Outgoing {
  const left = outgoing.unacknowledged.filter((page) => page.toSeq > received)
  if (left.length === outgoing.unacknowledged.length) return outgoing
  const window = left.length === 0 ? outgoing.window * 2 : outgoing.window
  return { ...outgoing, unacknowledged: left, window, dirty: true }
}

export function onEntries(draft: Draft, event: EventOf<'entries_received'>): void {
  const peer = draft.peers.get(event.peer)
  if (!peer || peer.awaits !== undefined) return
  checkIncarnation(draft, event.knowledge)
  const mayBeDead = mayHoldDead(draft, event.knowledge)
  for (const item of event.items) {
    // Of what this replica takes no part in it has no row, deleted or not.
    if (!mayBeDead || item.isUnwanted || !buryDead(draft, event.peer, item)) receiveOne(draft, event.peer, item)
  }
  const { toSeq, complete, knowledge, digest } = event
  const fresh = draft.peers.get(event.peer)
  if (!fresh) return
  // What the peer knows is true with every page, and keeps us from telling it what came from it.
  const announced = fresh.announced && { ...fresh.announced, knowledge, digest }
  const outgoing = { ...fresh.outgoing, dirty: true }
  const beyond = event.items.map(({ remote }) => remote.vector).filter((vector) => !covers(knowledge, vector))
  const incoming = {
    ...{ toSeq, complete, knowledge: vouched(event, fresh.announced?.replica) },
    heard: hear(fresh.incoming.heard, beyond),
  }
  // What is told anew has been acknowledged before, and is waited for all the same.
  const isAgain = fresh.told !== undefined && toSeq <= fresh.told.received
  const told = isAgain && fresh.told ? { ...fresh.told, received: neverReceived } : fresh.told
  editPeer(draft, event.peer, { incoming, announced, outgoing, told })
  if (event.items.some(({ remote }) => remote.deleted)) noteTold(draft)
}

/** Below every sequence number. */
const neverReceived = -1

/** Which of the two is kept under its name follows from the same rules as in any conflict, on both sides. */
export function onDisputed(draft: Draft, { peer, items }: EventOf<'entries_disputed'>): void {
  if (draft.peers.has(peer)) for (const item of items) receiveOne(draft, peer, item)
}

/** False when it is as alive as any other. */
function buryDead(draft: Draft, peer: NodeId, { remote, local, blockedBy }: RemoteItem): boolean {
  const row = current(draft, remote.path, local)
  if (!isDead(draft.collected, remote, row)) return false
  if (isChanging(draft, remote.path)) {
    wantedOf(draft, peer).set(remote.path, { ...newWish(remote, row), need: 'later', blockedBy, isDead: true })
  } else {
    wantedOf(draft, peer).delete(remote.path)
    bury(draft, remote, row)
  }
  return true
}

function receiveOne(draft: Draft, peer: NodeId, item: RemoteItem): void {
  const { remote, local, blockedBy, twin: found, isUnwanted } = item
  const { holdsBack, announced } = draft.peers.get(peer) ?? initialPeer()
  const row = current(draft, remote.path, local)
  // A tombstone that was dropped here need not come back.
  const isOld = !row && remote.deleted && covers(draft.collected, remote.vector)
  const now = isOld ? nothing : need(row, remote)
  const wanted = wantedOf(draft, peer)
  // The news of a change that reached the disk before its entry did.
  const claim = draft.claims.get(remote.path)
  if (claim?.stage === 'quarantine') draft.observe.add(remote.path)
  // Whoever it came from: it is no version of ours, and who has it will tell of it.
  const brought = claim?.stage === 'quarantine' ? claim.brought : undefined
  const isGone = remote.deleted && (!row || row.deleted)
  if (brought && isGone && removeBrought(draft, { peer, entry: remote, row, disk: brought })) return
  const twin = twinFor({ entry: remote, local: row }, () => found)
  const isHeld = isChanging(draft, remote.path) && now.kind !== 'nothing'
  const before = wanted.get(remote.path)
  const isCleared = isApproved(draft, remote)
  // What is told of in a dispute is told of without a mark.
  const isUnsure = item.isHeldBack === undefined && before === undefined && announced?.holdsBack === true
  const isHeldBackThere = item.isHeldBack ?? before?.isHeldBackThere ?? isUnsure
  const about = { isCleared, isUnwanted, isHeldBackThere, blockedBy, twin, kept: before?.kept }
  const fresh = { ...newWish(remote, row), ...about }
  if (now.kind !== 'nothing' && !isHeldBack(fresh, holdsBack)) meetVanished(draft, remote.path)
  if (isHeld) {
    if (isUnsure) askWhatIsHeldBack(draft, peer)
    if (isHeldBack(fresh, holdsBack)) stopFetch(draft, peer, remote.path)
    return setWish(draft, peer, { ...fresh, need: 'later' })
  }
  if (now.kind === 'take' && isUnwanted && !blockedBy) return giveUp(draft, peer, remote.path)
  if (now.kind === 'nothing' || now.kind === 'adopt' || now.kind === 'merge') {
    wanted.delete(remote.path)
    const joined = now.kind === 'nothing' ? undefined : adopted(row, remote, row?.stat, () => takeDot(draft))
    if (joined) putRow(draft, joined, isAs(joined, remote) ? peer : undefined)
    return
  }
  const keep = now.kind === 'resolve' && now.keep && fresh.kept !== row?.hash
  if (now.kind === 'wait' && row) remind(draft, peer, row)
  const sameAsBefore = before && compare(before.entry.vector, remote.vector) === 'equal'
  if (sameAsBefore && before.entry.hash === remote.hash) {
    // The peer may have changed its mind.
    if (before.isHeldBackThere !== isHeldBackThere) setWish(draft, peer, { ...before, isHeldBackThere })
    return
  }
  if (isUnsure && now.kind !== 'wait') askWhatIsHeldBack(draft, peer)
  const superseded = brought && brought.kind !== 'dir' && !matches(remote, brought) ? brought.stat : undefined
  const transit = before?.transit ?? superseded
  setWish(draft, peer, { ...fresh, need: now.kind, keep, transit })
  // The file changed at the peer while it was sent, and this is the news of it: fetch again over what came then.
  const stage = draft.claims.get(remote.path)?.stage
  if (transit && !keep && now.kind !== 'wait' && (stage === 'quarantine' || stage === 'ready')) {
    setClaim(draft, remote.path, { peer, stage: 'ready', until: 0 })
  } else {
    releaseReady(draft, remote.path)
  }
}

const nothing: Need = { kind: 'nothing' }

/** The news that the path may not come any more has met a session that brings it. */
function stopFetch(draft: Draft, id: NodeId, path: RelativePath): void {
  const { fetch } = draft.peers.get(id) ?? {}
  const claim = draft.claims.get(path)
  if (!fetch || claim?.stage !== 'fetch' || claim.work?.id !== fetch.id) return
  if (draft.effects.some((effect) => effect.kind === 'stop_fetch' && effect.peer === id)) return
  draft.effects.push({ kind: 'stop_fetch', peer: id, id: fetch.id })
}

/** Knowledge may rise to a peer's when everything that it sent up to that moment is here, and not before: a row that failed
 *  would else never be asked for again. */
export function raiseKnowledge(draft: Draft): void {
  for (const peer of draft.peers.values()) {
    if (!peer.incoming.complete || peer.wanted.size > 0 || !mayRaise(draft, peer)) continue
    if (!covers(draft.knowledge, peer.incoming.knowledge)) {
      inherit(draft, peer)
      draft.knowledge = merge(draft.knowledge, peer.incoming.knowledge)
    }
  }
}
