import type { FolderId, NodeId } from '../causal/types.ts'
import type { CoordinatorEffect } from './events.ts'
import type { NodeFacts, Replica } from './facts.ts'
import type { LinkRecord } from './links.ts'
import { OverlayMap } from './overlay-map.ts'
import { type CoordinatorState, type EdgeOrder, emptyFolder, type FolderState } from './state.ts'

/** A step's workspace: maps are copied when they are first changed, so that `step` as a whole stays pure. */
export interface Draft {
  readonly at: number
  state: CoordinatorState
  readonly effects: CoordinatorEffect[]
  /** Folders whose graph has changed in this step. */
  readonly stale: Set<FolderId>
  readonly own: {
    nodes?: OverlayMap<NodeId, NodeFacts>
    folders?: Map<FolderId, FolderState>
    links?: OverlayMap<string, LinkRecord>
  }
  readonly ownOrders: Map<FolderId, Map<string, EdgeOrder>>
}

export function begin(state: CoordinatorState, at: number): Draft {
  return { at, state, effects: [], stale: new Set(), own: {}, ownOrders: new Map() }
}

export function putNode(draft: Draft, node: NodeFacts): void {
  nodesOf(draft).set(node.id, node)
}

export function deleteNode(draft: Draft, id: NodeId): void {
  nodesOf(draft).delete(id)
}

function nodesOf(draft: Draft): OverlayMap<NodeId, NodeFacts> {
  if (!draft.own.nodes) {
    draft.own.nodes = new OverlayMap(draft.state.nodes)
    draft.state = { ...draft.state, nodes: draft.own.nodes }
  }
  return draft.own.nodes
}

export function putLink(draft: Draft, key: string, record: LinkRecord | undefined): void {
  if (!draft.own.links) {
    draft.own.links = new OverlayMap(draft.state.links)
    draft.state = { ...draft.state, links: draft.own.links }
  }
  if (record) draft.own.links.set(key, record)
  else draft.own.links.delete(key)
}

export function folderOf(draft: Draft, id: FolderId): FolderState {
  return draft.state.folders.get(id) ?? emptyFolder()
}

/** A folder that nobody holds any more is forgotten. */
export function editFolder(draft: Draft, id: FolderId, change: Partial<FolderState>): void {
  if (!draft.own.folders) {
    draft.own.folders = new Map(draft.state.folders)
    draft.state = { ...draft.state, folders: draft.own.folders }
  }
  const next = { ...folderOf(draft, id), ...change }
  if (next.members.size === 0) draft.own.folders.delete(id)
  else draft.own.folders.set(id, next)
}

export function putOrder(draft: Draft, folder: FolderId, key: string, order: EdgeOrder | undefined): void {
  const known = folderOf(draft, folder).orders
  if (order === undefined && !known.has(key)) return
  let orders = draft.ownOrders.get(folder)
  if (!orders) {
    orders = new Map(known)
    draft.ownOrders.set(folder, orders)
    editFolder(draft, folder, { orders })
  }
  if (order) orders.set(key, order)
  else orders.delete(key)
}

export function replicaOf(draft: Draft, folder: FolderId, node: NodeId): Replica | undefined {
  return draft.state.nodes.get(node)?.replicas.get(folder)
}

export function wakeAt(draft: Draft, at: number): void {
  draft.effects.push({ kind: 'wake', at })
}
