import type { FolderId, NodeId } from '../causal/types.ts'
import { compare, emptyVector } from '../causal/version-vector.ts'
import { type Draft, deleteNode, editFolder, folderOf, putLink, putNode } from './draft.ts'
import type { EventOf } from './events.ts'
import { type NodeFacts, pairKey, pairOf, type Replica, type ReplicaFacts, type StateFacts } from './facts.ts'
import { updatedLink } from './links.ts'
import { finish, forgetOrders, review, reviewNode } from './orders.ts'

/** A node says how things are with it. What builds on a state that is not known here is asked for in full. */
export function onState(draft: Draft, { state }: EventOf<'state_received'>): void {
  const before = draft.state.nodes.get(state.node)
  const follows = before !== undefined && before.run === state.run && before.seq + 1 === state.seq
  if (!state.full && !follows) {
    draft.effects.push({ kind: 'answer_state', node: state.node, full: true })
    return
  }
  const next = merged(before, state, draft.at)
  putNode(draft, next)
  for (const peer of peersToLookAt(before, next, state)) noteLink(draft, next.id, peer)
  const touched = noteReplicas(draft, before, next)
  draft.effects.push({ kind: 'answer_state', node: state.node, full: false })
  if (state.full) tellNeighbours(draft, next)
  for (const order of state.finished ?? []) finish(draft, state.node, order)
  const changedMode = before?.mode.effective !== next.mode.effective
  const begins = next.mode.effective === 'centralised' && (changedMode || before?.run !== next.run)
  if (begins) for (const folder of next.replicas.keys()) forgetOrders(draft, folder, next.id)
  for (const folder of changedMode || begins ? next.replicas.keys() : touched) reviewNode(draft, folder, next.id)
}

/** To one that has forgotten them, or missed the message. */
function tellNeighbours(draft: Draft, { id, replicas }: NodeFacts): void {
  for (const folder of replicas.keys()) {
    const neighbours = folderOf(draft, folder).neighbours.get(id) ?? []
    draft.effects.push({ kind: 'tell_neighbours', to: id, folder, neighbours })
  }
}

function merged(before: NodeFacts | undefined, state: StateFacts, at: number): NodeFacts {
  const { node, name, software, run, seq, mode, full, links, replicas, dropped } = state
  const old = full ? new Map() : before?.replicas
  const kept = new Map<FolderId, Replica>(old)
  for (const facts of replicas) kept.set(facts.folder, versioned(before?.replicas.get(facts.folder), facts))
  for (const folder of dropped ?? []) kept.delete(folder)
  const known = links === undefined && !full ? before?.links : new Map((links ?? []).map((link) => [link.peer, link]))
  return { id: node, name, software, run, seq, mode, links: known ?? new Map(), replicas: kept, heardAt: at }
}

function versioned(before: Replica | undefined, facts: ReplicaFacts): Replica {
  const same = before?.digest === facts.digest && compare(before?.knowledge ?? emptyVector, facts.knowledge) === 'equal'
  return { ...facts, version: (before?.version ?? 0) + (same ? 0 : 1) }
}

function peersToLookAt(before: NodeFacts | undefined, next: NodeFacts, state: StateFacts): Iterable<NodeId> {
  if (state.links === undefined && !state.full) return []
  return new Set([...(before?.links.keys() ?? []), ...next.links.keys()])
}

function noteLink(draft: Draft, node: NodeId, peer: NodeId): void {
  const ends = pairOf(node, peer)
  const key = pairKey(node, peer)
  const before = draft.state.links.get(key)
  const [left, right] = ends.map((end) => draft.state.nodes.get(end))
  if (!left?.links.has(ends[1]) && !right?.links.has(ends[0])) {
    if (before) putLink(draft, key, undefined)
    return
  }
  const { record, material } = updatedLink(before, { ends, past: draft.state.past.get(key), left, right, at: draft.at })
  putLink(draft, key, record)
  if ((before?.up ?? false) !== record.up) draft.effects.push({ kind: 'link_changed', ends, up: record.up })
  if (!material) return
  for (const folder of left?.replicas.keys() ?? []) if (right?.replicas.has(folder)) draft.stale.add(folder)
}

/** Which folders have to be looked at because of this node; those whose graph is another one now are marked. */
function noteReplicas(draft: Draft, before: NodeFacts | undefined, next: NodeFacts): Set<FolderId> {
  const touched = new Set<FolderId>()
  for (const [folder, replica] of next.replicas) {
    const old = before?.replicas.get(folder)
    if (old === replica) continue
    touched.add(folder)
    if (!draft.state.folders.get(folder)?.members.has(next.id)) {
      editFolder(draft, folder, { members: new Set([...folderOf(draft, folder).members, next.id]) })
      draft.stale.add(folder)
    }
    if (!old || old.scope !== replica.scope || !isJoinedAlike(old, replica)) draft.stale.add(folder)
  }
  for (const folder of before?.replicas.keys() ?? []) if (!next.replicas.has(folder)) leave(draft, folder, next.id)
  return touched
}

function leave(draft: Draft, folder: FolderId, node: NodeId): void {
  const { members, neighbours } = folderOf(draft, folder)
  editFolder(draft, folder, { members: new Set([...members].filter((member) => member !== node)) })
  for (const peer of neighbours.get(node) ?? []) review(draft, folder, node, peer)
  draft.stale.add(folder)
}

function isJoinedAlike(left: Replica, right: Replica): boolean {
  return sameList(left.peers, right.peers) && sameList(left.narrow ?? [], right.narrow ?? [])
}

/** Agents give them in order. */
function sameList(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at])
}

/** A person has taken the node out of the network. */
export function onNodeRemoved(draft: Draft, { node }: EventOf<'node_removed'>): void {
  // Should it come back, it is a new node.
  const past = [...draft.state.past].filter(([key]) => !key.split(' ').includes(node))
  draft.state = { ...draft.state, past: new Map(past) }
  const facts = draft.state.nodes.get(node)
  if (!facts) return
  deleteNode(draft, node)
  for (const folder of facts.replicas.keys()) leave(draft, folder, node)
  for (const peer of facts.links.keys()) noteLink(draft, node, peer)
}
