import { nothingHeard } from '../causal/heard.ts'
import type { NodeId, RelativePath, Row } from '../causal/types.ts'
import { compare, covers, emptyVector } from '../causal/version-vector.ts'
import { type Draft, editPeer, hasCommit, takeId } from './draft.ts'
import type { EventOf, IndexMeta } from './events.ts'
import { countLacked, lackOf, lacksOnlyHeldBack, waitsForPolicy } from './lack.ts'
import { letGo } from './peer-events.ts'
import { type Holding, isSame } from './scope.ts'
import { bounds, type Follows, initialPeer, isFull, isListed, mayGive, type PeerState, type Told } from './state.ts'

/** Asks the index for what each peer may still lack: one read at a time per peer, within its window. */
export function readForPeers(draft: Draft): void {
  const changed = hasCommit(draft)
  for (const [id, peer] of draft.peers) {
    const { outgoing } = peer
    if (changed && !outgoing.dirty) editPeer(draft, id, { outgoing: { ...outgoing, dirty: true } })
    if (outgoing.reading !== undefined || !(changed || outgoing.dirty)) continue
    // A peer that may not be sent anything is still told what is here, so that everybody sees how things stand.
    const isNews = changed || peer.told?.follows !== draft.state.follows || isTurned(peer)
    const isDue = mayGive(draft.state, peer) || isNews || owesAcknowledgement(peer)
    if (isDue) readFor(draft, id, peer)
  }
}

function readFor(draft: Draft, id: NodeId, peer: PeerState): void {
  const { outgoing, announced, told, incoming } = peer
  if (!announced && told) return
  const outstanding = outgoing.unacknowledged.reduce((sum, page) => sum + page.count, 0)
  // Until the peer has said what it knows there is nothing to send but what we know.
  const mayBeSent = announced !== undefined && mayGive(draft.state, peer)
  const limit = mayBeSent ? Math.max(0, Math.min(bounds.page, outgoing.window - outstanding)) : 0
  if (mayBeSent && limit <= 0 && !owesAcknowledgement(peer)) return
  const knowledge = outgoing.all ? undefined : (announced?.knowledge ?? {})
  const heard = outgoing.all ? nothingHeard : incoming.heard
  const reading = takeId(draft)
  draft.effects.push({ kind: 'read_entries', peer: id, id: reading, since: outgoing.cursor, knowledge, heard, limit })
  editPeer(draft, id, { outgoing: { ...outgoing, reading, dirty: false } })
}

export function onEntriesRead(draft: Draft, event: EventOf<'entries_read'>): void {
  const peer = draft.peers.get(event.peer)
  if (!peer || peer.outgoing.reading !== event.id) return
  const { meta } = event
  const before = peer.outgoing
  // The door may have shut while it was read.
  const { rows, toSeq, complete } = mayGive(draft.state, peer) ? event : { ...nothingRead, toSeq: before.cursor }
  const first = peer.announced === undefined
  const sent = rows.length > 0 ? [{ toSeq, count: rows.length }] : []
  const outgoing = {
    ...before,
    reading: undefined,
    cursor: first ? before.cursor : toSeq,
    all: before.all && !complete,
    dirty: before.dirty || !complete,
    window: Math.min(bounds.window, before.window),
    unacknowledged: [...before.unacknowledged, ...sent],
  }
  editPeer(draft, event.peer, { outgoing })
  noteListed(draft, event.peer)
  beginAgain(draft, event.peer, meta)
  tellBefore(draft, event.peer, meta)
  if (rows.length > 0) {
    const partial = isPartial(draft, peer)
    const heldBack = heldBackOf(peer, rows)
    draft.effects.push({ kind: 'send_entries', peer: event.peer, rows, heldBack, toSeq, complete, partial, ...meta })
    const told = draft.peers.get(event.peer)?.told ?? nothingTold
    const { knowledge, digest } = meta
    editPeer(draft, event.peer, { told: { ...told, knowledge, digest, complete } })
  }
  tell(draft, event.peer, meta, { first, complete: complete && !first })
  watchDisagreement(draft, event.peer, meta, complete)
}

const nothingRead = { rows: [], complete: false } as const
const nothingTold = {
  received: 0,
  follows: 'peers',
  door: 'open',
  holdsBack: false,
  lacked: 0,
  collected: emptyVector,
} as const

