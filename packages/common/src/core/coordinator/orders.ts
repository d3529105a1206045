import { isSame } from '../agent/scope.ts'
import type { FolderId, NodeId } from '../causal/types.ts'
import { compare } from '../causal/version-vector.ts'
import { type Draft, folderOf, putOrder, replicaOf, wakeAt } from './draft.ts'
import type { EventOf } from './events.ts'
import { type FinishedOrder, pairKey, pairOf } from './facts.ts'
import { bounds, type EdgeOrder } from './state.ts'

// The heart of the coordinator, level-triggered: two replicas at the ends of an edge of the plan that differ have an order in flight.

export function reviewNode(draft: Draft, folder: FolderId, node: NodeId): void {
  for (const peer of folderOf(draft, folder).neighbours.get(node) ?? []) review(draft, folder, node, peer)
}

/** Compares the two ends of one edge and sees to it that an order is in flight exactly when they differ. */
export function review(draft: Draft, folder: FolderId, left: NodeId, right: NodeId): void {
  const key = pairKey(left, right)
  const ends = pairOf(left, right)
  const order = folderOf(draft, folder).orders.get(key)
  const isOnPlan = folderOf(draft, folder).neighbours.get(left)?.includes(right) === true
  if (!isOnPlan || !isWanted(draft, folder, ends)) return putOrder(draft, folder, key, undefined)
  if (order === undefined) return issue(draft, { folder, ends, failures: 0 })
  const versions = versionsOf(draft, folder, ends)
  if (order.phase === 'resting') {
    const isNews = versions[0] !== order.versions[0] || versions[1] !== order.versions[1]
    if (isNews || draft.at >= order.dueAt) issue(draft, { folder, ends, failures: isNews ? 0 : order.failures })
    return
  }
  // An end that was done has something new: its door is shut, so it has to be asked again. Both are done, and yet they differ: one of
  // them has changed in the very moment.
  const isStale = [...order.done].some(([end, version]) => version !== replicaOf(draft, folder, end)?.version)
  const isOver = order.done.size > 0 && ends.every((end) => order.done.has(end) || !follows(draft, end))
  if (isStale || isOver) issue(draft, { folder, ends, failures: order.failures })
  else if (draft.at >= order.dueAt) goOn(draft, { folder, key, order, versions })
}

interface Running {
  readonly folder: FolderId
  readonly key: string
  readonly order: EdgeOrder
  readonly versions: readonly [number, number]
}

/** Its time is up. While something moves it is renewed; when nothing has, for the whole of it, it rests. */
function goOn(draft: Draft, { folder, key, order, versions }: Running): void {
  const moves = versions[0] !== order.versions[0] || versions[1] !== order.versions[1]
  // One end was done and the other has said nothing since: asked once more, before it counts as a failure.
  const isOverdue = order.done.size > 0 && order.failures === 0
  if (moves || isOverdue) issue(draft, { folder, ends: order.ends, failures: moves ? 0 : 1 })
  else rest(draft, { folder, key, order, reason: 'nothing moved' })
}

type Ends = readonly [NodeId, NodeId]

/** The replicas can meet, differ, and at least one of them waits for an order. */
function isWanted(draft: Draft, folder: FolderId, [left, right]: Ends): boolean {
  const [one, other] = [replicaOf(draft, folder, left), replicaOf(draft, folder, right)]
  if (one?.digest === undefined || other?.digest === undefined) return false
  if (!one.peers.includes(right) || !other.peers.includes(left)) return false
  const same = isSame({ ...one, digest: one.digest }, { ...other, digest: other.digest })
  if (same && compare(one.knowledge, other.knowledge) === 'equal') return false
  return [left, right].some((node) => follows(draft, node))
}

function follows(draft: Draft, node: NodeId): boolean {
  return draft.state.nodes.get(node)?.mode.effective === 'centralised'
}

function versionsOf(draft: Draft, folder: FolderId, [left, right]: Ends): readonly [number, number] {
  return [replicaOf(draft, folder, left)?.version ?? 0, replicaOf(draft, folder, right)?.version ?? 0]
}

