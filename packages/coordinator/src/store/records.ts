import type { FolderId, NodeId } from '@spansync/common/core/causal/types'
import { networkModes, type Report, type State } from '@spansync/common/protocol/coordination'
import { counter, folderId, nodeId } from '@spansync/common/protocol/values'
import { z } from 'zod'

// What the store keeps. Everything is parsed when it is loaded: a file or a server may hold what an older version, another program or
// a damaged disk wrote there.

export type { Report, State }

/** A node that somebody registered. Losing one means that the machine has to be registered again. */
export const nodeRecordSchema = z.object({
  id: nodeId,
  name: z.string().min(1).max(64),
  /** Public key of the node's nkey pair: what NATS lets in. */
  nkey: z.string().regex(/^U[A-Z2-7]{55}$/),
  /** Ms since 1970: when it was registered, or asked for the key that it has now. */
  addedAt: counter,
})

/** A node that was registered once: removed by a person, or replaced by one with a new key. */
export const removedNodeSchema = z.object({
  id: nodeId,
  /** Ms since 1970, by the store's clock. */
  removedAt: counter,
})

/** What people decide for the whole network. */
export const settingsSchema = z.object({
  mode: z.enum(networkModes),
  /** 0 cheapest, 1 fastest. */
  objective: z.number().min(0).max(1),
  /** Nodes that pass nothing on, such as a metered phone. */
  leafOnly: z.array(nodeId).max(10_000),
})

/** Until somebody changes them: the coordinator was set up to be used, and leans to neither side. */
export const defaultSettings: Settings = { mode: 'centralised', objective: 0.5, leafOnly: [] }

/** A link came up or went down at `at` (ms since 1970). The order of the two ends means nothing; a < b when it is loaded. */
export const linkEventSchema = z.object({ a: nodeId, b: nodeId, at: counter, up: z.boolean() })

/** What is known of a link over time, smoothed by whoever writes it: ms of having been up out of ms watched, round trip in ms and
 *  throughput in bytes per second, where they were measured. a < b when it is loaded. */
export const linkRecordSchema = z.object({
  a: nodeId,
  b: nodeId,
  upMs: z.number().min(0),
  totalMs: z.number().min(0),
  rttMs: z.number().min(0).optional(),
  throughputBps: z.number().min(0).optional(),
})

/** The plan of a folder as it was decided at `at` (ms since 1970). What a plan looks like is the planner's affair. */
export const planSnapshotSchema = z.object({ folder: folderId, at: counter, plan: z.json() })

export type NodeRecord = z.infer<typeof nodeRecordSchema>
export type RemovedNode = z.infer<typeof removedNodeSchema>
export type Settings = z.infer<typeof settingsSchema>
export type LinkEvent = z.infer<typeof linkEventSchema>
export type LinkRecord = z.infer<typeof linkRecordSchema>
export type PlanSnapshot = z.infer<typeof planSnapshotSchema>

/** The two ends of a link, in any order. */
export interface LinkEnds {
  readonly a: NodeId
  readonly b: NodeId
}

export interface Traffic {
  readonly bytes: number
  readonly files: number
}

/** Sum over the reports of one day, one link and one folder. */
export interface TrafficRow {
  /** UTC, `2026-01-31`, of the sessions' beginnings by the reporting nodes' clocks. */
  readonly day: string
  /** a < b. */
  readonly a: NodeId
  readonly b: NodeId
  readonly folder: FolderId
  readonly aToB: Traffic
  readonly bToA: Traffic
  /** However they ended. */
  readonly sessions: number
  readonly refused: number
  readonly failed: number
  readonly durationMs: number
}

/** The same link with its ends in order: how it is stored and found. */
export function inOrder<T extends LinkEnds>(link: T): T {
  return link.a <= link.b ? link : { ...link, a: link.b, b: link.a }
}
