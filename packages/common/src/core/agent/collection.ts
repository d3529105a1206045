import { isDead } from '../causal/change.ts'
import { everybody, floorOf, hasSameCompany, type Member, type Members, saysTheSame } from '../causal/members.ts'
import type { NodeId, VersionVector } from '../causal/types.ts'
import { compare, covers, emptyVector, meet, merge } from '../causal/version-vector.ts'
import { current, type Draft, editPeer, hasCommit } from './draft.ts'
import type { EventOf } from './events.ts'
import { bounds, isListed, type PeerState } from './state.ts'

// Tombstones are dropped when every member has them. Who has what is told now and then from neighbour to neighbour (`Member`). What
// has been dropped is remembered as one vector, `collected` (the omitted vector of Bayou; Petersen et al. 1997): a replica whose
// knowledge does not cover it may hold what was deleted, and can no longer be told of that. It lists all that it has instead, and
// what is at or below `collected` in that list and not here is dead.

export function onSharersSet(draft: Draft, { nodes, formerIds }: EventOf<'sharers_set'>): void {
  draft.state = { ...draft.state, sharers: new Set(nodes), members: renamed(draft.state.members, formerIds) }
  draft.hasNews = true
}

/** What a node said under its former id counts for the new one, which may be away: else its tombstones would be dropped meanwhile. The
 *  old word stays, for it is a neighbour in the words of those who have not heard yet. */
function renamed(members: Members, formerIds: ReadonlyMap<NodeId, readonly NodeId[]> = new Map()): Members {
  const all = new Map(members)
  for (const [node, ids] of formerIds) {
    const word = ids.map((id) => members.get(id)).find((one) => one !== undefined)
    if (word !== undefined && !all.has(node)) all.set(node, { ...word, node })
  }
  return all.size === members.size ? members : all
}

export function onMembers(draft: Draft, { peer, members }: EventOf<'members_received'>): void {
  const known = new Map(draft.state.members)
  const told = new Map(draft.peers.get(peer)?.toldMembers)
  for (const member of members) {
    const before = known.get(member.node)
    told.set(member.node, member.version)
    if (member.node === draft.state.self) rememberOwn(draft, known, member)
    else if (!before || before.version < member.version) known.set(member.node, member)
  }
  editPeer(draft, peer, { toldMembers: told })
  draft.state = { ...draft.state, members: known }
  draft.hasNews = true
}

/** Others hold a word of ours that we have forgotten with our index: the next one must be newer. */
function rememberOwn(draft: Draft, known: Map<NodeId, Member>, said: Member): void {
  const own = known.get(said.node)
  if (own && (own.version > said.version || (own.version === said.version && saysTheSame(own, said)))) return
  known.set(said.node, said)
  draft.state = { ...draft.state, isUnsaid: true }
}

/** At the end of every step: has this replica something to say of the members, and is it time? */
export function speak(draft: Draft): void {
  if (draft.state.wordEveryMs === Number.POSITIVE_INFINITY) return
  const dueAt = nextWordAt(draft)
  const isDue = isUnsaid(draft) && draft.at >= dueAt
  if (isDue || draft.hasNews) say(draft, isDue)
  if (isUnsaid(draft)) draft.wakeAt = Math.min(draft.wakeAt, nextWordAt(draft))
  const { seekAgainAt } = draft.state
  if (seekAgainAt === undefined) return
  if (draft.at >= seekAgainAt) seek(draft)
  else draft.wakeAt = Math.min(draft.wakeAt, seekAgainAt)
}

function isUnsaid(draft: Draft): boolean {
  const { isUnsaid, members, self } = draft.state
  if (isUnsaid) return true
  const said = members.get(self)
  return said !== undefined && compare(said.knowledge, draft.knowledge) !== 'equal'
}

/** That there is a new neighbour, or one less, is said at once, and before anything that comes from it is passed on: else somebody
 *  would know of the new member, and not that it belongs to them. */
function say(draft: Draft, isDue: boolean): void {
  const { members, self } = draft.state
  const said = members.get(self)
  const now = ownWord(draft)
  const isNew = !said || (isDue ? !saysTheSame(said, now) : !hasSameCompany(said, now))
  if (isNew) draft.state = { ...draft.state, members: new Map(members).set(self, { ...now, version: now.version + 1 }) }
  if (isDue) draft.state = { ...draft.state, isUnsaid: false, saidAt: draft.at }
  for (const id of draft.peers.keys()) pass(draft, id)
  if (draft.state.members !== draft.base.members) {
    draft.effects.push({ kind: 'keep_members', members: [...draft.state.members.values()] })
  }
  seek(draft)
}