function issue(draft: Draft, { folder, ends, failures }: { folder: FolderId; ends: Ends; failures: number }): void {
  const { epoch, nextOrder } = draft.state
  draft.state = { ...draft.state, nextOrder: nextOrder + 1 }
  const id = `${epoch}-${nextOrder}`
  const dueAt = draft.at + bounds.renewMs
  putOrder(draft, folder, pairKey(...ends), {
    id,
    ends,
    phase: 'in_flight',
    issuedAt: draft.at,
    dueAt,
    done: new Map(),
    failures,
    versions: versionsOf(draft, folder, ends),
    reason: '',
  })
  for (const [to, peer] of [ends, [ends[1], ends[0]] as const]) {
    // One that syncs directly has its doors open anyway.
    if (follows(draft, to)) {
      draft.effects.push({ kind: 'send_order', to, peer, folder, id, expiresInMs: bounds.orderMs })
    }
  }
  wakeAt(draft, dueAt)
}

/** One end says how an order ended for it. */
export function finish(draft: Draft, node: NodeId, { id, outcome, reason }: FinishedOrder): void {
  const found = orderWithId(draft, node, id)
  if (!found) return
  const { folder, key, order } = found
  if (outcome === 'equal') {
    const done = new Map(order.done).set(node, replicaOf(draft, folder, node)?.version ?? 0)
    // What the other end says next is usually that it has the same now.
    const dueAt = Math.min(order.dueAt, draft.at + bounds.graceMs)
    putOrder(draft, folder, key, { ...order, done, dueAt })
    wakeAt(draft, dueAt)
    review(draft, folder, ...order.ends)
  } else if (outcome === 'superseded') {
    // By nothing of ours, for this is the order in force: the node has left its orders and comes back to them.
    putOrder(draft, folder, key, undefined)
    review(draft, folder, ...order.ends)
  } else rest(draft, { folder, key, order, reason: reason || outcome })
}

/** The node has forgotten its orders, or could not have got them: whatever is in flight there is given anew. */
export function forgetOrders(draft: Draft, folder: FolderId, node: NodeId): void {
  for (const peer of folderOf(draft, folder).neighbours.get(node) ?? []) {
    putOrder(draft, folder, pairKey(node, peer), undefined)
  }
}

interface Found {
  readonly folder: FolderId
  readonly key: string
  readonly order: EdgeOrder
}

function orderWithId(draft: Draft, node: NodeId, id: string): Found | undefined {
  for (const folder of draft.state.nodes.get(node)?.replicas.keys() ?? []) {
    const { orders, neighbours } = folderOf(draft, folder)
    for (const peer of neighbours.get(node) ?? []) {
      const key = pairKey(node, peer)
      const order = orders.get(key)
      if (order?.id === id && order.phase === 'in_flight') return { folder, key, order }
    }
  }
  return undefined
}

/** It brought nothing: the next try waits, longer each time, unless one of the two has news. */
function rest(draft: Draft, { folder, key, order, reason }: Found & { reason: string }): void {
  const failures = order.failures + 1
  const pause = Math.min(bounds.longestRestMs, bounds.firstRestMs * 2 ** (failures - 1))
  const dueAt = draft.at + pause
  const versions = versionsOf(draft, folder, order.ends)
  putOrder(draft, folder, key, { ...order, phase: 'resting', failures, dueAt, versions, reason })
  draft.effects.push({ kind: 'order_failed', folder, id: order.id, reason })
  wakeAt(draft, dueAt)
}

/** An agent did not take an order, or could not be asked. */
export function onOrderAnswered(draft: Draft, { folder, node, peer, id, refusal }: EventOf<'order_answered'>): void {
  if (refusal === undefined) return
  const key = pairKey(node, peer)
  const order = folderOf(draft, folder).orders.get(key)
  if (order?.id === id && order.phase === 'in_flight') rest(draft, { folder, key, order, reason: refusal })
}

/** Time has passed: whatever is due is looked at again. */
export function reviewDue(draft: Draft): void {
  for (const [folder, { orders }] of draft.state.folders) {
    for (const { dueAt, ends } of orders.values()) if (draft.at >= dueAt) review(draft, folder, ...ends)
  }
}
