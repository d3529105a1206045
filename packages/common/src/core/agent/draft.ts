import { adopted, buried, isDead, mayBeDropped, mayHoldDead, nextDot } from '../causal/change.ts'
import { need } from '../causal/need.ts'
import { ancestors } from '../causal/paths.ts'
import type { Dot, Entry, NodeId, RelativePath, Row, VersionVector } from '../causal/types.ts'
import { compare } from '../causal/version-vector.ts'
import type { Deletions } from './deletion-state.ts'
import type { CommitRow, Effect } from './events.ts'
import type { LayeredMap } from './layered-map.ts'
import { type Claim, type FolderState, initialPeer, mayTake, type PeerState, type Wanted } from './state.ts'
import { forgetVanished } from './vanished.ts'
import type { WishMap } from './wish-map.ts'
import { claimFlag, isHeldBack, wishFlag } from './wishes.ts'

/** A step's workspace: private copies that its functions change, so that `step` as a whole stays pure. */
export interface Draft {
  readonly at: number
  readonly base: FolderState
  state: FolderState
  knowledge: VersionVector
  collected: VersionVector
  /** Tombstones that go. */
  readonly dropped: Set<RelativePath>
  readonly rows: Map<RelativePath, CommitRow>
  readonly restats: Map<RelativePath, Row['stat']>
  readonly observe: Set<RelativePath>
  readonly effects: Effect[]
  peers: Map<NodeId, PeerState>
  claims: LayeredMap<Claim>
  readonly ownWanted: Map<NodeId, WishMap>
  ownClaims: boolean
  /** Of members. */
  hasNews: boolean
  /** When something is due, ms. */
  wakeAt: number
  deletions: Deletions
  ownVanished: boolean
}

export function begin(state: FolderState, at: number): Draft {
  return {
    at,
    base: state,
    state,
    knowledge: state.knowledge,
    collected: state.collected,
    dropped: new Set(),
    rows: new Map(),
    restats: new Map(),
    observe: new Set(),
    effects: [],
    peers: new Map(state.peers),
    claims: state.claims,
    ownWanted: new Map(),
    ownClaims: false,
    hasNews: false,
    wakeAt: Number.POSITIVE_INFINITY,
    deletions: state.deletions,
    ownVanished: false,
  }
}

export function editPeer(draft: Draft, id: NodeId, change: Partial<PeerState>): void {
  const peer = draft.peers.get(id)
  if (peer) draft.peers.set(id, { ...peer, ...change })
}

/** The peer's wanted entries, copied on the first change of this step. */
export function wantedOf(draft: Draft, id: NodeId): WishMap {
  const own = draft.ownWanted.get(id)
  if (own) return own
  const copy = (draft.peers.get(id) ?? initialPeer()).wanted.copy()
  draft.ownWanted.set(id, copy)
  editPeer(draft, id, { wanted: copy })
  return copy
}

/** With what policy says of it now. */
export function setWish(draft: Draft, id: NodeId, wish: Wanted): void {
  const { holdsBack } = draft.peers.get(id) ?? initialPeer()
  wantedOf(draft, id).set(wish.entry.path, { ...wish, isHeldBack: isHeldBack(wish, holdsBack) })
}

export function setClaim(draft: Draft, path: RelativePath, claim: Claim | undefined): void {
  const before = draft.claims.get(path)
  if (claim === undefined && before === undefined) return
  // What was seen meanwhile may be an edit that nobody else will mention again.
  if (before?.seen && (claim === undefined || claim.stage === 'quarantine')) draft.observe.add(path)
  if (!draft.ownClaims) {
    draft.claims = draft.claims.copy()
    draft.ownClaims = true
  }
  if (claim) draft.claims.set(path, claim)
  else draft.claims.delete(path)
}

export function takeDot(draft: Draft): Dot {
  const next = nextDot(draft.knowledge, draft.state.replica)
  draft.knowledge = next.knowledge
  return next.dot
}

export function takeId(draft: Draft): string {
  const id = draft.state.nextId
  draft.state = { ...draft.state, nextId: id + 1 }
  return `${id}`
}

/** The row as this step leaves it. */
export function current(draft: Draft, path: RelativePath, local: Row | undefined): Row | undefined {
  const row = draft.rows.get(path)
  return row ? { ...row, seq: 0 } : local
}

/** Puts a row into this step's commit and lets every peer's wish for the path see it: a wish may be fulfilled, may now be a
 *  conflict, or may need nothing but its vector joined. `from`: the peer that has told of it. */