function heldBackOf({ holdsBack }: PeerState, rows: readonly Row[]): Set<RelativePath> {
  return new Set(holdsBack ? rows.flatMap((row) => (!row.deleted && holdsBack(row) ? [row.path] : [])) : [])
}

/** What policy here lets pass is not what the peer was told. */
function isTurned(peer: PeerState): boolean {
  const { told, door, holdsBack } = peer
  return told?.door !== door || told.holdsBack !== (holdsBack !== undefined) || told.lacked !== countLacked(peer)
}

/** Nothing had to be acknowledged: there is nothing here. */
function noteListed(draft: Draft, id: NodeId): void {
  const { outgoing, listing } = draft.peers.get(id) as PeerState
  if (listing === 'open' && isListed(outgoing)) editPeer(draft, id, { listing: 'acknowledged' })
}

/** Before any entry that follows: from now on tombstones are missing among them, or contents stay here. */
function tellBefore(draft: Draft, id: NodeId, meta: IndexMeta): void {
  const { told, incoming, holdsBack } = draft.peers.get(id) as PeerState
  const isKnown = holdsBack === undefined || told?.holdsBack === true
  if (isKnown && covers(told?.collected ?? emptyVector, draft.collected)) return
  const { follows } = draft.state
  const received = told ? saidReceived(told) : incoming.toSeq
  say(draft, id, { ...meta, received, complete: false, follows })
}

type Saying = Omit<Told, 'collected' | 'door' | 'holdsBack' | 'lacked'>

function say(draft: Draft, id: NodeId, told: Saying, round?: string): void {
  const peer = draft.peers.get(id) as PeerState
  const { told: last, door } = peer
  const holdsBack = peer.holdsBack !== undefined
  const lacks = lackOf(peer)
  const before = last?.collected ?? emptyVector
  const { collected } = draft
  const { knowledge, digest, received, complete } = told
  const news = covers(before, collected) ? {} : { collected }
  const again = round === undefined ? {} : { round }
  const said = {
    knowledge,
    digest,
    received,
    complete,
    door,
    holdsBack,
    lacks,
    ...scopeFor(draft, id),
    ...news,
    ...again,
  }
  draft.effects.push({ kind: 'send_summary', peer: id, ...said })
  editPeer(draft, id, { told: { ...told, collected, door, holdsBack, lacked: countLacked(peer) } })
}

/** A peer that lost its memory of the link takes nothing before this. */
function beginAgain(draft: Draft, id: NodeId, meta: IndexMeta): void {
  const { restarting: round, incoming } = draft.peers.get(id) as PeerState
  if (round === undefined) return
  const { follows } = draft.state
  say(draft, id, { ...meta, received: incoming.toSeq, complete: false, follows }, round)
  editPeer(draft, id, { restarting: undefined })
}

/** Says what we have, when the peer does not know it yet. A mere acknowledgement waits for the work it belongs to. */
function tell(
  draft: Draft,
  id: NodeId,
  meta: IndexMeta,
  { first, complete }: { first: boolean; complete: boolean },
): void {
  const peer = draft.peers.get(id) as PeerState
  const { told } = peer
  const received = receivedFrom(peer)
  const { follows } = draft.state
  const changed = !told || told.digest !== meta.digest || compare(told.knowledge, meta.knowledge) !== 'equal'
  const turned = told !== undefined && (told.follows !== follows || isTurned(peer))
  const lacks = complete && !told?.complete && !covers(peer.announced?.knowledge ?? {}, meta.knowledge)
  const isLastWord = first || complete || !mayGive(draft.state, peer)
  if (!((changed && isLastWord) || turned || lacks || owesAcknowledgement(peer))) return
  say(draft, id, { ...meta, received, complete, follows })
}

/** We ignore what the peer may not: we may lack some of what others wrote, so the peer must not believe us about that. */
function isPartial({ state }: Draft, { announced }: PeerState): boolean {
  return state.scope !== '' && announced?.scope !== state.scope
}

function scopeFor(draft: Draft, id: NodeId): { scope: string; follows: Follows; partial: boolean } {
  const { scope, follows } = draft.state
  return { scope, follows, partial: isPartial(draft, draft.peers.get(id) as PeerState) }
}

/** Up to here the peer's pages count as received; too many wishes hold that back, and with it the peer. Unless they all wait for
 *  the last page, as directories do that are to go. */
function receivedFrom(peer: PeerState): number {
  return isFull(peer) ? saidReceived(peer.told) : peer.incoming.toSeq
}