/** Many members have much to say: they say it less often. */
function nextWordAt(draft: Draft): number {
  const { saidAt, wordEveryMs, members } = draft.state
  if (saidAt === undefined) return firstWordAt(draft)
  return saidAt + wordEveryMs * Math.max(1, members.size / bounds.membersOften)
}

function firstWordAt(draft: Draft): number {
  const { wordEveryMs, begunAt = draft.at } = draft.state
  draft.state = { ...draft.state, begunAt }
  return begunAt + Math.min(wordEveryMs, bounds.firstWordMs)
}

function ownWord({ state, knowledge, peers }: Draft): Member {
  const said = state.members.get(state.self)
  const hasMet = (node: NodeId): boolean =>
    peers.get(node)?.announced !== undefined || state.members.has(node) || said?.neighbours.includes(node) === true
  return { node: state.self, version: said?.version ?? 0, knowledge, neighbours: [...state.sharers].filter(hasMet) }
}

/** Tells a peer what it has not been told over this link, nor said itself. */
function pass(draft: Draft, id: NodeId): void {
  const peer = draft.peers.get(id) as PeerState
  if (!peer.announced) return
  const fresh = [...draft.state.members.values()].filter(
    // One that lost its index is told of its own former words, or it would not be heard for as many words again.
    ({ node, version }) => version > (peer.toldMembers.get(node) ?? (node === id ? version : 0)),
  )
  if (fresh.length === 0) return
  const told = new Map(peer.toldMembers)
  for (const { node, version } of fresh) told.set(node, version)
  editPeer(draft, id, { toldMembers: told })
  draft.effects.push({ kind: 'send_members', peer: id, members: fresh })
}

/** Looks for tombstones that everybody has, when everybody has more than at the last look. */
function seek(draft: Draft): void {
  draft.state = { ...draft.state, seekAgainAt: undefined }
  const floor = floorNow(draft)
  if (!floor || covers(draft.state.sought, floor)) return
  draft.state = { ...draft.state, sought: floor }
  draft.effects.push({ kind: 'read_tombstones', since: 0 })
}

function floorNow(draft: Draft): VersionVector | undefined {
  const all = everybody(draft.state.members, ownWord(draft))
  return all && floorOf(all)
}

export function onTombstonesRead(draft: Draft, { rows, toSeq, complete }: EventOf<'tombstones_read'>): void {
  const floor = floorNow(draft) ?? emptyVector
  const { sought, wordEveryMs } = draft.state
  for (const { path, vector } of rows) {
    // What a wish or work under way has been decided on stays for now. And who belongs to us may have changed since the look began.
    const isFree = covers(floor, vector) && !draft.claims.has(path) && !isWanted(draft, path)
    if (isFree) {
      draft.dropped.add(path)
      draft.collected = merge(draft.collected, vector)
    } else if (covers(sought, vector)) {
      draft.state = { ...draft.state, sought: emptyVector, seekAgainAt: draft.at + wordEveryMs }
    }
  }
  if (!complete) draft.effects.push({ kind: 'read_tombstones', since: toSeq })
}

function isWanted({ peers }: Draft, path: string): boolean {
  for (const { wanted } of peers.values()) if (wanted.has(path)) return true
  return false
}

/** A replica that the peer may know dead things of must not call the peer's knowledge its own before the peer has seen all that is here,
 *  and all that is under way from others: what came after that would be taken for alive by everybody. */
export function mayRaise(draft: Draft, { announced, listing, outgoing }: PeerState): boolean {
  const collected = announced?.collected ?? emptyVector
  if (covers(draft.knowledge, collected)) return true
  const isSeen = listing !== 'open' && isListed(outgoing) && !outgoing.dirty && !hasCommit(draft)
  return isSeen && !isDeadUnderWay(draft, collected)
}

function isDeadUnderWay(draft: Draft, collected: VersionVector): boolean {
  for (const { wanted } of draft.peers.values()) {
    for (const { entry, local } of wanted.values()) {
      if (!entry.deleted && isDead(collected, entry, current(draft, entry.path, local))) return true
    }
  }
  return false
}

/** With a peer's knowledge comes what it has left out of it. */
export function inherit(draft: Draft, { announced, incoming }: PeerState): void {
  draft.collected = merge(draft.collected, meet(announced?.collected ?? emptyVector, incoming.knowledge))
}

export function isNewNeighbour({ state }: Draft, peer: NodeId): boolean {
  return state.sharers.has(peer) && !state.members.get(state.self)?.neighbours.includes(peer)
}
