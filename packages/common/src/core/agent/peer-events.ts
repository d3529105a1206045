import { adopted } from '../causal/change.ts'
import { matches } from '../causal/content.ts'
import { hear } from '../causal/heard.ts'
import { need } from '../causal/need.ts'
import type { NodeId, ReplicaId, VersionVector } from '../causal/types.ts'
import { compare, covers, emptyVector, merge } from '../causal/version-vector.ts'
import { meetVanished, noteTold } from './deletions.ts'
import { removeBrought } from './disk-events.ts'
import {
  current,
  type Draft,
  editPeer,
  isChanging,
  putRow,
  releaseReady,
  setClaim,
  takeDot,
  wantedOf,
} from './draft.ts'
import type { EventOf, RemoteItem } from './events.ts'
import { initialPeer, type Outgoing } from './state.ts'
import { newWish } from './wishes.ts'

export function onLinkUp(draft: Draft, { peer, round }: { peer: NodeId; round?: string | undefined }): void {
  draft.peers.set(peer, { ...initialPeer(), awaits: round })
}

/** What was under way for this peer comes to its own end (`applied`, `fetch_finished`); what only waited is looked at again. */
export function onLinkDown(draft: Draft, { peer }: { peer: NodeId }): void {
  draft.peers.delete(peer)
  letGo(draft, peer)
}

/** What only waited for this peer. */
export function letGo(draft: Draft, peer: NodeId): void {
  draft.ownWanted.delete(peer)
  for (const [path, claim] of draft.claims) {
    if (claim.peer !== peer || (claim.stage !== 'ready' && claim.stage !== 'quarantine')) continue
    setClaim(draft, path, undefined)
    draft.observe.add(path)
  }
}

export function onSummary(draft: Draft, event: EventOf<'summary_received'>): void {
  const peer = draft.peers.get(event.peer)
  if (!peer || (peer.awaits !== undefined && peer.awaits !== event.round)) return
  checkIncarnation(draft, event.knowledge)
  const { replica, scope, knowledge, digest, follows } = event
  const outgoing = acknowledge(peer.outgoing, event.received)
  // A first summary may hold entries to send; a changed one may need our answer.
  const dirty = peer.announced === undefined || outgoing.dirty || peer.announced.digest !== digest
  // Everything was sent before this was said, so there is nothing between our knowledge and the peer's but what is still wanted.
  const incoming = event.complete
    ? { ...peer.incoming, complete: true, knowledge: vouched(event, replica) }
    : peer.incoming
  editPeer(draft, event.peer, {
    announced: { replica, scope, knowledge, digest, follows },
    incoming,
    awaits: undefined,
    outgoing: { ...outgoing, dirty },
  })
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
  for (const item of event.items) receiveOne(draft, event.peer, item)
  const { toSeq, complete, knowledge, digest } = event
  const fresh = draft.peers.get(event.peer)
  if (!fresh) return
  // What the peer knows is true with every page, and keeps us from telling it what came from it.
  const announced = fresh.announced && { ...fresh.announced, knowledge, digest }
  const outgoing = { ...fresh.outgoing, dirty: true }
  const told = event.items.map(({ remote }) => remote.vector).filter((vector) => !covers(knowledge, vector))
  const incoming = {
    ...{ toSeq, complete, knowledge: vouched(event, fresh.announced?.replica) },
    heard: hear(fresh.incoming.heard, told),
  }
  editPeer(draft, event.peer, { incoming, announced, outgoing })
  if (event.items.some(({ remote }) => remote.deleted)) noteTold(draft)
}

function receiveOne(draft: Draft, peer: NodeId, { remote, local, blockedBy }: RemoteItem): void {
  const row = current(draft, remote.path, local)
  const now = need(row, remote)
  const wanted = wantedOf(draft, peer)
  if (now.kind !== 'nothing') meetVanished(draft, remote.path)
  // The news of a change that reached the disk before its entry did.
  const claim = draft.claims.get(remote.path)
  if (claim?.stage === 'quarantine') draft.observe.add(remote.path)
  // Whoever it came from: it is no version of ours, and who has it will tell of it.
  const brought = claim?.stage === 'quarantine' ? claim.brought : undefined
  if (brought && remote.deleted && !row && removeBrought(draft, { peer, entry: remote, row, disk: brought })) return
  const isHeld = isChanging(draft, remote.path) && now.kind !== 'nothing'
  if (isHeld) return void wanted.set(remote.path, { ...newWish(remote, row), need: 'later', blockedBy })
  if (now.kind === 'nothing' || now.kind === 'adopt' || now.kind === 'merge') {
    wanted.delete(remote.path)
    const joined = adopted(row, remote, row?.stat, () => takeDot(draft))
    if (joined) putRow(draft, joined)
    return
  }
  const before = wanted.get(remote.path)
  const keep = now.kind === 'resolve' && now.keep
  const sameAsBefore = before && compare(before.entry.vector, remote.vector) === 'equal'
  if (sameAsBefore && before.entry.hash === remote.hash) return
  const superseded = brought && brought.kind !== 'dir' && !matches(remote, brought) ? brought.stat : undefined
  const transit = before?.transit ?? superseded
  wanted.set(remote.path, { ...newWish(remote, row), need: now.kind, keep, blockedBy, transit })
  // The file changed at the peer while it was sent, and this is the news of it: fetch again over what came then.
  const stage = draft.claims.get(remote.path)?.stage
  if (transit && !keep && now.kind !== 'wait' && (stage === 'quarantine' || stage === 'ready')) {
    setClaim(draft, remote.path, { peer, stage: 'ready', until: 0 })
  } else {
    releaseReady(draft, remote.path)
  }
}

/** Knowledge may rise to a peer's when everything that it sent up to that moment is here, and not before: a row that failed
 *  would else never be asked for again. */
export function raiseKnowledge(draft: Draft): void {
  for (const peer of draft.peers.values()) {
    if (!peer.incoming.complete || peer.wanted.size > 0) continue
    if (!covers(draft.knowledge, peer.incoming.knowledge)) {
      draft.knowledge = merge(draft.knowledge, peer.incoming.knowledge)
    }
  }
}