export function putRow(draft: Draft, row: CommitRow, from?: NodeId): void {
  draft.rows.set(row.path, row)
  forgetVanished(draft, row.path)
  for (const [id, peer] of draft.peers) {
    const wish = peer.wanted.get(row.path)
    if (wish) refresh(draft, id, wish)
    // What the peer has told of goes with its wish; one that is left is another version.
    const isTold = id === from || (wish !== undefined && !draft.peers.get(id)?.wanted.has(row.path))
    if (!isTold && isToBeShown(draft, peer, row)) show(draft, id)
  }
  if (row.deleted || row.kind === 'dir') unblock(draft, row.path)
}

/** It came from somebody else after the peer was shown all that was here, and the peer may have dropped its tombstone: by its knowledge it
 *  would not be told of it, and this replica would take the peer's knowledge for its own with something dead among its files. */
function isToBeShown(draft: Draft, { announced, listing }: PeerState, row: CommitRow): boolean {
  if (row.deleted || listing === 'none' || !announced) return false
  return mayBeDropped(announced.collected, row) && mayHoldDead(announced, draft.knowledge)
}

/** From here on, whatever it knows. A read under way that goes by that may pass over the row. */
function show(draft: Draft, id: NodeId): void {
  const { outgoing } = draft.peers.get(id) as PeerState
  const reading = outgoing.all ? outgoing.reading : undefined
  editPeer(draft, id, { listing: 'open', outgoing: { ...outgoing, all: true, dirty: true, reading } })
}

/** This replica has handed the path to the disk or to Unison, and the outcome is not known yet. */
export function isChanging(draft: Draft, path: RelativePath): boolean {
  const stage = draft.claims.get(path)?.stage
  return stage === 'apply' || stage === 'fetch'
}

/** Looks again at what arrived for a path while it was being changed. */
export function reviewHeldAt(draft: Draft, path: RelativePath): void {
  for (const [id, peer] of draft.peers) {
    const wish = peer.wanted.get(path)
    if (wish?.need === 'later') refresh(draft, id, wish)
  }
}

/** The same for all paths, and lets go of what was made ready for nothing. */
export function reviewHeld(draft: Draft): void {
  if (draft.claims.hasFlag(claimFlag.ready)) releaseUnused(draft)
  for (const [id, peer] of draft.peers) {
    if (!peer.wanted.hasFlag(wishFlag.later)) continue
    for (const [path, wish] of peer.wanted) {
      if (wish.need === 'later' && !isChanging(draft, path)) refresh(draft, id, wish)
    }
  }
}

function releaseUnused(draft: Draft): void {
  for (const [path, claim] of draft.claims) {
    if (claim.stage !== 'ready') continue
    const peer = draft.peers.get(claim.peer)
    const wish = peer?.wanted.get(path)
    const mayCome = peer !== undefined && mayTake(draft.state, peer) && !wish?.isHeldBack
    const isComing = mayCome && (wish?.need === 'take' || wish?.need === 'resolve')
    if (!isComing) releaseReady(draft, path)
  }
}

/** The peer's entry has been deleted long ago: it hears of that as of a new deletion. A tombstone needs no other. */
export function bury(draft: Draft, remote: Entry, row: Row | undefined): void {
  if (!isDead(draft.collected, remote, row) || (remote.deleted && !row)) return
  putRow(draft, buried(remote, row, takeDot(draft)))
}

function refresh(draft: Draft, id: NodeId, wish: Wanted): void {
  const local = current(draft, wish.entry.path, wish.local)
  if (wish.isDead) {
    wantedOf(draft, id).delete(wish.entry.path)
    return bury(draft, wish.entry, local)
  }
  const now = need(local, wish.entry)
  if (now.kind === 'nothing') {
    wantedOf(draft, id).delete(wish.entry.path)
  } else if (now.kind === 'take' && wish.isUnwanted && !wish.blockedBy) {
    giveUp(draft, id, wish.entry.path)
  } else if (now.kind === 'adopt' || now.kind === 'merge') {
    wantedOf(draft, id).delete(wish.entry.path)
    const joined = adopted(local, wish.entry, local?.stat, () => takeDot(draft))
    if (joined) putRow(draft, joined, isAs(joined, wish.entry) ? id : undefined)
  } else {
    if (now.kind === 'wait' && wish.need !== 'wait' && local) remind(draft, id, local)
    const keep = now.kind === 'resolve' && now.keep && wish.kept !== local?.hash
    // What a session has left here stays what it is while only the history of the version changes that should be here.
    const transit = isOnDisk(local, wish.local) ? wish.transit : undefined
    releaseReady(draft, wish.entry.path)
    setWish(draft, id, { ...wish, local, need: now.kind, keep, notBefore: 0, transit })
  }
}

