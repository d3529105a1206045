import type { FolderId, NodeId } from '../causal/types.ts'
import type { Plan } from '../plan/types.ts'
import type { Effective, NodeFacts } from './facts.ts'
import type { LinkPast, LinkRecord } from './links.ts'

/** Everything the coordinator holds in memory. The agents' next states bring it back, so losing it costs time only. */
export interface CoordinatorState {
  /** The term of this coordinator: agents refuse orders of an older one. */
  readonly epoch: number
  readonly settings: Settings
  readonly nodes: ReadonlyMap<NodeId, NodeFacts>
  readonly folders: ReadonlyMap<FolderId, FolderState>
  /** By `pairKey`. */
  readonly links: ReadonlyMap<string, LinkRecord>
  /** What was known of links before this term; by `pairKey`. */
  readonly past: ReadonlyMap<string, LinkPast>
  readonly nextOrder: number
}

export interface Settings {
  readonly mode: Effective
  /** 0: cheapest, 1: fastest. */
  readonly objective: number
  /** Never relay: metered phones, nodes with a filter of their own. */
  readonly leafOnly: ReadonlySet<NodeId>
}

export interface FolderState {
  /** Nodes that hold the folder. */
  readonly members: ReadonlySet<NodeId>
  readonly plan: Plan | undefined
  /** Along the edges of the plan. */
  readonly neighbours: ReadonlyMap<NodeId, readonly NodeId[]>
  /** By `pairKey`. */
  readonly orders: ReadonlyMap<string, EdgeOrder>
  /** When the graph changed in a way that the plan does not know yet, ms. */
  readonly staleSince: number | undefined
}

/** What was asked of two replicas that differ. */
export interface EdgeOrder {
  readonly id: string
  readonly ends: readonly [NodeId, NodeId]
  /** `resting`: the last try did not make them equal, and the next one waits. */
  readonly phase: 'in_flight' | 'resting'
  readonly issuedAt: number
  /** When it is looked at again though nobody has said anything: renewed, or tried again. */
  readonly dueAt: number
  /** The replica's version when its end said that it was done; by end. */
  readonly done: ReadonlyMap<NodeId, number>
  /** Tries in a row that brought nothing, and the versions after the last. */
  readonly failures: number
  readonly versions: readonly [number, number]
  readonly reason: string
}

export const bounds = {
  /** An order holds this long without being renewed. */
  orderMs: 40_000,
  renewMs: 30_000,
  /** For the other end's word, after one end is done. */
  graceMs: 2000,
  firstRestMs: 1000,
  longestRestMs: 60_000,
  /** Folders with more members than this are planned anew at most this often. */
  promptMembers: 50,
  replanPauseMs: 100,
} as const

export function initialState(
  epoch: number,
  settings: Settings,
  past: ReadonlyMap<string, LinkPast> = new Map(),
): CoordinatorState {
  return { epoch, settings, nodes: new Map(), folders: new Map(), links: new Map(), past, nextOrder: 1 }
}

export function emptyFolder(): FolderState {
  return { members: new Set(), plan: undefined, neighbours: new Map(), orders: new Map(), staleSince: undefined }
}
