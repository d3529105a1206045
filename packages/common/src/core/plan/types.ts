import type { NodeId } from '../causal/types.ts'

/** A link that is up, as it is now. Undirected: `a` and `b` may be given either way round.
 *  - `rttMs` round trip in milliseconds; `throughputBps` bytes per second
 *  - `pricePerGb` money for 10^9 bytes, 0 when it is free
 *  - `availability` share of the time that it was up, 0..1
 *  - `metered` somebody counts the bytes; `capBytes` what is left of its data cap */
export interface PlanLink {
  readonly a: NodeId
  readonly b: NodeId
  readonly rttMs: number
  readonly throughputBps: number
  readonly pricePerGb: number
  readonly availability: number
  readonly metered: boolean
  readonly capBytes?: number | undefined
}

/** What a plan of one folder is made from.
 *  - `participants` the nodes that hold the folder; a link with an end elsewhere does not count, since others relay nothing
 *  - `leafOnly` nodes that must not pass anything on, such as a metered phone or a node with a filter of its own
 *  - `objective` 0 cheapest .. 1 fastest; 0.5 is called balanced
 *  - `previous` the plan in force, which is changed no more than pays */
export interface PlanRequest {
  readonly participants: readonly NodeId[]
  readonly leafOnly: ReadonlySet<NodeId>
  readonly links: readonly PlanLink[]
  readonly objective: number
  readonly previous?: Plan | undefined
}

/** A spanning forest.
 *  - `edges` the links it uses, `a` before `b`, sorted by `a`, then `b`
 *  - `components` every participant once: what the forest joins, each sorted, sorted by their first id
 *  - `heldApart` leaf-only nodes with a usable link out of their component, sorted: they could join the two if they might relay */
export interface Plan {
  readonly edges: readonly PlanLink[]
  readonly components: readonly (readonly NodeId[])[]
  readonly heldApart: readonly NodeId[]
}

/** What joins two nodes from now on: one link, several parallel ones, or none. */
export interface PairChange {
  readonly a: NodeId
  readonly b: NodeId
  readonly links: readonly PlanLink[]
}