/** What is told anew was received before, and is not yet. */
function saidReceived(told: Told | undefined): number {
  return Math.max(0, told?.received ?? 0)
}

/** Also when we ourselves may send nothing: two peers with full windows would else wait for each other for ever. */
function owesAcknowledgement(peer: PeerState): boolean {
  return receivedFrom(peer) !== peer.told?.received && (!peer.incoming.complete || !isBusy(peer))
}

/** Something that the peer announced is on its way to us. */
export function isBusy(peer: PeerState): boolean {
  for (const { need, attempts } of peer.wanted.open.values()) if (need !== 'wait' && attempts === 0) return true
  return false
}

/** Nothing is left to be done or said between this replica and the peer. */
export function isSettled({ announced, told, wanted }: PeerState, own: Holding): boolean {
  if (!announced || wanted.size > 0 || !isSame(own, announced)) return false
  const knows = (said: IndexMeta | undefined): boolean => compare(said?.knowledge ?? {}, own.knowledge) === 'equal'
  return told?.digest === own.digest && knows(told) && knows(announced)
}

/** The same but for what policy holds back. */
export function isAtRest(peer: PeerState, own: Holding): boolean {
  const { announced, wanted, incoming } = peer
  if (isSettled(peer, own)) return true
  if (!announced || !incoming.complete) return false
  const hasAll = wanted.size > 0 ? waitsForPolicy(peer) : covers(own.knowledge, announced.knowledge)
  return hasAll && (covers(announced.knowledge, own.knowledge) || lacksOnlyHeldBack(peer))
}

/** Equal knowledge with unequal digests means failed entries or damage: after a while the peer is asked for everything again. */
function watchDisagreement(draft: Draft, id: NodeId, meta: IndexMeta, complete: boolean): void {
  const peer = draft.peers.get(id) as PeerState
  const theirs = peer.announced
  const differ =
    complete &&
    theirs !== undefined &&
    theirs.scope === draft.state.scope &&
    theirs.lacks === undefined &&
    peer.incoming.complete &&
    theirs.digest !== meta.digest &&
    peer.wanted.size === 0 &&
    compare(theirs.knowledge, meta.knowledge) === 'equal'
  if (!differ) {
    editPeer(draft, id, { disagreement: undefined })
    return
  }
  const known = peer.disagreement
  if (known?.ours !== meta.digest || known.theirs !== theirs.digest) {
    editPeer(draft, id, { disagreement: { ours: meta.digest, theirs: theirs.digest, since: draft.at } })
    return
  }
  if (draft.at - known.since < bounds.disagreementMs || draft.at - peer.askedAgainAt < bounds.askAgainMs) return
  draft.effects.push({ kind: 'send_resend', peer: id })
  editPeer(draft, id, { askedAgainAt: draft.at })
}

/** The peer could not keep what it was sent, or sees other digests: begin again. */
export function onResendRequested(draft: Draft, event: EventOf<'resend_requested'>): void {
  const peer = draft.peers.get(event.peer)
  if (!peer) return
  // A read under way was made for what the peer knew before; its answer must not move the cursor.
  const outgoing = {
    ...peer.outgoing,
    cursor: 0,
    dirty: true,
    all: event.all,
    reading: undefined,
    unacknowledged: [],
  }
  editPeer(draft, event.peer, { outgoing, told: undefined })
  if (!event.all) beginAnew(draft, event)
}

/** The peer has forgotten what it was told, and what it said: with its index it may have lost even what it had. It has begun anew
 *  itself, so there is nothing to wait for. */
function beginAnew(draft: Draft, { peer, round }: EventOf<'resend_requested'>): void {
  const { incoming, wanted, disagreement, listing, toldMembers } = initialPeer()
  letGo(draft, peer)
  const begun = { incoming, wanted, disagreement, listing, toldMembers }
  editPeer(draft, peer, { announced: undefined, restarting: round, awaits: undefined, ...begun })
}

/** On a timer: peers whose digests disagree are looked at again. */
export function recheckDisagreements(draft: Draft): void {
  for (const [id, peer] of draft.peers) {
    if (!peer.disagreement || draft.at - peer.disagreement.since < bounds.disagreementMs) continue
    if (draft.at - peer.askedAgainAt < bounds.askAgainMs) continue
    editPeer(draft, id, { outgoing: { ...peer.outgoing, dirty: true } })
  }
}