/** Also in its history: what is joined of two is known to neither. */
export function isAs(row: CommitRow, entry: Entry): boolean {
  return compare(row.vector, entry.vector) === 'equal'
}

function isOnDisk(now: Row | undefined, before: Row | undefined): boolean {
  return now?.hash === before?.hash && now?.deleted === before?.deleted && now?.stat?.ctimeUs === before?.stat?.ctimeUs
}

/** The peer has nothing for this path any more that this replica would take. */
export function giveUp(draft: Draft, id: NodeId, path: RelativePath): void {
  if (!draft.peers.get(id)?.wanted.has(path)) return
  wantedOf(draft, id).delete(path)
  releaseReady(draft, path)
}

/** A peer that leaves out other things than we do may not have kept what it has to settle now. */
export function remind(draft: Draft, id: NodeId, row: Row): void {
  const { announced } = draft.peers.get(id) ?? {}
  if (announced && announced.scope !== draft.state.scope) {
    draft.effects.push({ kind: 'send_disputed', peer: id, rows: [row] })
  }
}

/** What had been made ready was made ready for other versions than these. */
export function releaseReady(draft: Draft, path: RelativePath): void {
  if (draft.claims.get(path)?.stage !== 'ready') return
  setClaim(draft, path, undefined)
  draft.observe.add(path)
}

function unblock(draft: Draft, path: RelativePath): void {
  for (const [id, peer] of draft.peers) {
    if (!peer.wanted.hasFlag(wishFlag.blocked)) continue
    for (const wish of peer.wanted.values()) {
      if (wish.blockedBy?.path !== path) continue
      if (wish.isUnwanted && wish.need === 'take') giveUp(draft, id, wish.entry.path)
      else wantedOf(draft, id).set(wish.entry.path, { ...wish, blockedBy: undefined, notBefore: 0 })
    }
  }
}

/** Wishes below a path that became a file in this step cannot be fulfilled before there is room for them. */
export function blockWishes(draft: Draft): void {
  const blockers = new Map([...draft.rows].filter(([, row]) => !row.deleted && row.kind !== 'dir'))
  if (blockers.size === 0) return
  for (const [id, peer] of draft.peers) {
    if (![...blockers.keys()].some((path) => peer.wanted.mayHoldBelow(path))) continue
    for (const [path, wish] of peer.wanted) {
      const blocker = ancestors(path).find((ancestor) => blockers.has(ancestor))
      if (blocker === undefined) continue
      const row = blockers.get(blocker) as CommitRow
      wantedOf(draft, id).set(path, { ...wish, blockedBy: { ...row, seq: 0 } })
    }
  }
}

/** State and effects of the step. The commit comes first: what is promised to a peer must be on the disk before. */
export function finish(draft: Draft): { state: FolderState; effects: readonly Effect[] } {
  const effects: Effect[] = []
  if (hasCommit(draft)) {
    const { knowledge, collected, dropped } = draft
    effects.push({
      ...{ kind: 'commit', rows: [...draft.rows.values()], knowledge },
      ...(dropped.size === 0 ? {} : { dropped: [...dropped] }),
      ...(collected === draft.base.collected ? {} : { collected }),
    })
  }
  const restats = [...draft.restats].filter(([path]) => !draft.rows.has(path))
  if (restats.length > 0) effects.push({ kind: 'restat', items: restats.map(([path, stat]) => ({ path, stat })) })
  effects.push(...draft.effects)
  if (draft.observe.size > 0) effects.push({ kind: 'observe', paths: [...draft.observe] })
  const { knowledge, collected, peers, claims, deletions } = draft
  const state = { ...draft.state, knowledge, collected, peers, claims, deletions }
  return { state, effects }
}

export function hasCommit(draft: Draft): boolean {
  return draft.rows.size + draft.dropped.size > 0 || compare(draft.knowledge, draft.base.knowledge) !== 'equal'
}

/** The peer holds something back, and of what it has told of before nobody here knows whether it is this: it tells of everything again. */
export function askWhatIsHeldBack(draft: Draft, peer: NodeId): void {
  const isAsked = draft.effects.some((effect) => effect.kind === 'send_resend' && effect.peer === peer)
  if (!isAsked) draft.effects.push({ kind: 'send_resend', peer })
  editPeer(draft, peer, { askedAgainAt: draft.at })
}

/** What waits for its next try is tried at once. */
export function retryWith(draft: Draft, id: NodeId): void {
  for (const wish of draft.peers.get(id)?.wanted.values() ?? []) {
    if (wish.notBefore > draft.at) wantedOf(draft, id).set(wish.entry.path, { ...wish, notBefore: 0 })
  }
}
