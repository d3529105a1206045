import type { Digest, FolderId, NodeId, ReplicaId, VersionVector } from '../causal/types.ts'

/** What a person wrote into the configuration about a link; wins over what is measured. */
export interface ConfiguredLink {
  readonly latencyMs?: number | undefined
  /** Bytes per second. */
  readonly throughputBps?: number | undefined
  readonly pricePerGb?: number | undefined
  readonly metered?: boolean | undefined
  /** Left of this month's data cap. */
  readonly capBytes?: number | undefined
}

/** One link as an end of it sees it. */
export interface LinkFacts {
  readonly peer: NodeId
  readonly up: boolean
  readonly rttMs?: number | undefined
  /** Bytes per second. */
  readonly throughputBps?: number | undefined
  /** A first estimate from a probe, not from transfers. */
  readonly throughputProbed?: boolean | undefined
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly configured?: ConfiguredLink | undefined
}

/** One replica, as its agent says. `peers`: with whom it is joined now; `narrow`: those of them from whom policy there holds something
 *  back, absent when there are none. */
export interface ReplicaFacts {
  readonly folder: FolderId
  readonly replica?: ReplicaId | undefined
  readonly state: 'open' | 'scanning' | 'closed'
  readonly knowledge: VersionVector
  readonly digest?: Digest | undefined
  /** Stands for what the node ignores beyond the usual. */
  readonly scope: string
  readonly files: number
  readonly bytes: number
  readonly peers: readonly NodeId[]
  readonly narrow?: readonly NodeId[] | undefined
}

/** A replica with a number that rises whenever its knowledge or digest changes. */
export interface Replica extends ReplicaFacts {
  readonly version: number
}

export type Effective = 'centralised' | 'decentralised'

export interface NodeFacts {
  readonly id: NodeId
  readonly name: string
  readonly software: string
  readonly run: string
  readonly seq: number
  readonly mode: { readonly configured: 'auto' | Effective; readonly effective: Effective }
  readonly links: ReadonlyMap<NodeId, LinkFacts>
  readonly replicas: ReadonlyMap<FolderId, Replica>
  /** Ms. */
  readonly heardAt: number
}

/** What one state message says. */
export interface StateFacts extends Pick<NodeFacts, 'name' | 'software' | 'run' | 'seq' | 'mode'> {
  readonly node: NodeId
  readonly full: boolean
  readonly links?: readonly LinkFacts[] | undefined
  readonly replicas: readonly ReplicaFacts[]
  readonly dropped?: readonly FolderId[] | undefined
  readonly finished?: readonly FinishedOrder[] | undefined
}

export type OrderOutcome = 'equal' | 'incomplete' | 'unreachable' | 'expired' | 'superseded'

export interface FinishedOrder {
  readonly id: string
  readonly outcome: OrderOutcome
  readonly reason: string
}

/** Ends in order, so that both directions are the same link. */
export function pairOf(left: NodeId, right: NodeId): readonly [NodeId, NodeId] {
  return left < right ? [left, right] : [right, left]
}

export function pairKey(left: NodeId, right: NodeId): string {
  return pairOf(left, right).join(' ')
}
